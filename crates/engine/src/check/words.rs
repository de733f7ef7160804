//! Kinds of values in messages.

use crate::kind::Kind;
use crate::types::Type;

const WORDS: [(Type, &str); 22] = [
    (Type::NONE, "None"),
    (Type::BOOL, "a boolean"),
    (Type::INTEGER, "an integer"),
    (Type::FLOAT, "a float"),
    (Type::TEXT, "a text"),
    (Type::LIST, "a list"),
    (Type::TUPLE, "a tuple"),
    (Type::SET, "a set"),
    (Type::VIEW, "a dictionary view"),
    (Type::DICT, "a dictionary"),
    (Type::MESSAGE, "a `Message`"),
    (Type::TOOL_CALL, "a `ToolCall`"),
    (Type::TOOL_OUTPUT, "a `ToolOutput`"),
    (Type::FUNCTION, "a `Function`"),
    (Type::TEXT_CHUNK, "a `TextChunk`"),
    (Type::IMAGE, "an `Image`"),
    (Type::CONTENTS, "a list of chunks"),
    (Type::TOOL, "a `Tool`"),
    (Type::TOOL_PARAMETER, "a `ToolParameter`"),
    (Type::PYTHON_CODE, "the outcome of a code detector"),
    (Type::SHELL_CODE, "the outcome of `shell_code`"),
    (Type::HTML, "the outcome of `html_code`"),
];

/// How many kinds are worth listing.
const LISTED_MAX: usize = 4;

/// `a text, None or a list`.
pub(super) fn describe(ty: Type) -> String {
    let mut names: Vec<&str> = WORDS
        .iter()
        .filter(|(known, _)| known.overlaps(ty))
        .map(|(_, name)| *name)
        .collect();
    if Type::OTHER.is_within(ty) || names.len() > LISTED_MAX {
        let is_other = ty.is_within(Type::OTHER);
        let what = if is_other {
            "a function or a name of the language"
        } else {
            "something else"
        };
        return what.to_owned();
    }
    let last = names.pop().unwrap_or("nothing");
    if names.is_empty() {
        last.to_owned()
    } else {
        format!("{} or {last}", names.join(", "))
    }
}

pub(super) fn kind(kind: Kind) -> String {
    format!("a `{}`", kind.name())
}
