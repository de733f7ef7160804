use bytes::Bytes;
use http_body_util::Full;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{sleep, timeout};

use super::super::listen::serve_one;
use super::*;

const HEAD: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const SECOND: Duration = Duration::from_secs(1);
/// What is written before somebody reads.
const BUFFER: usize = 1 << 10;

/// A body without an end.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let part = Bytes::from(vec![b'a'; BUFFER]);
        Poll::Ready(Some(Ok(Frame::data(part))))
    }
}

/// A connection to a service that takes so long for an answer.
fn connect(takes: Duration, rest_max: Duration) -> DuplexStream {
    connect_to(takes, rest_max, Bytes::from_static(b"done"))
}

fn connect_to(takes: Duration, rest_max: Duration, answer: Bytes) -> DuplexStream {
    let (client, server) = duplex(BUFFER);
    let service = service_fn(move |_| {
        let answer = answer.clone();
        async move {
            sleep(takes).await;
            Ok::<_, Infallible>(Response::new(Full::new(answer)))
        }
    });
    let graceful = GracefulShutdown::new();
    let watcher = graceful.watcher();
    spawn_local(async move {
        serve_one(server, service, watcher, move || rest_max).await;
        drop(graceful);
    });
    client
}

async fn exchange(client: &mut DuplexStream) {
    client.write_all(HEAD.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"done") {
        assert_ne!(client.read_buf(&mut answer).await.unwrap(), 0, "no answer");
    }
}

/// Whether it is closed within so long, and not a second before.
async fn closes_after(client: &mut DuplexStream, wait: Duration) -> bool {
    let mut rest = Vec::new();
    let early = timeout(wait.saturating_sub(SECOND), client.read_buf(&mut rest)).await;
    let then = timeout(2 * SECOND, client.read_buf(&mut rest)).await;
    early.is_err() && matches!(then, Ok(Ok(0)))
}

#[tokio::test(start_paused = true)]
async fn a_connection_rests_between_requests_for_longer_than_clients_keep_it() {
    let test = async {
        let mut client = connect(SECOND, REST_MAX);
        for _ in 0..3 {
            exchange(&mut client).await;
            sleep(Duration::from_secs(100)).await;
        }
        exchange(&mut client).await;
        assert!(closes_after(&mut client, REST_MAX).await);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_in_pieces_ends_the_connection() {
    let test = async {
        let mut silent = connect(SECOND, REST_MAX);
        assert!(closes_after(&mut silent, HEAD_WAIT_MAX).await);
        let mut client = connect(SECOND, REST_MAX);
        exchange(&mut client).await;
        sleep(Duration::from_secs(33)).await;
        for byte in HEAD.bytes().take(9) {
            client.write_all(&[byte]).await.unwrap();
            sleep(SECOND).await;
        }
        assert!(closes_after(&mut client, SECOND).await);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_its_time() {
    let test = async {
        let mut client = connect(Duration::from_hours(1), REST_MAX);
        exchange(&mut client).await;
        exchange(&mut client).await;
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_be_read_slowly() {
    let test = async {
        let answer = Bytes::from(vec![b'a'; 9 * BUFFER]);
        let mut client = connect_to(SECOND, HEAD_WAIT_MAX, answer.clone());
        client.write_all(HEAD.as_bytes()).await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(&answer) {
            sleep(Duration::from_secs(100)).await;
            let mut part = [0; BUFFER];
            let length = client.read(&mut part).await.unwrap();
            assert_ne!(length, 0, "cut after {} bytes", read.len());
            read.extend_from_slice(&part[..length]);
        }
        let mut client = connect_to(SECOND, REST_MAX, answer);
        client.write_all(HEAD.as_bytes()).await.unwrap();
        sleep(REST_MAX + 2 * SECOND).await;
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
        assert!(read.len() <= BUFFER, "nobody reads");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn who_reads_nothing_of_a_long_answer_loses_the_connection() {
    let test = async {
        let (mut client, server) = duplex(BUFFER);
        // More than is buffered, so that the body is not at its end.
        let service = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Endless)) });
        let graceful = GracefulShutdown::new();
        let watcher = graceful.watcher();
        spawn_local(async move {
            serve_one(server, service, watcher, || REST_MAX).await;
            drop(graceful);
        });
        client.write_all(HEAD.as_bytes()).await.unwrap();
        sleep(REST_MAX + HEAD_WAIT_MAX + 2 * SECOND).await;
        let mut read = Vec::new();
        client.read_to_end(&mut read).await.unwrap();
        assert!(read.len() <= BUFFER);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_line_behind_a_body_begins_no_head() {
    let test = async {
        let mut client = connect(SECOND, REST_MAX);
        exchange(&mut client).await;
        client.write_all(b"\r\n").await.unwrap();
        sleep(Duration::from_secs(100)).await;
        exchange(&mut client).await;
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test(start_paused = true)]
async fn where_places_are_few_nobody_rests_for_long() {
    let test = async {
        let mut client = connect(SECOND, HEAD_WAIT_MAX);
        exchange(&mut client).await;
        assert!(closes_after(&mut client, HEAD_WAIT_MAX).await);
    };
    LocalSet::new().run_until(test).await;
}
