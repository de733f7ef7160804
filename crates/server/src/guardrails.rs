//! Guardrails that are kept elsewhere than in the configuration, for the sessions they are for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portcullis_engine::Policy;
use portcullis_session::{Guardrail, GuardrailAction};
use portcullis_store::{GuardrailRecord, GuardrailScope, Pool, StoreError};
use portcullis_syntax::Severity;
use portcullis_trace::record::GuardrailName;
use tracing::warn;

use crate::explorer::{RemoteError, RemoteGuardrail, RemoteGuardrails};

/// LIMIT: policies that are kept compiled, and texts of policies.
const COMPILED_MAX: usize = 10_000;

/// The store, and the Explorer that is elsewhere.
#[derive(Debug)]
pub(crate) struct GuardrailSource {
    store: Pool,
    /// `None`: no Explorer is configured.
    remote: Option<RemoteGuardrails>,
    compiled: Mutex<Compiled>,
    /// The texts of policies by the ids of their guardrails.
    contents: Mutex<HashMap<String, Arc<str>>>,
}

/// Policies by their texts, or why they do not load.
type Compiled = HashMap<Arc<str>, Result<Policy, Arc<str>>>;

/// What is kept for one session, at one time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    guardrails: Vec<(GuardrailScope, Guardrail)>,
    pub(crate) state: SourceState,
}

/// What differs from another state must be read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourceState {
    store: u64,
    remote: u64,
}

/// The guardrails cannot be known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error("the guardrails of the store cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("the guardrails of the Explorer cannot be had: {0}")]
    Remote(#[from] RemoteError),
}

/// A guardrail, wherever it is kept.
struct Held {
    name: GuardrailName,
    content: Arc<str>,
    action: String,
    scope: GuardrailScope,
}

// === impl GuardrailSource ===

impl GuardrailSource {
    pub(crate) fn new(store: Pool, remote: Option<RemoteGuardrails>) -> Self {
        Self {
            store,
            remote,
            compiled: Mutex::default(),
            contents: Mutex::default(),
        }
    }

    /// The guardrails in force for sessions of this project: its own, and those for all sessions.
    pub(crate) async fn read(&self, project: Option<&str>) -> Result<Kept, SourceError> {
        let mut kept = Kept::default();
        let name = project.map(str::to_owned);
        let read = self.store.run(move |store| {
            let state = store.guardrails_changed()?;
            let mut records = store.guardrails(None)?;
            if let Some(name) = name
                && let Some(found) = store.project_named(&name)?
            {
                records.extend(store.guardrails(Some(&found.project.id))?);
            }
            Ok((state, records))
        });
        let (state, records) = read.await?;
        kept.state.store = state;
        let in_force = records.into_iter().filter(|record| record.enabled);
        in_force.for_each(|record| self.keep(&mut kept, record.into()));
        if let (Some(remote), Some(project)) = (&self.remote, project) {
            kept.state.remote = remote.state();
            let guardrails = remote.read(project).await?;
            let in_force = guardrails.into_iter().filter(|guardrail| guardrail.enabled);
            in_force.for_each(|guardrail| self.keep(&mut kept, guardrail.into()));
        }
        Ok(kept)
    }

    /// As it is now.
    pub(crate) async fn state(&self) -> Result<SourceState, SourceError> {
        let store = self.store.run(|store| store.guardrails_changed()).await?;
        let remote = self.remote.as_ref().map_or(0, RemoteGuardrails::state);
        Ok(SourceState { store, remote })
    }

    /// Asks the Explorer again and again, for as long as it is polled. What has changed there is
    /// another [`SourceState`] then.
    pub(crate) async fn follow_remote(self: Arc<Self>) {
        if let Some(remote) = &self.remote {
            remote.follow().await;
        }
    }

