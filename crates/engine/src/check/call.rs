//! Calls: of predicates, of the library, of methods.

use super::outcome::Outcome;
use super::values::Reader;
use super::{regex, words};
use crate::codes;
use crate::detector::{DetectorCall, WrittenCall};
use crate::eval::access::{DICT_METHODS, TEXT_METHODS};
use crate::facts::function_facts;
use crate::library::detectors::{self, categories};
use crate::modules::{self, Detector, Function};
use crate::program::{Call, Expr, ExprKind};
use crate::text_form;
use crate::types::Type;
use crate::value::Value;
use portcullis_json as json;
use portcullis_syntax::{Span, nearest};
use std::iter::successors;
use std::sync::Arc;

const CONTENTS_METHODS: [&str; 2] = ["text", "image"];
/// What the functions of lists go through.
pub(super) const ITERABLE: Type = Type::TEXT
    .or(Type::SEQUENCE)
    .or(Type::DICT)
    .or(Type::CONTENTS);
/// What `text` finds texts in.
const HOLDS_TEXTS: Type = Type::TEXT
    .or(Type::LIST)
    .or(Type::CONTENTS)
    .or(Type::MESSAGE)
    .or(Type::TOOL_OUTPUT);

/// The parameters of a library function.
struct Signature {
    required: usize,
    names: Vec<&'static str>,
    /// Whether other keyword arguments are accepted and dropped.
    open: bool,
}

