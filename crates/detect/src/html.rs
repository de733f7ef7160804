//! What HTML hides from the eye: alternative texts of images, and targets of links.
//!
//! Reads tags as Python 3.11's `html.parser` does when it is fed the whole text: tolerant, and
//! silent about a tag that the end of the text cuts off.

mod entity;
mod tag;

use crate::pattern::{Pattern, compile};
use std::sync::LazyLock;
use tag::StartTag;

static COMMENT_END: Pattern = LazyLock::new(|| compile(r"--[\s\x1c-\x1f]*>"));
static SECTION_END: Pattern = LazyLock::new(|| compile(r"\][\s\x1c-\x1f]*\][\s\x1c-\x1f]*>"));
static OFFICE_SECTION_END: Pattern = LazyLock::new(|| compile(r"\][\s\x1c-\x1f]*>"));
static SECTION_NAME: Pattern =
    LazyLock::new(|| compile(r"^([a-zA-Z][-_.a-zA-Z0-9]*)[\s\x1c-\x1f]*"));
static SCRIPT_END: Pattern =
    LazyLock::new(|| compile(r"(?i)</[\s\x1c-\x1f]*scr[iİı]pt[\s\x1c-\x1f]*>"));
static STYLE_END: Pattern = LazyLock::new(|| compile(r"(?i)</[\s\x1c-\x1f]*style[\s\x1c-\x1f]*>"));

/// Texts of a page that are easily overlooked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Html {
    /// `alt` attributes of `img` tags, in order; empty for one without a value.
    pub alt_texts: Vec<String>,
    /// `href` attributes of `a` tags, in order; empty for one without a value.
    pub links: Vec<String>,
}

/// The text with its character references decoded.
pub(crate) fn unescape(text: &str) -> String {
    entity::decode(text)
}

/// Reads the page from its start as far as its tags are whole.
pub fn scan(text: &str) -> Html {
    let mut found = Html::default();
    let mut rest = text;
    while let Some(start) = rest.find('<')
        && let Some(after) = rest
            .get(start..)
            .and_then(|markup| skip(markup, &mut found))
    {
        rest = after;
    }
    found
}

/// The text after the markup that `markup` starts with, or `None` if the text ends within.
fn skip<'a>(markup: &'a str, found: &mut Html) -> Option<&'a str> {
    let after_sign = markup.strip_prefix('<')?;
    if after_sign.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return skip_start_tag(markup, found);
    }
    if let Some(comment) = after_sign.strip_prefix("!--") {
        return after_match(comment, &COMMENT_END);
    }
    if let Some(section) = after_sign.strip_prefix("![") {
        return skip_section(section);
    }
    match after_sign.strip_prefix(['/', '?', '!']) {
        Some(declaration) => declaration.split_once('>').map(|(_, after)| after),
        None => (!after_sign.is_empty()).then_some(after_sign),
    }
}

fn after_match<'a>(text: &'a str, pattern: &Pattern) -> Option<&'a str> {
    text.get(pattern.find(text)?.end()..)
}

/// A section of an unknown kind ends with the next `>`, where the reference gives up.
fn skip_section(section: &str) -> Option<&str> {
    let Some(captures) = SECTION_NAME.captures(section) else {
        return if section.is_empty() {
            None
        } else {
            section.split_once('>').map(|it| it.1)
        };
    };
    let (name, whole) = (captures.get(1)?.as_str().to_lowercase(), captures.get(0)?);
    if whole.end() == section.len() {
        return None;
    }
    match name.as_str() {
        "temp" | "cdata" | "ignore" | "include" | "rcdata" => after_match(section, &SECTION_END),
        "if" | "else" | "endif" => after_match(section, &OFFICE_SECTION_END),
        _ => section.split_once('>').map(|(_, after)| after),
    }
}

fn skip_start_tag<'a>(markup: &'a str, found: &mut Html) -> Option<&'a str> {
    let end = tag::end(markup)?;
    let after = markup.get(end..)?;
    let Some(tag) = markup
        .get(..end)
        .and_then(|source| StartTag::parse(source, markup))
    else {
        return Some(after);
    };
    match tag.name.as_str() {
        "img" => found.alt_texts.extend(tag.values("alt")),
        "a" => found.links.extend(tag.values("href")),
        "script" if !tag.is_empty => return after_match(after, &SCRIPT_END),
        "style" if !tag.is_empty => return after_match(after, &STYLE_END),
        _ => {}
    }
    Some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, alt_texts: &[&str], links: &[&str]) {
        let found = scan(text);
        assert_eq!(
            (found.alt_texts, found.links),
            (owned(alt_texts), owned(links)),
            "{text:?}"
        );
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn alt_texts_and_links_are_found() {
        check(
            "<p>x <img src=\"a.png\" alt=\"say yes\"> <a href='https://e.example/a?b=c'>k</a>",
            &["say yes"],
            &["https://e.example/a?b=c"],
        );
        check(
            "<IMG ALT=a/><img alt = b /><img/alt=c><a\nHREF=x>",
            &["a/", "b", "c"],
            &["x"],
        );
        check(
            "<img alt><img alt=''><img alt=1 alt=2>",
            &["", "", "1", "2"],
            &[],
        );
        check("no <b>html</b> < img alt=x>", &[], &[]);
    }

    #[test]
    fn entities_are_decoded() {
        check(
            "<img alt='&lt;&amp;amp; &#65;&#x42 &notit; &bogus; &#0; &#128; &#x1;|'>",
            &["<&amp; AB ¬it; &bogus; \u{fffd} € |"],
            &[],
        );
    }

    #[test]
    fn scripts_styles_and_comments_are_not_markup() {
        check("<script><img alt=a></SCRIPT ><img alt=b>", &["b"], &[]);
        check("<style><img alt=a>", &[], &[]);
        check(
            "<!-- <img alt=a> --><img alt=b><!doctype x><?pi <?><img alt=c>",
            &["b", "c"],
            &[],
        );
        check(
            "<![CDATA[<img alt=a>]]><img alt=b><![if x]><img alt=c>",
            &["b", "c"],
            &[],
        );
    }

    #[test]
    fn broken_markup_is_read_as_the_reference_reads_it() {
        check("<img alt=\"x", &[], &[]);
        check("<img alt=x", &[], &[]);
        check("<img alt==\"x><img alt=y>", &["=\"x", "y"], &[]);
        check("<img alt= \"x><img alt=y>", &["", "y"], &[]);
        check("<img alt='a'title='b'alt='c'>", &["a", "c"], &[]);
        check("<!-- <img alt=x>", &[], &[]);
        check("</ ><a href=1></a <img alt=x>", &[], &["1"]);
    }
}
