//! The command line as typed; what it means is decided by the commands.

mod store;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{NonEmptyStringValueParser, RangedU64ValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use portcullis_mcp::MESSAGE_BYTES_DEFAULT;

pub(crate) use self::store::{
    DbArguments, DbCommand, GuardrailsAddArguments, GuardrailsArguments, GuardrailsCommand,
    KeysArguments, KeysCommand, StoreArguments, ToolsArguments, ToolsCommand, TracesArguments,
    TracesCommand, TracesListArguments,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

/// A security gateway for MCP servers.
///
/// Exit codes: 0 all is well, 1 something was found, 2 wrong usage or configuration, 3 internal
/// error. `run` and `mcp` exit with the code of a server that they started.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, styles = STYLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Guard one server for a client that speaks stdio: put this in front of the server's command in
    /// the client's configuration, or give the server's URL.
    Run(RunArguments),
    /// Guard any number of servers for clients that speak HTTP.
    Serve(ServeArguments),
    /// Guard one stdio server, with the command line of the Invariant Gateway.
    Mcp(McpArguments),
    /// Evaluate a policy over a recorded trace.
    Check(CheckArguments),
    /// Look into the configuration of a gateway before it runs.
    Config(ConfigArguments),
    /// Look at what happened in guarded sessions.
    Traces(TracesArguments),
    /// Keep guardrails in the store.
    Guardrails(GuardrailsArguments),
    /// Look at what is known of servers' tools, and approve what has changed.
    Tools(ToolsArguments),
    /// Make and revoke the keys of the API.
    Keys(KeysArguments),
    /// Look after the store itself.
    Db(DbArguments),
    /// Find secrets, personal data and instructions to a model in files.
    Detect(DetectArguments),
    /// Format policies.
    Fmt(FmtArguments),
    /// Explain a diagnostic.
    Explain(ExplainArguments),
    /// Watch an attack on an agent with a mailbox, and what becomes of it.
    Demo(DemoArguments),
    /// Be the server of the demo; started by `demo` itself.
    #[command(hide = true)]
    DemoServer,
    /// Become the server; started by `run` itself.
    #[command(hide = true)]
    ExecServer(ExecServerArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Servers, guardrails and limits; see `portcullis config schema`.
    #[arg(long, value_name = "FILE", default_value = "portcullis.yaml")]
    pub(crate) config: PathBuf,
    /// Listen here, whatever the configuration says.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    pub(crate) listen: Option<SocketAddr>,
    /// Where traces and logs are kept, whatever the configuration says.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Log what passes too.
    #[arg(long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
#[command(
    override_usage = "portcullis run [OPTIONS] -- COMMAND [ARGUMENTS]...\n       \
                            portcullis run [OPTIONS] --url URL"
)]
pub(crate) struct RunArguments {
    #[command(flatten)]
    pub(crate) guard: GuardArguments,
    /// What policies see as the server's name [default: taken from the command].
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) name: Option<String>,
    /// How a blocked tool call is answered: a tool result, which the model reads, or an error of
    /// the protocol. Everything else that is blocked is answered with an error.
    #[arg(long, value_enum, default_value_t = OnViolation::Result)]
    pub(crate) on_violation: OnViolation,
    /// What `--mcp-scan-guardrails` calls the client, such as `cursor`.
    #[arg(long, value_name = "NAME", requires = "mcp_scan_guardrails", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) client: Option<String>,
    /// The project that the trace is filed under.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) project: Option<String>,
    /// Where the server is, instead of a command to start it.
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    pub(crate) url: Option<String>,
    /// What the server at the URL speaks.
    #[arg(long, value_enum, default_value_t = Transport::StreamableHttp, conflicts_with = "command")]
    pub(crate) transport: Transport,
    /// A header for every request to the URL, in whose value `${NAME}` is a variable of the
    /// environment. May be given several times.
    #[arg(long, value_name = "NAME: VALUE", conflicts_with = "command")]
    pub(crate) header: Vec<String>,
    /// The server's command and its arguments.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Transport {
    StreamableHttp,
    Sse,
}

