//! What string literals stand for.

/// The white space that all lines of a source begin with. It does not belong to the lines of
/// strings in triple quotes either.
pub(crate) fn margin(source: &str) -> &str {
    let mut common: Option<&str> = None;
    for line in source.lines() {
        let text = line.trim_start_matches([' ', '\t']);
        if text.is_empty() {
            continue;
        }
        let (indentation, _) = line
            .split_at_checked(line.len() - text.len())
            .unwrap_or_default();
        common = Some(common.map_or(indentation, |common| shared_prefix(common, indentation)));
    }
    common.unwrap_or_default()
}

/// The value of a string on one line. Its own quote is the only thing that can be escaped.
pub(crate) fn text(literal: &str) -> String {
    let quoted = literal.trim_start_matches(['r', 'f']);
    let quote = if quoted.starts_with('"') { "\"" } else { "'" };
    let body = strip_quotes(quoted, quote);
    body.replace(&format!("\\{quote}"), quote)
}

/// The value of a string in triple quotes in a source with that `margin`.
pub(crate) fn long_text(literal: &str, margin: &str) -> String {
    let quoted = literal.trim_start_matches(['r', 'f']);
    let quotes = if quoted.starts_with('"') {
        "\"\"\""
    } else {
        "'''"
    };
    let body = without_margin(strip_quotes(quoted, quotes), margin);
    without_margin(&body, self::margin(&body))
}

/// `text` without `margin` at the start of each line, with blank lines emptied.
pub(crate) fn without_margin(text: &str, margin: &str) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let blank = line.trim_start_matches([' ', '\t']).is_empty();
        let kept = line.strip_prefix(margin).unwrap_or(line);
        lines.push(if blank { "" } else { kept });
    }
    lines.join("\n")
}

fn strip_quotes<'t>(quoted: &'t str, quotes: &str) -> &'t str {
    let opened = quoted.strip_prefix(quotes).unwrap_or(quoted);
    opened.strip_suffix(quotes).unwrap_or(opened)
}

fn shared_prefix<'t>(left: &'t str, right: &str) -> &'t str {
    let length = left
        .bytes()
        .zip(right.bytes())
        .take_while(|(left, right)| left == right)
        .count();
    left.get(..length).unwrap_or_default()
}
