//! Which parts of a long text may hold a keyword.
//!
//! Characters are told apart by [`class`] only, so that a table of all steps is small. Parts are kept
//! now and then that have no keyword, only what looks like one, so who asks has to look again;
//! nothing with a keyword falls through.

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::dfa::DFA;
use std::array;
use std::collections::{HashMap, HashSet};

/// Parts of a text that are searched side by side: in one part each step waits for the one before.
const PARTS: usize = 8;
/// Steps of a part between two looks at whether something was found.
pub(super) const STEPS: usize = 64;
/// What characters may be. Letters have classes of their own, as nearly all of a text is letters.
const CLASSES: u16 = 32;
/// Steps that a table has room for: what a state, and with it a byte, is written as.
const TABLE: usize = 1 << u16::BITS;

/// The steps from each state. A state is written as the place of its first step.
pub(super) struct Sieve {
    /// What [`class`] says of each byte.
    classes: [u8; 256],
    steps: Box<[u16; TABLE]>,
    /// From this state on, all have seen the end of a keyword. Nothing leads from them elsewhere, so
    /// that a stretch is looked through without a look at each state.
    first_end: u16,
}

// === impl Sieve ===

impl Sieve {
    /// `None` if the words have more states than there is room for.
    pub(super) fn of(words: &[&str]) -> Option<Self> {
        let classified = words.iter().map(|word| {
            let classes = word.bytes().map(class);
            classes.collect::<Vec<u8>>()
        });
        let searcher = DFA::new(classified).ok()?;
        let start = searcher.start_state(Anchored::No).ok()?;
        let states = reached(&searcher, start);
        let is_end = |state: &StateID| searcher.is_match(*state);
        let (ends, others): (Vec<_>, Vec<_>) = states.into_iter().partition(is_end);
        let first_end = written(others.len())?;
        let states: Vec<(StateID, u16)> = others
            .into_iter()
            .chain(ends)
            .enumerate()
            .map(|(number, state)| Some((state, written(number)?)))
            .collect::<Option<_>>()?;
        let places: HashMap<StateID, u16> = states.iter().copied().collect();
        let mut steps: Box<[u16; TABLE]> = vec![0; TABLE].try_into().ok()?;
        for (state, place) in &states {
            let row = steps.get_mut(usize::from(*place)..)?;
            for (class, step) in all_classes().zip(row) {
                *step = if is_end(state) {
                    *place
                } else {
                    *places.get(&searcher.next_state(Anchored::No, *state, class))?
                };
            }
        }
        Some(Self {
            classes: array::from_fn(|byte| u8::try_from(byte).map_or(0, class)),
            steps,
            first_end,
        })
    }

    /// The first byte at which a keyword may end. For short texts: they are passed a byte at a time.
    pub(super) fn first_kept(&self, text: &[u8]) -> Option<usize> {
        let mut state = 0;
        text.iter().position(|byte| {
            state = self.next(state, *byte);
            state >= self.first_end
        })
    }

    /// Tells where the [`STEPS`] bytes begin in which a keyword may end; `longest` is the length of
    /// the longest keyword. Nothing is told of a keyword that begins in such bytes and ends behind
    /// them.
    pub(super) fn each_kept(&self, text: &[u8], longest: usize, mut keep: impl FnMut(usize)) {
        let length = text.len().div_ceil(PARTS);
        let mut states = [0; PARTS];
        // Each part goes on into the next, so that a keyword between two is in one.
        for begin in (0..length + longest).step_by(STEPS) {
            let parts: [[u8; STEPS]; PARTS] =
                array::from_fn(|part| bytes_at(text, part * length + begin));
            self.pass(&mut states, &parts);
            for (part, state) in states.iter_mut().enumerate() {
                if *state >= self.first_end {
                    keep(part * length + begin);
                    *state = 0;
                }
            }
        }
    }

    fn pass(&self, states: &mut [u16; PARTS], parts: &[[u8; STEPS]; PARTS]) {
        for step in 0..STEPS {
            for (state, part) in states.iter_mut().zip(parts) {
                *state = self.next(*state, part.get(step).copied().unwrap_or_default());
            }
        }
    }

    fn next(&self, state: u16, byte: u8) -> u16 {
        let class = self.classes.get(usize::from(byte)).copied();
        let place = usize::from(state | u16::from(class.unwrap_or_default()));
        self.steps.get(place).copied().unwrap_or_default()
    }
}

/// Those that occur in keywords, and one for all others.
fn class(byte: u8) -> u8 {
    match byte.to_ascii_lowercase() {
        letter @ b'a'..=b'z' => letter - b'a' + 1,
        b'0'..=b'9' => 27,
        b'-' => 28,
        b'_' => 29,
        b'.' => 30,
        0x80.. => 31,
        _ => 0,
    }
}

fn all_classes() -> impl Iterator<Item = u8> {
    (0..=u8::MAX).take(usize::from(CLASSES))
}

/// The states that can be reached, the first one first.
fn reached(searcher: &DFA, start: StateID) -> Vec<StateID> {
    let mut states = vec![start];
    let mut seen: HashSet<StateID> = HashSet::from([start]);
    let mut next = 0;
    while let Some(state) = states.get(next).copied() {
        next += 1;
        for class in all_classes() {
            let state = searcher.next_state(Anchored::No, state, class);
            if seen.insert(state) {
                states.push(state);
            }
        }
    }
    states
}

/// The state of this number.
fn written(number: usize) -> Option<u16> {
    u16::try_from(number).ok()?.checked_mul(CLASSES)
}

/// Bytes of the text from a place on, and zeros behind its end.
fn bytes_at(text: &[u8], place: usize) -> [u8; STEPS] {
    let rest = text.get(place..).unwrap_or_default();
    rest.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; STEPS];
        for (byte, place) in rest.iter().zip(&mut bytes) {
            *place = *byte;
        }
        bytes
    })
}
