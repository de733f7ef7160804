//! What may be written in a configuration file; what it means is said by [`super::build`].
//!
//! The comments are the descriptions of the JSON Schema.

mod address;
pub(super) mod detectors;
mod duration;

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

pub(super) use self::address::WrittenAddress;
use self::detectors::WrittenDetectors;
pub(super) use self::duration::WrittenDuration;
use super::tree::{Entries, Json, Spot};

/// The configuration of `portcullis serve`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Portcullis")]
pub(super) struct Written {
    /// The address and port to listen on.
    #[schemars(extend("default" = "127.0.0.1:8787"), with = "Option<String>")]
    pub(super) listen: Option<Spot<WrittenAddress>>,
    /// Values of the header `Host` that are answered, beside the names of this machine to itself.
    /// Without a port, any port.
    #[schemars(extend("default" = []))]
    pub(super) allowed_hosts: Option<Spot<Vec<Spot<String>>>>,
    /// Values of the header `Origin` that are answered: web pages that may be clients.
    #[schemars(extend("default" = []))]
    pub(super) allowed_origins: Option<Spot<Vec<Spot<String>>>>,
    /// Where traces and logs are kept. Without it: `portcullis` in the XDG data directory.
    pub(super) data_directory: Option<Spot<String>>,
    /// Strict: a message passes only once its record is safely on disk.
    #[schemars(extend("default" = "relaxed"))]
    pub(super) durability: Option<Spot<WrittenDurability>>,
    /// Where traces are kept instead of in the data directory, and for how long.
    pub(super) store: Option<Spot<WrittenStore>>,
    /// How a blocked tool call is answered: a tool result, which the model reads, or an error of
    /// the protocol. Everything else that is blocked is answered with an error.
    #[schemars(extend("default" = "result"))]
    pub(super) refusal: Option<Spot<WrittenRefusal>>,
    /// The MCP servers, by the names that they are reached under.
    #[schemars(extend("default" = {}))]
    pub(super) servers: Option<Spot<Entries<WrittenServer>>>,
    /// The policies, in the order in which they judge.
    #[schemars(extend("default" = []))]
    pub(super) guardrails: Option<Spot<Vec<Spot<WrittenGuardrail>>>>,
    /// What is done about definitions of tools, as servers list them.
    pub(super) tools: Option<Spot<WrittenTools>>,
    /// The guardrail file of mcp-scan, whose guardrails are in force after these.
    pub(super) mcp_scan_guardrails: Option<Spot<String>>,
    /// How long sessions live, and how many there may be.
    pub(super) sessions: Option<Spot<WrittenSessions>>,
    /// Patience with connections.
    pub(super) streams: Option<Spot<WrittenStreams>>,
    /// What is refused for its size, or for names that are not known.
    pub(super) limits: Option<Spot<WrittenLimits>>,
    /// What is logged, in the data directory.
    pub(super) log: Option<Spot<WrittenLog>>,
    /// The routes of Invariant Gateway, under `/api/v1/gateway/`.
    pub(super) gateway: Option<Spot<WrittenGateway>>,
    /// Who may use the servers.
    pub(super) clients: Option<Spot<WrittenClients>>,
    /// The routes of Invariant Explorer and its guardrails, under `/api/v1/`.
    pub(super) api: Option<Spot<WrittenApi>>,
    /// Whom to ask what the gateway cannot tell by itself.
    pub(super) detectors: Option<Spot<WrittenDetectors>>,
    /// What policies read as `input.NAME`.
    #[schemars(extend("default" = {}))]
    pub(super) parameters: Option<Spot<Entries<Json>>>,
}

/// Either a command to run, or the URL of a server that runs already.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Server")]
pub(super) struct WrittenServer {
    /// What to run, without a shell in between: a list, or the program alone with `args` beside it.
    pub(super) command: Option<Spot<Words>>,
    /// The arguments of a program that `command` has alone.
    pub(super) args: Option<Spot<Vec<Spot<String>>>>,
    /// Variables for the server's environment, which is otherwise small. `${NAME}` is a variable
    /// of the gateway's own environment, `$${` is `${`.
    #[schemars(extend("default" = {}))]
    pub(super) env: Option<Spot<Entries<String>>>,
    /// The directory in which the server runs. Without it: the gateway's own.
    pub(super) cwd: Option<Spot<String>>,
    /// Where the server is, with `http` or `https`.
    pub(super) url: Option<Spot<String>>,
    /// The transport that the server at `url` speaks.
    #[schemars(extend("default" = "streamable-http"))]
    pub(super) transport: Option<Spot<WrittenTransport>>,
    /// Headers for every request to `url`. `${NAME}` is as in `env`.
    #[schemars(extend("default" = {}))]
    pub(super) headers: Option<Spot<Entries<String>>>,
    /// Headers of the client's requests that are passed on to `url`.
    #[schemars(extend("default" = []))]
    pub(super) forward_headers: Option<Spot<Vec<Spot<String>>>>,
    /// Methods that may pass beside those of the MCP specification. They are inspected like others.
    #[schemars(extend("default" = []))]
    pub(super) allow_methods: Option<Spot<Vec<Spot<String>>>>,
}

