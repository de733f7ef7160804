//! Large texts are kept compressed, since most repeat themselves. A text that hardly gets shorter
//! stays as it is.
use lz4_flex::block::{compress_prepend_size, decompress, uncompressed_size};

/// LIMIT: how much longer a text is than its packed form, which no packed form exceeds.
const RATIO_MAX: usize = 255;

/// The packed form of a text, if it is shorter by an eighth.
pub(super) fn packed(text: &str) -> Option<Vec<u8>> {
    let packed = compress_prepend_size(text.as_bytes());
    (packed.len() <= text.len() - text.len() / 8).then_some(packed)
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
