//! What in a text is no YAML, in words that tell how to mend it.

use serde_saphyr::Error;

use super::offset;
use crate::config::problem::Problem;

/// A part of what the reader says; what it means; and what to do about it.
struct Fault {
    said: &'static str,
    means: &'static str,
    help: &'static str,
}

const FAULTS: [Fault; 12] = [
    Fault {
        said: "tabs disallowed",
        means: "a tab where a line is indented",
        help: "indent with blanks",
    },
    Fault {
        said: "mapping values are not allowed",
        means: "a `:` where no key can be",
        help: "the line above may lack its `:` and the blank behind it, or this one is indented too \
               far; a text with `: ` in it needs quotes",
    },
    Fault {
        said: "did not find expected key",
        means: MISPLACED,
        help: PLACING,
    },
    Fault {
        said: "did not find expected '-' indicator",
        means: MISPLACED,
        help: PLACING,
    },
    Fault {
        said: "did not find expected ',' or '}'",
        means: UNCLOSED,
        help: CLOSING,
    },
    Fault {
        said: "did not find expected ',' or ']'",
        means: UNCLOSED,
        help: CLOSING,
    },
    Fault {
        said: "illegal placement of ':'",
        means: "a `:` where no key can be",
        help: "a `[` or `{` above may not be closed",
    },
    Fault {
        said: "unclosed quote",
        means: "unclosed quote",
        help: "end the text with the same quote; within single quotes, write `''` for one",
    },
    Fault {
        said: "unexpected character",
        means: "a character that cannot stand here",
        help: "put a text that begins with a sign in quotes, and write a control character as `\\xNN` \
               in double quotes",
    },
    Fault {
        said: "anchor",
        means: "`*` and `&` begin a name of YAML, and this is none that is known",
        help: "put a text that begins with one of them in quotes",
    },
    Fault {
        said: "while parsing a quoted scalar",
        means: "a `\\` in double quotes that begins no escape, or one that is wrong",
        help: "put the text in single quotes, where `\\` is `\\`",
    },
    Fault {
        said: "multiple YAML documents",
        means: "a second document begins here or above",
        help: "take the line `---` or `...` out: a file is one document",
    },
];

const MISPLACED: &str = "this does not belong to what stands before it";
const PLACING: &str = "let the keys of one mapping, and the `-` of one list, begin in the same column, \
    and nothing stand behind a text in quotes, a `]` or a `}`";

const UNCLOSED: &str = "a `[` or `{` that is not closed, or has a text with `: ` in it";
const CLOSING: &str = "put a `,` between two entries, a `]` or `}` behind the last, and quotes around a \
    text with `: ` in it";

pub(super) fn not_yaml(error: &Error, source: &str) -> Problem {
    let span = error.location().map_or(0..0, |location| {
        let start = location.span().byte_offset().map_or_else(
            || offset(source, location.line(), location.column()),
            |offset| usize::try_from(offset).unwrap_or(source.len()),
        );
        start..start + 1
    });
    if let Error::DuplicateMappingKey { key: Some(key), .. } = error {
        return Problem::error(span.clone(), format!("duplicate key `{key}`"))
            .help("join what is behind the two, or take one out");
    }
    let said = error.to_string();
    if let Some(fault) = FAULTS.iter().find(|fault| said.contains(fault.said)) {
        return Problem::error(span, format!("not YAML: {}", fault.means)).help(fault.help);
    }
    // The place is said by the span.
    let said = said
        .split_once(" at line ")
        .map_or(&*said, |(said, _)| said);
    Problem::error(span, format!("not YAML: {said}"))
}
