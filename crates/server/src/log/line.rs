use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::iter;

use portcullis_json::{Object, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::config::LogFormat;

/// LIMIT: bytes of one value; what peers say may be longer.
const VALUE_BYTES_MAX: usize = 1024;
/// LIMIT: what an error comes from, and what that comes from.
const CAUSES_MAX: usize = 8;
const MESSAGE: &str = "message";

/// Writes each event as one line, whatever is in it.
#[derive(Debug)]
pub(super) struct Lines(pub(super) LogFormat);

/// What an event says.
#[derive(Debug, Default)]
struct Said {
    message: String,
    fields: Vec<(&'static str, Value)>,
}

/// Takes what fits.
#[derive(Debug, Default)]
struct Cut {
    text: String,
    is_full: bool,
}

// === impl Lines ===

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut said = Said::default();
        event.record(&mut said);
        let metadata = event.metadata();
        let (level, target) = (metadata.level().as_str(), metadata.target());
        match self.0 {
            LogFormat::Text => {
                write!(writer, "{time} {level:>5} {target}: ")?;
                said.write_text(&mut writer)?;
            }
            LogFormat::Json => {
                let mut line = Object::new();
                for (name, text) in [
                    ("time", time.as_str()),
                    ("level", level),
                    ("target", target),
                ] {
                    line.insert(name, text);
                }
                line.insert(MESSAGE, said.message);
                for (name, value) in said.fields {
                    line.insert(name, value);
                }
                write!(writer, "{}", Value::from(line))?;
            }
        }
        writeln!(writer)
    }
}

// === impl Said ===

impl Said {
    fn push(&mut self, field: &Field, value: impl Into<Value>) {
        self.fields.push((field.name(), value.into()));
    }

    /// A value that could be taken for anything else is quoted.
    fn write_text(&self, out: &mut Writer<'_>) -> fmt::Result {
        for character in self.message.chars() {
            write_visible(out, character)?;
        }
        for (name, value) in &self.fields {
            match value.as_str() {
                Some(text) if is_plain(text) => write!(out, " {name}={text}")?,
                Some(text) => {
                    write!(out, " {name}=\"")?;
                    for character in text.chars() {
                        match character {
                            '"' | '\\' => write!(out, "\\{character}")?,
                            _ => write_visible(out, character)?,
                        }
                    }
                    out.write_char('"')?;
                }
                None => write!(out, " {name}={value}")?,
            }
        }
        Ok(())
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut cut = Cut::default();
        // A value that cannot be shown is shown as far as it got.
        write!(cut, "{value:?}").ok();
        if field.name() == MESSAGE {
            self.message = cut.text;
        } else {
            self.push(field, cut.text);
        }
    }

    /// With its causes: an error says of them what its reader may know, which is less.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut cut = Cut::default();
        write!(cut, "{value}").ok();
        let causes = iter::successors(value.source(), |cause: &&dyn Error| (*cause).source());
        for cause in causes.take(CAUSES_MAX) {
            let cause = cause.to_string();
            if !cut.text.contains(&cause) {
                write!(cut, ": {cause}").ok();
            }
        }
        self.push(field, cut.text);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.push(field, value),
            Err(_) => self.push(field, value.to_string()),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value);
    }
}

/// Text that ends lines, moves cursors or hides others is written as what it is.
fn write_visible(out: &mut Writer<'_>, character: char) -> fmt::Result {
    match character {
        '"' | '\'' | '\\' => out.write_char(character),
        _ => write!(out, "{}", character.escape_debug()),
    }
}

fn is_plain(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'\\');
    !text.is_empty() && text.bytes().all(is_plain)
}