impl<'r> Reader<'r, '_> {
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Outcome {
        if let ExprKind::Member(object, name) = &call.function.kind
            && !matches!(object.kind, ExprKind::Literal(Value::Module(_)))
        {
            return self.method(object, name, call, span);
        }
        let function = self.read(&call.function);
        let given: Vec<Outcome> = call
            .arguments
            .iter()
            .map(|argument| self.read(argument))
            .collect();
        for (_, value) in &call.keywords {
            self.read(value);
        }
        match (&call.function.kind, library_function(&call.function)) {
            (_, Some(function)) => self.library(function, call, &given, span),
            (ExprKind::Literal(Value::Predicate(number)), _) => {
                self.predicate(*number, call, span);
                Outcome::BOOLEAN
            }
            _ => {
                let callable = function.ty.overlaps(Type::OTHER)
                    && !matches!(
                        call.function.kind,
                        ExprKind::Literal(
                            Value::Type(_) | Value::Module(_) | Value::Input | Value::Tool(_)
                        )
                    );
                if !callable {
                    let message = format!("`{}` cannot be called", self.quote(call.function.span));
                    self.always_fails(span, message, None);
                }
                Outcome::ANY
            }
        }
    }

    /// Values of the trace and parameters hold no functions, so all that can be called on them
    /// are the methods of the language.
    fn method(&mut self, object: &Expr, name: &str, call: &Call, span: Span) -> Outcome {
        let ty = self.read(object).ty;
        for argument in &call.arguments {
            self.read(argument);
            if !matches!(name, "format" | "get") {
                self.backslash(argument);
            }
        }
        for (_, value) in &call.keywords {
            self.read(value);
        }
        let of = [
            (Type::TEXT, TEXT_METHODS.as_slice()),
            (Type::DICT, DICT_METHODS.as_slice()),
            (Type::CONTENTS, CONTENTS_METHODS.as_slice()),
        ];
        let known = of.into_iter().filter(|(holder, _)| holder.overlaps(ty));
        let known: Vec<&str> = known.flat_map(|(_, methods)| methods).copied().collect();
        let is_quantifier = matches!(object.kind, ExprKind::Constant(_));
        if known.contains(&name) || is_quantifier {
            return Outcome::ANY;
        }
        let text = self.quote(object.span);
        let message = format!("there is no method `{name}` of `{text}`");
        let help = match (name, known.is_empty()) {
            (_, true) => format!("`{text}` is {}", words::describe(ty)),
            ("contains", _) => format!("write `\"…\" in {text}`"),
            ("startswith", _) => format!("write `match(\"…\", {text})` with a regular expression"),
            ("endswith", _) => {
                format!("write `match(\"(?s).*…$\", {text})` with a regular expression")
            }
            ("find" | "search" | "findall", _) => format!("write `any(find(\"…\", {text}))`"),
            ("match", _) => format!("write `match(\"…\", {text})`"),
            ("length" | "size" | "count", _) => format!("write `len({text})`"),
            _ => match nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are `{}`", known.join("`, `")),
            },
        };
        self.warn(codes::UNKNOWN_METHOD, span, message, help);
        Outcome::ANY
    }

    fn predicate(&mut self, number: usize, call: &Call, span: Span) {
        let Some(predicate) = self.program.predicates.get(number) else {
            return;
        };
        let (name, wanted, given) = (&predicate.name, predicate.parameters, call.arguments.len());
        if given < wanted {
            let plural = if wanted == 1 { "" } else { "s" };
            let verb = if given == 1 { "is" } else { "are" };
            let given = match given {
                0 => "none".to_owned(),
                given => given.to_string(),
            };
            let message =
                format!("`{name}` has {wanted} parameter{plural}, and {given} {verb} given");
            let help = "give them all, by position: predicates know no keyword arguments";
            return self.warn(codes::WRONG_ARGUMENTS, span, message, help.to_owned());
        }
        let surplus = call.arguments.iter().skip(wanted);
        for argument in surplus.chain(call.keywords.iter().map(|(_, value)| value)) {
            let message = format!("`{name}` does not see this argument");
            let help = format!("it takes {wanted} by position; remove it or add a parameter");
            self.warn(codes::IGNORED_ARGUMENT, argument.span, message, help);
        }
    }

    fn library(
        &mut self,
        function: Function,
        call: &Call,
        given: &[Outcome],
        span: Span,
    ) -> Outcome {
        if let Some(signature) = signature(function) {
            self.arguments(&signature, call, span);
        }
        if matches!(function, Function::Match | Function::Find) && !self.is_muted() {
            self.regex(call);
        }
        if let Function::Detector(detector) = function {
            self.categories(detector, call);
            self.detector_call(detector, call, span);
        }
        for (place, (argument, outcome)) in call.arguments.iter().zip(given).enumerate() {
            self.argument(function, place, argument, outcome.ty);
        }
        let first = given.first().map(|first| first.ty);
        Outcome::of(function_facts(function, first).0)
    }

    fn arguments(&mut self, signature: &Signature, call: &Call, span: Span) {
        let function = self.quote(call.function.span).to_owned();
        let names = &signature.names;
        let named = |name: &str| call.keywords.iter().any(|(keyword, _)| &**keyword == name);
        let required = names.iter().enumerate().take(signature.required);
        let missing = required
            .filter(|(place, name)| *place >= call.arguments.len() && !named(name))
            .map(|(_, name)| *name)
            .next();
        let unknown = call
            .keywords
            .iter()
            .find(|(name, _)| !names.contains(&&**name));
        let twice = names
            .iter()
            .take(call.arguments.len())
            .find(|name| named(name));
        let help = match names.as_slice() {
            [] => format!("write `{function}` without arguments"),
            names => format!("its parameters are `{}`", names.join("`, `")),
        };
        let message = if call.arguments.len() > names.len() {
            match names.len() {
                0 => format!("`{function}` takes no arguments"),
                1 => format!("`{function}` takes one argument only"),
                most => format!("`{function}` takes at most {most} arguments"),
            }
        } else if let Some((name, _)) = unknown.filter(|_| !signature.open) {
            format!("`{function}` has no parameter `{name}`")
        } else if let Some(name) = twice {
            format!("`{name}` is given twice")
        } else if let Some(name) = missing {
            format!("the argument `{name}` of `{function}` is missing")
        } else {
            return;
        };
        self.warn(codes::WRONG_ARGUMENTS, span, message, help);
    }

    fn detector_call(&mut self, detector: Detector, call: &Call, span: Span) {
        if self.is_muted() {
            return;
        }
        let (_, others) = detectors::signature(detector);
        let by_place = call.arguments.iter().skip(1);
        let given = others.iter().copied().zip(by_place);
        let named = call.keywords.iter().map(|(name, value)| (&**name, value));
        let options = given.chain(named);
        let written =
            options.filter_map(|(name, value)| Some((Arc::from(name), self.written(value)?)));
        let written = WrittenCall {
            call: DetectorCall {
                detector: detector.name(),
                text: Arc::from(""),
                options: written.collect(),
            },
            span,
        };
        self.detector_calls.push(written);
    }

    /// The value of an expression that is written out: a literal or a list of them. `None` if it
    /// must be evaluated.
    fn written(&self, expr: &Expr) -> Option<json::Value> {
        let ExprKind::List(items) = &self.named(expr).kind else {
            return self.literal(expr);
        };
        let items = items.iter().map(|item| self.literal(item));
        items.collect::<Option<Vec<_>>>().map(json::Value::from)
    }

    fn literal(&self, expr: &Expr) -> Option<json::Value> {
        match &self.named(expr).kind {
            ExprKind::Literal(value) => text_form::json(value),
            _ => None,
        }
    }

    /// What a constant stands for, by way of others too; any other expression as it is.
    fn named<'e>(&self, expr: &'e Expr) -> &'e Expr
    where
        'r: 'e,
    {
        let constants = &self.program.constants;
        let meant = successors(Some(expr), |expr| match &expr.kind {
            ExprKind::Constant(number) => constants.get(*number).map(|constant| &constant.value),
            _ => None,
        });
        // They may stand for each other, in a circle.
        meant.take(constants.len() + 1).last().unwrap_or(expr)
    }

    /// Whether the detector knows what it is to look for, where that is written down.
    fn categories(&mut self, detector: Detector, call: &Call) {
        let (parameter, known) = match detector {
            Detector::Pii => ("entities", categories::PII),
            Detector::Unicode => ("categories", categories::UNICODE),
            _ => return,
        };
        let keyword = call.keywords.iter().find(|(name, _)| &**name == parameter);
        let Some(list) = call.arguments.get(1).or(keyword.map(|(_, value)| value)) else {
            return;
        };
        let ExprKind::List(items) = &self.named(list).kind else {
            return;
        };
        for item in items {
            let ExprKind::Literal(Value::Text(text)) = &item.kind else {
                continue;
            };
            if !known.contains(&&*text.text) {
                let message = format!("`{}` does not know `{}`", detector.name(), text.text);
                let help = match categories::nearest(&text.text, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("it knows `{}`", known.join("`, `")),
                };
                self.warn(codes::UNKNOWN_CATEGORY, item.span, message, help);
            }
        }
    }

    fn regex(&mut self, call: &Call) {
        let keyword = call.keywords.iter().find(|(name, _)| &**name == "pattern");
        let Some(pattern) = call.arguments.first().or(keyword.map(|(_, value)| value)) else {
            return;
        };
        let pattern = self.named(pattern);
        let ExprKind::Literal(Value::Text(text)) = &pattern.kind else {
            return;
        };
        // The text of a constant is better shown where it is written.
        let is_named = !self.quote(pattern.span).contains(['"', '\'']);
        let constants = self
            .program
            .constants
            .iter()
            .map(|constant| &constant.value);
        let mut literals = constants.filter(|value| match &value.kind {
            ExprKind::Literal(Value::Text(known)) => is_named && known.text == text.text,
            _ => false,
        });
        let span = literals.next().unwrap_or(pattern).span;
        regex::check(&text.text, span, self.warnings);
    }

    fn argument(&mut self, function: Function, place: usize, argument: &Expr, ty: Type) {
        let accepted = match (function, place) {
            (Function::Any | Function::Empty | Function::Len, 0) => ITERABLE,
            (Function::Match | Function::Find, 0 | 1) | (Function::JsonLoads, 0) => Type::TEXT,
            (Function::Server, 0) if ty.overlaps(Type::TEXT_CHUNK.or(Type::IMAGE)) => return,
            (Function::Server, 0) => Type::EVENT,
            (Function::ToolCall, 0) => Type::TOOL_OUTPUT,
            (Function::Text, _) => return self.searched(argument, ty),
            (Function::Detector(detector), 0) => match detector {
                Detector::Secrets
                | Detector::Copyright
                | Detector::Pii
                | Detector::Moderated
                | Detector::PromptInjection
                | Detector::EmbeddingSimilarity
                | Detector::IsSimilar => return self.searched(argument, ty),
                Detector::FuzzyContains | Detector::Llm | Detector::LlmConfirm => Type::TEXT,
                Detector::IsPoisoned | Detector::ToolSignals => Type::TOOL,
                Detector::HtmlCode
                | Detector::IpythonCode
                | Detector::Links
                | Detector::Ocr
                | Detector::PythonCode
                | Detector::Semgrep
                | Detector::ShellCode
                | Detector::Unicode => return,
            },
            _ => return,
        };
        // Whoever reads an output as JSON knows how its server writes it.
        let searches = accepted == Type::TEXT && function != Function::JsonLoads;
        if searches && ty == Type::OUTPUT_CONTENT {
            return self.chunks(argument);
        }
        if ty.overlaps(accepted) {
            return;
        }
        let is = words::describe(ty);
        let wanted = match accepted {
            ITERABLE => "a text, a list or a dictionary".to_owned(),
            Type::EVENT => "an event".to_owned(),
            accepted => words::describe(accepted),
        };
        let message = format!("this argument is {is}, and must be {wanted}");
        let text = self.quote(argument.span);
        let has_content = ty.overlaps(Type::MESSAGE.or(Type::TOOL_OUTPUT));
        let help = if has_content && accepted == Type::TEXT {
            format!("search its content: `{text}.content`")
        } else {
            format!("pass {wanted}")
        };
        self.always_fails(argument.span, message, Some(help));
    }

    fn chunks(&mut self, argument: &Expr) {
        let text = self.quote(argument.span);
        let output = text.strip_suffix(".content").unwrap_or("output");
        let message = format!("`{text}` may be a list of chunks, and must be a text here");
        let help = format!("write `(part: str) in text({output})` above, and search `part`");
        self.warn(codes::CONTENT_IN_CHUNKS, argument.span, message, help);
    }

    fn searched(&mut self, argument: &Expr, ty: Type) {
        if ty.overlaps(HOLDS_TEXTS) || ty.is_within(Type::NONE) {
            return;
        }
        let message = format!("no text is ever found in {}", words::describe(ty));
        let help = "pass a text, a message, a tool output, or a list of these".to_owned();
        self.warn(codes::NOTHING_SEARCHED, argument.span, message, help);
    }
}

