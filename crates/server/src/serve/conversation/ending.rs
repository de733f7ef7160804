//! How a conversation ends, and who is told before.

use std::sync::Arc;

use portcullis_trace::record::SessionEnd;
use tracing::info;

use super::{Carried, Conversation};
use crate::clock::now;
use crate::metrics::EndReason;

impl Conversation {
    /// The server is gone for good: whoever waits is told, and the conversation is over.
    pub(crate) async fn on_server_end(self: &Arc<Self>) {
        let _telling = self.telling.lock().await;
        // What came now would wait for a server that is gone.
        self.gate.shut();
        let actions = self.session().await.on_server_end();
        self.carry_out(actions, &Carried::default(), None)
            .await
            .ok();
        // Only then: who sees this closes the streams on which it is told.
        self.ended.cancel();
    }

    /// Ends the conversation, upstream as well. Bounded in time.
    pub(crate) async fn end(self: &Arc<Self>, reason: EndReason) {
        drop(self.telling.lock().await);
        self.ended.cancel();
        self.upstream.end(self).await;
        let answers = self.session().await.on_server_end();
        self.carry_out(answers, &Carried::default(), None)
            .await
            .ok();
        self.streams().close_all();
        let last_sequence = self.session().await.last_sequence();
        let end = SessionEnd {
            session: self.id(),
            ended_at: now(),
            last_sequence,
        };
        self.meter().end(reason);
        info!(session = %end.session, reason = reason.as_str(), "session ends");
        self.record_or_log(end).await;
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use portcullis_mcp::Id;
    use portcullis_session::Scope;
    use tempfile::TempDir;
    use tokio::task::yield_now;

    use super::*;
    use crate::serve::conversation::NotTaken;
    use crate::serve::judging::tests::{call, place, quiet_conversation};
    use crate::serve::outlet::{Outlet, Parcel, Parcels};

    #[tokio::test]
    async fn nothing_is_taken_while_clients_are_told_that_the_server_is_gone() {
        let directory = TempDir::new().unwrap();
        let conversation = quiet_conversation(directory.path());
        let ((one, mut read_by_one), (other, mut read_by_other)) = (Outlet::new(), Outlet::new());
        for (id, outlet, parcels) in [(1, one, &read_by_one), (2, other, &read_by_other)] {
            place(Arc::clone(&conversation), call(id, 1)).await;
            while parcels.capacity() > 0 {
                outlet.send(Parcel::Begin).await.unwrap();
            }
            let id = Id::Integer(id.into());
            conversation
                .streams()
                .open_reply(Scope::SESSION, id, outlet);
        }
        let mut telling = pin!(conversation.on_server_end());
        tokio::select! {
            biased;
            () = &mut telling => panic!("nobody reads it"),
            () = yield_now() => {}
        }
        let headers = Arc::default();
        let taken = conversation.take(&call(3, 1), Scope::SESSION, &headers, None);
        assert_eq!(taken.await.err(), Some(NotTaken::Over));
        assert!(conversation.is_over());

        let mut end = pin!(conversation.end(EndReason::Server));
        tokio::select! {
            biased;
            () = &mut end => panic!("nobody has been told"),
            () = yield_now() => {}
        }
        let read = async |parcels: &mut Parcels| {
            let mut last = None;
            while let Some(parcel) = parcels.recv().await {
                last = Some(*parcel);
            }
            let Some(Parcel::Message(told)) = last else {
                panic!("{last:?}");
            };
            let told = String::from_utf8_lossy(&told.bytes).into_owned();
            assert!(told.contains("ended before it answered"), "{told}");
        };
        let (one, other) = (read(&mut read_by_one), read(&mut read_by_other));
        tokio::join!(telling, end, one, other);
    }
}
