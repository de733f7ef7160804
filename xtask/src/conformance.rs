//! The official conformance suite, pointed at a server of our own: directly, through the gateway,
//! and through the gateway with guardrails. What passes directly must pass through the gateway;
//! exceptions are a list with reasons, strict both ways.

mod client;
mod known;
mod results;
mod suite;

pub(crate) use client::run_through;

use crate::gateway::{Gateway, Setup};
use crate::npm::write;
use crate::scripts::Scripts;
use crate::workspace::Workspace;
use known::{Difference, Known, Side};
use results::Results;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;
use suite::Suite;
use tempfile::TempDir;

/// What a revision of the specification requires of servers, as the suite names it.
const REQUIREMENTS: &[&str] = &["2025-11-25", "2026-07-28"];
const NO_GUARDRAILS: &str = "[]\n";
/// Ten guardrails that look at everything and let it pass.
const LOGGING: &str = include_str!("../../tests/conformance/guardrails.yaml");

/// What was found of each set of requirements.
type Measured = Vec<(&'static str, Results)>;

/// The measurements of one command, and what it found.
struct Bench<'b> {
    suite: Suite,
    portcullis: &'b Path,
    directory: TempDir,
    report: String,
    differences: Vec<Difference>,
}

/// The flag of the result says whether only known differences were found.
pub(crate) fn run(portcullis: &Path) -> Result<(String, bool), String> {
    let workspace = Workspace::load()?;
    let known = Known::load(&workspace.root)?;
    let suite = Suite::new(Scripts::install(&workspace.root)?);
    let directory = TempDir::with_prefix("portcullis-conformance-");
    let mut bench = Bench {
        suite,
        portcullis,
        directory: directory.map_err(|error| error.to_string())?,
        report: String::new(),
        differences: Vec::new(),
    };
    bench.servers()?;
    bench.clients()?;
    let problems = known.judge(&bench.differences);
    let passed = problems.is_empty();
    let verdict = if passed { "passed" } else { "FAILED" };
    for problem in problems {
        bench.line(&problem);
    }
    bench.line(&format!("conformance: {verdict}"));
    Ok((bench.report.trim_end().to_owned(), passed))
}

// === impl Bench ===

impl Bench<'_> {
    fn servers(&mut self) -> Result<(), String> {
        let (_everything, url) = self.suite.serve()?;
        let direct = self.measure("direct", &url)?;
        self.require(&direct);
        for (name, guardrails) in [("gateway", NO_GUARDRAILS), ("guarded", LOGGING)] {
            let gateway = Gateway::start(&Setup {
                portcullis: self.portcullis,
                directory: self.directory.path().join(name),
                servers: vec![("everything", format!("url: {url}"))],
                settings: &format!("guardrails: {guardrails}"),
            })?;
            let through = self.measure(name, &gateway.url("everything"))?;
            self.compare(&direct, &through);
        }
        Ok(())
    }

    fn clients(&mut self) -> Result<(), String> {
        let client = self.suite.client();
        let direct = self.measure_client("client direct", &client)?;
        self.require(&direct);
        for (name, guardrails) in [("gateway", NO_GUARDRAILS), ("guarded", LOGGING)] {
            let file = self.directory.path().join(format!("{name}.guardrails"));
            write(&file, guardrails)?;
            let command = client::through(self.portcullis, &file, &client)?;
            let through = self.measure_client(&format!("client {name}"), &command)?;
            self.compare(&direct, &through);
        }
        Ok(())
    }

    /// What fails without the gateway is the server's or the client's own.
    fn require(&mut self, direct: &Measured) {
        for (requirements, results) in direct {
            let failures = results.failures();
            let of = |check| Difference::new(Side::Direct, requirements, check);
            self.differences.extend(failures.into_iter().map(of));
        }
    }

    fn compare(&mut self, direct: &Measured, through: &Measured) {
        for ((requirements, alone), (_, seen)) in direct.iter().zip(through) {
            let of = |check| Difference::new(Side::Gateway, requirements, check);
            let worse = seen.worse_than(alone);
            self.differences.extend(worse.into_iter().map(of));
        }
    }

    /// Runs a client command against the servers of each revision's scenarios.
    fn measure_client(&mut self, name: &str, command: &str) -> Result<Measured, String> {
        let mut measured = Measured::new();
        for (revision, scenarios) in client::SCENARIOS {
            let start = Instant::now();
            let out = self.directory.path().join(format!("{name}-{revision}"));
            let results = self.suite.test_client(command, revision, scenarios, &out)?;
            self.measured(name, revision, &results, start);
            measured.push((*revision, results));
        }
        Ok(measured)
    }

    fn measured(&mut self, name: &str, requirements: &str, results: &Results, start: Instant) {
        let seconds = start.elapsed().as_secs_f64();
        let summary = results.summary();
        self.line(&format!("{name} {requirements}: {summary}, {seconds:.1} s"));
    }

    /// Runs each set of requirements against one address.
    fn measure(&mut self, name: &str, url: &str) -> Result<Measured, String> {
        let mut measured = Measured::new();
        for requirements in REQUIREMENTS {
            let start = Instant::now();
            let out = self.directory.path().join(format!("{name}-{requirements}"));
            let results = self.suite.test_server(url, requirements, &out)?;
            self.measured(name, requirements, &results, start);
            measured.push((*requirements, results));
        }
        Ok(measured)
    }

    fn line(&mut self, text: &str) {
        // Writing to a string does not fail.
        let _written = writeln!(self.report, "{text}");
    }
}
