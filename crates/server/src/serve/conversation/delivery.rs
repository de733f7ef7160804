//! How a permitted message gets to whom it is for.

use std::sync::Arc;

use bytes::Bytes;
use portcullis_mcp::{Id, Method};
use portcullis_session::{Delivery, DeliveryKind, Permit, Scope};
use portcullis_trace::record::Direction;
use tracing::{debug, warn};

use super::{Carried, Conversation};
use crate::serve::errand::Errand;
use crate::serve::outlet::{ClientGone, Outgoing, Parcel};
use crate::serve::upstream::Call;

impl Conversation {
    /// The only place where a permitted message sets out.
    pub(super) async fn deliver(
        self: &Arc<Self>,
        permit: Permit,
        carried: &Carried,
        call: Option<&Call>,
    ) -> Result<Option<Errand<()>>, ClientGone> {
        let (bytes, delivery) = permit.into_parts();
        match (delivery.direction, call) {
            (Direction::ToClient, _) => {
                let sent = self.to_client(bytes, &delivery, carried).await;
                sent.map(|()| None)
            }
            (Direction::ToServer, Some(call)) if call.id.is_some() => {
                Ok(self.upstream.call(self, bytes, call).await)
            }
            (Direction::ToServer, _) => {
                let headers = call.map(|call| Arc::clone(&call.headers));
                let headers = headers.unwrap_or_default();
                let method = call.and_then(|call| call.method.clone());
                let is_cancellation = method == Some(Method::Cancelled);
                let cancelled = delivery.concerns.as_ref().filter(|_| is_cancellation);
                let cancel = |id| self.upstream.cancel(delivery.scope, id);
                if !cancelled.is_some_and(cancel) {
                    let told = self.upstream.tell(self, bytes, method.as_ref(), &headers);
                    if let Err(error) = Box::pin(told).await {
                        warn!(%error, "message not delivered to the server");
                    }
                }
                if let Some(id) = cancelled {
                    self.end_reply(delivery.scope, id);
                }
                Ok(None)
            }
        }
    }

    /// SPEC: MCP, Cancellation: what is cancelled is not answered.
    fn end_reply(&self, scope: Scope, id: &Id) {
        let mut streams = self.streams();
        if let Some(outlet) = streams.close_reply(scope, id)
            && !streams.has_reply_on(&outlet)
        {
            outlet.end();
        }
    }

    pub(super) async fn to_client(
        &self,
        bytes: Bytes,
        delivery: &Delivery,
        carried: &Carried,
    ) -> Result<(), ClientGone> {
        let is_response = delivery.kind == DeliveryKind::Response;
        if is_response {
            self.touch();
        }
        let concerned = delivery.concerns.as_ref();
        let registered = concerned.and_then(|id| {
            let mut streams = self.streams();
            match &carried.outlet {
                // The second request with an id that is in use has a stream of its own.
                Some(own) if is_response => streams.close_reply_on(delivery.scope, id, own),
                Some(_) => None,
                None if is_response => streams.close_reply(delivery.scope, id),
                None => streams.reply(delivery.scope, id),
            }
        });
        let own = carried.outlet.clone().or(registered);
        let is_last = own.is_some() && is_response;
        let is_change = delivery.kind == DeliveryKind::Change;
        let found = match own {
            Some(own) => Some(own),
            None if is_response => {
                let any = self.streams().any();
                if any.is_none() {
                    debug!("the client does not wait for this answer any more");
                }
                any
            }
            None => self.streams().any_or_wait(&bytes, is_change),
        };
        let Some(outlet) = found else {
            return Ok(());
        };
        let message = Outgoing {
            bytes,
            position: carried.position.clone(),
            status: self.status(delivery, carried),
            is_last,
            is_change,
        };
        outlet.send(Parcel::Message(message)).await
    }
}
