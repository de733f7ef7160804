//! Compares a tool call through `portcullis run` with the same call made directly.
//!
//! The sessions are open at the same time and take turns of a few calls, so that a busy machine
//! slows all of them alike. In each, one call is in flight at a time. Start-up is measured in the
//! same way: one start directly, one through the gateway, and again.

mod client;

use client::Client;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Ten rules, all of which look at every call or at every answer.
pub(crate) const POLICY: &str = include_str!("ten_rules.inv");
/// Calls that one session makes before it is the turn of the next.
const TURN: usize = 50;
/// How many times as long as a short session a long one is.
const LONG: usize = 10;
/// Starts of which the median counts.
const STARTS: usize = 30;
/// The most that the gateway may add to the median call.
const CALL_ADDED_MAX: Duration = Duration::from_micros(60);
/// The most that the gateway may add to the median start.
const START_ADDED_MAX: Duration = Duration::from_millis(15);

/// How a server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    Relaxed,
    /// Each message waits for the disk.
    Strict,
}

/// The gateway that is measured, and where it keeps what it records.
struct Bench {
    portcullis: PathBuf,
    directory: TempDir,
}

/// A session of which every call is timed.
struct Series {
    way: Way,
    client: Client,
    /// How many calls it is to make.
    length: usize,
    times: Vec<Duration>,
}

/// What became of a session: the times of its calls, in their order.
struct Measured {
    way: Way,
    times: Vec<Duration>,
}

/// How long something took most of the time, and how long one time in a hundred.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quantiles {
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Measures sessions of `calls` calls and ten times as long ones, then start-up. The flag says
/// whether both additions are as small as they have to be.
pub(crate) fn run(portcullis: &Path, calls: usize) -> Result<(String, bool), String> {
    let bench = Bench::new(portcullis)?;
    let calls = calls.max(1);
    let measured = bench.sessions(calls)?;
    let mut report = String::from(
        "| calls | way | p50 | p99 | added to p50 | ratio of p50 | ratio of p99 |\n\
         |---|---|--:|--:|--:|--:|--:|\n",
    );
    let first = rows(&mut report, &measured, 0, calls)?;
    rows(&mut report, &measured, calls * (LONG - 1), calls)?;
    let (direct, through) = bench.starts()?;
    let start = through.saturating_sub(direct);
    writeln!(
        report,
        "\nstart-up, median of {STARTS}: direct {}, through the gateway {}, added {}",
        millis(direct),
        millis(through),
        millis(start)
    )
    .map_err(|error| error.to_string())?;
    let passed = first <= CALL_ADDED_MAX && start <= START_ADDED_MAX;
    let verdict = if passed {
        "as aimed at"
    } else {
        "OVER THE AIM"
    };
    write!(
        report,
        "{verdict}: at most {} added to a call and {} to a start",
        micros(CALL_ADDED_MAX),
        millis(START_ADDED_MAX)
    )
    .map_err(|error| error.to_string())?;
    Ok((report, passed))
}

/// Writes a row for every session that has made these calls. Gives what the gateway adds where
/// durability is relaxed.
fn rows(
    report: &mut String,
    measured: &[Measured],
    skipped: usize,
    calls: usize,
) -> Result<Duration, String> {
    let part = |session: &Measured| {
        let times = session.times.get(skipped..skipped + calls)?;
        Some((session.way, Quantiles::of(times.to_vec())?))
    };
    let parts: Vec<_> = measured.iter().filter_map(part).collect();
    let of = |wanted| parts.iter().find(|(way, _)| *way == wanted);
    let (Some((_, direct)), Some((_, relaxed))) = (of(Way::Direct), of(Way::Relaxed)) else {
        return Err("a session is too short".to_owned());
    };
    for (way, times) in &parts {
        writeln!(
            report,
            "| {}–{} | {} | {} | {} | {} | {:.2} | {:.2} |",
            skipped + 1,
            skipped + calls,
            way.title(),
            micros(times.p50),
            micros(times.p99),
            micros(times.p50.saturating_sub(direct.p50)),
            times.p50.as_secs_f64() / direct.p50.as_secs_f64(),
            times.p99.as_secs_f64() / direct.p99.as_secs_f64(),
        )
        .map_err(|error| error.to_string())?;
    }
    Ok(relaxed.p50.saturating_sub(direct.p50))
}

