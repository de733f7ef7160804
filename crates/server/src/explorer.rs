//! Traces in the shape of Invariant Explorer.
//!
//! A gateway records more than the reference does, and counts more: the handshake, each tool of a
//! listing, what a result holds beside its `content`. [`Projection`] leaves that out and rewrites
//! addresses accordingly, so that an Explorer, this one or a remote one, shows what it knows.

mod address;
mod annotation;
mod guardrails;
mod projection;
mod remote;
pub(crate) mod time;
mod upload_task;
mod uploader;

pub use annotation::ProjectedAnnotation;
pub(crate) use guardrails::RemoteGuardrails;
pub use projection::{Projected, Projection, ProjectionError};
pub(crate) use remote::{RemoteError, RemoteExplorer, RemoteGuardrail};
pub(crate) use upload_task::UploadTask;
pub(crate) use uploader::Uploader;
