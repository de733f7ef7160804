//! Python's `unicode_escape`, in which Invariant Gateway's clients put a policy into a header.

/// The text that was encoded; `None` if an escape is broken.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        if next != '\\' {
            decoded.push(next);
            continue;
        }
        match rest.next()? {
            'n' => decoded.push('\n'),
            'r' => decoded.push('\r'),
            't' => decoded.push('\t'),
            'a' => decoded.push('\u{7}'),
            'b' => decoded.push('\u{8}'),
            'f' => decoded.push('\u{c}'),
            'v' => decoded.push('\u{b}'),
            quoted @ ('\\' | '\'' | '"') => decoded.push(quoted),
            '\n' => {}
            'x' => decoded.push(code_point(&mut rest, 2)?),
            'u' => decoded.push(code_point(&mut rest, 4)?),
            'U' => decoded.push(code_point(&mut rest, 8)?),
            // What is no escape stands for itself.
            other => decoded.extend(['\\', other]),
        }
    }
    Some(decoded)
}

fn code_point(rest: &mut impl Iterator<Item = char>, digits: usize) -> Option<char> {
    let mut value = 0;
    for _ in 0..digits {
        value = value * 16 + rest.next()?.to_digit(16)?;
    }
    char::from_u32(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_python() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(decode(text).as_deref(), expected, "{text}");
        };
        check(
            r#"raise "a" if:\n    (m: Message)"#,
            Some("raise \"a\" if:\n    (m: Message)"),
        );
        check(r"\xe4\u00e4\U0001f600\t\\\'", Some("ää😀\t\\'"));
        check(r"\d", Some(r"\d"));
        for broken in [r"\", r"\x4", r"\u12g4", r"\ud800", r"\U00110000"] {
            check(broken, None);
        }
    }
}
