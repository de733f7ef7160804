use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use portcullis_trace::record::{Sequence, SessionId};

use crate::Search;
use crate::sql::GUARDRAILS_MAX;

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is no trace database at `{}`", path.display())]
    Missing { path: PathBuf },
    #[error("`{}` is not a file", path.display())]
    NotAFile { path: PathBuf },
    #[error("`{}` is not a trace database", path.display())]
    NotADatabase { path: PathBuf },
    #[error("the trace database `{}` was removed or replaced while it was open", path.display())]
    Replaced { path: PathBuf },
    #[error("cannot create `{}` for its owner alone", path.display())]
    Unprotected {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the file system of `{}` cannot keep a write-ahead log", path.display())]
    NoWriteAheadLog { path: PathBuf },
    #[error("`{place}` has schema version {found}, this program knows up to {known}")]
    NewerSchema {
        place: String,
        found: u64,
        known: u64,
    },
    #[error("the database is in the encoding {found}, in which not every text can be kept")]
    Encoding { found: String },
    #[error("`{prefix}` is not enough of the beginning of {}", named.words().id)]
    InvalidPrefix { named: Named, prefix: String },
    #[error("no {} begins with `{prefix}`", named.words().one)]
    Unknown { named: Named, prefix: String },
    #[error(
        "the search has more than {} words and conditions",
        Search::CONDITIONS_MAX
    )]
    TooManyConditions,
    #[error(
        "several {} begin with `{prefix}`: {}{}",
        named.words().several, candidates.join(", "), if *are_more { " and others" } else { "" }
    )]
    AmbiguousPrefix {
        named: Named,
        prefix: String,
        candidates: Vec<String>,
        are_more: bool,
    },
    #[error("session {session} was never recorded")]
    UnknownSession { session: SessionId },
    #[error("session {session} already has a message {sequence}")]
    SequenceTaken {
        session: SessionId,
        sequence: Sequence,
    },
    #[error("there is a project `{name}` already")]
    ProjectExists { name: String },
    #[error(
        "a project, or all sessions together, cannot have more than {GUARDRAILS_MAX} guardrails"
    )]
    TooManyGuardrails,
    #[error("session {session} was seen live, so that nothing is pushed to it")]
    NotPushed { session: SessionId },
    #[error("project `{project}` already has a trace {index}")]
    IndexTaken { project: String, index: u64 },
    #[error("project `{name}` was deleted at this moment")]
    NoProject { name: String },
    #[error("all connections to the database were busy for too long")]
    NoConnection,
    #[error("a fault of this program ended what it did with the database")]
    Panicked,
    #[error("`{url}` is not the address of a database")]
    InvalidLocation { url: String },
    #[error("the record of {record} is damaged: {what}")]
    Damaged { record: String, what: String },
    #[error("cannot {operation}: {reason}")]
    Failed {
        operation: &'static str,
        reason: FailureReason,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("cannot start the thread that records")]
    NoThread(#[source] io::Error),
    #[error("cannot write the export")]
    Export(#[source] io::Error),
}

/// What has an id of which the beginning is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    Session,
    Guardrail,
    ApiKey,
}

/// How its id is called, one that an id finds, and several.
struct Words {
    id: &'static str,
    one: &'static str,
    several: &'static str,
}

/// What to do with a database that is damaged.
pub const DAMAGE_HINT: &str = "a database that is moved away is replaced by an empty one: without \
    its traces, its guardrails (nothing of them is in force then), its pins of tools and its API \
    keys; save what can be read first, as docs/STORE.md says under \"Damage\"";

/// What stands in the way of the database, as far as an operator can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReason {
    Busy,
    DiskFull,
    ReadOnly,
    CannotOpen,
    /// The server of the database does not answer.
    Unreachable,
    /// The server of the database does not let this user in.
    Denied,
    /// The server has no database of this name.
    NoDatabase,
    Corrupt,
    /// A value is larger than the database can hold.
    Unfit,
    Other,
}

// === impl Named ===

impl Named {
    /// LIMIT: who names something to change it by less may mean something else.
    pub(crate) fn prefix_characters_min(self) -> usize {
        match self {
            Self::Session => 1,
            Self::Guardrail | Self::ApiKey => 4,
        }
    }

