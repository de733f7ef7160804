//! What a margin means: how seldom benign texts reach it.

use crate::data::Row;
use portcullis_detect::prompt_injection::{Margin, Model, margin};

/// Margins that so many of ten thousand benign texts pass, with the score that they have.
const SCORES: [(usize, u16); 6] = [
    (5000, 100),
    (1000, 500),
    (200, 750),
    (100, 800),
    (20, 900),
    (4, 990),
];

/// The margin above all that benign texts reach has score 1.
const SURE: Margin = 4000;

/// Gives the model's margins their scores.
pub(crate) fn calibrated(model: Model, calibration: &[Row]) -> Model {
    let mut margins: Vec<Margin> = calibration
        .iter()
        .map(|row| margin(&model, &row.text))
        .collect();
    margins.sort_unstable_by(|a, b| b.cmp(a));
    let anchors =
        SCORES.map(|(of_ten_thousand, score)| (threshold(&margins, of_ten_thousand), score));
    let sure = threshold(&margins, 0).max(threshold(&margins, 1)) + SURE;
    model.calibrated(anchors.into_iter().chain([(sure, 1000)]))
}

/// The margin that `of_ten_thousand` of ten thousand benign texts pass; the highest ones stand first.
fn threshold(margins: &[Margin], of_ten_thousand: usize) -> Margin {
    margins
        .get(margins.len() * of_ten_thousand / 10_000)
        .copied()
        .unwrap_or_default()
}
