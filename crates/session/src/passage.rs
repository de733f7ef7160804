//! What a message of a server's is when it is passed on: without addresses that no client should
//! open, without times that no client should keep to, without revisions that cannot be inspected, and
//! perhaps without a wish for the context of other servers.
//!
//! Guardrails see the message as it came, and it is recorded so. All other bytes pass as they were.

mod link;
mod time;

use std::ops::Range;

use portcullis_json::{Member, Shape, Value, edited, rescan};
use portcullis_mcp::{EnvelopeLimits, Message, Revision, meta_name};

use self::link::{opens_script, suits_icon, suits_website};
use self::time::{pause, time_to_live};
use crate::context::SamplingContext;
use crate::lower::Subject;

/// How a message is passed on.
#[derive(Debug, Default)]
pub(crate) struct Passage {
    /// `None`: as it came.
    pub(crate) message: Option<Message>,
    /// Icons and websites that were taken out.
    pub(crate) taken_out: usize,
    /// Requests whose wish for context was passed on as one for none.
    pub(crate) contexts: usize,
    /// Why it must not be passed on at all.
    pub(crate) refusal: Option<&'static str>,
}

/// What a value is in a message, as far as something of it may have to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A result, or what stands for one elsewhere.
    Result,
    /// A result that says how long it may be kept.
    Cached,
    Meta,
    /// Something that a client shows with an icon.
    Described,
    Error,
    ErrorData,
    /// What a client, its model or a person is asked for.
    Asked,
    /// What a result asks for before it is complete, by names.
    InputRequests,
    InputRequest,
    Context,
    PromptMessage,
    ContentBlock,
    EmbeddedResource,
    Icons,
    Website,
    Link,
    /// Those that a client may choose from.
    Revisions,
    TimeToLive,
    Pause,
}

/// Other words for places of a text.
struct Editor<'t> {
    text: &'t str,
    limits: &'t EnvelopeLimits,
    context: SamplingContext,
    edits: Vec<(Range<usize>, String)>,
    passage: Passage,
}

/// What `includeContext` is when nothing is wished for.
const NO_CONTEXT: &str = "none";
const UNSAFE_LINK: &str = "a link in it runs a script when it is opened";
const UNREADABLE: &str = "what has to be taken out of it is not found";

// === impl Passage ===

impl Passage {
    /// How the server's message is passed on. Most have nothing of all this, and cost no more than
    /// a look at the members that may have it.
    pub(crate) fn of(
        message: &Message,
        subject: Subject<'_>,
        limits: &EnvelopeLimits,
        context: SamplingContext,
    ) -> Self {
        let Some((place, body)) = body(subject) else {
            return Self::default();
        };
        if place.is_fit(body) {
            return Self::default();
        }
        let refused = |refusal| Self {
            refusal: Some(refusal),
            ..Self::default()
        };
        match Editor::edit_message(message, place, body, limits, context) {
            Some(passage) => passage,
            None => refused(UNREADABLE),
        }
    }
}

fn body(subject: Subject<'_>) -> Option<(Place, &Value)> {
    match subject {
        Subject::Result { method, result, .. } => {
            let place = match method {
                // SPEC: MCP 2026-07-28, Caching. Elsewhere `ttlMs` is how long a task is there.
                "server/discover"
                | "tools/list"
                | "prompts/list"
                | "resources/list"
                | "resources/templates/list"
                | "resources/read" => Place::Cached,
                _ => Place::Result,
            };
            Some((place, result))
        }
        Subject::Notification {
            method: "notifications/tasks" | "notifications/tasks/status",
            params,
            ..
        } => Some((Place::Result, params?)),
        Subject::Request {
            method: "elicitation/create" | "sampling/createMessage",
            params,
            ..
        } => Some((Place::Asked, params?)),
        // SPEC: MCP 2025-11-25, URL Elicitation Required Error.
        Subject::Error { error, .. } => Some((Place::Error, error)),
        Subject::Notification { .. } | Subject::Request { .. } => None,
    }
}

// === impl Place ===

impl Place {
    /// What a member is here; `None` if nothing of it is ever changed.
    fn member(self, name: &str) -> Option<Self> {
        Some(match (self, name) {
            (Self::Cached, "ttlMs") => Self::TimeToLive,
            (Self::Cached, "supportedVersions") => Self::Revisions,
            (Self::Cached, "contents") | (Self::ContentBlock, "resource") => Self::EmbeddedResource,
            (Self::ContentBlock | Self::EmbeddedResource, "uri") | (Self::Asked, "url") => {
                Self::Link
            }
            (Self::Asked, "includeContext") => Self::Context,
            (Self::Asked, "messages") => Self::PromptMessage,
            (Self::Error, "data") => Self::ErrorData,
            (Self::InputRequests, _) => Self::InputRequest,
            (Self::ErrorData, "elicitations") | (Self::InputRequest, "params") => Self::Asked,
            (Self::Result, "pollIntervalMs" | "pollInterval") => Self::Pause,
            (Self::Result, "result" | "task" | "tasks") => Self::Result,
            (Self::Result | Self::Cached, _) => match name {
                "tools" | "prompts" | "resources" | "resourceTemplates" | "serverInfo" => {
                    Self::Described
                }
                "content" => Self::ContentBlock,
                "messages" => Self::PromptMessage,
                "inputRequests" => Self::InputRequests,
                // Of a task that has failed.
                "error" => Self::Error,
                "_meta" => Self::Meta,
                _ => return None,
            },
            (Self::Asked, "tools") | (Self::Meta, meta_name::SERVER_INFO) => Self::Described,
            // A block may hold the result of a tool, which has blocks again.
            (Self::PromptMessage | Self::ContentBlock, "content") => Self::ContentBlock,
            (Self::ContentBlock | Self::Described, "icons") => Self::Icons,
            (Self::Described, "websiteUrl") => Self::Website,
            _ => return None,
        })
    }

