//! A backtracking machine with Python's meaning: which alternative wins, when a loop of empty
//! rounds ends, what a group holds after backtracking. It counts every step.

use std::ops::Range;

use super::charset::{is_word, simple_lower};
use super::node::{Assertion, REPEAT_UNBOUNDED};
use super::program::{Instruction, Program, Scope, ScopeKind};
use super::{Exhausted, Flags, Steps};

/// Choices and changes one match attempt may have to remember.
pub(super) const FRAMES_MAX: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Machine<'t> {
    program: &'t Program,
    text: &'t str,
    steps: &'t mut Steps,
    frames: Vec<Frame>,
    slots: Vec<Option<usize>>,
    loops: Vec<LoopState>,
}

/// What to do when the current attempt fails; the newest frame is tried first.
#[derive(Debug, Clone, Copy)]
enum Frame {
    /// Go on at `address`.
    Retry {
        address: usize,
        position: usize,
    },
    /// Take one more round of a lazy loop.
    AnotherRound {
        index: usize,
        state: LoopState,
        body: usize,
        position: usize,
    },
    /// Give back one character of a greedy run that may end anywhere in `low..=high`.
    GiveBack {
        address: usize,
        low: usize,
        high: usize,
    },
    /// Take one more character in the lazy run before `address`.
    TakeMore {
        address: usize,
        position: usize,
        left: u32,
    },
    RestoreSlot {
        slot: usize,
        value: Option<usize>,
    },
    RestoreLoop {
        index: usize,
        state: LoopState,
    },
    /// Everything above belongs to a scope that began at `position`.
    Barrier {
        scope: Scope,
        position: usize,
    },
}

#[derive(Debug, Clone, Copy, Default)]
struct LoopState {
    rounds: u32,
    /// Where the last optional round began: a round that moves nowhere is the last.
    last: Option<usize>,
}

/// Where the machine goes on: an address and a position.
type Place = (usize, usize);

// === impl Machine ===

