//! A gateway under mixed load for a while, with servers that fail: every error must be explained
//! by a fault, and what the process holds must stay flat.
//!
//! Clients over Streamable HTTP and HTTP+SSE open sessions with servers over stdio, HTTP+SSE and
//! Streamable HTTP. Each call asks for the fault that it is to meet, so that what comes of it can
//! be judged. Sessions end kindly or not.

mod fault;
mod message;
mod server;
mod session;
mod watch;

use self::fault::{Expected, Fault, Server};
use self::message::Heard;
use self::session::{Client, Session};
use self::watch::{Measure, Sample, sample};
use crate::gateway::{Gateway, Setup};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub(crate) use self::server::serve_stdio;

/// Clients of each kind for each server.
const CLIENTS: u64 = 2;
/// One call in so many meets a fault.
const FAULTS: u64 = 8;
/// LIMIT: calls of one session.
const CALLS_MAX: u64 = 60;
/// Between the sessions of a client, so that the machine stays usable.
const PAUSE: Duration = Duration::from_millis(20);
const SAMPLE_EVERY: Duration = Duration::from_secs(2);
/// Within which sessions that nobody ended, and idle connections, must be gone.
const QUIET_MAX: Duration = Duration::from_mins(2);
/// LIMIT: what could not be explained and is shown.
const SHOWN_MAX: usize = 20;
/// What must stay flat, and how much of what it was in the second quarter it may be in the last,
/// in hundredths.
const MEASURES: [Measure; 2] = [
    Measure {
        name: "memory, KiB",
        of: |sample| sample.memory_kib,
        max: 115,
    },
    Measure {
        name: "descriptors",
        of: |sample| sample.descriptors,
        max: 125,
    },
];
/// Descriptors that may be left when all is quiet, beyond those of the gateway that has just started.
/// The store keeps up to four connections, of two files each, once they were needed; a leak would be
/// one for each session.
const LEFT_MAX: u64 = 8;
const SETTINGS: &str = "sessions:
  idle_timeout: 5s
  max_sessions: 10000
  max_sessions_per_principal: 10000
streams: { request_timeout: 20s }
guardrails:
- name: ten-rules
  policy: { file: RULES }
";

/// What became of the calls of one client, or of all.
#[derive(Default)]
struct Tally {
    /// Calls by client, server and fault.
    calls: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    sessions: u64,
    failures: u64,
    unexplained: Vec<String>,
}

/// One client that opens session after session.
#[derive(Clone, Copy)]
struct Worker {
    client: Client,
    server: Server,
    address: SocketAddr,
    random: Random,
    end: Instant,
}

/// Numbers that differ; the same ones each time.
#[derive(Clone, Copy)]
struct Random(u64);

/// The flag of the result says whether every error is explained and everything flat.
pub(crate) fn run(portcullis: &Path, minutes: f64) -> Result<(String, bool), String> {
    let directory = TempDir::with_prefix("portcullis-soak-").map_err(|error| error.to_string())?;
    let gateway = start(portcullis, directory.path())?;
    let before = started(gateway.process())?;
    let end = Instant::now() + Duration::from_secs_f64(minutes * 60.0);
    let (tally, samples) = thread::scope(|scope| {
        let mut workers = Vec::new();
        for (client, server, number) in all_workers() {
            let worker = Worker {
                client,
                server,
                address: gateway.address(),
                random: Random::seeded(number),
                end,
            };
            workers.push(scope.spawn(move || worker.run()));
        }
        let mut samples = Vec::new();
        while Instant::now() < end {
            thread::sleep(SAMPLE_EVERY);
            samples.push(sample(gateway.process())?);
        }
        let mut all = Tally::default();
        for worker in workers {
            all.add(worker.join().map_err(|_| "a client panicked")?);
        }
        Ok::<_, String>((all, samples))
    })?;
    let after = quiet(gateway.process(), before)?;
    Ok(report(&tally, &samples, before, after))
}

fn start(portcullis: &Path, directory: &Path) -> Result<Gateway, String> {
    let address = server::start()?;
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let rules = directory.join("rules.inv");
    crate::npm::write(&rules, crate::overhead::POLICY)?;
    Gateway::start(&Setup {
        portcullis,
        directory: directory.to_owned(),
        servers: vec![
            (
                "stdio",
                format!("command: [{}, soak-server]", this.display()),
            ),
            ("sse", format!("url: http://{address}/sse\ntransport: sse")),
            ("http", format!("url: http://{address}/mcp")),
        ],
        settings: &SETTINGS.replace("RULES", &rules.display().to_string()),
    })
}

fn all_workers() -> impl Iterator<Item = (Client, Server, u64)> {
    let pairs = Client::ALL
        .into_iter()
        .flat_map(|client| Server::ALL.map(|server| (client, server)));
    pairs.flat_map(|(client, server)| (0..CLIENTS).map(move |number| (client, server, number)))
}

