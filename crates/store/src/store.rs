use std::sync::Arc;

use portcullis_trace::pin::{ForeignTool, ToolPin, ToolServer, ToolSighting};
use portcullis_trace::record::{
    EventRecord, Sequence, SessionId, SessionRecord, SessionSummary, Timestamp,
};

use crate::{
    Annotation, AnnotationChange, AnnotationCount, AnnotationId, ApiKey, ApiKeyHash, ApiKeyId,
    Claim, Entry, Forgotten, GuardrailChange, GuardrailId, GuardrailPage, GuardrailPart,
    GuardrailRecord, GuardrailVersion, Project, ProjectChange, ProjectFilter, ProjectId,
    ProjectSummary, Push, Replaced, Resumption, Retention, Search, StoreError, Upload,
};

/// One connection to the place that keeps traces, projects, guardrails, annotations and API keys.
///
/// Other connections and other processes write between any two calls; each call is one
/// transaction. Calls block, and some back ends must not be called on a thread that runs async
/// code: such callers go through a [`Pool`](crate::Pool).
pub trait Store {
    // Sessions

    /// Writes all entries, or none of them if one is refused. When it returns they are as safe as
    /// the store was opened to make them.
    ///
    /// A session that is filed under a project that does not exist yet creates it.
    fn write(&mut self, entries: &[Entry]) -> Result<(), StoreError>;

    /// The sessions that pass `filter`, in its order.
    fn sessions(&mut self, filter: &SessionFilter) -> Result<Vec<SessionSummary>, StoreError>;

    /// How many sessions pass `filter`, whatever its limit and offset.
    fn count_sessions(&mut self, filter: &SessionFilter) -> Result<u64, StoreError>;

    /// The one session whose id is `prefix` or begins with it.
    fn session(&mut self, prefix: &str) -> Result<SessionSummary, StoreError>;

    /// Messages of a session in their order. A page may be shorter than asked for, because it is
    /// bounded in bytes too; only an empty page is the end.
    fn events(
        &mut self,
        session: &SessionId,
        page: EventPage,
    ) -> Result<Vec<EventRecord>, StoreError>;

    /// Adds messages to a pushed session, merged by time with those that are there: one that is
    /// there stays first only if it is strictly older.
    fn append_messages(&mut self, session: &SessionId, push: &Push) -> Result<(), StoreError>;

    /// Writes new sessions with what is pushed to them: all of it or nothing.
    fn push_sessions(&mut self, sessions: &[(SessionRecord, Push)]) -> Result<(), StoreError>;

    /// Says whether people without a key may read the session.
    fn share_session(&mut self, session: &SessionId, is_shared: bool) -> Result<(), StoreError>;

    /// Whether there was such a session.
    fn delete_session(&mut self, session: &SessionId) -> Result<bool, StoreError>;

    /// Forgets a bounded number of the messages that `retention` condemns.
    fn forget(&mut self, retention: &Retention) -> Result<Forgotten, StoreError>;

    // Projects

    /// Refuses a name that is taken.
    fn create_project(&mut self, project: &Project) -> Result<(), StoreError>;

    /// The project of that name, which is `project` if there was none.
    fn ensure_project(&mut self, project: &Project) -> Result<Project, StoreError>;

    fn project(&mut self, id: &ProjectId) -> Result<Option<ProjectSummary>, StoreError>;

    fn project_named(&mut self, name: &str) -> Result<Option<ProjectSummary>, StoreError>;

    fn projects(&mut self, filter: &ProjectFilter) -> Result<Vec<ProjectSummary>, StoreError>;

    /// Whether there was such a project.
    fn update_project(
        &mut self,
        id: &ProjectId,
        change: &ProjectChange,
    ) -> Result<bool, StoreError>;

    /// Deletes a project with its traces and guardrails. Whether there was such a project.
    fn delete_project(&mut self, id: &ProjectId) -> Result<bool, StoreError>;

    // Guardrails

    /// Keeps a new guardrail as its version 1.
    fn create_guardrail(&mut self, guardrail: &GuardrailRecord) -> Result<(), StoreError>;

    /// Makes the next version, and returns it; as it was if `change` changes nothing, `None` if
    /// there is no such guardrail.
    fn update_guardrail(
        &mut self,
        id: &GuardrailId,
        change: &GuardrailChange,
        at: Timestamp,
    ) -> Result<Option<GuardrailRecord>, StoreError>;

    /// Whether there was such a guardrail. Its history stays.
    fn delete_guardrail(&mut self, id: &GuardrailId, at: Timestamp) -> Result<bool, StoreError>;

    /// The guardrails of one project, in the order in which they were created; with `None` those
    /// that hold for every session.
    fn guardrails(
        &mut self,
        project: Option<&ProjectId>,
    ) -> Result<Vec<GuardrailRecord>, StoreError>;

    fn guardrail(&mut self, id: &GuardrailId) -> Result<Option<GuardrailRecord>, StoreError>;

    /// The one guardrail whose id is `prefix` or begins with it, among those that were deleted too.
    fn guardrail_id(&mut self, prefix: &str) -> Result<GuardrailId, StoreError>;

    /// As [`Self::guardrails`], a part of them.
    fn guardrail_page(
        &mut self,
        project: Option<&ProjectId>,
        page: GuardrailPage,
    ) -> Result<GuardrailPart<GuardrailRecord>, StoreError>;

    /// Versions of a guardrail, the newest first.
    fn guardrail_history(
        &mut self,
        id: &GuardrailId,
        page: GuardrailPage,
    ) -> Result<GuardrailPart<GuardrailVersion>, StoreError>;

    /// How often any guardrail was changed: one that differs means that they must be read again.
    fn guardrails_changed(&mut self) -> Result<u64, StoreError>;

