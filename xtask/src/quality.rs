//! How good the detectors are on labelled texts, and how fast.

mod latency;
mod rows;
mod tally;

use portcullis_detect::{pii, prompt_injection, secrets, tool};
use rows::{Row, Shape};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use tally::{Agreement, Tally};

/// Scores that a text passes to be flagged: `prompt_injection`'s default, and the strict one.
const USUAL: u16 = 900;
const STRICT: u16 = 990;

/// Another problem than hidden instructions, which no detector of texts alone can tell: told apart.
const APART: [&str; 2] = ["indirect_plain", "overt_malicious"];

/// No personal data by itself; texts are full of them.
const NO_PERSON: [&str; 1] = ["URL"];

/// What the data call a kind that the detector calls otherwise.
const SAME_PII: [(&str, &str); 2] = [("ADDRESS", "LOCATION"), ("STREET_ADDRESS", "LOCATION")];

/// Counts of one file: what was asked, by source and kind.
type Table = BTreeMap<(String, String), Tally>;

/// Precision, recall and F1 of one file by what was asked.
type Agreements = BTreeMap<String, Agreement>;

/// All that is told of one file.
#[derive(Default)]
struct Measured {
    tables: Vec<(&'static str, Table)>,
    agreements: Agreements,
    /// Rows that say neither a label nor spans.
    unlabelled: usize,
}

pub(crate) fn run(
    paths: &[PathBuf],
    json: Option<&std::path::Path>,
) -> Result<(String, bool), String> {
    let mut report = String::new();
    let mut written = Vec::new();
    for file in rows::files(paths)? {
        let rows = rows::read(&file.path)?;
        let measured = measure(&file.name, &rows);
        let tables = measured.tables.into_iter();
        for (title, table) in tables.filter(|(_, table)| !table.is_empty()) {
            section(
                &mut report,
                &mut written,
                &format!("{}: {title}", file.name),
                &table,
            )?;
        }
        agreement_section(&mut report, &file.name, &measured.agreements)?;
        if measured.unlabelled > 0 {
            let line = format!(
                "{}: {} rows without a label\n\n",
                file.name, measured.unlabelled
            );
            report.push_str(&line);
        }
    }
    report.push_str(&latency::table());
    if let Some(path) = json {
        std::fs::write(path, format!("[{}]\n", written.join(",\n")))
            .map_err(|it| it.to_string())?;
    }
    Ok((report, true))
}

fn measure(name: &str, rows: &[Row]) -> Measured {
    let mut measured = injection(rows);
    measured.add(tools(rows));
    if is_personal(name, rows) {
        measured.add(spans(
            rows,
            "pii",
            |text| {
                let found = pii::find(text).into_iter().chain(pii::guess(text));
                found.filter(|one| !NO_PERSON.contains(&one.kind)).collect()
            },
            |truth, found| truth == found || SAME_PII.contains(&(truth, found)),
        ));
    } else {
        // A credential is one whatever it is called.
        measured.add(spans(rows, "secrets", secrets::all, |_, _| true));
        let alone = spans(rows, "secrets, our rules alone", secrets::find, |_, _| true);
        measured.tables.extend(alone.tables);
    }
    let unlabelled = rows
        .iter()
        .filter(|row| matches!(row.shape, Shape::Unlabelled));
    measured.unlabelled = unlabelled.count();
    measured
}

/// Whether the spans are personal data, by the file's name or by what they are called.
fn is_personal(name: &str, rows: &[Row]) -> bool {
    let is_known = |kind: &str| pii::SUPPORTED.contains(&kind) || pii::GUESSED.contains(&kind);
    name.contains("pii")
        || rows.iter().any(|row| match &row.shape {
            Shape::Spans(truths) => truths.iter().any(|truth| is_known(&truth.kind)),
            Shape::Labelled(_) | Shape::Tool(_) | Shape::Unlabelled => false,
        })
}

fn injection(rows: &[Row]) -> Measured {
    let (mut table, mut agreements) = (Table::new(), Agreements::new());
    for row in rows {
        let Shape::Labelled(is_attack) = row.shape else {
            continue;
        };
        let score = prompt_injection::assess(&row.text).score.thousandths();
        let label = if is_attack { "attack" } else { "benign" };
        let mut keys = vec![(format!("{} ({label})", row.source), row.kind.clone())];
        if !APART.contains(&&*row.kind) {
            keys.push((format!("all {label}"), String::new()));
            keys.push((format!("all {label}"), row.kind.clone()));
        }
        for key in keys {
            let tally = table.entry(key).or_default();
            tally.count([score >= USUAL, score >= STRICT]);
        }
        if APART.contains(&&*row.kind) {
            continue;
        }
        for (name, threshold) in [("at 0.9", USUAL), ("at 0.99", STRICT)] {
            let agreement = agreements.entry(name.to_owned()).or_default();
            agreement.count(is_attack, score >= threshold);
        }
    }
    Measured {
        tables: vec![("flagged at 0.9, and at 0.99", table)],
        agreements,
        unlabelled: 0,
    }
}

fn tools(rows: &[Row]) -> Measured {
    let mut table = Table::new();
    for row in rows {
        let Shape::Tool(definition) = &row.shape else {
            continue;
        };
        let flagged = tool::judge(definition).is_poisoned;
        let by_text = prompt_injection::assess(&row.text).score.thousandths() >= STRICT;
        let label = if row.is_attack { "poisoned" } else { "benign" };
        let mut keys = vec![
            (label.to_owned(), row.kind.clone()),
            (format!("{label} ({})", row.source), row.kind.clone()),
        ];
        if !APART.contains(&&*row.kind) {
            keys.push(("all".to_owned(), label.to_owned()));
        }
        if row.kind.starts_with("real_") {
            keys.push(("all".to_owned(), "real".to_owned()));
        }
        for key in keys {
            table.entry(key).or_default().count([flagged, by_text]);
        }
    }
    Measured {
        tables: vec![("flagged by the signals, and by the classifier alone", table)],
        agreements: Agreements::new(),
        unlabelled: 0,
    }
}

fn spans(
    rows: &[Row],
    detector: &str,
    find: impl Fn(&str) -> Vec<portcullis_detect::Match>,
    is_same: impl Fn(&str, &str) -> bool,
) -> Measured {
    let mut agreements = Agreements::new();
    let (mut recall, mut precision, mut flagged) = (Table::new(), Table::new(), Table::new());
    for row in rows {
        let Shape::Spans(truths) = &row.shape else {
            continue;
        };
        let found = find(&row.text);
        for truth in truths {
            let hit = found.iter().any(|one| {
                is_same(&truth.kind, one.kind)
                    && one.span.start < truth.span.end
                    && truth.span.start < one.span.end
            });
            let exact = found
                .iter()
                .any(|one| is_same(&truth.kind, one.kind) && one.span == truth.span);
            for key in [
                (detector.to_owned(), "all".to_owned()),
                (detector.to_owned(), truth.kind.clone()),
                (format!("{detector} ({})", row.source), truth.kind.clone()),
            ] {
                recall.entry(key).or_default().count([hit, exact]);
            }
            let agreement = agreements.entry(truth.kind.clone()).or_default();
            *(if hit {
                &mut agreement.found
            } else {
                &mut agreement.missed
            }) += 1;
        }
        for one in &found {
            let is_right = truths.iter().any(|truth| {
                is_same(&truth.kind, one.kind)
                    && one.span.start < truth.span.end
                    && truth.span.start < one.span.end
            });
            if !is_right {
                agreements.entry(one.kind.to_owned()).or_default().wrong += 1;
            }
            if !truths.is_empty() {
                let key = (detector.to_owned(), one.kind.to_owned());
                precision
                    .entry(key)
                    .or_default()
                    .count([is_right, is_right]);
            }
        }
        if truths.is_empty() {
            count_flagged(&mut flagged, detector, row, &found);
        }
    }
    let tables = [
        ("recall by kind: any overlap, and the exact span", recall),
        ("precision by kind, in texts that hold something", precision),
        (
            "texts without any that are flagged, and with guesses",
            flagged,
        ),
    ];
    Measured {
        tables: tables.into(),
        agreements,
        unlabelled: 0,
    }
}

/// Counts a text without anything to find, by its kind and its source.
fn count_flagged(
    flagged: &mut Table,
    detector: &str,
    row: &Row,
    found: &[portcullis_detect::Match],
) {
    let family = row
        .kind
        .trim_end_matches(|it: char| it.is_ascii_digit() || it == '_');
    let is_sure = found.iter().any(|one| !pii::GUESSED.contains(&one.kind));
    for what in [detector.to_owned(), format!("{detector} ({})", row.source)] {
        let tally = flagged.entry((what, family.to_owned())).or_default();
        tally.count([is_sure, !found.is_empty()]);
    }
}

// === impl Measured ===

impl Measured {
    fn add(&mut self, other: Self) {
        self.tables.extend(other.tables);
        self.agreements.extend(other.agreements);
        self.unlabelled += other.unlabelled;
    }
}

fn agreement_section(
    report: &mut String,
    name: &str,
    agreements: &Agreements,
) -> Result<(), String> {
    if agreements.is_empty() {
        return Ok(());
    }
    let mut write =
        |line: std::fmt::Arguments<'_>| report.write_fmt(line).map_err(|error| error.to_string());
    write(format_args!(
        "## {name}: precision, recall and F1\n\n| what | found | missed | wrong | precision | recall | F1 | 95 % |\n|---|---:|---:|---:|---:|---:|---:|---|\n"
    ))?;
    for (what, agreement) in agreements {
        write(format_args!("| {what} | {agreement} |\n"))?;
    }
    write(format_args!("\n"))
}

fn section(
    report: &mut String,
    json: &mut Vec<String>,
    title: &str,
    table: &Table,
) -> Result<(), String> {
    let mut write =
        |line: std::fmt::Arguments<'_>| report.write_fmt(line).map_err(|error| error.to_string());
    write(format_args!(
        "## {title}\n\n| what | kind | texts | first | 95 % | second | 95 % |\n|---|---|---:|---:|---|---:|---|\n"
    ))?;
    for ((what, kind), tally) in table {
        write(format_args!("| {what} | {kind} | {tally} |\n"))?;
        json.push(tally.json(title, what, kind));
    }
    write(format_args!("\n"))
}
