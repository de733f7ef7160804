//! However a session ends, no process outlives it.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;

/// Starts and abrupt ends in the ordinary test run.
const ENDS: u32 = 200;
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// The processes that were started with `marker` in their environment and still run.
pub(crate) fn survivors(marker: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let carries = |id: &String| {
        fs::read(format!("/proc/{id}/environ"))
            .is_ok_and(|environment| String::from_utf8_lossy(&environment).contains(marker))
    };
    processes
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(carries)
        .collect()
}

#[track_caller]
fn nobody_survives(marker: &str) {
    let begun = Instant::now();
    loop {
        let left = survivors(marker);
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < GONE_WITHIN, "still running: {left:?}");
        sleep(Duration::from_millis(20));
    }
}

pub(crate) fn signal(client: &Client, signal: Signal) {
    let id = Pid::from_raw(client.process.id().cast_signed()).unwrap();
    kill_process(id, signal).unwrap();
}

#[test]
fn no_process_is_left_after_many_abrupt_ends() {
    let marker = format!("MARKER=ends-{}", std::process::id());
    // `env` puts the marker into the server's environment.
    let server = crate::client::scripted_server();
    let server = ["env", &marker, server.to_str().unwrap()];
    for round in 0..ENDS {
        let mut client = Client::start_server(&[], &server);
        match round % 5 {
            0 => {}
            1 => client.call(1, "x"),
            2 => {
                client.call(1, "x");
                client.receive();
            }
            3 => client.call(1, "hang"),
            _ => signal(&client, Signal::TERM),
        }
        match round % 2 {
            // The client dies: its ends of the pipes close.
            0 => {
                client.input.take();
            }
            // The gateway itself is killed outright.
            _ => client.process.kill().unwrap(),
        }
        if round % 10 == 0 {
            client.process.wait().unwrap();
        }
    }
    nobody_survives(&marker);
}

#[test]
fn what_the_server_started_ends_too() {
    let marker = format!("MARKER=tree-{}", std::process::id());
    let script = format!("export {marker}; sleep 600 & sleep 600 & cat >/dev/null; wait");
    for end in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut client = Client::start_server(&[], &["sh", "-c", &script]);
        client.call(1, "x");
        let begun = Instant::now();
        while survivors(&marker).len() < 2 {
            assert!(begun.elapsed() < GONE_WITHIN, "the server did not start");
            sleep(Duration::from_millis(5));
        }
        signal(&client, end);
        client.process.wait().unwrap();
        nobody_survives(&marker);
    }
}

#[test]
fn the_end_of_the_input_ends_a_server_that_hangs_within_a_bound() {
    let mut client = Client::start(&[]);
    client.call(1, "hang");
    let begun = Instant::now();
    client.close();
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}
