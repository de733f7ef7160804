//! `is`: identity, and the patterns of tool calls.

use super::{Evaluated, Evaluator, Interrupt, error};
use crate::kind::Kind;
use crate::modules::Detector;
use crate::program::{ArgumentPattern, ArgumentTest, TextPattern, ToolTest};
use crate::value::{Object, Value};
use portcullis_syntax::Span;
use std::cmp::Ordering;
use std::sync::Arc;

/// Integers that Python keeps one object of each.
const SHARED_INTEGERS: std::ops::RangeInclusive<i64> = -5..=256;

impl Evaluator<'_> {
    pub(super) fn is(&mut self, left: &Value, right: &Value, span: Span) -> Evaluated {
        if let Value::Tool(number) = right {
            let program = self.world.program;
            return match program.tools.get(*number) {
                Some(test) => self.is_tool(left, test, span),
                None => Ok(Value::None),
            };
        }
        Ok(Value::Bool(identical(left, right)))
    }

    /// Whether the value is a call of another tool, so that `value is tool:name` is false. If it is,
    /// that is paid for as an evaluation of the line would be.
    pub(crate) fn is_other_call(&self, value: &Value, tool: usize) -> Evaluated<bool> {
        let test = self.world.program.tools.get(tool);
        let call = value
            .object()
            .filter(|object| object.data.kind == Kind::ToolCall);
        let (Some(test), Some(call)) = (test, call) else {
            return Ok(false);
        };
        let is_other = !call.calls(&test.name);
        if is_other {
            self.world.enter()?;
        }
        Ok(is_other)
    }

    fn is_tool(&mut self, value: &Value, test: &ToolTest, span: Span) -> Evaluated {
        let call = match value.object() {
            Some(object) if object.data.kind == Kind::ToolOutput => match &object.data.call {
                Some(call) => call,
                None => return Ok(Value::Bool(false)),
            },
            Some(object) if object.data.kind == Kind::ToolCall => object,
            _ => return Ok(Value::None),
        };
        if !call.calls(&test.name) {
            return Ok(Value::Bool(false));
        }
        match (&test.arguments, arguments(call)) {
            (ArgumentTest::Absent, _) => Ok(Value::Bool(true)),
            (ArgumentTest::Pattern(pattern), Some(arguments)) => {
                if test.needs.iter().any(|slot| self.local(*slot).is_unknown()) {
                    return Ok(Value::Unknown);
                }
                self.matches(pattern, arguments, span).map(Value::Bool)
            }
            (ArgumentTest::Several, _) | (ArgumentTest::Pattern(_), None) => Ok(Value::Bool(false)),
        }
    }

    fn text_matches(&self, pattern: &TextPattern, value: &Value, span: Span) -> Evaluated<bool> {
        let Value::Text(text) = value else {
            return Ok(false);
        };
        if pattern.literal == text.text {
            return Ok(true);
        }
        let regex = pattern.regex.as_ref();
        let regex = regex.map_err(|message| error(message.clone(), span))?;
        self.world.pay_for([value])?;
        let found = self.search_with(span, |steps| regex.match_start(&text.text, steps))?;
        Ok(found.is_some())
    }

    fn matches(&mut self, pattern: &ArgumentPattern, value: &Value, span: Span) -> Evaluated<bool> {
        let _depth = self.world.meter.enter().map_err(Interrupt::Exceeded)?;
        match (pattern, value) {
            (ArgumentPattern::Wildcard, _) => Ok(true),
            (ArgumentPattern::Text(pattern), value) => self.text_matches(pattern, value, span),
            (ArgumentPattern::Integer(wanted), Value::Integer(value)) => Ok(wanted == value),
            (ArgumentPattern::Integer(wanted), Value::Bool(value)) => {
                Ok(wanted.to_i64() == Some(i64::from(*value)))
            }
            (ArgumentPattern::Float(wanted), Value::Float(value)) => {
                Ok(same_float(*wanted, *value))
            }
            (ArgumentPattern::Object(entries), value) => {
                let Value::Dict(dict) = value else {
                    let empty_fits = matches!(value, Value::List(_) | Value::Text(_));
                    return Ok(entries.is_empty() && empty_fits);
                };
                for (key, pattern) in entries {
                    match dict.get(key) {
                        Some(value) if self.matches(pattern, value, span)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            (ArgumentPattern::List(patterns), Value::List(list)) => {
                if patterns.len() != list.items.len() {
                    return Ok(false);
                }
                // Every element is tried, as an element may be one whose test fails.
                let mut all = true;
                for (pattern, value) in patterns.iter().zip(list.items.iter()) {
                    all &= self.matches(pattern, value, span)?;
                }
                Ok(all)
            }
            (ArgumentPattern::Entity(entity), value) => self.has_entity(entity, value, span),
            (ArgumentPattern::Moderated, value) => {
                let found = self.detect_in(Detector::Moderated, value, &[], span)?;
                Ok(found.truth())
            }
            (ArgumentPattern::Dummy, value) => Ok(value.as_text() == Some("__DUMMY__")),
            (ArgumentPattern::Value(expr), value) => match self.evaluate(expr)? {
                Value::Text(wanted) => {
                    let pattern = TextPattern::new(&wanted.text);
                    self.text_matches(&pattern, value, span)
                }
                wanted => Ok(same_constant(&wanted, value)),
            },
            (ArgumentPattern::Unsupported, _) => Err(error(
                "the pattern has a part that no value can be compared with",
                span,
            )),
            (
                ArgumentPattern::Integer(_) | ArgumentPattern::Float(_) | ArgumentPattern::List(_),
                _,
            ) => Ok(false),
        }
    }

    fn has_entity(&mut self, entity: &Arc<str>, value: &Value, span: Span) -> Evaluated<bool> {
        let wanted = Value::list(vec![Value::text(entity.clone())]);
        let options = vec![("entities".into(), wanted)];
        let found = self.detect_in(Detector::Pii, value, &options, span)?;
        let Value::List(found) = found else {
            return Ok(false);
        };
        Ok(found
            .items
            .iter()
            .any(|kind| kind.as_text() == Some(entity)))
    }
}

impl Object {
    /// Whether this is a call of the tool, as `tool:name` has it.
    pub(crate) fn calls(&self, name: &str) -> bool {
        let function = self.field("function").and_then(Value::object);
        let called = function
            .and_then(|function| function.field("name"))
            .and_then(Value::as_text);
        // The original matches `name$`, where `$` also stands before a final newline.
        called.is_some_and(|called| called == name || called.strip_suffix('\n') == Some(name))
    }
}

fn arguments(call: &Object) -> Option<&Value> {
    call.field("function")
        .and_then(Value::object)?
        .field("arguments")
}

fn same_constant(wanted: &Value, value: &Value) -> bool {
    match (wanted, value) {
        (Value::None, Value::None) => true,
        (Value::Bool(wanted), Value::Bool(value)) => wanted == value,
        (Value::Integer(wanted), Value::Integer(value)) => wanted == value,
        (Value::Float(wanted), Value::Float(value)) => same_float(*wanted, *value),
        (Value::List(_), Value::List(_)) | (Value::Dict(_), Value::Dict(_)) => {
            super::operators::equal(wanted, value)
        }
        _ => false,
    }
}

fn same_float(wanted: f64, value: f64) -> bool {
    wanted.partial_cmp(&value) == Some(Ordering::Equal)
}

fn identical(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::None, Value::None)
        | (Value::Input, Value::Input)
        | (Value::Forall, Value::Forall) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Integer(left), Value::Integer(right)) => {
            left == right
                && left
                    .to_i64()
                    .is_some_and(|value| SHARED_INTEGERS.contains(&value))
        }
        (Value::Text(left), Value::Text(right)) => {
            left.place.is_same(&right.place) || Arc::ptr_eq(&left.text, &right.text)
        }
        (Value::List(left), Value::List(right))
        | (Value::Tuple(left), Value::Tuple(right))
        | (Value::Set(left), Value::Set(right)) => Arc::ptr_eq(&left.items, &right.items),
        (Value::Dict(left), Value::Dict(right)) => Arc::ptr_eq(&left.entries, &right.entries),
        (Value::Object(left), Value::Object(right)) => Arc::ptr_eq(&left.data, &right.data),
        (Value::Function(left), Value::Function(right)) => left == right,
        (Value::Predicate(left), Value::Predicate(right)) => left == right,
        (Value::Type(left), Value::Type(right)) => left == right,
        _ => false,
    }
}
