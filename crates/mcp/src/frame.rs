//! Where a message ends on a stream of bytes.
mod line;

pub use line::{LINE_BYTES_DEFAULT, LineDecoder, LineError};
