use super::{MethodKind, MethodSpec, UnknownMethod};
use crate::Revision::{V2024_11_05 as A, V2025_06_18 as C, V2025_11_25 as D, V2026_07_28 as E};
use crate::Revisions;

const EVER: Revisions = Revisions::between(A, E);
const STATEFUL: Revisions = Revisions::between(A, D);
const FROM_C_STATEFUL: Revisions = Revisions::between(C, D);
const ONLY_D: Revisions = Revisions::between(D, D);
const FROM_D: Revisions = Revisions::between(D, E);
const ONLY_E: Revisions = Revisions::between(E, E);

const REQUEST: MethodSpec = blank(MethodKind::Request);
const NOTIFICATION: MethodSpec = blank(MethodKind::Notification);

const fn blank(kind: MethodKind) -> MethodSpec {
    MethodSpec {
        name: "",
        kind,
        from_client: Revisions::NONE,
        from_server: Revisions::NONE,
        nested: Revisions::NONE,
        to_model: &[],
        to_server: &[],
    }
}

/// One row makes the variant, its name and its description, so that none can be forgotten.
macro_rules! methods {
    ($($variant:ident $name:literal $blank:ident { $($field:ident: $value:expr),* $(,)? })*) => {
        /// A method name. Names compare by exact bytes.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
            Unknown(UnknownMethod),
        }

        impl Method {
            /// All that some revision knows.
            pub const KNOWN: &[Self] = &[$(Self::$variant),*];

            pub fn parse(name: &str) -> Self {
                match name {
                    $($name => Self::$variant,)*
                    _ => Self::Unknown(UnknownMethod(name.into())),
                }
            }

            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Unknown(unknown) => &unknown.0,
                }
            }

            pub const fn spec(&self) -> Option<&'static MethodSpec> {
                match self {
                    $(Self::$variant => {
                        const SPEC: MethodSpec =
                            MethodSpec { name: $name, $($field: $value,)* ..$blank };
                        Some(&SPEC)
                    })*
                    Self::Unknown(_) => None,
                }
            }
        }
    };
}

