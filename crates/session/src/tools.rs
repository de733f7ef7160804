//! What a listing shows of tools, beside what is known of them.
//!
//! The definitions that were seen first are known from outside, and what is seen is noted outside:
//! here they are only compared. What there is to say joins the judgement of the listing.

mod check;
mod definition;
mod inspection;
mod report;
mod shadow;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portcullis_json::Value;
use portcullis_trace::pin::{ForeignTool, PinState, ToolDefinition, ToolPin, ToolSighting};

pub use self::check::{ToolCheck, ToolChecks, UnknownToolCheck};
pub use self::definition::changes as tool_changes;
pub(crate) use self::definition::pinned_as;
use self::definition::{Listed, NAME_CHARACTERS_MAX};
pub(crate) use self::inspection::inspect;
pub(crate) use self::report::{Report, ToolFinding};
use self::shadow::Neighbours;
use crate::refusal::plain;

/// LIMIT: tools of one server that are pinned.
const PINS_MAX: usize = 2000;
/// LIMIT: characters of a difference that are recorded.
const DIFFERENCE_CHARACTERS_MAX: usize = 2000;

/// What is known of the tools of a session's server, and of other servers.
#[derive(Clone, Debug, Default)]
pub struct KnownTools {
    pub pins: Vec<ToolPin>,
    pub foreign: Vec<ForeignTool>,
}

/// Looks at the listings of one session.
#[derive(Debug)]
pub(crate) struct ToolWatch {
    checks: ToolChecks,
    /// Or why nothing is known.
    known: Result<Known, Arc<str>>,
    /// Nothing was known of the server before its listing, of which there may be more pages.
    is_first_listing: bool,
}

#[derive(Debug, Default)]
struct Known {
    pins: BTreeMap<Arc<str>, ToolPin>,
    neighbours: Neighbours,
}

/// One listing on its way through the checks.
struct Look<'l> {
    watch: &'l ToolWatch,
    report: Report,
    /// Of this listing so far.
    names: BTreeSet<Arc<str>>,
    digests: BTreeMap<Arc<str>, Arc<str>>,
}

// === impl ToolWatch ===

impl ToolWatch {
    pub(crate) fn new(checks: ToolChecks) -> Self {
        Self {
            checks,
            known: Err(Arc::from("nothing was read of what is known of the tools")),
            is_first_listing: false,
        }
    }

    pub(crate) fn checks(&self) -> &ToolChecks {
        &self.checks
    }

    pub(crate) fn set_checks(&mut self, checks: ToolChecks) {
        self.checks = checks;
    }

    /// Takes what is known before a listing.
    pub(crate) fn know(&mut self, known: Result<KnownTools, String>) {
        let is_new_server = matches!(&known, Ok(known) if known.pins.is_empty());
        self.is_first_listing |= is_new_server;
        self.known = known
            .map(|known| Known {
                neighbours: Neighbours::new(known.foreign),
                pins: known
                    .pins
                    .into_iter()
                    .map(|pin| (Arc::clone(&pin.tool), pin))
                    .collect(),
            })
            .map_err(Arc::from);
    }

    /// Tools that wait for approval, where nothing passes without it.
    pub(crate) fn held(&self) -> Vec<Arc<str>> {
        let Ok(known) = &self.known else {
            return Vec::new();
        };
        let is_held = |pin: &&ToolPin| match pin.state() {
            PinState::Pinned => false,
            PinState::Changed => self.checks.blocks(ToolCheck::Changed),
            PinState::New => self.checks.blocks(ToolCheck::New),
        };
        let held = known.pins.values().filter(is_held);
        held.map(|pin| Arc::clone(&pin.tool)).collect()
    }

