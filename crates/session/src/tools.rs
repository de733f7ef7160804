//! What a listing shows of tools, and the handshake of instructions, beside what is known of them.
//!
//! The definitions that were seen first are known from outside, and what is seen is noted outside:
//! here they are only compared. What there is to say joins the judgement of the listing.

mod check;
mod definition;
mod header;
mod inspection;
mod report;
mod shadow;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portcullis_detect::tool::change::Change;
use portcullis_json::Value;
use portcullis_mcp::Revision;
use portcullis_trace::pin::{
    ForeignTool, INSTRUCTIONS, PinState, ToolDefinition, ToolPin, ToolSighting,
};

pub use self::check::{ToolCheck, ToolChecks, UnknownToolCheck};
pub use self::definition::changes as tool_changes;
pub(crate) use self::definition::pinned_as;
use self::definition::{Listed, NAME_CHARACTERS_MAX};
pub use self::header::ArgumentHeaders;
use self::header::KnownHeaders;
pub(crate) use self::inspection::inspect;
pub(crate) use self::report::{Report, ToolFinding};
use self::shadow::Neighbours;
use crate::refusal::plain;

/// LIMIT: tools of one server that are pinned.
const PINS_MAX: usize = 2000;
/// The first event of a listing is its text as a whole; the tools follow.
const FIRST_TOOL: usize = 1;
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
    /// Nothing was known of the server's tools before its listing, of which there may be more pages.
    is_first_listing: bool,
    /// The last listing was not the whole.
    has_more_pages: bool,
    /// `None` where calls have no headers that would say arguments again.
    headers: Option<KnownHeaders>,
}

#[derive(Debug, Default)]
struct Known {
    pins: BTreeMap<Arc<str>, ToolPin>,
    neighbours: Neighbours,
}

/// One listing, or the answer to a handshake, on its way through the checks.
struct Look<'l> {
    watch: &'l ToolWatch,
    report: Report,
    /// Of this listing so far.
    names: BTreeSet<Arc<str>>,
    digests: BTreeMap<Arc<str>, Arc<str>>,
}

// === impl ToolWatch ===

impl ToolWatch {
    /// The revision is that of a conversation over HTTP which begins without a handshake.
    pub(crate) fn new(checks: ToolChecks, revision: Option<Revision>) -> Self {
        let has_headers = revision.is_some_and(Revision::is_stateless)
            && checks.action(ToolCheck::Headers).is_some();
        Self {
            checks,
            known: Err(Arc::from("nothing was read of what is known of the tools")),
            is_first_listing: false,
            has_more_pages: false,
            headers: has_headers.then(KnownHeaders::default),
        }
    }

    pub(crate) fn checks(&self) -> &ToolChecks {
        &self.checks
    }

    pub(crate) fn set_checks(&mut self, checks: ToolChecks) {
        self.checks = checks;
    }

    /// Takes what is known before a listing or a handshake.
    pub(crate) fn know(&mut self, known: Result<KnownTools, String>) {
        // Between a handshake and the listing, another session may have seen the tools.
        let has_no_tools =
            |known: &KnownTools| known.pins.iter().all(|pin| &*pin.tool == INSTRUCTIONS);
        let is_new_server = known.as_ref().is_ok_and(has_no_tools);
        self.is_first_listing = is_new_server || self.is_first_listing && self.has_more_pages;
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
        let held = held.filter(|pin| &*pin.tool != INSTRUCTIONS);
        held.map(|pin| Arc::clone(&pin.tool)).collect()
    }

    /// What there is to say of the answer to a method of the server.
    pub(crate) fn look(&mut self, method: &str, result: &Value) -> Report {
        match method {
            "tools/list" => self.look_at_listing(result),
            "initialize" | "server/discover" => self.look_at_instructions(result),
            _ => Report::default(),
        }
    }

