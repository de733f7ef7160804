//! Shows what one more event costs as a session grows, and what the session weighs.
//!
//! Sessions of all lengths take turns, so that a busy machine slows all of them alike. A session
//! that has grown by a tenth is replaced by a new one, off the clock.

pub(crate) mod memory;
mod plot;
mod session;

use plot::Line;
use portcullis_engine::Policy;
use session::{Output, Session, TURN};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub(crate) use session::Rules;

const LENGTHS: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
/// Turns that are timed at each length; their median counts.
const TURNS: usize = 200;
/// As many sessions are weighed together as hold so many events.
const WEIGHED_EVENTS: usize = 100_000;
/// What is flat: the most that the cost may differ between any two lengths.
const FLAT: f64 = 1.5;

/// A session that is kept at about one length while its turns are timed.
struct Series {
    length: usize,
    session: Session,
    times: Vec<Duration>,
}

/// One policy at one length.
struct Measured {
    length: usize,
    /// For one event.
    time: Duration,
    output: Output,
    session_bytes: usize,
}

/// Measures every policy at every length. The flag says whether what must be flat is.
pub(crate) fn run(out: Option<&Path>) -> Result<(String, bool), String> {
    let mut table = String::from(
        "| policy | events before | one more event | findings a turn | places listed | \
         listing them | session | per 1,000 events |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut verdicts = String::new();
    let mut lines = Vec::new();
    let mut passed = true;
    for rules in Rules::ALL {
        let measured = measure(rules)?;
        rows(&mut table, rules, &measured).map_err(|error| error.to_string())?;
        let spread = spread(&measured);
        let flat = spread <= FLAT;
        passed &= flat || !rules.is_flat();
        let verdict = match (rules.is_flat(), flat) {
            (true, true) => "flat",
            (true, false) => "NOT FLAT",
            (false, _) => "grows with its findings",
        };
        writeln!(verdicts, "{}: {spread:.2}×, {verdict}", rules.title())
            .map_err(|error| error.to_string())?;
        let points = measured.iter().map(|one| (one.length, one.time));
        lines.push(Line {
            name: rules.title(),
            points: points.collect(),
        });
    }
    if let Some(path) = out {
        let is_plot = path.extension().is_some_and(|extension| extension == "svg");
        let text = if is_plot {
            plot::svg(&lines)
        } else {
            table.clone()
        };
        fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok((format!("{table}\n{}", verdicts.trim_end()), passed))
}

/// Holds sessions of a length, and says how many bytes they take.
pub(crate) fn hold(rules: Rules, length: usize, copies: usize) -> Result<(String, bool), String> {
    let policy = rules.load()?;
    let before = memory::resident_bytes()?;
    let mut sessions = Vec::with_capacity(copies);
    for _ in 0..copies {
        sessions.push(Session::new(rules, &policy, length)?);
    }
    let held = memory::resident_bytes()?.saturating_sub(before);
    drop(sessions);
    Ok((held.to_string(), true))
}

fn measure(rules: Rules) -> Result<Vec<Measured>, String> {
    let policy = rules.load()?;
    let mut all = Vec::with_capacity(LENGTHS.len());
    for length in LENGTHS {
        all.push(Series {
            length,
            session: Session::new(rules, &policy, length)?,
            times: Vec::with_capacity(TURNS),
        });
    }
    for _ in 0..TURNS {
        for series in &mut all {
            series.turn(rules, &policy)?;
        }
    }
    all.into_iter().map(|series| series.finish(rules)).collect()
}

/// The bytes of one session, measured in a process that has done nothing else.
fn weigh(rules: Rules, length: usize) -> Result<usize, String> {
    let copies = WEIGHED_EVENTS.div_ceil(length);
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let held = Command::new(program)
        .args([
            "hold",
            rules.name(),
            &length.to_string(),
            &copies.to_string(),
        ])
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&held.stdout);
    let bytes: usize = text.trim().parse().map_err(|_| {
        let said = String::from_utf8_lossy(&held.stderr);
        format!("`hold` gave no number of bytes: {text}{said}")
    })?;
    Ok(bytes / copies)
}

fn rows(table: &mut String, rules: Rules, measured: &[Measured]) -> std::fmt::Result {
    for one in measured {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        writeln!(
            table,
            "| {} | {} | {:.1} µs | {} | {} | {:.1} µs | {:.1} kB | {:.1} kB |",
            rules.title(),
            one.length,
            micros(one.time),
            one.output.findings,
            one.output.ranges,
            micros(one.output.listing),
            kilobytes(one.session_bytes),
            kilobytes(one.session_bytes * 1000 / one.length),
        )?;
    }
    Ok(())
}

fn kilobytes(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) / 1e3
}

/// How many times the cheapest event the dearest one costs.
fn spread(measured: &[Measured]) -> f64 {
    let times = || measured.iter().map(|one| one.time.as_secs_f64());
    times().fold(0.0, f64::max) / times().fold(f64::INFINITY, f64::min)
}

// === impl Series ===

impl Series {
    fn turn(&mut self, rules: Rules, policy: &Policy) -> Result<(), String> {
        if self.session.length() > self.length + (self.length / 10).max(TURN) {
            self.session = Session::new(rules, policy, self.length)?;
        }
        self.times.push(self.session.measured_turn()?);
        Ok(())
    }

    fn finish(mut self, rules: Rules) -> Result<Measured, String> {
        self.times.sort();
        let median = self.times.get(self.times.len() / 2);
        let median = median.copied().unwrap_or_default();
        let output = self.session.listed_turn()?;
        drop(self.session);
        Ok(Measured {
            length: self.length,
            time: median / u32::try_from(TURN).unwrap_or(u32::MAX),
            output,
            session_bytes: weigh(rules, self.length)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_is_the_ratio_of_the_dearest_to_the_cheapest() {
        let measured = |micros: &[u64]| {
            let one = |micros: &u64| Measured {
                length: 1,
                time: Duration::from_micros(*micros),
                output: Output::default(),
                session_bytes: 0,
            };
            micros.iter().map(one).collect::<Vec<_>>()
        };
        let check = |micros: &[u64], expected: f64| {
            assert!((spread(&measured(micros)) - expected).abs() < 1e-9);
        };
        check(&[4], 1.0);
        check(&[4, 2, 6], 3.0);
    }
}
