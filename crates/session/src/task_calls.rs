//! Which call of a tool a task came of: what comes of the task is an output of that tool.

use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::exchange::CallId;
use crate::recent::Recent;

/// LIMIT: tasks of a session whose calls are known. The oldest are forgotten first; what comes of
/// them is seen, as an output of the request that asks for it.
const TASKS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

#[derive(Debug)]
pub(crate) struct TaskCalls(Recent<Arc<str>, CallId>);

// === impl TaskCalls ===

impl TaskCalls {
    /// A server that gives an id again means the last call.
    pub(crate) fn note(&mut self, task: Arc<str>, call: CallId) {
        self.0.insert(task, call);
    }

    /// Another request has the name now: whoever looks for the call would find that.
    pub(crate) fn forget(&mut self, call: &CallId) {
        self.0.remove_value(call);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn of(&self, task: Option<&str>) -> Option<CallId> {
        self.0.get(task?).cloned()
    }
}

impl Default for TaskCalls {
    fn default() -> Self {
        Self(Recent::new(TASKS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use portcullis_mcp::Id;
    use portcullis_trace::record::Direction;

    use super::*;
    use crate::route::Scope;

    #[test]
    fn the_oldest_task_is_forgotten_first() {
        let call = |number| CallId::new(Scope::SESSION, &Id::Integer(number), Direction::ToServer);
        let mut calls = TaskCalls::default();
        calls.note("t".into(), call(1));
        calls.note("t".into(), call(2));
        assert_eq!(calls.of(Some("t")), Some(call(2)));
        for number in 1..TASKS_MAX.get() {
            calls.note(number.to_string().into(), call(3));
        }
        assert_eq!(calls.of(Some("t")), Some(call(2)));
        calls.note("another".into(), call(4));
        assert_eq!(calls.of(Some("t")), None);
        assert_eq!(calls.of(Some("another")), Some(call(4)));
        assert_eq!(calls.of(None), None);
        calls.forget(&call(4));
        assert_eq!(calls.of(Some("another")), None);
    }
}
