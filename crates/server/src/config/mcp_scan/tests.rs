mod errors;
mod priority;
mod scopes;

use std::path::PathBuf;

use portcullis_json::{Object, Value, write};
use portcullis_session::GuardrailAction;
use portcullis_syntax::Severity;

use super::*;
use crate::check::{TraceFile, check as evaluate};
use crate::config::DetectorsConfig;

/// Together they violate each default guardrail that has a backend.
const LINK: &str = "see https://a.example/x";
const SECRET: &str = "the key is AKIAIOSFODNN7EXAMPLE";
const PII: &str = "write to eve@corp.example.com";

fn parse(yaml: &str) -> McpScanFile {
    let mut problems = Vec::new();
    let file = McpScanFile::parse(yaml, &mut problems);
    let is_error = |problem: &&Problem| problem.severity == Severity::Error;
    let errors: Vec<&Problem> = problems.iter().filter(is_error).collect();
    assert!(errors.is_empty(), "{yaml}\n{errors:?}");
    file
}

/// A call of a tool, and what it answers.
fn trace(tool: &str, answer: &str) -> TraceFile {
    let text = |text: &str| write(&Value::from(text));
    let source = format!(
        r#"[{{"role":"assistant","content":null,"tool_calls":[{{"id":"1","type":"function","function":{{"name":{tool},"arguments":{{}}}}}}]}},
           {{"role":"tool","tool_call_id":"1","content":[{{"type":"text","text":{answer}}}]}}]"#,
        tool = text(tool),
        answer = text(answer),
    );
    TraceFile::parse(PathBuf::from("trace"), source).unwrap()
}

/// What speaks up about a trace, each as `id action`, or `id action on failure`.
fn spoken(guardrails: &[Guardrail], trace: &TraceFile) -> Vec<String> {
    let mut spoken = Vec::new();
    for guardrail in guardrails {
        let id = guardrail.name.id.as_deref().unwrap();
        let action = |action| match action {
            GuardrailAction::Block => "block",
            GuardrailAction::Log => "log",
        };
        let policy = guardrail.policy.clone().unwrap();
        let checked = evaluate(policy, trace, Object::new(), &DetectorsConfig::default());
        match checked.unwrap().evaluated {
            Ok(found) if found.is_empty() => {}
            Ok(_) => spoken.push(format!("{id} {}", action(guardrail.on_violation))),
            Err(_) => spoken.push(format!("{id} {} on failure", action(guardrail.on_failure))),
        }
    }
    spoken
}

/// A custom guardrail that finds `x` in any answer.
fn custom(more: &str) -> String {
    let content =
        r#""raise 'x' if:\n    (o: ToolOutput)\n    (p: str) in text(o)\n    'x' in p\n""#;
    format!("{{ name: n, id: i, content: {content}{more} }}")
}