    fn keep(&self, kept: &mut Kept, held: Held) {
        let action = match held.action.as_str() {
            "block" => GuardrailAction::Block,
            "log" => GuardrailAction::Log,
            other => {
                // So does Invariant Gateway: `paused` works by being unknown to it.
                warn!(
                    guardrail = held.name.name,
                    action = other,
                    "not in force: the action is neither block nor log"
                );
                return;
            }
        };
        if let Some(id) = &held.name.id {
            self.note_content(id, &held.content);
        }
        let guardrail = Guardrail {
            policy: self.policy(&held),
            name: held.name,
            on_violation: action,
            on_failure: action,
        };
        kept.guardrails.push((held.scope, guardrail));
    }

    fn policy(&self, held: &Held) -> Result<Policy, Arc<str>> {
        if let Some(policy) = self.compiled().get(&held.content) {
            return policy.clone();
        }
        let policy = compile(&held.content);
        if let Err(reason) = &policy {
            warn!(guardrail = held.name.name, %reason, "the guardrail does not load");
        }
        let mut compiled = self.compiled();
        if compiled.len() >= COMPILED_MAX {
            compiled.clear();
        }
        compiled.insert(Arc::clone(&held.content), policy.clone());
        policy
    }

    /// The text of the policy of a guardrail that was read once.
    pub(crate) fn content(&self, name: &GuardrailName) -> Option<Arc<str>> {
        lock(&self.contents).get(name.id.as_ref()?).cloned()
    }

    fn note_content(&self, id: &str, content: &Arc<str>) {
        let mut contents = lock(&self.contents);
        if contents.len() >= COMPILED_MAX {
            contents.clear();
        }
        contents.insert(id.to_owned(), Arc::clone(content));
    }

    fn compiled(&self) -> MutexGuard<'_, Compiled> {
        lock(&self.compiled)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The policy, or the first of the reasons why it does not load.
fn compile(source: &str) -> Result<Policy, Arc<str>> {
    let loaded = Policy::load(source);
    loaded.policy.ok_or_else(|| {
        let mut errors = loaded.diagnostics.iter();
        let first = errors.find(|found| found.severity == Severity::Error);
        first.map_or_else(Arc::default, |found| Arc::from(found.message.as_str()))
    })
}

// === impl Kept ===

impl Kept {
    /// Those for what this client says to the server of these names.
    pub(crate) fn for_peers(&self, client: Option<&str>, servers: &[&str]) -> Vec<Guardrail> {
        let is_for = |scope: &GuardrailScope| {
            let client_scope = scope.client.as_deref();
            let server_scope = scope.server.as_deref();
            client_scope.is_none_or(|name| Some(name) == client)
                && server_scope.is_none_or(|name| servers.contains(&name))
        };
        let meant = self.guardrails.iter().filter(|(scope, _)| is_for(scope));
        meant.map(|(_, guardrail)| guardrail.clone()).collect()
    }

    /// Those for what any client may say to the server of this name.
    pub(crate) fn for_server(&self, server: &str) -> Vec<Guardrail> {
        let is_for = |scope: &GuardrailScope| {
            let scope = scope.server.as_deref();
            scope.is_none_or(|name| name == server)
        };
        let meant = self.guardrails.iter().filter(|(scope, _)| is_for(scope));
        meant.map(|(_, guardrail)| guardrail.clone()).collect()
    }
}

// === impl Held ===

impl From<GuardrailRecord> for Held {
    fn from(record: GuardrailRecord) -> Self {
        Self {
            name: GuardrailName {
                id: Some(record.id.to_string()),
                name: record.name,
            },
            content: record.content.into(),
            action: record.action,
            scope: record.scope,
        }
    }
}

impl From<RemoteGuardrail> for Held {
    fn from(guardrail: RemoteGuardrail) -> Self {
        Self {
            name: GuardrailName {
                id: Some(guardrail.id),
                name: guardrail.name,
            },
            content: guardrail.content.into(),
            action: guardrail.action,
            scope: GuardrailScope::default(),
        }
    }
}
