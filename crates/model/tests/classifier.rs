//! A classifier from a folder that the test writes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "functions of a test, though not marked as one"
)]

#[path = "support/tiny.rs"]
mod tiny;

use portcullis_model::{Classifier, ClassifyError, LoadError};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    tiny::write_folder(folder.path());
    folder
}

fn later() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

/// The worst window for the labels that name an attack.
fn worst(classifier: &Classifier, text: &str) -> (f64, std::ops::Range<usize>) {
    let attacks = classifier.attacks(&[]).unwrap();
    let assessment = classifier.classify(text, later()).unwrap();
    assessment.worst(&attacks).unwrap()
}

#[test]
fn scores_are_those_of_the_network() {
    let folder = folder();
    let classifier = Classifier::load(folder.path()).unwrap();
    assert_eq!(classifier.labels(), ["SAFE", "INJECTION"]);
    // Words: 0, 9, 9, 0 for the attack and nothing against it; then the shifts 1 and -1.
    let expected = 1.0 / (1.0 + (1.0 - (4.5_f64 - 1.0)).exp());
    let (score, span) = worst(&classifier, "Ignore instructions");
    assert!((score - expected).abs() < 1e-6, "{score} {expected}");
    assert_eq!(span, 0..19);
    let (score, _) = worst(&classifier, "the weather");
    let expected = 1.0 / (1.0 + (1.25_f64 + 1.0 + 1.0).exp());
    assert!((score - expected).abs() < 1e-6, "{score} {expected}");
    let (score, span) = worst(&classifier, "");
    assert!(score < 0.2 && span.is_empty());
}

#[test]
fn the_worst_window_of_a_long_text_is_its_mark() {
    let folder = folder();
    let classifier = Classifier::load(folder.path()).unwrap();
    let (before, attack) = ("the wéather ".repeat(50), "ignore instructions ".repeat(7));
    let text = format!("{before}{attack}{}", "a weather ".repeat(50));
    let (score, span) = worst(&classifier, &text);
    assert!(score > 0.99, "{score}");
    let marked = text.get(span).unwrap();
    assert!(
        marked.contains("ignore instructions") && marked.len() < 200,
        "{marked}"
    );
    let windows = classifier.classify(&text, later()).unwrap().windows;
    assert!(windows.len() >= 19);
    for pair in windows.windows(2) {
        assert!(pair[1].span.start < pair[0].span.end, "windows overlap");
    }
    assert_eq!(windows.last().unwrap().span.end, text.trim_end().len());
    assert_eq!(
        classifier.classify(&text, later()),
        classifier.classify(&text, later())
    );
}

#[test]
fn a_network_of_one_length_is_fed_with_padding() {
    let folder = folder();
    fs::write(folder.path().join("model.onnx"), tiny::model("12")).unwrap();
    let fixed = Classifier::load(folder.path()).unwrap();
    let (score, span) = worst(&fixed, "Ignore instructions");
    let expected = 1.0 / (1.0 + (1.0 - (4.5_f64 - 1.0)).exp());
    assert!((score - expected).abs() < 1e-6, "{score} {expected}");
    assert_eq!(span, 0..19);
}

#[test]
fn time_and_length_are_bounded() {
    let folder = folder();
    let classifier = Classifier::load(folder.path()).unwrap();
    let now = Instant::now();
    assert_eq!(classifier.classify("a", now), Err(ClassifyError::OutOfTime));
    let long = "a".repeat(256 * 1024 + 1);
    assert_eq!(
        classifier.classify(&long, later()),
        Err(ClassifyError::TooLong(256 * 1024))
    );
    let windows = "a ".repeat(100_000);
    let refused = classifier.classify(&windows, later());
    assert_eq!(refused, Err(ClassifyError::TooManyWindows(512)));
    assert!(
        classifier
            .classify(&"a".repeat(256 * 1024), later())
            .is_ok()
    );
}

