//! Operators on values that are known.

use super::{Evaluated, Evaluator, Interrupt, access, error};
use crate::kind::Kind;
use crate::library::image_url;
use crate::program::{Expr, ExprKind, Operator};
use crate::python::number::{Integer, Number, float_mod, float_pow};
use crate::text_form;
use crate::value::{List, Object, Text, Value};
use portcullis_syntax::Span;
use std::cmp::Ordering;

/// LIMIT: the longest text or list that an operator may build.
const REPEATED_MAX: usize = 10_000_000;
const NESTING_MAX: u32 = 200;

type Computed = Result<Value, String>;

impl Evaluator<'_> {
    /// What comes of operands that need no evaluation, and so no copy; nothing if there is more to
    /// do than to look at them.
    pub(super) fn glance(
        &self,
        operator: Operator,
        left: &Expr,
        right: &Expr,
        span: Span,
    ) -> Option<Evaluated> {
        let (left, right) = (self.at_hand(left)?, self.at_hand(right)?);
        match (operator, right) {
            (Operator::Is, Value::Tool(number)) => {
                let test = self.world.program.tools.get(*number)?;
                let call = left.object()?;
                let is_call = call.data.kind == Kind::ToolCall;
                (is_call && !call.calls(&test.name)).then_some(Ok(Value::Bool(false)))
            }
            (Operator::In, _) if !self.marks() && !left.is_unknown() && !right.is_unknown() => {
                let paid = self.world.pay_for([left, right]);
                let found = || contains(left, right).map_err(|message| error(message, span));
                Some(paid.and_then(|()| found()))
            }
            _ => None,
        }
    }

    /// The value of a literal or a variable.
    pub(super) fn at_hand<'v>(&'v self, expr: &'v Expr) -> Option<&'v Value> {
        match &expr.kind {
            ExprKind::Literal(value) => Some(value),
            ExprKind::Local(slot) => Some(self.look_at(*slot)),
            _ => None,
        }
    }

    /// `left in right`.
    pub(super) fn contains(&mut self, left: &Value, right: &Value, span: Span) -> Evaluated {
        if let (Value::Text(part), Value::Text(whole)) = (left, right) {
            self.mark_occurrences(part, whole, span)?;
        }
        contains(left, right).map_err(|message| error(message, span))
    }

    /// The left text is taken for a regular expression to highlight what was found; if it is none,
    /// its literal occurrences are highlighted.
    fn mark_occurrences(&mut self, part: &Text, whole: &Text, span: Span) -> Evaluated<()> {
        if !self.marks() || whole.place.is_nowhere() {
            return Ok(());
        }
        let found = match self.world.patterns.compile(&part.text) {
            Err(_) => None,
            Ok(pattern) => {
                match self.search_with(span, |steps| pattern.find_iter(&whole.text, steps)) {
                    Ok(found) => Some(found),
                    Err(Interrupt::Error(_)) => None,
                    Err(other) => return Err(other),
                }
            }
        };
        let literal = || {
            let found = whole.text.match_indices(&*part.text);
            found
                .map(|(start, part)| start..start + part.len())
                .collect()
        };
        for bytes in found.unwrap_or_else(literal) {
            self.mark(whole, bytes)?;
        }
        Ok(())
    }
}

fn contains(left: &Value, right: &Value) -> Computed {
    match (left, right) {
        (_, Value::None) => Ok(Value::Bool(false)),
        (Value::List(list), right) => {
            let found = list
                .items
                .iter()
                .map(|item| member(item, right).map(Value::Bool));
            Ok(Value::list(found.collect::<Result<Vec<_>, _>>()?))
        }
        (Value::Text(part), Value::Text(whole)) => {
            Ok(Value::Bool(whole.text.contains(&*part.text)))
        }
        (left, right) => member(left, right).map(Value::Bool),
    }
}

/// Every element of the right side is one of the left's.
pub(super) fn contains_only(left: &Value, right: &Value) -> Computed {
    for element in access::iterate(right)? {
        if !member(&element, left)? {
            return Ok(Value::Bool(false));
        }
    }
    Ok(Value::Bool(true))
}

/// Whether `whole` has `part` as an element, a key, or a stretch of text.
fn member(part: &Value, whole: &Value) -> Result<bool, String> {
    match (part, whole) {
        (_, Value::List(list) | Value::Tuple(list) | Value::Set(list) | Value::View(_, list)) => {
            Ok(list.items.iter().any(|item| equal(part, item)))
        }
        (Value::Text(part), Value::Text(whole)) => Ok(whole.text.contains(&*part.text)),
        (Value::Text(key), Value::Dict(dict)) => Ok(dict.get(&key.text).is_some()),
        (Value::List(_) | Value::Dict(_), Value::Dict(_)) => {
            Err(format!("{} is no key of a dictionary", part.kind_name()))
        }
        (part, Value::Object(object)) if object.data.kind == Kind::Contents => {
            in_contents(part, object)
        }
        (_, Value::Dict(_) | Value::Object(_)) => Ok(false),
        (part, whole) => Err(format!(
            "{} cannot be looked for in {}",
            part.kind_name(),
            whole.kind_name()
        )),
    }
}

