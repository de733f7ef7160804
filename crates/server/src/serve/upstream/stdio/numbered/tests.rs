use portcullis_mcp::{EnvelopeLimits, Peer};
use portcullis_transport::child::{ServerCommand, Surroundings};
use tempfile::TempDir;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::*;
use crate::serve::judging::tests::quiet_conversation_with;
use crate::serve::outlet::{Outgoing, Parcel, Parcels};
use crate::serve::upstream::stdio::ServerOutput;

/// LIMIT: nothing that a test waits for takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// The conversation with a server that says again what it is told, which nobody passes on.
fn conversation(directory: &TempDir) -> (Arc<Conversation>, ServerOutput) {
    let command = ServerCommand {
        program: "cat".into(),
        arguments: Vec::new(),
    };
    let surroundings = Surroundings::default();
    let (server, told) = StdioUpstream::spawn(&command, &surroundings, 1 << 20, true).unwrap();
    let conversation = quiet_conversation_with(Upstream::Stdio(server), directory.path());
    (conversation, told)
}

fn server(conversation: &Conversation) -> &StdioUpstream {
    let Upstream::Stdio(server) = conversation.upstream() else {
        panic!("it is no child process");
    };
    server
}

/// Sends a request with the id `x`, and gives what comes back of it.
async fn ask(conversation: &Arc<Conversation>) -> Parcels {
    let request = Bytes::from_static(
        br#"{"jsonrpc":"2.0","id":"x","method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}"#,
    );
    let message = Message::parse(&request, &EnvelopeLimits::new(Peer::Client)).unwrap();
    let (outlet, parcels) = Outlet::new();
    let scope = conversation.next_scope();
    let taken = conversation.take(&message, scope, &Arc::default(), Some(&outlet));
    let on_its_way = taken.await.unwrap().unwrap();
    // It goes on by itself.
    drop(on_its_way);
    parcels
}

/// The next line that the server was told.
async fn line(told: &mut ServerOutput) -> String {
    let next = timeout(PATIENCE, told.lines.next()).await;
    let line = next.expect("the server is told nothing");
    String::from_utf8(line.unwrap().unwrap().unwrap()).unwrap()
}

fn cancellation(number: u32) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{number}}}}}"#
    )
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_own_request_whose_answer_is_nobodys() {
    let directory = TempDir::new().unwrap();
    let (conversation, mut told) = conversation(&directory);
    let mut stays = ask(&conversation).await;
    assert!(line(&mut told).await.contains(r#""id":1,"#));
    let leaves = ask(&conversation).await;
    assert!(line(&mut told).await.contains(r#""id":2,"#));
    drop(leaves);
    assert_eq!(line(&mut told).await, cancellation(2));

    let numbered = server(&conversation).numbered().unwrap();
    for number in [2, 1] {
        let answer = format!(
            r#"{{"jsonrpc":"2.0","id":{number},"result":{{"tools":[],"ttlMs":{number},"cacheScope":"private","resultType":"complete"}}}}"#
        );
        numbered.take(&conversation, answer.into_bytes()).await;
    }
    let Parcel::Message(Outgoing { bytes, .. }) = *stays.recv().await.unwrap() else {
        panic!("there is no answer");
    };
    let answer = str::from_utf8(&bytes).unwrap();
    assert!(answer.contains(r#""id":"x","#), "{answer}");
    assert!(answer.contains(r#""ttlMs":1,"#), "{answer}");
    assert!(stays.recv().await.is_none());
}

#[tokio::test]
async fn the_server_hears_nothing_of_a_request_that_was_given_up_before_its_turn() {
    let directory = TempDir::new().unwrap();
    let (conversation, mut told) = conversation(&directory);
    let another_is_written = server(&conversation).input.lock().await;
    let leaves = ask(&conversation).await;
    yield_now().await;
    assert!(!conversation.is_quiet());
    drop(leaves);
    let quiet = timeout(PATIENCE, conversation.quiet()).await;
    quiet.expect("the request waits for its turn");
    drop(another_is_written);
    let mut others = Vec::new();
    for number in [2, 3] {
        others.push(ask(&conversation).await);
        let next = line(&mut told).await;
        assert!(next.contains(&format!(r#""id":{number},"#)), "{next}");
    }
}

#[tokio::test]
async fn a_server_that_asks_is_told_that_there_is_no_such_method() {
    let directory = TempDir::new().unwrap();
    let (conversation, mut told) = conversation(&directory);
    let numbered = server(&conversation).numbered().unwrap();
    let asked = br#"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#;
    numbered.take(&conversation, asked.to_vec()).await;
    let refused =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}"#;
    assert_eq!(line(&mut told).await, refused);
}
