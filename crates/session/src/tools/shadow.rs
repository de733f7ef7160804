//! Tools that take the place of another server's.

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_detect::tool::shadow::{Likeness, likeness, skeleton};
use portcullis_trace::pin::{ForeignTool, INSTRUCTIONS};

use super::definition::Listed;
use super::look::shown;

/// LIMIT: shadows of one tool that are told.
const SHADOWS_MAX: usize = 5;
/// A shorter name is a word that anybody may use.
const MENTIONED_BYTES_MIN: usize = 6;

/// The tools of other servers.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    by_skeleton: BTreeMap<String, Vec<ForeignTool>>,
    by_name: BTreeMap<Arc<str>, ForeignTool>,
}

/// What a tool has to do with one of another server.
pub(super) struct Shadow {
    tool: String,
    relation: Relation,
    pub(super) server: Arc<str>,
    other: Arc<str>,
}

enum Relation {
    Named(Likeness),
    Mentions,
}

/// The places of names that look like an earlier one, with that one.
pub(super) fn look_alikes<'n>(names: &[&'n str]) -> Vec<(usize, &'n str)> {
    let mut first_of: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let first = *first_of.entry(skeleton(name)).or_insert(name);
        if first != *name && likeness(first, name) == Likeness::LooksAlike {
            found.push((place, first));
        }
    }
    found
}

// === impl Neighbours ===

impl Neighbours {
    pub(super) fn new(tools: Vec<ForeignTool>) -> Self {
        let mut neighbours = Self::default();
        for tool in tools.into_iter().filter(|it| &*it.tool != INSTRUCTIONS) {
            let alike = neighbours.by_skeleton.entry(skeleton(&tool.tool));
            alike.or_default().push(tool.clone());
            if is_telling(&tool.tool) {
                neighbours.by_name.insert(Arc::clone(&tool.tool), tool);
            }
        }
        neighbours
    }

    pub(super) fn shadows(&self, tool: &Listed<'_>) -> Vec<Shadow> {
        let shadow = |other: &ForeignTool, relation| Shadow {
            tool: shown(tool.name),
            relation,
            server: Arc::clone(&other.server.name),
            other: Arc::clone(&other.tool),
        };
        let alike = self.by_skeleton.get(&skeleton(tool.name));
        let alike = alike.into_iter().flatten();
        let alike =
            alike.map(|other| shadow(other, Relation::Named(likeness(&other.tool, tool.name))));
        let words = tool.description().split(|it: char| !is_of_names(it));
        let mentioned = words
            .filter(|word| *word != tool.name)
            .filter_map(|word| self.by_name.get(word))
            .map(|other| shadow(other, Relation::Mentions));
        alike.chain(mentioned).take(SHADOWS_MAX).collect()
    }
}

/// Whether the name is one that nobody uses by chance: of several words.
fn is_telling(name: &str) -> bool {
    let mut letters = name.chars().skip(1);
    name.len() >= MENTIONED_BYTES_MIN
        && name.chars().all(is_of_names)
        && (name.contains('_') || letters.any(char::is_uppercase))
}

fn is_of_names(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-')
}

// === impl Shadow ===

impl Shadow {
    pub(super) fn message(&self) -> String {
        let (tool, other, server) = (&self.tool, shown(&self.other), shown(&self.server));
        match self.relation {
            Relation::Named(Likeness::Same) => {
                format!("the tool `{tool}` has the name of a tool of the server `{server}`")
            }
            Relation::Named(Likeness::LooksAlike) => {
                format!("the tool `{tool}` looks like the tool `{other}` of the server `{server}`")
            }
            Relation::Named(Likeness::SpelledAlike) => {
                format!(
                    "the tool `{tool}` is spelled like the tool `{other}` of the server `{server}`"
                )
            }
            Relation::Mentions => {
                format!("the tool `{tool}` speaks of the tool `{other}` of the server `{server}`")
            }
        }
    }
}
