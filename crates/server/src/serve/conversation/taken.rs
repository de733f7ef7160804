use std::sync::Arc;

use bytes::Bytes;
use portcullis_mcp::{Incoming, Malformed, Meant};
use portcullis_session::{Action, DeliveryKind, Scope, Source, Stream};
use portcullis_trace::record::Direction;

use super::{Carried, Conversation};
use crate::serve::aside::read;
use crate::serve::errand::Errand;
use crate::serve::outlet::ClientGone;

/// What became of a message of the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// More is expected on its stream.
    GoesOn,
    /// It answered the request whose stream it came on.
    Answered,
    /// A stream without sessions brought a request, which it must not.
    Forbidden,
}

/// Why a message of the client's is not on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// The conversation has ended, and has not seen it.
    Over,
    ClientGone,
}

// === impl Taken ===

impl Taken {
    /// What the actions on a message of the server's come to for the stream that brought it.
    pub(super) fn of(actions: &[Action], source: &Source) -> Self {
        let deliveries = actions.iter().filter_map(|action| match action {
            Action::Send(permit) => Some(permit.delivery()),
            _ => None,
        });
        let mut taken = Self::GoesOn;
        for delivery in deliveries {
            match delivery.direction {
                Direction::ToServer if source.scope.is_exchange() => return Self::Forbidden,
                Direction::ToServer => {}
                Direction::ToClient => {
                    let is_answer = delivery.kind == DeliveryKind::Response
                        && delivery.scope == source.scope
                        && delivery.concerns.is_some()
                        && delivery.concerns.as_ref() == source.stream.request();
                    if is_answer {
                        taken = Self::Answered;
                    }
                }
            }
        }
        taken
    }
}

// === impl NotTaken ===

impl From<ClientGone> for NotTaken {
    fn from(_: ClientGone) -> Self {
        Self::ClientGone
    }
}

// === impl Conversation ===

impl Conversation {
    /// Reads what the client says. A malformed answer is none, and the server is told so.
    pub(crate) async fn read(self: &Arc<Self>, text: Bytes) -> Result<Incoming, Malformed> {
        let envelope = self.envelope(Direction::ToServer);
        let incoming = read(text, move |text| Incoming::parse_shared(text, &envelope)).await;
        if let Err(error) = &incoming
            && error.meant == Meant::Answer
        {
            let source = Source::whole(Direction::ToServer);
            let actions = self.session().await.on_malformed(&source, error.clone());
            Box::pin(self.on_line(actions)).await;
        }
        incoming
    }

    /// Takes what a stream of the server's brought, to its end like [`Self::take`]: whoever reads
    /// that stream may stop at any time.
    pub(crate) fn on_server(
        self: &Arc<Self>,
        scope: Scope,
        stream: Stream,
        bytes: Bytes,
        carried: Carried,
    ) -> Errand<Result<Taken, ClientGone>> {
        let source = Source {
            direction: Direction::ToClient,
            scope,
            stream,
        };
        let conversation = Arc::clone(self);
        Errand::new(&self.tasks, async move {
            conversation.on_answer(&source, bytes, &carried).await
        })
    }

    async fn on_answer(
        self: &Arc<Self>,
        source: &Source,
        bytes: Bytes,
        carried: &Carried,
    ) -> Result<Taken, ClientGone> {
        let _arriving = self.arriving();
        let actions = self.judge_answer(source, bytes).await;
        let taken = Taken::of(&actions, source);
        if taken == Taken::Forbidden {
            return Ok(taken);
        }
        let delivered = self.carry_out(actions, carried, None).await;
        match taken {
            // Whether or not somebody still waited for it, nothing more is to come.
            Taken::Answered => Ok(taken),
            Taken::GoesOn | Taken::Forbidden => delivered.map(|_| taken),
        }
    }
}