    /// Takes note of a listing as the client is shown it.
    pub(crate) fn note_shown(&mut self, listing: &Value) {
        let tools = listing.get("tools").and_then(Value::as_array);
        if let (Some(headers), Some(tools)) = (&mut self.headers, tools) {
            headers.note(tools);
        }
    }

    /// In which headers a call of the tool says its arguments again, if it was shown.
    pub(crate) fn argument_headers(&self, tool: &str) -> Option<Arc<ArgumentHeaders>> {
        self.headers.as_ref()?.find(&pinned_as(tool))
    }

    fn look_at_listing(&mut self, result: &Value) -> Report {
        let mut look = Look::new(self);
        let tools = result.get("tools").and_then(Value::as_array);
        look.at_names(tools.unwrap_or_default());
        for (place, tool) in tools.unwrap_or_default().iter().enumerate() {
            look.at(FIRST_TOOL + place, &Listed::read(tool));
        }
        let report = look.end(&[ToolCheck::Changed, ToolCheck::New, ToolCheck::Shadowed]);
        self.has_more_pages = result.get("nextCursor").is_some();
        self.is_first_listing &= self.has_more_pages;
        report
    }

    /// The instructions that are seen first are pinned whenever that is: a server that was known
    /// without them is no new one.
    fn look_at_instructions(&self, result: &Value) -> Report {
        let mut look = Look::new(self);
        if self.checks.compares()
            && let Ok(known) = &self.known
        {
            look.at_instructions(result, known.pins.get(INSTRUCTIONS));
        }
        look.end(&[ToolCheck::Changed])
    }
}

// === impl Look ===

impl<'l> Look<'l> {
    fn new(watch: &'l ToolWatch) -> Self {
        Self {
            watch,
            report: Report::default(),
            names: BTreeSet::new(),
            digests: BTreeMap::new(),
        }
    }

    fn at_instructions(&mut self, result: &Value, pin: Option<&ToolPin>) {
        let definition = definition::instructions(result);
        let Some((pin, pinned)) = pin.and_then(|pin| Some((pin, pin.pinned.as_ref()?))) else {
            self.report.sightings.push(ToolSighting {
                tool: Arc::from(INSTRUCTIONS),
                definition,
                is_trusted: true,
            });
            return;
        };
        if pinned.digest != definition.digest
            && let Some(action) = self.watch.checks.action(ToolCheck::Changed)
        {
            let message = "the instructions of the server are not those that are pinned".to_owned();
            // The message that they are follows the answer, if there are some.
            let is_there = matches!(result.get("instructions"), Some(Value::String(_)));
            let mut finding =
                ToolFinding::new(ToolCheck::Changed, action, usize::from(is_there), message);
            if let Some(difference) = difference(&tool_changes(pinned, &definition)) {
                finding = finding.detail("difference", &difference);
            }
            if is_there {
                finding = finding.at("content", None);
            }
            self.report.add(finding);
        }
        self.note(pin, &definition);
    }

