//! The vocabulary that the other crates speak: events, addresses in a trace, and what is recorded.
//!
//! It holds data and its written form (module [`wire`]), and decides nothing: it knows no policy,
//! no protocol and no storage.

mod address;
mod digest;
mod event;
pub mod pin;
pub mod record;
pub mod wire;

pub use address::{Range, Step};
pub use digest::{hexadecimal, uuid_text};
pub use event::{
    Answers, Attribution, Chunk, ChunkBody, Content, Event, Message, Parameter, Tool, ToolCall,
    ToolOutput,
};
