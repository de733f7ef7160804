//! What the client of the Rust SDK does and sees: one line of JSON for each scenario.
//!
//!     rmcp-client stdio COMMAND ARGUMENT… | http URL

#![expect(
    deprecated,
    reason = "later revisions have no sampling, roots and logging; the gateway passes them on"
)]

mod person;
mod scenarios;

use anyhow::{Context as _, Result, bail};
use person::Person;
use rmcp::model::ProtocolVersion;
use rmcp::service::{ClientLifecycleMode, ClientServiceExt as _, RoleClient, RunningService};
use rmcp::transport::{ConfigureCommandExt as _, StreamableHttpClientTransport, TokioChildProcess};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

const SCENARIO_MAX: Duration = Duration::from_secs(60);

pub(crate) type Client = RunningService<RoleClient, Person>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let person = Person::default();
    let connected = timeout(SCENARIO_MAX, connect(person.clone())).await;
    let client = match connected.context("it took too long").flatten() {
        Ok(client) => client,
        Err(error) => {
            report("connect", Err(error));
            return Ok(());
        }
    };
    report("connect", Ok(Value::Null));
    scenarios::all(&client, &person).await;
    client.cancel().await?;
    Ok(())
}

/// Asks first for the revision without sessions, as clients of both eras do, and falls back.
async fn connect(person: Person) -> Result<Client> {
    let lifecycle = ClientLifecycleMode::Auto {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
        legacy_version: None,
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    Ok(match arguments.as_slice() {
        [transport, program, rest @ ..] if transport == "stdio" => {
            let command = Command::new(program).configure(|command| {
                command.args(rest);
            });
            let transport = TokioChildProcess::new(command)?;
            person.serve_with_lifecycle(transport, lifecycle).await?
        }
        [transport, url] if transport == "http" => {
            let transport = StreamableHttpClientTransport::from_uri(url.clone());
            person.serve_with_lifecycle(transport, lifecycle).await?
        }
        _ => bail!("stdio COMMAND ARGUMENT… or http URL"),
    })
}

pub(crate) async fn run(name: &str, scenario: impl Future<Output = Result<Value>>) {
    let outcome = timeout(SCENARIO_MAX, scenario).await;
    report(name, outcome.context("it took too long").flatten());
}

fn report(name: &str, outcome: Result<Value>) {
    let line = match outcome {
        Ok(result) => json!({ "name": name, "result": result }),
        Err(error) => json!({ "name": name, "error": format!("{error:#}") }),
    };
    println!("{line}");
}
