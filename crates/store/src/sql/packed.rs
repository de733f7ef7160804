//! Large texts are kept compressed, since most repeat themselves. A text that hardly gets shorter
//! stays as it is.
use lz4_flex::block::{compress_into, decompress, get_maximum_output_size, uncompressed_size};

/// LIMIT: how much longer a text is than its packed form, which no packed form exceeds.
const RATIO_MAX: usize = 255;

/// What tells large texts apart.
pub(super) type Hash = [u8; 32];

/// A text in the form in which it is kept.
pub(super) struct Kept<'t> {
    pub(super) hash: Hash,
    pub(super) text: &'t str,
    /// Kept instead of the text, if there is one.
    pub(super) packed: Option<Vec<u8>>,
}

/// Keeps the hashes of packed forms apart from those of texts, which may be the same bytes.
const OF_PACKED: &Hash = b"portcullis: large texts, packed ";

/// Packs one text after the other. Room for each would be written with zeros first.
#[derive(Default)]
pub(super) struct Packer {
    room: Vec<u8>,
}

// === impl Packer ===

impl Packer {
    /// What is kept of a text.
    ///
    /// BLAKE3 is the fastest hash with which nobody can pass one text off as another. A packed form
    /// belongs to one text only and is shorter, so that it is hashed instead. A text that an older
    /// version packed has another hash, and is kept twice.
    pub(super) fn kept<'t>(&mut self, text: &'t str) -> Kept<'t> {
        let packed = self.packed(text);
        let hash = match &packed {
            Some(packed) => hash_of_packed(packed),
            None => hash_of(text),
        };
        Kept { hash, text, packed }
    }

    /// The packed form of a text, if it is shorter by an eighth: its length, then what LZ4 makes of
    /// it.
    fn packed(&mut self, text: &str) -> Option<Vec<u8>> {
        let length = u32::try_from(text.len()).ok()?.to_le_bytes();
        let needed = get_maximum_output_size(text.len());
        if self.room.len() < needed {
            self.room = vec![0; needed];
        }
        let written = compress_into(text.as_bytes(), &mut self.room).ok()?;
        let packed = self.room.get(..written)?;
        let is_shorter = length.len() + packed.len() <= text.len() - text.len() / 8;
        is_shorter.then(|| [&length, packed].concat())
    }
}

/// Whether a packed form is the one that was kept under the hash: its own, or, of an older version,
/// that of its text.
pub(super) fn is_of_hash(packed: &[u8], hash: &[u8]) -> bool {
    unpacked(packed).is_some_and(|text| {
        hash == hash_of_packed(packed).as_slice() || hash == hash_of(&text).as_slice()
    })
}

fn hash_of_packed(packed: &[u8]) -> Hash {
    *blake3::keyed_hash(OF_PACKED, packed).as_bytes()
}

fn hash_of(text: &str) -> Hash {
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// The text of a packed form; `None` if it is none.
pub(super) fn unpacked(packed: &[u8]) -> Option<String> {
    let (length, rest) = uncompressed_size(packed).ok()?;
    // Room is made for what the length says.
    let is_possible = length <= rest.len().saturating_mul(RATIO_MAX);
    let text = is_possible.then(|| decompress(rest, length).ok())??;
    let text = String::from_utf8(text).ok()?;
    (text.len() == length).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(text: &str) -> Option<Vec<u8>> {
        Packer::default().packed(text)
    }

    #[test]
    fn texts_after_others_are_packed_like_those_that_come_first() {
        let mut packer = Packer::default();
        for times in [300, 2, 7, 1000, 0, 1] {
            let text = format!("walrus {times}, ").repeat(times);
            assert_eq!(packer.packed(&text), packed(&text));
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(unit in ".{1,40}", times in 200..2000_usize) {
            let text = unit.repeat(times);
            let packed = packed(&text).unwrap();
            prop_assert!(packed.len() * 4 < text.len());
            prop_assert_eq!(unpacked(&packed), Some(text));
        }

        #[test]
        fn what_was_changed_is_read_or_refused(
            place in 0..200_usize, byte: u8, length in 0..200_usize
        ) {
            let mut bytes = packed(&"a walrus, ünïcode; ".repeat(20)).unwrap();
            if let Some(changed) = bytes.get_mut(place) {
                *changed = byte;
            }
            unpacked(&bytes);
            bytes.truncate(length);
            unpacked(&bytes);
        }
    }

    #[test]
    fn packed_forms_are_known_by_their_hash_or_that_of_their_text() {
        let text = "walrus ".repeat(1000);
        let kept = Packer::default().kept(&text);
        let packed = kept.packed.unwrap();
        assert_ne!(kept.hash, *blake3::hash(&packed).as_bytes());
        assert_ne!(kept.hash, hash_of(&text));
        assert!(is_of_hash(&packed, &kept.hash));
        assert!(is_of_hash(&packed, &hash_of(&text)));
        let other = Packer::default().kept(&text.to_uppercase()).packed.unwrap();
        assert!(!is_of_hash(&other, &kept.hash));
        assert!(!is_of_hash(&other, &hash_of(&text)));
        assert!(!is_of_hash(&packed[1..], &hash_of_packed(&packed[1..])));
    }

    #[test]
    fn what_hardly_gets_shorter_is_not_packed() {
        assert_eq!(packed(""), None);
        let mut state = 4711_u64;
        let next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b' ' + u8::try_from(state >> 58).unwrap())
        };
        let text: String = std::iter::repeat_with(next).take(10_000).collect();
        assert_eq!(packed(&text), None);
    }

    #[test]
    fn a_length_that_no_packed_form_has_makes_no_room() {
        let mut bytes = packed(&"walrus ".repeat(1000)).unwrap();
        bytes.splice(..4, u32::MAX.to_le_bytes());
        assert_eq!(unpacked(&bytes), None);
        bytes.splice(..4, 6999_u32.to_le_bytes());
        assert_eq!(unpacked(&bytes), None);
        bytes.splice(..4, 7001_u32.to_le_bytes());
        assert_eq!(unpacked(&bytes), None);
    }
}
