use portcullis_json::{Number, Object, Value};

use super::{EnvelopeLimits, meta, names};
use crate::{Id, MalformedKind, MessageKind, Method, Revision};

const OBJECT: &str = "an object";
const NAME_OR_URI: &str = "a string without control characters";

/// The rules for `params` that hold whatever the method's own checks will say.
pub(super) fn check_params(
    kind: &MessageKind,
    params: &Value,
    limits: &EnvelopeLimits,
) -> Result<(), MalformedKind> {
    let params = object("params", params)?;
    names::check_all("params", params, names::BODY)?;
    if let Some(meta) = params.get("_meta") {
        check_meta(meta, limits)?;
    }
    meta::check_within(params, limits.unknown_meta)?;
    if let MessageKind::Request { method, .. } = kind {
        check_target(method, params)?;
    }
    Ok(())
}

/// Kinds of results. SPEC: MCP 2026-07-28, basic, `resultType`; `task` is the tasks extension's.
const RESULT_TYPES: [&str; 3] = ["complete", "input_required", "task"];

pub(super) fn check_result(result: &Value, limits: &EnvelopeLimits) -> Result<(), MalformedKind> {
    let result = object("result", result)?;
    names::check_all("result", result, names::BODY)?;
    if let Some(meta) = result.get("_meta") {
        let meta = object("result._meta", meta)?;
        names::check_all("result._meta", meta, names::META)?;
        names::check_reserved("result._meta", meta, limits.unknown_meta)?;
    }
    meta::check_within(result, limits.unknown_meta)?;
    let is_known = |kind: &Value| kind.as_str().is_some_and(|it| RESULT_TYPES.contains(&it));
    if limits.revision.is_some_and(Revision::has_result_types)
        && result.get("resultType").is_some_and(|kind| !is_known(kind))
    {
        return Err(MalformedKind::Member {
            member: "result.resultType",
            expected: "`complete`, `input_required` or `task`",
        });
    }
    Ok(())
}

pub(super) fn check_error(error: &Value) -> Result<(), MalformedKind> {
    let error = object("error", error)?;
    names::check_all("error", error, names::BODY)?;
    let Some(Value::Number(Number::Integer(_))) = error.get("code") else {
        return Err(MalformedKind::Member {
            member: "error.code",
            expected: "an integer",
        });
    };
    let Some(Value::String(_)) = error.get("message") else {
        return Err(MalformedKind::Member {
            member: "error.message",
            expected: "a string",
        });
    };
    Ok(())
}

fn check_meta(meta: &Value, limits: &EnvelopeLimits) -> Result<(), MalformedKind> {
    let Value::Object(meta) = meta else {
        return Err(MalformedKind::Params {
            member: "_meta",
            expected: OBJECT,
        });
    };
    names::check_all("params._meta", meta, names::META)?;
    names::check_reserved("params._meta", meta, limits.unknown_meta)?;
    match meta
        .get("progressToken")
        .map(|token| Id::from_value(token, limits.id_bytes))
    {
        None | Some(Ok(_)) => Ok(()),
        Some(Err(_)) => Err(MalformedKind::Params {
            member: "_meta.progressToken",
            expected: "a short string or an integer",
        }),
    }
}

/// What a request names must read the same in a log, in a policy and at the server.
fn check_target(method: &Method, params: &Object) -> Result<(), MalformedKind> {
    for member in ["name", "uri"] {
        if let Some(value) = params.get(member)
            && value
                .as_str()
                .is_none_or(|text| text.chars().any(char::is_control))
        {
            return Err(MalformedKind::Params {
                member,
                expected: NAME_OR_URI,
            });
        }
    }
    if let Method::ToolsCall | Method::PromptsGet = method
        && params
            .get("arguments")
            .is_some_and(|value| value.as_object().is_none())
    {
        return Err(MalformedKind::Params {
            member: "arguments",
            expected: OBJECT,
        });
    }
    Ok(())
}

fn object<'v>(member: &'static str, value: &'v Value) -> Result<&'v Object, MalformedKind> {
    value.as_object().ok_or(MalformedKind::Member {
        member,
        expected: OBJECT,
    })
}
