//! Which call of a tool a task came of: what comes of the task is an output of that tool.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::exchange::CallId;

/// LIMIT: tasks of a session whose calls are known. The oldest are forgotten first; what comes of
/// them is seen, as an output of the request that asks for it.
const TASKS_MAX: usize = 1024;

#[derive(Debug, Default)]
pub(crate) struct TaskCalls {
    calls: HashMap<Arc<str>, CallId>,
    oldest_first: VecDeque<Arc<str>>,
}

// === impl TaskCalls ===

impl TaskCalls {
    /// A server that gives an id again means the last call.
    pub(crate) fn note(&mut self, task: Arc<str>, call: CallId) {
        if self.calls.insert(Arc::clone(&task), call).is_some() {
            return;
        }
        self.oldest_first.push_back(task);
        if self.oldest_first.len() > TASKS_MAX
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.calls.remove(&oldest);
        }
    }

    /// Another request has the name now: whoever looks for the call would find that.
    pub(crate) fn forget(&mut self, call: &CallId) {
        if self.calls.values().any(|known| known == call) {
            self.calls.retain(|_, known| known != call);
            self.oldest_first
                .retain(|task| self.calls.contains_key(task));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(crate) fn of(&self, task: Option<&str>) -> Option<CallId> {
        self.calls.get(task?).cloned()
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
        for number in 1..TASKS_MAX {
            calls.note(number.to_string().into(), call(3));
        }
        assert_eq!(calls.of(Some("t")), Some(call(2)));
        calls.note("another".into(), call(4));
        assert_eq!(calls.of(Some("t")), None);
        assert_eq!(calls.of(Some("another")), Some(call(4)));
        assert_eq!(calls.of(None), None);
        calls.forget(&call(4));
        assert_eq!(calls.of(Some("another")), None);
        assert_eq!(calls.calls.len(), calls.oldest_first.len());
    }
}
