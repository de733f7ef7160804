//! A client through the gateway, as the suite starts it: a command that is given the address of a
//! scenario's server.

use crate::gateway::{Gateway, Setup};
use crate::npm::read;
use crate::process::succeeds;
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The scenarios that a gateway can carry. Those of authorization are about the identity of the
/// server: a gateway has its own.
pub(super) const SCENARIOS: &[(&str, &[&str])] = &[
    (
        "2025-11-25",
        &[
            "initialize",
            "tools_call",
            "elicitation-sep1034-client-defaults",
            "sse-retry",
            "json-schema-2020-12-preservation",
        ],
    ),
    (
        "2026-07-28",
        &[
            "tools_call",
            "request-metadata",
            "sep-2322-client-request-state",
            "http-standard-headers",
            "http-custom-headers",
            "http-invalid-tool-headers",
            "json-schema-ref-no-deref",
            "json-schema-2020-12-preservation",
        ],
    ),
];

/// The command that starts a gateway, then this client against it.
pub(super) fn through(
    portcullis: &Path,
    guardrails: &Path,
    client: &str,
) -> Result<String, String> {
    let xtask = env::current_exe().map_err(|error| error.to_string())?;
    // A build may have put another program in the place of this one while it runs.
    let xtask = xtask.display().to_string();
    let xtask = xtask.strip_suffix(" (deleted)").unwrap_or(&xtask);
    Ok(format!(
        "{xtask} client-through {} {} {client}",
        portcullis.display(),
        guardrails.display()
    ))
}

/// Runs a client against a gateway; the address of the server behind it is the last argument.
pub(crate) fn run_through(
    portcullis: &Path,
    guardrails: &Path,
    client: &[OsString],
) -> Result<(String, bool), String> {
    let [program, arguments @ .., server] = client else {
        return Err("a client and an address are needed".to_owned());
    };
    let directory =
        TempDir::with_prefix("portcullis-client-").map_err(|error| error.to_string())?;
    let gateway = Gateway::start(&Setup {
        portcullis,
        directory: directory.path().to_owned(),
        servers: vec![("everything", format!("url: {}", server.display()))],
        settings: &format!("guardrails: {}", read(guardrails)?),
    })?;
    let mut command = Command::new(program);
    command.args(arguments).arg(gateway.url("everything"));
    Ok((String::new(), succeeds(command)?))
}
