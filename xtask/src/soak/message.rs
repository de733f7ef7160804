//! The little of MCP that the soak's clients and servers say to each other.

use super::fault::Fault;
use portcullis_json::{self as json, Limits, Value};

const INITIALIZED: &str = r#"{"protocolVersion":"PROTOCOL","capabilities":{"tools":{}},"serverInfo":{"name":"soak","version":"1"}}"#;

/// What a server is asked.
pub(crate) enum Asked {
    /// With its answer.
    Initialize(String),
    Call {
        fault: Fault,
        answer: String,
    },
    /// Nothing that has an answer.
    Told,
}

/// What a client hears of its call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Answer,
    Failure(String),
    /// The session is over.
    End(String),
}

pub(crate) fn initialize(protocol: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{protocol}","capabilities":{{}},"clientInfo":{{"name":"soak","version":"1"}}}}}}"#
    )
}

pub(crate) fn initialized() -> &'static str {
    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
}

pub(crate) fn call(id: u64, fault: Fault, text: &str) -> String {
    let name = fault.name();
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{name}","arguments":{{"text":"{text}"}}}}}}"#
    )
}

pub(crate) fn asked(message: &[u8]) -> Result<Asked, String> {
    let message = read(message)?;
    let Some(id) = message.get("id").and_then(Value::as_i64) else {
        return Ok(Asked::Told);
    };
    let member = |path: &[&str]| {
        let found = path
            .iter()
            .try_fold(&message, |value, name| value.get(name));
        found.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    if member(&["method"]) == "initialize" {
        let protocol = member(&["params", "protocolVersion"]);
        let result = INITIALIZED.replace("PROTOCOL", &protocol);
        return Ok(Asked::Initialize(response(id, &result)));
    }
    let text = json::write(&member(&["params", "arguments", "text"]).into());
    let result = format!(r#"{{"content":[{{"type":"text","text":{text}}}]}}"#);
    Ok(Asked::Call {
        fault: Fault::named(&member(&["params", "name"])),
        answer: response(id, &result),
    })
}

/// What a message says about the call; nothing if it is about something else.
pub(crate) fn heard(message: &[u8], id: u64, text: &str) -> Result<Option<Heard>, String> {
    let message = read(message)?;
    if message.get("id").and_then(Value::as_i64) != i64::try_from(id).ok() {
        return Ok(None);
    }
    if let Some(error) = message.get("error") {
        return Ok(Some(Heard::Failure(json::write(error))));
    }
    let content = message
        .get("result")
        .and_then(|result| result.get("content"));
    let block = content.and_then(Value::as_array).and_then(<[Value]>::first);
    let echoed = block
        .and_then(|block| block.get("text"))
        .and_then(Value::as_str);
    if echoed == Some(text) {
        Ok(Some(Heard::Answer))
    } else {
        Err(format!("call {id} got {}", json::write(&message)))
    }
}

fn response(id: i64, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

fn read(message: &[u8]) -> Result<Value, String> {
    let text = str::from_utf8(message).map_err(|error| error.to_string())?;
    json::parse(text, &Limits::strict()).map_err(|error| format!("{error}: {text:?}"))
}