fn library_function(function: &Expr) -> Option<Function> {
    let value = match &function.kind {
        ExprKind::Literal(value) => value.clone(),
        ExprKind::Member(object, name) => match &object.kind {
            ExprKind::Literal(Value::Module(module)) if module.members.contains(&&**name) => {
                modules::value(name)
            }
            _ => return None,
        },
        _ => return None,
    };
    match value {
        Value::Function(function) => Some(function),
        _ => None,
    }
}

fn signature(function: Function) -> Option<Signature> {
    let (required, names): (_, &[&str]) = match function {
        Function::Any | Function::Empty => (1, &["iterable"]),
        Function::Len | Function::JsonLoads => (1, &["s"]),
        Function::Match | Function::Find => (2, &["pattern", "s"]),
        Function::Count => (0, &["min", "max"]),
        Function::Forall => (0, &[]),
        Function::Tuple => (0, &["iterable"]),
        Function::Sum => (1, &["iterable", "start"]),
        Function::ShouldAllowRbac => (5, &["data", "scope", "user", "user_roles", "role_grants"]),
        Function::Detector(detector) => {
            let (first, others) = detectors::signature(detector);
            let names = std::iter::once(first)
                .chain(others.iter().copied())
                .collect();
            return Some(Signature {
                required: 1,
                names,
                open: detectors::is_open(detector),
            });
        }
        Function::Image
        | Function::Max
        | Function::Min
        | Function::Print
        | Function::Server
        | Function::Text
        | Function::ToolCall
        | Function::Violation => return None,
    };
    Some(Signature {
        required,
        names: names.to_vec(),
        open: false,
    })
}
