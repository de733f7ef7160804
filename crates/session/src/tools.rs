//! What a listing shows of tools, and the handshake of instructions, beside what is known of them.
//!
//! The definitions that were seen first are known from outside, and what is seen is noted outside:
//! here they are only compared. What there is to say joins the judgement of the listing.

mod check;
mod definition;
mod header;
mod inspection;
mod look;
mod report;
mod shadow;

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_json::Value;
use portcullis_trace::pin::{ForeignTool, INSTRUCTIONS, PinState, ToolPin, ToolSighting};
use portcullis_trace::record::Timestamp;

pub use self::check::{ToolCheck, ToolChecks, UnknownToolCheck};
use self::definition::Listed;
pub use self::definition::changes as tool_changes;
pub(crate) use self::definition::pinned_as;
pub use self::header::ArgumentHeaders;
use self::header::KnownHeaders;
pub(crate) use self::inspection::inspect;
use self::look::{FIRST_TOOL, Look};
pub(crate) use self::report::{Report, ToolFinding};
use self::shadow::Neighbours;
use crate::exchange::Exchange;

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
    /// `None` where no call has headers that would say arguments again, or nobody asks for them.
    headers: Option<KnownHeaders>,
}

#[derive(Debug, Default)]
struct Known {
    pins: BTreeMap<Arc<str>, ToolPin>,
    neighbours: Neighbours,
}

// === impl ToolWatch ===

impl ToolWatch {
    pub(crate) fn new(checks: ToolChecks, has_argument_headers: bool) -> Self {
        let has_headers = has_argument_headers && checks.action(ToolCheck::Headers).is_some();
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

    /// What there is to say of the result that answers a request of the client's.
    pub(crate) fn look(&mut self, asked: &Exchange, result: &Value) -> Report {
        match &*asked.method {
            "tools/list" => self.look_at_listing(result, asked.is_stateless()),
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

    fn look_at_listing(&mut self, result: &Value, is_stateless: bool) -> Report {
        let mut look = Look::new(self);
        let tools = result.get("tools").and_then(Value::as_array);
        look.at_names(tools.unwrap_or_default());
        for (place, tool) in tools.unwrap_or_default().iter().enumerate() {
            let tool = Listed::read(tool);
            look.at(FIRST_TOOL + place, &tool);
            // Before, there were no headers that say arguments.
            if is_stateless {
                look.at_headers(FIRST_TOOL + place, &tool);
            }
        }
        let report = look.end(&[ToolCheck::Changed, ToolCheck::New, ToolCheck::Shadowed]);
        self.has_more_pages = result.get("nextCursor").is_some();
        if self.is_first_listing {
            self.take_for_known(&report.sightings);
        }
        self.is_first_listing &= self.has_more_pages;
        report
    }

    /// Another listing may be on its way, and is answered before these are noted outside.
    fn take_for_known(&mut self, seen: &[ToolSighting]) {
        let Ok(known) = &mut self.known else {
            return;
        };
        for seen in seen.iter().filter(|seen| seen.is_trusted) {
            let tool = Arc::clone(&seen.tool);
            known.pins.entry(tool).or_insert_with(|| ToolPin {
                tool: Arc::clone(&seen.tool),
                pinned: Some(seen.definition.clone()),
                seen: None,
                since: Timestamp::from_micros(0),
            });
        }
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
