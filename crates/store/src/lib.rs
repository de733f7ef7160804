//! Where traces live, and what belongs to them: projects, guardrails, annotations, API keys.
//!
//! [`Store`] is what a back end can do; [`SqliteStore`] is the embedded one, a single file that
//! several gateway processes share. [`Recorder`] is the way in for live traffic: it writes behind
//! the messages, or before they pass where the configuration is [`Durability::Strict`].
//!
//! Nothing here judges a message, reads a clock or makes an id: records come in complete.
mod annotation;
mod api_key;
mod durability;
mod entry;
mod error;
mod export;
mod guardrail;
mod id;
mod import;
mod location;
mod pool;
mod postgres;
mod project;
mod push;
mod recorder;
mod resumption;
mod retention;
mod search;
mod sql;
mod sqlite;
mod store;
mod upload;

pub use self::postgres::PostgresStore;
pub use annotation::{Annotation, AnnotationChange, AnnotationCount, Replaced};
pub use api_key::{ApiKey, ApiKeyHash, ApiKeySecret};
pub use durability::Durability;
pub use entry::Entry;
pub use error::{DAMAGE_HINT, FailureReason, Named, StoreError};
pub use export::export_trace;
pub use guardrail::{
    GuardrailChange, GuardrailPage, GuardrailPart, GuardrailRecord, GuardrailScope,
    GuardrailVersion,
};
pub use id::{AnnotationId, ApiKeyId, GuardrailId, IdError, ProjectId};
pub use import::{ImportError, ImportedAnnotation, ImportedTrace, Importer};
pub use location::Location;
pub use pool::Pool;
pub use project::{Project, ProjectChange, ProjectFilter, ProjectSummary};
pub use push::{Push, PushedMessage};
pub use recorder::{Queued, RecordError, Recorder, RecorderStatus};
pub use resumption::Resumption;
pub use retention::{Forgotten, Retention};
pub use search::{Comparison, MetadataCondition, Search};
pub use sqlite::SqliteStore;
pub use store::{EventPage, SessionFilter, SessionOrder, Store};
pub use upload::{Claim, Upload};
