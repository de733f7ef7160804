//! Transformer classifiers from a local folder, run in the process.
//!
//! A folder holds `model.onnx`, `tokenizer.json` and `config.json`, as Hugging Face's tools export
//! them. A text is read in overlapping windows; each gets a score for each label. Nothing is
//! downloaded, and no other process is started.
//!
//! It is a crate of its own because of what it imports: a runtime and a tokenizer that take longer
//! to build than the rest of the program.

mod classifier;
mod config;
mod error;
mod network;

pub use classifier::{Assessment, Classifier, Window};
pub use error::{ClassifyError, LoadError};
