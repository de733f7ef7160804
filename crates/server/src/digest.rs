//! Digests of several parts, none of which can pass for another.

use std::fmt::Write;

use sha2::{Digest, Sha256};

pub(crate) fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a `String` does not fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}