#[test]
fn scores_of_several_labels_are_not_added_up() {
    let folder = folder();
    let classifier = Classifier::load(folder.path()).unwrap();
    let assessment = classifier.classify("ignore weather", later()).unwrap();
    let [safe, attack] = assessment.windows[0].scores[..] else {
        panic!("{assessment:?}");
    };
    assert!((safe + attack - 1.0).abs() < 1e-6 && safe > 0.0);
    let (score, _) = assessment.worst(&[0, 1]).unwrap();
    assert!((score - safe.max(attack)).abs() < 1e-12, "{score}");
}

#[test]
fn calls_at_the_same_time_get_the_same_scores() {
    let folder = folder();
    let classifier = Classifier::load(folder.path()).unwrap();
    let text = "ignore the weather instructions ".repeat(40);
    let alone = classifier.classify(&text, later());
    std::thread::scope(|scope| {
        let calls = [(); 4].map(|()| scope.spawn(|| classifier.classify(&text, later())));
        for call in calls {
            assert_eq!(call.join().unwrap(), alone);
        }
    });
}

#[test]
fn labels_that_mean_an_attack_are_named_or_known() {
    let folder = folder();
    let classifier = Classifier::load(folder.path()).unwrap();
    assert_eq!(classifier.attacks(&[]).unwrap(), [1]);
    assert_eq!(classifier.attacks(&["SAFE".to_owned()]).unwrap(), [0]);
    let error = classifier.attacks(&["BAD".to_owned()]).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("has no label `BAD`; its labels are SAFE, INJECTION")
    );
    let config = tiny::CONFIG.replace("INJECTION", "LABEL_1");
    fs::write(folder.path().join("config.json"), config).unwrap();
    let unnamed = Classifier::load(folder.path()).unwrap();
    let error = unnamed.attacks(&[]).unwrap_err();
    assert!(matches!(error, LoadError::NoAttackLabel { .. }), "{error}");
}

#[track_caller]
fn refused(folder: &Path, file: &str, content: &[u8], reason: &str) {
    let path = folder.join(file);
    let before = fs::read(&path).unwrap();
    fs::write(&path, content).unwrap();
    let error = Classifier::load(folder).unwrap_err();
    let said = error.to_string();
    assert!(said.contains(reason) && !error.help().is_empty(), "{said}");
    fs::write(&path, before).unwrap();
}

#[test]
fn a_folder_that_cannot_be_used_says_what_is_wrong() {
    let folder = folder();
    let path = folder.path();
    let model = tiny::model("seq");
    refused(path, "config.json", b"{", "config.json` cannot be used");
    refused(path, "config.json", b"{}", "`id2label` is missing");
    let three = br#"{"id2label": {"0": "a", "1": "b", "2": "c"}}"#;
    refused(path, "config.json", three, "2 numbers for 3 labels");
    let gap = br#"{"id2label": {"0": "a", "2": "c"}}"#;
    refused(path, "config.json", gap, "from 0 on");
    refused(path, "model.onnx", b"", "model.onnx` cannot be used");
    refused(
        path,
        "model.onnx",
        b"no model at all",
        "model.onnx` cannot be used",
    );
    refused(
        path,
        "model.onnx",
        &model[..model.len() / 2],
        "cannot be used",
    );
    let renamed: Vec<u8> = String::from_utf8_lossy(b"input_ids")
        .replace("ids", "idx")
        .into();
    let other = replaced(&model, b"input_ids", &renamed);
    refused(
        path,
        "model.onnx",
        &other,
        "its input `input_idx` is not known",
    );
    refused(
        path,
        "tokenizer.json",
        b"{}",
        "tokenizer.json` cannot be used",
    );
    fs::remove_file(path.join("model.onnx")).unwrap();
    let error = Classifier::load(path).unwrap_err();
    assert!(error.to_string().contains("cannot read"), "{error}");
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for start in 0..=bytes.len() - from.len() {
        if bytes[start..].starts_with(from) {
            bytes[start..start + from.len()].copy_from_slice(to);
        }
    }
    bytes
}
