//! The standard library: functions of their arguments and nothing else.

pub(crate) mod detectors;
pub(crate) mod methods;

use crate::eval::access::iterate;
use crate::eval::call::Keywords;
use crate::eval::operators::{compute, order};
use crate::kind::Kind;
use crate::modules::Function;
use crate::place::Place;
use crate::program::Operator;
use crate::python::number::Integer;
use crate::value::{List, Object, Value};
use portcullis_json::{self as json, Limits};
use std::borrow::Cow;
use std::cmp::Ordering;

type Returned = Result<Value, String>;

/// Adds what is wanted of a value that is no list.
type Add = dyn Fn(&Value, &mut Vec<Value>) -> Result<(), String>;

/// LIMIT: lists inside lists that `text` and `image` follow.
const NESTING_MAX: u32 = 100;

pub(crate) fn call(function: Function, arguments: &[Value], keywords: &Keywords) -> Returned {
    let one = |name| match (arguments, keywords) {
        ([value], []) => Ok(Cow::Borrowed(value)),
        _ => parameters([name], arguments, keywords).map(|[value]| Cow::Owned(value)),
    };
    match function {
        Function::Any => any(one("iterable")?.as_ref()),
        Function::Empty => length(one("iterable")?.as_ref()).map(|length| Value::Bool(length == 0)),
        Function::Len => length(one("s")?.as_ref())
            .map(|length| Value::integer(i64::try_from(length).unwrap_or(i64::MAX))),
        Function::JsonLoads => json_loads(one("s")?.as_ref()),
        Function::Tuple => tuple(arguments, keywords),
        Function::Min => extreme(Ordering::Less, arguments, keywords),
        Function::Max => extreme(Ordering::Greater, arguments, keywords),
        Function::Sum => sum(arguments, keywords),
        Function::Print => Ok(Value::Bool(true)),
        Function::Text => Ok(Value::list(texts(arguments)?)),
        Function::Image => Ok(Value::list(images(arguments)?)),
        Function::ToolCall => tool_call(arguments.first()),
        Function::Server => server(arguments.first()),
        Function::ShouldAllowRbac => should_allow(arguments, keywords),
        Function::Count => {
            let [min, max] = optional(["min", "max"], arguments, keywords)?;
            Ok(Value::Count {
                min: bound(min, f64::ceil)?,
                max: bound(max, f64::floor)?,
            })
        }
        Function::Forall => optional([], arguments, keywords).map(|[]| Value::Forall),
        // These need more than their arguments; the evaluator calls them itself.
        Function::Match | Function::Find | Function::Violation | Function::Detector(_) => {
            Err("this function cannot be called here".to_owned())
        }
    }
}

/// Assigns arguments to parameters of which every one must be given.
pub(crate) fn parameters<const N: usize>(
    names: [&str; N],
    arguments: &[Value],
    keywords: &Keywords,
) -> Result<[Value; N], String> {
    let given = optional(names, arguments, keywords)?;
    if let Some(missing) = given.iter().zip(names).find(|(value, _)| value.is_none()) {
        return Err(format!("the argument `{}` is missing", missing.1));
    }
    Ok(given.map(|value| value.unwrap_or(Value::None)))
}

/// Assigns arguments to parameters that may be left out.
pub(crate) fn optional<const N: usize>(
    names: [&str; N],
    arguments: &[Value],
    keywords: &Keywords,
) -> Result<[Option<Value>; N], String> {
    if arguments.len() > N {
        return Err(format!(
            "at most {N} arguments can be given, not {}",
            arguments.len()
        ));
    }
    let mut given: [Option<Value>; N] = std::array::from_fn(|index| arguments.get(index).cloned());
    for (keyword, value) in keywords {
        let place = names.iter().position(|name| **name == **keyword);
        let slot = place.and_then(|place| given.get_mut(place));
        match slot {
            Some(slot @ None) => *slot = Some(value.clone()),
            Some(Some(_)) => return Err(format!("the argument `{keyword}` is given twice")),
            None => return Err(format!("there is no parameter `{keyword}`")),
        }
    }
    Ok(given)
}