fn in_contents(part: &Value, contents: &Object) -> Result<bool, String> {
    for chunk in contents
        .contents()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::object)
    {
        let body = match chunk.data.kind {
            Kind::TextChunk => chunk.field("text"),
            _ => Some(image_url(chunk)?),
        };
        let Some(Value::Text(body)) = body else {
            return Err("a chunk of the content has no text".to_owned());
        };
        let Value::Text(part) = part else {
            return Err(format!(
                "{} cannot be looked for in a text",
                part.kind_name()
            ));
        };
        if body.text.contains(&*part.text) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `==`: never an error; values of different kinds are unequal.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    equal_at(left, right, 0)
}

fn equal_at(left: &Value, right: &Value, depth: u32) -> bool {
    if depth > NESTING_MAX {
        return false;
    }
    let all = |left: &[Value], right: &[Value]| {
        let mut pairs = left.iter().zip(right);
        left.len() == right.len() && pairs.all(|(left, right)| equal_at(left, right, depth + 1))
    };
    match (left, right) {
        (Value::None, Value::None) | (Value::Input, Value::Input) => true,
        (Value::Text(left), Value::Text(right)) => left.text == right.text,
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            all(&left.items, &right.items)
        }
        (Value::Set(left), Value::Set(right)) => {
            left.items.len() == right.items.len() && is_subset(left, right)
        }
        (Value::Dict(left), Value::Dict(right)) => {
            left.entries.len() == right.entries.len()
                && left.entries.iter().all(|(key, value)| {
                    right
                        .get(key)
                        .is_some_and(|other| equal_at(value, other, depth + 1))
                })
        }
        (Value::Object(left), Value::Object(right)) => {
            left.data.kind == right.data.kind && all(&left.data.fields, &right.data.fields)
        }
        (Value::Function(left), Value::Function(right)) => left == right,
        (Value::Predicate(left), Value::Predicate(right)) => left == right,
        (Value::Type(left), Value::Type(right)) => left == right,
        _ => compare_numbers(left, right) == Some(Ordering::Equal),
    }
}

fn is_subset(left: &List, right: &List) -> bool {
    left.items
        .iter()
        .all(|item| right.items.iter().any(|other| equal(item, other)))
}

/// Numbers and booleans in order; nothing for other values and for NaN.
fn compare_numbers(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Float(left), right) => Some(integer(right)?.compare_float(*left)?.reverse()),
        (left, Value::Float(right)) => integer(left)?.compare_float(*right),
        (left, right) => Some(integer(left)?.cmp(&integer(right)?)),
    }
}

fn integer(value: &Value) -> Option<Integer> {
    match value {
        Value::Bool(value) => Some(Integer::from(i64::from(*value))),
        Value::Integer(value) => Some(value.clone()),
        _ => None,
    }
}

fn float(value: &Value) -> Result<f64, String> {
    match value {
        Value::Float(value) => Ok(*value),
        other => match integer(other) {
            Some(value) => value.to_f64().map_err(|error| error.to_string()),
            None => Err(format!("{} is no number", other.kind_name())),
        },
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Integer(_) | Value::Float(_))
}

/// Every operator that only looks at its two values.
pub(crate) fn compute(operator: Operator, left: &Value, right: &Value) -> Computed {
    match operator {
        Operator::Equal => Ok(Value::Bool(equal(left, right))),
        Operator::NotEqual => Ok(Value::Bool(!equal(left, right))),
        Operator::Greater | Operator::Less | Operator::GreaterEqual | Operator::LessEqual => {
            ordered(operator, left, right).map(Value::Bool)
        }
        Operator::Modulo => match left {
            Value::Text(template) => text_form::printf(&template.text, right).map(Value::text),
            _ => arithmetic(operator, left, right),
        },
        Operator::Add => match (left, right) {
            (Value::Text(left), Value::Text(right)) => concatenate(left, right).map(Value::Text),
            (Value::List(left), Value::List(right)) => Ok(Value::list(chain(left, right)?)),
            (Value::Tuple(left), Value::Tuple(right)) => {
                let items = chain(left, right)?.into();
                Ok(Value::Tuple(List {
                    items,
                    place: crate::place::Place::NOWHERE,
                }))
            }
            _ => arithmetic(operator, left, right),
        },
        Operator::Multiply => match (left, right) {
            (sequence @ (Value::Text(_) | Value::List(_)), times)
            | (times, sequence @ (Value::Text(_) | Value::List(_)))
                if matches!(times, Value::Integer(_) | Value::Bool(_)) =>
            {
                repeat(sequence, times)
            }
            _ => arithmetic(operator, left, right),
        },
        _ => arithmetic(operator, left, right),
    }
}

