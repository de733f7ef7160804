//! Python's `re`, in bounded time.
//!
//! A pattern is parsed once ([`parse`]) and may then run on two engines. [`linear`] is the `regex`
//! family: linear time, but without look-around and back references. [`machine`] is a backtracking
//! machine with Python's exact meaning and a step limit. The linear engine is used wherever it
//! provably gives the same answer; where it does not, it tells the machine where to try
//! ([`candidates`]).

mod candidates;
mod charset;
mod linear;
mod machine;
mod node;
mod parse;
mod program;

use std::ops::Range;
use std::sync::OnceLock;

use candidates::Candidates;
pub(super) use charset::{is_printable, is_space};
use linear::Linear;
use machine::{FRAMES_MAX, Machine};
use node::Node;
use program::Program;

/// Longest accepted pattern, in code points.
pub(crate) const PATTERN_MAX: usize = 20_000;

/// LIMIT: bytes that the searches of one [`Pattern::find_iter`] may read again on the linear engine.
///
/// A search may read to the end of the text to find a short match, so a text with many matches
/// could cost quadratic time. Past this bound the rest runs on the machine, which counts steps.
const RESCAN_BYTES_MAX: usize = 64 << 20;

/// In a shorter text the machine has tried every place before it is known where to try.
const CANDIDATES_BYTES_MIN: usize = 1024;

/// Bytes that the linear engine reads again at the price of one step of the machine.
const RESCAN_BYTES_PER_STEP: usize = 16;

/// A compiled Python regular expression.
#[derive(Debug)]
pub(crate) struct Pattern {
    root: Node,
    program: Program,
    linear: Option<Linear>,
    /// Made when they are first needed: most patterns never need them.
    candidates: OnceLock<Option<Box<Candidates>>>,
}

/// What `re.compile` takes as `flags`: a set of switches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Flags(u8);

/// Why Python's `re` refuses a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} at position {position} of the regular expression")]
pub(crate) struct PatternError {
    /// Lowercase, without the position.
    pub(crate) message: String,
    /// Index of the code point at which reading stopped making sense.
    pub(crate) position: usize,
}

/// Steps that searches may still take on the machine.
#[derive(Debug)]
pub(crate) struct Steps {
    left: u64,
}

/// Matching needed more than one call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Exhausted {
    #[error(
        "the regular expression needs more than {} steps on this text: a shorter text needs fewer, \
         and so do simpler repetitions",
        Steps::MAX
    )]
    Steps,
    #[error(
        "the regular expression has more than {FRAMES_MAX} choices to remember on this text: a \
         shorter text has fewer, and so have simpler repetitions"
    )]
    Frames,
}

/// An upper bound of what the linear engine read behind the matches that it found, and so reads
/// again for the next ones.
#[derive(Debug)]
struct ReadAhead {
    bytes: usize,
    /// Bytes of the text.
    text: usize,
    /// Bytes of the longest match.
    match_max: Option<usize>,
}

// === impl Pattern ===

impl Pattern {
    /// `re.compile(pattern, flags)`.
    pub(crate) fn compile(pattern: &str, flags: Flags) -> Result<Self, PatternError> {
        let parsed = parse::parse(pattern, flags)?;
        let program = Program::new(&parsed);
        let linear = Linear::new(&parsed.root);
        Ok(Self {
            root: parsed.root,
            program,
            linear,
            candidates: OnceLock::new(),
        })
    }

    /// `re.match(pattern, text).end()` as a byte offset.
    pub(crate) fn match_start(
        &self,
        text: &str,
        steps: &mut Steps,
    ) -> Result<Option<usize>, Exhausted> {
        match self.linear_for(text) {
            Some(linear) => Ok(linear.match_start(text)),
            None => Machine::new(&self.program, text, steps).match_at(0, false),
        }
    }