    // Annotations

    /// Adds all or none.
    fn annotate(&mut self, annotations: &[Annotation]) -> Result<(), StoreError>;

    /// The annotations of a session, in the order in which they were made.
    fn annotations(&mut self, session: &SessionId) -> Result<Vec<Annotation>, StoreError>;

    /// How many annotations the sessions have of each source.
    fn annotation_counts(
        &mut self,
        sessions: &[SessionId],
    ) -> Result<Vec<AnnotationCount>, StoreError>;

    /// The annotation as it is now; `None` if there is no such annotation.
    fn update_annotation(
        &mut self,
        id: &AnnotationId,
        change: &AnnotationChange,
    ) -> Result<Option<Annotation>, StoreError>;

    /// Whether there was such an annotation.
    fn delete_annotation(&mut self, id: &AnnotationId) -> Result<bool, StoreError>;

    /// Puts `annotations` in the place of those that `source` made before, except of those that a
    /// person accepted or rejected (`status` in their metadata).
    fn replace_annotations(
        &mut self,
        session: &SessionId,
        source: &str,
        annotations: &[Annotation],
    ) -> Result<Replaced, StoreError>;

    // Traces on their way to an Explorer elsewhere

    /// Notes an upload, or how far it is.
    fn put_upload(&mut self, upload: &Upload) -> Result<(), StoreError>;

    /// Takes on uploads to which there is something to do, and which nobody else has taken on.
    fn claim_uploads(&mut self, claim: Claim<'_>) -> Result<Vec<Upload>, StoreError>;

    /// Nothing more is to be sent of the session.
    fn delete_upload(&mut self, session: &SessionId) -> Result<(), StoreError>;

    // Sessions that outlive the gateway

    /// How the session goes on that has this key and has not ended.
    fn resumption(&mut self, key: &str) -> Result<Option<Resumption>, StoreError>;

    // Tools of servers

    /// What is known of the server's tools, by name.
    fn tool_pins(&mut self, server: &ToolServer) -> Result<Vec<ToolPin>, StoreError>;

    /// Tools of servers that have another name and run something else. Bounded in number.
    fn foreign_tools(&mut self, server: &ToolServer) -> Result<Vec<ForeignTool>, StoreError>;

    /// The servers of which tools are known.
    fn tool_servers(&mut self) -> Result<Vec<ToolServer>, StoreError>;

    /// Notes what a listing showed, and returns what is known of the server's tools then. A tool
    /// that is known already stays pinned as it is: what differs was seen.
    fn note_tools(
        &mut self,
        server: &ToolServer,
        sightings: &[ToolSighting],
        at: Timestamp,
    ) -> Result<Vec<ToolPin>, StoreError>;

    /// Pins what `pins` say was seen, where that is still what was seen last. How many were.
    fn approve_tools(
        &mut self,
        server: &ToolServer,
        pins: &[ToolPin],
        at: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Nothing is known of these tools any more. Of how many something was.
    fn forget_tools(&mut self, server: &ToolServer, tools: &[Arc<str>]) -> Result<u64, StoreError>;

    // API keys

    fn create_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError>;

    /// All keys, revoked ones too, in the order in which they were created.
    fn api_keys(&mut self) -> Result<Vec<ApiKey>, StoreError>;

    fn api_key(&mut self, hash: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError>;

    /// The one key whose id is `prefix` or begins with it.
    fn api_key_id(&mut self, prefix: &str) -> Result<ApiKeyId, StoreError>;

    /// Whether there was such a key; one that was revoked before keeps its time.
    fn revoke_api_key(&mut self, id: &ApiKeyId, at: Timestamp) -> Result<bool, StoreError>;

    // The store itself

    /// What is wrong with what is stored, a line each. It reads everything.
    fn problems(&mut self) -> Result<Vec<String>, StoreError>;

    /// Gives the room of what was deleted back to the operating system, as far as the back end
    /// can. Others may have to wait for it.
    fn vacuum(&mut self) -> Result<(), StoreError>;
}

/// Which sessions to list; the absent conditions hold for every session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionFilter {
    pub project: Option<String>,
    pub name: Option<String>,
    pub server: Option<String>,
    pub with_violations_only: bool,
    /// Only those that may be going on, as [`SessionSummary::may_go_on`] has it.
    pub going_on_since: Option<Timestamp>,
    pub search: Search,
    /// Only the traces with these places in their project.
    pub indices: Option<Vec<u64>>,
    pub order: SessionOrder,
    /// At most [`SessionFilter::LIMIT_MAX`] are listed, whatever this says.
    pub limit: u32,
    pub offset: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionOrder {
    NewestFirst,
    /// By their place in the project.
    ByIndex,
}

/// Which messages of a session to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// The last message of the page before; `None` for the first page.
    pub after: Option<Sequence>,
    /// At most [`EventPage::LIMIT_MAX`] are read, whatever this says.
    pub limit: u32,
}

// === impl SessionFilter ===

impl SessionFilter {
    /// LIMIT: sessions in one page.
    pub const LIMIT_MAX: u32 = 1000;

    /// The newest `limit` sessions.
    pub fn newest(limit: u32) -> Self {
        Self {
            project: None,
            name: None,
            server: None,
            with_violations_only: false,
            going_on_since: None,
            search: Search::default(),
            indices: None,
            order: SessionOrder::NewestFirst,
            limit,
            offset: 0,
        }
    }
}

// === impl EventPage ===

impl EventPage {
    /// LIMIT: messages in one page.
    pub const LIMIT_MAX: u32 = 1000;

    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// The page that follows one that ended with `last`.
    #[must_use]
    pub fn after(self, last: Sequence) -> Self {
        Self {
            after: Some(last),
            ..self
        }
    }
}