    fn at(&mut self, event: usize, tool: &Listed<'_>) {
        self.at_name(event, tool);
        self.at_words(event, tool);
        self.at_headers(event, tool);
        let pins = self.watch.checks.compares();
        let Ok(known) = &self.watch.known else {
            return;
        };
        if pins {
            self.at_pin(event, tool, known);
        }
        if let Some(action) = self.watch.checks.action(ToolCheck::Shadowed) {
            for shadow in known.neighbours.shadows(tool) {
                let finding =
                    ToolFinding::new(ToolCheck::Shadowed, action, event, shadow.message());
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
                FIRST_TOOL + place,
                message,
            ));
        }
    }

    fn at_name(&mut self, event: usize, tool: &Listed<'_>) {
        let is_repeated = !self.names.insert(Arc::clone(&tool.key));
        let Some(action) = self.watch.checks.action(ToolCheck::Ambiguous) else {
            return;
        };
        let mut add = |message: String| {
            let finding = ToolFinding::new(ToolCheck::Ambiguous, action, event, message);
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

    fn at_words(&mut self, event: usize, tool: &Listed<'_>) {
        let Some(action) = self.watch.checks.action(ToolCheck::Poisoned) else {
            return;
        };
        let judgement = inspect(&tool.texts());
        if !judgement.is_poisoned {
            return;
        }
        let signals: Vec<&str> = judgement.signals.iter().map(|it| it.name()).collect();
        let message = format!(
            "the definition of the tool `{}` works on the model: {}",
            shown(tool.name),
            signals.join(", ")
        );
        let finding = ToolFinding::new(ToolCheck::Poisoned, action, event, message);
        self.report.add(finding.all_at(tool.places()));
    }

    fn at_headers(&mut self, event: usize, tool: &Listed<'_>) {
        let action = self.watch.checks.action(ToolCheck::Headers);
        let (Some(action), Some(_)) = (action, &self.watch.headers) else {
            return;
        };
        if let Err(fault) = ArgumentHeaders::read(tool.input_schema()) {
            let message = format!(
                "an `x-mcp-header` of the tool `{}` {fault}",
                shown(tool.name)
            );
            let finding = ToolFinding::new(ToolCheck::Headers, action, event, message);
            self.report.add(finding.at("inputSchema", None));
        }
    }

    fn at_pin(&mut self, event: usize, tool: &Listed<'_>, known: &Known) {
        let definition = tool.definition();
        let earlier = self.digests.get(&tool.key);
        let is_another = earlier.is_some_and(|digest| *digest != definition.digest);
        let pin = known.pins.get(&tool.key);
        match pin.map(|pin| (pin, &pin.pinned)) {
            None if is_another => self.found_changed(event, tool, None),
            None => self.unknown(event, tool, &definition, known.pins.len()),
            Some((pin, None)) => {
                self.found_new(event, tool, "waits for its approval");
                self.note(pin, &definition);
            }
            Some((pin, Some(pinned))) if pinned.digest == definition.digest => {
                self.note(pin, &definition);
            }
            Some((pin, Some(pinned))) => {
                self.found_changed(event, tool, Some((pinned, &definition)));
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
        event: usize,
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
            self.found_new(event, tool, "was not there before");
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

    fn found_new(&mut self, event: usize, tool: &Listed<'_>, what: &str) {
        if let Some(action) = self.watch.checks.action(ToolCheck::New) {
            let message = format!("the tool `{}` {what}", shown(tool.name));
            self.report
                .add(ToolFinding::new(ToolCheck::New, action, event, message));
        }
    }

    fn found_changed(
        &mut self,
        event: usize,
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
        let mut finding = ToolFinding::new(ToolCheck::Changed, action, event, message);
        if let Some((pinned, seen)) = definitions {
            let changes = tool_changes(pinned, seen);
            if let Some(difference) = difference(&changes) {
                finding = finding.detail("difference", &difference);
            }
            for Change { part, .. } in changes {
                if matches!(&*part, "name" | "description" | "inputSchema") {
                    finding = finding.at(&part, None);
                }
            }
        }
        self.report.add(finding);
    }

    /// Without what is known, these checks have failed.
    fn end(mut self, checks: &[ToolCheck]) -> Report {
        if let Err(reason) = &self.watch.known {
            for check in checks {
                self.report.fail(*check, self.watch, reason);
            }
        }
        self.report
    }
}

/// A difference as it is recorded, if there is something to show.
fn difference(changes: &[Change]) -> Option<String> {
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let difference = lines.join("\n");
    let shortened = difference.chars().take(DIFFERENCE_CHARACTERS_MAX);
    (!difference.is_empty()).then(|| shortened.collect())
}

/// The name of a tool in a message, which its server chose.
fn shown(name: &str) -> String {
    const CHARACTERS_MAX: usize = 64;
    match name.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", plain(name.get(..end).unwrap_or_default())),
        None => plain(name),
    }
}
