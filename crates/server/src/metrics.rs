//! What is counted, for operators: in the text format of Prometheus, version 0.0.4.
//!
//! Everything that is counted has its place from the beginning: a closed set of names stands for
//! each label, so that nothing that peers say makes it grow, and counting takes neither a lock nor
//! memory.

mod exposition;
mod number;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::StatusCode;
use portcullis_store::{Queued, RecorderStatus};

use self::exposition::{Exposition, Kind};
use self::number::Counter;
pub(crate) use self::server::{EndReason, ServerMetrics};
use crate::config::ServerName;

/// The first status that says that a request is refused, and how many follow it.
const REFUSALS_FROM: u16 = 400;
const REFUSALS: usize = 200;

/// All counters of a gateway.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// One for each server that was ever configured since the start.
    servers: RwLock<BTreeMap<ServerName, Arc<ServerMetrics>>>,
    /// Servers that clients name themselves count together.
    named: Arc<ServerMetrics>,
    /// By status.
    refused: [Counter; REFUSALS],
}

/// What is looked at only when somebody asks.
#[derive(Debug)]
pub(crate) struct Gauges {
    /// Messages that wait until their client opens a stream for them.
    pub(crate) waiting_messages: usize,
    /// `None`: nothing is recorded.
    pub(crate) recorder: (RecorderStatus, Queued),
}

// === impl Metrics ===

impl Default for Metrics {
    fn default() -> Self {
        Self {
            servers: RwLock::default(),
            named: Arc::default(),
            refused: [const { Counter::new() }; REFUSALS],
        }
    }
}

impl Metrics {
    pub(crate) fn of(&self, server: &ServerName) -> Arc<ServerMetrics> {
        let known = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(server) {
            return Arc::clone(known);
        }
        drop(known);
        let mut servers = self.servers.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(servers.entry(server.clone()).or_default())
    }

    pub(crate) fn of_named(&self) -> Arc<ServerMetrics> {
        Arc::clone(&self.named)
    }

    pub(crate) fn refuse(&self, status: StatusCode) {
        let place = status.as_u16().checked_sub(REFUSALS_FROM).map(usize::from);
        if let Some(counter) = place.and_then(|place| self.refused.get(place)) {
            counter.add(1);
        }
    }

    /// Everything, as it is now.
    pub(crate) fn expose(&self, gauges: &Gauges) -> String {
        let mut out = Exposition::default();
        let version = env!("CARGO_PKG_VERSION");
        let build = out.family(
            "portcullis_build_info",
            Kind::Gauge,
            "The version that runs.",
        );
        build.sample(&[("version", version)], 1);
        self.expose_servers(&mut out);
        let refused = out.family(
            "portcullis_refused_requests_total",
            Kind::Counter,
            "HTTP requests that were answered with an error, by its status.",
        );
        for (status, counter) in (REFUSALS_FROM..).zip(&self.refused) {
            if counter.get() > 0 {
                refused.sample(&[("status", &status.to_string())], counter.get());
            }
        }
        gauges.expose(&mut out);
        out.finish()
    }

    fn expose_servers(&self, out: &mut Exposition) {
        let configured = self.servers.read().unwrap_or_else(PoisonError::into_inner);
        let configured = configured.iter();
        let mut servers: Vec<(String, Arc<ServerMetrics>)> = configured
            .map(|(name, server)| (name.to_string(), Arc::clone(server)))
            .collect();
        servers.push((String::new(), self.of_named()));
        server::expose(out, &servers);
    }
}

// === impl Gauges ===

impl Gauges {
    fn expose(&self, out: &mut Exposition) {
        out.family(
            "portcullis_waiting_messages",
            Kind::Gauge,
            "Messages that wait until their client opens a stream for them.",
        )
        .sample(&[], count(self.waiting_messages));
        let (status, queued) = &self.recorder;
        out.family(
            "portcullis_recorder_queue_entries",
            Kind::Gauge,
            "Entries that wait to be recorded.",
        )
        .sample(&[], count(queued.entries));
        out.family(
            "portcullis_recorder_queue_bytes",
            Kind::Gauge,
            "Memory of the entries that wait to be recorded.",
        )
        .sample(&[], count(queued.bytes));
        out.family(
            "portcullis_recorder_lost_total",
            Kind::Counter,
            "Entries that were not recorded.",
        )
        .sample(&[], status.lost);
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_status_and_nothing_else_is() {
        let metrics = Metrics::default();
        for status in [200, 399, 400, 401, 401, 599, 600, 999] {
            metrics.refuse(StatusCode::from_u16(status).unwrap());
        }
        let gauges = Gauges {
            waiting_messages: 0,
            recorder: (
                RecorderStatus::default(),
                Queued {
                    entries: 0,
                    bytes: 0,
                },
            ),
        };
        let text = metrics.expose(&gauges);
        let refused: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("portcullis_refused_requests_total"))
            .collect();
        assert_eq!(
            refused,
            [
                r#"{status="400"} 1"#,
                r#"{status="401"} 2"#,
                r#"{status="599"} 1"#
            ]
        );
    }
}
