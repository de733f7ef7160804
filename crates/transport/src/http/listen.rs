use std::convert::Infallible;
use std::io;
use std::net;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::lanes::Lanes;
use super::pace::{HEAD_WAIT_MAX, Pace, REST_MAX};

/// LIMIT: connections at a time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 10_000;
/// LIMIT: of one request, further ones are answered 431.
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 32 << 10;
/// From so few free places on, connections that only rest make room soon.
const FREE_PLACES_FEW: usize = CONNECTIONS_MAX / 10;
/// How long requests in progress may go on when the gateway ends.
const GRACE: Duration = Duration::from_secs(5);
/// What is waited after the system refused a connection: for lack of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers the requests of all connections until `stop` is there, then lets those in progress end
/// for a bounded time.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    lanes: &Lanes,
    stop: impl Future<Output = ()>,
) where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send + 'static,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let tasks = TaskTracker::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            let place = Arc::clone(&connections).acquire_owned().await;
            (place, accept(&listener).await)
        };
        let (place, stream) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        let (watcher, token) = (graceful.watcher(), tasks.token());
        let (service, connections) = (service.clone(), Arc::clone(&connections));
        let rest_max = move || {
            if connections.available_permits() < FREE_PLACES_FEW {
                HEAD_WAIT_MAX
            } else {
                REST_MAX
            }
        };
        lanes.spawn(move || async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => serve_one(stream, service, watcher, rest_max).await,
                Err(error) => warn!(%error, "connection not served"),
            }
            drop((place, token));
        });
    }
    drop(listener);
    tasks.close();
    let ended = async {
        graceful.shutdown().await;
        tasks.wait().await;
    };
    if timeout(GRACE, ended).await.is_err() {
        debug!("some connections were cut");
    }
}

/// Answers the requests of one connection until it ends, or keeps its place for too long without a
/// request.
pub(super) async fn serve_one<T, S, B>(
    stream: T,
    service: S,
    watcher: Watcher,
    rest_max: impl Fn() -> Duration,
) where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + 'static,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let pace = Pace::begin();
    let stream = TokioIo::new(pace.stream(stream));
    let connection = builder().serve_connection(stream, pace.service(service));
    tokio::select! {
        ended = watcher.watch(connection) => {
            if let Err(error) = ended {
                debug!(%error, "connection ended with an error");
            }
        }
        () = pace.overdue(rest_max) => debug!("connection without a request closed"),
    }
}

/// HTTP/1.1 alone: without TLS nobody negotiates HTTP/2. [`Pace`] has the time.
fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .header_read_timeout(None)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX);
    builder
}

/// A connection that any runtime may serve.
async fn accept(listener: &TcpListener) -> net::TcpStream {
    loop {
        match accept_one(listener).await {
            Ok(stream) => return stream,
            Err(error) => {
                warn!(%error, "connection not accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn accept_one(listener: &TcpListener) -> io::Result<net::TcpStream> {
    let (stream, _) = listener.accept().await?;
    // An event must not wait for the next one.
    stream.set_nodelay(true)?;
    stream.into_std()
}
