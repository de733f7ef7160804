//! Chores of the project: `cargo xtask --help`.

mod case;
mod corpus;
mod layering;
mod overhead;
mod test;
mod tidy;
mod workspace;

use clap::{Parser, Subcommand};
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
    /// Run all tests: cargo's, then real clients through the gateway.
    Test {
        /// Run cargo's tests only; nothing is installed.
        #[arg(long)]
        without_clients: bool,
    },
    /// Check what the compiler does not: sizes, names, left-overs.
    Tidy,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().chore {
        Chore::Corpus {
            cases,
            results,
            known,
        } => corpus::run(&cases, results.as_deref(), known.as_deref()),
        Chore::Layering => layering::run(),
        Chore::Test { without_clients } => test::run(without_clients),
        Chore::Tidy => tidy::run(),
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
