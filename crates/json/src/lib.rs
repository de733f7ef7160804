//! JSON text as a gateway needs it: bounded, exact, and strict about what two readers could read
//! differently.
//!
//! [`parse`] builds a [`Value`]; [`scan`] accepts and rejects exactly the same texts and also says
//! where the members are, for messages that are forwarded as they came. Both read through one
//! reader (`reader`), so a rule about what is accepted is written once. [`Limits`] holds those
//! rules.
//!
//! It is not a serialization framework: there is no mapping to Rust types.
mod edit;
mod error;
mod limits;
mod order;
mod parse;
mod plain;
mod reader;
mod scan;
mod specials;
mod spelling;
mod value;
mod write;

pub use edit::edited;
pub use error::{Error, ErrorKind};
pub use limits::{Duplicates, Limits, NonFinite, Surrogates};
pub use parse::parse;
pub use plain::string_length;
pub use scan::{Member, Shape, rescan, scan, scan_spellings};
pub use spelling::{Spellings, Written};
pub use value::{Number, Object, Value};
pub use write::{rewrite_string_to, rewrite_to, write, write_pretty, write_string_to, write_to};