/// What `run` and `mcp` have in common.
#[derive(Debug, Args)]
pub(crate) struct GuardArguments {
    /// A policy whose violations block. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Vec<PathBuf>,
    /// The guardrail file of mcp-scan, for the client and the server that it names.
    #[arg(long, value_name = "FILE")]
    pub(crate) mcp_scan_guardrails: Option<PathBuf>,
    /// A parameter that policies read as `input.NAME`; the value is JSON, or else text.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,
    /// A configuration, as `serve` has it, whose `detectors:` are asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) detectors: Option<PathBuf>,
    /// What to do with a message that a policy fails to judge.
    #[arg(long, value_enum, default_value_t = OnFailure::Block)]
    pub(crate) on_failure: OnFailure,
    /// What to do about definitions of tools that are `poisoned`, `changed`, `new`, `shadowed` or
    /// `ambiguous`, or whose `headers` break the rules: `log`, `block` or `off`, such as
    /// `--tools changed=block` [default: `block` for headers, otherwise `log`].
    #[arg(long, value_name = "CHECK=ACTION", value_delimiter = ',')]
    pub(crate) tools: Vec<String>,
    /// Let a method pass that the MCP specification does not have. It is inspected like others.
    #[arg(long, value_name = "METHOD", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) allow_method: Vec<String>,
    /// The longest line that is read from either side.
    #[arg(
        long,
        value_name = "BYTES",
        default_value_t = MESSAGE_BYTES_DEFAULT,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..)
    )]
    pub(crate) max_line_bytes: usize,
    /// Strict: a message passes only once its record is safely on disk.
    #[arg(long, value_enum, default_value_t = DurabilityArgument::Relaxed)]
    pub(crate) durability: DurabilityArgument,
    /// Where traces and logs are kept [default: portcullis in the XDG data directory].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Log every message that passes, not only what is noteworthy.
    #[arg(long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
#[command(override_usage = "portcullis mcp [OPTIONS] --exec COMMAND [ARGUMENTS]...")]
pub(crate) struct McpArguments {
    /// `--project-name P`, `--push-explorer`, `--verbose`, `--failure-response-format
    /// error|content`, any `--metadata-KEY=VALUE`, what `run` has to guard with (but `--name`,
    /// `--project` and `--on-violation`), then `--exec COMMAND…`.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true,
        value_name = "OPTIONS"
    )]
    pub(crate) words: Vec<OsString>,
}

/// The part of `mcp`'s command line before `--exec`, without its metadata.
#[derive(Debug, Parser)]
#[command(name = "portcullis mcp", no_binary_name = true, styles = STYLES)]
pub(crate) struct McpOptions {
    #[arg(long, value_name = "PROJECT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) project_name: Option<String>,
    #[arg(long)]
    pub(crate) push_explorer: bool,
    #[arg(long, value_enum, default_value_t = FailureResponseFormat::Error)]
    pub(crate) failure_response_format: FailureResponseFormat,
    #[command(flatten)]
    pub(crate) guard: GuardArguments,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// The file that holds the policy.
    pub(crate) policy: PathBuf,
    /// A JSON list of messages, or one message per line; `-` is the standard input.
    pub(crate) trace: PathBuf,
    /// A parameter that the policy reads as `input.NAME`; the value is JSON, or else text.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,
    /// A configuration, as `serve` has it, whose `detectors:` are asked.
    #[arg(long, value_name = "FILE")]
    pub(crate) detectors: Option<PathBuf>,
    /// JSON is for programs.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read a configuration and the policies it names, and show what would run.
    Check {
        #[arg(value_name = "FILE", default_value = "portcullis.yaml")]
        file: PathBuf,
        /// The same, as `serve` is told it.
        #[arg(long, value_name = "FILE", conflicts_with = "file")]
        config: Option<PathBuf>,
    },
    /// Write the JSON Schema of configurations, for editors.
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct FmtArguments {
    /// Each is written anew if that changes it; `-` is the standard input, which is written to the
    /// standard output.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing; exit with 1 if a file is not formatted.
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DetectArguments {
    /// What to look at; `-` is the standard input. A file that cannot be read keeps no other one from
    /// being looked at.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Ask this detector alone; may be given more than once [default: all].
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) detector: Vec<Detector>,
    /// Ask the transformer classifier in this folder too: `model.onnx`, `tokenizer.json` and
    /// `config.json`.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) model: Option<PathBuf>,
    /// A label of the model that means an attack; may be given more than once [default: those that
    /// are known by their names].
    #[arg(long, value_name = "NAME", requires = "model", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) label: Vec<String>,
    /// One JSON object for each finding, each on a line; `start` and `end` count code points.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The word in brackets behind `error` or `warning`; all are listed if it is absent.
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Where the trace of the demo is kept [default: portcullis in the XDG data directory].
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExecServerArguments {
    /// The process whose end is the server's end.
    #[arg(long)]
    pub(crate) parent: u32,
    /// What users call the server.
    #[arg(long)]
    pub(crate) name: String,
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnViolation {
    Error,
    Result,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnFailure {
    Block,
    Log,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailureResponseFormat {
    Error,
    Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DurabilityArgument {
    Relaxed,
    Strict,
}

/// Named as in policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Detector {
    Secrets,
    Pii,
    PromptInjection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "write an IP address and a port, as `127.0.0.1:8787` or `[::1]:8787`")
}
