//! What can go wrong with a model: its folder, which its owner mends, or one text.

use std::path::PathBuf;
use thiserror::Error;

/// A folder that no classifier can be made of.
#[derive(Debug, Error)]
pub enum LoadError {
    #[error("cannot read `{}`: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("`{}` is longer than {limit} bytes", path.display())]
    TooLong { path: PathBuf, limit: u64 },
    #[error("`{}` cannot be used: {reason}", path.display())]
    Unusable { path: PathBuf, reason: String },
    #[error("`{}` has no label `{label}`; its labels are {known}", path.display())]
    NoSuchLabel {
        path: PathBuf,
        label: String,
        known: String,
    },
    #[error("none of the labels in `{}` is known to name an attack: {known}", path.display())]
    NoAttackLabel { path: PathBuf, known: String },
}

/// A text that was not classified.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ClassifyError {
    #[error("the text is longer than {0} bytes")]
    TooLong(usize),
    #[error("the text has more than {0} windows")]
    TooManyWindows(usize),
    #[error("the model took too long")]
    OutOfTime,
    #[error("the text cannot be tokenized: {0}")]
    Tokenizer(String),
    #[error("the model cannot be run: {0}")]
    Network(String),
}

// === impl LoadError ===

impl LoadError {
    /// How to mend the folder.
    pub fn help(&self) -> &'static str {
        match self {
            LoadError::Unreadable { .. } => {
                "the folder needs `model.onnx`, `tokenizer.json` and `config.json`; \
                 `optimum-cli export onnx --task text-classification` writes them"
            }
            LoadError::TooLong { .. } => "use a smaller model",
            LoadError::Unusable { .. } => {
                "export the model again with `optimum-cli export onnx --task text-classification`"
            }
            LoadError::NoSuchLabel { .. } => "name labels as `id2label` in `config.json` does",
            LoadError::NoAttackLabel { .. } => "say in the configuration which labels are attacks",
        }
    }
}
