//! Replays the corpora, and inputs made from them, without a fuzzer.

#![expect(
    clippy::unwrap_used,
    reason = "a corpus that cannot be read is a failure of the test"
)]

use portcullis_fuzz_targets::{TARGETS, Target};
use std::fs;
use std::path::Path;

/// Inputs made for each target.
const RANDOM_INPUTS: usize = 1_000;
/// LIMIT: how long they get.
const INPUT_BYTES_MAX: usize = 2_000;

/// `SplitMix64`: the same numbers in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % bound.max(1) as u64).unwrap_or(0)
    }

    /// A stretch of a text, from anywhere to anywhere.
    fn stretch<'t>(&mut self, text: &'t [u8]) -> &'t [u8] {
        let start = self.below(text.len() + 1);
        let end = start + self.below(text.len() - start + 1);
        text.get(start..end).unwrap_or_default()
    }

    /// An input with a few stretches taken out, doubled, or replaced by parts of others.
    fn mutate(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let pick = |numbers: &mut Self| corpus.get(numbers.below(corpus.len()));
        let mut input = pick(self).cloned().unwrap_or_default();
        for _ in 0..=self.below(4) {
            let start = self.below(input.len() + 1);
            let end = start + self.below((input.len() - start + 1).min(12));
            let replacement = match self.below(5) {
                0 => Vec::new(),
                1 => vec![u8::try_from(self.below(256)).unwrap_or(0)],
                2 => b"()[]{}:\"'\n \\,.*-"
                    .get(self.below(16)..)
                    .and_then(|rest| rest.first())
                    .map_or_else(Vec::new, |byte| vec![*byte]),
                3 => {
                    let own = input.clone();
                    self.stretch(&own).to_vec()
                }
                _ => match pick(self) {
                    Some(other) => self.stretch(other).to_vec(),
                    None => Vec::new(),
                },
            };
            input.splice(start..end, replacement);
        }
        input.truncate(INPUT_BYTES_MAX);
        input
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn smoke((name, target): Target) {
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "{name} has a corpus");
    for input in &corpus {
        target(input);
    }
    let mut numbers = Numbers(1);
    for _ in 0..RANDOM_INPUTS {
        target(&numbers.mutate(&corpus));
    }
}

#[test]
fn every_target_survives_its_corpus_and_its_neighbours() {
    TARGETS.into_iter().for_each(smoke);
}
