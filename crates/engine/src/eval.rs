//! Evaluation of expressions: three-valued, exact, and without effects beyond what it records.

pub(crate) mod access;
pub(crate) mod call;
mod collection;
mod decide;
mod offer;
pub(crate) mod operators;
mod quantify;
mod tools;

pub(crate) use decide::models_wanted;
pub(crate) use quantify::Sources;

use crate::detector::{DetectorCall, Oracle};
use crate::finding::FailureKind;
use crate::memory::{BodyMemory, ClosedState, When};
use crate::meter::{Depth, Exceeded, Meter};
use crate::patterns::Patterns;
use crate::program::{Body, Expr, ExprKind, Line, Lines, Operator, Program, Slot};
use crate::record::Recorder;
use crate::value::{Text, Value};
use offer::{Domain, KnownDomain, Offer};
use portcullis_json::Object;
use portcullis_syntax::Span;
use std::borrow::Cow;
use std::iter;
use std::ops::Range;

/// What a mark costs: an address is built for it, put in order, and kept with the finding.
const MARK_FUEL: u64 = 8;

/// What an evaluation may read. Nothing of it changes while one runs.
#[derive(Clone, Copy)]
pub(crate) struct World<'a> {
    pub(crate) program: &'a Program,
    pub(crate) memories: &'a [BodyMemory],
    pub(crate) closed: &'a [ClosedState],
    pub(crate) parameters: &'a Object,
    pub(crate) oracle: &'a Oracle<'a>,
    pub(crate) patterns: &'a Patterns,
    pub(crate) meter: &'a Meter,
    pub(crate) when: When,
}

/// Evaluates within one frame of variables.
pub(crate) struct Evaluator<'a> {
    pub(crate) world: World<'a>,
    pub(crate) frame: Vec<Value>,
    pub(crate) recorder: Recorder,
    /// Domains that binders offered for variables without a value, in order of appearance.
    offers: Vec<Offer>,
    /// Domains that may be offered again, by their numbers; none unless there is room for them.
    domains: Vec<Option<KnownDomain>>,
}

/// Room for what an evaluation needs, which has no values between two.
#[derive(Debug)]
pub(crate) struct Room {
    frame: Vec<Value>,
    offers: Vec<Offer>,
    domains: Vec<Option<KnownDomain>>,
}

/// The outcome of all lines of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    True,
    False,
    Unknown,
    /// Some line was neither boolean nor unknown: the body can never be true.
    Neither,
}

/// Why an evaluation has no value. It takes no more room than a value does, which nearly every
/// evaluation has.
#[derive(Debug)]
pub(crate) enum Interrupt {
    /// The policy asked for something that does not exist.
    Error(Box<RuntimeError>),
    /// A detector's answer is needed first.
    Needs(Box<DetectorCall>),
    Exceeded(Exceeded),
}

#[derive(Clone, Debug)]
pub(crate) struct RuntimeError {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
    pub(crate) span: Span,
}

pub(crate) type Evaluated<T = Value> = Result<T, Interrupt>;

// === impl World ===

impl<'a> World<'a> {
    fn enter(self) -> Evaluated<Depth<'a>> {
        self.meter.enter().map_err(Interrupt::Exceeded)
    }

    /// Pays for looking at the whole of some values.
    pub(crate) fn pay_for<'v>(self, values: impl IntoIterator<Item = &'v Value>) -> Evaluated<()> {
        for value in values {
            let (items, bytes) = value.size();
            let paid = self.meter.burn(items);
            let paid = paid.and_then(|()| self.meter.burn_text(bytes));
            paid.map_err(Interrupt::Exceeded)?;
        }
        Ok(())
    }
}

// === impl Room ===

impl Room {
    fn of(program: &Program) -> Self {
        Self {
            frame: vec![Value::Unknown; program.frame_size],
            offers: Vec::new(),
            domains: iter::repeat_with(|| None)
                .take(program.shared_domains)
                .collect(),
        }
    }
}

// === impl Evaluator ===

impl<'a> Evaluator<'a> {
    pub(crate) fn new(world: World<'a>, frame: usize, recorder: Recorder) -> Self {
        Self {
            world,
            frame: vec![Value::Unknown; frame],
            recorder,
            offers: Vec::new(),
            domains: Vec::new(),
        }
    }

    /// Records nothing. The room was given back by [`Evaluator::into_room`] of the same policy.
    pub(crate) fn within(world: World<'a>, room: Option<Room>) -> Self {
        let Room {
            frame,
            offers,
            domains,
        } = room.unwrap_or_else(|| Room::of(world.program));
        Self {
            world,
            frame,
            recorder: Recorder::OFF,
            offers,
            domains,
        }
    }