/// Waits until the gateway opens nothing more, for a bounded time: it listens before all its threads
/// have begun.
fn started(process: u32) -> Result<Sample, String> {
    let deadline = Instant::now() + QUIET_MAX;
    let mut last = sample(process)?;
    loop {
        thread::sleep(SAMPLE_EVERY);
        let now = sample(process)?;
        if now.descriptors == last.descriptors || Instant::now() > deadline {
            return Ok(now);
        }
        last = now;
    }
}

/// Waits until the gateway holds what it held at the start, for a bounded time.
fn quiet(process: u32, before: Sample) -> Result<Sample, String> {
    let deadline = Instant::now() + QUIET_MAX;
    loop {
        let now = sample(process)?;
        let is_quiet =
            now.descriptors <= before.descriptors + LEFT_MAX && now.children <= before.children;
        if is_quiet || Instant::now() > deadline {
            return Ok(now);
        }
        thread::sleep(SAMPLE_EVERY);
    }
}

fn report(tally: &Tally, samples: &[Sample], before: Sample, after: Sample) -> (String, bool) {
    let mut lines = vec![
        "| client | server | fault | calls |".to_owned(),
        "|---|---|---|--:|".to_owned(),
    ];
    for ((client, server, fault), calls) in &tally.calls {
        lines.push(format!("| {client} | {server} | {fault} | {calls} |"));
    }
    let calls: u64 = tally.calls.values().sum();
    lines.push(format!(
        "\n{calls} calls in {} sessions; {} errors that a fault explains, {} that none does",
        tally.sessions,
        tally.failures,
        tally.unexplained.len()
    ));
    lines.extend(tally.unexplained.iter().take(SHOWN_MAX).cloned());
    let mut passed = tally.unexplained.is_empty() && calls > 0;
    for measure in MEASURES {
        let (line, is_flat) = measure.judge(samples);
        lines.push(line);
        passed &= is_flat;
    }
    let is_left =
        after.descriptors > before.descriptors + LEFT_MAX || after.children > before.children;
    passed &= !is_left;
    lines.push(format!(
        "at the start {before:?}, when all was quiet {after:?}: {}",
        if is_left {
            "SOMETHING IS LEFT"
        } else {
            "nothing is left"
        }
    ));
    lines.push(
        if passed {
            "soak: passed"
        } else {
            "soak: FAILED"
        }
        .to_owned(),
    );
    (lines.join("\n"), passed)
}

// === impl Worker ===

impl Worker {
    fn run(mut self) -> Tally {
        let mut tally = Tally::default();
        while Instant::now() < self.end {
            if let Err(error) = self.session(&mut tally) {
                let pair = (self.client.name(), self.server.name());
                tally.unexplained.push(format!("{pair:?}: {error}"));
            }
            thread::sleep(PAUSE);
        }
        tally
    }

    /// One session from its beginning to its end.
    fn session(&mut self, tally: &mut Tally) -> Result<(), String> {
        tally.sessions += 1;
        let mut session = Session::open(self.client, self.address, self.server.name())?;
        for _ in 0..=self.random.below(CALLS_MAX) {
            if Instant::now() > self.end {
                break;
            }
            let (fault, expected) = self.fault();
            let kinds = (self.client.name(), self.server.name(), fault.name());
            *tally.calls.entry(kinds).or_default() += 1;
            let text = format!("soak {}", self.random.next());
            let heard = session.call(fault, &text);
            match (
                expected,
                heard.map_err(|error| format!("{}: {error}", fault.name()))?,
            ) {
                (Expected::Answer, Heard::Answer) => {}
                (Expected::Failure, Heard::Failure(_)) => tally.failures += 1,
                (Expected::End, Heard::Failure(_) | Heard::End(_)) => {
                    tally.failures += 1;
                    return Ok(());
                }
                (expected, heard) => {
                    return Err(format!("{}: {heard:?}, not {expected:?}", fault.name()));
                }
            }
        }
        // Half of all sessions are left without a word.
        if self.random.below(2) == 0 {
            session.close()?;
        }
        Ok(())
    }

    fn fault(&mut self) -> (Fault, Expected) {
        if self.random.below(FAULTS) == 0 {
            let possible = Fault::ALL.map(|fault| (fault, fault.expected(self.server)));
            let mut possible: Vec<_> = possible
                .into_iter()
                .filter_map(|(fault, expected)| Some((fault, expected?)))
                .collect();
            let chosen = self.random.below(possible.len() as u64);
            let chosen = usize::try_from(chosen).unwrap_or_default();
            return possible.swap_remove(chosen);
        }
        (Fault::None, Expected::Answer)
    }
}

// === impl Tally ===

impl Tally {
    fn add(&mut self, other: Self) {
        for (kinds, calls) in other.calls {
            *self.calls.entry(kinds).or_default() += calls;
        }
        self.sessions += other.sessions;
        self.failures += other.failures;
        self.unexplained.extend(other.unexplained);
    }
}

// === impl Random ===

impl Random {
    fn seeded(number: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ (number + 1))
    }

    /// Xorshift (Marsaglia 2003).
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}