    fn words(self) -> Words {
        let (id, one, several) = match self {
            Self::Session => ("a session id", "recorded session", "recorded sessions"),
            Self::Guardrail => ("the id of a guardrail", "guardrail's id", "guardrails' ids"),
            Self::ApiKey => ("the id of a key", "key's id", "keys' ids"),
        };
        Words { id, one, several }
    }

    fn form(self) -> &'static str {
        match self {
            Self::Session => "a session id consists of the digits 0-9, the letters a-f and hyphens",
            Self::Guardrail | Self::ApiKey => {
                "give an id, or at least four characters of its beginning: the digits 0-9, the \
                 letters a-f and hyphens"
            }
        }
    }
}

// === impl StoreError ===

impl StoreError {
    /// What the person at the keyboard can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => {
                Some("nothing was recorded yet, or name another data directory")
            }
            Self::NotAFile { .. } | Self::NotADatabase { .. } => {
                Some("move it away or name another data directory")
            }
            Self::NoWriteAheadLog { .. } => {
                Some("network file systems cannot share memory; name a local data directory")
            }
            Self::Replaced { .. } => Some("put it back, or restart what has it open"),
            Self::Encoding { .. } => Some(
                "make the database with `CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0`",
            ),
            Self::NewerSchema { .. } => Some("upgrade Portcullis, or name another data directory"),
            Self::InvalidPrefix { named, .. } => Some(named.form()),
            Self::Unknown { .. } => Some("list them to see their ids"),
            Self::AmbiguousPrefix { .. } => Some("give more of the id"),
            Self::TooManyConditions => Some("search for the rarest of the words"),
            Self::TooManyGuardrails => Some("delete some, or join several in one policy"),
            Self::InvalidLocation { .. } => {
                Some("give `postgres://user:password@host/database`, or the path of a file")
            }
            Self::Failed { reason, .. } => reason.hint(),
            Self::Damaged { .. } => Some(DAMAGE_HINT),
            Self::Unprotected { .. }
            | Self::UnknownSession { .. }
            | Self::SequenceTaken { .. }
            | Self::ProjectExists { .. }
            | Self::NotPushed { .. }
            | Self::NoConnection
            | Self::Panicked
            | Self::IndexTaken { .. }
            | Self::NoProject { .. }
            | Self::NoThread(_)
            | Self::Export(_) => None,
        }
    }

    /// Whether something is not in the store as it was written.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. }
                | Self::Failed {
                    reason: FailureReason::Corrupt,
                    ..
                }
        )
    }

    /// Whether it may pass by itself, or when what is around the store is mended.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Failed { .. } | Self::NoConnection | Self::Unprotected { .. }
        ) && !self.is_damage()
    }

    /// Whether the entry itself is at fault, so that other entries can still be written.
    pub fn blames_entry(&self) -> bool {
        matches!(
            self,
            Self::UnknownSession { .. }
                | Self::SequenceTaken { .. }
                | Self::IndexTaken { .. }
                | Self::Failed {
                    reason: FailureReason::Unfit,
                    ..
                }
        )
    }
}

// === impl FailureReason ===

impl FailureReason {
    fn hint(self) -> Option<&'static str> {
        match self {
            Self::Busy => Some("another process keeps the trace database locked"),
            Self::DiskFull => Some("make room on the disk of the data directory"),
            Self::ReadOnly | Self::CannotOpen => {
                Some("check who owns the data directory and how it is mounted")
            }
            Self::Unreachable => Some("check that the database server runs, and its address"),
            Self::Denied => Some("check the user, the password and the rights in the database"),
            Self::NoDatabase => Some("create the database: only its tables are made for you"),
            Self::Corrupt => Some(DAMAGE_HINT),
            Self::Unfit | Self::Other => None,
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy => "the database is busy",
            Self::DiskFull => "the disk is full",
            Self::ReadOnly => "the database is read-only",
            Self::CannotOpen => "the file cannot be opened",
            Self::Unreachable => "the database server cannot be reached",
            Self::Denied => "the database server refused the user",
            Self::NoDatabase => "the database does not exist",
            Self::Corrupt => "the database is corrupt",
            Self::Unfit => "a value does not fit into the database",
            Self::Other => "the database refused",
        })
    }
}
