//! What a server gives in this session, and what of others' is used in it.

use std::sync::Arc;

use portcullis_json::{Number, Value};
use portcullis_mcp::{Id, Method, error_code};
use portcullis_trace::record::Direction;

use super::{Session, Turn};
use crate::action::DropReason;
use crate::belonging::Claim;
use crate::exchange::Exchange;
use crate::refusal::OwnWords;

/// LIMIT: how often a server may ask for more before it does what it was asked.
const ROUNDS_MAX: u32 = 10;
/// LIMIT: bytes of a state that a server gives and a client brings back.
const STATE_BYTES_MAX: usize = 64 << 10;

impl Session {
    /// A task of somebody else's is none, for whoever asks for it or wants to hear of it.
    pub(super) fn admit_tasks(&self, turn: Turn<'_>, id: &Id) -> Result<(), OwnWords> {
        let (Direction::ToServer, Some(params)) = (turn.direction, turn.message.params()) else {
            return Ok(());
        };
        let listened = params
            .get("notifications")
            .and_then(|wanted| wanted.get("taskIds"));
        let listened = match listened {
            Some(Value::Array(tasks)) => tasks,
            // As a server may read it that is not strict.
            Some(task) => std::slice::from_ref(task),
            None => &[],
        };
        let mut tasks = params
            .get("taskId")
            .into_iter()
            .chain(listened)
            .filter_map(Value::as_str);
        if tasks.any(|task| self.party.is_others_task(task, turn.now)) {
            return Err(OwnWords::unknown_task(id));
        }
        Ok(())
    }

    /// A state goes on with the request that it was given for, and with no other.
    pub(super) fn admit_state(
        &self,
        turn: Turn<'_>,
        id: &Id,
        method: &Method,
    ) -> Result<(), OwnWords> {
        if !self.is_stateless() {
            return Ok(());
        }
        let params = turn.message.params();
        let Some(state) = params.and_then(|params| params.get("requestState")) else {
            return Ok(());
        };
        let refuse = |message: &str| {
            let code = error_code::INVALID_PARAMS;
            Err(OwnWords::error(Some(id), code, message))
        };
        if let Some(reason) = unusable(state) {
            return refuse(&reason);
        }
        let state = state.as_str().unwrap_or_default();
        let target = params.and_then(target).unwrap_or_default();
        let party = &self.party;
        if party.is_others_state(state, method.as_str(), &target, turn.now) {
            return refuse("`requestState` was not given for this request");
        }
        Ok(())
    }

    /// How often the server has asked for more, if the request brings a state that is known.
    pub(super) fn rounds_before(&self, turn: Turn<'_>) -> u32 {
        let params = turn.message.params();
        let state = params.and_then(|params| params.get("requestState")?.as_str());
        state.map_or(0, |state| self.party.rounds(state, turn.now))
    }

    /// A state that the client could not go on with, or would go on with for ever, is refused where
    /// it comes from.
    pub(super) fn admit_given_state(
        &self,
        turn: Turn<'_>,
        exchange: &Exchange,
    ) -> Result<(), OwnWords> {
        let state = turn.message.result().and_then(|it| it.get("requestState"));
        let Some(state) = state.filter(|state| self.is_stateless() && !state.is_null()) else {
            return Ok(());
        };
        let message = match unusable(state) {
            Some(reason) => format!("the server's {reason}"),
            None if exchange.rounds >= ROUNDS_MAX => {
                format!("the server has asked for more {ROUNDS_MAX} times and does so again")
            }
            None => return Ok(()),
        };
        let code = error_code::INTERNAL_ERROR;
        Err(OwnWords::error(Some(&exchange.id), code, &message))
    }

    /// Takes note of the task or the state that an answer gives to the client.
    pub(super) fn note_belongings(&mut self, turn: Turn<'_>, exchange: &Exchange) {
        let method = &*exchange.method;
        if turn.direction != Direction::ToClient
            || !matches!(method, "tools/call" | "prompts/get" | "resources/read")
        {
            return;
        }
        let Some(result) = turn.message.result() else {
            return;
        };
        if exchange.is_stateless()
            && let Some(state) = result.get("requestState").and_then(Value::as_str)
        {
            let target = exchange.target.as_deref().unwrap_or_default();
            let rounds = exchange.rounds + 1;
            self.party
                .note_state(state, method, target, rounds, turn.now);
        }
        if let Some(task) = given_task(result) {
            self.note_task(turn, task, Claim::Given);
            if let ("tools/call", Some(task)) = (method, self::task(task)) {
                self.task_calls.note(task, exchange.call_id.clone());
            }
        }
    }

    /// Nobody is told of a task that a server has given to somebody else.
    pub(super) fn admit_told_task(&self, turn: Turn<'_>) -> Result<(), DropReason> {
        let params = turn.message.params();
        let task = params.and_then(|params| params.get("taskId")?.as_str());
        let is_others = |task| self.party.was_given_to_others(task, turn.now);
        match task {
            Some(task) if turn.direction == Direction::ToClient && is_others(task) => {
                Err(DropReason::OthersTask)
            }
            _ => Ok(()),
        }
    }

    /// Takes note of the task that a server tells the client of.
    pub(super) fn note_told_task(&self, turn: Turn<'_>) {
        if let (Direction::ToClient, Some(task)) = (turn.direction, turn.message.params()) {
            self.note_task(turn, task, Claim::ToldOf);
        }
    }

    fn note_task(&self, turn: Turn<'_>, task: &Value, claim: Claim) {
        let Some(id) = task.get("taskId").and_then(Value::as_str) else {
            return;
        };
        let ttl = match task.get("ttl").or_else(|| task.get("ttlMs")) {
            Some(Value::Number(Number::Integer(ttl))) => Some(*ttl),
            _ => None,
        };
        self.party.note_task(id, ttl, claim, turn.now);
    }
}

/// Why nobody can go on with a state.
fn unusable(state: &Value) -> Option<String> {
    match state.as_str() {
        None => Some("`requestState` must be a string".to_owned()),
        Some(text) if text.len() > STATE_BYTES_MAX => Some(format!(
            "`requestState` is longer than {STATE_BYTES_MAX} bytes"
        )),
        Some(_) => None,
    }
}

/// The task that a server gives in the place of what was asked for.
pub(super) fn given_task(result: &Value) -> Option<&Value> {
    // SPEC: MCP 2025-11-25, Tasks, has it in `task`; the extension of 2026-07-28 in the result.
    let is_task = || result.get("resultType").and_then(Value::as_str) == Some("task");
    result.get("task").or_else(|| is_task().then_some(result))
}

/// The task that a message is about.
pub(super) fn task(params: &Value) -> Option<Arc<str>> {
    match params.get("taskId")? {
        Value::String(task) => Some(Arc::clone(task)),
        _ => None,
    }
}

/// What a request names.
pub(super) fn target(params: &Value) -> Option<Arc<str>> {
    match params.get("name").or_else(|| params.get("uri"))? {
        Value::String(name) => Some(Arc::clone(name)),
        _ => None,
    }
}
