//! Chores of the project: `cargo xtask --help`.

mod case;
mod conformance;
mod corpus;
mod edge_cases;
mod gateway;
mod growth;
mod http;
mod icount;
mod layering;
mod methods;
mod npm;
mod odd;
mod overhead;
mod pages;
mod postgres;
mod process;
mod profile;
mod quality;
mod scripts;
mod soak;
mod speed;
mod store_bench;
mod test;
mod throughput;
mod tidy;
mod workspace;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "xtask", about = "Chores of the project")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Evaluate recorded cases and compare them with what was recorded.
    Corpus {
        /// Cases, one JSON object a line.
        cases: PathBuf,
        /// Write the results here, one JSON object a line.
        #[arg(long)]
        results: Option<PathBuf>,
        /// Cases that are known to differ: an id and a reason a line. Strict both ways.
        #[arg(long)]
        known: Option<PathBuf>,
    },
    /// Run the official conformance suite directly and through the gateway, and compare.
    Conformance {
        /// The gateway to measure.
        #[arg(long, default_value = "target/debug/portcullis")]
        portcullis: PathBuf,
    },
    /// Run a client against a gateway before the server at the last address: a part of the above.
    #[command(hide = true)]
    ClientThrough {
        portcullis: PathBuf,
        guardrails: PathBuf,
        #[arg(trailing_var_arg = true)]
        client: Vec<OsString>,
    },
    /// Send odd requests to a gateway, let a server answer oddly, and write the page about it.
    Odd {
        /// The gateway to ask.
        #[arg(long, default_value = "target/debug/portcullis")]
        portcullis: PathBuf,
    },
    /// Write the pages of the rules of the `secrets` detector.
    DetectPages {
        /// Write nothing, and fail if a page is not up to date.
        #[arg(long)]
        check: bool,
    },
    /// Hold the page of edge cases to the tests and odd inputs that it names.
    EdgeCases,
    /// Ask what guardrails see of each method, and write the page about it.
    Methods {
        /// Write nothing, and fail if the page is not up to date.
        #[arg(long)]
        check: bool,
    },
    /// Print what the detectors find of labelled texts, and how fast they are.
    #[command(name = "detect-quality", alias = "quality")]
    Quality {
        /// Lines of JSON, compressed or not, or folders of them.
        #[arg(required = true)]
        data: Vec<PathBuf>,
        /// Write the counts here, too.
        #[arg(long)]
        json: Option<PathBuf>,
    },
    /// Compare calls and starts through `portcullis run` with direct ones.
    Overhead {
        /// How many calls a short session has; a long one has ten times as many.
        #[arg(long, default_value_t = 1000)]
        calls: usize,
        /// The gateway to measure, built for release.
        #[arg(long, default_value = "target/release/portcullis")]
        portcullis: PathBuf,
    },
    /// Hold the imports between crates to the table.
    Layering,
    /// Run all tests: cargo's, then real clients, the MCP conformance suite and odd inputs through the
    /// gateway.
    Test {
        /// Run cargo's tests only; nothing is installed.
        #[arg(long)]
        without_clients: bool,
    },
    /// Time writes into a store and looks into a large one, on SQLite and PostgreSQL.
    StoreBench {
        /// How many events the large store holds.
        #[arg(long, default_value_t = 1_000_000)]
        events: u64,
    },
    /// Load a gateway with failing servers behind it, and see whether it holds.
    Soak {
        #[arg(long, default_value_t = 30.0)]
        minutes: f64,
        /// The gateway to load, built for release.
        #[arg(long, default_value = "target/release/portcullis")]
        portcullis: PathBuf,
    },
    /// Be a failing server on standard input and output: a part of the above.
    #[command(hide = true)]
    SoakServer,
    /// Compare requests over HTTP, direct, through nginx and through `portcullis serve`.
    Throughput(throughput::Options),
    /// Check what the compiler does not: sizes, names, left-overs.
    Tidy,
    /// Record for the compiler how the program runs under load.
    Profile,
    /// Time the engine on one workload: one line of JSON for a comparison of engines.
    Speed {
        /// A JSON object with `policy`, `trace` and perhaps `pending`.
        case: PathBuf,
        /// For about how many seconds to repeat it.
        seconds: f64,
    },
    /// Time one more event at growing session lengths, and weigh the sessions.
    Growth {
        /// Write the plot (`.svg`) or the table here.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Count the instructions of fixed workloads and compare them with the record.
    Icount {
        #[arg(long, default_value = "benches/icount.json")]
        counts: PathBuf,
        /// Write the counts instead.
        #[arg(long)]
        record: bool,
    },
    /// Hold sessions in memory and say how many bytes they take: a part of the above.
    #[command(hide = true)]
    Hold {
        rules: growth::Rules,
        length: usize,
        copies: usize,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Corpus {
            cases,
            results,
            known,
        } => corpus::run(&cases, results.as_deref(), known.as_deref()),
        Chore::Conformance { portcullis } => conformance::run(&portcullis),
        Chore::ClientThrough {
            portcullis,
            guardrails,
            client,
        } => conformance::run_through(&portcullis, &guardrails, &client),
        Chore::Speed { case, seconds } => speed::run(&case, seconds),
        Chore::Growth { out } => growth::run(out.as_deref()),
        Chore::Icount { counts, record } => icount::run(&counts, record),
        Chore::Hold {
            rules,
            length,
            copies,
        } => growth::hold(rules, length, copies),
        Chore::Odd { portcullis } => odd::run(&portcullis),
        Chore::Layering => layering::run(),
        Chore::Test { without_clients } => test::run(without_clients),
        Chore::StoreBench { events } => store_bench::run(events),
        Chore::Soak {
            minutes,
            portcullis,
        } => soak::run(&portcullis, minutes),
        Chore::SoakServer => soak::serve_stdio().map(|()| (String::new(), true)),
        Chore::Throughput(options) => throughput::run(&options),
        Chore::Profile => profile::run(),
        Chore::Tidy => tidy::run(),
        Chore::DetectPages { check } => pages::run(check),
        Chore::EdgeCases => edge_cases::run(),
        Chore::Methods { check } => methods::run(check),
        Chore::Quality { data, json } => quality::run(&data, json.as_deref()),
        Chore::Overhead { calls, portcullis } => overhead::run(&portcullis, calls),
    };
    match outcome {
        Ok((report, passed)) => {
            let written = writeln!(std::io::stdout(), "{report}");
            if written.is_ok() && passed {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(message) => {
            let written = writeln!(std::io::stderr(), "error: {message}");
            debug_assert!(written.is_ok());
            ExitCode::from(2)
        }
    }
}
