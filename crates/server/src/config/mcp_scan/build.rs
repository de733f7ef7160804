//! What mcp-scan's file means.

use std::ops::Range;

use portcullis_engine::Policy;
use portcullis_session::{Guardrail, GuardrailAction};
use portcullis_syntax::{Severity, nearest};
use portcullis_trace::record::GuardrailName;

use super::default_guardrail::{DefaultGuardrail, InForce, can_be_quoted, disabled};
use super::written::{
    Mode, Named, Written, WrittenClient, WrittenCustom, WrittenGuardrails, WrittenServer,
    WrittenTool, YesOrNo,
};
use super::{ClientSection, McpScanFile, ServerSection};
use crate::config::embedded::load_policy;
use crate::config::problem::Problem;
use crate::config::tree::{self, Entries, Spot};

const CLIENT_KEYS: [&str; 2] = ["custom_guardrails", "servers"];

/// Makes guardrails of what is written in `text`, and collects what is wrong with it on the way.
struct Builder<'f> {
    text: &'f str,
    problems: &'f mut Vec<Problem>,
}

/// A tool that guardrails can name.
struct Tool {
    name: String,
    written: WrittenTool,
}

impl McpScanFile {
    /// What it makes of a text with errors is not to be used.
    pub(in crate::config) fn parse(text: &str, problems: &mut Vec<Problem>) -> Self {
        let written: Option<Written> = tree::read(text, problems);
        let clients = written.map(|Entries(clients)| clients).unwrap_or_default();
        let mut builder = Builder { text, problems };
        let mut file = Self::default();
        for (name, client) in clients {
            if let (Some(name), Some(client)) = (name.value, client.value.flatten()) {
                let section = builder.client(&name, client);
                file.clients.insert(name, section);
            }
        }
        file
    }
}

/// The default guardrails for what the file says nothing about.
pub(super) fn implicit(whose: &[&str]) -> Vec<Guardrail> {
    let in_force = DefaultGuardrail::ALL.map(|guardrail| guardrail.in_force(None, &[]));
    let guardrails = in_force.iter().flatten();
    // They name no tools, and without one they load.
    let guardrails = guardrails.filter_map(|in_force| default_guardrail(in_force, whose).ok());
    guardrails.collect()
}

// === impl Builder ===