    /// Whether the value may be passed on as it is. A list is one of what it holds.
    fn is_fit(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Icons, icon) if !matches!(icon, Value::Array(_)) => is_fit_icon(icon),
            (Self::Website, Value::String(url)) => suits_website(url),
            (Self::Link, Value::String(url)) => !opens_script(url),
            (Self::Revisions, Value::String(revision)) => Revision::parse(revision).is_some(),
            (Self::Context, value) => value.as_str() == Some(NO_CONTEXT),
            (Self::TimeToLive, value) => time_to_live(value).is_none(),
            (Self::Pause, value) => pause(value).is_none(),
            (place, Value::Array(items)) => items.iter().all(|item| place.is_fit(item)),
            (place, Value::Object(members)) => members.iter().all(|(name, value)| {
                let place = place.member(name);
                place.is_none_or(|place| place.is_fit(value))
            }),
            _ => true,
        }
    }
}

/// Some servers write an address where an object with one belongs.
fn is_fit_icon(icon: &Value) -> bool {
    let address = icon.get("src").unwrap_or(icon);
    address.as_str().is_none_or(suits_icon)
}

// === impl Editor ===

impl<'t> Editor<'t> {
    fn edit_message(
        message: &'t Message,
        place: Place,
        body: &Value,
        limits: &'t EnvelopeLimits,
        context: SamplingContext,
    ) -> Option<Passage> {
        let mut editor = Self {
            text: str::from_utf8(message.raw()).ok()?,
            limits,
            context,
            edits: Vec::new(),
            passage: Passage::default(),
        };
        editor.edit(place, message.body_range()?, body)?;
        let Self {
            text,
            edits,
            mut passage,
            ..
        } = editor;
        if !edits.is_empty() {
            let edited = edited(text, edits)?;
            passage.message = Some(Message::parse(edited.as_bytes(), limits).ok()?);
        }
        Some(passage)
    }

    fn edit(&mut self, place: Place, range: Range<usize>, value: &Value) -> Option<()> {
        if place.is_fit(value) {
            return Some(());
        }
        match (place, value) {
            (Place::Link, _) => self.passage.refusal = Some(UNSAFE_LINK),
            (Place::TimeToLive, _) => self.replace(range, time_to_live(value)?),
            (Place::Pause, _) => self.replace(range, pause(value)?),
            (Place::Context, _) => self.edit_context(range),
            (Place::Icons, Value::Array(icons)) => {
                self.passage.taken_out += self.keep_fit(place, range, icons)?;
            }
            (Place::Revisions, Value::Array(revisions)) => {
                self.keep_fit(place, range, revisions)?;
            }
            (Place::Icons, _) => {
                self.passage.taken_out += 1;
                self.edits.push((range, "[]".to_owned()));
            }
            (place, _) => self.edit_parts(place, range, value)?,
        }
        Some(())
    }

    fn edit_parts(&mut self, place: Place, range: Range<usize>, value: &Value) -> Option<()> {
        match rescan(self.text, range, &self.limits.json).ok()? {
            Shape::Array(ranges) => {
                for (range, item) in ranges.into_iter().zip(value.as_array()?) {
                    self.edit(place, range, item)?;
                }
            }
            Shape::Object(members) => {
                for (index, member) in members.iter().enumerate() {
                    match place.member(&member.name) {
                        Some(Place::Website) if !Place::Website.is_fit(&member.content) => {
                            self.take_out(&members, index)?;
                        }
                        Some(place) => self.edit(place, member.value.clone(), &member.content)?,
                        None => {}
                    }
                }
            }
            Shape::Scalar => return None,
        }
        Some(())
    }

    fn edit_context(&mut self, range: Range<usize>) {
        match self.context {
            SamplingContext::Pass => {}
            SamplingContext::Withhold => {
                self.passage.contexts += 1;
                self.edits.push((range, format!("\"{NO_CONTEXT}\"")));
            }
        }
    }

    /// Takes out of a list what may not be passed on. How many these are.
    fn keep_fit(&mut self, place: Place, range: Range<usize>, items: &[Value]) -> Option<usize> {
        let Shape::Array(ranges) = rescan(self.text, range.clone(), &self.limits.json).ok()? else {
            return None;
        };
        let mut kept = Vec::with_capacity(items.len());
        for (range, item) in ranges.into_iter().zip(items) {
            if place.is_fit(item) {
                kept.push(self.text.get(range)?);
            }
        }
        self.edits.push((range, format!("[{}]", kept.join(","))));
        Some(items.len() - kept.len())
    }

    /// Takes a member out with the comma that it leaves.
    fn take_out(&mut self, members: &[Member<'_>], index: usize) -> Option<()> {
        let member = members.get(index)?;
        let before = index.checked_sub(1).and_then(|before| members.get(before));
        let range = match (before, members.get(index + 1)) {
            (Some(before), _) => before.value.end..member.value.end,
            (None, Some(next)) => member.name_range.start..next.name_range.start,
            (None, None) => member.name_range.start..member.value.end,
        };
        self.passage.taken_out += 1;
        self.edits.push((range, String::new()));
        Some(())
    }

    fn replace(&mut self, range: Range<usize>, number: i64) {
        self.edits.push((range, number.to_string()));
    }
}
