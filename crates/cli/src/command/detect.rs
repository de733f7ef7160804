use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use portcullis_detect::{Match, pii, prompt_injection, secrets};
use portcullis_json::{Number, Object, Value};
use portcullis_model::{Classifier, LoadError};
use portcullis_server::check::STANDARD_INPUT;
use portcullis_server::text_file::read_bounded;

use super::{Failure, Outcome};
use crate::args::{DetectArguments, Detector};
use crate::render::excerpt::excerpt;
use crate::render::{GOOD, WARNING, plain};

/// What a detector found in a file.
#[derive(Debug)]
struct Finding {
    detector: &'static str,
    kind: &'static str,
    /// Bytes of the file.
    span: Range<usize>,
    /// How sure the detector is, from 0 to 1, if it weighs.
    score: Option<f64>,
}

/// A transformer classifier, and which of its labels mean an attack.
#[derive(Debug)]
struct Model {
    classifier: Classifier,
    attacks: Vec<usize>,
}

/// Counts code points and lines as it goes from finding to finding.
#[derive(Debug)]
struct Place<'a> {
    rest: &'a str,
    byte: usize,
    code_point: usize,
    line: usize,
    column: usize,
}

const ALL: [Detector; 3] = [Detector::Secrets, Detector::Pii, Detector::PromptInjection];

/// LIMIT: a file is read into memory as a whole.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The score from which on a policy's `prompt_injection` is true, in thousandths.
const SCORE_MIN: u16 = 900;

/// LIMIT: how long the model may read one file.
const MODEL_WAIT_MAX: Duration = Duration::from_mins(1);

pub(crate) fn detect(arguments: &DetectArguments) -> Result<Outcome, Failure> {
    let asked = match arguments.detector.as_slice() {
        [] => ALL.as_slice(),
        some => some,
    };
    let model = arguments.model.as_deref();
    let model = model
        .map(|folder| Model::load(folder, &arguments.label))
        .transpose()
        .map_err(|error| Failure::usage(error.to_string()).hint(error.help()))?;
    let mut out = anstream::stdout().lock();
    let mut count = 0;
    let mut failures: Vec<Failure> = Vec::new();
    for path in &arguments.files {
        let looked = read(path).and_then(|text| {
            let mut findings = find(&text, asked);
            if let Some(model) = &model {
                findings.extend(model.instruction(path, &text)?);
            }
            Ok((text, findings))
        });
        let (text, mut findings) = match looked {
            Ok(looked) => looked,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        findings.sort_by_key(|one| (one.span.start, one.span.end));
        count += findings.len();
        let mut place = Place::start(&text);
        for finding in &findings {
            place.advance(finding.span.start);
            if arguments.json {
                writeln!(out, "{}", json(path, &text, finding, &place))?;
            } else {
                show(&mut out, path, &text, finding, &place)?;
            }
        }
    }
    match (count, arguments.json) {
        (0, false) if !failures.is_empty() => {}
        (0, false) => writeln!(out, "{}: nothing found", GOOD.paint("ok"))?,
        (1, false) => writeln!(out, "1 finding")?,
        (_, false) => writeln!(out, "{count} findings")?,
        (_, true) => {}
    }
    if let Some(all) = failures.into_iter().reduce(Failure::and) {
        return Err(all);
    }
    Ok(if count == 0 {
        Outcome::Ok
    } else {
        Outcome::Findings
    })
}

fn read(path: &Path) -> Result<String, Failure> {
    let fail = |cause: &dyn std::fmt::Display| {
        Failure::usage(format!("`{}` cannot be read: {cause}", path.display()))
    };
    let file: Box<dyn Read> = if path == Path::new(STANDARD_INPUT) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|error| fail(&error))?)
    };
    let text = read_bounded(file, FILE_BYTES_MAX).map_err(|error| fail(&error))?;
    text.ok_or_else(|| {
        let limit = FILE_BYTES_MAX / (1024 * 1024);
        fail(&format!("it is longer than {limit} MiB"))
            .hint("split it, since a finding in one part needs no other")
    })
}

