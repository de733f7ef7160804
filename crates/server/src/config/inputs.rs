//! What a configuration was made of, so that a change is noticed and no model is loaded twice.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portcullis_model::{Classifier, LoadError};

use super::Secret;

/// What a configuration was read from.
#[derive(Clone, Debug, Default)]
pub(super) struct Inputs {
    /// Files with what was in them, secrets included; `None` if one could not be read.
    pub(super) texts: BTreeMap<PathBuf, Option<Secret>>,
    pub(super) models: Models,
}

/// Folders of models, with what was loaded from them.
#[derive(Clone, Debug, Default)]
pub(super) struct Models(BTreeMap<PathBuf, Model>);

#[derive(Clone, Debug)]
struct Model {
    /// As they were before they were loaded.
    files: Files,
    /// `None` if it could not be loaded.
    classifier: Option<Arc<Classifier>>,
}

/// The files of a model; `None` is one that is not there.
type Files = [Option<FileState>; Classifier::FILES.len()];

/// A file as it looks from outside: a model is too long to be read each second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileState {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
}

// === impl Inputs ===

impl Inputs {
    /// One of the files that is there and no regular file: what a pipe has said it says once, and who
    /// asks again may wait for ever.
    pub(super) fn irregular(&self) -> Option<&PathBuf> {
        self.texts.keys().find(|path| is_irregular(path))
    }

    /// A file alone.
    pub(super) fn of(path: &Path, text: Option<Secret>) -> Self {
        Self {
            texts: BTreeMap::from([(path.to_owned(), text)]),
            models: Models::default(),
        }
    }
}

/// Whether there is something else than a regular file.
pub(super) fn is_irregular(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file())
}

// === impl Models ===

impl Models {
    /// The model in a folder; one that is known is not loaded again unless its files have changed.
    pub(super) fn load(
        &mut self,
        folder: &Path,
        known: &Self,
    ) -> Result<Arc<Classifier>, LoadError> {
        let files = files(folder);
        let kept = [&*self, known].into_iter().find_map(|models| {
            let model = models.0.get(folder).filter(|model| model.files == files)?;
            model.classifier.clone()
        });
        let loaded = match kept {
            Some(classifier) => Ok(classifier),
            None => Classifier::load(folder).map(Arc::new),
        };
        let classifier = loaded.as_ref().ok().map(Arc::clone);
        let model = Model { files, classifier };
        self.0.insert(folder.to_owned(), model);
        loaded
    }

    /// Whether a folder is not what it was when it was loaded.
    pub(super) fn are_changed(&self) -> bool {
        let mut models = self.0.iter();
        models.any(|(folder, model)| files(folder) != model.files)
    }
}

fn files(folder: &Path) -> Files {
    Classifier::FILES.map(|name| {
        let found = fs::metadata(folder.join(name)).ok()?;
        Some(FileState {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    })
}
