//! The kinds that the policy language's reference knows, exactly as it finds them.

use super::MATCHES_MAX;
use crate::Match;
use crate::pattern::{Pattern, compile, spans};
use crate::runs::LongRuns;
use memchr::{memchr, memchr2};
use std::ops::Range;
use std::sync::LazyLock;

/// Where a pattern can match.
#[derive(Clone, Copy, Debug)]
enum Reach {
    /// Inside a long run of characters that has this byte.
    Run(u8),
    /// Up to a long run between quotes.
    QuotedRun,
    /// Anywhere in a text that has this letter, small or capital.
    Letter(u8),
}

/// A kind that the policy language's `secrets` knows.
struct Kind {
    name: &'static str,
    reach: Reach,
    /// The fewest bytes that the pattern matches.
    least: usize,
    pattern: Pattern,
}

/// Python's case-insensitive `i` also matches `İ` and `ı`, so the patterns that ignore case name
/// the two where an `i` may stand.
static REFERENCE: [Kind; 6] = [
    Kind {
        name: "GITHUB_TOKEN",
        reach: Reach::Run(b'_'),
        least: 40,
        pattern: LazyLock::new(|| compile(r"(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9_]{36}")),
    },
    Kind {
        name: "AWS_ACCESS_KEY",
        reach: Reach::Run(b'A'),
        least: 20,
        pattern: LazyLock::new(|| compile(r"(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA)[0-9A-Z]{16}")),
    },
    Kind {
        name: "AWS_ACCESS_KEY",
        reach: Reach::QuotedRun,
        least: 47,
        pattern: LazyLock::new(|| {
            compile(concat!(
                r"(?i)aws.{0,20}?(?:key|pwd|pw|password|pass|token).{0,20}?",
                r#"['"][0-9a-zA-Z/+İı]{40}['"]"#
            ))
        }),
    },
    Kind {
        name: "AZURE_STORAGE_KEY",
        reach: Reach::Run(b'='),
        least: 99,
        pattern: LazyLock::new(|| compile(r"AccountKey=[a-zA-Z0-9+/=]{88}")),
    },
    Kind {
        name: "SLACK_TOKEN",
        reach: Reach::Letter(b'x'),
        least: 8,
        pattern: LazyLock::new(|| compile(r"(?i)xox(?:a|b|p|o|s|r)-(?:\d+-)+[a-z0-9İı]+")),
    },
    Kind {
        name: "SLACK_TOKEN",
        reach: Reach::Run(b':'),
        least: 40,
        pattern: LazyLock::new(|| {
            compile(concat!(
                r"(?i)https://hooks\.slack\.com/serv[iİı]ces/",
                r"T[a-zA-Z0-9_İı]+/B[a-zA-Z0-9_İı]+/[a-zA-Z0-9_İı]+"
            ))
        }),
    },
];

/// What the policy language's `secrets` finds: pattern by pattern in its order, and for each
/// pattern from left to right. Matches of different patterns may overlap.
pub(super) fn find(long: &LongRuns<'_>) -> Vec<Match> {
    let LongRuns { text, runs } = long;
    let has_quoted = runs.iter().any(|run| is_quoted(text, run));
    let whole = 0..text.len();
    let mut matches = Vec::new();
    for kind in &REFERENCE {
        let parts = match kind.reach {
            Reach::Run(_) => runs.as_slice(),
            Reach::QuotedRun if !has_quoted => continue,
            Reach::Letter(letter) if !has_letter(text, letter) => continue,
            Reach::QuotedRun | Reach::Letter(_) => std::slice::from_ref(&whole),
        };
        for part in parts.iter().filter(|part| part.len() >= kind.least) {
            let searched = text.get(part.clone()).unwrap_or_default();
            if let Reach::Run(sign) = kind.reach
                && memchr(sign, searched.as_bytes()).is_none()
            {
                continue;
            }
            let room = MATCHES_MAX.saturating_sub(matches.len());
            let found = spans(&kind.pattern, searched).take(room);
            matches.extend(found.map(|span| Match {
                kind: kind.name,
                span: part.start + span.start..part.start + span.end,
            }));
        }
    }
    matches
}

