//! A server's life as a process: it ends with its group, politely if it can, within a bound.
#![cfg(test)]

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use portcullis_transport::child::{Patience, ServerCommand, Started};
use rustix::process::{Pid, test_kill_process};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

const PATIENCE: Patience = Patience {
    end_of_input: Duration::from_millis(300),
    terminate: Duration::from_millis(300),
    leftovers: Duration::from_millis(300),
};

fn shell(script: &str) -> Started {
    ServerCommand {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
    }
    .spawn()
    .unwrap()
}

/// The number that the script printed.
async fn printed(output: &mut pipe::Receiver) -> i32 {
    let mut bytes = [0; 32];
    let count = output.read(&mut bytes).await.unwrap();
    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
    text.trim().parse().unwrap()
}

/// A process that is gone, or is a zombie that nobody has reaped yet.
fn is_gone(id: i32) -> bool {
    let is_zombie = || {
        std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| {
            stat.rsplit(')')
                .next()
                .is_some_and(|rest| rest.trim().starts_with('Z'))
        })
    };
    test_kill_process(Pid::from_raw(id).unwrap()).is_err() || is_zombie()
}

async fn end(started: Started) -> ExitStatus {
    let Started {
        mut server,
        input,
        output,
    } = started;
    drop((input, output));
    server.end(PATIENCE).await.unwrap()
}

#[tokio::test]
async fn end_of_input_ends_a_polite_server_and_keeps_its_exit_code() {
    let status = end(shell("cat >/dev/null; exit 7")).await;
    assert_eq!(status.code(), Some(7));
}

#[tokio::test]
async fn a_server_that_ignores_the_end_of_input_is_terminated() {
    let status = end(shell("exec sleep 60")).await;
    assert_eq!(status.signal(), Some(15));
}

#[tokio::test]
async fn a_server_that_ignores_everything_is_killed_within_the_bound() {
    let mut started = shell("trap '' TERM; echo $$; while :; do sleep 60; done");
    let id = printed(&mut started.output).await;
    let begun = Instant::now();
    let status = end(started).await;
    assert_eq!(status.signal(), Some(9));
    assert!(is_gone(id));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn what_the_server_started_ends_with_it() {
    let mut started = shell("sleep 60 & echo $!; cat >/dev/null");
    let id = printed(&mut started.output).await;
    assert!(!is_gone(id));
    assert_eq!(end(started).await.code(), Some(0));
    assert!(is_gone(id));
}

#[tokio::test]
async fn dropping_a_server_kills_its_group() {
    let mut started = shell("sleep 60 & echo $!; wait");
    let id = printed(&mut started.output).await;
    drop(started);
    let begun = Instant::now();
    while !is_gone(id) {
        assert!(begun.elapsed() < Duration::from_secs(5), "{id} still runs");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_end_of_a_server_is_noticed() {
    let started = shell("exit 3");
    tokio::time::timeout(Duration::from_secs(5), started.server.ended())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(end(started).await.code(), Some(3));
}

#[tokio::test]
async fn a_program_that_does_not_exist_is_named() {
    let command = ServerCommand {
        program: "/nonexistent/server".into(),
        arguments: Vec::new(),
    };
    let error = command.spawn().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server `/nonexistent/server` could not be started"
    );
}
