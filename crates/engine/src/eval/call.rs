//! Calls: of predicates, of the library, of detectors.

use super::{Evaluated, Evaluator, Interrupt, World, error};
use crate::detector::{Answer, DetectorCall, Lookup};
use crate::library;
use crate::meter::Exceeded;
use crate::modules::{Detector, Function};
use crate::program::{Call, Expr, ExprKind};
use crate::python::re::{Exhausted, Pattern, Steps};
use crate::value::{Text, Value, Violation};
use portcullis_syntax::Span;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

/// Steps of a regular expression that cost as much as one of evaluation.
const STEPS_PER_FUEL: u64 = 4;

pub(crate) type Keywords = [(Arc<str>, Value)];

impl World<'_> {
    /// What a function says that looks at its arguments and nothing else.
    fn answer(
        self,
        function: Function,
        arguments: &[Value],
        keywords: &Keywords,
        span: Span,
    ) -> Evaluated {
        self.pay_for(arguments)?;
        library::call(function, arguments, keywords).map_err(|message| error(message, span))
    }

    /// What `find` returns of what it has found. A stretch that is all of the text keeps its place.
    fn stretches(self, text: &Text, found: Vec<Range<usize>>) -> Evaluated {
        let stretch = |bytes: Range<usize>| {
            if bytes == (0..text.text.len()) {
                Value::Text(text.clone())
            } else {
                Value::text(text.text.get(bytes).unwrap_or_default())
            }
        };
        let texts = Value::list(found.into_iter().map(stretch).collect::<Vec<_>>());
        self.pay_for([&texts])?;
        Ok(texts)
    }
}

