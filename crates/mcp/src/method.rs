//! The methods of all revisions, as data. What a policy sees of a message is decided elsewhere;
//! this says which messages exist, who may send them, and where they carry text.
mod table;

use std::fmt;
use std::sync::Arc;

use crate::{Peer, Revision, Revisions};

pub use table::Method;

#[cfg(test)]
mod tests;

/// A method that no revision knows. Made only by [`Method::parse`], so it is never a known one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownMethod(Arc<str>);

/// What the revisions say about one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodSpec {
    pub name: &'static str,
    pub kind: MethodKind,
    /// In which revisions a client sends it.
    pub from_client: Revisions,
    /// In which revisions a server sends it as a message of its own.
    pub from_server: Revisions,
    /// In which revisions a server asks for it inside a result (`inputRequests`).
    pub nested: Revisions,
    /// Where a message or its response carries text that can reach the model or the user.
    /// Paths begin with `params` or `result`.
    pub to_model: &'static [&'static str],
    /// Where a message or its response carries data that leaves to the server.
    pub to_server: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodKind {
    Request,
    Notification,
}

// === impl Method ===

impl Method {
    /// Whether `sender` may send it as a message of its own in `revision`. Never for an unknown one.
    pub fn may_come_from(&self, sender: Peer, revision: Revision) -> bool {
        self.spec().is_some_and(|spec| match sender {
            Peer::Client => spec.from_client.contains(revision),
            Peer::Server => spec.from_server.contains(revision),
        })
    }

    /// Whether a server may ask for it inside a result in `revision`. Never for an unknown one.
    pub fn may_be_nested(&self, revision: Revision) -> bool {
        self.spec()
            .is_some_and(|spec| spec.nested.contains(revision))
    }

    /// What its name says it is: all names below `notifications/` are notifications, known or not.
    /// Another unknown name can be either.
    pub fn kind(&self) -> Option<MethodKind> {
        match self.spec() {
            Some(spec) => Some(spec.kind),
            None => self
                .as_str()
                .starts_with("notifications/")
                .then_some(MethodKind::Notification),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
