use std::sync::Arc;

use portcullis_mcp::Method;
use portcullis_trace::record::{Direction, EventRecord, Verdict};

use super::exposition::{Exposition, Kind};
use super::number::{Counter, Histogram};

/// What stands for all methods that no revision knows, and for what is known of none.
const OTHER: &str = "other";
const METHODS: usize = Method::KNOWN.len() + 1;
const DIRECTIONS: [Direction; 2] = [Direction::ToServer, Direction::ToClient];
const VERDICTS: [Verdict; 4] = [
    Verdict::Allow,
    Verdict::Redact,
    Verdict::Block,
    Verdict::Ask,
];

/// What is counted of all sessions with one server.
#[derive(Debug)]
pub(crate) struct ServerMetrics {
    begun: Counter,
    ended: [Counter; EndReason::ALL.len()],
    messages: [[[Counter; VERDICTS.len()]; DIRECTIONS.len()]; METHODS],
    bytes: [Counter; DIRECTIONS.len()],
    not_judged: Counter,
    /// Reading and parsing a client's message.
    pub(crate) reading: Histogram,
    /// Correlating a message, lowering and judging it, once its turn has come, with the answers of
    /// detectors that it waits for.
    pub(crate) judging: Histogram,
    /// Handing a record over; with strict durability, until it is on disk.
    pub(crate) recording: Histogram,
    /// From when a request was passed on to the first of its answer. Clients of HTTP+SSE have one
    /// stream for everything, so that nothing waits for theirs.
    pub(crate) waiting: Histogram,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndReason {
    /// The client said so, or closed the stream that is its session.
    Client,
    Server,
    /// Its `initialize` was refused.
    Refused,
    Idle,
    /// It has lived as long as a session may.
    Age,
    /// Another of the same client took its place.
    Replaced,
    /// Its server is not configured any more as it was.
    Reconfigured,
    /// The gateway ends.
    Gateway,
}

// === impl ServerMetrics ===

impl ServerMetrics {
    pub(crate) fn begin(&self) {
        self.begun.add(1);
    }

    pub(crate) fn end(&self, reason: EndReason) {
        let place = EndReason::ALL.iter().position(|known| *known == reason);
        if let Some(counter) = place.and_then(|place| self.ended.get(place)) {
            counter.add(1);
        }
    }

    pub(crate) fn message(&self, event: &EventRecord) {
        let known = |method: &Method| Some(method.as_str()) == event.method.as_deref();
        let method = Method::KNOWN.iter().position(known);
        let method = method.unwrap_or(Method::KNOWN.len());
        let direction = usize::from(event.direction == Direction::ToClient);
        let verdict = match event.verdict {
            Verdict::Allow => 0,
            Verdict::Redact => 1,
            Verdict::Block => 2,
            Verdict::Ask => 3,
        };
        let messages = self.messages.get(method);
        let messages = messages.and_then(|messages| messages.get(direction));
        if let Some(counter) = messages.and_then(|messages| messages.get(verdict)) {
            counter.add(1);
        }
        if let (Some(message), Some(bytes)) = (&event.message, self.bytes.get(direction)) {
            bytes.add(u64::try_from(message.len()).unwrap_or(u64::MAX));
        }
        if event.failure.is_some() {
            self.not_judged.add(1);
        }
    }