impl Evaluator<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Evaluated {
        if let ExprKind::Literal(Value::Function(function)) = call.function.kind
            && let ([one], []) = (&*call.arguments, &*call.keywords)
            && function.is_pure()
        {
            return self.look_through(function, one, span);
        }
        if let Some(searched) = self.search_at_hand(call, span) {
            return searched;
        }
        let function = self.evaluate(&call.function)?;
        // No vector is made for one argument or two, which most calls have.
        match (&*call.arguments, &*call.keywords) {
            ([one], []) => {
                let arguments = [self.evaluate(one)?];
                self.apply(call, function, &arguments, &[], span)
            }
            ([one, other], []) => {
                let arguments = [self.evaluate(one)?, self.evaluate(other)?];
                self.apply(call, function, &arguments, &[], span)
            }
            _ => {
                let mut arguments = Vec::with_capacity(call.arguments.len());
                for argument in &call.arguments {
                    arguments.push(self.evaluate(argument)?);
                }
                let mut keywords = Vec::with_capacity(call.keywords.len());
                for (name, value) in &call.keywords {
                    keywords.push((name.clone(), self.evaluate(value)?));
                }
                self.apply(call, function, &arguments, &keywords, span)
            }
        }
    }

    /// What a function of one value says of it. The value is looked at where it is.
    fn look_through(&mut self, function: Function, one: &Expr, span: Span) -> Evaluated {
        let world = self.world;
        let value = self.borrow(one)?;
        if value.holds_unknown() {
            return Ok(Value::Unknown);
        }
        let arguments = slice::from_ref(&*value);
        world.answer(function, arguments, &[], span)
    }

    fn apply(
        &mut self,
        call: &Call,
        function: Value,
        arguments: &[Value],
        keywords: &Keywords,
        span: Span,
    ) -> Evaluated {
        let named = keywords.iter().map(|(_, value)| value);
        let mut values = arguments.iter().chain(named);
        if function.is_unknown() || values.any(Value::holds_unknown) {
            return Ok(Value::Unknown);
        }
        match function {
            Value::Predicate(number) => self.predicate(number, arguments, span),
            Value::Method(method) => {
                self.world
                    .pay_for(arguments.iter().chain([&method.subject()]))?;
                let result = library::methods::call(&method, arguments, keywords);
                let result = result.map_err(|message| error(message, span))?;
                self.world.pay_for([&result])?;
                Ok(result)
            }
            Value::Function(function) => {
                self.function(function, arguments, keywords, call.pattern.as_ref(), span)
            }
            Value::Type("UpdateMessage" | "UpdateMessageHandler") => Err(error(
                "editing messages from a policy is not supported",
                span,
            )),
            other => Err(error(
                format!("{} cannot be called", other.kind_name()),
                span,
            )),
        }
    }

    fn function(
        &mut self,
        function: Function,
        arguments: &[Value],
        keywords: &Keywords,
        compiled: Option<&Arc<Pattern>>,
        span: Span,
    ) -> Evaluated {
        match function {
            Function::Violation => Ok(Value::Violation(Arc::new(Violation {
                args: arguments.to_vec(),
                kwargs: keywords
                    .iter()
                    .filter(|(name, _)| &**name != "ranges")
                    .cloned()
                    .collect(),
            }))),
            Function::Match | Function::Find => {
                self.search(function, arguments, keywords, compiled, span)
            }
            Function::Detector(detector) => self.detect(detector, arguments, keywords, span),
            _ => self.world.answer(function, arguments, keywords, span),
        }
    }

    /// `match(pattern, s)` and `find(pattern, s)`.
    fn search(
        &mut self,
        function: Function,
        arguments: &[Value],
        keywords: &Keywords,
        compiled: Option<&Arc<Pattern>>,
        span: Span,
    ) -> Evaluated {
        let fail = |message: String| error(message, span);
        let assigned;
        let [pattern, text] = if let ([pattern, text], []) = (arguments, keywords) {
            [pattern, text]
        } else {
            assigned = library::parameters(["pattern", "s"], arguments, keywords).map_err(fail)?;
            assigned.each_ref()
        };
        let (Value::Text(pattern), Value::Text(text)) = (pattern, text) else {
            let given = if pattern.as_text().is_some() {
                text
            } else {
                pattern
            };
            let message = format!(
                "a text is searched for a pattern, not {}",
                given.kind_name()
            );
            return Err(fail(message));
        };
        self.world.pay_for(arguments)?;
        let compiled = if let Some(compiled) = compiled {
            compiled.clone()
        } else {
            let built = self.world.patterns.compile(&pattern.text);
            built.map_err(|problem| fail(format!("`{}`: {problem}", pattern.text)))?
        };
        if function == Function::Match {
            return self.is_match(&compiled, text, span);
        }
        let found = self.search_with(span, |steps| compiled.find_iter(&text.text, steps))?;
        for bytes in &found {
            self.mark(text, bytes.clone())?;
        }
        self.world.stretches(text, found)
    }

    /// The same of operands that need no evaluation, and so no copy; nothing if there is more to do
    /// than to look at them.
    fn search_at_hand(&self, call: &Call, span: Span) -> Option<Evaluated> {
        let (Some(compiled), [pattern, text], []) =
            (&call.pattern, &*call.arguments, &*call.keywords)
        else {
            return None;
        };
        let ExprKind::Literal(Value::Function(function)) = call.function.kind else {
            return None;
        };
        let (pattern, text) = (self.at_hand(pattern)?, self.at_hand(text)?);
        let (Value::Text(_), Value::Text(searched)) = (pattern, text) else {
            return None;
        };
        if self.marks() {
            return None;
        }
        let search = || {
            self.world.pay_for([pattern, text])?;
            if function == Function::Match {
                return self.is_match(compiled, searched, span);
            }
            let found = |steps: &mut Steps| compiled.find_iter(&searched.text, steps);
            let found = self.search_with(span, found)?;
            self.world.stretches(searched, found)
        };
        Some(search())
    }

    fn is_match(&self, pattern: &Pattern, text: &Text, span: Span) -> Evaluated {
        let found = self.search_with(span, |steps| pattern.match_start(&text.text, steps))?;
        Ok(Value::Bool(found.is_some()))
    }

    /// Runs a search whose steps are drawn from the fuel.
    pub(super) fn search_with<T>(
        &self,
        span: Span,
        search: impl FnOnce(&mut Steps) -> Result<T, Exhausted>,
    ) -> Evaluated<T> {
        let meter = self.world.meter;
        let affordable = meter.fuel_left().saturating_mul(STEPS_PER_FUEL);
        let allowed = affordable.min(Steps::MAX);
        let mut steps = Steps::new(allowed);
        let found = search(&mut steps);
        let spent = (allowed - steps.left()) / STEPS_PER_FUEL;
        meter.burn(spent).map_err(Interrupt::Exceeded)?;
        found.map_err(|exhausted| match exhausted {
            Exhausted::Steps if affordable < Steps::MAX => Interrupt::Exceeded(Exceeded::Fuel),
            Exhausted::Steps | Exhausted::Frames => error(exhausted.to_string(), span),
        })
    }

    fn detect(
        &mut self,
        detector: Detector,
        arguments: &[Value],
        keywords: &Keywords,
        span: Span,
    ) -> Evaluated {
        let question = library::detectors::question(detector, arguments, keywords)
            .map_err(|message| error(message, span))?;
        let mut answers = Vec::with_capacity(question.texts.len());
        for text in &question.texts {
            answers.push(self.ask(detector, text, &question.options, span)?);
        }
        question
            .combine(&answers)
            .map_err(|message| error(message, span))
    }

    /// Asks a detector about whatever texts a value holds.
    pub(super) fn detect_in(
        &mut self,
        detector: Detector,
        value: &Value,
        options: &Keywords,
        span: Span,
    ) -> Evaluated {
        self.detect(detector, slice::from_ref(value), options, span)
    }

    fn ask(
        &mut self,
        detector: Detector,
        text: &Text,
        options: &portcullis_json::Object,
        span: Span,
    ) -> Evaluated<portcullis_json::Value> {
        let question = DetectorCall {
            detector: detector.name(),
            text: text.text.clone(),
            options: options.clone(),
        };
        let answer = match self.world.oracle.recall(&question) {
            Some(answer) => answer,
            None => self.find_out(detector, question, span)?,
        };
        let items = answer.value.as_array().map_or(0, <[_]>::len);
        self.burn(items as u64)?;
        if self.marks() {
            for bytes in answer.marks {
                self.mark(text, bytes)?;
            }
        }
        Ok(answer.value)
    }

    /// Asks about what was not asked in this push before, and pays for the whole work, whether or
    /// not an earlier push has done it: what a check may cost must not depend on that.
    fn find_out(
        &self,
        detector: Detector,
        question: DetectorCall,
        span: Span,
    ) -> Evaluated<Answer> {
        let options = question.options.iter();
        let options = options.map(|(_, value)| value.as_str().map_or(0, str::len));
        let bytes = question.text.len() + options.sum::<usize>();
        self.burn((bytes as u64).saturating_mul(detector.fuel()) / 64)?;
        match self.world.oracle.ask(&question) {
            Lookup::Later => Err(Interrupt::Needs(Box::new(question))),
            Lookup::Ready(answered) => answered.map_err(|message| error(message, span)),
        }
    }
}
