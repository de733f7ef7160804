//! What is known of tools and instructions comes in, and what is seen of them goes out.

use std::sync::Arc;

use portcullis_mcp::error_code;
use portcullis_trace::pin::{INSTRUCTIONS, ToolPin, ToolSighting};

use super::{Handshake, Session, Turn, waiting};
use crate::action::{Action, Note, Sightings, Waiting};
use crate::refusal::OwnWords;
use crate::route::Delivery;
use crate::tools::{ArgumentHeaders, KnownTools, ToolCheck, pinned_as};
use crate::verdict::Permit;

impl Session {
    /// Takes what is known of the tools, or why it is not. Tools that wait for their approval
    /// cannot be called until a listing shows them.
    pub fn on_known_tools(&mut self, known: Result<KnownTools, String>) {
        self.tools.know(known);
        self.withheld_tools.extend(self.tools.held());
    }

    /// Whether tools may wait for their approval, so that what is known of them matters before the
    /// first listing.
    pub fn holds_tools_back(&self) -> bool {
        self.tools.checks().hold_back()
    }

    /// In which headers a call of the tool says its arguments again. `None` if the client was not
    /// shown the tool in this session, or not in a way that says it.
    pub fn argument_headers(&self, tool: &str) -> Option<Arc<ArgumentHeaders>> {
        self.tools.argument_headers(tool)
    }

    pub(super) fn withholds(&self, tool: &str) -> bool {
        let withheld = &self.withheld_tools;
        !withheld.is_empty() && (withheld.contains(tool) || withheld.contains(&pinned_as(tool)))
    }

    /// Takes what is known of the tools since `seen` was noted, or why it was not. An answer that
    /// another session has seen otherwise at the same time, or of which nothing can be noted, is
    /// refused where it matters.
    pub fn on_noted_tools(
        &mut self,
        seen: &Sightings,
        noted: Result<Vec<ToolPin>, String>,
    ) -> Vec<Action> {
        let checks = self.tools.checks();
        let (reason, is_refused) = match noted {
            Err(reason) => (reason, checks.hold_back()),
            Ok(pins) if is_noted(&seen.tools, &pins) => return Vec::new(),
            Ok(_) => (
                "the server shows other definitions to another session".to_owned(),
                checks.blocks(ToolCheck::Changed),
            ),
        };
        let mut actions = Vec::new();
        if is_refused {
            for seen in &seen.tools {
                if &*seen.tool == INSTRUCTIONS {
                    self.handshake = Handshake::NotBegun;
                } else {
                    self.withheld_tools.insert(Arc::clone(&seen.tool));
                }
            }
            actions.push(Action::Send(refuse(&seen.waiting, &reason)));
        }
        actions.extend(self.note(Note::ToolsNotNoted { reason }));
        actions
    }

    /// What is to be noted of a listing. Tools that the client does not get to see are not taken
    /// for good.
    pub(super) fn note_tools(
        &self,
        mut seen: Vec<ToolSighting>,
        turn: Turn<'_>,
        is_passed: bool,
    ) -> Option<Action> {
        seen.retain(|seen| {
            !seen.is_trusted || is_passed && !self.withheld_tools.contains(&seen.tool)
        });
        let waiting = waiting(turn)?;
        (!seen.is_empty()).then_some(Action::NoteTools(Sightings {
            tools: seen,
            waiting,
        }))
    }
}

/// Whether what was pinned at sight is what is pinned.
fn is_noted(seen: &[ToolSighting], pins: &[ToolPin]) -> bool {
    seen.iter().filter(|seen| seen.is_trusted).all(|seen| {
        let mut pins = pins.iter();
        let pin = pins.find(|pin| pin.tool == seen.tool);
        pin.and_then(|pin| pin.pinned.as_ref())
            .is_some_and(|pinned| pinned.digest == seen.definition.digest)
    })
}

fn refuse(waiting: &Waiting, reason: &str) -> Permit {
    let message = format!("the answer was withheld: {reason}");
    let words = OwnWords::error(Some(&waiting.id), error_code::INTERNAL_ERROR, &message);
    let delivery = Delivery::response(waiting.direction, waiting.scope, Some(&waiting.id));
    Permit::speak(words, delivery)
}
