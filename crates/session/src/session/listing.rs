//! Tool listings of which only a part may pass.

use std::collections::BTreeSet;
use std::sync::Arc;

use portcullis_json::{Shape, Value, edited, rescan};
use portcullis_mcp::Message;

use super::inspection::Inspected;
use super::response::subject;
use super::{Session, Turn};
use crate::exchange::Exchange;
use crate::lower::Lowered;

/// LIMIT: tools of one session that are withheld; a listing that needs more is refused whole.
const WITHHELD_TOOLS_MAX: usize = 10_000;

impl Session {
    /// Takes the tools that the violations point at out of a blocked listing, and lets what is
    /// left be judged again. Without a permit afterwards, the listing is refused whole.
    pub(super) fn withhold_tools(
        &mut self,
        turn: Turn<'_>,
        exchange: &Exchange,
        inspected: &mut Inspected,
    ) {
        let Some(offending) = offending_tools(inspected) else {
            return;
        };
        let Some((shorter, names)) = self.without(turn.message, &offending) else {
            return;
        };
        if self.withheld_tools.len() + names.len() > WITHHELD_TOOLS_MAX {
            return;
        }
        let lowered = self.lowered(subject(&shorter, exchange, None), &shorter, turn.now);
        let Ok(Lowered { events, text }) = lowered else {
            return;
        };
        // What was said of the whole is said.
        let passage = self.passage(turn.direction, &shorter, subject(&shorter, exchange, None));
        if passage.refusal.is_some() {
            return;
        }
        let informed = turn.answers.beside(&*self.detectors);
        // What a part of the tools depends on was asked about the whole.
        let Ok(judgement) = self.judges.judge(&events, &informed) else {
            return;
        };
        let bytes = passage.message.as_ref().unwrap_or(&shorter).line();
        let delivery = self.delivery(turn);
        inspected.permit = self.judges.settle(&judgement, bytes, delivery);
        // Both listings were judged, so the record keeps both: addresses count their events.
        inspected.text.append(&text);
        if inspected.permit.is_some() {
            self.withheld_tools.extend(names);
            self.readmit_tools(shorter.result().unwrap_or(&Value::Null));
        } else {
            inspected.judgement = judgement;
        }
    }

    /// A tool that a listing shows to the client may be called.
    pub(super) fn readmit_tools(&mut self, result: &Value) {
        for name in tool_names(result) {
            self.withheld_tools.remove(&name);
        }
        self.tools.note_shown(result);
    }

    /// The listing without the tools at these places, and the names of those tools. All other
    /// bytes are as they were, but for how long and by whom the listing may be kept: what
    /// guardrails left of it is for this client and this moment (SPEC: MCP 2026-07-28, Caching).
    fn without(
        &self,
        listing: &Message,
        places: &BTreeSet<usize>,
    ) -> Option<(Message, Vec<Arc<str>>)> {
        let text = str::from_utf8(listing.raw()).ok()?;
        let limits = &self.from_server.envelope;
        let Shape::Object(members) = rescan(text, listing.body_range()?, &limits.json).ok()? else {
            return None;
        };
        let member = |name: &str| {
            let mut members = members.iter();
            let found = members.find(|member| member.name == name)?;
            Some(found.value.clone())
        };
        let tools = member("tools")?;
        let Shape::Array(items) = rescan(text, tools.clone(), &limits.json).ok()? else {
            return None;
        };
        let kept: Vec<&str> = items
            .into_iter()
            .enumerate()
            .filter(|(place, _)| !places.contains(place))
            .filter_map(|(_, item)| text.get(item))
            .collect();
        let mut edits = vec![(tools, format!("[{}]", kept.join(",")))];
        edits.extend(member("ttlMs").map(|range| (range, "0".to_owned())));
        edits.extend(member("cacheScope").map(|range| (range, r#""private""#.to_owned())));
        let shorter = edited(text, edits)?;
        let names = listing.result().map(tool_names).unwrap_or_default();
        let names = names.into_iter().enumerate();
        let gone = names.filter(|(place, _)| places.contains(place));
        Some((
            Message::parse(shorter.as_bytes(), limits).ok()?,
            gone.map(|(_, name)| name).collect(),
        ))
    }
}

/// The places in the listing that explain the block; `None` if they do not.
///
/// The first event of a listing is its text as a whole, the tools follow it.
fn offending_tools(inspected: &Inspected) -> Option<BTreeSet<usize>> {
    let blamed = inspected.judgement.blamed_events()?;
    let places: BTreeSet<usize> = blamed
        .into_iter()
        .filter_map(|event| usize::try_from(event.checked_sub(1)?).ok())
        .collect();
    (!places.is_empty()).then_some(places)
}

pub(super) fn tool_names(result: &Value) -> Vec<Arc<str>> {
    let tools = result.get("tools").and_then(Value::as_array);
    let name = |tool: &Value| Arc::from(tool.get("name").and_then(Value::as_str).unwrap_or(""));
    tools.unwrap_or_default().iter().map(name).collect()
}
