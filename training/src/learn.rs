//! Fitting the weights: logistic regression over windows, by `AdaGrad`.
//!
//! Of an attack whose place is known the worst of the windows around that place is learned, one of
//! each length, of another the window that looks worst so far; of a benign text the worst window and
//! two others. Part of the features is left out of each step, so that no single word carries a
//! decision.

use crate::chance::Chance;
use crate::data::Row;
use crate::mean::Mean;
use portcullis_detect::prompt_injection::feature::{TABLE_BITS, features};
use portcullis_detect::prompt_injection::token::tokens;
use portcullis_detect::prompt_injection::{Model, WINDOW_LENGTHS, lengths};
use std::collections::BTreeMap;
use std::ops::Range;

/// A row as the classifier sees it.
#[derive(Debug)]
pub(crate) struct Example {
    /// Where the features of each token start, and the end of the last.
    starts: Vec<usize>,
    buckets: Vec<u32>,
    is_attack: bool,
    /// Tokens that are the attack.
    attack: Option<Range<usize>>,
    weight: f32,
}

/// Weights while they are learned.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) values: Vec<f32>,
    /// Squared gradients so far.
    seen: Vec<f32>,
    pub(crate) bias: f32,
}

const EPOCHS: u16 = 8;
/// The model is the mean of what stands after each later epoch of several runs in other orders,
/// which carries less of the last examples' accidents.
const EPOCHS_BEFORE_MEAN: u16 = 3;
const RUNS: u64 = 4;
const RATE: f32 = 0.08;
const DECAY: f32 = 1e-5;
/// How many of 65536 features a step leaves out.
const LEFT_OUT: u16 = 26_214;
/// An attack counts so much of a benign text.
const ATTACK_WEIGHT: f32 = 0.7;
/// No weight grows beyond it, and it is written as 127.
pub(crate) const WEIGHT_MAX: f32 = 2.0;
/// Windows of one length begin so far from each other, in parts of that length.
const WINDOW_STEPS: usize = 3;
/// A feature must occur in so many sources, or it is one source's habit.
const SOURCES_MIN: u32 = 3;

/// The rows as examples; a source counts less for each row the more rows it has.
pub(crate) fn examples(rows: &[Row]) -> Vec<Example> {
    let family = |row: &Row| match row.source.split_once(':') {
        Some((family, _)) => (family.to_owned(), row.is_attack),
        None => (row.source.clone(), row.is_attack),
    };
    let mut counts: BTreeMap<(String, bool), f32> = BTreeMap::new();
    for row in rows {
        *counts.entry(family(row)).or_default() += 1.0;
    }
    let weigh = |row: &Row| {
        let count = counts.get(&family(row)).copied().unwrap_or(1.0);
        // The fourth root, which is exact on any machine, unlike a power.
        (500.0 / count).sqrt().sqrt().clamp(0.4, 3.0)
    };
    let mut examples: Vec<Example> = rows
        .iter()
        .map(|row| Example::new(row, weigh(row)))
        .collect();
    keep_common(rows, &mut examples);
    examples
}

/// Leaves out what fewer than [`SOURCES_MIN`] sources have.
fn keep_common(rows: &[Row], examples: &mut [Example]) {
    let mut sources: BTreeMap<&str, u32> = BTreeMap::new();
    let mut seen = vec![0_u128; 1 << TABLE_BITS];
    for (row, example) in rows.iter().zip(&*examples) {
        let next = u32::try_from(sources.len()).unwrap_or_default();
        let number = *sources.entry(&row.source).or_insert(next) % u128::BITS;
        for bucket in &example.buckets {
            if let Some(seen) = seen.get_mut(*bucket as usize) {
                *seen |= 1 << number;
            }
        }
    }
    let is_common = |bucket: u32| {
        let seen = seen.get(bucket as usize);
        seen.is_some_and(|seen| seen.count_ones() >= SOURCES_MIN)
    };
    for example in examples {
        example.keep(is_common);
    }
}

pub(crate) fn learn(examples: &[Example]) -> Model {
    let mut mean = Mean::new();
    for run in 0..RUNS {
        learn_once(examples, Chance::new(0x1234_5678 + 2 * run), &mut mean);
    }
    mean.quantized()
}

fn learn_once(examples: &[Example], mut chance: Chance, mean: &mut Mean) {
    let mut weights = Weights {
        values: vec![0.0; 1 << TABLE_BITS],
        seen: vec![0.0; 1 << TABLE_BITS],
        bias: -1.0,
    };
    let mut order: Vec<&Example> = examples.iter().filter(|it| it.length() > 0).collect();
    for epoch in 0..EPOCHS {
        chance.shuffle(&mut order);
        let rate = RATE * (1.0 - f32::from(epoch) / f32::from(EPOCHS)).max(0.1);
        for example in &order {
            weights.learn(example, epoch, rate, &mut chance);
        }
        if epoch >= EPOCHS_BEFORE_MEAN {
            mean.add(&weights);
        }
    }
}

/// The logistic function by arithmetic alone, which rounds alike on every machine.
fn logistic(margin: f32) -> f32 {
    let part = -margin.clamp(-30.0, 30.0) / 1024.0;
    let mut power = 1.0 + part * (1.0 + part * (0.5 + part / 6.0));
    for _ in 0..10 {
        power *= power;
    }
    1.0 / (1.0 + power)
}

/// The same as the detector's, which does it on integers.
fn scale(length: usize) -> f32 {
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    1.0 / (f32::from(length) + 10.0).sqrt()
}

// === impl Example ===

