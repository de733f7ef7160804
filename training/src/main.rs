//! Trains the classifier of prompt injections: `cargo run --release -p portcullis-training -- DATA`.
//!
//! The same data give the same weights, bit for bit, on any machine. It reads the features that the
//! detector computes; it is no part of the gateway.

mod calibration;
mod chance;
mod data;
mod grammar;
mod learn;
mod mean;
mod report;

use calibration::calibrated;
use clap::Parser;
use report::Corpus;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Parser)]
#[command(about = "Train the classifier of prompt injections")]
struct Arguments {
    /// The folder with the labelled texts: `injection`, `tools`, `pii` and `secrets` lie in it.
    data: PathBuf,
    /// Where the weights go.
    #[arg(long, default_value = "crates/detect/src/prompt_injection/weights.bin")]
    out: PathBuf,
    /// Instead of weights, print what models find in the sources that they have not seen.
    #[arg(long)]
    leave_out: bool,
    /// Write what those models judge wrongly at 0.9 to this file, as lines of JSON.
    #[arg(long, value_name = "FILE", requires = "leave_out")]
    mistakes: Option<PathBuf>,
}

/// Why nothing was trained.
type Failure = String;

const ATTACKS: &str = include_str!("../attack.grammar");
const BENIGN: &str = include_str!("../benign.grammar");

/// How many texts are made of each grammar, repetitions included.
const ATTACKS_MADE: usize = 17_000;
const BENIGN_MADE: usize = 23_000;

fn main() -> ExitCode {
    let outcome = run(&Arguments::parse());
    let written = match &outcome {
        Ok(report) => writeln!(std::io::stdout(), "{report}"),
        Err(failure) => writeln!(std::io::stderr(), "error: {failure}"),
    };
    if outcome.is_ok() && written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(arguments: &Arguments) -> Result<String, Failure> {
    let mut rows = data::training(&arguments.data)?;
    let attacks = grammar::rows("own_attacks", true, ATTACKS, ATTACKS_MADE, &rows);
    let benign = grammar::rows("own_benign", false, BENIGN, BENIGN_MADE, &rows);
    rows.extend(attacks);
    rows.extend(benign);
    let calibration = data::calibration(&arguments.data)?;
    if arguments.leave_out {
        let corpus = Corpus {
            training: rows,
            development: data::development(&arguments.data)?,
            calibration,
            tools: data::tools(&arguments.data)?,
        };
        return held_out(&corpus, arguments.mistakes.as_deref());
    }
    let model = calibrated(learn::learn(&learn::examples(&rows)), &calibration);
    write(&arguments.out, model.write())?;
    Ok(format!(
        "{} rows, weights in {}",
        rows.len(),
        arguments.out.display()
    ))
}

fn held_out(corpus: &Corpus, mistakes: Option<&Path>) -> Result<String, Failure> {
    let report = report::leave_out(corpus);
    if let Some(file) = mistakes {
        let lines = report.mistakes.iter().map(|it| format!("{it}\n"));
        write(file, lines.collect::<String>())?;
    }
    Ok(report.to_string())
}

fn write(file: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    std::fs::write(file, content).map_err(|error| format!("{}: {error}", file.display()))
}