fn has_letter(text: &str, letter: u8) -> bool {
    memchr2(letter, letter.to_ascii_uppercase(), text.as_bytes()).is_some()
}

/// Whether the run may be the forty characters between the quotes of an AWS key.
fn is_quoted(text: &str, run: &Range<usize>) -> bool {
    let is_quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'\''));
    let before = run.start.checked_sub(1);
    run.len() >= 40
        && is_quote(before.and_then(|before| text.as_bytes().get(before)))
        && is_quote(text.as_bytes().get(run.end))
}

/// The patterns.
#[cfg(test)]
pub(super) fn sources() -> impl Iterator<Item = &'static str> {
    REFERENCE.iter().map(|kind| kind.pattern.as_str())
}

/// What the patterns find when each is tried on the whole text.
#[cfg(test)]
pub(super) fn ungated(text: &str) -> Vec<Match> {
    let mut matches = Vec::new();
    for kind in &REFERENCE {
        let found = spans(&kind.pattern, text);
        matches.extend(found.map(|span| Match {
            kind: kind.name,
            span,
        }));
    }
    matches
}

#[cfg(test)]
mod tests {
    use super::*;

    const GITHUB: &str = "ghp_Zx9YZx9YZx9YZx9YZx9YZx9YZx9YZx9YZx9Y";

    #[test]
    fn no_match_is_shorter_than_said() {
        for kind in &REFERENCE {
            let pattern = regex_syntax::parse(kind.pattern.as_str()).unwrap();
            let least = pattern.properties().minimum_len();
            assert_eq!(least, Some(kind.least), "{pattern}");
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = find(&LongRuns::of(text));
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.kind, text.get(found.span.clone()).unwrap()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn each_kind_is_found_where_it_stands() {
        check("nothing", &[]);
        check(&format!("a {GITHUB} b"), &[("GITHUB_TOKEN", GITHUB)]);
        let key = "aws_secret_key = 'abcdABCD0123456789/+abcdABCD0123456789/+'";
        check(key, &[("AWS_ACCESS_KEY", key)]);
        let azure = format!("AccountKey={}==", "Ab".repeat(43));
        check(&azure, &[("AZURE_STORAGE_KEY", &azure)]);
        check(
            "é xoxb-123456-7890-abcdef!",
            &[("SLACK_TOKEN", "xoxb-123456-7890-abcdef")],
        );
        let hook = "https://hooks.slack.com/services/T0A1/B0C2/xyz_9";
        check(hook, &[("SLACK_TOKEN", hook)]);
    }

    #[test]
    fn kinds_come_in_the_order_of_the_patterns() {
        check(
            &format!("AKIAJKLMNOPQ12345678 and {GITHUB}"),
            &[
                ("GITHUB_TOKEN", GITHUB),
                ("AWS_ACCESS_KEY", "AKIAJKLMNOPQ12345678"),
            ],
        );
    }

    #[test]
    fn length_and_case_matter_where_the_pattern_says_so() {
        check("akiajklmnopq12345678", &[]);
        check("AKIAJKLMNOPQ1234567", &[]);
        check(
            "AKIAJKLMNOPQ12345678AKIAJKLMNOPQ12345678",
            &[("AWS_ACCESS_KEY", "AKIAJKLMNOPQ12345678"); 2],
        );
        check("XOXB-1-A", &[("SLACK_TOKEN", "XOXB-1-A")]);
    }

    #[test]
    fn case_is_ignored_as_python_ignores_it() {
        check("xoxb-1-aıİſK", &[("SLACK_TOKEN", "xoxb-1-aıİſK")]);
        check(
            "hTTps://hooks.slack.com/servıces/T1/B1/x",
            &[("SLACK_TOKEN", "hTTps://hooks.slack.com/servıces/T1/B1/x")],
        );
    }
}
