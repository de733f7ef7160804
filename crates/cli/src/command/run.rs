use std::error::Error;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use portcullis_json::Object;
use portcullis_server::config::{HttpServer, HttpTransport, McpScanFile};
use portcullis_server::detectors::Unanswered;
use portcullis_server::policy::PolicyError;
use portcullis_server::run::{GuardedServer, RunError, RunOptions, Warning, run as guard};
use portcullis_session::{GuardrailAction, RefusalStyle, ToolCheck, ToolChecks};
use portcullis_store::{Durability, StoreError};
use portcullis_transport::child::ServerCommand;

use super::config::{detectors, failure as config_failure};
use super::{Failure, Outcome, parameters, show_warning};
use crate::args::{
    DurabilityArgument, GuardArguments, OnFailure, OnViolation, RunArguments, Transport,
};
use crate::render::{file_problems, policy_diagnostics};

pub(crate) fn run(arguments: RunArguments) -> Result<Outcome, Failure> {
    let refusal = match arguments.on_violation {
        OnViolation::Error => RefusalStyle::Error,
        OnViolation::Result => RefusalStyle::Result,
    };
    let mcp_scan = arguments.guard.mcp_scan_guardrails.clone();
    let server = match &arguments.url {
        Some(url) => {
            let transport = match arguments.transport {
                Transport::StreamableHttp => HttpTransport::StreamableHttp,
                Transport::Sse => HttpTransport::Sse,
            };
            let server = HttpServer::remote(url, transport, &arguments.header);
            GuardedServer::Remote(server.map_err(|error| Failure::usage(error.to_string()))?)
        }
        None if arguments.command.is_empty() => {
            return Err(Failure::usage("there is no server to guard").hint(
                "write its command at the end, as in `portcullis run -- npx some-server`, or where \
                 it is as in `portcullis run --url https://host/mcp`",
            ));
        }
        None => started(arguments.command)?,
    };
    let mut options = options(arguments.guard, server, refusal)?;
    options.name = arguments.name;
    options.project = arguments.project;
    if let Some(file) = mcp_scan {
        let client = arguments.client.ok_or_else(|| no_client("--client NAME"))?;
        add_mcp_scan_guardrails(&mut options, &file, &client)?;
    }
    start(options)
}

/// The options that all ways to guard a server share.
pub(super) fn options(
    arguments: GuardArguments,
    server: GuardedServer,
    refusal: RefusalStyle,
) -> Result<RunOptions, Failure> {
    Ok(RunOptions {
        server,
        name: None,
        parameters: parameters(&arguments.param)?,
        policies: arguments.policy,
        guardrails: Vec::new(),
        tool_checks: tool_checks(&arguments.tools)?,
        refusal,
        on_failure: match arguments.on_failure {
            OnFailure::Block => GuardrailAction::Block,
            OnFailure::Log => GuardrailAction::Log,
        },
        extra_methods: arguments.allow_method,
        line_bytes: arguments.max_line_bytes,
        durability: match arguments.durability {
            DurabilityArgument::Relaxed => Durability::Relaxed,
            DurabilityArgument::Strict => Durability::Strict,
        },
        data_directory: arguments.data_dir,
        project: None,
        metadata: Object::new(),
        explorer: None,
        detectors: detectors(arguments.detectors.as_deref())?,
        is_verbose: arguments.verbose,
        notices: Vec::new(),
    })
}

/// Reads `CHECK=ACTION` pairs.
fn tool_checks(pairs: &[String]) -> Result<ToolChecks, Failure> {
    let mut checks = ToolChecks::default();
    for pair in pairs {
        let read = pair.split_once('=').and_then(|(check, action)| {
            let action = match action {
                "block" => Some(GuardrailAction::Block),
                "log" => Some(GuardrailAction::Log),
                "off" => None,
                _ => return None,
            };
            Some((check.parse::<ToolCheck>().ok()?, action))
        });
        let Some((check, action)) = read else {
            let known: Vec<&str> = ToolCheck::ALL.iter().map(|check| check.name()).collect();
            return Err(
                Failure::usage(format!("`--tools {pair}` names no check and action")).hint(
                    format!(
                        "write `CHECK=ACTION`: one of {}, and log, block or off",
                        known.join(", ")
                    ),
                ),
            );
        };
        checks.set(check, action);
    }
    Ok(checks)
}

