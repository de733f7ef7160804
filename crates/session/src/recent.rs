//! A map of bounded size, from which the oldest leave.

use std::borrow::Borrow;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::num::NonZeroUsize;

/// See the module. What is there already is as old as it was, whatever it becomes.
#[derive(Debug)]
pub struct Recent<K, V> {
    entries: HashMap<K, V>,
    oldest_first: VecDeque<K>,
    entries_max: NonZeroUsize,
}

// === impl Recent ===

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    pub fn new(entries_max: NonZeroUsize) -> Self {
        Self {
            entries: HashMap::new(),
            oldest_first: VecDeque::new(),
            entries_max,
        }
    }

    pub fn insert(&mut self, key: K, value: V) {
        if self.entries.insert(key.clone(), value).is_some() {
            return;
        }
        self.oldest_first.push_back(key);
        if self.oldest_first.len() > self.entries_max.get()
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }

    pub fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Removes all that have this value.
    pub(crate) fn remove_value(&mut self, value: &V)
    where
        V: PartialEq,
    {
        if self.entries.values().any(|one| one == value) {
            self.entries.retain(|_, one| one != value);
            self.oldest_first
                .retain(|key| self.entries.contains_key(key));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_leave() {
        let mut map = Recent::new(NonZeroUsize::new(2).unwrap());
        map.insert("a", 1);
        map.insert("b", 1);
        map.insert("a", 2);
        assert_eq!(map.get("a"), Some(&2));
        map.insert("c", 3);
        assert_eq!((map.get("a"), map.get("b")), (None, Some(&1)));
        map.remove_value(&1);
        assert_eq!((map.get("b"), map.get("c")), (None, Some(&3)));
        map.insert("d", 4);
        assert_eq!(map.get("c"), Some(&3));
    }
}