/// A policy in force.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Guardrail")]
pub(super) struct WrittenGuardrail {
    /// What violations are recorded under. No two guardrails have the same.
    pub(super) name: Spot<String>,
    /// The policy itself, or the file that holds it.
    pub(super) policy: Spot<WrittenPolicy>,
    /// What happens to a message that violates the policy.
    #[schemars(extend("default" = "block"))]
    pub(super) action: Option<Spot<WrittenAction>>,
    /// What happens to a message that the policy fails to judge.
    #[schemars(extend("default" = "block"))]
    pub(super) on_failure: Option<Spot<WrittenAction>>,
    /// Whether the policy is in force. It must load even if it is not.
    #[schemars(extend("default" = true))]
    pub(super) enabled: Option<Spot<bool>>,
    /// The servers that are guarded. Without it: all.
    pub(super) servers: Option<Spot<Vec<Spot<String>>>>,
    /// The clients that are guarded, by the names that they give themselves. Without it: all.
    pub(super) clients: Option<Spot<Vec<Spot<String>>>>,
}

/// What is done about a tool, beside recording what was found: it is taken out of the listing and
/// cannot be called, or nothing; or it is not looked at.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Tools")]
pub(super) struct WrittenTools {
    /// Its definition works on the model that reads it.
    #[schemars(extend("default" = "log"))]
    pub(super) poisoned: Option<Spot<WrittenToolAction>>,
    /// Its definition is not the one that is pinned: that was seen first, or approved since.
    #[schemars(extend("default" = "log"))]
    pub(super) changed: Option<Spot<WrittenToolAction>>,
    /// The server did not have it when its tools were first listed.
    #[schemars(extend("default" = "log"))]
    pub(super) new: Option<Spot<WrittenToolAction>>,
    /// It has the name of another configured server's tool, or speaks of one.
    #[schemars(extend("default" = "log"))]
    pub(super) shadowed: Option<Spot<WrittenToolAction>>,
    /// Its name stands twice in the listing, looks like another one, or has unusual letters.
    #[schemars(extend("default" = "log"))]
    pub(super) ambiguous: Option<Spot<WrittenToolAction>>,
    /// An `x-mcp-header` of it breaks the rules of revision 2026-07-28.
    #[schemars(extend("default" = "block"))]
    pub(super) headers: Option<Spot<WrittenToolAction>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Store")]
pub(super) struct WrittenStore {
    /// The path of a SQLite file, or `postgres://user:password@host/database`. `${NAME}` is a
    /// variable of the gateway's own environment. Without it: `traces.db` in the data directory.
    pub(super) url: Option<Spot<String>>,
    /// What becomes of old traces. Without it: all are kept.
    pub(super) retention: Option<Spot<WrittenRetention>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Retention")]
pub(super) struct WrittenRetention {
    /// A session in which nothing happened for so long is forgotten.
    pub(super) max_age: Option<Spot<WrittenDuration>>,
    /// When the messages of all sessions take more, the longest idle sessions are forgotten.
    pub(super) max_bytes: Option<Spot<u64>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Sessions")]
pub(super) struct WrittenSessions {
    /// A session whose client has said nothing and got no answer for so long is ended.
    #[schemars(extend("default" = "30m"))]
    pub(super) idle_timeout: Option<Spot<WrittenDuration>>,
    /// A session is ended after so long, however busy it is.
    #[schemars(extend("default" = "24h"))]
    pub(super) max_age: Option<Spot<WrittenDuration>>,
    /// Sessions at a time.
    #[schemars(extend("default" = 1000))]
    pub(super) max_sessions: Option<Spot<u64>>,
    /// Sessions at a time of one principal.
    #[schemars(extend("default" = 100))]
    pub(super) max_sessions_per_principal: Option<Spot<u64>>,
    /// What tells conversations apart in revision 2026-07-28, which has no sessions. Without it:
    /// the credential and the client's name.
    pub(super) key: Option<Spot<WrittenKey>>,
}

/// Exactly one of the two.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Key")]
pub(super) struct WrittenKey {
    /// A header of the request.
    pub(super) header: Option<Spot<String>>,
    /// A member of the request's `_meta`.
    pub(super) meta: Option<Spot<String>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Streams")]
pub(super) struct WrittenStreams {
    /// A stream that is idle for so long is sent a comment.
    #[schemars(extend("default" = "15s"))]
    pub(super) keep_alive: Option<Spot<WrittenDuration>>,
    /// How long a server may take to answer a request.
    #[schemars(extend("default" = "10m"))]
    pub(super) request_timeout: Option<Spot<WrittenDuration>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Limits")]
pub(super) struct WrittenLimits {
    /// How long a message may be.
    #[schemars(extend("default" = 16_777_216))]
    pub(super) message_bytes: Option<Spot<u64>>,
    /// What becomes of messages with reserved names in `_meta` that are not known.
    #[schemars(extend("default" = "pass"))]
    pub(super) unknown_meta: Option<Spot<WrittenUnknownMeta>>,
    /// What becomes of `includeContext` in what servers ask of a client's model: `withhold` passes
    /// it on as `none`.
    #[schemars(extend("default" = "pass"))]
    pub(super) sampling_context: Option<Spot<WrittenSamplingContext>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Log")]
pub(super) struct WrittenLog {
    /// Text for people, or an object of JSON on each line.
    #[schemars(extend("default" = "text"))]
    pub(super) format: Option<Spot<WrittenLogFormat>>,
    /// The least serious that is logged.
    #[schemars(extend("default" = "info"))]
    pub(super) level: Option<Spot<WrittenLevel>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Gateway")]
pub(super) struct WrittenGateway {
    /// Whether the routes are there.
    #[schemars(extend("default" = true))]
    pub(super) enabled: Option<Spot<bool>>,
    /// What the header `MCP-SERVER-BASE-URL` may name: `scheme://host`, `scheme://host:port`, or
    /// `scheme://host:*` for any port. Without it: the names of this machine to itself, any port.
    pub(super) allowed_upstreams: Option<Spot<Vec<Spot<String>>>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Clients")]
pub(super) struct WrittenClients {
    /// Who may open sessions and speak in them: whoever reaches this machine's own address, or
    /// whoever has an API key. Without it: `none` where only this machine is listened to, otherwise
    /// `keys`.
    pub(super) login: Option<Spot<WrittenLogin>>,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename = "Api")]
pub(super) struct WrittenApi {
    /// Who may ask: whoever reaches this machine's own address, or whoever has an API key. Without
    /// it: what `login` of `clients` is.
    pub(super) login: Option<Spot<WrittenLogin>>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "Login")]
pub(super) enum WrittenLogin {
    None,
    Keys,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "LogFormat")]
pub(super) enum WrittenLogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "Level")]
pub(super) enum WrittenLevel {
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "Durability")]
pub(super) enum WrittenDurability {
    Relaxed,
    Strict,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "Refusal")]
pub(super) enum WrittenRefusal {
    Result,
    Error,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "Transport")]
