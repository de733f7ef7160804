//! What an evaluation leaves behind beside its value: marks and objects, as ranges.

mod set;

pub(crate) use set::{Iter, RangeSet};

use crate::value::{Text, Value};
use portcullis_trace::Range;
use std::sync::Arc;

/// Collects ranges, or nothing at all when only the value matters.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Option<Box<Recording>>);

#[derive(Debug, Default)]
struct Recording {
    /// Stretches of text found by searching. They go up to every evaluation around this one.
    marks: Collected,
    /// Objects that a quantifier counted. They stay with the evaluation that contains it.
    objects: Collected,
    /// Events of this index and later are new.
    new_from: u64,
    /// Objects that make what a quantifier or a predicate says a matter of new events.
    counted: Vec<Range>,
    ruler: Ruler,
}

/// Tells code points from bytes, beginning at the last place it was asked about: most marks of a
/// text stand behind each other, and each of them counted from the beginning is quadratic.
#[derive(Debug, Default)]
struct Ruler {
    text: Option<Arc<str>>,
    byte: usize,
    point: u64,
}

/// Ranges in any order, some of them in sets that a session keeps anyway.
#[derive(Clone, Debug, Default)]
pub(crate) struct Collected {
    pub(crate) own: Vec<Range>,
    pub(crate) kept: Vec<RangeSet>,
}

/// What one true or false assignment of a body leaves behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelRanges {
    pub(crate) ranges: Collected,
    /// The latest event among the values of its variables.
    pub(crate) latest: Option<u64>,
    /// Whether that event is new.
    pub(crate) is_new: bool,
    /// What the quantifiers and predicates inside owe to new events.
    pub(crate) counted: Vec<Range>,
}

// === impl Recorder ===

impl Recorder {
    pub(crate) const OFF: Recorder = Recorder(None);

