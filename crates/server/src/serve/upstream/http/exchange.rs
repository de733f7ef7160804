//! A request on its way to the server and back.

use std::error::Error;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use portcullis_mcp::frame::SseEvent;
use portcullis_mcp::{Id, Method};
use portcullis_session::{Scope, Stream};
use portcullis_transport::http::endpoint::{Answer, EndpointError, EventStream, Head};
use tokio::time::sleep;
use tracing::warn;
use url::{ParseError, Url};

use super::{HttpUpstream, StandaloneStream};
use crate::serve::conversation::{Carried, Conversation, Taken};
use crate::serve::errand::Errand;
use crate::serve::outlet::{ClientGone, Outlet, Parcel, Position};
use crate::serve::trace_context;
use crate::serve::upstream::standalone::{from, pass_position, retry, told_retry};
use crate::serve::upstream::{Call, silent};

/// LIMIT: how often a stream that answers one request is opened again.
const RESUMPTIONS_MAX: u32 = 100;
/// LIMIT: how much is said of where a redirect leads.
const LOCATION_CHARACTERS_MAX: usize = 256;
/// A subscription is not waited for.
const SUBSCRIPTION_SILENCE_MAX: Duration = Duration::from_hours(24);

/// A request on its way.
#[derive(Debug)]
struct Asked {
    scope: Scope,
    id: Id,
    outlet: Option<Outlet>,
    silence_max: Duration,
}

/// How a stream that answers a request has ended.
#[derive(Debug)]
enum StreamEnd {
    Answered,
    /// The client may go on with it later, from here.
    Resumable(Position),
    ClientGone,
    Failed(String),
}

// === impl HttpUpstream ===

impl HttpUpstream {
    /// Sends a request and takes its answer, to the end: the client's end is not the server's,
    /// unless the revision says so.
    pub(in crate::serve::upstream) fn call(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        call: &Call,
    ) -> Option<Errand<()>> {
        let id = call.id.clone()?;
        if call.method == Some(Method::Initialize) {
            self.remember(|handshake| {
                handshake.initialize = Some(bytes.clone());
                handshake.headers = HeaderMap::clone(&call.headers);
                trace_context::remove(&mut handshake.headers);
            });
        }
        let is_subscription = call.method == Some(Method::SubscriptionsListen);
        // Without a stream of its own that it could close, a client cancels with a message.
        let cancelling = (call.scope.is_exchange() && call.outlet.is_none()).then(|| {
            let cancellable = &self.cancellable;
            cancellable.enter(call.scope, id.clone(), is_subscription)
        });
        let asked = Asked {
            scope: call.scope,
            id,
            outlet: call.outlet.clone(),
            silence_max: if is_subscription {
                SUBSCRIPTION_SILENCE_MAX
            } else {
                self.silence_max
            },
        };
        let headers = Arc::clone(&call.headers);
        let call_in_progress = self.calls.one_more();
        let conversation = Arc::clone(conversation);
        let tasks = conversation.tasks().clone();
        Some(Errand::new(&tasks, async move {
            let Some(this) = conversation.upstream().http() else {
                return;
            };
            // SPEC: MCP 2026-07-28, Cancellation: a client that closes its stream has cancelled.
            let abandoned = async {
                match (&asked.outlet, &cancelling) {
                    (Some(outlet), _) if asked.scope.is_exchange() => outlet.closed().await,
                    (_, Some(cancelling)) => cancelling.cancelled.cancelled().await,
                    _ => std::future::pending().await,
                }
            };
            let _call = call_in_progress;
            let is_abandoned = {
                // Large: it stays where it is made.
                let exchange = pin!(this.exchange(&conversation, bytes, &headers, &asked));
                tokio::select! {
                    biased;
                    () = abandoned => true,
                    () = exchange => return,
                    () = conversation.ended().cancelled() => false,
                }
            };
            if is_abandoned {
                conversation.on_abandoned(asked.scope, &asked.id).await;
            } else {
                Box::pin(asked.fail(&conversation, "the session has ended")).await;
            }
        }))
    }

    async fn exchange(
        &self,
        conversation: &Arc<Conversation>,
        bytes: Bytes,
        headers: &HeaderMap,
        asked: &Asked,
    ) {
        let mut end = match self.post(conversation, bytes, headers).await {
            Ok(answer) => self.take_answer(conversation, answer, asked).await,
            Err(error) => {
                let server = &*conversation.target().name;
                warn!(server, error = &error as &dyn Error, "server not reached");
                StreamEnd::Failed(format!("the server failed: {error}"))
            }
        };
        // A client that knows the server's ids goes on with them; for another it is done here.
        let mut rounds = 0;
        while let StreamEnd::Resumable(position) = &end
            && asked.outlet.as_ref().is_none_or(Outlet::is_kept)
        {
            rounds += 1;
            end = if rounds > RESUMPTIONS_MAX {
                StreamEnd::Failed("the server closed its stream too often".to_owned())
            } else {
                Box::pin(self.resume(conversation, position.clone(), asked)).await
            };
        }
        match end {
            StreamEnd::Answered | StreamEnd::ClientGone => {}
            StreamEnd::Resumable(_) => {
                conversation.touch();
                let mut streams = conversation.streams();
                streams.close_reply(asked.scope, &asked.id);
            }
            StreamEnd::Failed(reason) => Box::pin(asked.fail(conversation, &reason)).await,
        }
    }

