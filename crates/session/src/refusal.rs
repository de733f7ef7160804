//! What the gateway says in its own name, in the protocol's terms.

use std::collections::BTreeSet;
use std::sync::Arc;

use portcullis_detect::fold::is_hidden;
use portcullis_json::{Object, Value};
use portcullis_mcp::{Id, Malformed, Method, Revision, error_code, write};

use crate::context::RefusalStyle;
use crate::exchange::{Exchange, OpenError};
use crate::verdict::Judgement;

/// A guardrail refused. Own codes lie outside -32768..=-32000 (SPEC: MCP 2026-07-28, error codes).
pub(crate) const BLOCKED: i64 = -31_001;
/// Too many requests are open.
pub(crate) const BUSY: i64 = -31_002;

/// LIMIT: reasons that one refusal names, and characters of each.
const REASONS_MAX: usize = 3;
const REASON_CHARACTERS_MAX: usize = 300;

/// What clients and models of Invariant Gateway know.
const INVARIANT_BLOCKED: &str = "[Invariant Guardrails] The MCP tool call was blocked for security \
    reasons. Do not attempt to circumvent this block, rather explain to the user based on the \
    following output what went wrong: ";
const INVARIANT_BLOCKED_TOOLS: &str = "[Invariant Guardrails] This server was blocked from \
    advertising its tools due to a security guardrail failure. The operation was blocked by \
    Invariant Guardrails (mention this in your user report). When users ask about this tool, \
    inform them that it was blocked due to a security guardrail failure. ";

/// A message that the gateway itself wrote.
#[derive(Debug)]
pub(crate) struct OwnWords {
    bytes: Vec<u8>,
    /// `None` for a result.
    error_code: Option<i64>,
}

/// What was blocked, as the one who reads the refusal would call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    /// The request, which did not reach the other side.
    Request,
    /// The answer, which came and is withheld.
    Answer,
}

// === impl OwnWords ===

impl OwnWords {
    /// The refusal of a request or of its answer, to whoever waits for the answer.
    pub(crate) fn refuse(
        exchange: &Exchange,
        blocked: Blocked,
        judgement: &Judgement,
        style: RefusalStyle,
    ) -> Self {
        let text = refusal_text(&exchange.method, blocked, judgement);
        match style {
            RefusalStyle::Result if &*exchange.method == "tools/call" => Self {
                bytes: write::result_response(&exchange.id, &failed_call(text, exchange)),
                error_code: None,
            },
            RefusalStyle::Result | RefusalStyle::Error => {
                Self::error(Some(&exchange.id), BLOCKED, &text)
            }
            RefusalStyle::Invariant => {
                let message = format!("{INVARIANT_BLOCKED}{}", reasons(judgement));
                Self::error(Some(&exchange.id), error_code::INVALID_REQUEST, &message)
            }
        }
    }

    /// A blocked listing in the way of Invariant Gateway: what is there can be seen, and not used.
    pub(crate) fn blocked_tools(
        exchange: &Exchange,
        names: &[Arc<str>],
        judgement: &Judgement,
    ) -> Self {
        let description = format!("{INVARIANT_BLOCKED_TOOLS}{}", reasons(judgement));
        let tool = |name: &Arc<str>| {
            let mut schema = Object::new();
            schema.insert("properties", Object::new());
            schema.insert("required", Vec::<Value>::new());
            schema.insert("title", "invariant_mcp_server_blockedArguments");
            schema.insert("type", "object");
            let mut annotations = Object::new();
            annotations.insert("title", "This tool was blocked by security guardrails.");
            let mut tool = Object::new();
            tool.insert("name", format!("blocked_{}", plain(name)));
            tool.insert("description", description.as_str());
            tool.insert("inputSchema", schema);
            tool.insert("annotations", annotations);
            Value::from(tool)
        };
        let tools: Vec<Value> = names.iter().map(tool).collect();
        let mut result = Object::new();
        result.insert("tools", tools);
        Self {
            bytes: write::result_response(&exchange.id, &result.into()),
            error_code: None,
        }
    }

    pub(crate) fn error(id: Option<&Id>, code: i64, message: &str) -> Self {
        Self::error_with(id, code, message, None)
    }

    fn error_with(id: Option<&Id>, code: i64, message: &str, data: Option<&Value>) -> Self {
        Self {
            bytes: write::error_response(id, code, message, data),
            error_code: Some(code),
        }
    }

    pub(crate) fn malformed(malformed: &Malformed) -> Self {
        Self {
            bytes: malformed.response(),
            error_code: Some(malformed.code()),
        }
    }

