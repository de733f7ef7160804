//! The long runs of a text: stretches of characters other than blanks, quotes and brackets.
//!
//! Nearly every credential is one or stands in one, as do base64 digits; prose has hardly any. Who
//! looks for such things starts from here, and leaves most of a text alone.

use crate::decode::{Bytes, bytes, stretches};
use std::ops::Range;
use std::sync::LazyLock;

/// How many bytes a run has at least.
pub(crate) const RUN_MIN: usize = 16;

static RUN_BYTES: LazyLock<Bytes> = LazyLock::new(|| bytes(is_of_run));

/// A text with its long runs, from left to right.
#[derive(Debug)]
pub(crate) struct LongRuns<'t> {
    pub(crate) text: &'t str,
    pub(crate) runs: Vec<Range<usize>>,
}

// === impl LongRuns ===

impl<'t> LongRuns<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        Self {
            text,
            runs: stretches(text.as_bytes(), RUN_MIN, &RUN_BYTES),
        }
    }
}

/// Whether the byte may stand in a run. Characters beyond ASCII all may.
pub(crate) fn is_of_run(byte: u8) -> bool {
    let is_blank = matches!(byte, b'\t'..=b'\r' | b' ');
    !is_blank && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'{' | b'}')
}
