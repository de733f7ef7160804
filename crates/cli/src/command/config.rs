use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;

use portcullis_server::config::{
    ConfigError, DetectorsConfig, GatewayConfig, HttpTransport, Only, ScopedGuardrail,
    ServerConfig, ServerName, schema,
};
use portcullis_session::{GuardrailAction, ToolCheck};

use super::{Failure, Outcome};
use crate::args::{ConfigArguments, ConfigCommand};
use crate::render::{self, GOOD, file_problems, plain};

pub(crate) fn config(arguments: &ConfigArguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        ConfigCommand::Check { file, config } => check(config.as_ref().unwrap_or(file)),
        ConfigCommand::Schema => {
            write!(anstream::stdout().lock(), "{}", schema())?;
            Ok(Outcome::Ok)
        }
    }
}

fn check(file: &Path) -> Result<Outcome, Failure> {
    let config = GatewayConfig::read_to_serve(file).map_err(|error| failure(&error))?;
    let warnings = file_problems(&config.warnings);
    write!(anstream::stderr().lock(), "{warnings}")?;
    write_config(&mut anstream::stdout().lock(), file, &config)?;
    Ok(Outcome::Ok)
}

/// What a configuration has under `detectors:`; without one, nobody is asked.
pub(super) fn detectors(file: Option<&Path>) -> Result<DetectorsConfig, Failure> {
    let config = file.map(GatewayConfig::read).transpose();
    let config = config.map_err(|error| failure(&error))?;
    Ok(config.unwrap_or_default().detectors)
}

pub(crate) fn failure(error: &ConfigError) -> Failure {
    match error {
        ConfigError::Invalid(files) => Failure::rendered(file_problems(files)),
        ConfigError::NoServer { .. } => Failure::of(error).hint("name one under `servers:`"),
        ConfigError::NoHome | ConfigError::DataDirectory { .. } => {
            Failure::of(error).hint("`--data-dir DIR` names another place for them")
        }
        ConfigError::ExplorerUrl { .. }
        | ConfigError::ExplorerKey { .. }
        | ConfigError::Read { .. }
        | ConfigError::TooLong { .. }
        | ConfigError::Irregular { .. }
        | ConfigError::Empty { .. } => Failure::of(error),
    }
}

fn write_config(out: &mut impl Write, file: &Path, config: &GatewayConfig) -> io::Result<()> {
    let path = plain(&file.display().to_string());
    writeln!(out, "{}: `{path}` loads", GOOD.paint("ok"))?;
    writeln!(out, "listens on {}", config.listen)?;
    writeln!(out, "servers: {}", config.servers.len())?;
    for (name, server) in &config.servers {
        writeln!(out, "  {name}  {}", plain(&server_line(server)))?;
    }
    if config.servers.is_empty() {
        writeln!(out, "  clients name theirs in a header (`gateway`)")?;
    }
    writeln!(out, "guardrails in force: {}", config.guardrails.len())?;
    for guardrail in &config.guardrails {
        writeln!(out, "  {}", plain(&guardrail_line(guardrail)))?;
    }
    if config.guardrails.is_empty() {
        let note = "the configuration blocks nothing; guardrails of the store are in force too";
        writeln!(out, "  {}", render::WARNING.paint(note))?;
    }
    let checks = ToolCheck::ALL.map(|check| {
        let action = config.tool_checks.action(check).map_or("off", action);
        format!("{check} {action}")
    });
    writeln!(out, "definitions of tools: {}", checks.join(", "))?;
    Ok(())
}

fn server_line(server: &ServerConfig) -> String {
    match server {
        ServerConfig::Stdio(server) => {
            let words = [&server.command.program]
                .into_iter()
                .chain(&server.command.arguments);
            let words = words.map(|word| OsStr::to_string_lossy(word).into_owned());
            words.collect::<Vec<_>>().join(" ")
        }
        ServerConfig::Http(server) => {
            let transport = match server.transport {
                HttpTransport::StreamableHttp => "streamable-http",
                HttpTransport::Sse => "sse",
            };
            format!("{} ({transport})", server.url)
        }
    }
}

fn guardrail_line(scoped: &ScopedGuardrail) -> String {
    let guardrail = &scoped.guardrail;
    let servers = only(&scoped.servers, "servers", ServerName::as_str);
    let clients = only(&scoped.clients, "clients", String::as_str);
    format!(
        "{}  {} (on failure {}); {servers}; {clients}",
        guardrail.name.name,
        action(guardrail.on_violation),
        action(guardrail.on_failure),
    )
}

fn only<T>(only: &Only<T>, what: &str, name: fn(&T) -> &str) -> String {
    let list = |names: &BTreeSet<T>| names.iter().map(name).collect::<Vec<_>>().join(", ");
    match only {
        Only::All => format!("all {what}"),
        Only::These(names) => list(names),
        Only::AllBut(names) if names.is_empty() => format!("all {what}"),
        Only::AllBut(names) => format!("all {what} but {}", list(names)),
    }
}

fn action(action: GuardrailAction) -> &'static str {
    match action {
        GuardrailAction::Block => "block",
        GuardrailAction::Log => "log",
    }
}
