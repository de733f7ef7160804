//! The binary `portcullis`: arguments in, exit code out. What it does is in the crates below.

mod args;
mod command;
mod demo;
mod render;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::args::{Arguments, Command};
use crate::command::{Failure, Outcome};

/// A message is many small pieces on several threads, which the system's allocator is slow at;
/// `cargo xtask throughput` shows it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(arguments) => command::run::run(arguments),
        Command::Serve(arguments) => command::serve::run(arguments),
        Command::Mcp(arguments) => command::mcp::mcp(&arguments),
        Command::Check(arguments) => command::check::check(&arguments),
        Command::Config(arguments) => command::config::config(&arguments),
        Command::Traces(arguments) => command::traces::traces(&arguments),
        Command::Guardrails(arguments) => command::guardrails::guardrails(&arguments),
        Command::Tools(arguments) => command::tools::tools(&arguments),
        Command::Keys(arguments) => command::keys::keys(&arguments),
        Command::Db(arguments) => command::db::db(&arguments),
        Command::Detect(arguments) => command::detect::detect(&arguments),
        Command::Fmt(arguments) => command::fmt::fmt(&arguments),
        Command::Explain(arguments) => command::explain::explain(&arguments),
        Command::Demo(arguments) => command::demo::demo(arguments),
        Command::DemoServer => command::demo_server::demo_server(),
        Command::ExecServer(arguments) => command::exec_server::exec_server(arguments),
    };
    exit_code(outcome)
}

fn exit_code(outcome: Result<Outcome, Failure>) -> ExitCode {
    match outcome {
        Ok(Outcome::Ok) => ExitCode::SUCCESS,
        Ok(Outcome::Findings) => ExitCode::from(1),
        Ok(Outcome::Server(code)) => ExitCode::from(code),
        Err(failure) => {
            failure.show();
            ExitCode::from(failure.code)
        }
    }
}
