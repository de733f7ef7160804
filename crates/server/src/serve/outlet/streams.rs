//! Which streams of a conversation are open, and what waits for one to be opened.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use portcullis_mcp::Id;
use portcullis_session::Scope;

use super::{Outlet, WeakOutlet};
use crate::serve::replay::StreamNumber;

/// LIMIT: messages that wait for a client to open the stream on which they are to be sent, and
/// their bytes. Older ones are dropped for newer ones.
const WAITING_MESSAGES_MAX: usize = 256;
const WAITING_BYTES_MAX: usize = 4 << 20;

/// The open streams of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// By the request that is answered there.
    replies: HashMap<(Scope, Id), Reply>,
    opened: u64,
    /// For what belongs to no request.
    standalone: Option<Outlet>,
    /// The server's own stream of that kind, which it and its client end.
    passed: Option<WeakOutlet>,
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
}

/// The stream of a request, and the how manieth it is.
#[derive(Debug)]
struct Reply {
    outlet: Outlet,
    order: u64,
}

// === impl Streams ===

impl Streams {
    /// `false` if the id is in use: then it keeps its stream.
    pub(crate) fn open_reply(&mut self, scope: Scope, id: Id, outlet: Outlet) -> bool {
        let Entry::Vacant(vacant) = self.replies.entry((scope, id)) else {
            return false;
        };
        self.opened += 1;
        let order = self.opened;
        vacant.insert(Reply { outlet, order });
        true
    }

    pub(crate) fn reply(&self, scope: Scope, id: &Id) -> Option<Outlet> {
        let reply = self.replies.get(&(scope, id.clone()))?;
        Some(reply.outlet.clone())
    }

    pub(crate) fn has_reply(&self, scope: Scope, id: &Id) -> bool {
        self.replies.contains_key(&(scope, id.clone()))
    }

    /// Whether something else is answered on this stream, as the messages of one batch are.
    pub(crate) fn has_reply_on(&self, outlet: &Outlet) -> bool {
        let mut replies = self.replies.values();
        replies.any(|reply| Arc::ptr_eq(&reply.outlet.0, &outlet.0))
    }

    /// The last that is to be sent on this stream is on its way.
    pub(crate) fn close_reply(&mut self, scope: Scope, id: &Id) -> Option<Outlet> {
        let reply = self.replies.remove(&(scope, id.clone()))?;
        Some(reply.outlet)
    }

    /// Like [`Self::close_reply`], if it is this stream that the request is answered on.
    pub(crate) fn close_reply_on(
        &mut self,
        scope: Scope,
        id: &Id,
        outlet: &Outlet,
    ) -> Option<Outlet> {
        match self.replies.entry((scope, id.clone())) {
            Entry::Occupied(reply) if Arc::ptr_eq(&reply.get().outlet.0, &outlet.0) => {
                Some(reply.remove().outlet)
            }
            Entry::Occupied(_) | Entry::Vacant(_) => None,
        }
    }

    /// The stream for what belongs to no request, or that of the newest request.
    pub(crate) fn any(&self) -> Option<Outlet> {
        let standalone = self.standalone.as_ref().filter(|outlet| outlet.is_open());
        if let Some(outlet) = standalone {
            return Some(outlet.clone());
        }
        let open = self.replies.values().filter(|reply| reply.outlet.is_open());
        let newest = open.max_by_key(|reply| reply.order)?;
        Some(newest.outlet.clone())
    }

    /// Whether a client reads any of them.
    pub(crate) fn is_read(&self) -> bool {
        self.any().is_some() || self.passed().is_some()
    }

    pub(crate) fn has_standalone(&self) -> bool {
        self.standalone.as_ref().is_some_and(Outlet::is_open)
    }

    /// The stream for what belongs to no request, if it is passed on from the server.
    pub(crate) fn passed(&self) -> Option<Outlet> {
        let outlet = self.passed.as_ref()?.0.upgrade().map(Outlet)?;
        outlet.is_open().then_some(outlet)
    }

    /// Gives what has waited for this stream, which is passed on from the server.
    pub(crate) fn open_passed(&mut self, outlet: &Outlet) -> Vec<Bytes> {
        self.passed = Some(outlet.downgrade());
        self.take_waiting()
    }

    /// Gives what has waited for this stream.
    pub(crate) fn open_standalone(&mut self, outlet: Outlet) -> Vec<Bytes> {
        self.standalone = Some(outlet);
        self.take_waiting()
    }

    /// The stream for what belongs to no request, if it is this one, with what has waited for it.
    pub(crate) fn reopen_standalone(
        &mut self,
        stream: StreamNumber,
    ) -> Option<(Outlet, Vec<Bytes>)> {
        let is_same = |outlet: &&Outlet| outlet.0.kept.get() == Some(&stream);
        let outlet = self.standalone.as_ref().filter(is_same)?.clone();
        Some((outlet, self.take_waiting()))
    }

    fn take_waiting(&mut self) -> Vec<Bytes> {
        self.waiting_bytes = 0;
        self.waiting.drain(..).collect()
    }

    /// The stream for a message that has none of its own. If there is none, the message waits for one
    /// to be opened.
    pub(crate) fn any_or_wait(&mut self, bytes: &Bytes, is_change: bool) -> Option<Outlet> {
        let listened = self.passed().filter(|_| is_change);
        let found = listened.or_else(|| self.any());
        if found.is_none() {
            self.wait(bytes.clone(), is_change);
        }
        found
    }

    fn wait(&mut self, bytes: Bytes, is_change: bool) {
        if is_change && self.waiting.contains(&bytes) {
            return;
        }
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
        self.waiting.push_back(bytes);
        while self.waiting.len() > WAITING_MESSAGES_MAX || self.waiting_bytes > WAITING_BYTES_MAX {
            let Some(oldest) = self.waiting.pop_front() else {
                break;
            };
            self.waiting_bytes = self.waiting_bytes.saturating_sub(oldest.len());
        }
    }

    /// How many messages wait for a stream.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn close_all(&mut self) {
        self.replies.clear();
        self.standalone = None;
        self.waiting.clear();
        self.waiting_bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_finds_no_stream_waits_for_the_next() {
        let mut streams = Streams::default();
        let text = Bytes::from_static(b"{}");
        assert!(streams.any_or_wait(&text, false).is_none());
        let (outlet, _parcels) = Outlet::new();
        assert_eq!(streams.open_standalone(outlet).len(), 1);
        assert!(streams.any_or_wait(&text, false).is_some());
        assert_eq!(streams.waiting(), 0);
    }
}
