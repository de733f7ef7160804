//! Traces in the shape of Invariant Explorer.
//!
//! A gateway records more than the reference does, and counts more: the handshake, each tool of a
//! listing, what a result holds beside its `content`. [`Projection`] leaves that out and rewrites
//! addresses accordingly, so that an Explorer, this one or a remote one, shows what it knows.

mod address;
mod annotation;
mod import;
mod projection;
pub(crate) mod time;

pub use annotation::ProjectedAnnotation;
pub use import::{Import, ImportError, ImportedAnnotation, ImportedTrace};
pub use projection::{Projected, Projection, ProjectionError};