fn find(text: &str, asked: &[Detector]) -> Vec<Finding> {
    let of = |detector| {
        move |Match { kind, span }| Finding {
            detector,
            kind,
            span,
            score: None,
        }
    };
    let mut found = Vec::new();
    if asked.contains(&Detector::Secrets) {
        found.extend(secrets::all(text).into_iter().map(of("secrets")));
    }
    if asked.contains(&Detector::Pii) {
        found.extend(pii::find(text).into_iter().map(of("pii")));
    }
    if asked.contains(&Detector::PromptInjection) {
        found.extend(instruction(text));
    }
    found
}

/// The worst window, if it is bad enough.
fn instruction(text: &str) -> Option<Finding> {
    let found = prompt_injection::assess(text);
    (found.score.thousandths() >= SCORE_MIN).then(|| Finding {
        detector: "prompt_injection",
        kind: "INSTRUCTION",
        span: found.span,
        score: Some(found.score.value()),
    })
}

fn show(
    out: &mut impl Write,
    path: &Path,
    text: &str,
    finding: &Finding,
    place: &Place<'_>,
) -> io::Result<()> {
    let detector = WARNING.paint(finding.detector);
    let score = finding.score.map(|score| format!(", score {score}"));
    writeln!(
        out,
        "{detector}: {}{}",
        finding.kind,
        score.unwrap_or_default()
    )?;
    let path = plain(&path.display().to_string());
    writeln!(out, "  {path}:{}:{}", place.line, place.column)?;
    writeln!(out, "{}", excerpt(text, &finding.span))
}

fn json(path: &Path, text: &str, finding: &Finding, place: &Place<'_>) -> Value {
    let found = text.get(finding.span.clone()).unwrap_or_default();
    let length = found.chars().count();
    let mut object = Object::new();
    object.insert("file", path.display().to_string());
    object.insert("detector", finding.detector);
    object.insert("kind", finding.kind);
    object.insert("start", number(place.code_point));
    object.insert("end", number(place.code_point + length));
    object.insert("line", number(place.line));
    object.insert("column", number(place.column));
    if let Some(score) = finding.score {
        object.insert("score", Value::Number(Number::Float(score)));
    }
    object.into()
}

fn number(count: usize) -> Value {
    Value::from(i64::try_from(count).unwrap_or(i64::MAX))
}

// === impl Model ===

impl Model {
    fn load(folder: &Path, labels: &[String]) -> Result<Self, LoadError> {
        let classifier = Classifier::load(folder)?;
        let attacks = classifier.attacks(labels)?;
        Ok(Self {
            classifier,
            attacks,
        })
    }

    /// The worst window, if it is bad enough.
    fn instruction(&self, path: &Path, text: &str) -> Result<Option<Finding>, Failure> {
        let until = Instant::now() + MODEL_WAIT_MAX;
        let read = self.classifier.classify(text, until).map_err(|error| {
            Failure::usage(format!(
                "the model cannot read `{}`: {error}",
                path.display()
            ))
        })?;
        let worst = read.worst(&self.attacks);
        let is_attack = |(score, _): &(f64, Range<usize>)| score * 1000.0 >= f64::from(SCORE_MIN);
        Ok(worst.filter(is_attack).map(|(score, span)| Finding {
            detector: "model",
            kind: "INSTRUCTION",
            span,
            score: Some(score),
        }))
    }
}

// === impl Place ===

impl<'a> Place<'a> {
    fn start(text: &'a str) -> Self {
        Self {
            rest: text,
            byte: 0,
            code_point: 0,
            line: 1,
            column: 1,
        }
    }

    /// Goes on to the byte; the places come in order.
    fn advance(&mut self, byte: usize) {
        let Some((passed, rest)) = self.rest.split_at_checked(byte - self.byte) else {
            return;
        };
        for character in passed.chars() {
            self.code_point += 1;
            self.column += 1;
            if character == '\n' {
                self.line += 1;
                self.column = 1;
            }
        }
        self.rest = rest;
        self.byte = byte;
    }
}