impl<'t> Machine<'t> {
    pub(super) fn new(program: &'t Program, text: &'t str, steps: &'t mut Steps) -> Self {
        Self {
            program,
            text,
            steps,
            frames: Vec::new(),
            slots: vec![None; 2 * (program.group_count + 1)],
            loops: vec![LoopState::default(); program.loop_count],
        }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    /// The leftmost match at or after `from`; `not_empty_first` refuses an empty one at `from`.
    pub(super) fn search(
        &mut self,
        from: usize,
        not_empty_first: bool,
    ) -> Result<Option<Range<usize>>, Exhausted> {
        let mut start = from;
        let mut not_empty = not_empty_first;
        loop {
            let next = self.char_at(start);
            let possible = match (&self.program.first, next) {
                (Some(first), next) => next.is_some_and(|c| first.contains(c)),
                (None, _) => true,
            };
            self.spend(1)?;
            if possible && let Some(end) = self.match_at(start, not_empty)? {
                return Ok(Some(start..end));
            }
            not_empty = false;
            match next {
                Some(c) => start += c.len_utf8(),
                None => return Ok(None),
            }
        }
    }

    /// All matches, none of which is empty or begins anywhere else.
    pub(super) fn find_among(&mut self, places: &[usize]) -> Result<Vec<Range<usize>>, Exhausted> {
        let mut found: Vec<Range<usize>> = Vec::new();
        for start in places {
            if found.last().is_some_and(|last| *start < last.end) {
                continue;
            }
            if let Some(end) = self.match_at(*start, false)? {
                found.push(*start..end);
            }
        }
        Ok(found)
    }

    /// The end of the match that begins at `start`.
    pub(super) fn match_at(
        &mut self,
        start: usize,
        not_empty: bool,
    ) -> Result<Option<usize>, Exhausted> {
        self.frames.clear();
        self.slots.fill(None);
        let mut place = (0, start);
        loop {
            self.spend(1)?;
            let program = self.program;
            let next = match program.code.get(place.0) {
                Some(Instruction::Accept) | None if not_empty && place.1 == start => None,
                Some(Instruction::Accept) | None => return Ok(Some(place.1)),
                Some(instruction) => self.step(instruction, place)?,
            };
            place = match next {
                Some(next) => next,
                None => match self.backtrack()? {
                    Some(next) => next,
                    None => return Ok(None),
                },
            };
        }
    }

    pub(super) fn char_at(&self, position: usize) -> Option<char> {
        self.text.get(position..)?.chars().next()
    }

    fn char_before(&self, position: usize) -> Option<char> {
        self.text.get(..position)?.chars().next_back()
    }

    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Exhausted> {
        self.steps.spend(steps)
    }

    fn push(&mut self, frame: Frame) -> Result<(), Exhausted> {
        if self.frames.len() == FRAMES_MAX {
            return Err(Exhausted::Frames);
        }
        self.frames.push(frame);
        Ok(())
    }

    /// Runs one instruction; `None` if it does not match.
    fn step(
        &mut self,
        instruction: &Instruction,
        (address, position): Place,
    ) -> Result<Option<Place>, Exhausted> {
        let next = address + 1;
        Ok(match instruction {
            Instruction::Char(wanted) => {
                let found = self.char_at(position).filter(|c| c == wanted);
                found.map(|c| (next, position + c.len_utf8()))
            }
            Instruction::Set(set) => {
                let found = self.char_at(position).filter(|c| set.contains(*c));
                found.map(|c| (next, position + c.len_utf8()))
            }
            Instruction::Run {
                min, max, greedy, ..
            } => {
                let end = self.run(address, position, *min)?;
                let left = if *max == REPEAT_UNBOUNDED {
                    *max
                } else {
                    max - min
                };
                match end {
                    Some(low) if *greedy => Some(self.run_greedily(next, low, left)?),
                    Some(position) => {
                        self.push(Frame::TakeMore {
                            address: next,
                            position,
                            left,
                        })?;
                        Some((next, position))
                    }
                    None => None,
                }
            }
            Instruction::Assert(assertion) => {
                self.holds(*assertion, position).then_some((next, position))
            }
            Instruction::Split { preferred, other } => {
                self.push(Frame::Retry {
                    address: *other,
                    position,
                })?;
                Some((*preferred, position))
            }
            Instruction::Jump(target) => Some((*target, position)),
            Instruction::Save(slot) => {
                self.save(*slot, position)?;
                Some((next, position))
            }
            Instruction::LoopStart(index) => {
                self.set_loop(*index, LoopState::default())?;
                Some((next, position))
            }
            Instruction::LoopNext { .. } => self.loop_next(instruction, (address, position))?,
            Instruction::Backref { group, flags } => self
                .backref(*group, *flags, position)?
                .map(|end| (next, end)),
            Instruction::Enter(scope) => self.enter(*scope, (next, position))?,
            Instruction::Leave(kind) => self.leave(*kind, (next, position))?,
            Instruction::Conditional { group, otherwise } => {
                let target = if self.group(*group).is_some() {
                    next
                } else {
                    *otherwise
                };
                Some((target, position))
            }
            Instruction::Accept => Some((address, position)),
        })
    }

    /// Undoes and forgets frames down to the newest choice, and takes it.
    fn backtrack(&mut self) -> Result<Option<Place>, Exhausted> {
        while let Some(frame) = self.frames.pop() {
            self.spend(1)?;
            match frame {
                Frame::Retry { address, position } => return Ok(Some((address, position))),
                Frame::AnotherRound {
                    index,
                    state,
                    body,
                    position,
                } => {
                    self.set_loop(index, state)?;
                    return Ok(Some((body, position)));
                }
                Frame::GiveBack { address, low, high } if low < high => {
                    let width = self.char_before(high).map_or(1, char::len_utf8);
                    let high = high - width;
                    self.push(Frame::GiveBack { address, low, high })?;
                    return Ok(Some((address, high)));
                }
                Frame::GiveBack { .. } | Frame::TakeMore { left: 0, .. } => {}
                Frame::TakeMore {
                    address,
                    position,
                    left,
                } => {
                    if let Some(position) = self.run(address - 1, position, 1)? {
                        let left = if left == REPEAT_UNBOUNDED {
                            left
                        } else {
                            left - 1
                        };
                        self.push(Frame::TakeMore {
                            address,
                            position,
                            left,
                        })?;
                        return Ok(Some((address, position)));
                    }
                }
                Frame::Barrier { scope, position } => {
                    if scope.kind == ScopeKind::NegatedLook {
                        return Ok(Some((scope.resume, position)));
                    }
                }
                Frame::RestoreSlot { .. } | Frame::RestoreLoop { .. } => self.undo(frame),
            }
        }
        Ok(None)
    }

    fn undo(&mut self, frame: Frame) {
        match frame {
            Frame::RestoreSlot { slot, value } => {
                if let Some(place) = self.slots.get_mut(slot) {
                    *place = value;
                }
            }
            Frame::RestoreLoop { index, state } => {
                if let Some(place) = self.loops.get_mut(index) {
                    *place = state;
                }
            }
            Frame::Retry { .. }
            | Frame::AnotherRound { .. }
            | Frame::GiveBack { .. }
            | Frame::TakeMore { .. }
            | Frame::Barrier { .. } => {}
        }
    }

    /// Takes exactly `count` characters of the run at `address`.
    fn run(
        &mut self,
        address: usize,
        position: usize,
        count: u32,
    ) -> Result<Option<usize>, Exhausted> {
        let program = self.program;
        let Some(Instruction::Run { set, .. }) = program.code.get(address) else {
            return Ok(None);
        };
        let mut end = position;
        for _ in 0..count {
            self.spend(1)?;
            match self.char_at(end) {
                Some(c) if set.contains(c) => end += c.len_utf8(),
                _ => return Ok(None),
            }
        }
        Ok(Some(end))
    }

    /// Takes up to `count` more characters of the run before `next`, ready to give them back.
    fn run_greedily(&mut self, next: usize, low: usize, count: u32) -> Result<Place, Exhausted> {
        let mut high = low;
        let mut left = count;
        while left > 0
            && let Some(end) = self.run(next - 1, high, 1)?
        {
            high = end;
            left -= u32::from(left != REPEAT_UNBOUNDED);
        }
        if low < high {
            self.push(Frame::GiveBack {
                address: next,
                low,
                high,
            })?;
        }
        Ok((next, high))
    }

    fn save(&mut self, slot: usize, position: usize) -> Result<(), Exhausted> {
        let value = self.slots.get(slot).copied().flatten();
        self.push(Frame::RestoreSlot { slot, value })?;
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(position);
        }
        Ok(())
    }

