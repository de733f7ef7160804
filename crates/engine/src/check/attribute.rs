//! `object.name`.

use super::outcome::Outcome;
use super::values::Reader;
use super::words;
use crate::codes;
use crate::eval::access::TEXT_METHODS;
use crate::kind::Kind;
use crate::modules::Module;
use crate::program::{Expr, ExprKind};
use crate::types::Type;
use crate::value::Value;
use portcullis_syntax::{Span, nearest};

/// Kinds whose attributes are known: the value of any other is read at run time.
const OPEN: Type = Type::TEXT.or(Type::DICT).or(Type::OTHER);

impl Reader<'_, '_> {
    pub(super) fn member(&mut self, object: &Expr, name: &str, span: Span) -> Outcome {
        let outcome = self.read(object);
        match &object.kind {
            ExprKind::Literal(Value::Input) => {
                if name == "data" {
                    let message = "no parameter can be named `data`".to_owned();
                    let help = "give the parameter another name".to_owned();
                    self.warn(codes::RESERVED_PARAMETER, span, message, help);
                }
                return Outcome::ANY;
            }
            ExprKind::Literal(Value::Module(module)) => {
                self.module_member(module, name, span);
                return Outcome::of(Type::OTHER);
            }
            _ => {}
        }
        if outcome.ty.overlaps(OPEN) {
            return Outcome::ANY;
        }
        let known = outcome
            .ty
            .kinds()
            .filter_map(|kind| Type::of_attribute(kind, name));
        if let Some(ty) = known.reduce(Type::or) {
            return Outcome::of(ty);
        }
        self.unknown_attribute(outcome.ty, object, name, span);
        Outcome::ANY
    }

    /// The method of texts that `object.name` gives without calling it. A text that is JSON may have
    /// a member of that name, but nobody compares that before reading the text as JSON.
    pub(super) fn uncalled(&self, expr: &Expr) -> Option<&'static str> {
        let ExprKind::Member(object, name) = &expr.kind else {
            return None;
        };
        let ty = self.plain_type(object);
        let is_text = ty.overlaps(Type::TEXT) && !ty.overlaps(Type::DICT.or(Type::OTHER));
        let mut methods = TEXT_METHODS.into_iter().filter(|_| is_text);
        methods.find(|method| *method == &**name)
    }

    /// The type of a variable or of what is read from one.
    fn plain_type(&self, expr: &Expr) -> Type {
        match &expr.kind {
            ExprKind::Local(slot) => self.variable(*slot).ty,
            ExprKind::Member(object, name) => {
                let ty = self.plain_type(object);
                let known = ty.kinds().filter(|_| !ty.overlaps(OPEN));
                let known = known.filter_map(|kind| Type::of_attribute(kind, name));
                known.reduce(Type::or).unwrap_or(Type::ANY)
            }
            _ => Type::ANY,
        }
    }

    fn module_member(&mut self, module: &Module, name: &str, span: Span) {
        if module.members.contains(&name) {
            return;
        }
        let message = format!("`{}` has no member `{name}`", module.name);
        let near = nearest(name, module.members.iter().copied());
        let help = near.map_or_else(
            || format!("it has `{}`", module.members.join("`, `")),
            |near| format!("did you mean `{near}`?"),
        );
        self.warn(codes::UNKNOWN_ATTRIBUTE, span, message, help);
    }

    fn unknown_attribute(&mut self, ty: Type, object: &Expr, name: &str, span: Span) {
        let object = self.quote(object.span);
        let (message, help) = if let Some(kind) = ty.kinds().next() {
            let message = format!("{} has no attribute `{name}`", words::kind(kind));
            (message, attribute_help(kind, object, name))
        } else {
            let message = format!("`{object}` is {}", words::describe(ty));
            (
                message,
                format!("there is no attribute `{name}` of it, nor any other"),
            )
        };
        self.warn(codes::UNKNOWN_ATTRIBUTE, span, message, help);
    }
}

fn attribute_help(kind: Kind, object: &str, name: &str) -> String {
    let meant = match (kind, name) {
        (Kind::Message | Kind::ToolCall | Kind::ToolOutput, "server") => "server({})",
        (Kind::ToolCall, "name" | "tool" | "tool_name") => "{}.function.name",
        (Kind::ToolCall, "arguments" | "args" | "parameters" | "input") => "{}.function.arguments",
        (Kind::ToolOutput, "tool_calls" | "tool_call" | "call") => "tool_call({})",
        (Kind::ToolOutput, "name" | "function" | "tool" | "tool_name") => {
            "tool_call({}).function.name"
        }
        (Kind::ToolOutput, "arguments" | "args") => "tool_call({}).function.arguments",
        (Kind::ToolOutput, "output" | "result") => "{}.content",
        (Kind::Message | Kind::ToolOutput, "text") => "text({})",
        (Kind::Function, "args" | "parameters" | "input") => "{}.arguments",
        _ => {
            let attributes = kind.attributes();
            return match nearest(name, attributes.iter().copied()) {
                Some(near) => format!("did you mean `{object}.{near}`?"),
                None => format!("it has `{}`", attributes.join("`, `")),
            };
        }
    };
    format!("did you mean `{}`?", meant.replace("{}", object))
}