    /// The room without its values, for the next evaluation.
    pub(crate) fn into_room(self) -> Room {
        let Self {
            mut frame,
            mut offers,
            mut domains,
            ..
        } = self;
        let bound = frame.iter_mut().filter(|value| !value.is_unknown());
        bound.for_each(|value| *value = Value::Unknown);
        offers.clear();
        let known = domains.iter_mut().filter(|known| known.is_some());
        known.for_each(|known| *known = None);
        Room {
            frame,
            offers,
            domains,
        }
    }

    /// Takes the values of the body's variables away. What is nested in its lines clears its own.
    pub(crate) fn clear(&mut self, body: &Body) {
        for slot in &body.variables {
            self.unset(*slot);
        }
    }

    fn unset(&mut self, slot: Slot) {
        if self.is_bound(slot) {
            self.set(slot, Value::Unknown);
        }
    }

    pub(crate) fn set(&mut self, slot: Slot, value: Value) {
        if let Some(place) = self.frame.get_mut(slot) {
            *place = value;
        }
    }

    pub(crate) fn local(&self, slot: Slot) -> Value {
        self.look_at(slot).clone()
    }

    fn look_at(&self, slot: Slot) -> &Value {
        match self.frame.get(slot) {
            None | Some(Value::Nothing) => &Value::Unknown,
            Some(value) => value,
        }
    }

    /// Whether the variable was bound, be it to a value that is not known yet.
    pub(crate) fn is_bound(&self, slot: Slot) -> bool {
        !matches!(self.frame.get(slot), None | Some(Value::Unknown))
    }

    /// All lines in order, up to the first that is false. The offers are left in `self.offers`.
    pub(crate) fn conjunction(&mut self, body: &Body) -> Evaluated<Verdict> {
        self.conjunction_after(body, &mut Lines::default())
    }

    /// The same, but lines known to hold are passed over where nobody wants their marks. Adds the
    /// lines that will hold however the variables without a value are bound.
    pub(super) fn conjunction_after(
        &mut self,
        body: &Body,
        settled: &mut Lines,
    ) -> Evaluated<Verdict> {
        self.offers.clear();
        for slot in &body.lets {
            self.set(*slot, Value::Unknown);
        }
        let (mut unknown, mut neither) = (false, false);
        for (index, line) in body.lines.iter().enumerate() {
            if settled.has(index) && self.are_known(&line.binders) && !self.marks() {
                continue;
            }
            if line.waits_for.is_some_and(|slot| !self.are_known(&[slot])) {
                unknown = true;
                continue;
            }
            let counted = self.recorder.counted();
            match self.evaluate(&line.expr)? {
                Value::Bool(false) => {
                    self.recorder.keep_counted_from(counted);
                    return Ok(if neither {
                        Verdict::Neither
                    } else {
                        Verdict::False
                    });
                }
                Value::Bool(true) | Value::Nothing => {
                    if body.has_rounds && self.is_settled(line) {
                        settled.add(index);
                    }
                }
                Value::Unknown => unknown = true,
                _ => neither = true,
            }
        }
        Ok(match (neither, unknown) {
            (true, _) => Verdict::Neither,
            (false, true) => Verdict::Unknown,
            (false, false) => Verdict::True,
        })
    }

    /// Whether a line that holds now will hold however the other variables are bound. What a let
    /// sets is taken away at each evaluation, so it is evaluated each time.
    fn is_settled(&self, line: &Line) -> bool {
        !matches!(line.expr.kind, ExprKind::Let(..)) && self.are_known(&line.needs)
    }

    fn are_known(&self, slots: &[Slot]) -> bool {
        let is_known = |slot: &Slot| {
            let value = self.frame.get(*slot);
            !matches!(value, None | Some(Value::Unknown | Value::Nothing))
        };
        slots.iter().all(is_known)
    }

    /// One line on its own, with only some variables bound.
    pub(crate) fn line(&mut self, body: &Body, index: usize) -> Evaluated {
        let Some(line) = body.lines.get(index) else {
            return Ok(Value::Unknown);
        };
        for dependency in &line.lets {
            if let Some(dependency) = body.lines.get(*dependency) {
                self.evaluate(&dependency.expr)?;
            }
        }
        self.evaluate(&line.expr)
    }

