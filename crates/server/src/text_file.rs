//! Files that people write: read within a bound, and places in them.

use std::io::{self, ErrorKind, Read};

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

/// Where an offset is, for people and editors: both from one; a column is a character.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

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
