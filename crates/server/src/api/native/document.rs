//! The document that describes the native API (`OpenAPI` 3.1), made of the shapes.

use axum::response::Response;
use portcullis_json::{Object, Value};

use super::check::{Check, Checked};
use super::guardrail::{ChangedGuardrail, Guardrail, Guardrails, NewGuardrail, Versions};
use super::problem::ProblemDetails;
use super::project::Projects;
use super::session::{Event, Events, Session, Sessions};
use super::shape::Shape;
use crate::api::answer::{object, ok};

type Schema = fn(&mut Object) -> Value;

/// What one method of one path does.
struct Operation {
    path: &'static str,
    method: &'static str,
    summary: &'static str,
    parameters: &'static [Parameter],
    request: Option<Schema>,
    answer: Answered,
}

/// In the path, or in the query.
struct Parameter {
    name: &'static str,
    place: &'static str,
    kind: &'static str,
    description: &'static str,
}

enum Answered {
    Json(&'static str, Schema),
    /// Server-Sent Events, those named `event` of this shape.
    Stream(Schema),
    Nothing,
}

const SESSION: Parameter = path("session", "the id of a session");
const GUARDRAIL: Parameter = path("guardrail", "the id of a guardrail");
const LIMIT: Parameter = query("limit", "integer", "how many, 1 to 200; 50 without it");
const OFFSET: Parameter = query("offset", "integer", "how many to pass over");

const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/api/v2/projects",
        method: "get",
        summary: "List projects",
        parameters: &[query("name", "string", "a part of the name"), LIMIT, OFFSET],
        request: None,
        answer: Answered::Json("200", Projects::schema),
    },
    Operation {
        path: "/api/v2/sessions",
        method: "get",
        summary: "List sessions, live and past",
        parameters: &[
            query("project", "string", "of this project"),
            query("server", "string", "with this server"),
            query("name", "string", "of this name"),
            query("with_violations", "boolean", "only those with violations"),
            query(
                "is_open",
                "boolean",
                "only those that go on, or that do not",
            ),
            LIMIT,
            OFFSET,
        ],
        request: None,
        answer: Answered::Json("200", Sessions::schema),
    },
    Operation {
        path: "/api/v2/sessions/{session}",
        method: "get",
        summary: "Read a session",
        parameters: &[SESSION],
        request: None,
        answer: Answered::Json("200", Session::schema),
    },
    Operation {
        path: "/api/v2/sessions/{session}",
        method: "delete",
        summary: "Delete a session that has ended",
        parameters: &[SESSION],
        request: None,
        answer: Answered::Nothing,
    },
    Operation {
        path: "/api/v2/sessions/{session}/events",
        method: "get",
        summary: "Read the events of a session, with violations",
        parameters: &[
            SESSION,
            query("after", "integer", "from one after this place on"),
            LIMIT,
        ],
        request: None,
        answer: Answered::Json("200", Events::schema),
    },
    Operation {
        path: "/api/v2/guardrails",
        method: "get",
        summary: "List the guardrails of a project, or those of every session",
        parameters: &[
            query("project", "string", "the name of a project"),
            LIMIT,
            OFFSET,
        ],
        request: None,
        answer: Answered::Json("200", Guardrails::schema),
    },
    Operation {
        path: "/api/v2/guardrails",
        method: "post",
        summary: "Keep a guardrail",
        parameters: &[],
        request: Some(NewGuardrail::schema),
        answer: Answered::Json("201", Guardrail::schema),
    },
    Operation {
        path: "/api/v2/guardrails/{guardrail}",
        method: "get",
        summary: "Read a guardrail",
        parameters: &[GUARDRAIL],
        request: None,
        answer: Answered::Json("200", Guardrail::schema),
    },
    Operation {
        path: "/api/v2/guardrails/{guardrail}",
        method: "patch",
        summary: "Change a guardrail",
        parameters: &[GUARDRAIL],
        request: Some(ChangedGuardrail::schema),
        answer: Answered::Json("200", Guardrail::schema),
    },
    Operation {
        path: "/api/v2/guardrails/{guardrail}",
        method: "delete",
        summary: "Delete a guardrail; its versions stay",
        parameters: &[GUARDRAIL],
        request: None,
        answer: Answered::Nothing,
    },
    Operation {
        path: "/api/v2/guardrails/{guardrail}/versions",
        method: "get",
        summary: "Read how a guardrail was before",
        parameters: &[GUARDRAIL, LIMIT, OFFSET],
        request: None,
        answer: Answered::Json("200", Versions::schema),
    },
    Operation {
        path: "/api/v2/checks",
        method: "post",
        summary: "Try a policy on a trace or on a recorded session",
        parameters: &[],
        request: Some(Check::schema),
        answer: Answered::Json("200", Checked::schema),
    },
    Operation {
        path: "/api/v2/feed",
        method: "get",
        summary: "Watch what happens: `session`, `event`, `end` and `lost`",
        parameters: &[],
        request: None,
        answer: Answered::Stream(Event::schema),
    },
];