/// Adding an empty text gives the other text itself, with its place.
fn concatenate(left: &Text, right: &Text) -> Result<Text, String> {
    if left.text.is_empty() {
        return Ok(right.clone());
    }
    if right.text.is_empty() {
        return Ok(left.clone());
    }
    if left.text.len() + right.text.len() > REPEATED_MAX {
        return Err(too_long());
    }
    let text = format!("{}{}", left.text, right.text).into();
    Ok(Text {
        text,
        place: crate::place::Place::NOWHERE,
    })
}

fn chain(left: &List, right: &List) -> Result<Vec<Value>, String> {
    if left.items.len() + right.items.len() > REPEATED_MAX {
        return Err(too_long());
    }
    Ok(left
        .items
        .iter()
        .chain(right.items.iter())
        .cloned()
        .collect())
}

fn repeat(sequence: &Value, times: &Value) -> Computed {
    let times = integer(times)
        .and_then(|times| times.to_i64())
        .ok_or_else(too_long)?;
    let times = usize::try_from(times).unwrap_or(0);
    let fits = |length: usize| {
        length
            .checked_mul(times)
            .is_some_and(|all| all <= REPEATED_MAX)
    };
    match sequence {
        Value::Text(text) if fits(text.text.len()) => Ok(Value::text(text.text.repeat(times))),
        Value::List(list) if fits(list.items.len()) => {
            let items = std::iter::repeat_n(&list.items, times).flat_map(|items| items.iter());
            Ok(Value::list(items.cloned().collect::<Vec<_>>()))
        }
        _ => Err(too_long()),
    }
}

fn too_long() -> String {
    "the result would be too long".to_owned()
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Computed {
    if !is_number(left) || !is_number(right) {
        return Err(format!(
            "{} and {} cannot be combined like this",
            left.kind_name(),
            right.kind_name(),
        ));
    }
    if let (Some(left), Some(right)) = (integer(left), integer(right)) {
        let result = match operator {
            Operator::Add => left.add(&right).map(Value::Integer),
            Operator::Subtract => left.sub(&right).map(Value::Integer),
            Operator::Multiply => left.mul(&right).map(Value::Integer),
            Operator::Modulo => left.floor_mod(&right).map(Value::Integer),
            Operator::Divide => left.true_div(&right).map(Value::Float),
            _ => left.pow(&right).map(|number| match number {
                Number::Integer(value) => Value::Integer(value),
                Number::Float(value) => Value::Float(value),
            }),
        };
        return result.map_err(|error| error.to_string());
    }
    let (left, right) = (float(left)?, float(right)?);
    match operator {
        Operator::Add => Ok(Value::Float(left + right)),
        Operator::Subtract => Ok(Value::Float(left - right)),
        Operator::Multiply => Ok(Value::Float(left * right)),
        Operator::Divide if right == 0.0 => Err("division by zero".to_owned()),
        Operator::Divide => Ok(Value::Float(left / right)),
        Operator::Modulo => float_mod(left, right)
            .map(Value::Float)
            .map_err(|error| error.to_string()),
        _ => float_pow(left, right)
            .map(Value::Float)
            .map_err(|error| error.to_string()),
    }
}

fn ordered(operator: Operator, left: &Value, right: &Value) -> Result<bool, String> {
    if let (Value::Set(left), Value::Set(right)) = (left, right) {
        let (within, around) = (is_subset(left, right), is_subset(right, left));
        return Ok(match operator {
            Operator::Less => within && !around,
            Operator::LessEqual => within,
            Operator::Greater => around && !within,
            _ => around,
        });
    }
    let order = order(left, right)?;
    Ok(match operator {
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessEqual => order.is_some_and(Ordering::is_le),
        Operator::Greater => order == Some(Ordering::Greater),
        _ => order.is_some_and(Ordering::is_ge),
    })
}

/// The order of two values; nothing where NaN is involved.
pub(crate) fn order(left: &Value, right: &Value) -> Result<Option<Ordering>, String> {
    match (left, right) {
        (left, right) if is_number(left) && is_number(right) => Ok(compare_numbers(left, right)),
        // Code points and UTF-8 bytes sort alike.
        (Value::Text(left), Value::Text(right)) => Ok(Some(left.text.cmp(&right.text))),
        (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
            let different = left.items.iter().zip(right.items.iter());
            match different
                .into_iter()
                .find(|(left, right)| !equal(left, right))
            {
                Some((left, right)) => order(left, right),
                None => Ok(Some(left.items.len().cmp(&right.items.len()))),
            }
        }
        (left, right) => Err(format!(
            "{} and {} have no order",
            left.kind_name(),
            right.kind_name()
        )),
    }
}

/// `-x` and `+x`.
pub(super) fn sign(value: &Value, minus: bool) -> Computed {
    match value {
        Value::Float(value) => Ok(Value::Float(if minus { -value } else { *value })),
        other => match integer(other) {
            Some(value) if minus => Ok(Value::Integer(value.neg())),
            Some(value) => Ok(Value::Integer(value)),
            None => Err(format!("{} has no sign", other.kind_name())),
        },
    }
}
