//! Approximate search: where a small pattern occurs with at most so many typing errors.
//!
//! The answer is the one that a backtracking matcher gives first, so the order in which it tries
//! things is part of the contract. From each start, left to right: an item that matches the next
//! character takes it, and no error is tried instead. An item that does not match counts as an
//! error, tried first as a substitution, then as an insertion before it, then as its deletion.
//! Nothing is inserted before the first character of the text.

mod query;

use query::{Instruction, Program};
use std::collections::VecDeque;
use std::ops::Range;

/// LIMIT: most errors that [`contains`] allows, whatever the length of its query.
const TOLERANCE_MAX: u8 = 10;
/// LIMIT: states (item of the pattern, place in the text, errors so far) that a search visits.
const STEPS_MAX: usize = 1 << 26;
/// LIMIT: words of memory to remember visited states in.
const MEMORY_WORDS_MAX: usize = 1 << 22;

/// Why a search could not be carried out; nothing is said about the text then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FuzzyError {
    #[error("query at character {offset}: {what}")]
    Query { offset: usize, what: &'static str },
    #[error("similarity threshold must be between 0 and 1")]
    Threshold,
    #[error("approximate search of this text takes too long: shorten the query or the text")]
    TooCostly,
}

/// The states that led nowhere, one bit each, by place in the text.
///
/// Searches start further and further right, so the rows before the current start are dropped.
#[derive(Debug)]
struct Visited {
    first_place: usize,
    words_per_place: usize,
    places: VecDeque<Vec<u64>>,
}

/// The first place in `text` where `query` matches with at most as many errors as its length in
/// characters times `1 - threshold`, rounded down, and never more than ten.
pub fn contains(
    text: &str,
    query: &str,
    threshold: f64,
) -> Result<Option<Range<usize>>, FuzzyError> {
    if !(0.0..=1.0).contains(&threshold) {
        return Err(FuzzyError::Threshold);
    }
    let length = u32::try_from(query.chars().count()).unwrap_or(u32::MAX);
    let tolerated = f64::from(length) * (1.0 - threshold);
    let errors_max = (1..=TOLERANCE_MAX).rfind(|errors| f64::from(*errors) <= tolerated);
    find(text, query, errors_max.unwrap_or(0))
}

/// The first place in `text` where the pattern `query` matches with at most `errors_max`
/// insertions, deletions and substitutions of characters.
pub fn find(text: &str, query: &str, errors_max: u8) -> Result<Option<Range<usize>>, FuzzyError> {
    let program = query::compile(query)?;
    let characters: Vec<char> = text.chars().collect();
    let mut visited = Visited::new(program.len(), errors_max);
    let mut steps_left = STEPS_MAX;
    for start in 0..=characters.len() {
        visited.drop_before(start);
        let mut search = Search {
            program: &program,
            text: &characters,
            errors_max: usize::from(errors_max),
            steps_left: &mut steps_left,
            visited: &mut visited,
        };
        if let Some(end) = search.match_from(start)? {
            return Ok(Some(byte_range(text, start, end)));
        }
    }
    Ok(None)
}

fn byte_range(text: &str, start: usize, end: usize) -> Range<usize> {
    let byte_of = |place| {
        text.char_indices()
            .nth(place)
            .map_or(text.len(), |(offset, _)| offset)
    };
    byte_of(start)..byte_of(end)
}

// === impl Visited ===

impl Visited {
    fn new(instructions: usize, errors_max: u8) -> Self {
        let bits = instructions * (usize::from(errors_max) + 1);
        Self {
            first_place: 0,
            words_per_place: bits.div_ceil(64),
            places: VecDeque::new(),
        }
    }

    fn drop_before(&mut self, place: usize) {
        while self.first_place < place {
            if let Some(mut row) = self.places.pop_front()
                && self.places.is_empty()
            {
                row.fill(0);
                self.places.push_back(row);
            }
            self.first_place += 1;
        }
    }

    /// Whether the state is new.
    fn insert(&mut self, place: usize, bit: usize) -> Result<bool, FuzzyError> {
        let row_index = place.saturating_sub(self.first_place);
        while self.places.len() <= row_index {
            if self.places.len().saturating_mul(self.words_per_place) > MEMORY_WORDS_MAX {
                return Err(FuzzyError::TooCostly);
            }
            self.places.push_back(vec![0; self.words_per_place]);
        }
        let word = self
            .places
            .get_mut(row_index)
            .and_then(|row| row.get_mut(bit / 64));
        let Some(word) = word else { return Ok(false) };
        let mask = 1 << (bit % 64);
        let is_new = *word & mask == 0;
        *word |= mask;
        Ok(is_new)
    }
}

/// One attempt to match from a given start.
#[derive(Debug)]
struct Search<'a> {
    program: &'a Program,
    text: &'a [char],
    errors_max: usize,
    steps_left: &'a mut usize,
    visited: &'a mut Visited,
}

#[derive(Clone, Copy, Debug)]
struct State {
    instruction: usize,
    place: usize,
    errors: usize,
}

// === impl Search ===

impl Search<'_> {
    fn match_from(&mut self, start: usize) -> Result<Option<usize>, FuzzyError> {
        let mut open = vec![State {
            instruction: 0,
            place: start,
            errors: 0,
        }];
        while let Some(state) = open.pop() {
            let bit = state.instruction * (self.errors_max + 1) + state.errors;
            if !self.visited.insert(state.place, bit)? {
                continue;
            }
            *self.steps_left = self
                .steps_left
                .checked_sub(1)
                .ok_or(FuzzyError::TooCostly)?;
            match self.program.get(state.instruction) {
                Some(Instruction::Match) => return Ok(Some(state.place)),
                Some(instruction) => self.follow(instruction, state, &mut open),
                None => {}
            }
        }
        Ok(None)
    }

    /// Pushes the states after `state`, the one to try first last.
    fn follow(&self, instruction: &Instruction, state: State, open: &mut Vec<State>) {
        let next = State {
            instruction: state.instruction + 1,
            ..state
        };
        match instruction {
            Instruction::Match => {}
            Instruction::Jump(target) => open.push(State {
                instruction: *target,
                ..state
            }),
            Instruction::Split { first, second } => {
                open.push(State {
                    instruction: *second,
                    ..state
                });
                open.push(State {
                    instruction: *first,
                    ..state
                });
            }
            Instruction::Assert(assertion) => {
                if assertion.holds(self.text, state.place) {
                    open.push(next);
                } else {
                    open.extend(self.insertion(state));
                }
            }
            Instruction::Character(class) => match self.text.get(state.place) {
                Some(character) if class.contains(*character) => {
                    open.push(State {
                        place: state.place + 1,
                        ..next
                    });
                }
                character => self.mend(state, character.is_some(), open),
            },
        }
    }

    fn mend(&self, state: State, has_character: bool, open: &mut Vec<State>) {
        if state.errors == self.errors_max {
            return;
        }
        let deleted = State {
            instruction: state.instruction + 1,
            errors: state.errors + 1,
            ..state
        };
        open.push(deleted);
        open.extend(self.insertion(state));
        if has_character {
            open.push(State {
                place: state.place + 1,
                ..deleted
            });
        }
    }

    fn insertion(&self, state: State) -> Option<State> {
        let is_allowed =
            state.errors < self.errors_max && (1..self.text.len()).contains(&state.place);
        is_allowed.then(|| State {
            place: state.place + 1,
            errors: state.errors + 1,
            ..state
        })
    }
}

#[cfg(test)]
mod tests;
