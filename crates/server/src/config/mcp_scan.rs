//! mcp-scan's guardrail file: what is in force for each client, server and tool.
//!
//! [`written`] has what may be written in the file, [`build`] makes guardrails of it, and
//! [`default_guardrail`] has those that come without being written.

mod build;
mod default_guardrail;
#[cfg(test)]
mod tests;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::ops::Range;
use std::path::Path;

use portcullis_session::Guardrail;
use portcullis_syntax::nearest;

use super::ConfigError;
use super::gateway::{Only, ScopedGuardrail, ServerConfig, ServerName};
use super::problem::{FileProblems, Problem};
use super::read::read_text;
use build::implicit;

/// What mcp-scan calls a client, and what the client calls itself. `portcullis run` and `mcp` are
/// told the former, over HTTP there is only the latter.
const CLIENT_NAMES: [(&str, &[&str]); 6] = [
    ("claude", &["claude-ai"]),
    ("claude code", &["claude-code"]),
    ("cursor", &["cursor-vscode"]),
    ("gemini cli", &["gemini-cli-mcp-client"]),
    (
        "vscode",
        &["Visual Studio Code", "Visual Studio Code - Insiders"],
    ),
    ("windsurf", &["windsurf-client"]),
];

/// The guardrails that a file of mcp-scan's puts in force. Clients and servers are any names.
#[derive(Debug, Default)]
pub struct McpScanFile {
    clients: BTreeMap<String, ClientSection>,
    /// What the user should be shown, though it keeps nothing from running.
    pub warnings: Vec<FileProblems>,
}

#[derive(Debug, Default)]
struct ClientSection {
    /// For each server of the client's, named or not.
    custom: Vec<Guardrail>,
    servers: BTreeMap<String, ServerSection>,
}

#[derive(Debug)]
struct ServerSection {
    span: Range<usize>,
    guardrails: Vec<Guardrail>,
}

// === impl McpScanFile ===

impl McpScanFile {
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = read_text(path)?;
        let mut problems = Vec::new();
        let mut file = Self::parse(&text, &mut problems);
        if !problems.is_empty() {
            let problems = FileProblems::new(path.to_owned(), text, problems);
            file.warnings.push(problems);
        }
        if file.warnings.iter().any(FileProblems::has_errors) {
            return Err(ConfigError::Invalid(file.warnings));
        }
        Ok(file)
    }

    pub fn names(&self, client: &str, server: &str) -> bool {
        let section = self.clients.get(client);
        section.is_some_and(|section| section.servers.contains_key(server))
    }

    /// What is in force between this client and this server.
    pub fn guardrails(&self, client: &str, server: &str) -> Vec<Guardrail> {
        let section = self.clients.get(client);
        let of_client = section
            .map(|section| section.custom.clone())
            .unwrap_or_default();
        let of_server = section.and_then(|section| section.servers.get(server));
        let of_server = match of_server {
            Some(section) => section.guardrails.clone(),
            None => implicit(&[client, server]),
        };
        [of_client, of_server].concat()
    }

    /// What is in force between all clients and these servers.
    pub(super) fn scoped(
        &self,
        servers: &BTreeMap<ServerName, ServerConfig>,
        problems: &mut Vec<Problem>,
    ) -> Vec<ScopedGuardrail> {
        let mut all = Vec::new();
        let mut named_clients = BTreeSet::new();
        for (client, section) in &self.clients {
            let names = self.names_of(client);
            named_clients.extend(names.iter().cloned());
            let clients = Only::These(names);
            all.extend(scope(&section.custom, &clients, &Only::All));
            let mut named_servers = BTreeSet::new();
            for (server, section) in &section.servers {
                let Some((server, _)) = servers.get_key_value(server.as_str()) else {
                    problems.push(unknown_server(section, server, servers));
                    continue;
                };
                named_servers.insert(server.clone());
                let server = Only::These(BTreeSet::from([server.clone()]));
                all.extend(scope(&section.guardrails, &clients, &server));
            }
            let others = Only::AllBut(named_servers);
            all.extend(scope(&implicit(&[client]), &clients, &others));
        }
        let others = Only::AllBut(named_clients);
        all.extend(scope(&implicit(&[]), &others, &Only::All));
        all
    }

    /// The names that a client may give itself, but for those that the file has something else for.
    fn names_of(&self, client: &str) -> BTreeSet<String> {
        let known = CLIENT_NAMES.iter().filter(|(name, _)| *name == client);
        let known = known.flat_map(|(_, names)| names.iter().copied());
        let own = known.filter(|name| !self.clients.contains_key(*name));
        iter::once(client).chain(own).map(str::to_owned).collect()
    }
}

fn scope(
    guardrails: &[Guardrail],
    clients: &Only<String>,
    servers: &Only<ServerName>,
) -> impl Iterator<Item = ScopedGuardrail> {
    guardrails.iter().map(|guardrail| ScopedGuardrail {
        guardrail: guardrail.clone(),
        servers: servers.clone(),
        clients: clients.clone(),
    })
}

fn unknown_server(
    section: &ServerSection,
    name: &str,
    servers: &BTreeMap<ServerName, ServerConfig>,
) -> Problem {
    let message = format!("no server is named `{name}`: these guardrails judge nothing");
    let meant = nearest(name, servers.keys().map(ServerName::as_str));
    let problem = Problem::warning(section.span.clone(), message);
    Problem {
        help: meant.map(|meant| format!("did you mean `{meant}`?")),
        ..problem
    }
}