/// A bound as an integer: a number of models is on the same side of both.
fn bound(value: Option<Value>, round: fn(f64) -> f64) -> Result<Option<i64>, String> {
    let (integer, is_negative) = match value {
        None | Some(Value::None) => return Ok(None),
        Some(Value::Bool(value)) => (Some(i64::from(value)), false),
        Some(Value::Integer(value)) => (value.to_i64(), value.is_negative()),
        Some(Value::Float(value)) if !value.is_nan() => {
            let rounded = Integer::truncate(round(value));
            (rounded.and_then(|value| value.to_i64()), value < 0.0)
        }
        Some(Value::Float(_)) => return Err("NaN bounds no `count`".to_owned()),
        Some(other) => {
            return Err(format!(
                "a bound of `count` is a number, not {}",
                other.kind_name()
            ));
        }
    };
    let beyond = if is_negative { i64::MIN } else { i64::MAX };
    Ok(Some(integer.unwrap_or(beyond)))
}

fn any(value: &Value) -> Returned {
    let is_true = match value {
        Value::List(list) => list.items.iter().any(Value::truth),
        other => iterate(other)?.iter().any(Value::truth),
    };
    Ok(Value::Bool(is_true))
}

fn length(value: &Value) -> Result<usize, String> {
    match value {
        Value::Text(text) => Ok(text.text.chars().count()),
        Value::List(list) | Value::Tuple(list) | Value::Set(list) | Value::View(_, list) => {
            Ok(list.items.len())
        }
        Value::Dict(dict) => Ok(dict.entries.len()),
        Value::Object(object) if object.data.kind == Kind::Contents => {
            Ok(object.contents().unwrap_or_default().len())
        }
        other => Err(format!("{} has no length", other.kind_name())),
    }
}

fn json_loads(value: &Value) -> Returned {
    let Value::Text(text) = value else {
        return Err(format!(
            "`json_loads` decodes a text, not {}",
            value.kind_name()
        ));
    };
    match json::parse(&text.text, &Limits::lenient()) {
        Ok(decoded) => Ok(Value::from(&decoded)),
        Err(error) => Err(format!("the text is no JSON: {error}")),
    }
}

fn tuple(arguments: &[Value], keywords: &Keywords) -> Returned {
    let [iterable] = optional(["iterable"], arguments, keywords)?;
    let items = match iterable {
        None => Vec::new(),
        Some(Value::Tuple(tuple)) => return Ok(Value::Tuple(tuple)),
        Some(other) => iterate(&other)?,
    };
    Ok(Value::Tuple(List {
        items: items.into(),
        place: Place::NOWHERE,
    }))
}

/// `min` and `max` of one iterable or of several values.
fn extreme(wanted: Ordering, arguments: &[Value], keywords: &Keywords) -> Returned {
    let mut default = None;
    for (name, value) in keywords {
        match &**name {
            "default" => default = Some(value.clone()),
            other => return Err(format!("there is no parameter `{other}`")),
        }
    }
    let values = match arguments {
        [] => return Err("the values are missing".to_owned()),
        [iterable] => iterate(iterable)?,
        several if default.is_none() => several.to_vec(),
        _ => return Err("`default` goes with one iterable only".to_owned()),
    };
    let mut values = values.into_iter();
    let Some(mut best) = values.next().or(default) else {
        return Err("there is no value to choose from".to_owned());
    };
    for value in values {
        if order(&value, &best)? == Some(wanted) {
            best = value;
        }
    }
    Ok(best)
}

fn sum(arguments: &[Value], keywords: &Keywords) -> Returned {
    let [values, start] = optional(["iterable", "start"], arguments, keywords)?;
    let values = values.ok_or("the values are missing")?;
    let mut total = start.unwrap_or(Value::integer(0));
    if matches!(total, Value::Text(_)) {
        return Err("`sum` adds no texts; use `join`".to_owned());
    }
    for value in iterate(&values)? {
        total = compute(Operator::Add, &total, &value)?;
    }
    Ok(total)
}

