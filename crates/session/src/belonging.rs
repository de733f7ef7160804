//! What a server has given to whom: ids of tasks, and states of requests, that nobody else may use.
//!
//! All sessions with a server share it. What is not known here, because it was given before the
//! gateway began or is forgotten, is for the server to judge.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, iter};

use portcullis_trace::record::Timestamp;

use crate::digest::digest;

/// LIMIT: tasks, and states, of one server that are known. The oldest are forgotten first.
const KNOWN_MAX: usize = 10_000;
/// LIMIT: who has been given the same. What more were given tells nobody apart.
const OWNERS_MAX: usize = 8;
/// LIMIT: how long something is known.
const LIFE_MICROS_MAX: i64 = 24 * 60 * 60 * 1_000_000;

/// What is known of one server. See the module.
#[derive(Debug, Default)]
pub struct Belongings {
    tasks: Mutex<Register>,
    states: Mutex<Register>,
}

/// For whom a session is, and what its server has given to whom.
#[derive(Clone, Default)]
pub struct Party {
    belongings: Arc<Belongings>,
    /// As the server is told apart within `belongings`.
    server: Arc<str>,
    principal: Vec<u8>,
}

/// How it is known whose something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It was given as an answer, which nobody else got.
    Given,
    /// It was told of, maybe to more than its owner.
    ToldOf,
}

/// A digest, of what belongs to somebody or of whom it belongs to.
type Mark = [u8; 32];

#[derive(Debug, Default)]
struct Register {
    entries: HashMap<Mark, Entry>,
    /// Oldest first.
    by_age: BTreeMap<u64, Mark>,
    last: u64,
}

#[derive(Debug)]
struct Entry {
    /// Servers may count their tasks in each session anew: then it is several things by one name.
    owners: Vec<Mark>,
    claim: Claim,
    /// Of a state, how many were given one after the other.
    rounds: u32,
    /// In microseconds.
    until: i64,
    age: u64,
}

// === impl Party ===

impl Party {
    /// `server` tells servers apart that share `belongings`, `principal` whoever speaks to them.
    pub fn new(belongings: Arc<Belongings>, server: &str, principal: &[u8]) -> Self {
        Self {
            belongings,
            server: server.into(),
            principal: principal.to_vec(),
        }
    }

    /// A server has given, or told of, a task that it keeps for so many milliseconds.
    pub(crate) fn note_task(&self, id: &str, ttl: Option<i64>, claim: Claim, now: Timestamp) {
        let life = ttl.map_or(LIFE_MICROS_MAX, |ttl| ttl.saturating_mul(1000));
        let (task, owner) = (self.mark(&[id]), self.owner(&[]));
        self.tasks().note(task, owner, claim, life, now);
    }

    /// Whether the task is known to be somebody else's.
    pub(crate) fn is_others_task(&self, id: &str, now: Timestamp) -> bool {
        let (task, owner) = (self.mark(&[id]), self.owner(&[]));
        self.tasks().is_others(&task, &owner, now)
    }

    /// Whether somebody else was given the task, and not only told of it.
    pub(crate) fn was_given_to_others(&self, id: &str, now: Timestamp) -> bool {
        let (task, owner) = (self.mark(&[id]), self.owner(&[]));
        let tasks = self.tasks();
        let entry = tasks.entries.get(&task);
        let is_given = entry.is_some_and(|entry| entry.claim == Claim::Given);
        is_given && tasks.is_others(&task, &owner, now)
    }

    /// A server has answered a request of this method for this target with a state to go on with,
    /// the last of so many.
    pub(crate) fn note_state(
        &self,
        state: &str,
        method: &str,
        target: &str,
        rounds: u32,
        now: Timestamp,
    ) {
        let (state, owner) = (self.mark(&[state]), self.owner(&[method, target]));
        let mut states = self.states();
        states.note(state, owner, Claim::Given, LIFE_MICROS_MAX, now);
        if let Some(entry) = states.entries.get_mut(&state) {
            entry.rounds = rounds;
        }
    }

