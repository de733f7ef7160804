use std::ops::Range;

use super::{ERROR, FAINT, plain, shortened};

const BEFORE_CHARACTERS: usize = 36;
const MARKED_CHARACTERS: usize = 80;
const AFTER_CHARACTERS: usize = 36;

/// The line of `text` in which `span` begins, with the span underlined; two lines, indented.
pub(crate) fn excerpt(text: &str, span: &Range<usize>) -> String {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    let (before, rest) = text.split_at_checked(start).unwrap_or((text, ""));
    let (marked, after) = rest.split_at_checked(end - start).unwrap_or((rest, ""));

    let before = before.rsplit('\n').next().unwrap_or_default();
    let skipped = before.chars().count().saturating_sub(BEFORE_CHARACTERS);
    let kept: String = before.chars().skip(skipped).collect();
    let before = format!("{}{}", if skipped > 0 { "…" } else { "" }, plain(&kept));
    let marked = shortened(marked.trim_end_matches('\n'), MARKED_CHARACTERS);
    let after = shortened(
        after.split('\n').next().unwrap_or_default(),
        AFTER_CHARACTERS,
    );

    let indent = " ".repeat(before.chars().count());
    let line = "^".repeat(marked.chars().count().max(1));
    let bar = || FAINT.paint("|");
    format!(
        "    {} {before}{marked}{after}\n    {} {indent}{}\n",
        bar(),
        bar(),
        ERROR.paint(line)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marked_part_is_underlined_on_its_line() {
        let check = |text: &str, span: Range<usize>, expected: &str| {
            let shown = anstream::adapter::strip_str(&excerpt(text, &span)).to_string();
            assert_eq!(shown, expected, "{text:?} {span:?}");
        };
        check(
            "send it to bob",
            11..14,
            "    | send it to bob\n    |            ^^^\n",
        );
        check("one\ntwo three\nfour", 4..7, "    | two three\n    | ^^^\n");
        check("über", 0..2, "    | über\n    | ^\n");
        check("a\u{202e}b", 1..4, "    | a\\u{202e}b\n    |  ^^^^^^^^\n");
        check("ab", 2..2, "    | ab\n    |   ^\n");
        check("ab", 7..9, "    | ab\n    |   ^\n");
        check("", 0..0, "    | \n    | ^\n");
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = format!("{}HERE{}", "x".repeat(500), "y".repeat(500));
        let shown = anstream::adapter::strip_str(&excerpt(&text, &(500..504))).to_string();
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[0].chars().count() < 120, "{shown}");
        let mark = lines[1].find('^').unwrap();
        let marked: String = lines[0].chars().skip(mark).take(4).collect();
        assert_eq!(marked, "HERE");
    }
}
