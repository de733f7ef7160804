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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_quote_can_be_escaped() {
        let check = |literal: &str, value: &str| assert_eq!(text(literal), value, "{literal}");
        check(r#""plain""#, "plain");
        check(r"'it\'s'", "it's");
        check(r#""say \"hi\"""#, r#"say "hi""#);
        check(r#""it\'s""#, r"it\'s");
        check(r#""\n \\ \d""#, r"\n \\ \d");
        check(r#"r"\"""#, "\"");
        check(r#"f"{x}""#, "{x}");
        check("''", "");
    }

    #[test]
    fn long_text_loses_the_indentation_that_all_its_lines_share() {
        let check = |literal: &str, value: &str| assert_eq!(long_text(literal, ""), value);
        check("'''\n    a\n      b\n    '''", "\na\n  b\n");
        check("'''a\n    b'''", "a\n    b");
        check("'''a\r\n   \r\nb'''", "a\n\nb");
        check(r#""""\"kept\n""""#, r#"\"kept\n"#);
        check("r''''a'''", "'a");
    }

    #[test]
    fn long_text_does_not_hold_the_margin_of_the_source() {
        let source = "    x := '''a\n      b\n    c'''\n";
        assert_eq!(margin(source), "    ");
        assert_eq!(long_text("'''a\n      b\n    c'''", "    "), "a\n  b\nc");
    }

    #[test]
    fn the_margin_is_what_all_lines_begin_with() {
        let check = |source: &str, expected: &str| assert_eq!(margin(source), expected);
        check("", "");
        check("  a\n\n   \n b", " ");
        check("\ta\n\t b", "\t");
        check("\ta\n    b", "");
    }
}
