//! Connections to servers without TLS, kept for the next request.
//!
//! Nothing is negotiated on them: each is one of HTTP/1.1 and has one request at a time. Most
//! requests find one that rests, and that costs no more here than to take it and to give it back.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use hashbrown::HashMap;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::HeaderValue;
use hyper::rt::Executor;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tower_service::Service;
use tracing::debug;

use super::connector::{Failure, IDLE_CONNECTION_WAIT, IDLE_CONNECTIONS_MAX, Patient};
use super::reach::Resolver;

type Sender = http1::SendRequest<Full<Bytes>>;

/// Sends requests of HTTP/1.1.
#[derive(Clone, Debug)]
pub(super) struct PlainClient {
    connector: Patient<HttpConnector<Resolver>>,
    resting: Arc<Resting>,
}

/// Connections without a request.
#[derive(Debug, Default)]
struct Resting {
    hosts: Mutex<Hosts>,
    /// Whoever waits for one is told of each.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Hosts {
    /// By the header that names the host.
    connections: HashMap<HeaderValue, Vec<Rested>>,
    /// Whether a task closes those that have rested for too long.
    is_swept: bool,
}

#[derive(Debug)]
struct Rested {
    sender: Sender,
    since: Instant,
}

// === impl PlainClient ===

impl PlainClient {
    pub(super) fn new(connector: Patient<HttpConnector<Resolver>>) -> Self {
        Self {
            connector,
            resting: Arc::default(),
        }
    }

    /// Sends a request to whom its header `Host` names, as its URI does.
    pub(super) async fn send(
        &self,
        host: &HeaderValue,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let uri = mem::take(request.uri_mut());
        if let Some(path) = uri.path_and_query() {
            *request.uri_mut() = path.clone().into();
        }
        loop {
            let (mut sender, has_rested) = match self.resting.take(host) {
                Some(sender) => (sender, true),
                None => self.next_free(host, &uri).await?,
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    self.resting.keep(host, sender);
                    return Ok(response);
                }
                // It was closed before the server could have seen anything.
                Err(mut error) => match error.take_message() {
                    Some(unsent) if has_rested => request = unsent,
                    _ => return Err(error.into_error().into()),
                },
            }
        }
    }

    /// The first connection that is there, and whether it had requests before: one that becomes free,
    /// or a new one.
    async fn next_free(&self, host: &HeaderValue, to: &Uri) -> Result<(Sender, bool), Failure> {
        let mut connecting = Box::pin(connect(self.connector.clone(), to.clone()));
        loop {
            let freed = self.resting.freed.notified();
            if let Some(sender) = self.resting.take(host) {
                // The other one is for who comes next.
                let (resting, host) = (Arc::clone(&self.resting), host.clone());
                TokioExecutor::new().execute(async move {
                    if let Ok(made) = connecting.await {
                        resting.put(&host, made);
                    }
                });
                return Ok((sender, true));
            }
            tokio::select! {
                made = &mut connecting => return Ok((made?, false)),
                () = freed => {}
            }
        }
    }
}

async fn connect(
    mut connector: Patient<HttpConnector<Resolver>>,
    to: Uri,
) -> Result<Sender, Failure> {
    let stream = connector.call(to).await?;
    let (sender, connection) = http1::handshake(stream).await?;
    // It ends with its sender.
    TokioExecutor::new().execute(async move {
        if let Err(error) = connection.await {
            debug!(%error, "connection to a server ended with an error");
        }
    });
    Ok(sender)
}

// === impl Resting ===

impl Resting {
    /// The connection that has rested for the shortest time.
    fn take(&self, host: &HeaderValue) -> Option<Sender> {
        let mut hosts = self.hosts();
        let rested = hosts.connections.get_mut(host)?;
        while let Some(last) = rested.pop() {
            if last.is_usable() {
                return Some(last.sender);
            }
        }
        None
    }

    /// Keeps a connection that has answered, as soon as the answer has been read.
    fn keep(self: &Arc<Self>, host: &HeaderValue, mut sender: Sender) {
        if sender.is_ready() {
            self.put(host, sender);
            return;
        }
        let (resting, host) = (Arc::clone(self), host.clone());
        TokioExecutor::new().execute(async move {
            if sender.ready().await.is_ok() {
                resting.put(&host, sender);
            }
        });
    }

    fn put(self: &Arc<Self>, host: &HeaderValue, sender: Sender) {
        let mut hosts = self.hosts();
        let rested = hosts.connections.entry_ref(host).or_default();
        if rested.len() < IDLE_CONNECTIONS_MAX {
            let since = Instant::now();
            rested.push(Rested { sender, since });
        }
        if !mem::replace(&mut hosts.is_swept, true) {
            TokioExecutor::new().execute(sweep(Arc::downgrade(self)));
        }
        drop(hosts);
        self.freed.notify_waiters();
    }

    fn hosts(&self) -> MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that have rested for too long, until there are none.
async fn sweep(resting: Weak<Resting>) {
    loop {
        sleep(IDLE_CONNECTION_WAIT).await;
        let Some(resting) = resting.upgrade() else {
            return;
        };
        let mut hosts = resting.hosts();
        hosts.connections.retain(|_, rested| {
            rested.retain(Rested::is_usable);
            !rested.is_empty()
        });
        if hosts.connections.is_empty() {
            hosts.is_swept = false;
            return;
        }
    }
}

// === impl Rested ===

impl Rested {
    /// Whether it is open, and not so old that the server may be about to close it.
    fn is_usable(&self) -> bool {
        self.sender.is_ready() && self.since.elapsed() < IDLE_CONNECTION_WAIT
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt;
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};
    use tokio::sync::oneshot;
    use tokio::task::{JoinSet, yield_now};
    use tokio::time::{advance, pause, timeout};

