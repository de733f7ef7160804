mod documentation;
mod errors;
mod meaning;
#[path = "../../../model/tests/support/tiny.rs"]
pub(super) mod tiny;

use std::path::Path;

use portcullis_syntax::Severity;

use super::inputs::Models;
use super::problem::FileProblems;
use super::read::{Named, parse};
use super::{ConfigError, GatewayConfig};

const POLICY: &str = "raise \"secret\" if:\n    (m: Message)\n    \"x\" in m.content\n";

fn environment(name: &str) -> Option<String> {
    match name {
        "PATH" => Some("/bin".to_owned()),
        "HOME" => Some("/home/u".to_owned()),
        "TOKEN" | "TICKETS_TOKEN" | "GIT_TOKEN" | "LEGACY_KEY" | "DATABASE_PASSWORD"
        | "OPENAI_API_KEY" => Some("s3cret".to_owned()),
        _ => None,
    }
}

fn read(yaml: &str) -> Result<GatewayConfig, ConfigError> {
    read_at(Path::new("conf/portcullis.yaml"), yaml)
}

fn read_at(path: &Path, yaml: &str) -> Result<GatewayConfig, ConfigError> {
    parse(
        path,
        yaml.to_owned(),
        &environment,
        &Models::default(),
        Named::Any,
    )
    .0
}

fn config(yaml: &str) -> GatewayConfig {
    read(yaml).unwrap_or_else(|error| panic!("{yaml}\n{error}"))
}

/// Each problem as `line:column: message`, with the text that is underlined and the way out.
pub(super) fn shown(files: &[FileProblems]) -> Vec<String> {
    let mut shown = Vec::new();
    for file in files {
        for problem in &file.problems {
            let range = problem.labels[0].span.range();
            let before = file.text.get(..range.start).unwrap();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            let marked = file.text.get(range).unwrap_or_default();
            let severity = match problem.severity {
                Severity::Error => "",
                Severity::Warning => "warning: ",
            };
            let mut text = format!("{line}:{column} {marked:?} {severity}{}", problem.message);
            if let Some(help) = &problem.help {
                text.push_str(" -> ");
                text.push_str(help);
            }
            shown.push(text);
        }
    }
    shown
}
