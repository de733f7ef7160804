//! Files that people write: read within a bound, and places in them.

use std::io::{self, ErrorKind, Read};

/// A way through a text, on which places are told for people and editors: lines and columns are
/// counted from one, and a column is a character.
pub(crate) struct Walk<'t> {
    text: &'t str,
    offset: usize,
    line: usize,
    column: usize,
}

/// The text of a file; `None` if it is longer than `limit` bytes.
pub fn read_bounded(file: impl Read, limit: u64) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Ok(None);
    }
    let text = String::from_utf8(bytes);
    text.map(Some)
        .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

/// Where an offset is, for who looks for one alone.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    Walk::new(text).to(offset)
}

// === impl Walk ===

impl<'t> Walk<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
            column: 1,
        }
    }

    /// Goes on to an offset and tells its line and column. It does not go back.
    pub(crate) fn to(&mut self, offset: usize) -> (usize, usize) {
        let end = self.text.floor_char_boundary(offset).max(self.offset);
        let passed = self.text.get(self.offset..end).unwrap_or_default();
        match passed.rsplit_once('\n') {
            Some((before, last)) => {
                self.line += before.matches('\n').count() + 1;
                self.column = last.chars().count() + 1;
            }
            None => self.column += passed.chars().count(),
        }
        self.offset = end;
        (self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_same_from_the_beginning_and_from_the_place_before() {
        let text = "a…b\r\n\n\tc\nlast…";
        let expected = [
            (1, 1),
            (1, 2),
            (1, 2),
            (1, 2),
            (1, 3),
            (1, 4),
            (1, 5),
            (2, 1),
            (3, 1),
            (3, 2),
            (3, 3),
            (4, 1),
        ];
        let mut walk = Walk::new(text);
        for (offset, expected) in expected.into_iter().enumerate() {
            assert_eq!(walk.to(offset), expected, "{offset}");
            assert_eq!(line_and_column(text, offset), expected, "{offset}");
        }
        assert_eq!(walk.to(1000), (4, 6));
        assert_eq!(walk.to(0), (4, 6));
    }

    #[test]
    fn text_is_as_long_as_its_bound_at_most() {
        let read = |text: &str, limit| read_bounded(text.as_bytes(), limit).unwrap();
        assert_eq!(read("four", 4).as_deref(), Some("four"));
        assert_eq!(read("fours", 4), None);
        // What is cut within a character is too long, and not something else than text.
        assert_eq!(read("four…", 4), None);
        let error = read_bounded(&b"\xff"[..], 4).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
