use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use portcullis_server::config::{FileProblems, Problem};
use portcullis_syntax::Severity;

use super::policy::bounded;

/// All problems of configuration and policy files, each underlined in its text.
pub(crate) fn file_problems(files: &[FileProblems]) -> String {
    let mut text = String::new();
    for file in files {
        let path = file.path.display().to_string();
        for problem in &file.problems {
            text.push_str(&one(&path, &file.text, problem));
            text.push_str("\n\n");
        }
    }
    let count: usize = files.iter().map(|file| file.errors().count()).sum();
    if count > 0 {
        let more = if count == 1 { "" } else { "s" };
        let error = super::ERROR.paint("error");
        // Writing to a `String` does not fail.
        writeln!(
            text,
            "{error}: the configuration does not load: {count} error{more}"
        )
        .ok();
    }
    text
}

fn one(path: &str, source: &str, problem: &Problem) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let annotations = problem.labels.iter().enumerate().map(|(place, label)| {
        let kind = if place == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let text = (!label.text.is_empty()).then_some(label.text.as_str());
        kind.span(bounded(source, label.span)).label(text)
    });
    let snippet = Snippet::source(source).path(path).annotations(annotations);
    let mut title = level.primary_title(problem.message.as_str());
    if let Some(code) = problem.code {
        title = title.id(code.0);
    }
    let mut group = title.element(snippet);
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    Renderer::styled().render(&[group])
}
