//! A gateway asked as an Explorer.

use portcullis_json::{Limits, Value, parse};

use crate::serve::gateway::Gateway;
use crate::serve::http::{Answer, Request};

pub(super) struct Explorer {
    pub(super) gateway: Gateway,
    key: Option<String>,
}

// === impl Explorer ===

impl Explorer {
    /// With no server to guard.
    pub(super) fn start(more: &str) -> Self {
        Self::of(Gateway::start("servers: {}\n", more))
    }

    pub(super) fn of(gateway: Gateway) -> Self {
        Self { gateway, key: None }
    }

    /// The same, asked with this key.
    pub(super) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    pub(super) fn send(&self, request: Request) -> Answer {
        let request = match &self.key {
            Some(key) => request.with("Authorization", &format!("Bearer {key}")),
            None => request,
        };
        request.send(self.gateway.address)
    }

    pub(super) fn get(&self, path: &str) -> Value {
        good(self.send(Request::new("GET", path)))
    }

    pub(super) fn post(&self, path: &str, body: &str) -> Value {
        good(self.send(Request::post(path, body)))
    }

    pub(super) fn put(&self, path: &str, body: &str) -> Value {
        good(self.send(Request::new("GET", path).saying(body).by("PUT")))
    }

    pub(super) fn delete(&self, path: &str) -> Value {
        good(self.send(Request::new("DELETE", path)))
    }

    /// The status and the text of a request that is refused.
    pub(super) fn refusal(&self, request: Request) -> (u16, String) {
        let answer = self.send(request);
        let status = answer.status;
        let body = json(&answer.body());
        let detail = body.get("detail").unwrap_or_else(|| panic!("{body}"));
        let text = detail
            .as_str()
            .map_or_else(|| detail.to_string(), str::to_owned);
        (status, text)
    }

    /// Pushes one trace and gives its id.
    pub(super) fn push(&self, dataset: &str, messages: &str) -> String {
        let body = format!(r#"{{"messages":[{messages}],"dataset":"{dataset}"}}"#);
        let pushed = self.post("/api/v1/push/trace", &body);
        text(&pushed, "id.0")
    }
}

fn good(answer: Answer) -> Value {
    let status = answer.status;
    let body = answer.body();
    assert_eq!(status, 200, "{body}");
    json(&body)
}

pub(super) fn json(text: &str) -> Value {
    parse(text, &Limits::strict()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What is at a path such as `annotations.0.content`.
#[track_caller]
pub(super) fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(value, |value, step| {
        let inner = match (value, step.parse::<usize>()) {
            (Value::Array(items), Ok(index)) => items.get(index),
            _ => value.get(step),
        };
        inner.unwrap_or_else(|| panic!("no {step} of {path} in {value}"))
    })
}

#[track_caller]
pub(super) fn text(value: &Value, path: &str) -> String {
    at(value, path).as_str().unwrap().to_owned()
}

#[track_caller]
pub(super) fn length(value: &Value, path: &str) -> usize {
    at(value, path).as_array().unwrap().len()
}

/// Each item's text at this path.
#[track_caller]
pub(super) fn texts(items: &Value, path: &str) -> Vec<String> {
    let items = items.as_array().unwrap().iter();
    items.map(|item| text(item, path)).collect()
}