pub(super) async fn read() -> Response {
    ok(&document())
}

fn document() -> Value {
    let mut definitions = Object::new();
    let mut paths = Object::new();
    for operation in OPERATIONS {
        let described = operation.describe(&mut definitions);
        let methods = paths.get(operation.path).and_then(Value::as_object);
        let mut methods = methods.cloned().unwrap_or_default();
        methods.insert(operation.method, described);
        paths.insert(operation.path, methods);
    }
    object([
        ("openapi", "3.1.0".into()),
        (
            "info",
            object([
                ("title", "Portcullis".into()),
                ("version", env!("CARGO_PKG_VERSION").into()),
            ]),
        ),
        (
            "security",
            vec![object([("key", Vec::new().into())])].into(),
        ),
        ("paths", paths.into()),
        (
            "components",
            object([
                ("schemas", definitions.into()),
                ("securitySchemes", object([("key", bearer())])),
            ]),
        ),
    ])
}

// === impl Operation ===

impl Operation {
    fn describe(&self, definitions: &mut Object) -> Value {
        let parameters = self.parameters.iter().map(Parameter::describe);
        let parameters: Vec<Value> = parameters.collect();
        let mut described = Object::new();
        described.insert("summary", self.summary);
        described.insert("parameters", parameters);
        if let Some(request) = self.request {
            let body = object([
                ("required", true.into()),
                ("content", content("application/json", request(definitions))),
            ]);
            described.insert("requestBody", body);
        }
        described.insert("responses", self.responses(definitions));
        described.into()
    }

    fn responses(&self, definitions: &mut Object) -> Object {
        let said = |description: &str, kind, schema| {
            object([
                ("description", description.into()),
                ("content", content(kind, schema)),
            ])
        };
        let mut responses = Object::new();
        match self.answer {
            Answered::Json(status, schema) => {
                let answer = said("the answer", "application/json", schema(definitions));
                responses.insert(status, answer);
            }
            Answered::Stream(schema) => {
                let answer = said("a stream", "text/event-stream", schema(definitions));
                responses.insert("200", answer);
            }
            Answered::Nothing => {
                responses.insert("204", object([("description", "it is done".into())]));
            }
        }
        let problem = ProblemDetails::schema(definitions);
        let refused = said("refused", "application/problem+json", problem);
        responses.insert("default", refused);
        responses
    }
}

// === impl Parameter ===

impl Parameter {
    fn describe(&self) -> Value {
        object([
            ("name", self.name.into()),
            ("in", self.place.into()),
            ("required", (self.place == "path").into()),
            ("description", self.description.into()),
            ("schema", object([("type", self.kind.into())])),
        ])
    }
}

const fn path(name: &'static str, description: &'static str) -> Parameter {
    Parameter {
        name,
        place: "path",
        kind: "string",
        description,
    }
}

const fn query(name: &'static str, kind: &'static str, description: &'static str) -> Parameter {
    Parameter {
        name,
        place: "query",
        kind,
        description,
    }
}

fn content(kind: &str, schema: Value) -> Value {
    object([(kind, object([("schema", schema)]))])
}

fn bearer() -> Value {
    object([("type", "http".into()), ("scheme", "bearer".into())])
}
