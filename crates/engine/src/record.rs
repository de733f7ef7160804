//! What an evaluation leaves behind beside its value: marks and objects, as ranges.

use crate::value::{Text, Value};
use portcullis_trace::Range;

/// Collects ranges, or nothing at all when only the value matters.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Option<Recording>);

#[derive(Debug, Default)]
struct Recording {
    /// Stretches of text found by searching. They go up to every evaluation around this one.
    marks: Vec<Range>,
    /// Objects that a quantifier counted. They stay with the evaluation that contains it.
    objects: Vec<Range>,
    /// Events of this index and later are new.
    new_from: u64,
    /// Objects of counted models that hold a new event.
    counted: Vec<Range>,
}

/// The ranges of one model that a `count` counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ModelRanges {
    pub(crate) ranges: Vec<Range>,
    /// The latest event among the values of its variables.
    pub(crate) latest: Option<u64>,
}

// === impl Recorder ===

impl Recorder {
    pub(crate) const OFF: Recorder = Recorder(None);

    pub(crate) fn new(new_from: u64) -> Self {
        Recorder(Some(Recording {
            new_from,
            ..Recording::default()
        }))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// For an evaluation inside this one.
    pub(crate) fn child(&self) -> Recorder {
        Recorder(self.0.as_ref().map(|outer| Recording {
            new_from: outer.new_from,
            ..Recording::default()
        }))
    }

    pub(crate) fn mark(&mut self, text: &Text, bytes: std::ops::Range<usize>) {
        let Some(recording) = &mut self.0 else { return };
        if text.place.is_nowhere() {
            return;
        }
        let points = |end: usize| {
            text.text
                .get(..end)
                .map_or(0, |part| part.chars().count() as u64)
        };
        let span = (points(bytes.start), points(bytes.end));
        recording.marks.extend(text.place.ranges(Some(span)));
    }

    /// Takes over what an inner evaluation marked, whatever came of it.
    pub(crate) fn adopt_marks(&mut self, inner: Recorder) {
        if let (Some(outer), Some(inner)) = (&mut self.0, inner.0) {
            outer.marks.extend(inner.marks);
        }
    }

    pub(crate) fn add_marks(&mut self, marks: impl IntoIterator<Item = Range>) {
        if let Some(recording) = &mut self.0 {
            recording.marks.extend(marks);
        }
    }

    pub(crate) fn add_objects(&mut self, objects: impl IntoIterator<Item = Range>) {
        if let Some(recording) = &mut self.0 {
            recording.objects.extend(objects);
        }
    }

    /// Notes a model of a `count` that came out true, if a new event is part of it.
    pub(crate) fn note_counted(&mut self, model: &ModelRanges) {
        if let Some(recording) = &mut self.0
            && model
                .latest
                .is_some_and(|latest| latest >= recording.new_from)
        {
            recording.counted.extend(model.ranges.iter().cloned());
        }
    }

    /// Everything recorded, and what of it makes counted models new.
    pub(crate) fn finish(self) -> (Vec<Range>, Vec<Range>) {
        let recording = self.0.unwrap_or_default();
        let mut ranges = recording.marks;
        ranges.extend(recording.objects);
        (ranges, recording.counted)
    }

    /// The ranges of a model whose variables have these values.
    pub(crate) fn model(&self, values: &[Value]) -> ModelRanges {
        let Some(recording) = &self.0 else {
            return ModelRanges::default();
        };
        let mut ranges = recording.marks.clone();
        ranges.extend(recording.objects.iter().cloned());
        ranges.extend(values.iter().flat_map(|value| value.place().ranges(None)));
        ModelRanges {
            ranges,
            latest: values.iter().filter_map(|v| v.place().event()).max(),
        }
    }
}
