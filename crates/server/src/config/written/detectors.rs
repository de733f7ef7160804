//! What may be written under `detectors:`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::WrittenDuration;
use crate::config::tree::{Entries, Spot};

/// Whom to ask what the gateway cannot tell by itself. What is sent where is said in DETECTORS.md.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Detectors")]
pub(in crate::config) struct WrittenDetectors {
    /// How long a message waits for all that is asked about it; what is not answered by then is a
    /// failure of the guardrail.
    #[schemars(extend("default" = "20s"))]
    pub(in crate::config) patience: Option<Spot<WrittenDuration>>,
    /// Answers that are kept, so that the same is not asked again.
    #[schemars(extend("default" = 4096))]
    pub(in crate::config) cache_entries: Option<Spot<u64>>,
    /// A model for `llm` and `llm_confirm`, and for `fuzzy_contains` where letters do not decide:
    /// an endpoint that is compatible with OpenAI's.
    pub(in crate::config) chat: Option<Spot<WrittenModel>>,
    /// A model for `is_similar` and `embedding_similarity`: an endpoint that is compatible with
    /// OpenAI's.
    pub(in crate::config) embeddings: Option<Spot<WrittenModel>>,
    /// A model for `moderated`: an endpoint that is compatible with OpenAI's. It may be without
    /// `model`.
    pub(in crate::config) moderation: Option<Spot<WrittenModel>>,
    /// Text classifiers for `prompt_injection`, by the names that policies have for them.
    #[schemars(extend("default" = {}))]
    pub(in crate::config) prompt_injection: Option<Spot<Entries<WrittenClassifier>>>,
    /// A running Presidio analyzer, for kinds of personal data that `pii` does not find by itself.
    pub(in crate::config) presidio: Option<Spot<WrittenPresidio>>,
    /// The installed program, for `semgrep`.
    pub(in crate::config) semgrep: Option<Spot<WrittenSemgrep>>,
    /// The installed program, for `ocr`.
    pub(in crate::config) ocr: Option<Spot<WrittenOcr>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Model")]
pub(in crate::config) struct WrittenModel {
    /// Where the API is, such as `https://api.openai.com/v1`.
    pub(in crate::config) url: Option<Spot<String>>,
    /// What the endpoint calls the model.
    pub(in crate::config) model: Option<Spot<String>>,
    /// Sent as `Authorization: Bearer`. `${NAME}` is a variable of the gateway's own environment.
    pub(in crate::config) api_key: Option<Spot<String>>,
    /// How long one attempt may take.
    #[schemars(extend("default" = "10s"))]
    pub(in crate::config) timeout: Option<Spot<WrittenDuration>>,
    /// Attempts after the first, if it was the network or the service that failed.
    #[schemars(extend("default" = 2))]
    pub(in crate::config) retries: Option<Spot<u64>>,
    /// Requests at a time.
    #[schemars(extend("default" = 8))]
    pub(in crate::config) concurrency: Option<Spot<u64>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Classifier")]
pub(in crate::config) struct WrittenClassifier {
    /// Where `{"inputs": TEXT}` is posted to and answered with a list of `label` and `score`.
    /// Either this or `folder`.
    pub(in crate::config) url: Option<Spot<String>>,
    /// A folder with `model.onnx`, `tokenizer.json` and `config.json`, relative to this file; the
    /// model in it is run by the gateway.
    pub(in crate::config) folder: Option<Spot<String>>,
    /// Labels that mean an injection. The default at a `url` is `INJECTION`, `JAILBREAK`,
    /// `MALICIOUS` and `LABEL_1`, in a `folder` those of its labels whose names say it.
    pub(in crate::config) labels: Option<Spot<Vec<Spot<String>>>>,
    /// Sent as `Authorization: Bearer` to a `url`. `${NAME}` is a variable of the gateway's own
    /// environment.
    pub(in crate::config) api_key: Option<Spot<String>>,
    /// How long one attempt may take, or one run with the wait for its turn.
    #[schemars(extend("default" = "10s"))]
    pub(in crate::config) timeout: Option<Spot<WrittenDuration>>,
    /// Attempts at a `url` after the first, if it was the network or the service that failed.
    #[schemars(extend("default" = 2))]
    pub(in crate::config) retries: Option<Spot<u64>>,
    /// Requests or runs at a time. The default is 8 at a `url`, 2 in a `folder`.
    pub(in crate::config) concurrency: Option<Spot<u64>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Presidio")]
pub(in crate::config) struct WrittenPresidio {
    /// Where the analyzer is; it is asked at `analyze` below.
    pub(in crate::config) url: Option<Spot<String>>,
    /// The language of the texts.
    #[schemars(extend("default" = "en"))]
    pub(in crate::config) language: Option<Spot<String>>,
    /// Sent as `Authorization: Bearer`. `${NAME}` is a variable of the gateway's own environment.
    pub(in crate::config) api_key: Option<Spot<String>>,
    /// How long one attempt may take.
    #[schemars(extend("default" = "10s"))]
    pub(in crate::config) timeout: Option<Spot<WrittenDuration>>,
    /// Attempts after the first, if it was the network or the service that failed.
    #[schemars(extend("default" = 2))]
    pub(in crate::config) retries: Option<Spot<u64>>,
    /// Requests at a time.
    #[schemars(extend("default" = 8))]
    pub(in crate::config) concurrency: Option<Spot<u64>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Semgrep")]
pub(in crate::config) struct WrittenSemgrep {
    /// The program: an absolute path, or a name that is looked for in `PATH` once.
    #[schemars(extend("default" = "semgrep"))]
    pub(in crate::config) program: Option<Spot<String>>,
    /// The rules for `lang="python"`, as semgrep's option `--config` has them: a name of its
    /// registry, which is then asked over the network, or an absolute path.
    #[schemars(extend("default" = "r/python.lang.security"))]
    pub(in crate::config) python_rules: Option<Spot<String>>,
    /// The rules for `lang="bash"`.
    #[schemars(extend("default" = "r/bash"))]
    pub(in crate::config) bash_rules: Option<Spot<String>>,
    /// How long one run may take.
    #[schemars(extend("default" = "15s"))]
    pub(in crate::config) timeout: Option<Spot<WrittenDuration>>,
    /// Runs at a time.
    #[schemars(extend("default" = 2))]
    pub(in crate::config) concurrency: Option<Spot<u64>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Ocr")]
pub(in crate::config) struct WrittenOcr {
    /// The program: an absolute path, or a name that is looked for in `PATH` once.
    #[schemars(extend("default" = "tesseract"))]
    pub(in crate::config) program: Option<Spot<String>>,
    /// The languages of the images, as tesseract names them, such as `eng+deu`.
    #[schemars(extend("default" = "eng"))]
    pub(in crate::config) languages: Option<Spot<String>>,
    /// How long one run may take.
    #[schemars(extend("default" = "15s"))]
    pub(in crate::config) timeout: Option<Spot<WrittenDuration>>,
    /// Runs at a time.
    #[schemars(extend("default" = 2))]
    pub(in crate::config) concurrency: Option<Spot<u64>>,
}