pub(super) enum WrittenTransport {
    StreamableHttp,
    Sse,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "UnknownMeta")]
pub(super) enum WrittenUnknownMeta {
    Pass,
    Refuse,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "SamplingContext")]
pub(super) enum WrittenSamplingContext {
    Pass,
    Withhold,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "Action")]
pub(super) enum WrittenAction {
    Block,
    Log,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename = "ToolAction")]
pub(super) enum WrittenToolAction {
    Block,
    Log,
    Off,
}

/// A program, or a program with its arguments.
pub(super) enum Words {
    Program(String),
    List(Vec<Spot<String>>),
}

/// A policy's text, or the file that holds it.
pub(super) enum WrittenPolicy {
    Text(String),
    File(PolicyPath),
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyPath {
    /// A path relative to the configuration file.
    pub(super) file: Spot<String>,
}

struct WordsVisitor;
struct PolicyVisitor;

// === impl Words ===

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a program or a list of a program and its arguments")
    }

    fn visit_str<E>(self, program: &str) -> Result<Words, E> {
        Ok(Words::Program(program.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, words: A) -> Result<Words, A::Error> {
        Deserialize::deserialize(SeqAccessDeserializer::new(words)).map(Words::List)
    }
}

impl JsonSchema for Words {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "array"],
            "items": { "type": "string" },
            "minItems": 1,
        })
    }
}

// === impl WrittenPolicy ===

impl<'de> Deserialize<'de> for WrittenPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PolicyVisitor)
    }
}

impl<'de> Visitor<'de> for PolicyVisitor {
    type Value = WrittenPolicy;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text of a policy, or `file: PATH`")
    }

    fn visit_str<E>(self, text: &str) -> Result<WrittenPolicy, E> {
        Ok(WrittenPolicy::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WrittenPolicy, A::Error> {
        Deserialize::deserialize(MapAccessDeserializer::new(map)).map(WrittenPolicy::File)
    }
}

impl JsonSchema for WrittenPolicy {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Policy".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let file = PolicyPath::json_schema(generator);
        json_schema!({ "anyOf": [{ "type": "string" }, file] })
    }
}