    fn loop_state(&self, index: usize) -> LoopState {
        self.loops.get(index).copied().unwrap_or_default()
    }

    fn set_loop(&mut self, index: usize, state: LoopState) -> Result<(), Exhausted> {
        self.push(Frame::RestoreLoop {
            index,
            state: self.loop_state(index),
        })?;
        if let Some(place) = self.loops.get_mut(index) {
            *place = state;
        }
        Ok(())
    }

    fn loop_next(
        &mut self,
        instruction: &Instruction,
        (address, position): Place,
    ) -> Result<Option<Place>, Exhausted> {
        let Instruction::LoopNext {
            index,
            min,
            max,
            greedy,
            body,
        } = *instruction
        else {
            return Ok(None);
        };
        let exit = (address + 1, position);
        let LoopState { rounds, last } = self.loop_state(index);
        if rounds < min {
            self.set_loop(
                index,
                LoopState {
                    rounds: rounds + 1,
                    last,
                },
            )?;
            return Ok(Some((body, position)));
        }
        let is_full = rounds >= max && max != REPEAT_UNBOUNDED;
        if is_full || last == Some(position) {
            return Ok(Some(exit));
        }
        let another = LoopState {
            rounds: rounds.saturating_add(1),
            last: Some(position),
        };
        if greedy {
            self.push(Frame::Retry {
                address: exit.0,
                position,
            })?;
            self.set_loop(index, another)?;
            return Ok(Some((body, position)));
        }
        self.push(Frame::AnotherRound {
            index,
            state: another,
            body,
            position,
        })?;
        Ok(Some(exit))
    }

