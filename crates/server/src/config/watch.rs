//! When the configuration changes while the gateway runs.

use std::io;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use super::inputs::{Inputs, Models, is_irregular};
use super::read::{Named, load, read_text};
use super::{ConfigError, GatewayConfig, Secret};
use crate::policy::PolicyFile;

/// Contents are compared, not times: what is mounted from elsewhere changes without a sign. Models
/// are too long for that.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Waits for changes of a configuration file and of the files that it names.
///
/// All reading is done where it may block: a file can be in the place of a mount that does not answer.
#[derive(Debug)]
pub struct Watcher {
    path: PathBuf,
    seen: Arc<Inputs>,
    /// What has changed, and may still be written.
    candidate: Option<Candidate>,
    /// The models that run.
    known: Models,
    hang_up: Signal,
    ticks: tokio::time::Interval,
}

/// What a change comes to.
#[derive(Debug)]
struct Candidate {
    config: Result<GatewayConfig, ConfigError>,
    inputs: Arc<Inputs>,
}

// === impl Watcher ===

impl Watcher {
    /// Watches from what `running` was made of: what changed since it was read counts as a change.
    /// Where one of the files cannot be read again, none is watched.
    ///
    /// Must be called inside a tokio runtime. From here on SIGHUP does not end the process.
    pub fn new(path: PathBuf, running: &GatewayConfig) -> io::Result<Self> {
        let mut ticks = interval(POLL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let seen = match running.inputs.irregular() {
            None => Arc::new(running.inputs.clone()),
            Some(irregular) => {
                let file = irregular.display();
                warn!("`{file}` is no regular file: the configuration is not watched for changes");
                Arc::default()
            }
        };
        Ok(Self {
            path,
            seen,
            candidate: None,
            known: running.inputs.models.clone(),
            hang_up: signal(SignalKind::hangup())?,
            ticks,
        })
    }

    /// The configuration after the next change. An error is no reason to stop: it is what the
    /// change is, and the next change may mend it.
    ///
    /// Looks each second, and takes what is the same in the next look: a file that is being written
    /// is empty or half there for a while. When the process is sent SIGHUP, what is there is taken at
    /// once. May be dropped and called again without missing a change.
    pub async fn changed(&mut self) -> Result<GatewayConfig, ConfigError> {
        loop {
            let is_complete = tokio::select! {
                _ = self.ticks.tick() => false,
                _ = self.hang_up.recv() => true,
            };
            if let Some(candidate) = self.candidate.take()
                && !self.is_changed(&candidate.inputs).await
            {
                return self.take(candidate);
            }
            let seen = Arc::clone(&self.seen);
            if !self.is_changed(&seen).await {
                continue;
            }
            let candidate = self.look().await;
            if is_complete {
                return self.take(candidate);
            }
            self.candidate = Some(candidate);
        }
    }

    fn take(&mut self, candidate: Candidate) -> Result<GatewayConfig, ConfigError> {
        if candidate.config.is_ok() {
            self.known = candidate.inputs.models.clone();
        }
        self.seen = candidate.inputs;
        candidate.config
    }

    async fn look(&self) -> Candidate {
        let (path, known) = (self.path.clone(), self.known.clone());
        let look = move || {
            if is_irregular(&path) {
                let inputs = Inputs::of(&path, None);
                return (Err(ConfigError::Irregular { path }), inputs);
            }
            let (config, inputs) = load(&path, &known, Named::Regular);
            let text = inputs.texts.get(&path).and_then(Option::as_ref);
            let config = if text.is_some_and(|text| says_nothing(text.expose())) {
                Err(ConfigError::Empty { path })
            } else {
                config.and_then(|config| config.checked_to_serve(&path))
            };
            (config, inputs)
        };
        let (config, inputs) = may_block(look).await;
        Candidate {
            config,
            inputs: Arc::new(inputs),
        }
    }

    async fn is_changed(&self, inputs: &Arc<Inputs>) -> bool {
        let (path, inputs) = (self.path.clone(), Arc::clone(inputs));
        may_block(move || {
            let mut texts = inputs.texts.iter();
            let is_changed = texts.any(|(named, seen)| {
                let now = if is_irregular(named) {
                    None
                } else if *named == path {
                    read_text(named).ok().map(Secret::new)
                } else {
                    PolicyFile::source(named).ok().map(Secret::new)
                };
                now != *seen
            });
            is_changed || inputs.models.are_changed()
        })
        .await
    }
}

async fn may_block<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> T {
    let read = spawn_blocking(read).await;
    // Only a runtime that ends cancels it, and then nobody is here.
    read.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

/// Whether there are comments and blank lines at most.
fn says_nothing(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    lines.all(|line| line.is_empty() || line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::{self, Command};

    use tokio::time::{Instant, timeout};

    use super::*;
    use crate::config::ClassifierConfig;
    use crate::config::tests::tiny;

    const POLICY: &str = "raise \"a\" if:\n    (m: Message)\n    \"x\" in m.content\n";

    struct Files(tempfile::TempDir);

    impl Files {
        fn new(yaml: &str) -> Self {
            let files = Self(tempfile::tempdir().unwrap());
            files.write("c.yaml", yaml);
            files
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("c.yaml")
        }

        /// In one step, so that nobody reads half of it.
        fn write(&self, name: &str, text: &str) {
            let new = self.0.path().join("new");
            fs::write(&new, text).unwrap();
            fs::rename(new, self.0.path().join(name)).unwrap();
        }

        fn watcher(&self) -> Watcher {
            let running = GatewayConfig::read(&self.path()).unwrap();
            Watcher::new(self.path(), &running).unwrap()
        }
    }

    async fn is_quiet(watcher: &mut Watcher) -> bool {
        timeout(POLL_EVERY * 3, watcher.changed()).await.is_err()
    }

    #[tokio::test(start_paused = true)]
    async fn changes_of_the_file_and_its_policies_are_seen() {
        let files = Files::new("listen: 127.0.0.1:1\n");
        let mut watcher = files.watcher();
        assert!(is_quiet(&mut watcher).await);

        files.write("c.yaml", "listen: 127.0.0.1:2\n");
        let config = watcher.changed().await.unwrap();
        assert_eq!(config.listen.port(), 2);
        assert!(is_quiet(&mut watcher).await);

        files.write("a.inv", POLICY);
        assert!(is_quiet(&mut watcher).await, "nothing names the policy yet");
        files.write(
            "c.yaml",
            "guardrails: [{ name: a, policy: { file: a.inv } }]\n",
        );
        assert_eq!(watcher.changed().await.unwrap().guardrails.len(), 1);

        files.write("a.inv", &POLICY.replace("\"x\"", "\"y\""));
        assert_eq!(watcher.changed().await.unwrap().guardrails.len(), 1);
        assert!(is_quiet(&mut watcher).await);
    }

    #[tokio::test(start_paused = true)]
    async fn changes_of_the_guardrail_file_of_mcp_scan_are_seen() {
        let files = Files::new("");
        files.write("g.yml", "");
        files.write("c.yaml", "mcp_scan_guardrails: g.yml\n");
        let mut watcher = files.watcher();
        let names = |config: GatewayConfig| -> Vec<String> {
            let scoped = config.guardrails.into_iter();
            scoped.map(|scoped| scoped.guardrail.name.name).collect()
        };
        assert!(is_quiet(&mut watcher).await);
        files.write(
            "g.yml",
            "c: { custom_guardrails: [{ id: i, name: own, content: \"\" }] }\n",
        );
        let config = watcher.changed().await.unwrap();
        assert!(names(config).contains(&"own".to_owned()));
        files.write("g.yml", "c: x\n");
        let error = watcher.changed().await.unwrap_err();
        assert!(matches!(error, ConfigError::Invalid(_)), "{error}");
        files.write("g.yml", "");
        let config = watcher.changed().await.unwrap();
        assert!(!names(config).contains(&"own".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_model_is_loaded_again_only_if_its_files_have_changed() {
        const MODEL: &str = "detectors: { prompt_injection: { c: { folder: m } } }\n";
        let loaded = |config: &GatewayConfig| match &config.detectors.prompt_injection["c"] {
            ClassifierConfig::Folder(folder) => Arc::clone(&folder.classifier),
            ClassifierConfig::Service(service) => panic!("{service:?}"),
        };
        let files = Files::new(MODEL);
        fs::create_dir(files.0.path().join("m")).unwrap();
        tiny::write_folder(&files.0.path().join("m"));
        let running = GatewayConfig::read(&files.path()).unwrap();
        let mut watcher = Watcher::new(files.path(), &running).unwrap();
        assert!(is_quiet(&mut watcher).await);

        files.write("c.yaml", &format!("listen: 127.0.0.1:1\n{MODEL}"));
        let config = watcher.changed().await.unwrap();
        assert_eq!(config.detectors, running.detectors);
        files.write("c.yaml", "lisen: 1\n");
        watcher.changed().await.unwrap_err();
        files.write("c.yaml", MODEL);
        let config = watcher.changed().await.unwrap();
        assert!(Arc::ptr_eq(&loaded(&config), &loaded(&running)));

        files.write("m/config.json", tiny::CONFIG);
        let config = watcher.changed().await.unwrap();
        assert!(!Arc::ptr_eq(&loaded(&config), &loaded(&running)));
        files.write("m/config.json", "{}");
        let error = watcher.changed().await.unwrap_err();
        assert!(matches!(error, ConfigError::Invalid(_)), "{error}");
        assert!(is_quiet(&mut watcher).await, "it is said once");
    }

    #[tokio::test(start_paused = true)]
    async fn invalid_changes_are_errors_and_the_next_is_seen() {
        let files = Files::new("");
        let mut watcher = files.watcher();

        files.write("c.yaml", "lisen: 1\n");
        let error = watcher.changed().await.unwrap_err();
        assert!(matches!(error, ConfigError::Invalid(_)), "{error}");
        assert!(is_quiet(&mut watcher).await, "it is said once");

        fs::remove_file(files.path()).unwrap();
        let error = watcher.changed().await.unwrap_err();
        assert!(matches!(error, ConfigError::Read { .. }), "{error}");

        files.write(
            "c.yaml",
            "guardrails: [{ name: a, policy: { file: a.inv } }]\n",
        );
        let error = watcher.changed().await.unwrap_err();
        assert!(matches!(error, ConfigError::Invalid(_)), "{error}");
        files.write("a.inv", POLICY);
        assert_eq!(watcher.changed().await.unwrap().guardrails.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_changed_before_the_watch_began_is_seen() {
        let files = Files::new("listen: 127.0.0.1:1\n");
        let running = GatewayConfig::read(&files.path()).unwrap();
        files.write("c.yaml", "listen: 127.0.0.1:2\n");
        let mut watcher = Watcher::new(files.path(), &running).unwrap();
        assert_eq!(watcher.changed().await.unwrap().listen.port(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_being_written_is_not_in_force() {
        let files = Files::new("listen: 127.0.0.1:1\n");
        let mut watcher = files.watcher();
        let mut changed = Box::pin(watcher.changed());
        for half in ["", "listen: 127.0.0.1:2\nserv", "listen: 127.0.0.1:2\n"] {
            files.write("c.yaml", half);
            let early = timeout(POLL_EVERY * 3 / 5, &mut changed).await;
            assert!(early.is_err(), "{half}: {early:?}");
        }
        assert_eq!(changed.await.unwrap().listen.port(), 2);

        files.write("c.yaml", "# nothing yet\n");
        let error = watcher.changed().await.unwrap_err();
        assert!(matches!(error, ConfigError::Empty { .. }), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pipe_is_not_read_again() {
        let files = Files::new("listen: 127.0.0.1:1\n");
        let mut watcher = files.watcher();
        let make_pipe = || {
            let made = Command::new("mkfifo").arg(files.path()).status().unwrap();
            assert!(made.success());
        };
        fs::remove_file(files.path()).unwrap();
        make_pipe();
        let error = watcher.changed().await.unwrap_err();
        assert!(matches!(error, ConfigError::Irregular { .. }), "{error}");
        assert!(is_quiet(&mut watcher).await, "it is said once");

        let path = files.path();
        let writer = std::thread::spawn(move || fs::write(path, "listen: 127.0.0.1:2\n").unwrap());
        let running = GatewayConfig::read(&files.path()).unwrap();
        writer.join().unwrap();
        let mut watcher = Watcher::new(files.path(), &running).unwrap();
        assert!(is_quiet(&mut watcher).await);
    }

    #[tokio::test(start_paused = true)]
    async fn who_named_a_folder_may_name_a_file_after_all() {
        let files = Files::new("listen: 127.0.0.1:1\n");
        let mut watcher = files.watcher();
        files.write("a.inv", POLICY);
        let named =
            |file: &str| format!("guardrails: [{{ name: a, policy: {{ file: {file} }} }}]\n");
        files.write("c.yaml", &named("."));
        let error = watcher.changed().await.unwrap_err();
        assert!(matches!(error, ConfigError::Invalid(_)), "{error}");
        assert!(is_quiet(&mut watcher).await, "it is said once");
        files.write("c.yaml", &named("a.inv"));
        assert_eq!(watcher.changed().await.unwrap().guardrails.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_file_is_watched_for_a_default() {
        let mut watcher =
            Watcher::new(Path::new("c.yaml").into(), &GatewayConfig::default()).unwrap();
        assert!(is_quiet(&mut watcher).await);
    }

    #[tokio::test]
    async fn hang_up_asks_at_once() {
        let files = Files::new("listen: 127.0.0.1:1\n");
        let mut watcher = files.watcher();
        // The first tick is at once; it must not be what sees the change.
        assert!(
            timeout(Duration::from_millis(50), watcher.changed())
                .await
                .is_err()
        );
        files.write("c.yaml", "listen: 127.0.0.1:2\n");
        let before = Instant::now();
        let me = process::id().to_string();
        let sent = Command::new("kill").args(["-HUP", &me]).status().unwrap();
        assert!(sent.success());
        assert_eq!(watcher.changed().await.unwrap().listen.port(), 2);
        assert!(before.elapsed() < POLL_EVERY / 2);
    }
}
