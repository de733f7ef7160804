use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use crate::value::FEW_NAMES;

/// Where the names of the members of one object are, where these are many: a few are compared.
pub(crate) struct Names<N> {
    many: Option<HashMap<N, usize>>,
}

// === impl Names ===

impl<N> Default for Names<N> {
    fn default() -> Self {
        Self { many: None }
    }
}

impl<N: Clone + Eq + Hash> Names<N> {
    /// Where `name` is among the `known`, which are those that were looked for before; `None` if it
    /// is new.
    pub(crate) fn place_or_add<'n>(
        &mut self,
        name: &'n N,
        mut known: impl ExactSizeIterator<Item = &'n N>,
    ) -> Option<usize> {
        let count = known.len();
        if count < FEW_NAMES {
            return known.position(|known| known == name);
        }
        let places = || known.cloned().zip(0..).collect();
        match self.many.get_or_insert_with(places).entry(name.clone()) {
            Entry::Occupied(place) => Some(*place.get()),
            Entry::Vacant(new) => {
                new.insert(count);
                None
            }
        }
    }
}
