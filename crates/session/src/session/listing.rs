//! Tool listings of which only a part may pass.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use portcullis_json::{Shape, Value, rescan};
use portcullis_mcp::Message;

use super::response::subject;
use super::{Inspected, Session, Turn, events};
use crate::exchange::Exchange;
use crate::lower::lower;

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
        let elements = lower(subject(&shorter, exchange), &self.stamp(turn.now));
        let Ok(events) = events(&elements) else {
            return;
        };
        let judgement = self.judges.judge(&events, &self.detectors);
        let bytes = shorter.line().into_owned();
        let delivery = self.delivery(turn);
        inspected.permit = self.judges.settle(&judgement, bytes, delivery);
        // Both listings were judged, so the record keeps both: addresses count their events.
        inspected.elements.extend(elements);
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
    }

    /// The listing without the tools at these places, all other bytes as they were, and the names
    /// of those tools.
    fn without(
        &self,
        listing: &Message,
        places: &BTreeSet<usize>,
    ) -> Option<(Message, Vec<Arc<str>>)> {
        let text = str::from_utf8(listing.raw()).ok()?;
        let limits = &self.from_server.envelope;
        let member =
            |range: Range<usize>, name: &str| match rescan(text, range, &limits.json).ok()? {
                Shape::Object(members) => members
                    .into_iter()
                    .find(|member| member.name == name)
                    .map(|member| member.value),
                Shape::Array(_) | Shape::Scalar => None,
            };
        let tools = member(listing.body_range()?, "tools")?;
        let Shape::Array(items) = rescan(text, tools.clone(), &limits.json).ok()? else {
            return None;
        };
        let kept: Vec<&str> = items
            .into_iter()
            .enumerate()
            .filter(|(place, _)| !places.contains(place))
            .filter_map(|(_, item)| text.get(item))
            .collect();
        let (before, after) = (text.get(..tools.start)?, text.get(tools.end..)?);
        let shorter = format!("{before}[{}]{after}", kept.join(","));
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
