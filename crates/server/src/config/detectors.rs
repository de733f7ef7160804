use std::collections::BTreeMap;
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use portcullis_model::Classifier;
use url::Url;

const CACHE_ENTRIES_DEFAULT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4095);

/// Whom to ask what this process cannot tell at once. The default is nobody.
#[derive(Clone, Debug, PartialEq)]
pub struct DetectorsConfig {
    /// How long one message waits for all that is asked about it.
    pub patience: Duration,
    /// Answers that are kept.
    pub cache_entries: NonZeroUsize,
    pub chat: Option<ModelConfig>,
    pub embeddings: Option<ModelConfig>,
    pub moderation: Option<ModerationConfig>,
    /// Classifiers by the names that policies have for them.
    pub prompt_injection: BTreeMap<String, ClassifierConfig>,
    pub presidio: Option<PresidioConfig>,
    pub semgrep: Option<SemgrepConfig>,
    pub ocr: Option<OcrConfig>,
}

/// A service over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceConfig {
    /// Has scheme `http` or `https`, and neither credentials nor a fragment.
    pub url: Url,
    /// For every request; marked as sensitive.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// For one attempt.
    pub timeout: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Requests at a time.
    pub concurrency: NonZeroUsize,
}

/// A model behind an endpoint of OpenAI's form.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfig {
    pub service: ServiceConfig,
    pub model: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ModerationConfig {
    pub service: ServiceConfig,
    /// `None`: the endpoint's own choice.
    pub model: Option<String>,
}

/// A text classifier for `prompt_injection`.
#[derive(Clone, Debug, PartialEq)]
pub enum ClassifierConfig {
    Service(ClassifierService),
    Folder(ClassifierFolder),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClassifierService {
    pub service: ServiceConfig,
    /// What it calls an injection.
    pub labels: Vec<String>,
}

/// One that this process runs.
#[derive(Clone, Debug)]
pub struct ClassifierFolder {
    pub classifier: Arc<Classifier>,
    /// The places of the labels that mean an injection.
    pub labels: Vec<usize>,
    /// For the wait for a turn and the run.
    pub timeout: Duration,
    /// Runs at a time.
    pub concurrency: NonZeroUsize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PresidioConfig {
    pub service: ServiceConfig,
    pub language: String,
}

/// A program on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramConfig {
    /// An absolute path.
    pub program: PathBuf,
    /// Where it finds other programs.
    pub path: OsString,
    pub timeout: Duration,
    /// Runs at a time.
    pub concurrency: NonZeroUsize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SemgrepConfig {
    pub program: ProgramConfig,
    pub python_rules: OsString,
    pub bash_rules: OsString,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcrConfig {
    pub program: ProgramConfig,
    /// As tesseract names them.
    pub languages: String,
}

// === impl DetectorsConfig ===

impl DetectorsConfig {
    /// Whether somebody is asked over HTTP.
    pub(crate) fn has_services(&self) -> bool {
        self.chat.is_some()
            || self.embeddings.is_some()
            || self.moderation.is_some()
            || self.presidio.is_some()
            || self
                .prompt_injection
                .values()
                .any(ClassifierConfig::is_service)
    }
}

impl Default for DetectorsConfig {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(20),
            cache_entries: CACHE_ENTRIES_DEFAULT,
            chat: None,
            embeddings: None,
            moderation: None,
            prompt_injection: BTreeMap::new(),
            presidio: None,
            semgrep: None,
            ocr: None,
        }
    }
}

// === impl ClassifierConfig ===

impl ClassifierConfig {
    fn is_service(&self) -> bool {
        matches!(self, Self::Service(_))
    }
}

// === impl ClassifierFolder ===

impl PartialEq for ClassifierFolder {
    /// A classifier is the same if it was loaded once: the same folder may have got other files.
    fn eq(&self, other: &Self) -> bool {
        let Self {
            classifier,
            labels,
            timeout,
            concurrency,
        } = self;
        Arc::ptr_eq(classifier, &other.classifier)
            && *labels == other.labels
            && *timeout == other.timeout
            && *concurrency == other.concurrency
    }
}
