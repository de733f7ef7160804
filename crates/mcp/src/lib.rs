//! MCP on the wire, without I/O: what is a message, which messages exist, how they are framed.
//!
//! Bytes from a peer become a [`Message`] or are [`Malformed`]; there is nothing between, and
//! nothing is repaired. What a message *means* for a conversation (is this id open, may this tool
//! be called) is not decided here.
//!
//! Start at [`Message`] for the envelope, [`Method`] for the table of methods and revisions,
//! [`frame`] for lines, [`view`] for the parts of messages the gateway reads, and [`mod@write`] for
//! the messages it makes.
pub mod error_code;
pub mod frame;
pub mod meta_name;
pub mod view;
pub mod write;

mod envelope;
mod id;
mod malformed;
mod message;
mod method;
mod naming;
mod peer;
mod revision;

pub use envelope::{EnvelopeLimits, MESSAGE_BYTES_DEFAULT, UnknownMeta};
pub use id::{Id, IdError};
pub use malformed::{Malformed, MalformedKind, Meant};
pub use message::{Incoming, Message, MessageKind, Outcome};
pub use method::{Method, MethodKind, MethodSpec, UnknownMethod};
pub use naming::Naming;
pub use peer::Peer;
pub use revision::{Revision, Revisions};