/// Puts in force what mcp-scan's file has for this client and the server that is run.
pub(super) fn add_mcp_scan_guardrails(
    options: &mut RunOptions,
    file: &Path,
    client: &str,
) -> Result<(), Failure> {
    let read = McpScanFile::read(file).map_err(|error| config_failure(&error))?;
    write!(
        anstream::stderr().lock(),
        "{}",
        file_problems(&read.warnings)
    )?;
    let server = options.server_name();
    if !read.names(client, &server) {
        show_warning(&format!(
            "`{}` names no server `{server}` of a client `{client}`: links, secrets and personal \
             data are looked for and logged",
            file.display()
        ));
    }
    for mut guardrail in read.guardrails(client, &server) {
        if guardrail.on_failure == GuardrailAction::Block {
            guardrail.on_failure = options.on_failure;
        }
        options.guardrails.push(guardrail);
    }
    Ok(())
}

pub(super) fn no_client(option: &str) -> Failure {
    Failure::usage("`--mcp-scan-guardrails` is for a client, and none is named")
        .hint(format!("name it as the file does: `{option}`"))
}

pub(super) fn started(command: Vec<OsString>) -> Result<GuardedServer, Failure> {
    Ok(GuardedServer::Started {
        command: server_command(command)?,
        launcher: std::env::current_exe().ok(),
    })
}

pub(super) fn server_command(words: Vec<OsString>) -> Result<ServerCommand, Failure> {
    let mut words = words.into_iter();
    match words.next() {
        Some(program) => Ok(ServerCommand {
            program,
            arguments: words.collect(),
        }),
        None => Err(Failure::usage("there is no server to start")
            .hint("write its command at the end, as in `portcullis run -- npx some-server`")),
    }
}

pub(super) fn start(options: RunOptions) -> Result<Outcome, Failure> {
    match guard(options, &mut warn) {
        Ok(code) => Ok(Outcome::Server(code)),
        Err(error) => Err(failure(&error)),
    }
}

fn warn(warning: Warning) {
    match warning {
        Warning::Policy(file) => show_warning(&format!(
            "the policy `{}` loads with warnings; `portcullis check` shows them",
            file.path.display()
        )),
        Warning::Unanswered {
            guardrail,
            line,
            reason,
            on_failure,
        } => show_warning(&format!(
            "guardrail `{guardrail}`, line {line} of its policy: {reason} (in a configuration that \
             `--detectors FILE` names); {}",
            Unanswered::consequence(on_failure)
        )),
        Warning::NotRecorded(error) => {
            show_warning(&format!("traces are not recorded: {error}"));
        }
        Warning::NotLogged(error) => show_warning(&format!("there is no log: {error}")),
        Warning::ServerEnded {
            server,
            program,
            status,
            said_nothing,
        } => {
            let (program, manner) = (program.to_string_lossy(), manner(status));
            show_warning(&if said_nothing {
                format!(
                    "the server `{server}` has ended before it said anything: `{program}` {manner} \
                     (see what it wrote above, or run its command in a terminal)"
                )
            } else {
                format!("the server `{server}` has ended: `{program}` {manner}")
            });
        }
        Warning::Lost(status) => show_warning(&format!("the trace has gaps: {status}")),
    }
}

fn manner(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn failure(error: &RunError) -> Failure {
    match error {
        RunError::Policy(PolicyError::Load(file)) => Failure::rendered(policy_diagnostics(file)),
        RunError::Config(error) => config_failure(error),
        RunError::Policy(_) => Failure::of(error),
        RunError::Record(_) => Failure::of(error).hint("`--data-dir DIR` names another place"),
        RunError::Guardrails(cause) => {
            let is_of_store = cause.source().is_some_and(<dyn Error>::is::<StoreError>);
            let alone = "`--on-failure log` starts it with the policies of the command line alone";
            Failure::of(error).hint(if is_of_store {
                format!("{alone}, and `--data-dir DIR` names another store")
            } else {
                alone.to_owned()
            })
        }
        RunError::Spawn(_) => Failure::of(error)
            .hint("give the program as an absolute path if it is not in the client's PATH"),
        RunError::Connect { .. } => Failure::of(error)
            .hint("a newer server speaks Streamable HTTP: leave `--transport sse` out for it"),
        RunError::Streams(_)
        | RunError::Supervise(_)
        | RunError::Explorer(_)
        | RunError::Detectors(_) => Failure::internal(error),
    }
}