// === impl Cut ===

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_full {
            return Ok(());
        }
        let room = VALUE_BYTES_MAX.saturating_sub(self.text.len());
        let fitting = text.get(..text.floor_char_boundary(room));
        self.text.push_str(fitting.unwrap_or_default());
        if text.len() > room {
            self.text.push('…');
            self.is_full = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing::{info, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What stands in the log, without the time.
    fn logged(format: LogFormat, log: impl FnOnce()) -> Vec<String> {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .event_format(Lines(format))
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        let without_time = |line: &str| {
            let (begin, rest) = match format {
                LogFormat::Text => ("", line.split_once(' ').unwrap().1),
                LogFormat::Json => ("{", line.split_once(',').unwrap().1),
            };
            format!("{begin}{rest}")
        };
        text.split_inclusive('\n').map(without_time).collect()
    }

    const FORGED: &str = "x\n2026 INFO a: b level=high \u{1b}[31m\u{202e}\u{2028}\"\\";

    #[test]
    fn what_peers_say_stays_one_value_of_one_line() {
        let lines = logged(LogFormat::Text, || {
            info!(reason = FORGED, "refused");
            warn!(reason = %FORGED, count = 3_u64, is_last = true, "{FORGED}");
        });
        let value = r#""x\n2026 INFO a: b level=high \u{1b}[31m\u{202e}\u{2028}\"\\""#;
        let message = r#"x\n2026 INFO a: b level=high \u{1b}[31m\u{202e}\u{2028}"\"#;
        let target = module_path!();
        assert_eq!(
            lines,
            [
                format!(" INFO {target}: refused reason={value}\n"),
                format!(" WARN {target}: {message} reason={value} count=3 is_last=true\n"),
            ]
        );
        let lines = logged(LogFormat::Text, || {
            info!(plain = "tools/call", empty = "", forged = "a=b", "m");
        });
        let expected = format!(" INFO {target}: m plain=tools/call empty=\"\" forged=\"a=b\"\n");
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn json_lines_have_a_member_for_each_value() {
        let lines = logged(LogFormat::Json, || {
            info!(reason = FORGED, count = 3_u64, is_last = true, "refused");
        });
        let target = module_path!();
        let limits = portcullis_json::Limits::strict();
        let [line] = &lines[..] else {
            panic!("{lines:?}");
        };
        let line = portcullis_json::parse(line.trim_end(), &limits).unwrap();
        for (name, expected) in [
            ("level", "INFO"),
            ("target", target),
            (MESSAGE, "refused"),
            ("reason", FORGED),
        ] {
            assert_eq!(line.get(name).and_then(Value::as_str), Some(expected));
        }
        assert_eq!(line.get("count"), Some(&Value::from(3_i64)));
        assert_eq!(line.get("is_last"), Some(&Value::from(true)));
    }

    #[test]
    fn an_error_is_written_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("{said}")]
        struct Layer {
            said: &'static str,
            source: io::Error,
        }
        let of = |said: &'static str, cause: &str| {
            let source = io::Error::other(cause.to_owned());
            let error = Layer { said, source };
            let lines = logged(LogFormat::Text, || {
                warn!(error = &error as &dyn Error, "failed");
            });
            lines.concat()
        };
        let written = of("not started", "no such file");
        assert!(
            written.ends_with(" failed error=\"not started: no such file\"\n"),
            "{written}"
        );
        // One that says what it comes from says it once.
        let written = of("not started: no such file", "no such file");
        assert!(
            written.ends_with(" failed error=\"not started: no such file\"\n"),
            "{written}"
        );
        let written = of("not started", &"x".repeat(2 * VALUE_BYTES_MAX));
        assert!(written.len() < 2 * VALUE_BYTES_MAX, "{}", written.len());
        let written = of("not started", FORGED);
        assert_eq!(written.lines().count(), 1, "{written}");
    }

    #[test]
    fn long_values_are_cut() {
        let long = "ä".repeat(VALUE_BYTES_MAX);
        let lines = logged(LogFormat::Text, || {
            info!(method = long.as_str(), other = ?long, "{long}");
        });
        let [line] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert!(line.len() < 4 * VALUE_BYTES_MAX, "{}", line.len());
        assert_eq!(line.matches('…').count(), 3, "{line}");
    }
}
