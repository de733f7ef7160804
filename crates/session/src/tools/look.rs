//! What one listing, or the answer to a handshake, has to be told of.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use portcullis_detect::tool::change::Change;
use portcullis_json::Value;
use portcullis_trace::pin::{INSTRUCTIONS, ToolDefinition, ToolPin, ToolSighting};

use super::check::ToolCheck;
use super::definition::{self, Listed, NAME_CHARACTERS_MAX, changes as tool_changes};
use super::header::ArgumentHeaders;
use super::inspection::inspect;
use super::report::{Report, ToolFinding};
use super::{Known, ToolWatch, shadow};
use crate::refusal::plain;

/// LIMIT: tools of one server that are pinned.
const PINS_MAX: usize = 2000;
/// The first event of a listing is its text as a whole; the tools follow.
pub(super) const FIRST_TOOL: usize = 1;
/// LIMIT: characters of a difference that are recorded.
const DIFFERENCE_CHARACTERS_MAX: usize = 2000;

/// One listing, or the answer to a handshake, on its way through the checks.
pub(super) struct Look<'l> {
    watch: &'l ToolWatch,
    report: Report,
    /// Of this listing so far.
    names: BTreeSet<Arc<str>>,
    digests: BTreeMap<Arc<str>, Arc<str>>,
}

// === impl Look ===

impl<'l> Look<'l> {
    pub(super) fn new(watch: &'l ToolWatch) -> Self {
        Self {
            watch,
            report: Report::default(),
            names: BTreeSet::new(),
            digests: BTreeMap::new(),
        }
    }

    pub(super) fn at_instructions(&mut self, result: &Value, pin: Option<&ToolPin>) {
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

    pub(super) fn at(&mut self, event: usize, tool: &Listed<'_>) {
        self.at_name(event, tool);
        self.at_words(event, tool);
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
    pub(super) fn at_names(&mut self, tools: &[Value]) {
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

    pub(super) fn at_headers(&mut self, event: usize, tool: &Listed<'_>) {
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
    pub(super) fn end(mut self, checks: &[ToolCheck]) -> Report {
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
pub(super) fn shown(name: &str) -> String {
    const CHARACTERS_MAX: usize = 64;
    match name.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", plain(name.get(..end).unwrap_or_default())),
        None => plain(name),
    }
}