    pub(crate) fn new(new_from: u64) -> Self {
        Recorder(Some(Box::new(Recording {
            new_from,
            ..Recording::default()
        })))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// For an evaluation inside this one.
    pub(crate) fn child(&self) -> Recorder {
        self.0
            .as_ref()
            .map_or(Recorder::OFF, |outer| Recorder::new(outer.new_from))
    }

    /// Whether a mark in this text would be kept.
    pub(crate) fn takes(&self, text: &Text) -> bool {
        self.is_on() && !text.place.is_nowhere()
    }

    /// Returns how many bytes were read to know the code points.
    pub(crate) fn mark(&mut self, text: &Text, bytes: std::ops::Range<usize>) -> usize {
        let Some(recording) = &mut self.0 else {
            return 0;
        };
        let (start, to_start) = recording.ruler.point(&text.text, bytes.start);
        let (end, to_end) = recording.ruler.point(&text.text, bytes.end);
        let ranges = text.place.ranges(Some((start, end)));
        recording.marks.own.extend(ranges);
        to_start + to_end
    }

    /// Takes over what an inner evaluation marked, whatever came of it.
    pub(crate) fn adopt_marks(&mut self, inner: Recorder) {
        if let (Some(outer), Some(inner)) = (&mut self.0, inner.0) {
            outer.marks.append(inner.marks);
        }
    }

    /// Takes over what an inner evaluation marked and counted.
    pub(crate) fn adopt(&mut self, inner: Recorder) {
        if let (Some(outer), Some(inner)) = (&mut self.0, inner.0) {
            outer.marks.append(inner.marks);
            outer.counted.extend(inner.counted);
        }
    }

    /// Takes over marks that the session keeps.
    pub(crate) fn share_marks(&mut self, marks: &RangeSet) {
        if let Some(recording) = &mut self.0 {
            recording.marks.share(marks);
        }
    }

    /// Takes over objects that the session keeps.
    pub(crate) fn share_objects(&mut self, objects: &RangeSet) {
        if let Some(recording) = &mut self.0 {
            recording.objects.share(objects);
        }
    }

    pub(crate) fn add_objects(&mut self, model: &ModelRanges) {
        if let Some(recording) = &mut self.0 {
            recording.objects.append(model.ranges.clone());
        }
    }

    /// Notes what makes the value of a quantifier or a predicate a matter of new events.
    pub(crate) fn note_counted(&mut self, counted: impl IntoIterator<Item = Range>) {
        if let Some(recording) = &mut self.0 {
            recording.counted.extend(counted);
        }
    }

    /// How much was counted so far, for [`Recorder::keep_counted_from`].
    pub(crate) fn counted(&self) -> usize {
        self.0
            .as_ref()
            .map_or(0, |recording| recording.counted.len())
    }

    /// Forgets what was counted before: it is not why the line at hand is false.
    pub(crate) fn keep_counted_from(&mut self, start: usize) {
        if let Some(recording) = &mut self.0 {
            recording.counted.drain(..start);
        }
    }

    /// Everything recorded, and what of it makes it new.
    pub(crate) fn finish(self) -> (Collected, Vec<Range>) {
        let recording = *self.0.unwrap_or_default();
        let mut ranges = recording.marks;
        ranges.append(recording.objects);
        (ranges, recording.counted)
    }

    /// The ranges of an assignment whose variables have these values.
    pub(crate) fn model(&self, values: &[Value]) -> ModelRanges {
        let Some(recording) = &self.0 else {
            return ModelRanges::default();
        };
        let mut ranges = recording.marks.clone();
        ranges.append(recording.objects.clone());
        let own = values.iter().flat_map(|value| value.place().ranges(None));
        ranges.own.extend(own);
        let latest = values.iter().filter_map(|v| v.place().event()).max();
        ModelRanges {
            ranges,
            latest,
            is_new: latest.is_some_and(|latest| latest >= recording.new_from),
            counted: recording.counted.clone(),
        }
    }
}

// === impl Ruler ===

impl Ruler {
    /// How many code points stand before a byte of a text, and how many bytes that took to read.
    fn point(&mut self, text: &Arc<str>, byte: usize) -> (u64, usize) {
        if !text.is_char_boundary(byte) {
            return (0, 0);
        }
        let is_known = self.text.as_ref().is_some_and(|it| Arc::ptr_eq(it, text));
        if !is_known || byte < self.byte / 2 {
            *self = Ruler {
                text: Some(text.clone()),
                ..Ruler::default()
            };
        }
        let (low, high) = (self.byte.min(byte), self.byte.max(byte));
        let between = text.get(low..high).unwrap_or_default();
        let points = between.chars().count() as u64;
        self.point = if byte < self.byte {
            self.point.saturating_sub(points)
        } else {
            self.point + points
        };
        self.byte = byte;
        (self.point, between.len())
    }
}

// === impl ModelRanges ===

impl ModelRanges {
    /// What new events have to do with it, if one assignment like it is enough.
    pub(crate) fn witness(&self) -> impl Iterator<Item = &Range> {
        let own = self.ranges.own.iter().filter(|_| self.is_new);
        own.chain(&self.counted)
    }
}

// === impl Collected ===

impl Collected {
    fn append(&mut self, other: Collected) {
        self.own.extend(other.own);
        other.kept.iter().for_each(|set| self.share(set));
    }

    fn share(&mut self, set: &RangeSet) {
        if set.len() > 0 && !self.kept.iter().any(|known| known.is_same(set)) {
            self.kept.push(set.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_points_are_counted_from_the_last_place() {
        let text: Arc<str> = "é b".repeat(1_000).into();
        let mut ruler = Ruler::default();
        let mut read = 0;
        let mut check = |byte: usize| {
            let (point, bytes) = ruler.point(&text, byte);
            read += bytes;
            assert_eq!(
                point,
                text.get(..byte).unwrap().chars().count() as u64,
                "{byte}"
            );
        };
        let places = || text.char_indices().map(|(place, _)| place);
        places().for_each(&mut check);
        places().rev().for_each(&mut check);
        assert!(read <= 2 * text.len(), "{read}");
    }

    #[test]
    fn code_points_of_another_text_are_its_own() {
        let (one, other): (Arc<str>, Arc<str>) = ("éé".into(), "ab".into());
        let mut ruler = Ruler::default();
        assert_eq!(ruler.point(&one, 4), (2, 4));
        assert_eq!(ruler.point(&other, 1), (1, 1));
        assert_eq!(ruler.point(&one, 1), (0, 0));
    }
}
