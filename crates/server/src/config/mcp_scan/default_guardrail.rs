//! The guardrails that mcp-scan has by itself: what they say, and which tools they are for.

use portcullis_session::GuardrailAction;

use super::written::Mode;

/// Requests by which a server says what it has. Such answers are full of links, as names of schemas
/// and resources or for people to read.
const ANNOUNCEMENTS: [&str; 6] = [
    "initialize",
    "server/discover",
    "tools/list",
    "prompts/list",
    "resources/list",
    "resources/templates/list",
];

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

/// Whose outputs are judged. Other requests than calls count as tools by the names of their methods.
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
            Self::Links => "a link in the output",
            Self::Secrets => "a secret in the output",
            Self::Pii => "personal data in the output",
            Self::Moderated => "harmful content in the output",
        }
    }

    fn condition(self) -> &'static str {
        match self {
            Self::Links => "any(links(part))",
            Self::Secrets => "any(secrets(part))",
            // The detector has links among its kinds, which are for the guardrail of that name.
            Self::Pii => "any([kind for kind in pii(part) if kind != \"URL\"])",
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
        let mut policy = format!(
            "{}\n\nraise \"{}\" if:\n    (output: ToolOutput)\n{}    (part: str) in text(output)\n    {}\n",
            guardrail.import(),
            guardrail.message(),
            self.scope(),
            guardrail.condition(),
        );
        if self.is_for_no_announcement() {
            policy.push_str(&no_tool_named_like(&ANNOUNCEMENTS));
        }
        policy
    }

    /// A line of the policy, or nothing.
    fn scope(&self) -> String {
        let (operator, tools) = match &self.tools {
            Tools::Only(tools) => ("in", tools.clone()),
            Tools::AllBut(tools) if self.is_for_no_announcement() => {
                ("not in", [&ANNOUNCEMENTS, &**tools].concat())
            }
            Tools::AllBut(tools) if tools.is_empty() => return String::new(),
            Tools::AllBut(tools) => ("not in", tools.clone()),
        };
        let tools = list(&tools);
        format!("    tool_call(output).function.name {operator} {tools}\n")
    }

    fn is_for_no_announcement(&self) -> bool {
        self.guardrail == DefaultGuardrail::Links && matches!(self.tools, Tools::AllBut(_))
    }
}

/// A policy sees requests as calls of tools: the output of a tool with the name of a method would
/// pass for an announcement. Clients call what is listed, so the listing is where to stop it.
fn no_tool_named_like(methods: &[&str]) -> String {
    format!(
        "\nraise \"a tool with the name of a method\" if:\n    (tool: Tool)\n    tool.name in {}\n",
        list(methods)
    )
}

fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", names.join(", "))
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
