use crate::program::Slot;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Names with a slot: variables, parameters and variables of comprehensions, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    /// The names of the frame that is being built, by slot.
    names: Vec<Arc<str>>,
    open: Vec<Vec<(Arc<str>, Slot)>>,
    /// The variables of the frame that hold tool calls, and nothing else.
    calls: BTreeSet<Slot>,
}

impl Scopes {
    pub(super) fn open_frame(&mut self) {
        self.names.clear();
        self.open.clear();
        self.calls.clear();
    }

    pub(super) fn close_frame(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.names)
    }

    pub(super) fn open(&mut self) {
        self.open.push(Vec::new());
    }

    pub(super) fn close(&mut self) {
        self.open.pop();
    }

    /// The slots of the innermost scope.
    pub(super) fn innermost(&self) -> Vec<Slot> {
        self.open
            .last()
            .into_iter()
            .flatten()
            .map(|(_, slot)| *slot)
            .collect()
    }

    pub(super) fn is_declared_here(&self, name: &str) -> bool {
        self.open
            .last()
            .is_some_and(|scope| scope.iter().any(|(known, _)| &**known == name))
    }

    pub(super) fn declare(&mut self, name: &str) -> Slot {
        let name: Arc<str> = name.into();
        let slot = self.names.len();
        self.names.push(name.clone());
        if let Some(scope) = self.open.last_mut() {
            scope.push((name, slot));
        }
        slot
    }

    pub(super) fn find(&self, name: &str) -> Option<Slot> {
        let known = self.open.iter().rev().flat_map(|scope| scope.iter().rev());
        known
            .into_iter()
            .find(|(known, _)| &**known == name)
            .map(|(_, slot)| *slot)
    }

    pub(super) fn note_calls(&mut self, slot: Slot) {
        self.calls.insert(slot);
    }

    pub(super) fn holds_calls(&self, slot: Slot) -> bool {
        self.calls.contains(&slot)
    }

    pub(super) fn name(&self, slot: Slot) -> Option<&str> {
        self.names.get(slot).map(|name| &**name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.open.iter().flatten().map(|(name, _)| &**name)
    }
}
