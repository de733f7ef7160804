//! The table of weights, and what a sum of them means.

use super::Score;
use super::feature::{Bucket, TABLE_BITS};
use std::sync::LazyLock;

/// How many tokens the windows have at most, the longest first.
///
/// A short one sees an order of one sentence without the calm text around it; a long one sees what
/// belongs together over several sentences.
pub const WINDOW_LENGTHS: [usize; 2] = [40, 16];

/// A window's evidence: its sum of weights by the root of its length, plus the bias.
pub type Margin = i32;

/// Of a text of fewer tokens each missing one takes [`MISSING_COST`] off the margins of its windows: a
/// label or a message of one line has too little evidence against it.
const LENGTH_SHORT: usize = 16;
const MISSING_COST: usize = 60;

/// From there up to so many tokens a text is judged by its windows as they are. Each doubling of its length takes
/// [`DOUBLING_COST`] off their margins: the more windows there are, the higher is the highest by
/// chance.
const LENGTH_FREE: usize = 20;
const DOUBLING_COST: usize = 700;

/// LIMIT: doublings that cost something. More would let an attack hide behind calm text.
const DOUBLINGS_MAX: usize = 3;

/// Weights, and the margins at which benign texts grow rare.
#[derive(Clone, Debug)]
pub struct Model {
    bias: Margin,
    /// Ascending; each with the score that it has. Between two the score is linear.
    anchors: Vec<(Margin, Score)>,
    weights: Vec<i8>,
}

/// Bytes of one anchor in the written form, and of what stands before the anchors.
const ANCHOR_BYTES: usize = 6;
const HEAD_BYTES: usize = 5;

/// LIMIT: what the written form can say.
const ANCHORS_MAX: usize = u8::MAX as usize;

static EMBEDDED: LazyLock<Model> =
    LazyLock::new(|| Model::read(include_bytes!("weights.bin")).unwrap_or_else(Model::empty));

/// 4096 by the root of (length + 10), rounded down, for each length of a window.
static SCALES: LazyLock<Vec<i64>> = LazyLock::new(|| {
    let squared = |length: i64| (4096 * 4096) / (length + 10);
    let longest = WINDOW_LENGTHS.into_iter().max().unwrap_or_default();
    (0..)
        .take(longest + 1)
        .map(|length| squared(length).isqrt())
        .collect()
});

/// What the length of a text, in tokens, takes off the margins of its windows. Between two doublings
/// it grows on a straight line.
pub(super) fn cost_of_length(tokens: usize) -> Margin {
    let mut cost = MISSING_COST * LENGTH_SHORT.saturating_sub(tokens);
    let mut last = LENGTH_FREE;
    for _ in 0..DOUBLINGS_MAX {
        let beyond = tokens.clamp(last, 2 * last) - last;
        cost += DOUBLING_COST * beyond / last;
        last *= 2;
    }
    Margin::try_from(cost).unwrap_or(Margin::MAX)
}

// === impl Model ===

impl Model {
    /// The weights that are built into the program.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// A model that knows nothing.
    pub fn empty() -> Self {
        Self {
            bias: 0,
            anchors: Vec::new(),
            weights: Vec::new(),
        }
    }

    /// One weight for each bucket.
    pub fn new(bias: Margin, weights: Vec<i8>) -> Self {
        Self {
            bias,
            anchors: Vec::new(),
            weights,
        }
    }

    /// Gives margins their scores; they are put in order.
    #[must_use]
    pub fn calibrated(mut self, anchors: impl IntoIterator<Item = (Margin, u16)>) -> Self {
        let anchors = anchors.into_iter().take(ANCHORS_MAX);
        self.anchors = anchors
            .map(|(margin, score)| (margin, Score::from_thousandths(score)))
            .collect();
        self.anchors.sort_unstable();
        self
    }

    pub(super) fn weight(&self, bucket: Bucket) -> i8 {
        self.weights
            .get(bucket as usize)
            .copied()
            .unwrap_or_default()
    }