/// All texts in the values, lists and contents followed; everything else is passed over.
pub(crate) fn texts(values: &[Value]) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    collect(values, &mut found, 0, &|value, found| {
        match value {
            Value::Text(_) => found.push(value.clone()),
            Value::Object(object) => match object.data.kind {
                Kind::Contents => found.extend(chunk_texts(object)),
                Kind::Message | Kind::ToolOutput => match object.field("content") {
                    Some(text @ Value::Text(_)) => found.push(text.clone()),
                    Some(Value::Object(contents)) => found.extend(chunk_texts(contents)),
                    _ => {}
                },
                _ => {}
            },
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

fn images(values: &[Value]) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    collect(values, &mut found, 0, &|value, found| {
        match value {
            Value::Text(text) if is_image_url(&text.text) => found.push(value.clone()),
            Value::Object(object) => match object.data.kind {
                Kind::Contents => found.extend(chunk_images(object)?),
                Kind::Image => found.push(image_url(object)?.clone()),
                Kind::Message | Kind::ToolOutput => match object.field("content") {
                    Some(Value::Text(text)) if is_image_url(&text.text) => {
                        found.push(Value::Text(text.clone()));
                    }
                    Some(Value::Object(contents)) => found.extend(chunk_images(contents)?),
                    _ => {}
                },
                _ => {}
            },
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

fn collect(values: &[Value], found: &mut Vec<Value>, depth: u32, add: &Add) -> Result<(), String> {
    if depth > NESTING_MAX {
        return Err("the lists are nested too deeply".to_owned());
    }
    for value in values {
        match value {
            Value::List(list) => collect(&list.items, found, depth + 1, add)?,
            other => add(other, found)?,
        }
    }
    Ok(())
}

fn is_image_url(text: &str) -> bool {
    text.starts_with("data:image/png;base64,") || text.starts_with("data:image/jpeg;base64,")
}

pub(crate) fn chunk_texts(contents: &Object) -> impl Iterator<Item = Value> {
    let chunks = contents
        .contents()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::object);
    let texts = chunks.filter(|chunk| chunk.data.kind == Kind::TextChunk);
    texts.filter_map(|chunk| chunk.field("text")).cloned()
}

pub(crate) fn chunk_images(contents: &Object) -> Result<Vec<Value>, String> {
    let chunks = contents
        .contents()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::object);
    chunks
        .filter(|chunk| chunk.data.kind == Kind::Image)
        .map(|chunk| image_url(chunk).cloned())
        .collect()
}

pub(crate) fn image_url(image: &Object) -> Result<&Value, String> {
    let url = match image.field("image_url") {
        Some(Value::Dict(urls)) => urls.get("url"),
        _ => None,
    };
    url.ok_or_else(|| "an image has no `url`".to_owned())
}

fn tool_call(output: Option<&Value>) -> Returned {
    let output = output.and_then(Value::object);
    let output = output.filter(|object| object.data.kind == Kind::ToolOutput);
    let output = output.ok_or("`tool_call` takes a ToolOutput")?;
    match &output.data.call {
        Some(call) => Ok(Value::Object(call.clone())),
        None => Err("no call is known for this output".to_owned()),
    }
}

fn server(event: Option<&Value>) -> Returned {
    let server = event
        .and_then(Value::object)
        .and_then(|object| object.field("server"));
    server
        .cloned()
        .ok_or_else(|| "`server` takes an event".to_owned())
}

/// Some role of the user grants the scope.
fn should_allow(arguments: &[Value], keywords: &Keywords) -> Returned {
    let names = ["data", "scope", "user", "user_roles", "role_grants"];
    let [_, scope, user, roles, grants] = parameters(names, arguments, keywords)?;
    let (Value::Dict(roles), Value::Dict(grants)) = (&roles, &grants) else {
        return Err("`user_roles` and `role_grants` are dictionaries".to_owned());
    };
    let of_user = user.as_text().and_then(|user| roles.get(user)).map(iterate);
    for role in of_user.unwrap_or(Ok(Vec::new()))? {
        let granted = role.as_text().and_then(|role| grants.get(role));
        let Some(Value::Dict(granted)) = granted else {
            continue;
        };
        if scope
            .as_text()
            .and_then(|scope| granted.get(scope))
            .is_some_and(Value::truth)
        {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}
