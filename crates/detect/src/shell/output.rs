//! What a command writes, where that can be told without running it.

use super::field::Field;
use super::parser::Parser;
use crate::decode;

/// The output of a command whose arguments are known, given its input.
pub(super) fn of(program: &str, arguments: &[Field], input: Option<&str>) -> Option<String> {
    let arguments: Vec<String> = arguments.iter().map(Field::known).collect::<Option<_>>()?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match (program, arguments.as_slice()) {
        ("echo", words) => {
            let is_option = |word: &&&str| ["-n", "-e", "-E", "-ne", "-en"].contains(*word);
            let options = words.iter().take_while(is_option).count();
            let text = words.get(options..).unwrap_or_default().join(" ");
            let is_escaped = words.iter().take(options).any(|word| word.contains('e'));
            if is_escaped {
                unescaped(&text)
            } else {
                Some(text)
            }
        }
        ("printf", ["%s" | "%s\\n" | "%b" | "%b\\n", words @ ..]) => unescaped(&words.concat()),
        ("printf", [format]) if !format.contains('%') => unescaped(format),
        ("which", [name]) | ("command", ["-v", name]) | ("type", ["-p" | "-P", name]) => {
            Some((*name).to_owned())
        }
        ("cat", [] | ["-"]) | ("tee", _) => input.map(str::to_owned),
        ("base64", ["-d" | "-D" | "--decode"]) => {
            decode::base64(&input?.split_whitespace().collect::<String>())
        }
        _ => None,
    }
}

/// The text with the escapes read that `echo -e`, `printf` and `$'…'` share.
fn unescaped(text: &str) -> Option<String> {
    let quoted = format!("$'{}'", text.replace('\'', "\\'"));
    let word = Parser::new(&quoted, 0).and_then(|mut parser| parser.word());
    let (text, _) = word.ok()??.literal()?;
    Some(text)
}
