use std::ffi::OsString;

use clap::Parser;
use portcullis_json::Object;
use portcullis_server::config::ExplorerConfig;
use portcullis_server::run::Explorer;
use portcullis_session::RefusalStyle;

use super::run::{add_mcp_scan_guardrails, no_client, options, start, started};
use super::{Failure, Outcome};
use crate::args::{FailureResponseFormat, McpArguments, McpOptions};

const EXEC: &str = "--exec";
const METADATA: &str = "--metadata-";
/// What the Invariant Gateway files a trace under that was given no project.
const DEFAULT_PROJECT: &str = "mcp-capture";

/// The words before `--exec`, with the metadata taken out, and the words after it.
#[derive(Debug, PartialEq)]
struct Words {
    options: Vec<OsString>,
    metadata: Object,
    command: Vec<OsString>,
}

pub(crate) fn mcp(arguments: &McpArguments) -> Result<Outcome, Failure> {
    let words = Words::split(&arguments.words)?;
    let typed = match McpOptions::try_parse_from(&words.options) {
        Ok(typed) => typed,
        Err(error) => error.exit(),
    };
    let refusal = match typed.failure_response_format {
        FailureResponseFormat::Error => RefusalStyle::Invariant,
        FailureResponseFormat::Content => RefusalStyle::Result,
    };
    let mcp_scan = typed.guard.mcp_scan_guardrails.clone();
    let mut options = options(typed.guard, started(words.command)?, refusal)?;
    options.project = Some(
        typed
            .project_name
            .unwrap_or_else(|| DEFAULT_PROJECT.to_owned()),
    );
    let server = words.metadata.get("server").and_then(|name| name.as_str());
    options.name = server.map(str::to_owned);
    if let Some(file) = mcp_scan {
        let client = words.metadata.get("client").and_then(|name| name.as_str());
        let client = client.ok_or_else(|| no_client("--metadata-client=NAME"))?;
        add_mcp_scan_guardrails(&mut options, &file, client)?;
    }
    options.metadata = words.metadata;
    let explorer = ExplorerConfig::from_environment().map_err(|error| Failure::of(&error))?;
    if explorer.is_none() && typed.push_explorer {
        let notice = "traces are kept here: `INVARIANT_API_URL` names no Explorer to push them to";
        options.notices.push(notice.to_owned());
    }
    options.explorer = explorer.map(|config| Explorer {
        config,
        takes_trace: typed.push_explorer,
    });
    start(options)
}

// === impl Words ===

impl Words {
    fn split(words: &[OsString]) -> Result<Self, Failure> {
        let mut before = words.split(|word| word == EXEC);
        let own = before.next().unwrap_or_default();
        let command = words.get(own.len() + 1..).unwrap_or_default();
        if command.is_empty() {
            return Err(Failure::usage("`mcp` was given no server to start")
                .hint("end the command line with `--exec COMMAND ARGUMENTS…`"));
        }
        let mut split = Self {
            options: Vec::new(),
            metadata: Object::new(),
            command: command.to_vec(),
        };
        for word in own {
            let text = word.to_string_lossy();
            let Some(pair) = text.strip_prefix(METADATA) else {
                split.options.push(word.clone());
                continue;
            };
            let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                return Err(Failure::usage(format!("`{text}` has no key and value"))
                    .hint("write it as `--metadata-KEY=VALUE`"));
            };
            split.metadata.insert(key, value);
        }
        Ok(split)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(words: &str) -> Result<Words, Failure> {
        let words: Vec<OsString> = words.split(' ').map(Into::into).collect();
        Words::split(&words)
    }

    #[test]
    fn the_reference_command_line_is_understood() {
        let words = split(
            "--project-name p --push-explorer --metadata-server=s --metadata-client=a=b \
             --exec npx -y --exec x",
        )
        .unwrap();
        assert_eq!(words.options, ["--project-name", "p", "--push-explorer"]);
        assert_eq!(words.command, ["npx", "-y", "--exec", "x"]);
        let members: Vec<_> = words.metadata.iter().map(|(name, _)| &**name).collect();
        assert_eq!(members, ["server", "client"]);
        assert_eq!(
            words.metadata.get("client").and_then(|v| v.as_str()),
            Some("a=b")
        );
    }

    #[test]
    fn incomplete_words_are_refused() {
        for wrong in [
            "--project-name p",
            "--exec",
            "--metadata-k --exec x",
            "--metadata-=v --exec x",
        ] {
            assert_eq!(split(wrong).unwrap_err().code, 2, "{wrong}");
        }
    }
}