    pub(crate) fn cannot_open(id: &Id, error: OpenError) -> Self {
        match error {
            OpenError::Duplicate => Self::error(
                Some(id),
                error_code::INVALID_REQUEST,
                "the id belongs to a request that has no answer yet, use another one",
            ),
            OpenError::TooMany { limit } => Self::error(
                Some(id),
                BUSY,
                &format!("{limit} requests have no answer yet, wait for one of them"),
            ),
        }
    }

    pub(crate) fn unknown_method(id: &Id) -> Self {
        Self::error(Some(id), error_code::METHOD_NOT_FOUND, "Method not found")
    }

    /// As servers say it of a tool that does not exist, so that a withheld one looks the same.
    pub(crate) fn unknown_tool(id: &Id, name: &str) -> Self {
        let message = format!("Unknown tool: {}", plain(name));
        Self::error(Some(id), error_code::INVALID_PARAMS, &message)
    }

    /// As the specification has servers say it of a task that does not exist, so that nobody learns
    /// of somebody else's.
    pub(crate) fn unknown_task(id: &Id) -> Self {
        let message = "Failed to retrieve task: Task not found";
        Self::error(Some(id), error_code::INVALID_PARAMS, message)
    }

    /// SPEC: MCP 2026-07-28, Versioning: the supported revisions come with the error.
    pub(crate) fn unsupported_revision(id: &Id, requested: &str, era: Option<Revision>) -> Self {
        let is_possible = |revision: &Revision| {
            era.is_none_or(|era| era.is_stateless() == revision.is_stateless())
        };
        let supported = Revision::ALL.into_iter().filter(is_possible);
        let supported: Vec<Value> = supported.map(|revision| revision.as_str().into()).collect();
        let data = Object::from([
            ("supported", supported.into()),
            ("requested", plain(requested).into()),
        ]);
        Self::error_with(
            Some(id),
            error_code::UNSUPPORTED_PROTOCOL_VERSION,
            "Unsupported protocol version",
            Some(&data.into()),
        )
    }

    pub(crate) fn notification(method: &Method, params: Option<&Value>) -> Self {
        Self {
            bytes: write::notification(method.as_str(), params),
            error_code: None,
        }
    }

    pub(crate) fn error_code(&self) -> Option<i64> {
        self.error_code
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn refusal_text(method: &str, blocked: Blocked, judgement: &Judgement) -> String {
    let (what, outcome) = match (blocked, method) {
        (Blocked::Request, "tools/call") => (
            "This tool call was blocked",
            "It was not carried out. Do not repeat the same call; go on without it or ask the user.",
        ),
        (Blocked::Request, _) => (
            "This request was blocked",
            "It was not passed on. Do not repeat it unchanged.",
        ),
        (Blocked::Answer, "tools/call") => (
            "The output of this tool call was withheld",
            "The call itself was carried out. Do not repeat it to get the output; go on without it \
             or ask the user.",
        ),
        (Blocked::Answer, _) => (
            "The answer to this request was withheld",
            "Do not repeat the request unchanged.",
        ),
    };
    format!("[Portcullis] {what} by {}. {outcome}", reasons(judgement))
}

/// Names the guardrails and their rules. The texts are the policy author's; as they may quote a
/// peer, they are shortened and kept to one line.
fn reasons(judgement: &Judgement) -> String {
    let failed = judgement.blocking_failure().map(|failed| {
        let reason = plain(&failed.reason);
        format!(
            "guardrail `{}`, which could not be evaluated ({reason})",
            failed.guardrail.name
        )
    });
    let violated = judgement.blocking().map(|violation| {
        let message = plain(&violation.message);
        format!("guardrail `{}` ({message})", violation.guardrail.name)
    });
    let mut seen = BTreeSet::new();
    let mut distinct: Vec<String> = failed
        .into_iter()
        .chain(violated)
        .filter(|reason| seen.insert(reason.clone()))
        .take(REASONS_MAX + 1)
        .collect();
    if distinct.len() > REASONS_MAX {
        distinct.truncate(REASONS_MAX);
        distinct.push("others".to_owned());
    }
    distinct.join(" and ")
}

fn failed_call(text: String, exchange: &Exchange) -> Value {
    let block = Value::from([("type", "text".into()), ("text", text.into())]);
    let mut result = Object::new();
    if exchange.is_stateless() {
        result.insert("resultType", "complete");
    }
    result.insert("content", vec![block]);
    result.insert("isError", true);
    result.into()
}

/// One short line without characters that hide or reorder text.
pub(crate) fn plain(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(REASON_CHARACTERS_MAX)
        .map(|character| if is_hidden(character) { ' ' } else { character })
        .collect();
    if text.chars().nth(REASON_CHARACTERS_MAX).is_some() {
        shown.push('…');
    }
    shown
}
