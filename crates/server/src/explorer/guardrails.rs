use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use portcullis_json::{Limits, Object, Value, parse};
use portcullis_session::digest;
use portcullis_trace::hexadecimal;
use tokio::time::sleep;
use tracing::warn;

use super::remote::{RemoteError, RemoteExplorer, RemoteGuardrail};

/// How soon a change at the service is noticed.
const ASKED_EVERY: Duration = Duration::from_secs(5);
/// LIMIT: projects whose guardrails are known; the service may have any number.
const PROJECTS_MAX: usize = 1000;

/// The guardrails of a remote Explorer, asked for again and again; when it is away, as they were
/// when it was last there.
#[derive(Debug)]
pub(crate) struct RemoteGuardrails {
    explorer: Arc<RemoteExplorer>,
    /// Where the last good ones are kept for the next start.
    directory: PathBuf,
    known: Mutex<HashMap<String, Vec<RemoteGuardrail>>>,
    /// Counts the changes.
    state: AtomicU64,
}

// === impl RemoteGuardrails ===

impl RemoteGuardrails {
    /// `directory` is made when there is something to keep.
    pub(crate) fn new(explorer: Arc<RemoteExplorer>, directory: PathBuf) -> Self {
        Self {
            explorer,
            directory,
            known: Mutex::default(),
            state: AtomicU64::default(),
        }
    }

    /// What differs when the guardrails of any project that was read have changed.
    pub(crate) fn state(&self) -> u64 {
        self.state.load(Ordering::Acquire)
    }

    /// The guardrails of a project. An error means that the service is away and was never asked
    /// for them.
    pub(crate) async fn read(&self, project: &str) -> Result<Vec<RemoteGuardrail>, RemoteError> {
        let known = self.known().get(project).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        match self.explorer.guardrails(project).await {
            Ok(guardrails) => {
                self.note(project, &guardrails);
                Ok(guardrails)
            }
            Err(error) => {
                let Some(last_good) = load(&self.file(project)) else {
                    return Err(error);
                };
                warn!(%error, project, "the Explorer is away: its guardrails are the last known");
                self.known_again(project, &last_good);
                Ok(last_good)
            }
        }
    }

    /// Asks again and again for the guardrails of all projects that were read.
    async fn ask_again(&self) {
        let projects: Vec<String> = self.known().keys().cloned().collect();
        for project in projects {
            match self.explorer.guardrails(&project).await {
                Ok(guardrails) => self.note(&project, &guardrails),
                Err(error) => {
                    warn!(%error, project, "the Explorer is away: its guardrails are the last known");
                    // The others would wait as long for nothing.
                    return;
                }
            }
        }
    }

    /// Keeps up with the service, for as long as it is polled.
    pub(crate) async fn follow(&self) {
        loop {
            sleep(ASKED_EVERY).await;
            self.ask_again().await;
        }
    }

    fn note(&self, project: &str, guardrails: &[RemoteGuardrail]) {
        let before = self.known_again(project, guardrails);
        if before.as_deref() == Some(guardrails) {
            return;
        }
        if before.is_some() {
            self.state.fetch_add(1, Ordering::AcqRel);
        }
        if let Err(error) = save(&self.file(project), guardrails) {
            warn!(%error, project, "the guardrails of the Explorer are not kept for the next start");
        }
    }

    /// Returns what was known before.
    fn known_again(
        &self,
        project: &str,
        guardrails: &[RemoteGuardrail],
    ) -> Option<Vec<RemoteGuardrail>> {
        let mut known = self.known();
        if known.len() >= PROJECTS_MAX && !known.contains_key(project) {
            // Those of running sessions are asked for again when something changes.
            known.clear();
            self.state.fetch_add(1, Ordering::AcqRel);
        }
        known.insert(project.to_owned(), guardrails.to_vec())
    }

    fn file(&self, project: &str) -> PathBuf {
        let parts = [self.explorer.url().as_str(), project].map(str::as_bytes);
        let name = hexadecimal(&digest(&parts));
        self.directory.join(name).with_extension("json")
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Vec<RemoteGuardrail>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In the form in which the service has them.
fn save(path: &Path, guardrails: &[RemoteGuardrail]) -> io::Result<()> {
    let written = guardrails.iter().map(|guardrail| {
        let mut written = Object::new();
        written.insert("id", guardrail.id.as_str());
        written.insert("name", guardrail.name.as_str());
        written.insert("content", guardrail.content.as_str());
        written.insert("enabled", guardrail.enabled);
        written.insert("action", guardrail.action.as_str());
        Value::from(written)
    });
    let text = Value::from(written.collect::<Vec<_>>()).to_string();
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    // Whoever reads meanwhile finds the old ones or the new ones, whole.
    let new = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&new, text)?;
    fs::rename(&new, path)
}

fn load(path: &Path) -> Option<Vec<RemoteGuardrail>> {
    let text = fs::read_to_string(path).ok()?;
    let kept = parse(&text, &Limits::lenient()).ok()?;
    let kept = kept.as_array()?.iter().map(RemoteGuardrail::read);
    kept.collect::<Result<_, _>>().ok()
}
