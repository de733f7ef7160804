//! The trait, put together.
use std::sync::Arc;

use portcullis_trace::pin::{ForeignTool, ToolPin, ToolServer, ToolSighting};
use portcullis_trace::record::{EventRecord, SessionId, SessionRecord, SessionSummary, Timestamp};

use super::{
    Access, Database, annotations, api_keys, append, check, events, forget, guardrails, listing,
    projects, resumptions, sessions, tool_pins, transaction, uploads, write,
};
use crate::{
    Annotation, AnnotationChange, AnnotationCount, AnnotationId, ApiKey, ApiKeyHash, ApiKeyId,
    Claim, Entry, EventPage, Forgotten, GuardrailChange, GuardrailId, GuardrailPage, GuardrailPart,
    GuardrailRecord, GuardrailVersion, Project, ProjectChange, ProjectFilter, ProjectId,
    ProjectSummary, Push, Replaced, Resumption, Retention, SessionFilter, Store, StoreError,
    Upload,
};

impl<D: Database> Store for D {
    fn write(&mut self, entries: &[Entry]) -> Result<(), StoreError> {
        transaction(self, Access::Record, |database| {
            write::entries(database, entries)
        })
    }

    fn sessions(&mut self, filter: &SessionFilter) -> Result<Vec<SessionSummary>, StoreError> {
        transaction(self, Access::Read, |database| {
            listing::sessions(database, filter)
        })
    }

    fn count_sessions(&mut self, filter: &SessionFilter) -> Result<u64, StoreError> {
        transaction(self, Access::Read, |database| {
            listing::count(database, filter)
        })
    }

    fn session(&mut self, prefix: &str) -> Result<SessionSummary, StoreError> {
        transaction(self, Access::Read, |database| {
            sessions::session(database, prefix)
        })
    }

    fn events(
        &mut self,
        session: &SessionId,
        page: EventPage,
    ) -> Result<Vec<EventRecord>, StoreError> {
        transaction(self, Access::Read, |database| {
            events::events(database, session, page)
        })
    }

    fn append_messages(&mut self, session: &SessionId, push: &Push) -> Result<(), StoreError> {
        transaction(self, Access::Write, |database| {
            append::append(database, session, push)
        })
    }

    fn push_sessions(&mut self, sessions: &[(SessionRecord, Push)]) -> Result<(), StoreError> {
        transaction(self, Access::Write, |database| {
            for (session, push) in sessions {
                append::push(database, session, push)?;
            }
            Ok(())
        })
    }

    fn share_session(&mut self, session: &SessionId, is_shared: bool) -> Result<(), StoreError> {
        transaction(self, Access::Write, |database| {
            sessions::share(database, session, is_shared)
        })
    }

    fn delete_session(&mut self, session: &SessionId) -> Result<bool, StoreError> {
        transaction(self, Access::Write, |database| {
            sessions::delete(database, session)
        })
    }

    fn forget(&mut self, retention: &Retention) -> Result<Forgotten, StoreError> {
        transaction(self, Access::Write, |database| {
            forget::forget(database, retention)
        })
    }

    fn create_project(&mut self, project: &Project) -> Result<(), StoreError> {
        transaction(self, Access::Write, |database| {
            projects::create(database, project)
        })
    }

    fn ensure_project(&mut self, project: &Project) -> Result<Project, StoreError> {
        transaction(self, Access::Write, |database| {
            projects::ensure(database, project)
        })
    }

    fn project(&mut self, id: &ProjectId) -> Result<Option<ProjectSummary>, StoreError> {
        transaction(self, Access::Read, |database| projects::by_id(database, id))
    }

    fn project_named(&mut self, name: &str) -> Result<Option<ProjectSummary>, StoreError> {
        transaction(self, Access::Read, |database| {
            projects::by_name(database, name)
        })
    }

    fn projects(&mut self, filter: &ProjectFilter) -> Result<Vec<ProjectSummary>, StoreError> {
        transaction(self, Access::Read, |database| {
            projects::list(database, filter)
        })
    }

    fn update_project(
        &mut self,
        id: &ProjectId,
        change: &ProjectChange,
    ) -> Result<bool, StoreError> {
        transaction(self, Access::Write, |database| {
            projects::update(database, id, change)
        })
    }

    fn delete_project(&mut self, id: &ProjectId) -> Result<bool, StoreError> {
        transaction(self, Access::Write, |database| {
            projects::delete(database, id)
        })
    }

    fn create_guardrail(&mut self, guardrail: &GuardrailRecord) -> Result<(), StoreError> {
        transaction(self, Access::Write, |database| {
            guardrails::create(database, guardrail)
        })
    }

    fn update_guardrail(
        &mut self,
        id: &GuardrailId,
        change: &GuardrailChange,
        at: Timestamp,
    ) -> Result<Option<GuardrailRecord>, StoreError> {
        transaction(self, Access::Write, |database| {
            guardrails::update(database, id, change, at)
        })
    }

    fn delete_guardrail(&mut self, id: &GuardrailId, at: Timestamp) -> Result<bool, StoreError> {
        transaction(self, Access::Write, |database| {
            guardrails::delete(database, id, at)
        })
    }

    fn guardrails(
        &mut self,
        project: Option<&ProjectId>,
    ) -> Result<Vec<GuardrailRecord>, StoreError> {
        transaction(self, Access::Read, |database| {
            guardrails::list(database, project)
        })
    }

    fn guardrail(&mut self, id: &GuardrailId) -> Result<Option<GuardrailRecord>, StoreError> {
        transaction(self, Access::Read, |database| {
            guardrails::by_id(database, id)
        })
    }