    use super::super::connector::Connector;
    use super::super::reach::Reach;
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";

    /// Answers so many requests on one connection, and gives back what was asked last.
    async fn answer(stream: &mut TcpStream, requests: usize) -> String {
        let mut asked = Vec::new();
        for _ in 0..requests {
            asked.clear();
            while !asked.ends_with(b"\r\n\r\n") {
                assert_ne!(stream.read_buf(&mut asked).await.unwrap(), 0);
            }
            stream.write_all(ANSWER).await.unwrap();
        }
        String::from_utf8(asked).unwrap()
    }

    /// Answers so many on the first connection, as [`answer`] does.
    fn answering(listener: TcpListener, requests: usize) -> JoinSet<String> {
        let mut server = JoinSet::new();
        server.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream, requests).await
        });
        server
    }

    async fn listen() -> (TcpListener, HeaderValue) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        (listener, host.parse().unwrap())
    }

    fn request(host: &HeaderValue) -> Request<Full<Bytes>> {
        let uri = format!("http://{}/a?b", host.to_str().unwrap());
        let request = Request::get(uri).header("host", host);
        request.body(Full::default()).unwrap()
    }

    async fn ask(connector: &Connector, host: &HeaderValue) {
        let response = connector.send(Some(host), request(host)).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "done");
    }

    #[tokio::test]
    async fn a_connection_has_one_request_after_the_other() {
        let (listener, host) = listen().await;
        let mut server = answering(listener, 3);
        let connector = Connector::new(Reach::Configured).unwrap();
        for _ in 0..3 {
            ask(&connector, &host).await;
        }
        let last = server.join_next().await.unwrap().unwrap();
        let first_line = "GET /a?b HTTP/1.1\r\n";
        assert!(last.starts_with(first_line), "{last}");
        assert_eq!(last.matches("host: ").count(), 1, "{last}");
    }

    fn client() -> PlainClient {
        let reach = Reach::Configured;
        let connector = HttpConnector::new_with_resolver(Resolver::new(reach));
        PlainClient::new(Patient { connector, reach })
    }

    /// Has a connection rest, and gives what is to be polled for it to go on, and the server's end.
    async fn rest(
        client: &PlainClient,
        host: &HeaderValue,
    ) -> (impl Future<Output = hyper::Result<()>>, DuplexStream) {
        let (near, far) = duplex(1024);
        let (sender, connection) = http1::handshake(TokioIo::new(near)).await.unwrap();
        let mut connection = Box::pin(connection);
        let is_at_rest = timeout(Duration::ZERO, &mut connection).await.is_err();
        assert!(is_at_rest && sender.is_ready());
        client.resting.put(host, sender);
        (connection, far)
    }

    #[tokio::test]
    async fn a_connection_that_the_server_closed_is_not_taken() {
        let (client, host) = (client(), HeaderValue::from_static("server"));
        let (connection, kept) = rest(&client, &host).await;
        drop(kept);
        connection.await.ok();
        assert!(client.resting.take(&host).is_none());
    }

    #[tokio::test]
    async fn what_was_not_sent_goes_over_another_connection() {
        let (listener, host) = listen().await;
        let mut server = answering(listener, 1);
        let client = client();
        let (connection, kept) = rest(&client, &host).await;
        // That is seen when the request waits for the connection already.
        drop(kept);
        let sent = client.send(&host, request(&host));
        let (response, _) = tokio::join!(biased; sent, connection);
        assert_eq!(response.unwrap().status(), 200);
        let asked = server.join_next().await.unwrap().unwrap();
        assert!(asked.starts_with("GET /a?b HTTP/1.1\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn what_may_have_been_sent_is_not_sent_again() {
        let (listener, host) = listen().await;
        let mut server = answering(listener, 1);
        let client = client();
        let (connection, mut kept) = rest(&client, &host).await;
        let closes = async move {
            kept.read_u8().await.unwrap();
            drop(kept);
        };
        let sent = client.send(&host, request(&host));
        let (response, _, ()) = tokio::join!(sent, connection, closes);
        response.unwrap_err();
        assert!(server.try_join_next().is_none());
    }

    #[tokio::test]
    async fn a_connection_that_becomes_free_is_taken_where_no_other_can_be_made() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let host = address.to_string().parse().unwrap();
        let connector = Connector::new(Reach::Configured).unwrap();
        let (fill, filled) = oneshot::channel();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut unaccepted = Vec::new();
            let short = Duration::from_millis(100);
            // Until the system takes no more.
            while let Ok(other) = timeout(short, TcpStream::connect(address)).await {
                unaccepted.push(other.unwrap());
            }
            fill.send(()).unwrap();
            // The second waits by then.
            sleep(short).await;
            answer(&mut stream, 2).await;
        };
        let second = async {
            filled.await.unwrap();
            ask(&connector, &host).await;
        };
        tokio::join!(server, ask(&connector, &host), second);
    }

    #[tokio::test]
    async fn what_rests_for_too_long_is_closed() {
        let (listener, host) = listen().await;
        let mut server = JoinSet::new();
        server.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream, 1).await;
            stream.read(&mut [0]).await.unwrap()
        });
        let connector = Connector::new(Reach::Configured).unwrap();
        ask(&connector, &host).await;
        // It rests as soon as the connection is ready for another request.
        yield_now().await;
        pause();
        advance(IDLE_CONNECTION_WAIT + Duration::from_secs(1)).await;
        let read = timeout(2 * IDLE_CONNECTION_WAIT, server.join_next()).await;
        assert_eq!(read.unwrap().unwrap().unwrap(), 0);
    }
}
