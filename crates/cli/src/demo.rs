//! A session with an attack in it, played by real processes.
//!
//! [`server`] is a small MCP server with a [`mailbox`], [`agent`] a client that follows a script
//! where a model would decide, and [`story`] what the terminal shows of their conversation. What
//! stands between the two is not here: it is this program's own `run`, as a process, with the
//! policies of [`starter`].

mod agent;
mod lines;
mod mailbox;
mod peer;
mod server;
pub(crate) mod starter;
mod story;

pub(crate) use self::agent::{Attack, answer_user};
pub(crate) use self::peer::{DemoError, Peer};
pub(crate) use self::server::serve;
pub(crate) use self::story::Story;

use portcullis_mcp::Revision;

/// What both peers speak.
const REVISION: Revision = Revision::V2025_11_25;
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// LIMIT: one line of either peer.
const LINE_BYTES_MAX: usize = 64 * 1024;
