//! Which ids a server has given to its events.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// LIMIT: ids that are remembered of one session, the newest.
const GIVEN_MAX: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct GivenIds {
    /// Ids may be long: their digests.
    state: RandomState,
    newest: Mutex<Newest>,
}

#[derive(Debug, Default)]
struct Newest {
    digests: VecDeque<u64>,
    /// Whether there were more.
    is_cut: bool,
}

// === impl GivenIds ===

impl GivenIds {
    /// Of a session that others knew before.
    pub(super) fn cut() -> Self {
        let newest = Newest {
            is_cut: true,
            ..Newest::default()
        };
        Self {
            newest: Mutex::new(newest),
            ..Self::default()
        }
    }

    pub(super) fn note(&self, id: &str) {
        let digest = self.state.hash_one(id);
        let mut newest = self.newest();
        if newest.digests.len() == GIVEN_MAX {
            newest.digests.pop_front();
            newest.is_cut = true;
        }
        newest.digests.push_back(digest);
    }

    /// The server knows of none of them any more: it has begun another session.
    pub(super) fn forget(&self) {
        *self.newest() = Newest::default();
    }

    /// Whether it is known that none of the session's events had this id.
    pub(super) fn never_had(&self, id: &str) -> bool {
        let newest = self.newest();
        !newest.is_cut && !newest.digests.contains(&self.state.hash_one(id))
    }

    fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_forgotten_may_have_been_given() {
        let given = GivenIds::default();
        assert!(given.never_had("0"));
        for id in 0..GIVEN_MAX {
            given.note(&id.to_string());
        }
        assert!(!given.never_had("0"));
        assert!(given.never_had("x"));
        given.note("one more");
        assert!(!given.never_had("0") && !given.never_had("x"));
    }

    #[test]
    fn a_session_of_others_may_have_had_any() {
        assert!(!GivenIds::cut().never_had("0"));
    }

    #[test]
    fn a_new_session_had_none() {
        let given = GivenIds::cut();
        given.note("0");
        given.forget();
        assert!(given.never_had("0"));
    }
}
