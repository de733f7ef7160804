//! HTTP, on both sides of the gateway.
//!
//! [`listen`], [`body`] and [`lent`] are the client's side: connections, bounded request bodies, and
//! streams of events that are kept alive, on the threads of [`lanes`]. [`endpoint`] is the server's
//! side: one MCP server's URL, and what it answers, over connections of `connector`; those without
//! TLS are in `plain`. What a message means, and whether it may pass, is not known here.

pub mod body;
mod connector;
pub mod endpoint;
pub mod events;
pub mod lanes;
pub mod lent;
pub mod listen;
mod pace;
pub mod parts;
mod plain;
pub mod reach;
mod read_on;
mod within;