pub(crate) fn micros(time: Duration) -> String {
    format!("{:.1} µs", time.as_secs_f64() * 1e6)
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

// === impl Way ===

impl Way {
    fn title(self) -> &'static str {
        match self {
            Way::Direct => "direct",
            Way::Relaxed => "through the gateway",
            Way::Strict => "through it, strict",
        }
    }

    /// The gateway's options; nothing if there is no gateway.
    fn durability(self) -> Option<&'static str> {
        match self {
            Way::Direct => None,
            Way::Relaxed => Some("relaxed"),
            Way::Strict => Some("strict"),
        }
    }
}

// === impl Bench ===

impl Bench {
    fn new(portcullis: &Path) -> Result<Self, String> {
        let portcullis = portcullis.canonicalize().map_err(|error| {
            format!(
                "{}: {error}; `cargo build --release -p portcullis-cli` makes it",
                portcullis.display()
            )
        })?;
        // Beside the program, because the directory for temporary files may be in memory.
        let directory = portcullis
            .parent()
            .map_or_else(TempDir::new, TempDir::new_in);
        let directory = directory.map_err(|error| error.to_string())?;
        let bench = Self {
            portcullis,
            directory,
        };
        fs::write(bench.policy(), POLICY).map_err(|error| error.to_string())?;
        Ok(bench)
    }

    fn policy(&self) -> PathBuf {
        self.directory.path().join("rules.inv")
    }

    /// The command of the server, as a client has it in its configuration.
    fn command(&self, way: Way) -> Command {
        let mut command = Command::new(&self.portcullis);
        if let Some(durability) = way.durability() {
            command.args(["run", "--durability", durability, "--policy"]);
            command.arg(self.policy());
            command.arg("--data-dir").arg(self.directory.path());
            command.arg("--").arg(&self.portcullis);
        }
        command.arg("demo-server");
        command
    }

    /// Sessions side by side. A strict one is as slow as the disk and stays short.
    fn sessions(&self, calls: usize) -> Result<Vec<Measured>, String> {
        let lengths = [
            (Way::Direct, calls * LONG),
            (Way::Relaxed, calls * LONG),
            (Way::Strict, calls),
        ];
        let mut all = Vec::with_capacity(lengths.len());
        for (way, length) in lengths {
            let (client, _) = Client::start(self.command(way))?;
            all.push(Series {
                way,
                client,
                length,
                times: Vec::with_capacity(length),
            });
        }
        while all.iter().any(Series::is_unfinished) {
            for series in &mut all {
                series.turn()?;
            }
        }
        all.into_iter().map(Series::finish).collect()
    }

    /// The median start without the gateway and with it.
    fn starts(&self) -> Result<(Duration, Duration), String> {
        let mut direct = Vec::with_capacity(STARTS);
        let mut through = Vec::with_capacity(STARTS);
        for _ in 0..STARTS {
            for (way, times) in [(Way::Direct, &mut direct), (Way::Relaxed, &mut through)] {
                let (client, time) = Client::start(self.command(way))?;
                times.push(time);
                client.close()?;
            }
        }
        let (direct, through) = (Quantiles::of(direct), Quantiles::of(through));
        let medians = direct.zip(through).map(|(d, t)| (d.p50, t.p50));
        medians.ok_or_else(|| "nothing was started".to_owned())
    }
}

// === impl Series ===

impl Series {
    fn is_unfinished(&self) -> bool {
        self.times.len() < self.length
    }

    fn turn(&mut self) -> Result<(), String> {
        for _ in 0..TURN.min(self.length - self.times.len()) {
            self.times.push(self.client.call()?);
        }
        Ok(())
    }

    fn finish(self) -> Result<Measured, String> {
        self.client.close()?;
        Ok(Measured {
            way: self.way,
            times: self.times,
        })
    }
}

// === impl Quantiles ===

impl Quantiles {
    /// `None` if nothing was measured.
    pub(crate) fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort();
        let last = times.len().checked_sub(1)?;
        Some(Self {
            p50: times.get(last / 2).copied()?,
            p99: times.get(last * 99 / 100).copied()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_do_not_depend_on_the_order() {
        let check = |micros: &[u64], expected: Option<(u64, u64)>| {
            let times = micros.iter().copied().map(Duration::from_micros);
            let expected = expected.map(|(p50, p99)| Quantiles {
                p50: Duration::from_micros(p50),
                p99: Duration::from_micros(p99),
            });
            assert_eq!(Quantiles::of(times.collect()), expected);
        };
        check(&[], None);
        check(&[5], Some((5, 5)));
        check(&[9, 1, 5], Some((5, 5)));
        let many: Vec<u64> = (0..=100).rev().collect();
        check(&many, Some((50, 99)));
    }
}
