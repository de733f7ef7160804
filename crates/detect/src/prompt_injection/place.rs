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

/// LIMIT: hidden elements of one text, as many comments, and bytes of one of them.
const HIDDEN_MAX: usize = 256;
const HIDDEN_BYTES_MAX: usize = 16 * 1024;

/// Less than this is no order, and does not count towards [`HIDDEN_MAX`].
const HIDDEN_BYTES_MIN: usize = 8;

static HIDING: Pattern = LazyLock::new(|| {
    compile_ascii(concat!(
        r#"(?i)<([a-z][a-z0-9]{0,15})(?:\s[^<>]{0,400}?)??(?:\shidden\s{0,8}/?>|"#,
        r#"(?:\shidden[\s=]|display\s*:\s*none|visibility\s*:\s*hidden|"#,
        r#"opacity\s*:\s*0[^.\d]|font-size\s*:\s*[01](?:px|pt|em)?\s*[;"']|"#,
        r#"[^-]\bcolor\s*:\s*(?:white\b|#fff\b|#ffffff\b|transparent)|"#,
        r#"aria-hidden\s*=\s*["']?true|left\s*:\s*-\d{3,}px)[^<>]{0,400}?>)"#
    ))
});

/// Elements without an end, and so without a text inside.
const VOID: [&str; 13] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
];

/// The hidden parts, comments first.
pub(super) fn hidden(text: &str) -> Vec<(Range<usize>, Place)> {
    if !text.contains('<') {
        return Vec::new();
    }
    let comments = text
        .match_indices("<!--")
        .map(|(start, mark)| (start + mark.len(), ()));
    let elements = HIDING.captures_iter(text).filter_map(|found| {
        let (tag, name) = (found.get(0)?, found.get(1)?.as_str());
        let is_void = VOID.iter().any(|void| void.eq_ignore_ascii_case(name));
        (!is_void).then(|| (tag.end(), name))
    });
    let comments = apart(comments, |start, ()| {
        let inside = bounded(text, start);
        inside.find("-->").unwrap_or(inside.len())
    });
    let elements = apart(elements, |start, name| {
        length_of(bounded(text, start), name)
    });
    let comments = comments.map(|span| (span, Place::Comment));
    let elements = elements.map(|span| (span, Place::HiddenElement));
    comments.chain(elements).collect()
}

/// The spans that are long enough and begin in no earlier one, as many as the limit allows.
///
/// How long a span is may take [`HIDDEN_BYTES_MAX`] to see, so that is asked only of those.
fn apart<T>(
    starts: impl Iterator<Item = (usize, T)>,
    length: impl Fn(usize, T) -> usize,
) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    let next = move |(start, what): (usize, T)| {
        if start < end {
            return None;
        }
        let span = start..start + length(start, what);
        if span.len() < HIDDEN_BYTES_MIN {
            return None;
        }
        end = span.end;
        Some(span)
    };
    starts.filter_map(next).take(HIDDEN_MAX)
}

fn bounded(text: &str, start: usize) -> &str {
    let end = text.floor_char_boundary((start + HIDDEN_BYTES_MAX).min(text.len()));
    text.get(start..end).unwrap_or_default()
}

/// How long the inside of an element is, others of its name inside included.
fn length_of(inside: &str, name: &str) -> usize {
    let mut open = 1_usize;
    for (place, _) in inside.match_indices('<') {
        let rest = inside.get(place + 1..).unwrap_or_default();
        let (rest, is_end) = match rest.strip_prefix('/') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let is_same = rest
            .split_at_checked(name.len())
            .is_some_and(|(start, after)| {
                start.eq_ignore_ascii_case(name)
                    && !after.starts_with(|it: char| it.is_ascii_alphanumeric())
            });
        match (is_same, is_end) {
            (true, true) => open -= 1,
            (true, false) => open += 1,
            (false, _) => {}
        }
        if open == 0 {
            return place;
        }
    }
    inside.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = hidden(text)
            .into_iter()
            .map(|(span, _)| text.get(span).unwrap())
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn a_hidden_element_ends_where_it_is_closed() {
        check(
            "<div style='display:none'><b></b>one <div>two</div> three</DIV> four</div>",
            &["<b></b>one <div>two</div> three"],
        );
        check("<p hidden>never closed", &["never closed"]);
        check("<i aria-hidden=true>one <it>two</i>c", &["one <it>two"]);
    }

    #[test]
    fn what_hides_nothing_is_in_the_open() {
        check(
            "<div style='background-color: white'>a long text</div>",
            &[],
        );
        check("<input aria-hidden='true'> a long text", &[]);
        check("<p style='color:white'>a long text</p>", &["a long text"]);
    }

    #[test]
    fn empty_comments_use_nothing_up() {
        let text = "<!---->".repeat(HIDDEN_MAX) + "<!-- an order -->";
        check(&text, &[" an order "]);
    }

    #[test]
    fn what_begins_inside_of_another_is_not_measured() {
        let measured = Cell::new(0);
        let starts = (0..1_000).map(|start| (start, ()));
        let spans: Vec<_> = apart(starts, |_, ()| {
            measured.set(measured.get() + 1);
            400
        })
        .collect();
        assert_eq!(spans, [0..400, 400..800, 800..1_200]);
        assert_eq!(measured.get(), 3);
    }
}