    /// What a window of `length` tokens with that sum of weights says.
    pub(super) fn margin(&self, sum: i32, length: usize) -> Margin {
        let scale = SCALES.get(length).copied().unwrap_or_default();
        let scaled = (i64::from(sum) * scale) >> 7;
        Margin::try_from(scaled)
            .unwrap_or(Margin::MAX)
            .saturating_add(self.bias)
    }

    /// The score that lies on the line between the anchors around the margin.
    pub fn score(&self, margin: Margin) -> Score {
        let after = self
            .anchors
            .partition_point(|(anchor, _)| *anchor <= margin);
        let next = self.anchors.get(after);
        let last = after
            .checked_sub(1)
            .and_then(|before| self.anchors.get(before));
        match (last, next) {
            (Some((low, from)), Some((high, to))) => {
                let (low, high) = (i64::from(*low), i64::from(*high));
                let rise = i64::from(to.0) - i64::from(from.0);
                let part = (i64::from(margin) - low) * rise / (high - low).max(1);
                let score = i64::from(from.0) + part;
                Score::from_thousandths(u16::try_from(score).unwrap_or_default())
            }
            (Some((_, highest)), None) => *highest,
            (None, _) => Score(0),
        }
    }

    /// Reads what [`Model::write`] wrote.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let [b0, b1, b2, b3, anchors] = *head;
        let (anchors, weights) = rest.split_at_checked(usize::from(anchors) * ANCHOR_BYTES)?;
        let anchors = anchors.as_chunks::<ANCHOR_BYTES>().0.iter();
        let anchors = anchors.map(|&[m0, m1, m2, m3, s0, s1]| {
            let margin = Margin::from_le_bytes([m0, m1, m2, m3]);
            (margin, u16::from_le_bytes([s0, s1]))
        });
        let weights: Vec<i8> = weights.iter().map(|byte| byte.cast_signed()).collect();
        let model = Self::new(Margin::from_le_bytes([b0, b1, b2, b3]), weights);
        (model.weights.len() == 1 << TABLE_BITS).then(|| model.calibrated(anchors))
    }

    pub fn write(&self) -> Vec<u8> {
        let mut bytes = self.bias.to_le_bytes().to_vec();
        bytes.push(u8::try_from(self.anchors.len()).unwrap_or_default());
        for (margin, score) in &self.anchors {
            bytes.extend(margin.to_le_bytes());
            bytes.extend(score.0.to_le_bytes());
        }
        bytes.extend(self.weights.iter().map(|weight| weight.cast_unsigned()));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_model_is_whole() {
        let bytes = include_bytes!("weights.bin");
        assert!(bytes.len() < 2 * 1024 * 1024);
        let model = Model::read(bytes).unwrap();
        assert_eq!(model.write(), bytes);
        assert!(model.weights.iter().any(|weight| *weight != 0));
        assert!(model.anchors.len() > 3);
    }

    #[test]
    fn scores_lie_on_the_lines_between_anchors() {
        let model = Model::new(0, Vec::new()).calibrated([(0, 100), (10, 200), (20, 1000)]);
        let scores = [-1, 0, 5, 10, 15, 20, 99].map(|margin| model.score(margin).thousandths());
        assert_eq!(scores, [0, 100, 150, 200, 600, 1000, 1000]);
    }

    #[test]
    fn short_and_long_texts_cost_more_up_to_a_limit() {
        let costs = [0, 6, 15, 16, 20, 30, 40, 60, 80, 160, 161, 1_000_000].map(cost_of_length);
        assert_eq!(
            costs,
            [960, 600, 60, 0, 0, 350, 700, 1050, 1400, 2100, 2100, 2100]
        );
    }

    #[test]
    fn half_a_model_is_none() {
        assert!(Model::read(b"").is_none());
        assert!(Model::read(&[0; 100]).is_none());
    }
}
