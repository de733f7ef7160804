//! However clients leave, nothing of their sessions stays.

use std::fs;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::gateway::{Gateway, call, eventually, initialize};
use super::http::{PATIENCE, Request};
use super::revisions::modern_call;
use super::upstream::Upstream;
use crate::client::scripted_server;
use crate::processes::survivors;

/// Half of the sessions: the first bring the process to its level, the others must leave it there.
const HALF: usize = 500;
const CLIENTS: usize = 8;
/// File descriptors that may come and go by themselves.
const FILES_SLACK: usize = 8;
/// How much the resident memory may grow beyond its level, in per cent of it.
const GROWTH_MAX: usize = 30;

/// While sessions are opened none is to end by itself; then all are.
const PATIENT: &str = "10m";
const IMPATIENT: &str = "1s";
const OVER_HTTP: &str = "/servers/s/mcp";
const OVER_STDIO: &str = "/servers/p/mcp";
const LEGACY_STREAM: &str = "/servers/p/sse";

type Leave = fn(&Gateway) -> Vec<TcpStream>;

/// Each opens a session, or almost, and leaves; connections that it gives are kept, and not read.
const UNKIND: [Leave; 13] = [
    |gateway| half_said(gateway, OVER_HTTP, 150),
    |gateway| half_said(gateway, OVER_HTTP, 350),
    |gateway| half_said(gateway, OVER_HTTP, usize::MAX),
    |gateway| half_said(gateway, OVER_STDIO, usize::MAX),
    |gateway| {
        let session = gateway.open();
        assert_eq!(session.delete().status, 200);
        assert_eq!(session.delete().status, 404);
        Vec::new()
    },
    |gateway| {
        gateway.open().call(1, "wait");
        Vec::new()
    },
    |gateway| {
        let session = gateway.open();
        assert!(session.call(1, "resumable").event().is_some());
        assert_eq!(session.listen(None).status, 200);
        Vec::new()
    },
    |gateway| {
        let session = gateway.open();
        let flood = session.base.saying(&call(1, "flood"));
        vec![
            flood.say(session.address),
            session.base.say(session.address),
        ]
    },
    |gateway| {
        let session = gateway.open();
        session
            .base
            .saying(&call(1, "x"))
            .say_some(session.address, 350)
            .unwrap();
        Vec::new()
    },
    |gateway| {
        assert_eq!(modern_call(1, "wait").send(gateway.address).status, 200);
        Vec::new()
    },
    |gateway| {
        let session = gateway.open_with("2025-06-18", &Request::new("GET", OVER_STDIO));
        assert!(session.answer(1, "x").contains("\"result\""));
        assert_eq!(session.listen(None).status, 200);
        Vec::new()
    },
    |gateway| {
        let session = gateway.open_with("2025-06-18", &Request::new("GET", OVER_STDIO));
        let dies = session.base.saying(&call(1, "die"));
        vec![dies.say(session.address)]
    },
    |gateway| {
        let mut stream = Request::new("GET", LEGACY_STREAM).send(gateway.address);
        assert!(
            stream
                .event()
                .unwrap()
                .data
                .starts_with("/servers/p/messages?")
        );
        Vec::new()
    },
];

fn half_said(gateway: &Gateway, path: &str, bytes: usize) -> Vec<TcpStream> {
    let request = Request::post(path, &initialize("2025-06-18"));
    request.say_some(gateway.address, bytes).unwrap();
    Vec::new()
}

fn upstream() -> Upstream {
    Upstream::closing(|received, reply| {
        match received.tool() {
            Some("wait") => {
                let mut events = reply.events();
                events.send(": begun");
                events.is_closed_within(PATIENCE);
            }
            Some("resumable") => {
                let mut events = reply.events();
                events.send("id: 1\ndata:");
                events.end();
            }
            Some("flood") => {
                let mut events = reply.events();
                let text = "x".repeat(10_000);
                let log = format!(
                    r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{"level":"info","data":"{text}"}}}}"#
                );
                for _ in 0..50 {
                    events.message(&log);
                }
                events.message(&received.answered("{}"));
                events.end();
            }
            None if received.is_get() => {
                let mut events = reply.events();
                events.send(": begun");
                events.is_closed_within(PATIENCE);
            }
            _ => return Some(reply),
        }
        None
    })
}

fn leave_unkindly(gateway: &Gateway) {
    let next = AtomicUsize::new(0);
    let leave = || {
        let mut unread = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= HALF {
                break;
            }
            unread.extend(UNKIND[number % UNKIND.len()](gateway));
        }
    };
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(leave);
        }
    });
}

fn open_files(gateway: &Gateway) -> usize {
    let directory = format!("/proc/{}/fd", gateway.process.id());
    fs::read_dir(directory).unwrap().count()
}

fn resident_kilobytes(gateway: &Gateway) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.unwrap().parse().unwrap()
}

fn limits(idle_timeout: &str) -> String {
    format!(
        "sessions: {{ idle_timeout: {idle_timeout}, max_sessions: 5000, max_sessions_per_principal: 5000 }}\nstreams: {{ request_timeout: 4s, keep_alive: 1s }}\n"
    )
}

pub(crate) fn signal(gateway: &Gateway, signal: Signal) {
    let id = Pid::from_raw(gateway.process.id().cast_signed()).unwrap();
    kill_process(id, signal).unwrap();
}

/// Puts another limit in force.
fn limit(gateway: &Gateway, idle_timeout: &str) {
    let changes = || gateway.log().matches("configuration has changed").count();
    let before = changes();
    gateway.configure(&limits(idle_timeout));
    signal(gateway, Signal::HUP);
    eventually("the limit is not in force", || changes() > before);
}

/// Waits until every session that began has ended, with its server.
#[track_caller]
fn settled(gateway: &Gateway, marker: &str) {
    limit(gateway, IMPATIENT);
    let count = |log: &str, what: &str| log.matches(what).count();
    eventually("a session goes on", || {
        let log = gateway.log();
        count(&log, "session begins") == count(&log, "session ends")
    });
    eventually("a server goes on", || survivors(marker).is_empty());
}

#[test]
fn nothing_stays_of_a_thousand_sessions_that_ended_unkindly() {
    let marker = format!("unkind-{}", std::process::id());
    let upstream = upstream();
    let (url, program) = (upstream.address, scripted_server());
    let servers = format!(
        "servers:\n  s: {{ url: \"http://{url}/\" }}\n  p: {{ command: [{program:?}], env: {{ MARKER: {marker} }} }}\n"
    );
    let mut gateway = Gateway::start(&servers, &limits(PATIENT));
    leave_unkindly(&gateway);
    settled(&gateway, &marker);
    let (files, memory) = (open_files(&gateway), resident_kilobytes(&gateway));

    limit(&gateway, PATIENT);
    leave_unkindly(&gateway);
    settled(&gateway, &marker);
    eventually("files stay open", || {
        open_files(&gateway) <= files + FILES_SLACK
    });
    let now = resident_kilobytes(&gateway);
    let bound = memory + memory * GROWTH_MAX / 100;
    assert!(now < bound, "{memory} kB have become {now} kB");

    // It waits for its tasks, and says so if some go on.
    signal(&gateway, Signal::TERM);
    let mut status = None;
    eventually("the gateway does not end", || {
        status = gateway.process.try_wait().unwrap();
        status.is_some()
    });
    assert!(status.is_some_and(|status| status.success()));
    let log = gateway.log();
    assert!(!log.contains("was cut"), "tasks went on");
}
