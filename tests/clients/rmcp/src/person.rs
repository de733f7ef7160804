//! Answers what servers ask, and keeps what they said.

use rmcp::ClientHandler;
use rmcp::model::{
    ClientConfig, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams,
    ElicitResult, ElicitationAction, ErrorData, ListRootsResult, LoggingMessageNotificationParam,
    ProgressNotificationParam, ResourceUpdatedNotificationParam, Role, Root, SamplingMessage,
    SamplingMessageContentBlock,
};
use rmcp::service::{NotificationContext, RequestContext, RoleClient};
use serde::Serialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};

/// What servers asked and said, each under its kind.
#[derive(Clone, Default)]
pub(crate) struct Person {
    heard: Arc<Mutex<Vec<(Kind, Value)>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sampling,
    Elicitation,
    Progress,
    Log,
    Updated,
}

impl Person {
    pub(crate) fn heard(&self, wanted: Kind) -> Vec<Value> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = heard.iter().filter(|(kind, _)| *kind == wanted);
        of_kind.map(|(_, said)| said.clone()).collect()
    }

    fn keep(&self, kind: Kind, said: impl Serialize) {
        let said = serde_json::to_value(said).unwrap_or_default();
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push((kind, said));
    }
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        let mut info = ClientConfig::default();
        let capabilities = json!({ "sampling": {}, "elicitation": { "form": {} }, "roots": {} });
        info.capabilities = serde_json::from_value(capabilities).unwrap_or_default();
        info
    }

    async fn create_message(
        &self,
        asked: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        self.keep(Kind::Sampling, asked);
        let content = SamplingMessageContentBlock::text("an answer ☃");
        let message = SamplingMessage::new(Role::Assistant, content);
        Ok(CreateMessageResult::new(message, "scripted".to_owned()).with_stop_reason("endTurn"))
    }

    async fn create_elicitation(
        &self,
        asked: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.keep(Kind::Elicitation, asked);
        let content = json!({ "name": "Ada", "check": true });
        Ok(ElicitResult::new(ElicitationAction::Accept).with_content(content))
    }

    async fn list_roots(
        &self,
        _: RequestContext<RoleClient>,
    ) -> Result<ListRootsResult, ErrorData> {
        Ok(ListRootsResult::new(vec![Root::new("file:///project")]))
    }

    async fn on_progress(
        &self,
        said: ProgressNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.keep(Kind::Progress, said.progress);
    }

    async fn on_logging_message(
        &self,
        said: LoggingMessageNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.keep(Kind::Log, said);
    }

    async fn on_resource_updated(
        &self,
        said: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.keep(Kind::Updated, said.uri);
    }
}
