//! What may be written in mcp-scan's guardrail file.

use std::fmt;

use portcullis_session::GuardrailAction;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::default_guardrail::DefaultGuardrail;
use crate::config::tree::{Entries, Json, Spot};

/// The whole file: what is for each client.
pub(super) type Written = Entries<Option<WrittenClient>>;

/// Of a mapping: its keys, and what stands behind them if anything does.
pub(super) type Named<T> = Vec<(Spot<String>, Spot<Option<T>>)>;

/// What is for one client. Its servers are under `servers`; before version 0.3 of mcp-scan they
/// stood beside `custom_guardrails`.
#[derive(Default)]
pub(super) struct WrittenClient {
    pub(super) custom_guardrails: Vec<Spot<WrittenCustom>>,
    pub(super) servers: Option<Named<WrittenServer>>,
    pub(super) beside: Named<WrittenServer>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenServer {
    pub(super) guardrails: Option<Spot<WrittenGuardrails>>,
    pub(super) tools: Option<Spot<Entries<Option<WrittenTool>>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenGuardrails {
    links: Option<Spot<Mode>>,
    secrets: Option<Spot<Mode>>,
    pii: Option<Spot<Mode>>,
    moderated: Option<Spot<Mode>>,
    pub(super) custom_guardrails: Option<Spot<Vec<Spot<WrittenCustom>>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenTool {
    pub(super) enabled: Option<Spot<YesOrNo>>,
    links: Option<Spot<Mode>>,
    secrets: Option<Spot<Mode>>,
    pii: Option<Spot<Mode>>,
    moderated: Option<Spot<Mode>>,
}

/// A guardrail of the user's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCustom {
    pub(super) id: Spot<String>,
    pub(super) name: Spot<String>,
    /// The text of the policy.
    pub(super) content: Spot<String>,
    pub(super) enabled: Option<Spot<YesOrNo>>,
    pub(super) action: Option<Spot<Mode>>,
    /// What mcp-scan kept for itself.
    #[serde(rename = "extra_metadata")]
    _extra_metadata: Option<Json>,
    #[serde(rename = "last_updated_time")]
    _last_updated_time: Option<Json>,
    #[serde(rename = "runs-on")]
    _runs_on: Option<Json>,
}

/// What happens to a message that violates a guardrail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    Block,
    Log,
    /// The guardrail is not in force.
    Paused,
}

/// `true` or `false`, or another word that YAML 1.1, which mcp-scan reads, has for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct YesOrNo(pub(super) bool);

struct ClientVisitor;
struct YesOrNoVisitor;

// === impl WrittenClient ===

impl<'de> Deserialize<'de> for WrittenClient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClientVisitor)
    }
}

impl<'de> Visitor<'de> for ClientVisitor {
    type Value = WrittenClient;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the servers of a client")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenClient, A::Error> {
        let mut client = WrittenClient::default();
        while let Some(key) = map.next_key::<Spot<String>>()? {
            match key.value.as_deref() {
                Some("custom_guardrails") => {
                    let list: Spot<Option<_>> = map.next_value()?;
                    client.custom_guardrails = list.value.flatten().unwrap_or_default();
                }
                Some("servers") => {
                    let servers: Spot<Option<Entries<_>>> = map.next_value()?;
                    let servers = servers.value.flatten();
                    client.servers = Some(servers.map(|Entries(named)| named).unwrap_or_default());
                }
                Some(_) | None => client.beside.push((key, map.next_value()?)),
            }
        }
        Ok(client)
    }
}

// === impl WrittenGuardrails ===

impl WrittenGuardrails {
    pub(super) fn mode(&self, of: DefaultGuardrail) -> Option<&Spot<Mode>> {
        of.pick([&self.links, &self.secrets, &self.pii, &self.moderated])
            .as_ref()
    }
}

// === impl WrittenTool ===

impl WrittenTool {
    pub(super) fn mode(&self, of: DefaultGuardrail) -> Option<&Spot<Mode>> {
        of.pick([&self.links, &self.secrets, &self.pii, &self.moderated])
            .as_ref()
    }
}

// === impl Mode ===

impl Mode {
    pub(super) fn action(self) -> Option<GuardrailAction> {
        match self {
            Self::Block => Some(GuardrailAction::Block),
            Self::Log => Some(GuardrailAction::Log),
            Self::Paused => None,
        }
    }
}

// === impl YesOrNo ===

impl<'de> Deserialize<'de> for YesOrNo {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YesOrNoVisitor)
    }
}

impl Visitor<'_> for YesOrNoVisitor {
    type Value = YesOrNo;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`true` or `false`")
    }

    fn visit_bool<E>(self, value: bool) -> Result<YesOrNo, E> {
        Ok(YesOrNo(value))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<YesOrNo, E> {
        match word.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(YesOrNo(true)),
            "false" | "no" | "off" => Ok(YesOrNo(false)),
            _ => Err(E::invalid_type(Unexpected::Str(word), &self)),
        }
    }
}
