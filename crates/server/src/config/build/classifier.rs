//! Classifiers for `prompt_injection(model=…)`: services, and models in folders.

use std::collections::BTreeMap;
use std::ops::Range;

use portcullis_model::{Classifier, LoadError};

use super::Builder;
use super::detectors::{PROGRAM_CONCURRENCY, SERVICE_TIMEOUT, WrittenService};
use crate::config::detectors::{ClassifierConfig, ClassifierFolder, ClassifierService};
use crate::config::problem::Problem;
use crate::config::tree::{Entries, Spot};
use crate::config::written::detectors::WrittenClassifier;

/// How publishers of such classifiers call it; models without names for their labels have numbers.
const INJECTION_LABELS: [&str; 4] = ["INJECTION", "JAILBREAK", "MALICIOUS", "LABEL_1"];

impl Builder<'_> {
    pub(super) fn classifiers(
        &mut self,
        entries: Option<Entries<WrittenClassifier>>,
    ) -> BTreeMap<String, ClassifierConfig> {
        let mut classifiers = BTreeMap::new();
        for (name, classifier) in entries.map(|Entries(entries)| entries).unwrap_or_default() {
            let classifier = self.classifier(classifier);
            if let (Some(name), Some(classifier)) = (name.value, classifier) {
                classifiers.insert(name, classifier);
            }
        }
        classifiers
    }

    fn classifier(&mut self, spot: Spot<WrittenClassifier>) -> Option<ClassifierConfig> {
        let Spot { span, value } = spot;
        let mut written = value.unwrap_or_default();
        match (written.url.is_some(), written.folder.take()) {
            (true, None) => {
                let service = self.classifier_service(&span, written);
                service.map(ClassifierConfig::Service)
            }
            (false, Some(folder)) => {
                let folder = self.classifier_folder(folder, written);
                folder.map(ClassifierConfig::Folder)
            }
            (true, Some(folder)) => {
                let problem =
                    Problem::error(folder.span, "a classifier has either a `url` or a `folder`");
                self.problems.push(problem.help(
                    "leave out the `url` to run the model in the gateway, or the `folder` to ask \
                     the service",
                ));
                None
            }
            (false, None) => {
                let problem = Problem::error(span, "it has neither a `url` nor a `folder`");
                self.problems.push(problem.help(
                    "give the `url` of a service, or a `folder` with `model.onnx`, \
                     `tokenizer.json` and `config.json`",
                ));
                None
            }
        }
    }

    fn classifier_service(
        &mut self,
        span: &Range<usize>,
        written: WrittenClassifier,
    ) -> Option<ClassifierService> {
        let labels = written.labels.map(|labels| self.labels(labels));
        let service = WrittenService {
            url: written.url,
            api_key: written.api_key,
            timeout: written.timeout,
            retries: written.retries,
            concurrency: written.concurrency,
        };
        Some(ClassifierService {
            service: self.service(span, service)?,
            labels: match labels {
                Some(labels) => labels.into_iter().map(|(_, label)| label).collect(),
                None => INJECTION_LABELS.map(str::to_owned).into(),
            },
        })
    }

    /// Loads the model, so that one that does not work is found before there is traffic.
    fn classifier_folder(
        &mut self,
        folder: Spot<String>,
        written: WrittenClassifier,
    ) -> Option<ClassifierFolder> {
        self.not_in_folder("api_key", written.api_key.as_ref());
        self.not_in_folder("retries", written.retries.as_ref());
        let timeout = self.duration(written.timeout, SERVICE_TIMEOUT);
        let concurrency = self.count(written.concurrency, PROGRAM_CONCURRENCY);
        let named = written.labels.map(|labels| self.labels(labels));
        let path = self.beside(&folder.value?);
        let classifier = match self.inputs.models.load(&path, self.known) {
            Ok(classifier) => classifier,
            Err(error) => {
                self.unusable(&folder.span, &error);
                return None;
            }
        };
        let labels = match named {
            None => self.places(&classifier, &folder.span, &[]),
            Some(named) => {
                let places = named
                    .into_iter()
                    .filter_map(|(span, label)| self.places(&classifier, &span, &[label]));
                Some(places.flatten().collect())
            }
        };
        Some(ClassifierFolder {
            labels: labels?,
            classifier,
            timeout,
            concurrency,
        })
    }

    /// The labels that are written, with their places in the file.
    fn labels(&mut self, labels: Spot<Vec<Spot<String>>>) -> Vec<(Range<usize>, String)> {
        let read = labels.value.unwrap_or_default().into_iter();
        let read = read.filter_map(|label| Some((label.span, label.value?)));
        let read: Vec<_> = read.collect();
        if read.is_empty() {
            self.error(&labels.span, "no label means an injection");
        }
        read
    }

    /// Where a model has the labels that are named, or those whose names say what they mean.
    fn places(
        &mut self,
        classifier: &Classifier,
        span: &Range<usize>,
        named: &[String],
    ) -> Option<Vec<usize>> {
        let places = classifier.attacks(named);
        places.map_err(|error| self.unusable(span, &error)).ok()
    }

    fn unusable(&mut self, span: &Range<usize>, error: &LoadError) {
        let problem = Problem::error(span.clone(), error.to_string());
        self.problems.push(problem.help(error.help()));
    }

    fn not_in_folder<T>(&mut self, key: &str, found: Option<&Spot<T>>) {
        if let Some(found) = found {
            let message = format!("`{key}` is for classifiers with a `url`");
            self.error(&found.span, message);
        }
    }
}
