use std::fmt::Write;
use std::path::Path;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use portcullis_server::policy::PolicyFile;
use portcullis_syntax::{Diagnostic, Label, Severity, Span};

/// All diagnostics of a policy file, each underlined in its source.
pub(crate) fn policy_diagnostics(file: &PolicyFile) -> String {
    diagnostics(&file.path, &file.source, &file.diagnostics)
}

pub(crate) fn diagnostics(path: &Path, source: &str, found: &[Diagnostic]) -> String {
    let path = path.display().to_string();
    let mut text = String::new();
    for diagnostic in found {
        text.push_str(&underlined(
            &path,
            source,
            diagnostic.severity,
            (
                Some(diagnostic.code.0),
                &diagnostic.message,
                diagnostic.help.as_deref(),
            ),
            &diagnostic.labels,
        ));
        text.push_str("\n\n");
    }
    let errors = found
        .iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error);
    if let Some(first) = errors.clone().next() {
        let code = first.code.0;
        let count = errors.count();
        let more = if count == 1 { "" } else { "s" };
        let error = super::ERROR.paint("error");
        // Writing to a `String` does not fail.
        writeln!(
            text,
            "{error}: `{path}` does not load: {count} error{more}; see `portcullis explain {code}`"
        )
        .ok();
    }
    text
}

/// One problem, underlined in its text.
pub(super) fn underlined(
    path: &str,
    source: &str,
    severity: Severity,
    (code, message, help): (Option<&str>, &str, Option<&str>),
    labels: &[Label],
) -> String {
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let annotations = labels.iter().enumerate().map(|(place, label)| {
        let kind = if place == 0 {
            AnnotationKind::Primary
        } else {
            AnnotationKind::Context
        };
        let text = (!label.text.is_empty()).then_some(label.text.as_str());
        kind.span(bounded(source, label.span)).label(text)
    });
    let mut title = level.primary_title(message);
    if let Some(code) = code {
        title = title.id(code);
    }
    let mut group = title.element(Snippet::source(source).path(path).annotations(annotations));
    if let Some(help) = help {
        group = group.element(Level::HELP.message(help));
    }
    Renderer::styled().render(&[group])
}

/// The renderer panics on a span outside of its source.
fn bounded(source: &str, span: Span) -> std::ops::Range<usize> {
    let range = span.range();
    let start = source.floor_char_boundary(range.start.min(source.len()));
    let end = source.ceil_char_boundary(range.end.clamp(start, source.len()));
    start..end
}
