//! `semgrep(code, lang)`, by the installed program.

use std::ffi::OsString;
use std::sync::Arc;

use portcullis_engine::{Answer, DetectorCall};
use portcullis_json::{Limits, Object, Value, parse};

use super::program::{Home, INPUT_BYTES_MAX, Program};
use super::{Answered, options};
use crate::config::SemgrepConfig;

const KEY: &str = "detectors.semgrep";
/// Neither asks whether there is a newer version nor tells how it is used.
const ENVIRONMENT: [(&str, &str); 2] = [
    ("SEMGREP_SEND_METRICS", "off"),
    ("SEMGREP_ENABLE_VERSION_CHECK", "0"),
];

/// See the module.
#[derive(Debug)]
pub(super) struct Semgrep {
    program: Program,
    config: SemgrepConfig,
}

// === impl Semgrep ===

impl Semgrep {
    pub(super) fn new(config: &SemgrepConfig) -> Self {
        Self {
            program: Program::new(&config.program, KEY),
            config: config.clone(),
        }
    }

    pub(super) async fn answer(&self, call: &DetectorCall) -> Answered {
        let (rules, file) = match options::text(&call.options, "lang")? {
            Some("python") => (&self.config.python_rules, "code.py"),
            Some("bash") => (&self.config.bash_rules, "code.sh"),
            Some(other) => {
                return Err(format!("`semgrep` has no rules for the language `{other}`"));
            }
            None => return Err("the argument `lang` is missing".to_owned()),
        };
        if call.text.len() > INPUT_BYTES_MAX {
            return Err(format!(
                "`semgrep` is given code longer than {INPUT_BYTES_MAX} bytes"
            ));
        }
        let home = Home::with(file, Arc::clone(&call.text)).await;
        let home = home.map_err(|error| self.program.failure(error))?;
        let words = ["scan", "--json", "--quiet", "--metrics", "off"];
        let mut arguments: Vec<OsString> = words.map(OsString::from).into();
        arguments.push("--disable-version-check".into());
        arguments.push("--config".into());
        arguments.push(rules.into());
        arguments.push(home.path().join(file).into_os_string());
        let answer = self
            .program
            .run(arguments, &ENVIRONMENT, b"", &home)
            .await?;
        let issues = parse(&answer, &Limits::lenient())
            .ok()
            .and_then(|report| issues(&report));
        let issues = issues.ok_or_else(|| self.program.failure("its answer is no report"))?;
        Ok(Answer {
            value: issues.into(),
            marks: Vec::new(),
        })
    }
}

/// What it found; `None` if it could not look at everything.
fn issues(report: &Value) -> Option<Vec<Value>> {
    let errors = report.get("errors").and_then(Value::as_array);
    let is_error = |error: &Value| error.get("level").and_then(Value::as_str) == Some("error");
    if errors.is_some_and(|errors| errors.iter().any(is_error)) {
        return None;
    }
    let results = report.get("results")?.as_array()?;
    results.iter().map(issue).collect()
}

fn issue(result: &Value) -> Option<Value> {
    let extra = result.get("extra")?;
    let text = |member: &str| extra.get(member).and_then(Value::as_str);
    let source = extra
        .get("metadata")
        .and_then(|metadata| metadata.get("source")?.as_str())
        .or_else(|| result.get("check_id")?.as_str());
    let severity = match text("severity")? {
        "ERROR" => "error",
        "WARNING" => "warning",
        _ => "info",
    };
    let mut issue = Object::new();
    issue.insert(
        "description",
        format!(
            "{} (source: {}, lines: {})",
            text("message")?,
            source.unwrap_or_default(),
            text("lines").unwrap_or_default()
        ),
    );
    issue.insert("severity", severity);
    Some(issue.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_becomes_issues() {
        let check = |report: &str, expected: Option<&str>| {
            let report = parse(report, &Limits::lenient()).unwrap();
            let issues = issues(&report).map(|issues| Value::from(issues).to_string());
            assert_eq!(issues.as_deref(), expected, "{report}");
        };
        check(r#"{"results":[],"errors":[]}"#, Some("[]"));
        check(
            r#"{"results":[{"check_id":"eval","extra":{"message":"eval is evil","severity":"ERROR","lines":"eval(x)"}}]}"#,
            Some(
                r#"[{"description":"eval is evil (source: eval, lines: eval(x))","severity":"error"}]"#,
            ),
        );
        check(
            r#"{"results":[{"check_id":"a","extra":{"message":"m","severity":"WARNING","lines":"l","metadata":{"source":"s"}}}],"errors":[{"level":"warn"}]}"#,
            Some(r#"[{"description":"m (source: s, lines: l)","severity":"warning"}]"#),
        );
        check(r#"{"results":[],"errors":[{"level":"error"}]}"#, None);
        check(r#"{"errors":[]}"#, None);
        check(r#"{"results":[{}]}"#, None);
    }
}
