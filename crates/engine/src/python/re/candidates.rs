//! Where a pattern that needs the machine can match at all.
//!
//! Such a pattern has a wider one without what the linear engine lacks: wherever the pattern
//! matches, the wider one does, too. One look at a text from its end, in linear time, tells where
//! the wider one matches, and the machine tries nowhere else. In most texts that is nowhere.

use std::panic::{RefUnwindSafe, UnwindSafe};

use regex_automata::hybrid::dfa::{Cache, DFA, OverlappingState};
use regex_automata::nfa::thompson;
use regex_automata::util::pool::Pool;
use regex_automata::{Input, MatchKind};
use regex_syntax::hir::{self, Class, Dot, Hir, Look};

use super::node::{Assertion, Node, Repeat};

/// LIMIT: places that are kept of one text. One with more is searched without.
pub(super) const PLACES_MAX: usize = 1 << 20;

/// Repetitions beyond so many are not counted: from the end of a text an automaton counts all at
/// once that may end there, and would learn too much.
const COUNTED_MAX: u32 = 4;

/// LIMIT: what the wider pattern takes. Each state that a look learns costs time in proportion.
const AUTOMATON_BYTES_MAX: usize = 1 << 20;
/// LIMIT: what one look learns and the next may use.
const CACHE_BYTES_MAX: usize = 1 << 20;
/// A look that discards more often what it learned goes on only where it pays.
const CACHE_CLEARINGS: usize = 1;
const BYTES_PER_STATE: usize = 256;

#[derive(Debug)]
pub(super) struct Candidates {
    /// Reads from the end.
    automaton: DFA,
    caches: Pool<Cache, NewCache>,
}

type NewCache = Box<dyn Fn() -> Cache + Send + Sync + UnwindSafe + RefUnwindSafe>;

// === impl Candidates ===

impl Candidates {
    /// `None` if the wider pattern would match everywhere, or needs an automaton beyond the limits.
    pub(super) fn new(root: &Node) -> Option<Self> {
        let wider = wider(root);
        // What can be empty matches everywhere.
        if wider.properties().minimum_len()? == 0 {
            return None;
        }
        let mut compiler = thompson::Compiler::new();
        compiler.configure(
            thompson::Config::new()
                .reverse(true)
                .which_captures(thompson::WhichCaptures::None)
                .nfa_size_limit(Some(AUTOMATON_BYTES_MAX)),
        );
        let automaton = DFA::builder()
            .configure(
                DFA::config()
                    .match_kind(MatchKind::All)
                    .cache_capacity(CACHE_BYTES_MAX)
                    .minimum_cache_clear_count(Some(CACHE_CLEARINGS))
                    .minimum_bytes_per_state(Some(BYTES_PER_STATE)),
            )
            .build_from_nfa(compiler.build_from_hir(&wider).ok()?)
            .ok()?;
        let of_automaton = automaton.clone();
        let new_cache: NewCache = Box::new(move || of_automaton.create_cache());
        Some(Self {
            automaton,
            caches: Pool::new(new_cache),
        })
    }

    /// The places where a match can begin, in their order; `None` if they cost more than they save.
    pub(super) fn places(&self, text: &str) -> Option<Vec<usize>> {
        let mut cache = self.caches.get();
        let input = Input::new(text);
        let mut state = OverlappingState::start();
        let mut places = Vec::new();
        loop {
            self.automaton
                .try_search_overlapping_rev(&mut cache, &input, &mut state)
                .ok()?;
            match state.get_match() {
                Some(_) if places.len() == PLACES_MAX => return None,
                Some(found) => places.push(found.offset()),
                None => break,
            }
        }
        places.reverse();
        Some(places)
    }
}

/// What matches wherever `node` does, and maybe elsewhere.
fn wider(node: &Node) -> Hir {
    let all = |nodes: &[Node]| nodes.iter().map(wider).collect();
    match node {
        Node::Char(c) => Hir::literal(c.to_string().into_bytes()),
        Node::Set(set) => Hir::class(Class::Unicode(set.class().clone())),
        Node::Assert(assertion) => assertion_or_nothing(*assertion),
        Node::Concat(items) => Hir::concat(all(items)),
        Node::Alternate(branches) => Hir::alternation(all(branches)),
        Node::Group(_, body) | Node::Atomic(body) => wider(body),
        Node::Repeat(Repeat { body, min, max, .. }) => {
            let max = Some(*max).filter(|max| *max <= COUNTED_MAX);
            repeated(wider(body), (*min).min(COUNTED_MAX), max)
        }
        Node::Look { .. } => Hir::empty(),
        // Whatever the group holds.
        Node::Backref { .. } => repeated(Hir::dot(Dot::AnyChar), 0, None),
        Node::Conditional { yes, no, .. } => Hir::alternation(vec![wider(yes), wider(no)]),
    }
}

fn repeated(body: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(hir::Repetition {
        min,
        max,
        greedy: true,
        sub: Box::new(body),
    })
}

/// The borders of words are left out: in texts beyond ASCII the automaton cannot tell them.
fn assertion_or_nothing(assertion: Assertion) -> Hir {
    match assertion {
        Assertion::TextStart => Hir::look(Look::Start),
        Assertion::TextEnd => Hir::look(Look::End),
        Assertion::LineStart => Hir::look(Look::StartLF),
        Assertion::LineEnd | Assertion::TextEndOrFinalNewline => Hir::look(Look::EndLF),
        Assertion::WordBoundary { .. } => Hir::empty(),
    }
}