impl Builder<'_> {
    fn client(&mut self, client: &str, written: WrittenClient) -> ClientSection {
        let servers = match written.servers {
            Some(servers) => {
                for (key, _) in written.beside {
                    self.unknown_key(key);
                }
                servers
            }
            None => written.beside,
        };
        let mut section = ClientSection {
            custom: self.custom(written.custom_guardrails, &[]),
            ..ClientSection::default()
        };
        for (name, server) in servers {
            let (Some(server), Some(written)) = (name.value, server.value) else {
                continue;
            };
            let written = written.unwrap_or_default();
            let guardrails = self.server(&name.span, &[client, &server], written);
            let span = name.span;
            let of_server = ServerSection { span, guardrails };
            section.servers.insert(server, of_server);
        }
        section
    }

    fn unknown_key(&mut self, key: Spot<String>) {
        let Some(written) = key.value else {
            return;
        };
        let problem = Problem::error(key.span, format!("unknown key `{written}`"));
        self.problems.push(
            problem.help(match nearest(&written, CLIENT_KEYS.into_iter()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "put servers under `servers`".to_owned(),
            }),
        );
    }

    fn server(
        &mut self,
        span: &Range<usize>,
        whose: &[&str],
        written: WrittenServer,
    ) -> Vec<Guardrail> {
        let of_server = written.guardrails.and_then(|written| written.value);
        let mut of_server = of_server.unwrap_or_default();
        let custom = of_server.custom_guardrails.take();
        let tools = written.tools.and_then(|written| written.value);
        let tools = self.tools(tools.map(|Entries(tools)| tools).unwrap_or_default());

        let mut guardrails = self.defaults(span, whose, &of_server, &tools);
        for tool in &tools {
            if !is_on(tool.written.enabled.as_ref()) {
                guardrails.extend(self.made(span, disabled_tool(&tool.name, whose)));
            }
        }
        let custom = custom.and_then(|custom| custom.value).unwrap_or_default();
        guardrails.extend(self.custom(custom, whose));
        guardrails
    }

    fn defaults(
        &mut self,
        span: &Range<usize>,
        whose: &[&str],
        of_server: &WrittenGuardrails,
        tools: &[Tool],
    ) -> Vec<Guardrail> {
        let mut guardrails = Vec::new();
        for of in DefaultGuardrail::ALL {
            let mode = self.mode(of, of_server.mode(of));
            let modes = tools
                .iter()
                .filter_map(|tool| Some((&*tool.name, self.mode(of, tool.written.mode(of))?)));
            let modes: Vec<(&str, Mode)> = modes.collect();
            for in_force in of.in_force(mode, &modes) {
                guardrails.extend(self.made(span, default_guardrail(&in_force, whose)));
            }
        }
        guardrails
    }

    fn made(
        &mut self,
        span: &Range<usize>,
        guardrail: Result<Guardrail, String>,
    ) -> Option<Guardrail> {
        match guardrail {
            Ok(guardrail) => Some(guardrail),
            Err(why) => {
                let message = format!("there is no policy for these tools: {why}");
                self.problems.push(Problem::error(span.clone(), message));
                None
            }
        }
    }

    fn tools(&mut self, written: Named<WrittenTool>) -> Vec<Tool> {
        let mut tools = Vec::new();
        for (name, tool) in written {
            let (Some(text), Some(Some(written))) = (name.value, tool.value) else {
                continue;
            };
            if can_be_quoted(&text) {
                let name = text;
                tools.push(Tool { name, written });
            } else {
                self.problems.push(
                    Problem::error(name.span, format!("{text:?} is no name of a tool")).help(
                        "names with quotes, backslashes or control characters cannot be guarded",
                    ),
                );
            }
        }
        tools
    }

    /// What is written, with a warning if it cannot be done.
    fn mode(&mut self, of: DefaultGuardrail, written: Option<&Spot<Mode>>) -> Option<Mode> {
        let written = written?;
        let mode = written.value?;
        if let (DefaultGuardrail::Moderated, Some(action)) = (of, mode.action()) {
            let effect = match action {
                GuardrailAction::Block => "whatever it should judge is blocked",
                GuardrailAction::Log => "whatever it should judge is recorded as not judged",
            };
            let message = format!("`moderated` has no model to ask: {effect}");
            let problem = Problem::warning(written.span.clone(), message);
            self.problems.push(problem.help("write `paused`"));
        }
        Some(mode)
    }

    fn custom(&mut self, written: Vec<Spot<WrittenCustom>>, whose: &[&str]) -> Vec<Guardrail> {
        let written = written.into_iter().filter_map(|custom| custom.value);
        let mut guardrails = Vec::new();
        for custom in written {
            let mode = custom.action.and_then(|action| action.value);
            let action = mode.unwrap_or(Mode::Log).action();
            let Some(action) = action.filter(|_| is_on(custom.enabled.as_ref())) else {
                continue;
            };
            let (Some(id), Some(name), Some(content)) =
                (custom.id.value, custom.name.value, custom.content.value)
            else {
                continue;
            };
            let policy = load_policy(self.text, &custom.content.span, &content, self.problems);
            guardrails
                .extend(policy.map(|policy| guardrail(full_id(whose, &id), name, policy, action)));
        }
        guardrails
    }
}

fn default_guardrail(in_force: &InForce<'_>, whose: &[&str]) -> Result<Guardrail, String> {
    let id = full_id(whose, &in_force.id());
    let name = in_force.guardrail.name().to_owned();
    Ok(guardrail(
        id,
        name,
        load(&in_force.policy())?,
        in_force.action,
    ))
}

fn disabled_tool(tool: &str, whose: &[&str]) -> Result<Guardrail, String> {
    let id = full_id(whose, &format!("{tool}-disabled"));
    let policy = load(&disabled(tool))?;
    Ok(guardrail(id.clone(), id, policy, GuardrailAction::Block))
}

/// A policy of our own.
fn load(text: &str) -> Result<Policy, String> {
    let loaded = Policy::load(text);
    loaded.policy.ok_or_else(|| {
        let mut found = loaded.diagnostics.into_iter();
        let error = found.find(|found| found.severity == Severity::Error);
        error.map(|error| error.message).unwrap_or_default()
    })
}

/// What is only logged when it is violated is not worth blocking for when it fails.
fn guardrail(id: String, name: String, policy: Policy, action: GuardrailAction) -> Guardrail {
    Guardrail {
        name: GuardrailName { id: Some(id), name },
        policy: Ok(policy),
        on_violation: action,
        on_failure: action,
    }
}

/// An id behind the names of a client and a server.
fn full_id(whose: &[&str], id: &str) -> String {
    let words = whose.iter().copied().chain([id]);
    words.collect::<Vec<_>>().join("-")
}

fn is_on(written: Option<&Spot<YesOrNo>>) -> bool {
    written
        .and_then(|written| written.value)
        .is_none_or(|YesOrNo(is_on)| is_on)
}
