//! The guardrails that mcp-scan has by itself: what they say, and which tools they are for.

use portcullis_session::GuardrailAction;

use super::written::Mode;

/// Looks for something in what tools answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DefaultGuardrail {
    Links,
    Secrets,
    Pii,
    Moderated,
}

/// A default guardrail that judges some tools of a server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InForce<'t> {
    pub(super) guardrail: DefaultGuardrail,
    pub(super) action: GuardrailAction,
    pub(super) tools: Tools<'t>,
}

/// Names of tools, or what else is answered to the client: a listing is an answer to `tools/list`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tools<'t> {
    AllBut(Vec<&'t str>),
    Only(Vec<&'t str>),
}

// === impl DefaultGuardrail ===

impl DefaultGuardrail {
    pub(super) const ALL: [Self; 4] = [Self::Links, Self::Secrets, Self::Pii, Self::Moderated];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Links => "links",
            Self::Secrets => "secrets",
            Self::Pii => "pii",
            Self::Moderated => "moderated",
        }
    }

    /// What is its own of things in the order of [`Self::ALL`].
    pub(super) fn pick<T>(self, [links, secrets, pii, moderated]: [T; 4]) -> T {
        match self {
            Self::Links => links,
            Self::Secrets => secrets,
            Self::Pii => pii,
            Self::Moderated => moderated,
        }
    }

    /// Where nothing is written. What has no backend is left out then, as mcp-scan does; where it
    /// is written, it is in force, and fails.
    fn implicit(self) -> Mode {
        match self {
            Self::Links | Self::Secrets | Self::Pii => Mode::Log,
            Self::Moderated => Mode::Paused,
        }
    }

    /// What is in force for a server: the mode of a tool goes before that of its server, and that
    /// before the implicit one.
    pub(super) fn in_force<'t>(
        self,
        of_server: Option<Mode>,
        of_tools: &[(&'t str, Mode)],
    ) -> Vec<InForce<'t>> {
        let of_rest = of_server.unwrap_or(self.implicit());
        let with = |wanted: Mode| {
            let tools = of_tools.iter().filter(move |(_, mode)| *mode == wanted);
            tools.map(|(tool, _)| *tool).collect::<Vec<_>>()
        };
        let others = of_tools.iter().filter(|(_, mode)| *mode != of_rest);
        let others = others.map(|(tool, _)| *tool).collect();
        let mut scopes = vec![(of_rest, Tools::AllBut(others))];
        for mode in [Mode::Block, Mode::Log] {
            let tools = with(mode);
            if mode != of_rest && !tools.is_empty() {
                scopes.push((mode, Tools::Only(tools)));
            }
        }
        let in_force = scopes.into_iter().filter_map(|(mode, tools)| {
            Some(InForce {
                guardrail: self,
                action: mode.action()?,
                tools,
            })
        });
        in_force.collect()
    }

    fn import(self) -> &'static str {
        match self {
            Self::Links => "from invariant.parsers.html import links",
            Self::Secrets => "from invariant.detectors import secrets",
            Self::Pii => "from invariant.detectors import pii",
            Self::Moderated => "from invariant.detectors import moderated",
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Links => "a link in what the tool answers",
            Self::Secrets => "a secret in what the tool answers",
            Self::Pii => "personal data in what the tool answers",
            Self::Moderated => "harmful content in what the tool answers",
        }
    }

    fn condition(self) -> &'static str {
        match self {
            Self::Links => "any(links(part))",
            Self::Secrets => "any(secrets(part))",
            Self::Pii => "any(pii(part))",
            Self::Moderated => "moderated(part)",
        }
    }
}

// === impl InForce ===

impl InForce<'_> {
    /// As mcp-scan calls it, without the client and the server.
    pub(super) fn id(&self) -> String {
        let name = self.guardrail.name();
        match &self.tools {
            Tools::AllBut(_) => format!("{name}-default"),
            Tools::Only(tools) => {
                let mut tools = tools.clone();
                tools.sort_unstable();
                format!("{name}-{}", tools.join("-"))
            }
        }
    }

    /// The text of the policy.
    pub(super) fn policy(&self) -> String {
        let guardrail = self.guardrail;
        format!(
            "{}\n\nraise \"{}\" if:\n    (output: ToolOutput)\n{}    (part: str) in text(output)\n    {}\n",
            guardrail.import(),
            guardrail.message(),
            self.tools.condition(),
            guardrail.condition(),
        )
    }
}

// === impl Tools ===

impl Tools<'_> {
    /// A line of a policy, or nothing.
    fn condition(&self) -> String {
        let (operator, tools) = match self {
            Self::AllBut(tools) if tools.is_empty() => return String::new(),
            Self::AllBut(tools) => ("not in", tools),
            Self::Only(tools) => ("in", tools),
        };
        let tools: Vec<String> = tools.iter().map(|tool| format!("\"{tool}\"")).collect();
        let tools = tools.join(", ");
        format!("    tool_call(output).function.name {operator} [{tools}]\n")
    }
}

/// Whether a tool's name can stand in quotes in a policy.
pub(super) fn can_be_quoted(tool: &str) -> bool {
    !tool
        .chars()
        .any(|c| c.is_control() || matches!(c, '"' | '\\' | '\u{2028}' | '\u{2029}'))
}

/// A policy under which a tool cannot be called.
pub(super) fn disabled(tool: &str) -> String {
    format!(
        "raise \"the tool is disabled\" if:\n    (call: ToolCall)\n    call.function.name == \"{tool}\"\n"
    )
}
