//! Lists and dictionaries that an expression builds.

use super::{Evaluated, Evaluator, access, error};
use crate::place::Place;
use crate::program::{Comprehension, Expr};
use crate::value::{Dict, Value};
use std::sync::Arc;

impl Evaluator<'_> {
    pub(super) fn list(&mut self, items: &[Expr]) -> Evaluated {
        let known = |item| self.at_hand(item).is_some_and(|value| !value.is_unknown());
        if items.iter().all(known) {
            let items = items.iter();
            let items = items.map(|item| self.at_hand(item).cloned().unwrap_or(Value::Unknown));
            return Ok(Value::list(items.collect::<Arc<[Value]>>()));
        }
        let items = items
            .iter()
            .map(|item| self.evaluate(item))
            .collect::<Evaluated<Vec<_>>>()?;
        if items.iter().any(Value::is_unknown) {
            return Ok(Value::Unknown);
        }
        Ok(Value::list(items))
    }

    pub(super) fn dict(&mut self, entries: &[(Arc<str>, Expr)]) -> Evaluated {
        let mut built: Vec<(Arc<str>, Value)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let value = self.evaluate(value)?;
            match built.iter_mut().find(|(name, _)| name == key) {
                Some(entry) => entry.1 = value,
                None => built.push((key.clone(), value)),
            }
        }
        if built.iter().any(|(_, value)| value.is_unknown()) {
            return Ok(Value::Unknown);
        }
        Ok(Value::Dict(Dict {
            entries: built.into(),
            place: Place::NOWHERE,
        }))
    }

    pub(super) fn comprehension(&mut self, comprehension: &Comprehension) -> Evaluated {
        let iterable = match self.evaluate(&comprehension.iterable)? {
            Value::None => return Ok(Value::list(Vec::new())),
            Value::Unknown => return Ok(Value::Unknown),
            iterable => iterable,
        };
        let span = comprehension.iterable.span;
        self.world.pay_for([&iterable])?;
        let items = access::iterate(&iterable).map_err(|message| error(message, span))?;
        let outer = self.local(comprehension.variable);
        let mut kept = Vec::new();
        for item in items {
            self.set(comprehension.variable, item);
            let keep = match &comprehension.filter {
                None => Value::Bool(true),
                Some(filter) => self.evaluate(filter)?,
            };
            match keep {
                Value::Unknown => kept.push(Value::Unknown),
                Value::Bool(true) => kept.push(self.evaluate(&comprehension.element)?),
                _ => {}
            }
        }
        self.set(comprehension.variable, outer);
        Ok(Value::list(kept))
    }
}
