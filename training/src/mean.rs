//! The mean of weights at several times, in the form that the detector reads.

use crate::learn::{WEIGHT_MAX, Weights};
use portcullis_detect::prompt_injection::feature::TABLE_BITS;
use portcullis_detect::prompt_injection::{Margin, Model};

/// Sums of weights, for their mean.
#[derive(Debug)]
pub(crate) struct Mean {
    values: Vec<f32>,
    bias: f32,
    count: f32,
}

/// A unit of the learner's margin in the detector's.
const UNIT: f32 = 127.0 / WEIGHT_MAX * 32.0;

// === impl Mean ===

impl Mean {
    pub(crate) fn new() -> Self {
        Self {
            values: vec![0.0; 1 << TABLE_BITS],
            bias: 0.0,
            count: 0.0,
        }
    }

    pub(crate) fn add(&mut self, weights: &Weights) {
        self.count += 1.0;
        self.bias += weights.bias;
        for (sum, value) in self.values.iter_mut().zip(&weights.values) {
            *sum += value;
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "no weight is beyond `WEIGHT_MAX`, and the bias is of its size"
    )]
    pub(crate) fn quantized(&self) -> Model {
        let weights = self
            .values
            .iter()
            .map(|sum| (sum / self.count / WEIGHT_MAX * 127.0).round() as i8);
        Model::new(
            (self.bias / self.count * UNIT).round() as Margin,
            weights.collect(),
        )
    }
}
