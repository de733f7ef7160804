//! Everything that is shown to a person. Text of peers passes through [`plain`] on its way.

mod config;
pub(crate) mod excerpt;
mod policy;
pub(crate) mod trace;

use std::fmt::{self, Display, Write};

use anstyle::{AnsiColor, Style};
use portcullis_detect::fold::is_hidden;

pub(crate) use self::config::file_problems;
pub(crate) use self::policy::{diagnostics, policy_diagnostics};

pub(crate) const ERROR: Paint = Paint(AnsiColor::Red.on_default().bold());
pub(crate) const WARNING: Paint = Paint(AnsiColor::Yellow.on_default().bold());
pub(crate) const HINT: Paint = Paint(AnsiColor::Cyan.on_default().bold());
pub(crate) const GOOD: Paint = Paint(AnsiColor::Green.on_default());
pub(crate) const FAINT: Paint = Paint(Style::new().dimmed());

/// A colour. It only repeats what the words say: without colours nothing is lost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(Style);

/// The text on one line of a terminal: characters that move the cursor, hide, reorder or command
/// are written as escapes.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\t' => shown.push_str("\\t"),
            '\r' => shown.push_str("\\r"),
            hidden if is_hidden(hidden) => {
                // Writing to a `String` does not fail.
                write!(shown, "\\u{{{:x}}}", u32::from(hidden)).ok();
            }
            visible => shown.push(visible),
        }
    }
    shown
}

/// At most `characters` of the text, on one line.
pub(crate) fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", plain(text.get(..end).unwrap_or_default())),
        None => plain(text),
    }
}

// === impl Paint ===

impl Paint {
    pub(crate) fn paint(self, text: impl Display) -> impl Display {
        let Self(style) = self;
        fmt::from_fn(move |f| write!(f, "{style}{text}{style:#}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_a_terminal_is_written_out() {
        let check = |text: &str, expected: &str| assert_eq!(plain(text), expected);
        check("plain ü 中 🙂", "plain ü 中 🙂");
        check("\u{1b}[2J", "\\u{1b}[2J");
        check("a\nb\tc\r", "a\\nb\\tc\\r");
        check("\u{202e}gpj.exe", "\\u{202e}gpj.exe");
        check("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}");
        check("\u{e0041}", "\\u{e0041}");
        check("\u{9b}31m", "\\u{9b}31m");
    }

    #[test]
    fn long_text_is_cut_with_a_sign_of_it() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äöü!", 3), "äöü…");
        assert_eq!(shortened("", 0), "");
    }
}