    pub(crate) fn evaluate(&mut self, expr: &Expr) -> Evaluated {
        match &expr.kind {
            // They are part of what the expression around them costs.
            ExprKind::Literal(value) => Ok(value.clone()),
            ExprKind::Local(slot) => Ok(self.local(*slot)),
            _ => {
                let _depth = self.world.enter()?;
                self.evaluate_nested(expr)
            }
        }
    }

    fn evaluate_nested(&mut self, expr: &Expr) -> Evaluated {
        match &expr.kind {
            // They never come here.
            ExprKind::Literal(_) | ExprKind::Local(_) => self.evaluate(expr),
            ExprKind::Constant(number) => self.constant(*number),
            ExprKind::Bind(slot, _) => {
                self.offer(*slot, Domain::Trace);
                Ok(Value::Bool(true))
            }
            ExprKind::BindIn(slot, kind, domain) => self.bind_in(*slot, *kind, domain),
            ExprKind::Let(slot, value) => {
                let value = self.evaluate(value)?;
                // A let that is unknown is bound all the same: quantifiers over it are evaluated.
                let bound = if value.is_unknown() {
                    Value::Nothing
                } else {
                    value
                };
                self.set(*slot, bound);
                Ok(Value::Nothing)
            }
            ExprKind::Nothing => Ok(Value::Nothing),
            ExprKind::Not(operand) => match self.evaluate(operand)? {
                Value::Unknown => Ok(Value::Unknown),
                value => Ok(Value::Bool(!value.truth())),
            },
            ExprKind::Minus(operand) => self.sign(operand, true, expr.span),
            ExprKind::Plus(operand) => self.sign(operand, false, expr.span),
            ExprKind::Binary(..) => self.binary(expr),
            ExprKind::IsNotNone(operand) => match self.evaluate(operand)? {
                Value::Unknown => Ok(Value::Unknown),
                value => Ok(Value::Bool(!matches!(value, Value::None))),
            },
            ExprKind::Flow {
                direct,
                left,
                right,
            } => self.flow(*direct, left, right),
            ExprKind::Member(object, name) => {
                let world = self.world;
                let object = self.borrow(object)?;
                world.member(object, name, expr.span).map(Cow::into_owned)
            }
            ExprKind::Index(object, index) => {
                let object = self.evaluate(object)?;
                let index = self.evaluate(index)?;
                if object.is_unknown() || index.is_unknown() {
                    return Ok(Value::Unknown);
                }
                self.index(&object, &index, expr.span)
            }
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Quantifier(quantifier) => self.quantifier(quantifier, expr.span),
            ExprKind::Conditional(parts) => {
                let [then, condition, otherwise] = &**parts;
                match self.evaluate(condition)? {
                    Value::Unknown => Ok(Value::Unknown),
                    value if value.truth() => self.evaluate(then),
                    _ => self.evaluate(otherwise),
                }
            }
            ExprKind::List(items) => self.list(items),
            ExprKind::Dict(entries) => self.dict(entries),
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension),
            ExprKind::Invalid(why) => Err(error(*why, expr.span)),
        }
    }

    /// The value of an expression that is looked at and not kept: a variable, and a member of what
    /// is borrowed, are not copied.
    pub(super) fn borrow(&mut self, expr: &Expr) -> Evaluated<Cow<'_, Value>> {
        let world = self.world;
        match &expr.kind {
            ExprKind::Local(slot) => Ok(Cow::Borrowed(self.look_at(*slot))),
            ExprKind::Member(object, name) => {
                let _depth = world.enter()?;
                let object = self.borrow(object)?;
                world.member(object, name, expr.span)
            }
            _ => self.evaluate(expr).map(Cow::Owned),
        }
    }

    fn constant(&mut self, number: usize) -> Evaluated {
        let Some(constant) = self.world.program.constants.get(number) else {
            return Ok(Value::Unknown);
        };
        let recorder = self.recorder.child();
        let mut inner = Evaluator::new(self.world, constant.frame.names.len(), recorder);
        let value = inner.evaluate(&constant.value);
        self.recorder.adopt(inner.recorder);
        value
    }

    fn flow(&mut self, direct: bool, left: &Expr, right: &Expr) -> Evaluated {
        for operand in [left, right] {
            if matches!(operand.kind, ExprKind::Bind(..)) {
                self.evaluate(operand)?;
            }
        }
        let (Some(left), Some(right)) = (self.flow_end(left)?, self.flow_end(right)?) else {
            return Ok(Value::Unknown);
        };
        Ok(Value::Bool(if direct {
            left + 1 == right
        } else {
            left < right
        }))
    }

    /// The position of an operand of a flow; nothing if it has no value yet.
    fn flow_end(&mut self, operand: &Expr) -> Evaluated<Option<u64>> {
        let value = match &operand.kind {
            ExprKind::Bind(slot, _) => self.local(*slot),
            _ => self.evaluate(operand)?,
        };
        if value.is_unknown() {
            return Ok(None);
        }
        let position = value.object().and_then(|object| object.data.position);
        let problem = || format!("`->` needs events, and this is {}", value.kind_name());
        position
            .map(Some)
            .ok_or_else(|| error(problem(), operand.span))
    }

    /// Marks a stretch of a text that was searched, if the text sits in the trace.
    pub(crate) fn mark(&mut self, text: &Text, bytes: Range<usize>) -> Evaluated<()> {
        if !self.recorder.takes(text) {
            return Ok(());
        }
        self.burn(MARK_FUEL)?;
        let read = self.recorder.mark(text, bytes);
        self.pay_for_bytes(read)
    }

    pub(crate) fn marks(&self) -> bool {
        self.recorder.is_on()
    }

    pub(super) fn burn(&self, steps: u64) -> Evaluated<()> {
        self.world.meter.burn(steps).map_err(Interrupt::Exceeded)
    }

    /// Pays for reading so much of a text.
    pub(super) fn pay_for_bytes(&self, bytes: usize) -> Evaluated<()> {
        let paid = self.world.meter.burn_text(bytes);
        paid.map_err(Interrupt::Exceeded)
    }

    /// A chain of binary operators is as long as its author made it, so it is no recursion.
    fn binary(&mut self, expr: &Expr) -> Evaluated {
        let mut first = expr;
        let mut chain = Vec::new();
        if let ExprKind::Binary(operator, left, right) = &expr.kind
            && !matches!(left.kind, ExprKind::Binary(..))
        {
            if let Some(known) = self.glance(*operator, left, right, expr.span) {
                return known;
            }
            let left = self.evaluate(left)?;
            let right = self.evaluate(right)?;
            return self.operate(*operator, left, right, expr.span);
        }
        while let ExprKind::Binary(operator, left, right) = &first.kind {
            chain.push((*operator, right, first.span));
            first = left;
        }
        let mut value = self.evaluate(first)?;
        for (operator, right, span) in chain.into_iter().rev() {
            let right = self.evaluate(right)?;
            value = self.operate(operator, value, right, span)?;
        }
        Ok(value)
    }

    fn operate(&mut self, operator: Operator, left: Value, right: Value, span: Span) -> Evaluated {
        use Value::{Bool, Unknown};
        match operator {
            Operator::And => Ok(match (left, right) {
                (Bool(false), _) | (_, Bool(false)) => Bool(false),
                (Unknown, _) | (_, Unknown) => Unknown,
                (left, right) => {
                    if left.truth() {
                        right
                    } else {
                        left
                    }
                }
            }),
            Operator::Or => Ok(match (left, right) {
                (Bool(true), _) | (_, Bool(true)) => Bool(true),
                (Unknown, _) | (_, Unknown) => Unknown,
                (left, right) => {
                    if left.truth() {
                        left
                    } else {
                        right
                    }
                }
            }),
            _ if left.is_unknown() || right.is_unknown() => Ok(Unknown),
            Operator::Is => self.is(&left, &right, span),
            Operator::IsNot => Ok(match self.is(&left, &right, span)? {
                Unknown => Unknown,
                value => Bool(!value.truth()),
            }),
            Operator::In => {
                self.world.pay_for([&left, &right])?;
                self.contains(&left, &right, span)
            }
            _ => {
                self.world.pay_for([&left, &right])?;
                let computed = match operator {
                    Operator::ContainsOnly => operators::contains_only(&left, &right),
                    _ => operators::compute(operator, &left, &right),
                };
                let computed = computed.map_err(|message| error(message, span))?;
                self.world.pay_for([&computed])?;
                Ok(computed)
            }
        }
    }

    fn sign(&mut self, operand: &Expr, minus: bool, span: Span) -> Evaluated {
        match self.evaluate(operand)? {
            Value::Unknown => Ok(Value::Unknown),
            value => operators::sign(&value, minus).map_err(|message| error(message, span)),
        }
    }
}

pub(crate) fn error(message: impl Into<String>, span: Span) -> Interrupt {
    failed(FailureKind::RuntimeError, message, span)
}

pub(crate) fn failed(kind: FailureKind, message: impl Into<String>, span: Span) -> Interrupt {
    Interrupt::Error(Box::new(RuntimeError {
        kind,
        message: message.into(),
        span,
    }))
}

#[cfg(test)]
mod tests;
