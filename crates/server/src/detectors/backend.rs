//! Who answers which call.
//!
//! A new backend is a variant of [`Backend`] and a place in [`Backends::route`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portcullis_detect::pii;
use portcullis_engine::{DetectorCall, Detectors, Lookup};
use portcullis_json::Value;
use portcullis_session::LocalDetectors;
use portcullis_transport::http::endpoint::{Connector, EndpointError};
use portcullis_transport::http::reach::Reach;

use super::cache::Cache;
use super::chat::Chat;
use super::classifier::Classifier;
use super::embeddings::Embeddings;
use super::folder::Folder;
use super::moderation::Moderation;
use super::ocr::Ocr;
use super::presidio::{Presidio, is_own};
use super::semgrep::Semgrep;
use super::{Answered, options};
use crate::config::{ClassifierConfig, DetectorsConfig};

/// What is configured.
#[derive(Debug)]
pub(super) struct Backends {
    pub(super) config: DetectorsConfig,
    /// What these answered: what another model said is no answer of theirs.
    cache: Mutex<Cache>,
    chat: Option<Chat>,
    embeddings: Option<Embeddings>,
    moderation: Option<Moderation>,
    /// By the names that policies have for them.
    classifiers: BTreeMap<String, Classifier>,
    /// The same; no name is in both.
    folders: BTreeMap<String, Folder>,
    presidio: Option<Presidio>,
    semgrep: Option<Semgrep>,
    ocr: Option<Ocr>,
}

/// Who answers a call.
#[derive(Debug)]
pub(super) enum Route<'b> {
    /// This process, at once.
    Local,
    Backend(Backend<'b>),
    /// The reason says what to configure.
    Nobody(String),
}

