//! What the commands about the store are told.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};

/// Which store a command is about.
#[derive(Clone, Debug, Args)]
pub(crate) struct StoreArguments {
    /// Where traces are kept [default: portcullis in the XDG data directory].
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
    /// Another store: the path of a file, or `postgres://user:password@host/database`.
    #[arg(long, value_name = "URL", global = true, conflicts_with = "data_dir", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) store: Option<String>,
    /// The store of the gateway with this configuration.
    #[arg(long, value_name = "FILE", global = true, conflicts_with_all = ["data_dir", "store"])]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TracesArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    #[command(subcommand)]
    pub(crate) command: TracesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TracesCommand {
    /// List sessions, newest first.
    Ls(TracesListArguments),
    /// Show the messages of a session and what became of them.
    Show {
        /// A session's id, or enough of its beginning.
        id: String,
    },
    /// Show messages as they are recorded, until it is interrupted.
    Tail {
        /// Only of sessions with this server.
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        server: Option<String>,
    },
    /// Write a session's trace as `check` reads it.
    Export {
        /// A session's id, or enough of its beginning.
        id: String,
    },
    /// Read traces from a file of the Invariant Explorer: JSON, a trace on each line.
    Import {
        file: PathBuf,
        /// The project that the traces are filed under; it is created if it is missing.
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        project: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TracesListArguments {
    /// Only sessions with this server.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) server: Option<String>,
    /// Only sessions of this project.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) project: Option<String>,
    /// Only sessions in which a rule was satisfied, or a message could not be judged.
    #[arg(long)]
    pub(crate) violations: bool,
    /// Only sessions in which all these words occur.
    #[arg(long, value_name = "WORDS", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) search: Option<String>,
    /// How many to list.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Write a JSON list.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct GuardrailsArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    #[command(subcommand)]
    pub(crate) command: GuardrailsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GuardrailsCommand {
    /// List guardrails: those of a project, or those that hold for every session.
    Ls {
        #[arg(long, value_parser = NonEmptyStringValueParser::new())]
        project: Option<String>,
        /// Write a JSON list.
        #[arg(long)]
        json: bool,
    },
    /// Keep a new guardrail, and print its id.
    Add(GuardrailsAddArguments),
    /// Put a guardrail in force.
    Enable {
        /// A guardrail's id, or enough of its beginning: four characters at least.
        id: String,
    },
    /// Put a guardrail out of force.
    Disable {
        /// A guardrail's id, or enough of its beginning: four characters at least.
        id: String,
    },
    /// Delete a guardrail. Its history stays.
    Rm {
        /// A guardrail's id, or enough of its beginning: four characters at least.
        id: String,
    },
    /// List all versions of a guardrail, the newest first.
    History {
        /// A guardrail's id, or enough of its beginning: four characters at least.
        id: String,
        /// Write a JSON list.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct GuardrailsAddArguments {
    /// What violations are recorded under.
    pub(crate) name: String,
    /// The file that holds the policy.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: PathBuf,
    /// The project whose sessions are guarded; it is created if it is missing. Without it: all.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    pub(crate) project: Option<String>,
    /// What is done with a message that violates the policy.
    #[arg(long, default_value = "block", value_parser = ["block", "log"])]
    pub(crate) action: String,
    /// Only for clients of this name.
    #[arg(long)]
    pub(crate) client: Option<String>,
    /// Only for the server of this name.
    #[arg(long)]
    pub(crate) server: Option<String>,
    /// Keep it out of force for now.
    #[arg(long)]
    pub(crate) disabled: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ToolsArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    #[command(subcommand)]
    pub(crate) command: ToolsCommand,
}

/// A server is named as it is configured, or by the beginning of its id where there are several of
/// the name.
#[derive(Debug, Subcommand)]
pub(crate) enum ToolsCommand {
    /// List the servers and the tools that they were seen with.
    Ls {
        /// Only of this server.
        server: Option<String>,
        /// Only what waits for approval.
        #[arg(long)]
        waiting: bool,
        /// Write a JSON list.
        #[arg(long)]
        json: bool,
    },
    /// Show what has changed since a tool was pinned. Exits with 1 if something has.
    Diff {
        server: String,
        /// All, if none is named.
        tool: Option<String>,
    },
    /// Pin tools as they were seen last. Running sessions know it at their next listing.
    Approve {
        server: String,
        /// All that wait, if none is named.
        tools: Vec<String>,
    },
    /// Forget tools, as if they had never been seen.
    Forget {
        server: String,
        /// All, if none is named.
        tools: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct KeysArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    #[command(subcommand)]
    pub(crate) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key and print it. It is shown this once, and not kept.
    Create {
        /// What the key is listed under.
        name: String,
    },
    /// List keys, revoked ones too.
    Ls {
        /// Write a JSON list.
        #[arg(long)]
        json: bool,
    },
    /// Refuse a key from now on.
    Revoke {
        /// A key's id, or enough of its beginning: four characters at least.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DbArguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    #[command(subcommand)]
    pub(crate) command: DbCommand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum DbCommand {
    /// Bring the schema up to date, as every program that opens the store does.
    Migrate,
    /// Look for damage; exit with 1 if there is any.
    Check,
    /// Give the room of deleted traces back to the operating system.
    Vacuum,
}
