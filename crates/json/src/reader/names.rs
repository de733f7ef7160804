use std::borrow::Cow;
use std::collections::HashMap;

use crate::value::FEW_NAMES;

/// The distinct member names of all open objects, in order of appearance.
#[derive(Default)]
pub(super) struct Names<'t> {
    of_open: Vec<Cow<'t, str>>,
}

/// Those of one object.
pub(super) struct ObjectNames<'t> {
    /// Where they begin among those of all open objects.
    first: usize,
    /// The place of each; empty until there are many.
    places: HashMap<Cow<'t, str>, usize>,
}

// === impl Names ===

impl<'t> Names<'t> {
    /// Opens an object inside of those that are open.
    pub(super) fn open(&self) -> ObjectNames<'t> {
        ObjectNames {
            first: self.of_open.len(),
            places: HashMap::new(),
        }
    }

    /// Closes the innermost object.
    pub(super) fn close(&mut self, object: &ObjectNames<'t>) {
        self.of_open.truncate(object.first);
    }

    /// The place of `name` if the innermost object has it already; otherwise adds it.
    pub(super) fn place_or_insert(
        &mut self,
        object: &mut ObjectNames<'t>,
        name: Cow<'t, str>,
    ) -> Option<usize> {
        if !object.places.is_empty() {
            if let Some(place) = object.places.get(&name) {
                return Some(*place);
            }
            object.places.insert(name, object.places.len());
            return None;
        }
        let known = self.of_open.get(object.first..).unwrap_or_default();
        if let Some(place) = known.iter().position(|known| *known == name) {
            return Some(place);
        }
        self.of_open.push(name);
        if self.of_open.len() - object.first >= FEW_NAMES {
            let known = self.of_open.drain(object.first..).enumerate();
            object.places = known.map(|(place, name)| (name, place)).collect();
        }
        None
    }
}
