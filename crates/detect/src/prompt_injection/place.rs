//! Parts of a page that a person does not see.

use crate::pattern::{Pattern, compile_ascii};
use std::ops::Range;
use std::sync::LazyLock;

/// Where in a text a window lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In plain sight.
    Open,
    /// In an HTML comment.
    Comment,
    /// In an element that is not shown, or shown too small or too pale to be read.
    HiddenElement,
}

/// LIMIT: hidden parts of one text, and bytes of one of them.
const HIDDEN_MAX: usize = 256;
const HIDDEN_BYTES_MAX: usize = 16 * 1024;

static HIDING: Pattern = LazyLock::new(|| {
    compile_ascii(concat!(
        r#"(?i)<[a-z][a-z0-9]{0,15}\s[^<>]{0,400}?(?:display\s*:\s*none|visibility\s*:\s*hidden|"#,
        r#"opacity\s*:\s*0[^.\d]|font-size\s*:\s*[01](?:px|pt|em)?\s*[;"']|color\s*:\s*(?:white\b|#fff\b|#ffffff\b|transparent)|"#,
        r#"\shidden(?:[\s>=])|aria-hidden\s*=\s*["']?true|left\s*:\s*-\d{3,}px)[^<>]{0,400}?>"#
    ))
});

/// The hidden parts, comments first.
pub(super) fn hidden(text: &str) -> Vec<(Range<usize>, Place)> {
    let mut found = Vec::new();
    if !text.contains('<') {
        return found;
    }
    for (start, _) in text.match_indices("<!--") {
        let start = start + 4;
        push(text, start, "-->", Place::Comment, &mut found);
    }
    for tag in HIDING.find_iter(text) {
        push(text, tag.end(), "</", Place::HiddenElement, &mut found);
    }
    found
}

fn push(text: &str, start: usize, end: &str, place: Place, found: &mut Vec<(Range<usize>, Place)>) {
    let is_within_last = found
        .last()
        .is_some_and(|(last, _)| last.start <= start && start < last.end);
    if found.len() >= HIDDEN_MAX || is_within_last {
        return;
    }
    let limit = text.floor_char_boundary((start + HIDDEN_BYTES_MAX).min(text.len()));
    let inside = text.get(start..limit).unwrap_or_default();
    let length = inside.find(end).unwrap_or(inside.len());
    found.push((start..start + length, place));
}