impl Example {
    fn new(row: &Row, weight: f32) -> Self {
        let tokens = tokens(&row.text);
        let mut buckets = Vec::new();
        let mut starts = Vec::with_capacity(tokens.len() + 1);
        features(&tokens, |place, bucket| {
            if starts.len() <= place {
                starts.push(buckets.len());
            }
            buckets.push(bucket);
        });
        starts.push(buckets.len());
        let attack = row.attack.as_ref().map(|attack| {
            let start = tokens.partition_point(|token| token.span.end <= attack.start);
            let end = tokens.partition_point(|token| token.span.start < attack.end);
            start..end.max(start)
        });
        Self {
            starts,
            buckets,
            is_attack: row.is_attack,
            attack: attack.filter(|it| !it.is_empty()),
            weight,
        }
    }

    fn keep(&mut self, is_kept: impl Fn(u32) -> bool) {
        let mut starts = Vec::with_capacity(self.starts.len());
        let mut buckets = Vec::with_capacity(self.buckets.len());
        for token in 0..self.length() {
            starts.push(buckets.len());
            let kept = self.features(&(token..token + 1)).iter().copied();
            buckets.extend(kept.filter(|bucket| is_kept(*bucket)));
        }
        starts.push(buckets.len());
        (self.starts, self.buckets) = (starts, buckets);
    }

    fn length(&self) -> usize {
        self.starts.len() - 1
    }

    fn features(&self, window: &Range<usize>) -> &[u32] {
        let start = self.starts.get(window.start).copied().unwrap_or_default();
        let end = self.starts.get(window.end).copied().unwrap_or(start);
        self.buckets.get(start..end).unwrap_or_default()
    }

    fn windows(&self) -> Vec<Range<usize>> {
        let of_length = |length: usize| {
            let last = self.length() - length;
            let starts = (0..last).step_by((length / WINDOW_STEPS).max(1));
            starts.chain([last]).map(move |start| start..start + length)
        };
        lengths(self.length()).flat_map(of_length).collect()
    }

    /// Windows of each length that hold the attack, or a part of one that is longer.
    fn windows_of(&self, attack: &Range<usize>, chance: &mut Chance) -> Vec<Range<usize>> {
        let mut of_length = |length: usize| {
            let start = if attack.len() <= length {
                let slack = length - attack.len();
                attack.start.saturating_sub(chance.below(slack + 1))
            } else {
                attack.start + chance.below(attack.len() - length + 1)
            };
            start..(start + length).min(self.length())
        };
        WINDOW_LENGTHS.map(&mut of_length).to_vec()
    }
}

// === impl Weights ===

impl Weights {
    fn learn(&mut self, example: &Example, epoch: u16, rate: f32, chance: &mut Chance) {
        let mut windows = example.windows();
        if let Some(attack) = &example.attack {
            let mut around = example.windows_of(attack, chance);
            if epoch == 0 {
                around.truncate(1);
            }
            let window = self.worst(example, around);
            self.step(example, &window, ATTACK_WEIGHT * rate, rate, chance);
            return;
        }
        let mut any = |windows: &[Range<usize>]| {
            windows
                .get(chance.below(windows.len()))
                .cloned()
                .unwrap_or_default()
        };
        let others = [any(&windows), any(&windows)];
        let is_first = example.is_attack && epoch == 0;
        let worst = if is_first {
            windows.swap_remove(0)
        } else {
            self.worst(example, windows)
        };
        if example.is_attack {
            self.step(example, &worst, ATTACK_WEIGHT * rate, rate, chance);
        } else {
            self.step(example, &worst, rate, rate, chance);
            for other in others.iter().filter(|other| **other != worst) {
                self.step(example, other, rate, rate, chance);
            }
        }
    }

    fn worst(&self, example: &Example, windows: Vec<Range<usize>>) -> Range<usize> {
        let margins = windows.into_iter().map(|window| {
            let sum: f32 = self.sum(example.features(&window).iter());
            (sum * scale(window.len()), window)
        });
        let worst = margins.max_by(|a, b| a.0.total_cmp(&b.0));
        worst.map(|(_, window)| window).unwrap_or_default()
    }

    fn sum<'b>(&self, buckets: impl Iterator<Item = &'b u32>) -> f32 {
        buckets
            .filter_map(|bucket| self.values.get(*bucket as usize))
            .sum()
    }

    /// One step down the slope; `strength` is the rate times what the example counts for.
    fn step(
        &mut self,
        example: &Example,
        window: &Range<usize>,
        strength: f32,
        rate: f32,
        chance: &mut Chance,
    ) {
        let salt = u32::try_from(chance.next() >> 32).unwrap_or_default();
        let is_left_out = |bucket: u32| {
            let mixed = (bucket ^ salt).wrapping_mul(0x9e37_79b1);
            mixed >> 16 < u32::from(LEFT_OUT)
        };
        let kept = f32::from(u16::MAX) / (f32::from(u16::MAX) - f32::from(LEFT_OUT));
        let buckets = example.features(window);
        let sum = self.sum(buckets.iter().filter(|bucket| !is_left_out(**bucket)));
        let scale = scale(window.len());
        let wanted = if example.is_attack { 1.0 } else { 0.0 };
        let wrong = logistic(sum * scale * kept + self.bias) - wanted;
        let slope = wrong * example.weight * strength / rate;
        if slope.abs() < 1e-4 {
            return;
        }
        self.bias -= rate * 0.1 * slope;
        for bucket in buckets.iter().filter(|bucket| !is_left_out(**bucket)) {
            let bucket = *bucket as usize;
            let (Some(value), Some(seen)) =
                (self.values.get_mut(bucket), self.seen.get_mut(bucket))
            else {
                continue;
            };
            let slope = slope * scale + DECAY * *value;
            *seen += slope * slope;
            let next = *value - rate * slope / (*seen + 1e-3).sqrt();
            *value = next.clamp(-WEIGHT_MAX, WEIGHT_MAX);
        }
    }
}