    /// How many states the server has given one after the other, of which this is the last; none
    /// that is known of a state that is not.
    pub(crate) fn rounds(&self, state: &str, now: Timestamp) -> u32 {
        let state = self.mark(&[state]);
        let states = self.states();
        let entry = states.entries.get(&state);
        let known = entry.filter(|entry| entry.until > now.as_micros());
        known.map_or(0, |entry| entry.rounds)
    }

    /// Whether the state is known to be of another request, or of somebody else's.
    pub(crate) fn is_others_state(
        &self,
        state: &str,
        method: &str,
        target: &str,
        now: Timestamp,
    ) -> bool {
        let (state, owner) = (self.mark(&[state]), self.owner(&[method, target]));
        self.states().is_others(&state, &owner, now)
    }

    fn mark(&self, parts: &[&str]) -> Mark {
        mark(self.server.as_bytes(), parts)
    }

    fn owner(&self, parts: &[&str]) -> Mark {
        mark(&self.principal, parts)
    }

    fn tasks(&self) -> MutexGuard<'_, Register> {
        lock(&self.belongings.tasks)
    }

    fn states(&self) -> MutexGuard<'_, Register> {
        lock(&self.belongings.states)
    }
}

/// Who it is may be a secret.
impl fmt::Debug for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Party").finish_non_exhaustive()
    }
}

/// Of several parts, none of which can pass for another.
fn mark(first: &[u8], others: &[&str]) -> Mark {
    let others = others.iter().map(|part| part.as_bytes());
    let parts: Vec<&[u8]> = iter::once(first).chain(others).collect();
    digest(&parts)
}

/// Nothing is half done where a panic can be.
fn lock(register: &Mutex<Register>) -> MutexGuard<'_, Register> {
    register.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl Register ===

impl Register {
    fn note(&mut self, thing: Mark, owner: Mark, claim: Claim, life: i64, now: Timestamp) {
        let now = now.as_micros();
        let until = now.saturating_add(life.clamp(0, LIFE_MICROS_MAX));
        match self.entries.get_mut(&thing) {
            Some(entry) if entry.until > now => return entry.note(owner, claim, until),
            Some(entry) => {
                self.by_age.remove(&entry.age);
            }
            None => self.make_room(),
        }
        self.last += 1;
        self.by_age.insert(self.last, thing);
        let entry = Entry {
            owners: vec![owner],
            claim,
            rounds: 0,
            until,
            age: self.last,
        };
        self.entries.insert(thing, entry);
    }

    fn is_others(&self, thing: &Mark, owner: &Mark, now: Timestamp) -> bool {
        self.entries.get(thing).is_some_and(|entry| {
            entry.until > now.as_micros()
                && entry.owners.len() <= OWNERS_MAX
                && !entry.owners.contains(owner)
        })
    }

    fn make_room(&mut self) {
        while self.entries.len() >= KNOWN_MAX {
            let Some((_, oldest)) = self.by_age.pop_first() else {
                return;
            };
            self.entries.remove(&oldest);
        }
    }
}

// === impl Entry ===

