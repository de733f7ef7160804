//! What a trace says about its session, in the words that Invariant Gateway uses for it.

use std::sync::Arc;

use portcullis_json::Object;
use portcullis_session::Introduction;
use portcullis_trace::record::{SessionId, SessionRecord};

use crate::config::system_user;

/// Names the trace, outside of the gateway, that a session began in.
pub(crate) const TRACE_ID: &str = "trace_id";

/// What is known of a session before anything is said; `given` stands as it is.
pub(crate) fn of_session(id: &SessionId, given: &Object) -> Object {
    let mut metadata = Object::new();
    metadata.insert("source", "mcp");
    metadata.insert("session_id", id.as_str());
    metadata.insert("system_user", system_user());
    extend(&mut metadata, given);
    metadata
}

/// What policies read as `input.…`: the parameters, and what is known of the session.
pub(crate) fn parameters(parameters: &Object, metadata: &Object) -> Object {
    let mut all = parameters.clone();
    if all.get("metadata").is_none() {
        all.insert("metadata", metadata.clone());
    }
    all
}

/// Adds members, or writes them anew.
pub(crate) fn extend(metadata: &mut Object, more: &Object) {
    for (name, value) in more.iter() {
        metadata.insert(Arc::clone(name), value.clone());
    }
}

/// Takes down what the peers call themselves.
pub(crate) fn introduce(record: &mut SessionRecord, peers: Introduction) {
    if let Some(client) = peers.client {
        record.metadata.insert("mcp_client", client.name.as_str());
        record.client = Some(client);
    }
    if let Some(server) = peers.server {
        record.metadata.insert("mcp_server", server.name.as_str());
    }
}