/// Who has to be asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Backend<'b> {
    Chat(&'b Chat),
    Embeddings(&'b Embeddings),
    Moderation(&'b Moderation),
    Classifier(&'b Classifier),
    Folder(&'b Folder),
    Presidio(&'b Presidio),
    Semgrep(&'b Semgrep),
    Ocr(&'b Ocr),
}

/// Whether this process answers every call of the detector, whatever is configured.
pub(super) fn is_local(detector: &str) -> bool {
    matches!(
        detector,
        "copyright"
            | "html_code"
            | "ipython_code"
            | "is_poisoned"
            | "links"
            | "python_code"
            | "secrets"
            | "shell_code"
            | "tool_signals"
            | "unicode"
    )
}

// === impl Backends ===

impl Backends {
    pub(super) fn new(config: &DetectorsConfig) -> Result<Self, EndpointError> {
        let mut backends = Self {
            cache: Mutex::new(Cache::new(config.cache_entries)),
            chat: None,
            embeddings: None,
            moderation: None,
            classifiers: BTreeMap::new(),
            folders: folders(config),
            presidio: None,
            semgrep: config.semgrep.as_ref().map(Semgrep::new),
            ocr: config.ocr.as_ref().map(Ocr::new),
            config: config.clone(),
        };
        if config.has_services() {
            backends.connect(&Connector::new(Reach::Configured)?);
        }
        Ok(backends)
    }

    fn connect(&mut self, connector: &Connector) {
        let config = &self.config;
        let (chat, embeddings) = (config.chat.as_ref(), config.embeddings.as_ref());
        let (moderation, presidio) = (config.moderation.as_ref(), config.presidio.as_ref());
        let classifiers = config.prompt_injection.iter().filter_map(|(name, config)| {
            let ClassifierConfig::Service(service) = config else {
                return None;
            };
            Some((name.clone(), Classifier::new(connector, name, service)))
        });
        self.chat = chat.map(|config| Chat::new(connector, config));
        self.embeddings = embeddings.map(|config| Embeddings::new(connector, config));
        self.moderation = moderation.map(|config| Moderation::new(connector, config));
        self.classifiers = classifiers.collect();
        self.presidio = presidio.map(|config| Presidio::new(connector, config));
    }

    pub(super) fn route(&self, call: &DetectorCall) -> Route<'_> {
        match call.detector {
            "llm" | "llm_confirm" => self.chat(call),
            "fuzzy_contains" => match &self.chat {
                Some(_) if is_semantic(call) && !is_decided_locally(call) => self.chat(call),
                _ => Route::Local,
            },
            "is_similar" | "embedding_similarity" => Route::to(
                self.embeddings.as_ref().map(Backend::Embeddings),
                call,
                "`detectors.embeddings` with an OpenAI-compatible `url` and a `model`",
            ),
            "moderated" => self.moderated(call),
            "prompt_injection" => self.prompt_injection(call),
            "pii" => match &self.presidio {
                Some(presidio) if needs_model(call) => Route::Backend(Backend::Presidio(presidio)),
                Some(_) => Route::Local,
                None => match unknown_kind(call) {
                    Some(kind) => Route::Nobody(format!(
                        "`pii` does not find `{kind}` by itself: if a Presidio analyzer does, set \
                         `detectors.presidio` with its `url`"
                    )),
                    None => Route::Local,
                },
            },
            "semgrep" => Route::to(
                self.semgrep.as_ref().map(Backend::Semgrep),
                call,
                "`detectors.semgrep`, and install the program",
            ),
            "ocr" => Route::to(
                self.ocr.as_ref().map(Backend::Ocr),
                call,
                "`detectors.ocr`, and install the program `tesseract`",
            ),
            _ => Route::Local,
        }
    }

    fn chat(&self, call: &DetectorCall) -> Route<'_> {
        match options::model(call) {
            Ok(_) => Route::to(
                self.chat.as_ref().map(Backend::Chat),
                call,
                "`detectors.chat` with an OpenAI-compatible `url` and a `model`",
            ),
            Err(error) => Route::Nobody(error),
        }
    }

    fn moderated(&self, call: &DetectorCall) -> Route<'_> {
        let what = "`detectors.moderation` with the `url` of an OpenAI-compatible endpoint";
        let named = match options::model(call) {
            Ok(named) => named,
            Err(error) => return Route::Nobody(error),
        };
        match (&self.moderation, named) {
            (Some(moderation), Some(named)) if !moderation.is_called(named) => {
                Route::Nobody(format!(
                    "`moderated` has no model `{named}`: set `detectors.moderation.model` to it, \
                     or leave `model` out of the call"
                ))
            }
            (moderation, _) => Route::to(moderation.as_ref().map(Backend::Moderation), call, what),
        }
    }

    fn prompt_injection(&self, call: &DetectorCall) -> Route<'_> {
        match options::model(call) {
            Ok(None) => Route::Local,
            Ok(Some(named)) => match (self.classifiers.get(named), self.folders.get(named)) {
                (Some(classifier), _) => Route::Backend(Backend::Classifier(classifier)),
                (None, Some(folder)) => Route::Backend(Backend::Folder(folder)),
                (None, None) => Route::Nobody(format!(
                    "`prompt_injection` has no model `{named}`: set \
                     `detectors.prompt_injection.{named}` with the `url` or the `folder` of a text \
                     classifier, or name no model for the one inside"
                )),
            },
            Err(error) => Route::Nobody(error),
        }
    }

    /// Asks, and keeps the answer.
    pub(super) async fn answer(&self, call: &DetectorCall) -> Answered {
        match self.route(call) {
            Route::Local => Err(format!("`{}` is not asked for later", call.detector)),
            Route::Backend(backend) => {
                let answer = backend.answer(call).await?;
                self.cache().keep(call, &answer);
                Ok(answer)
            }
            Route::Nobody(reason) => Err(reason),
        }
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Route ===

impl<'b> Route<'b> {
    fn to(backend: Option<Backend<'b>>, call: &DetectorCall, missing: &str) -> Self {
        match backend {
            Some(backend) => Self::Backend(backend),
            None => Self::Nobody(format!(
                "`{}` is not configured: set {missing}",
                call.detector
            )),
        }
    }
}

// === impl Backend ===

impl Backend<'_> {
    async fn answer(self, call: &DetectorCall) -> Answered {
        match self {
            Self::Chat(chat) => chat.answer(call).await,
            Self::Embeddings(embeddings) => embeddings.answer(call).await,
            Self::Moderation(moderation) => moderation.answer(call).await,
            Self::Classifier(classifier) => classifier.answer(call).await,
            Self::Folder(folder) => folder.answer(call).await,
            Self::Presidio(presidio) => presidio.answer(call).await,
            Self::Semgrep(semgrep) => semgrep.answer(call).await,
            Self::Ocr(ocr) => ocr.answer(call).await,
        }
    }
}

/// The classifiers that this process runs.
fn folders(config: &DetectorsConfig) -> BTreeMap<String, Folder> {
    let folders = config.prompt_injection.iter().filter_map(|(name, config)| {
        let ClassifierConfig::Folder(folder) = config else {
            return None;
        };
        Some((name.clone(), Folder::new(name, folder)))
    });
    folders.collect()
}

/// Whether the policy wants more than letters compared, as it does unless it says so.
fn is_semantic(call: &DetectorCall) -> bool {
    call.options.get("use_semantic") != Some(&Value::Bool(false))
}

/// Whether the letters say enough: the query is there, or the call is wrong.
fn is_decided_locally(call: &DetectorCall) -> bool {
    match LocalDetectors.answer(call) {
        Lookup::Ready(Ok(answer)) => answer.value != Value::Bool(false),
        Lookup::Ready(Err(_)) | Lookup::Later => true,
    }
}

/// A kind that is asked for and that this process neither finds nor guesses.
fn unknown_kind(call: &DetectorCall) -> Option<&str> {
    let kinds = options::texts(&call.options, "entities").unwrap_or_default();
    let mut kinds = kinds.into_iter();
    kinds.find(|kind| !is_own(kind) && !pii::GUESSED.contains(kind))
}

/// Whether kinds are asked for that this process does not find, or only guesses.
fn needs_model(call: &DetectorCall) -> bool {
    match call.options.get("entities") {
        None | Some(Value::Null) => true,
        Some(_) => {
            options::texts(&call.options, "entities").is_ok_and(|kinds| !kinds.iter().all(is_own))
        }
    }
}