    /// Goes on with a stream that the server closed before it had answered.
    async fn resume(
        &self,
        conversation: &Arc<Conversation>,
        position: Position,
        asked: &Asked,
    ) -> StreamEnd {
        sleep(retry(&position)).await;
        let headers = from(self.handshake().headers, &position);
        match self.listen(conversation.revision(), &headers).await {
            Ok(StandaloneStream::Events(events)) => {
                match self.take_events(conversation, events, asked).await {
                    // Without news it stands where it stood.
                    StreamEnd::Failed(_) => StreamEnd::Resumable(position),
                    end => end,
                }
            }
            Ok(StandaloneStream::Refused(status)) => StreamEnd::Failed(format!(
                "the server closed its stream and answered HTTP {status} when asked to go on"
            )),
            Ok(StandaloneStream::Forgotten) => {
                StreamEnd::Failed("the server lost its session".to_owned())
            }
            Err(error) => StreamEnd::Failed(format!("the server failed: {error}")),
        }
    }

    async fn take_answer(
        &self,
        conversation: &Arc<Conversation>,
        answer: Answer,
        asked: &Asked,
    ) -> StreamEnd {
        if !asked.scope.is_exchange() {
            self.note_session(&answer);
        }
        match answer {
            Answer::Json(head, body) => {
                let carried = Carried {
                    outlet: asked.outlet.clone(),
                    position: Position::default(),
                    status: Some(head.status),
                };
                let stream = Stream::Of(asked.id.clone());
                let taken = conversation.on_server(asked.scope, stream, body, carried);
                match taken.await {
                    Ok(Taken::Answered) => StreamEnd::Answered,
                    Ok(Taken::GoesOn | Taken::Forbidden) => StreamEnd::Failed(format!(
                        "the server's HTTP answer ({}) did not answer the request",
                        head.status
                    )),
                    Err(_) => StreamEnd::ClientGone,
                }
            }
            Answer::Events(_, events) => {
                if let Some(outlet) = &asked.outlet {
                    outlet.send(Parcel::Begin).await.ok();
                }
                self.take_events(conversation, events, asked).await
            }
            Answer::Other(head) => StreamEnd::Failed(no_message(&head)),
        }
    }

    async fn take_events(
        &self,
        conversation: &Arc<Conversation>,
        mut events: Box<EventStream>,
        asked: &Asked,
    ) -> StreamEnd {
        let mut last = Position::default();
        loop {
            let is_resumable = last.id.is_some() && !asked.scope.is_exchange();
            // What it does not take now it can fetch later, if it is not taken for it now.
            let client_gone = async {
                match &asked.outlet {
                    Some(outlet) if is_resumable => outlet.closed().await,
                    _ => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                () = client_gone => return StreamEnd::Resumable(last),
                event = events.next_within(asked.silence_max) => event,
            };
            let event = match event {
                Some(Ok(event)) => event,
                None if is_resumable => return StreamEnd::Resumable(last),
                None => {
                    return StreamEnd::Failed(
                        "the server closed the stream before it answered".to_owned(),
                    );
                }
                Some(Err(EndpointError::Silent(silence))) => {
                    return StreamEnd::Failed(silent(silence));
                }
                Some(Err(error)) if is_resumable && error.ends_stream() => {
                    return StreamEnd::Resumable(last);
                }
                Some(Err(error)) => {
                    return StreamEnd::Failed(format!("the server's stream is broken: {error}"));
                }
            };
            match self.take_event(conversation, event, asked, &mut last).await {
                Ok(Taken::Answered) => return StreamEnd::Answered,
                Ok(Taken::Forbidden) => {
                    return StreamEnd::Failed(
                        "the server sent a request, which revision 2026-07-28 does not have"
                            .to_owned(),
                    );
                }
                // What the client can fetch later the server must not send twice; what it cannot,
                // has still happened.
                Err(_) if is_resumable => return StreamEnd::Resumable(last),
                Ok(Taken::GoesOn) | Err(_) => {}
            }
        }
    }

    /// Takes what stands at the next position of a stream.
    async fn take_event(
        &self,
        conversation: &Arc<Conversation>,
        event: SseEvent,
        asked: &Asked,
        last: &mut Position,
    ) -> Result<Taken, ClientGone> {
        let is_message = event.is_message();
        let carried = Carried {
            outlet: asked.outlet.clone(),
            position: Position {
                id: event.id,
                retry: told_retry(event.retry),
            },
            status: None,
        };
        self.note_given(&carried.position);
        last.note(&carried.position);
        match event.data.filter(|data| !data.is_empty()) {
            Some(data) if is_message => {
                let stream = Stream::Of(asked.id.clone());
                conversation
                    .on_server(asked.scope, stream, data.into(), carried)
                    .await
            }
            _ => pass_position(&carried).await.map(|()| Taken::GoesOn),
        }
    }
}

/// Where a redirect leads, without what may be nobody else's to know. `None`: nowhere, or where it
/// cannot be told what that is.
fn destination(location: &str) -> Option<String> {
    let mut to = match Url::parse(location) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => url,
        Err(ParseError::RelativeUrlWithoutBase) if !location.starts_with("//") => {
            let path = location.split(['?', '#']).next()?;
            return Some(path.to_owned());
        }
        Ok(_) | Err(_) => return None,
    };
    to.set_username("").ok()?;
    to.set_password(None).ok()?;
    to.set_query(None);
    to.set_fragment(None);
    Some(to.into())
}

