use std::io::{self, Read, Write};

use portcullis_json::{Object, Value};
use portcullis_mcp::view::ToolCall;
use portcullis_mcp::{EnvelopeLimits, Message, MessageKind, Method, Peer, error_code, write};

use super::lines::Lines;
use super::mailbox::Mailbox;
use super::{REVISION, VERSION};

const TOOLS: [ToolDescription; 3] = [
    ToolDescription {
        name: "list_mails",
        description: "Lists the mails of a folder, newest first.",
        parameters: &[(
            "folder",
            "string",
            "`inbox`, which is the default, or `sent`",
        )],
        required: &[],
    },
    ToolDescription {
        name: "read_mail",
        description: "Gives the text of one mail.",
        parameters: &[("id", "integer", "the number before it in the list")],
        required: &["id"],
    },
    ToolDescription {
        name: "send_mail",
        description: "Sends a mail.",
        parameters: &[
            ("to", "string", "an address"),
            ("subject", "string", "one line"),
            ("text", "string", "the mail itself"),
        ],
        required: &["to", "subject", "text"],
    },
];

struct ToolDescription {
    name: &'static str,
    description: &'static str,
    /// Name, JSON type and description.
    parameters: &'static [(&'static str, &'static str, &'static str)],
    required: &'static [&'static str],
}

/// Why a request gets an error instead of a result.
struct Refusal {
    code: i64,
    message: String,
}

/// What a tool answers: its output, or what is wrong with the call, which the model reads.
type Output = Result<String, String>;

/// Serves a mailbox over stdio until the client closes its side.
pub(crate) fn serve(input: impl Read, mut output: impl Write) -> io::Result<()> {
    let limits = EnvelopeLimits::new(Peer::Client);
    let mut mailbox = Mailbox::default();
    for line in Lines::new(input) {
        let answer = match Message::parse(&line?, &limits) {
            Ok(message) => answer(&mut mailbox, &message),
            Err(malformed) => Some(malformed.response()),
        };
        if let Some(mut answer) = answer {
            answer.push(b'\n');
            output.write_all(&answer)?;
            output.flush()?;
        }
    }
    Ok(())
}

fn answer(mailbox: &mut Mailbox, message: &Message) -> Option<Vec<u8>> {
    let MessageKind::Request { id, method } = message.kind() else {
        return None;
    };
    let nothing = Value::from(Object::new());
    Some(
        match result(mailbox, method, message.params().unwrap_or(&nothing)) {
            Ok(result) => write::result_response(id, &result.into()),
            Err(refusal) => write::error_response(Some(id), refusal.code, &refusal.message, None),
        },
    )
}

fn result(mailbox: &mut Mailbox, method: &Method, params: &Value) -> Result<Object, Refusal> {
    if *method == Method::Initialize {
        return Ok(handshake());
    }
    if *method == Method::Ping {
        return Ok(Object::new());
    }
    if *method == Method::ToolsList {
        let tools = TOOLS.iter().map(ToolDescription::definition);
        let mut result = Object::new();
        result.insert("tools", tools.collect::<Vec<_>>());
        return Ok(result);
    }
    if *method == Method::ToolsCall {
        let call = ToolCall::read(params).map_err(|error| Refusal {
            code: error_code::INVALID_PARAMS,
            message: error.to_string(),
        })?;
        return call_tool(mailbox, &call).map(tool_result);
    }
    Err(Refusal {
        code: error_code::METHOD_NOT_FOUND,
        message: "Method not found".to_owned(),
    })
}

fn handshake() -> Object {
    let mut capabilities = Object::new();
    capabilities.insert("tools", Object::new());
    let mut info = Object::new();
    info.insert("name", "mailbox");
    info.insert("version", VERSION);
    let mut result = Object::new();
    result.insert("protocolVersion", REVISION.as_str());
    result.insert("capabilities", capabilities);
    result.insert("serverInfo", info);
    result
}