impl Entry {
    fn note(&mut self, owner: Mark, claim: Claim, until: i64) {
        match (self.claim, claim) {
            // What everybody may have been told says less than what one was given.
            (Claim::Given, Claim::ToldOf) => return,
            (Claim::ToldOf, Claim::Given) => {
                self.owners.clear();
                self.claim = claim;
            }
            (Claim::Given, Claim::Given) | (Claim::ToldOf, Claim::ToldOf) => {}
        }
        self.until = self.until.max(until);
        if self.owners.len() <= OWNERS_MAX && !self.owners.contains(&owner) {
            self.owners.push(owner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    fn after(micros: i64) -> Timestamp {
        Timestamp::from_micros(NOW.as_micros() + micros)
    }

    fn parties<const N: usize>(principals: [&str; N]) -> [Party; N] {
        let belongings = Arc::new(Belongings::default());
        principals
            .map(|principal| Party::new(Arc::clone(&belongings), "mail", principal.as_bytes()))
    }

    #[test]
    fn a_task_is_whose_it_was_given_to() {
        let [one, other] = parties(["one", "other"]);
        assert!(!other.is_others_task("t", NOW), "nobody knows it");
        one.note_task("t", None, Claim::Given, NOW);
        assert!(other.is_others_task("t", NOW));
        assert!(!one.is_others_task("t", NOW));
        assert!(!other.is_others_task("u", NOW));
        let elsewhere = Party::new(Arc::clone(&one.belongings), "files", b"other");
        assert!(!elsewhere.is_others_task("t", NOW));
    }

    #[test]
    fn what_both_were_given_is_of_both() {
        let [one, other, third] = parties(["one", "other", "third"]);
        one.note_task("1", None, Claim::Given, NOW);
        other.note_task("1", None, Claim::Given, NOW);
        assert!(!one.is_others_task("1", NOW) && !other.is_others_task("1", NOW));
        assert!(third.is_others_task("1", NOW));
        for number in 0..OWNERS_MAX {
            let principal = format!("more {number}");
            let more = Party::new(Arc::clone(&one.belongings), "mail", principal.as_bytes());
            more.note_task("1", None, Claim::Given, NOW);
            assert!(!more.is_others_task("1", NOW));
        }
        assert!(!third.is_others_task("1", NOW), "it tells nobody apart");
    }

    #[test]
    fn who_is_told_of_a_task_need_not_own_it() {
        let [one, other, third] = parties(["one", "other", "third"]);
        one.note_task("t", None, Claim::ToldOf, NOW);
        other.note_task("t", None, Claim::ToldOf, NOW);
        assert!(!one.is_others_task("t", NOW) && !other.is_others_task("t", NOW));
        assert!(third.is_others_task("t", NOW));
        one.note_task("t", None, Claim::Given, NOW);
        other.note_task("t", None, Claim::ToldOf, NOW);
        assert!(!one.is_others_task("t", NOW) && other.is_others_task("t", NOW));
    }

    #[test]
    fn nothing_is_known_for_ever() {
        let [one, other] = parties(["one", "other"]);
        one.note_task("short", Some(5), Claim::Given, NOW);
        one.note_task("long", Some(i64::MAX), Claim::Given, NOW);
        one.note_task("negative", Some(-1), Claim::Given, NOW);
        assert!(!other.is_others_task("negative", NOW));
        assert!(other.is_others_task("short", after(4999)));
        assert!(!other.is_others_task("short", after(5000)));
        assert!(other.is_others_task("long", after(LIFE_MICROS_MAX - 1)));
        assert!(!other.is_others_task("long", after(LIFE_MICROS_MAX)));
        other.note_task("short", None, Claim::Given, after(5000));
        assert!(one.is_others_task("short", after(5000)), "another task");
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let [one, other] = parties(["one", "other"]);
        for number in 0..=KNOWN_MAX {
            one.note_task(&number.to_string(), None, Claim::Given, NOW);
        }
        assert!(!other.is_others_task("0", NOW));
        assert!(other.is_others_task("1", NOW));
        let register = one.tasks();
        assert_eq!(register.entries.len(), KNOWN_MAX);
        assert_eq!(register.by_age.len(), KNOWN_MAX);
    }

    #[test]
    fn a_state_is_of_one_request() {
        let [one, other] = parties(["one", "other"]);
        one.note_state("s", "tools/call", "pay", 1, NOW);
        assert!(!one.is_others_state("s", "tools/call", "pay", NOW));
        assert!(one.is_others_state("s", "tools/call", "send", NOW));
        assert!(one.is_others_state("s", "prompts/get", "pay", NOW));
        assert!(other.is_others_state("s", "tools/call", "pay", NOW));
        assert!(!one.is_others_task("s", NOW));
    }
}