    /// The byte ranges of `re.finditer(pattern, text)`, whole matches only.
    pub(crate) fn find_iter(
        &self,
        text: &str,
        steps: &mut Steps,
    ) -> Result<Vec<Range<usize>>, Exhausted> {
        let linear = self.linear_for(text);
        if linear.is_none()
            && text.len() >= CANDIDATES_BYTES_MIN
            && let Some(found) = self.find_among_candidates(text, steps)
        {
            return found;
        }
        let mut found = Vec::new();
        // Most texts have no match, and the linear engine needs nothing else to say so.
        let mut first = linear.map(|linear| linear.search(text, 0));
        if first == Some(None) {
            return Ok(found);
        }
        let mut machine = Machine::new(&self.program, text, steps);
        let mut ahead = ReadAhead::new(self.program.width.max, text);
        let mut from = 0;
        let mut after_empty = false;
        loop {
            let next = match linear {
                Some(linear) if ahead.bytes < RESCAN_BYTES_MAX => {
                    let next = match first.take() {
                        Some(first) => first,
                        None => linear_step(linear, &mut machine, from, after_empty)?,
                    };
                    if let Some(range) = &next {
                        machine.spend(ahead.steps_for(range))?;
                    }
                    next
                }
                _ => machine.search(from, after_empty)?,
            };
            let Some(range) = next else {
                return Ok(found);
            };
            from = range.end;
            after_empty = range.is_empty();
            found.push(range);
        }
    }

    fn linear_for(&self, text: &str) -> Option<&Linear> {
        self.linear.as_ref().filter(|linear| linear.agrees_on(text))
    }

    /// `None` if that does not pay.
    fn find_among_candidates(
        &self,
        text: &str,
        steps: &mut Steps,
    ) -> Option<Result<Vec<Range<usize>>, Exhausted>> {
        let candidates = || Candidates::new(&self.root).map(Box::new);
        let candidates = self.candidates.get_or_init(candidates).as_deref()?;
        let places = candidates.places(text)?;
        Some(Machine::new(&self.program, text, steps).find_among(&places))
    }
}

/// The next match on the linear engine.
///
/// After an empty match Python allows a match at the same place only if it is not empty, even if
/// the empty one is preferred; only the machine can look for that one.
fn linear_step(
    linear: &Linear,
    machine: &mut Machine<'_>,
    from: usize,
    after_empty: bool,
) -> Result<Option<Range<usize>>, Exhausted> {
    if !after_empty {
        return Ok(linear.search(machine.text(), from));
    }
    if let Some(end) = machine.match_at(from, true)? {
        return Ok(Some(from..end));
    }
    let next = machine
        .char_at(from)
        .map(|skipped| from + skipped.len_utf8());
    Ok(next.and_then(|next| linear.search(machine.text(), next)))
}

// === impl ReadAhead ===

impl ReadAhead {
    /// `chars_max`: the longest match of the pattern, if it has one.
    fn new(chars_max: Option<u64>, text: &str) -> Self {
        let letter = if text.is_ascii() {
            1
        } else {
            char::MAX_LEN_UTF8
        };
        let chars_max = chars_max.and_then(|chars| usize::try_from(chars).ok());
        Self {
            bytes: 0,
            text: text.len(),
            match_max: chars_max.and_then(|chars| chars.checked_mul(letter)),
        }
    }

    /// Counts what was read behind a match, and says what that costs.
    fn steps_for(&mut self, found: &Range<usize>) -> usize {
        let rest = self.text.saturating_sub(found.end);
        let behind = match self.match_max {
            Some(longest) => rest.min(longest.saturating_sub(found.len())),
            None => rest,
        };
        let paid = self.bytes / RESCAN_BYTES_PER_STEP;
        self.bytes = self.bytes.saturating_add(behind);
        self.bytes / RESCAN_BYTES_PER_STEP - paid
    }
}

// === impl Steps ===

impl Steps {
    /// LIMIT: steps of one search, over all start positions and matches.
    pub(crate) const MAX: u64 = 10_000_000;

    pub(crate) fn new(steps: u64) -> Self {
        Self { left: steps }
    }

    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    fn spend(&mut self, steps: usize) -> Result<(), Exhausted> {
        self.left = self
            .left
            .checked_sub(steps as u64)
            .ok_or(Exhausted::Steps)?;
        Ok(())
    }
}

// === impl Flags ===

impl Flags {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const IGNORE_CASE: Self = Self(1);
    pub(crate) const DOT_ALL: Self = Self(2);
    pub(crate) const MULTI_LINE: Self = Self(4);
    pub(crate) const VERBOSE: Self = Self(8);
    pub(crate) const ASCII: Self = Self(16);

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

#[cfg(test)]
mod tests;