    pub(crate) fn open(&self) -> u64 {
        let ended: u64 = self.ended.iter().map(Counter::get).sum();
        // Both are read one after the other, while sessions end.
        self.begun.get().saturating_sub(ended)
    }
}

impl Default for ServerMetrics {
    fn default() -> Self {
        let by_verdict = || [const { Counter::new() }; VERDICTS.len()];
        let by_direction = || [by_verdict(), by_verdict()];
        Self {
            begun: Counter::new(),
            ended: [const { Counter::new() }; EndReason::ALL.len()],
            messages: std::array::from_fn(|_| by_direction()),
            bytes: [const { Counter::new() }; DIRECTIONS.len()],
            not_judged: Counter::new(),
            reading: Histogram::default(),
            judging: Histogram::default(),
            recording: Histogram::default(),
            waiting: Histogram::default(),
        }
    }
}

// === impl EndReason ===

impl EndReason {
    const ALL: [Self; 8] = [
        Self::Client,
        Self::Server,
        Self::Refused,
        Self::Idle,
        Self::Age,
        Self::Replaced,
        Self::Reconfigured,
        Self::Gateway,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Refused => "refused",
            Self::Idle => "idle",
            Self::Age => "age",
            Self::Replaced => "replaced",
            Self::Reconfigured => "reconfigured",
            Self::Gateway => "gateway",
        }
    }
}

/// Writes what was counted of each server, by its name.
pub(super) fn expose(out: &mut Exposition, servers: &[(String, Arc<ServerMetrics>)]) {
    let open = out.family(
        "portcullis_sessions_open",
        Kind::Gauge,
        "Sessions that go on.",
    );
    for (name, server) in servers {
        open.sample(&[("server", name)], server.open());
    }
    let begun = out.family(
        "portcullis_sessions_begun_total",
        Kind::Counter,
        "Sessions that have begun.",
    );
    for (name, server) in servers {
        begun.sample(&[("server", name)], server.begun.get());
    }
    let ended = out.family(
        "portcullis_sessions_ended_total",
        Kind::Counter,
        "Sessions that have ended, by what ended them.",
    );
    for (name, server) in servers {
        for (reason, counter) in EndReason::ALL.iter().zip(&server.ended) {
            let labels = [("server", name.as_str()), ("reason", reason.as_str())];
            ended.sample(&labels, counter.get());
        }
    }
    let messages = out.family(
        "portcullis_messages_total",
        Kind::Counter,
        "Messages that were judged; a response counts under the method that it answers.",
    );
    for (name, server) in servers {
        expose_messages(messages, name, server);
    }
    let bytes = out.family(
        "portcullis_message_bytes_total",
        Kind::Counter,
        "Bytes of the messages that were judged.",
    );
    for (name, server) in servers {
        for (direction, counter) in DIRECTIONS.iter().zip(&server.bytes) {
            let labels = [("server", name.as_str()), ("direction", direction.name())];
            bytes.sample(&labels, counter.get());
        }
    }
    let not_judged = out.family(
        "portcullis_failed_judgements_total",
        Kind::Counter,
        "Messages that a guardrail failed to judge.",
    );
    for (name, server) in servers {
        not_judged.sample(&[("server", name)], server.not_judged.get());
    }
    expose_times(out, servers);
}

/// Of the many, only those that there were.
fn expose_messages(out: &mut Exposition, name: &str, server: &ServerMetrics) {
    let methods = Method::KNOWN.iter().map(Method::as_str).chain([OTHER]);
    for (method, by_direction) in methods.zip(&server.messages) {
        for (direction, by_verdict) in DIRECTIONS.iter().zip(by_direction) {
            for (verdict, counter) in VERDICTS.iter().zip(by_verdict) {
                if counter.get() == 0 {
                    continue;
                }
                let labels = [
                    ("server", name),
                    ("method", method),
                    ("direction", direction.name()),
                    ("verdict", &verdict.to_string()),
                ];
                out.sample(&labels, counter.get());
            }
        }
    }
}

fn expose_times(out: &mut Exposition, servers: &[(String, Arc<ServerMetrics>)]) {
    let phases = out.family(
        "portcullis_phase_seconds",
        Kind::Histogram,
        "How long a message was in each phase: reading, judging, recording, waiting for a server.",
    );
    for (name, server) in servers {
        for (phase, times) in [
            ("reading", &server.reading),
            ("judging", &server.judging),
            ("recording", &server.recording),
            ("waiting", &server.waiting),
        ] {
            phases.histogram(&[("server", name), ("phase", phase)], times);
        }
    }
}