/// What is said of an answer without a message. Where it is one to who configured the server, what
/// there is to mend.
fn no_message(head: &Head) -> String {
    let status = head.status;
    let location = head.headers.get(LOCATION).and_then(|to| to.to_str().ok());
    match location.and_then(destination) {
        Some(to) if status.is_redirection() => {
            let to: String = to.chars().take(LOCATION_CHARACTERS_MAX).collect();
            format!(
                "the server answered HTTP {status} and points to {to}: redirects are not followed, \
                that URL may have to be configured under `servers:` (MCP-SERVER-BASE-URL has `/mcp/` \
                put behind it)"
            )
        }
        _ if status == StatusCode::METHOD_NOT_ALLOWED => format!(
            "the server answered HTTP {status}: if it speaks HTTP+SSE, its `transport` is `sse`"
        ),
        _ => format!("the server answered HTTP {status}"),
    }
}

// === impl Asked ===

impl Asked {
    async fn fail(&self, conversation: &Arc<Conversation>, reason: &str) {
        conversation
            .on_no_answer(self.scope, &self.id, reason, self.outlet.clone())
            .await;
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn said(status: u16, location: Option<&[u8]>) -> String {
        let mut headers = HeaderMap::new();
        if let Some(location) = location {
            headers.insert(LOCATION, HeaderValue::from_bytes(location).unwrap());
        }
        let status = StatusCode::from_u16(status).unwrap();
        no_message(&Head { status, headers })
    }

    #[test]
    fn a_redirect_is_told_with_where_it_leads() {
        let check = |location: &str, shown: &str| {
            let expected = format!(
                "the server answered HTTP 308 Permanent Redirect and points to {shown}: redirects \
                 are not followed, that URL may have to be configured under `servers:` \
                 (MCP-SERVER-BASE-URL has `/mcp/` put behind it)"
            );
            assert_eq!(said(308, Some(location.as_bytes())), expected);
        };
        check("https://mcp.example/mcp", "https://mcp.example/mcp");
        check("http://[::1]:8080/mcp/", "http://[::1]:8080/mcp/");
        check("/mcp/", "/mcp/");
        check("../mcp", "../mcp");
        // What may be a secret.
        check(
            "https://sam:word@mcp.example/mcp",
            "https://mcp.example/mcp",
        );
        check(
            "https://sam:w@rd@mcp.example/mcp",
            "https://mcp.example/mcp",
        );
        check("https:sam:word@mcp.example/mcp", "https://mcp.example/mcp");
        check("https://mcp.example/mcp?key=1#2", "https://mcp.example/mcp");
        check("/mcp?key=1", "/mcp");
        check("/mcp#key", "/mcp");
        // What looks like one.
        check(
            "https://mcp.example/@sam/a@b",
            "https://mcp.example/@sam/a@b",
        );
        check("/@sam/a@b", "/@sam/a@b");
        let path = format!("/{}", "m".repeat(300));
        check(&path, &format!("/{}", "m".repeat(255)));
    }

    #[test]
    fn where_a_redirect_leads_is_told_only_if_it_is_known() {
        let check = |location: Option<&[u8]>| {
            assert_eq!(said(302, location), "the server answered HTTP 302 Found");
        };
        check(None);
        check(Some(b"/caf\xe9"));
        check(Some(b"//sam:word@mcp.example/mcp"));
        check(Some(b"sam:word@mcp.example/mcp"));
        check(Some(b"https://sam:wo/rd@mcp.example/mcp"));
    }

    #[test]
    fn the_transport_is_named_where_it_may_be_another() {
        let expected = "the server answered HTTP 405 Method Not Allowed: if it speaks HTTP+SSE, \
            its `transport` is `sse`";
        assert_eq!(said(405, None), expected);
        // It is no redirect.
        assert_eq!(said(405, Some(b"/mcp")), expected);
        let other = "the server answered HTTP 404 Not Found";
        assert_eq!(said(404, Some(b"/mcp")), other);
    }
}
