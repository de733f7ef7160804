use std::io::{self, Write};

use portcullis_json::Value;

use super::peer::Output;
use crate::render::{ERROR, FAINT, GOOD, HINT, Paint, WARNING, plain};

const NAME_CHARACTERS: usize = 10;
const LINE_CHARACTERS: usize = 76;
/// How refusals of the gateway begin.
const GATEWAY: &str = "[Portcullis] ";

/// A conversation as a person can follow it: a column of names, and beside it what they say.
pub(crate) struct Story<'o> {
    out: &'o mut dyn Write,
}

// === impl Story ===

impl<'o> Story<'o> {
    pub(crate) fn new(out: &'o mut dyn Write) -> Self {
        Self { out }
    }

    pub(super) fn user(&mut self, text: &str) -> io::Result<()> {
        self.say(WARNING, "user", text)
    }

    pub(super) fn agent(&mut self, text: &str) -> io::Result<()> {
        self.say(HINT, "agent", text)
    }

    pub(super) fn mailbox(&mut self, text: &str) -> io::Result<()> {
        self.say(GOOD, "mailbox", text)
    }

    pub(super) fn request(&mut self, method: &str) -> io::Result<()> {
        self.agent(&format!("→ {method}"))
    }

    pub(super) fn call(&mut self, tool: &str, arguments: &[(&str, Value)]) -> io::Result<()> {
        let arguments: Vec<String> = arguments
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        self.agent(&format!("→ {tool}({})", arguments.join(", ")))
    }

    /// What a tool answered, or the gateway in its place.
    pub(super) fn output(&mut self, output: &Output) -> io::Result<()> {
        match output.text.strip_prefix(GATEWAY) {
            Some(refusal) if output.is_error => self.say(ERROR, "portcullis", refusal),
            Some(_) | None => self.mailbox(&output.text),
        }
    }

    /// What none of them says.
    pub(super) fn aside(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out)?;
        for line in text.lines() {
            writeln!(self.out, "  {}", FAINT.paint(plain(line)))?;
        }
        writeln!(self.out)
    }

    fn say(&mut self, paint: Paint, name: &str, text: &str) -> io::Result<()> {
        let padding = NAME_CHARACTERS.saturating_sub(name.len());
        let name = format!("  {}{:padding$}  ", paint.paint(name), "");
        let indent = " ".repeat(NAME_CHARACTERS + 4);
        for (place, line) in text.lines().flat_map(wrapped).enumerate() {
            let beside = if place == 0 { &name } else { &indent };
            writeln!(self.out, "{}", format!("{beside}{line}").trim_end())?;
        }
        Ok(())
    }
}

/// One line of text as lines that fit beside the names.
fn wrapped(text: &str) -> Vec<String> {
    let text = plain(text);
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let Some(line) = lines.last_mut() else {
            break;
        };
        let length = line.chars().count() + word.trim_end().chars().count();
        if length > LINE_CHARACTERS && !line.is_empty() {
            lines.push(word.to_owned());
        } else {
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_between_words() {
        let check = |text: &str, expected: &[&str]| {
            let lines = wrapped(text);
            let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
            assert_eq!(lines, expected);
        };
        let long = "x".repeat(LINE_CHARACTERS);
        check("", &[""]);
        check("a  b", &["a  b"]);
        check(&format!("{long} b"), &[&long, "b"]);
        check(&format!("a {long}y"), &["a", &format!("{long}y")]);
        check("\u{1b}[2J", &["\\u{1b}[2J"]);
    }

    #[test]
    fn only_an_error_can_speak_for_the_gateway() {
        let check = |is_error: bool, expected: &str| {
            let mut out = Vec::new();
            let output = Output {
                text: format!("{GATEWAY}blocked"),
                is_error,
            };
            Story::new(&mut out).output(&output).unwrap();
            let shown = anstream::adapter::strip_str(&String::from_utf8(out).unwrap()).to_string();
            assert_eq!(shown, expected);
        };
        check(true, "  portcullis  blocked\n");
        check(false, "  mailbox     [Portcullis] blocked\n");
    }
}