    fn guardrail_page(
        &mut self,
        project: Option<&ProjectId>,
        page: GuardrailPage,
    ) -> Result<GuardrailPart<GuardrailRecord>, StoreError> {
        transaction(self, Access::Read, |database| {
            guardrails::page(database, project, page)
        })
    }

    fn guardrail_id(&mut self, prefix: &str) -> Result<GuardrailId, StoreError> {
        transaction(self, Access::Read, |database| {
            guardrails::id(database, prefix)
        })
    }

    fn guardrail_history(
        &mut self,
        id: &GuardrailId,
        page: GuardrailPage,
    ) -> Result<GuardrailPart<GuardrailVersion>, StoreError> {
        transaction(self, Access::Read, |database| {
            guardrails::history(database, id, page)
        })
    }

    fn guardrails_changed(&mut self) -> Result<u64, StoreError> {
        transaction(self, Access::Read, guardrails::changes)
    }

    fn annotate(&mut self, annotations: &[Annotation]) -> Result<(), StoreError> {
        transaction(self, Access::Write, |database| {
            annotations::put(database, annotations)
        })
    }

    fn annotations(&mut self, session: &SessionId) -> Result<Vec<Annotation>, StoreError> {
        transaction(self, Access::Read, |database| {
            annotations::list(database, session)
        })
    }

    fn annotation_counts(
        &mut self,
        sessions: &[SessionId],
    ) -> Result<Vec<AnnotationCount>, StoreError> {
        transaction(self, Access::Read, |database| {
            annotations::counts(database, sessions)
        })
    }

    fn update_annotation(
        &mut self,
        id: &AnnotationId,
        change: &AnnotationChange,
    ) -> Result<Option<Annotation>, StoreError> {
        transaction(self, Access::Write, |database| {
            annotations::update(database, id, change)
        })
    }

    fn delete_annotation(&mut self, id: &AnnotationId) -> Result<bool, StoreError> {
        transaction(self, Access::Write, |database| {
            annotations::delete(database, id)
        })
    }

    fn replace_annotations(
        &mut self,
        session: &SessionId,
        source: &str,
        annotations: &[Annotation],
    ) -> Result<Replaced, StoreError> {
        transaction(self, Access::Write, |database| {
            annotations::replace(database, session, source, annotations)
        })
    }

    fn create_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        transaction(self, Access::Write, |database| {
            api_keys::create(database, key)
        })
    }

    fn api_keys(&mut self) -> Result<Vec<ApiKey>, StoreError> {
        transaction(self, Access::Read, api_keys::list)
    }

    fn api_key(&mut self, hash: &ApiKeyHash) -> Result<Option<ApiKey>, StoreError> {
        transaction(self, Access::Read, |database| {
            api_keys::by_hash(database, hash)
        })
    }

    fn api_key_id(&mut self, prefix: &str) -> Result<ApiKeyId, StoreError> {
        transaction(self, Access::Read, |database| {
            api_keys::id(database, prefix)
        })
    }

    fn revoke_api_key(&mut self, id: &ApiKeyId, at: Timestamp) -> Result<bool, StoreError> {
        transaction(self, Access::Write, |database| {
            api_keys::revoke(database, id, at)
        })
    }

    fn put_upload(&mut self, upload: &Upload) -> Result<(), StoreError> {
        transaction(self, Access::Write, |database| {
            uploads::put(database, upload)
        })
    }

    fn claim_uploads(&mut self, claim: Claim<'_>) -> Result<Vec<Upload>, StoreError> {
        transaction(self, Access::Write, |database| {
            uploads::claim(database, claim)
        })
    }

    fn delete_upload(&mut self, session: &SessionId) -> Result<(), StoreError> {
        transaction(self, Access::Write, |database| {
            uploads::delete(database, session.as_str())
        })
    }

    fn resumption(&mut self, key: &str) -> Result<Option<Resumption>, StoreError> {
        transaction(self, Access::Read, |database| {
            resumptions::find(database, key)
        })
    }

    fn tool_pins(&mut self, server: &ToolServer) -> Result<Vec<ToolPin>, StoreError> {
        transaction(self, Access::Read, |database| {
            tool_pins::of_server(database, server)
        })
    }

    fn foreign_tools(&mut self, server: &ToolServer) -> Result<Vec<ForeignTool>, StoreError> {
        transaction(self, Access::Read, |database| {
            tool_pins::of_others(database, server)
        })
    }

    fn tool_servers(&mut self) -> Result<Vec<ToolServer>, StoreError> {
        transaction(self, Access::Read, tool_pins::servers)
    }

    fn note_tools(
        &mut self,
        server: &ToolServer,
        sightings: &[ToolSighting],
        at: Timestamp,
    ) -> Result<Vec<ToolPin>, StoreError> {
        transaction(self, Access::Write, |database| {
            tool_pins::note(database, server, sightings, at)
        })
    }

    fn approve_tools(
        &mut self,
        server: &ToolServer,
        pins: &[ToolPin],
        at: Timestamp,
    ) -> Result<u64, StoreError> {
        transaction(self, Access::Write, |database| {
            tool_pins::approve(database, server, pins, at)
        })
    }

    fn forget_tools(&mut self, server: &ToolServer, tools: &[Arc<str>]) -> Result<u64, StoreError> {
        transaction(self, Access::Write, |database| {
            tool_pins::forget(database, server, tools)
        })
    }

    fn problems(&mut self) -> Result<Vec<String>, StoreError> {
        self.begin(Access::Read)?;
        let problems = check::problems(self);
        // Nothing was written, and over damaged pages no transaction may be able to commit.
        self.roll_back();
        problems
    }

    fn vacuum(&mut self) -> Result<(), StoreError> {
        Database::vacuum(self)
    }
}