// SPEC: schema of each revision; the tasks, skills and directory methods of 2026-07-28 belong to
// official extensions.
methods! {
    Initialize "initialize" REQUEST {
        from_client: STATEFUL,
        to_model: &["result.instructions", "result.serverInfo"],
        to_server: &["params.clientInfo"],
    }
    ServerDiscover "server/discover" REQUEST {
        from_client: ONLY_E,
        to_model: &["result.instructions", "result._meta"],
        to_server: &["params._meta"],
    }
    Ping "ping" REQUEST { from_client: STATEFUL, from_server: STATEFUL }
    ToolsList "tools/list" REQUEST {
        from_client: EVER,
        to_model: &["result.tools"],
        to_server: &["params.cursor"],
    }
    ToolsCall "tools/call" REQUEST {
        from_client: EVER,
        to_model: &[
            "result.content",
            "result.structuredContent",
            "result.inputRequests",
            "result._meta",
        ],
        to_server: &["params.name", "params.arguments", "params.inputResponses"],
    }
    ResourcesList "resources/list" REQUEST {
        from_client: EVER,
        to_model: &["result.resources"],
        to_server: &["params.cursor"],
    }
    ResourcesTemplatesList "resources/templates/list" REQUEST {
        from_client: EVER,
        to_model: &["result.resourceTemplates"],
        to_server: &["params.cursor"],
    }
    ResourcesRead "resources/read" REQUEST {
        from_client: EVER,
        to_model: &["result.contents", "result.inputRequests"],
        to_server: &["params.uri", "params.inputResponses"],
    }
    ResourcesSubscribe "resources/subscribe" REQUEST {
        from_client: STATEFUL,
        to_server: &["params.uri"],
    }
    ResourcesUnsubscribe "resources/unsubscribe" REQUEST {
        from_client: STATEFUL,
        to_server: &["params.uri"],
    }
    ResourcesDirectoryRead "resources/directory/read" REQUEST {
        from_client: ONLY_E,
        to_model: &["result"],
        to_server: &["params.uri"],
    }
    SubscriptionsListen "subscriptions/listen" REQUEST {
        from_client: ONLY_E,
        to_server: &["params.notifications"],
    }
    PromptsList "prompts/list" REQUEST {
        from_client: EVER,
        to_model: &["result.prompts"],
        to_server: &["params.cursor"],
    }
    PromptsGet "prompts/get" REQUEST {
        from_client: EVER,
        to_model: &["result.description", "result.messages", "result.inputRequests"],
        to_server: &["params.name", "params.arguments", "params.inputResponses"],
    }
    CompletionComplete "completion/complete" REQUEST {
        from_client: EVER,
        to_model: &["result.completion.values"],
        to_server: &["params.ref", "params.argument", "params.context"],
    }
    LoggingSetLevel "logging/setLevel" REQUEST { from_client: STATEFUL }
    TasksGet "tasks/get" REQUEST {
        from_client: FROM_D,
        from_server: ONLY_D,
        to_model: &[
            "result.statusMessage",
            "result.result",
            "result.error",
            "result.inputRequests",
        ],
        to_server: &["result.statusMessage"],
    }
    TasksResult "tasks/result" REQUEST {
        from_client: ONLY_D,
        from_server: ONLY_D,
        to_model: &["result"],
        to_server: &["result"],
    }
    TasksList "tasks/list" REQUEST {
        from_client: ONLY_D,
        from_server: ONLY_D,
        to_model: &["result.tasks"],
        to_server: &["params.cursor", "result.tasks"],
    }
    TasksCancel "tasks/cancel" REQUEST {
        from_client: FROM_D,
        from_server: ONLY_D,
        to_model: &["result.statusMessage"],
        to_server: &["result.statusMessage"],
    }
    TasksUpdate "tasks/update" REQUEST {
        from_client: ONLY_E,
        to_server: &["params.inputResponses"],
    }
    SkillsList "skills/list" REQUEST { from_client: ONLY_E, to_model: &["result"] }
    SkillsGet "skills/get" REQUEST { from_client: ONLY_E, to_model: &["result"] }
    SamplingCreateMessage "sampling/createMessage" REQUEST {
        from_server: STATEFUL,
        nested: ONLY_E,
        to_model: &["params.messages", "params.systemPrompt", "params.tools", "params.metadata"],
        to_server: &["result.content"],
    }
    ElicitationCreate "elicitation/create" REQUEST {
        from_server: FROM_C_STATEFUL,
        nested: ONLY_E,
        to_model: &["params.message", "params.requestedSchema", "params.url"],
        to_server: &["result.content"],
    }
    RootsList "roots/list" REQUEST {
        from_server: STATEFUL,
        nested: ONLY_E,
        to_server: &["result.roots"],
    }
    Initialized "notifications/initialized" NOTIFICATION { from_client: STATEFUL }
    Cancelled "notifications/cancelled" NOTIFICATION {
        from_client: EVER,
        from_server: EVER,
        to_model: &["params.reason"],
        to_server: &["params.reason"],
    }
    Progress "notifications/progress" NOTIFICATION {
        from_client: STATEFUL,
        from_server: EVER,
        to_model: &["params.message"],
        to_server: &["params.message"],
    }
    LoggingMessage "notifications/message" NOTIFICATION {
        from_server: EVER,
        to_model: &["params.logger", "params.data"],
    }
    ResourcesUpdated "notifications/resources/updated" NOTIFICATION { from_server: EVER }
    ResourcesListChanged "notifications/resources/list_changed" NOTIFICATION { from_server: EVER }
    ToolsListChanged "notifications/tools/list_changed" NOTIFICATION { from_server: EVER }
    PromptsListChanged "notifications/prompts/list_changed" NOTIFICATION { from_server: EVER }
    RootsListChanged "notifications/roots/list_changed" NOTIFICATION { from_client: STATEFUL }
    ElicitationComplete "notifications/elicitation/complete" NOTIFICATION { from_server: ONLY_D }
    TasksStatus "notifications/tasks/status" NOTIFICATION {
        from_client: ONLY_D,
        from_server: ONLY_D,
        to_model: &["params.statusMessage"],
        to_server: &["params.statusMessage"],
    }
    Tasks "notifications/tasks" NOTIFICATION {
        from_server: ONLY_E,
        to_model: &[
            "params.statusMessage",
            "params.result",
            "params.error",
            "params.inputRequests",
        ],
    }
    SubscriptionsAcknowledged "notifications/subscriptions/acknowledged" NOTIFICATION {
        from_server: ONLY_E,
    }
}