    /// The bounds of what `group` matched last, unless it is being matched right now.
    fn group(&self, group: usize) -> Option<Range<usize>> {
        let start = self.slots.get(2 * group).copied().flatten()?;
        let end = self.slots.get(2 * group + 1).copied().flatten()?;
        (start <= end).then_some(start..end)
    }

    fn backref(
        &mut self,
        group: usize,
        flags: Flags,
        position: usize,
    ) -> Result<Option<usize>, Exhausted> {
        let Some(captured) = self.group(group).and_then(|range| self.text.get(range)) else {
            return Ok(None);
        };
        let ignore_case = flags.has(Flags::IGNORE_CASE);
        let mut end = position;
        for wanted in captured.chars() {
            self.spend(1)?;
            let Some(found) = self.char_at(end) else {
                return Ok(None);
            };
            let equal = found == wanted
                || ignore_case && simple_lower(found, flags) == simple_lower(wanted, flags);
            if !equal {
                return Ok(None);
            }
            end += found.len_utf8();
        }
        Ok(Some(end))
    }

    fn enter(&mut self, scope: Scope, (next, position): Place) -> Result<Option<Place>, Exhausted> {
        self.push(Frame::Barrier { scope, position })?;
        let mut start = position;
        for _ in 0..scope.behind {
            self.spend(1)?;
            match self.char_before(start) {
                Some(c) => start -= c.len_utf8(),
                None => return Ok(None),
            }
        }
        Ok(Some((next, start)))
    }

    /// The body of the innermost scope matched: its choices are dropped, its changes stay, unless
    /// the scope is negated and therefore fails.
    fn leave(
        &mut self,
        kind: ScopeKind,
        (next, position): Place,
    ) -> Result<Option<Place>, Exhausted> {
        let mut changes = Vec::new();
        let mut began = position;
        while let Some(frame) = self.frames.pop() {
            self.spend(1)?;
            match frame {
                Frame::Barrier { position, .. } => {
                    began = position;
                    break;
                }
                _ if kind == ScopeKind::NegatedLook => self.undo(frame),
                Frame::RestoreSlot { .. } | Frame::RestoreLoop { .. } => changes.push(frame),
                Frame::Retry { .. }
                | Frame::AnotherRound { .. }
                | Frame::GiveBack { .. }
                | Frame::TakeMore { .. } => {}
            }
        }
        self.frames.extend(changes.into_iter().rev());
        Ok(match kind {
            ScopeKind::NegatedLook => None,
            ScopeKind::Look => Some((next, began)),
            ScopeKind::Atomic => Some((next, position)),
        })
    }

    fn holds(&self, assertion: Assertion, position: usize) -> bool {
        let rest = self.text.get(position..).unwrap_or("");
        match assertion {
            Assertion::TextStart => position == 0,
            Assertion::TextEnd => rest.is_empty(),
            Assertion::TextEndOrFinalNewline => matches!(rest, "" | "\n"),
            Assertion::LineStart => self.char_before(position).is_none_or(|c| c == '\n'),
            Assertion::LineEnd => self.char_at(position).is_none_or(|c| c == '\n'),
            Assertion::WordBoundary { negated, ascii } => {
                let flags = if ascii { Flags::ASCII } else { Flags::NONE };
                let before = self
                    .char_before(position)
                    .is_some_and(|c| is_word(c, flags));
                let after = self.char_at(position).is_some_and(|c| is_word(c, flags));
                !self.text.is_empty() && (before != after) != negated
            }
        }
    }
}