fn call_tool(mailbox: &mut Mailbox, call: &ToolCall<'_>) -> Result<Output, Refusal> {
    let argument = |name| call.arguments.and_then(|arguments| arguments.get(name));
    let text = |name| {
        argument(name)
            .and_then(Value::as_str)
            .ok_or_else(|| format!("`{name}` must be a text"))
    };
    Ok(match &**call.name {
        "list_mails" => match argument("folder").map(Value::as_str) {
            None | Some(Some("inbox")) => Ok(Mailbox::list_inbox()),
            Some(Some("sent")) => Ok(mailbox.list_sent()),
            Some(_) => Err("`folder` must be `inbox` or `sent`".to_owned()),
        },
        "read_mail" => {
            let id = argument("id").and_then(Value::as_i64);
            id.and_then(Mailbox::read)
                .ok_or_else(|| "`id` must be the number of a mail in the list".to_owned())
        }
        "send_mail" => (|| {
            let (to, subject, _) = (text("to")?, text("subject")?, text("text")?);
            mailbox
                .send(to, subject)
                .ok_or_else(|| "too many mails were sent".to_owned())
        })(),
        name => {
            return Err(Refusal {
                code: error_code::INVALID_PARAMS,
                message: format!("Unknown tool: {name}"),
            });
        }
    })
}

fn tool_result(output: Output) -> Object {
    let is_error = output.is_err();
    let mut block = Object::new();
    block.insert("type", "text");
    block.insert("text", output.unwrap_or_else(|wrong| wrong));
    let mut result = Object::new();
    result.insert("content", vec![block.into()]);
    result.insert("isError", is_error);
    result
}

// === impl ToolDescription ===

impl ToolDescription {
    fn definition(&self) -> Value {
        let mut properties = Object::new();
        for (name, kind, description) in self.parameters {
            let mut property = Object::new();
            property.insert("type", *kind);
            property.insert("description", *description);
            properties.insert(*name, property);
        }
        let required = self.required.iter().map(|name| Value::from(*name));
        let mut schema = Object::new();
        schema.insert("type", "object");
        schema.insert("properties", properties);
        schema.insert("required", required.collect::<Vec<_>>());
        let mut definition = Object::new();
        definition.insert("name", self.name);
        definition.insert("description", self.description);
        definition.insert("inputSchema", schema);
        definition.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &str, expected: &[&str]) {
        let mut output = Vec::new();
        serve(lines.as_bytes(), &mut output).unwrap();
        let output = String::from_utf8(output).unwrap();
        let answers: Vec<&str> = output.lines().collect();
        assert_eq!(answers.len(), expected.len(), "{output}");
        for (answer, expected) in answers.iter().zip(expected) {
            assert!(answer.contains(expected), "{answer} lacks {expected}");
        }
    }

    fn call(tool: &str, arguments: &str) -> String {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
        ) + "\n"
    }

    #[test]
    fn a_mail_that_was_sent_is_in_the_folder() {
        let mail = r#"{"to":"a@b.example","subject":"hello","text":"…"}"#;
        let sent = r#"{"folder":"sent"}"#;
        let lines = call("list_mails", sent) + &call("send_mail", mail) + &call("list_mails", sent);
        check(
            &lines,
            &["no mails", "sent to a@b.example", "to a@b.example: hello"],
        );
    }

    #[test]
    fn wrong_calls_are_answered() {
        check(&call("read_mail", r#"{"id":9}"#), &["number of a mail"]);
        check(&call("read_mail", r#"{"id":"3"}"#), &["number of a mail"]);
        check(&call("list_mails", r#"{"folder":"x"}"#), &["`inbox` or"]);
        check(&call("list_mails", r#"{"folder":1}"#), &["`inbox` or"]);
        check(&call("send_mail", r#"{"to":"a"}"#), &["`subject` must"]);
        check(&call("delete_mail", "{}"), &["-32602"]);
    }

    #[test]
    fn what_is_no_request_of_ours_does_not_end_the_session() {
        let ping = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
        let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        let other = r#"{"jsonrpc":"2.0","id":2,"method":"prompts/list"}"#;
        check(
            &format!("nonsense\n{note}\n{other}\n{ping}\n"),
            &[
                "-32700",
                "-32601",
                r#"{"jsonrpc":"2.0","id":"p","result":{}}"#,
            ],
        );
        let long = "x".repeat(super::super::LINE_BYTES_MAX + 1) + "\n";
        assert!(serve(long.as_bytes(), Vec::new()).is_err());
    }
}
