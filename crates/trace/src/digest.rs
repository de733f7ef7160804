//! How digests and ids are written.

use std::fmt::Write;

/// Two digits for each byte, in small letters.
pub fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

/// The text of a UUID (RFC 9562, section 4), in small letters.
pub fn uuid_text(bytes: [u8; 16]) -> String {
    let mut text = hexadecimal(&bytes);
    for hyphen in [8, 13, 18, 23] {
        text.insert(hyphen, '-');
    }
    text
}
