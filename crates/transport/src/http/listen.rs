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
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::lanes::Lanes;

/// LIMIT: connections at a time; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 10_000;
/// LIMIT: of one request, further ones are answered 431.
const HEADERS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 32 << 10;
/// LIMIT: how long the head of a request may take, the rest of the connection before it included.
const HEADER_WAIT_MAX: Duration = Duration::from_secs(10);
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
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let tasks = TaskTracker::new();
    let builder = builder();
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
        let (builder, service) = (builder.clone(), service.clone());
        lanes.spawn(move || async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => {
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    if let Err(error) = watcher.watch(connection).await {
                        debug!(%error, "connection ended with an error");
                    }
                }
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

/// HTTP/1.1 alone: without TLS nobody negotiates HTTP/2.
fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WAIT_MAX)
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
