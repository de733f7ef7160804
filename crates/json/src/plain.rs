use memchr::memchr_iter;

/// Bytes of long runs that are looked at together: so many that the compiler uses vectors.
const BLOCK: usize = 32;
/// Bytes that are looked at together where a run ends.
const WORD: usize = size_of::<u64>();
/// Most strings are names, and end here.
const SHORT: usize = 2 * WORD;
/// One in each byte of a word, and the highest bit of each.
const ONES: u64 = u64::from_ne_bytes([1; WORD]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; WORD]);

/// How many bytes at the start of `bytes` stand in a JSON string as they are.
#[inline]
pub(crate) fn plain_length(bytes: &[u8]) -> usize {
    let first = bytes
        .first_chunk()
        .and_then(|word| first_special(u64::from_le_bytes(*word)));
    first.unwrap_or_else(|| plain_length_of_long(bytes))
}

fn plain_length_of_long(bytes: &[u8]) -> usize {
    let (short, long) = bytes.split_at(bytes.len().min(SHORT));
    let plain = plain_words(short);
    if plain < SHORT {
        return plain;
    }
    let (blocks, _) = long.as_chunks::<BLOCK>();
    let blocks = blocks.iter().take_while(|block| is_plain(block)).count() * BLOCK;
    SHORT + blocks + plain_words(long.get(blocks..).unwrap_or_default())
}

/// The same, a word at a time.
fn plain_words(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<WORD>();
    for (place, word) in words.iter().enumerate() {
        if let Some(special) = first_special(u64::from_le_bytes(*word)) {
            return place * WORD + special;
        }
    }
    let found = rest.iter().position(|byte| is_special(*byte));
    words.len() * WORD + found.unwrap_or(rest.len())
}

/// Whether all of `bytes` stand in a JSON string as they are. For texts that are not long.
pub(crate) fn is_all_plain(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk() else {
        return !bytes.iter().any(|byte| is_special(*byte));
    };
    let (words, _) = bytes.as_chunks::<WORD>();
    // The last word may overlap the one before.
    let mut words = words.iter().chain([last]);
    words.all(|word| special_bytes(u64::from_le_bytes(*word)) == 0)
}

/// The length of a JSON string as it is written, of a text that begins behind its first quote;
/// `None` if it does not end.
pub fn string_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let ends = |quote: &usize| {
        let before = bytes.get(..*quote).unwrap_or_default();
        let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\');
        backslashes.count() % 2 == 0
    };
    memchr_iter(b'"', bytes).find(ends)
}

/// In numbers, and without a way out before the end: the compiler makes vectors of nothing else.
fn is_plain(block: &[u8; BLOCK]) -> bool {
    let mut special = 0;
    for byte in block {
        special |= u8::from(*byte < b' ') | u8::from(*byte == b'"') | u8::from(*byte == b'\\');
    }
    special == 0
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..b' ')
}

/// The place of the first byte that needs an escape.
fn first_special(word: u64) -> Option<usize> {
    let marks = special_bytes(word);
    (marks != 0).then(|| marks.trailing_zeros() as usize / 8)
}

/// Marks bytes that need an escape. Above the lowest mark some may be wrong, since differences
/// borrow from the byte above.
fn special_bytes(word: u64) -> u64 {
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    let quotes = zeros(word ^ (ONES * 0x22));
    let backslashes = zeros(word ^ (ONES * 0x5c));
    (controls | quotes | backslashes) & HIGHS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_ends_the_run() {
        for length in 0..3 * BLOCK {
            let plain = "é~ !#[]\u{7f}".repeat(BLOCK).into_bytes();
            let plain = plain.get(..length).unwrap();
            assert_eq!(plain_length(plain), length);
            assert!(is_all_plain(plain));
            for special in (0..b' ').chain(*b"\"\\") {
                let mut bytes = plain.to_vec();
                bytes.push(special);
                bytes.extend_from_slice(plain);
                assert_eq!(plain_length(&bytes), length, "{special}");
                assert!(!is_all_plain(&bytes), "{special}");
            }
        }
    }
}
