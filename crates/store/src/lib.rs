//! Where traces live.
//!
//! [`TraceStore`] is what a back end can do; [`SqliteStore`] is the embedded one, a single file
//! that several gateway processes share. [`Recorder`] is the way in for live traffic: it writes
//! behind the messages, or before they pass where the configuration is [`Durability::Strict`].
//!
//! Nothing here judges a message, reads a clock or makes an id: records come in complete.
mod error;
mod export;
mod recorder;
mod sqlite;
mod trace_store;

pub use error::{FailureReason, StoreError};
pub use export::export_trace;
pub use recorder::{RecordError, Recorder, RecorderStatus};
pub use sqlite::{Durability, SqliteStore};
pub use trace_store::{Entry, EventPage, SessionFilter, TraceStore};
