use std::collections::HashSet;
use std::hash::Hash;

use crate::value::FEW_NAMES;

/// The distinct names of the members of one object, where these are many: a few are compared.
pub(crate) struct Names<N> {
    many: Option<HashSet<N>>,
}

// === impl Names ===

impl<N> Default for Names<N> {
    fn default() -> Self {
        Self { many: None }
    }
}

impl<N: Clone + Eq + Hash> Names<N> {
    /// Whether `name` is none of the `known`, which are those that were added before.
    pub(crate) fn add<'n>(
        &mut self,
        name: &'n N,
        mut known: impl ExactSizeIterator<Item = &'n N>,
    ) -> bool {
        if known.len() < FEW_NAMES {
            return known.all(|known| known != name);
        }
        let many = self.many.get_or_insert_with(|| known.cloned().collect());
        many.insert(name.clone())
    }
}