    /// What there is to say of the answer to `tools/list`.
    pub(crate) fn look(&mut self, result: &Value) -> Report {
        let mut look = Look {
            watch: self,
            report: Report::default(),
            names: BTreeSet::new(),
            digests: BTreeMap::new(),
        };
        let tools = result.get("tools").and_then(Value::as_array);
        look.at_names(tools.unwrap_or_default());
        for (place, tool) in tools.unwrap_or_default().iter().enumerate() {
            look.at(place, &Listed::read(tool));
        }
        let report = look.end();
        if result.get("nextCursor").is_none() {
            self.is_first_listing = false;
        }
        report
    }
}

// === impl Look ===

impl Look<'_> {
    fn at(&mut self, place: usize, tool: &Listed<'_>) {
        self.at_name(place, tool);
        self.at_words(place, tool);
        let pins = self.watch.checks.compares();
        let Ok(known) = &self.watch.known else {
            return;
        };
        if pins {
            self.at_pin(place, tool, known);
        }
        if let Some(action) = self.watch.checks.action(ToolCheck::Shadowed) {
            for shadow in known.neighbours.shadows(tool) {
                let finding =
                    ToolFinding::new(ToolCheck::Shadowed, action, place, shadow.message());
                self.report.add(finding.detail("server", &shadow.server));
            }
        }
    }

    /// Names that look alike within the listing.
    fn at_names(&mut self, tools: &[Value]) {
        let Some(action) = self.watch.checks.action(ToolCheck::Ambiguous) else {
            return;
        };
        let names: Vec<&str> = tools.iter().map(|tool| Listed::read(tool).name).collect();
        for (place, other) in shadow::look_alikes(&names) {
            let name = names.get(place).copied().unwrap_or_default();
            let message = format!(
                "the name of the tool `{}` looks like that of `{}`",
                shown(name),
                shown(other)
            );
            self.report.add(ToolFinding::new(
                ToolCheck::Ambiguous,
                action,
                place,
                message,
            ));
        }
    }

    fn at_name(&mut self, place: usize, tool: &Listed<'_>) {
        let is_repeated = !self.names.insert(Arc::clone(&tool.key));
        let Some(action) = self.watch.checks.action(ToolCheck::Ambiguous) else {
            return;
        };
        let mut add = |message: String| {
            let finding = ToolFinding::new(ToolCheck::Ambiguous, action, place, message);
            self.report.add(finding.at("name", None));
        };
        let name = shown(tool.name);
        if is_repeated {
            add(format!("the listing has two tools `{name}`"));
        }
        if !tool.has_usual_name() {
            add(format!(
                "the name of the tool `{name}` is not 1 to {NAME_CHARACTERS_MAX} letters of ASCII, \
                 digits, `_`, `-`, `.` and `/`"
            ));
        }
    }

    fn at_words(&mut self, place: usize, tool: &Listed<'_>) {
        let Some(action) = self.watch.checks.action(ToolCheck::Poisoned) else {
            return;
        };
        let inspection = inspect(&tool.texts());
        if !inspection.is_poisoned {
            return;
        }
        let signals: Vec<&str> = inspection.signals.iter().map(|it| it.name()).collect();
        let message = format!(
            "the definition of the tool `{}` works on the model: {}",
            shown(tool.name),
            signals.join(", ")
        );
        let finding = ToolFinding::new(ToolCheck::Poisoned, action, place, message);
        self.report.add(finding.all_at(tool.places()));
    }

    fn at_pin(&mut self, place: usize, tool: &Listed<'_>, known: &Known) {
        let definition = tool.definition();
        let earlier = self.digests.get(&tool.key);
        let is_another = earlier.is_some_and(|digest| *digest != definition.digest);
        let pin = known.pins.get(&tool.key);
        match pin.map(|pin| (pin, &pin.pinned)) {
            None if is_another => self.found_changed(place, tool, None),
            None => self.unknown(place, tool, &definition, known.pins.len()),
            Some((pin, None)) => {
                self.found_new(place, tool, "waits for its approval");
                self.note(pin, &definition);
            }
            Some((pin, Some(pinned))) if pinned.digest == definition.digest => {
                self.note(pin, &definition);
            }
            Some((pin, Some(pinned))) => {
                self.found_changed(place, tool, Some((pinned, &definition)));
                self.note(pin, &definition);
            }
        }
        self.digests
            .entry(Arc::clone(&tool.key))
            .or_insert(definition.digest);
    }

    /// A tool of which nothing is known.
    fn unknown(
        &mut self,
        place: usize,
        tool: &Listed<'_>,
        definition: &ToolDefinition,
        pinned: usize,
    ) {
        let more = self.report.sightings.len();
        if pinned + more >= PINS_MAX {
            let reason = format!("the server has more than {PINS_MAX} tools");
            self.report.fail(ToolCheck::Changed, self.watch, &reason);
            return;
        }
        let is_trusted = self.watch.is_first_listing || !self.watch.checks.blocks(ToolCheck::New);
        if !self.watch.is_first_listing {
            self.found_new(place, tool, "was not there before");
        }
        if !self.digests.contains_key(&tool.key) {
            self.report.sightings.push(ToolSighting {
                tool: Arc::clone(&tool.key),
                definition: definition.clone(),
                is_trusted,
            });
        }
    }

    /// What is known of a tool is noted only where that is news.
    fn note(&mut self, pin: &ToolPin, definition: &ToolDefinition) {
        let is_pinned = pin.pinned.as_ref() == Some(definition);
        let is_news = match &pin.seen {
            None => !is_pinned,
            Some(seen) => seen.digest != definition.digest,
        };
        if is_news && !self.digests.contains_key(&pin.tool) {
            self.report.sightings.push(ToolSighting {
                tool: Arc::clone(&pin.tool),
                definition: definition.clone(),
                is_trusted: false,
            });
        }
    }

    fn found_new(&mut self, place: usize, tool: &Listed<'_>, what: &str) {
        if let Some(action) = self.watch.checks.action(ToolCheck::New) {
            let message = format!("the tool `{}` {what}", shown(tool.name));
            self.report
                .add(ToolFinding::new(ToolCheck::New, action, place, message));
        }
    }

    fn found_changed(
        &mut self,
        place: usize,
        tool: &Listed<'_>,
        definitions: Option<(&ToolDefinition, &ToolDefinition)>,
    ) {
        let Some(action) = self.watch.checks.action(ToolCheck::Changed) else {
            return;
        };
        let name = shown(tool.name);
        let message = match definitions {
            Some(_) => format!("the definition of the tool `{name}` is not the one that is pinned"),
            None => format!("the listing has two definitions of the tool `{name}`"),
        };
        let mut finding = ToolFinding::new(ToolCheck::Changed, action, place, message);
        if let Some((pinned, seen)) = definitions {
            let mut parts = Vec::new();
            let mut difference = Vec::new();
            for change in tool_changes(pinned, seen) {
                difference.push(change.to_string());
                parts.push(change.part);
            }
            let difference = difference.join("\n");
            let shortened: String = difference.chars().take(DIFFERENCE_CHARACTERS_MAX).collect();
            if !shortened.is_empty() {
                finding = finding.detail("difference", &shortened);
            }
            for part in parts {
                if matches!(&*part, "name" | "description" | "inputSchema") {
                    finding = finding.at(&part, None);
                }
            }
        }
        self.report.add(finding);
    }

    fn end(mut self) -> Report {
        if let Err(reason) = &self.watch.known {
            for check in [ToolCheck::Changed, ToolCheck::New, ToolCheck::Shadowed] {
                self.report.fail(check, self.watch, reason);
            }
        }
        self.report
    }
}

/// The name of a tool in a message, which its server chose.
fn shown(name: &str) -> String {
    const CHARACTERS_MAX: usize = 64;
    match name.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", plain(name.get(..end).unwrap_or_default())),
        None => plain(name),
    }
}
