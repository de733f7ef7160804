//! Expressions.

use super::pattern::{DashedTool, dashed_tool, tool_parts, without_not};
use super::{Declared, Resolver, code, suggestion};
use crate::eval::models_wanted;
use crate::kind::BinderKind;
use crate::modules::{self, BUILTINS, Function, NOT_CALLABLE};
use crate::program::{Call, Comprehension, Expr, ExprKind, Listed, Operator, Origin, Quantifier};
use crate::python::number::Integer;
use crate::python::re::{Flags, Pattern};
use crate::resolve::body::captured;
use crate::value::Value;
use portcullis_syntax::ast::{
    BinaryOperator, Block, Comprehension as ComprehensionTree, Entry, Expr as Tree,
    ExprKind as TreeKind, Keyword, UnaryOperator,
};
use portcullis_syntax::{Diagnostic, Span};
use std::sync::Arc;

impl Resolver {
    pub(super) fn expression(&mut self, tree: &Tree) -> Expr {
        let span = tree.span;
        let kind = match &tree.kind {
            TreeKind::None => ExprKind::Literal(Value::None),
            TreeKind::Bool(value) => ExprKind::Literal(Value::Bool(*value)),
            TreeKind::Integer(digits) => match Integer::parse(digits) {
                Ok(value) => ExprKind::Literal(Value::Integer(value)),
                Err(_) => ExprKind::Invalid("the integer has too many digits"),
            },
            TreeKind::Float(value) => ExprKind::Literal(Value::Float(*value)),
            TreeKind::String(text) => ExprKind::Literal(Value::text(text.as_str())),
            TreeKind::Name(name) => self.name(name, span),
            TreeKind::Binder { name, kind } => match self.scopes.find(&name.text) {
                Some(slot) => ExprKind::Bind(slot, BinderKind::named(&kind.text)),
                None => ExprKind::Invalid("the variable's kind is unknown"),
            },
            TreeKind::Let { name, value } => {
                let value = Box::new(self.expression(value));
                match self.scopes.find(&name.text) {
                    Some(slot) => ExprKind::Let(slot, value),
                    None => ExprKind::Invalid("nothing can be bound to this name"),
                }
            }
            TreeKind::Import(_) => ExprKind::Nothing,
            TreeKind::Unary { operator, operand } => self.unary(*operator, operand),
            TreeKind::Binary { .. } => return self.binary(tree),
            TreeKind::Member { object, name } => {
                ExprKind::Member(Box::new(self.expression(object)), name.text.as_str().into())
            }
            TreeKind::Index { object, index } => {
                let object = Box::new(self.expression(object));
                ExprKind::Index(object, Box::new(self.expression(index)))
            }
            TreeKind::Call {
                function,
                arguments,
                keywords,
            } => self.call(function, arguments, keywords),
            TreeKind::Quantifier { head, body } => self.quantifier(head, body),
            TreeKind::Tool(name) => self.tool((name, &[]), true),
            TreeKind::ToolPattern { tool, arguments } => self.tool((tool, arguments), true),
            TreeKind::Conditional {
                then,
                condition,
                otherwise,
            } => {
                let condition = self.expression(condition);
                let parts = [self.expression(then), condition, self.expression(otherwise)];
                ExprKind::Conditional(Box::new(parts))
            }
            TreeKind::List(items) => {
                ExprKind::List(items.iter().map(|item| self.expression(item)).collect())
            }
            TreeKind::Object(entries) => self.dictionary(entries),
            TreeKind::Comprehension(tree) => self.comprehension(tree),
            TreeKind::Group(parts) => return self.group(parts, span),
            TreeKind::Wildcard => self.outside_pattern("*", span),
            TreeKind::ValueReference(name) => self.outside_pattern(&format!("<{name}>"), span),
            TreeKind::Block(block) => {
                for line in &block.lines {
                    self.expression(line);
                }
                ExprKind::Invalid("an indented block has no value here")
            }
            TreeKind::Error => ExprKind::Invalid("this could not be read"),
        };
        Expr { kind, span }
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Tree) -> ExprKind {
        let operand = Box::new(self.expression(operand));
        match operator {
            UnaryOperator::Not => ExprKind::Not(operand),
            UnaryOperator::Minus => ExprKind::Minus(operand),
            UnaryOperator::Plus => ExprKind::Plus(operand),
        }
    }

    fn dictionary(&mut self, entries: &[Entry]) -> ExprKind {
        let entry = |entry: &Entry| {
            let key = entry.key.text.as_str().into();
            (key, self.expression(&entry.value))
        };
        ExprKind::Dict(entries.iter().map(entry).collect())
    }

    fn outside_pattern(&mut self, what: &str, span: Span) -> ExprKind {
        let message = format!("`{what}` has a meaning only inside the pattern of a tool");
        let help = "put it into the pattern of a tool: `c is tool:name({key: …})`".to_owned();
        self.report(code::PATTERN_OUTSIDE_TOOL, span, message, help);
        ExprKind::Invalid("only the pattern of a tool can hold this")
    }

    fn name(&mut self, name: &str, span: Span) -> ExprKind {
        if let Some(slot) = self.scopes.find(name) {
            return ExprKind::Local(slot);
        }
        match self.declarations.get(name) {
            Some(Declared::Constant(number)) => {
                let constant = self.program.constants.get(*number);
                return match constant.map(|constant| &constant.value.kind) {
                    Some(ExprKind::Literal(value)) => ExprKind::Literal(value.clone()),
                    _ => ExprKind::Constant(*number),
                };
            }
            Some(Declared::Predicate(number)) => {
                return ExprKind::Literal(Value::Predicate(*number));
            }
            None => {}
        }
        let imported = self.imports.get(name).cloned();
        let built_in = || BUILTINS.contains(&name).then(|| modules::value(name));
        if let Some(value) = imported.or_else(built_in) {
            self.program.reads_answered_calls |= matches!(
                value,
                Value::Function(Function::ToolCall) | Value::Module(_)
            );
            return ExprKind::Literal(value);
        }
        self.unknown_name(name, span);
        ExprKind::Invalid("the name is unknown")
    }

    fn unknown_name(&mut self, name: &str, span: Span) {
        let message = format!("`{name}` is not defined");
        if let Some(binder) = self.inner.get(name) {
            let code = if self.raising {
                code::UNBOUND_IN_RAISE
            } else {
                code::UNKNOWN_NAME
            };
            let diagnostic = Diagnostic::error(code, span, message)
                .label(*binder, "it has a value in this block only")
                .help("bind it in the body of the rule itself");
            self.diagnostics.push(diagnostic);
            return;
        }
        let importable = modules::MODULES
            .iter()
            .find(|module| module.members.contains(&name));
        let constant = [
            ("true", "True"),
            ("false", "False"),
            ("null", "None"),
            ("none", "None"),
            ("nil", "None"),
        ]
        .into_iter()
        .find(|(other, _)| name.eq_ignore_ascii_case(other));
        let help = if let Some(module) = importable {
            format!("import it: `from {} import {name}`", module.name)
        } else if let Some((_, constant)) = constant {
            format!("write `{constant}`")
        } else {
            let declared = self.declarations.keys().chain(self.imports.keys());
            let mut known: Vec<&str> = declared.map(|name| &**name).collect();
            known.extend(self.scopes.names().chain(BUILTINS.iter().copied()));
            known.sort_unstable();
            let otherwise = if self.may_be_text {
                format!("write `\"{name}\"` if it is a text, or else bind, declare or import it")
            } else {
                "bind it, declare it, or import it".to_owned()
            };
            suggestion(name, known.into_iter(), &otherwise)
        };
        self.report(code::UNKNOWN_NAME, span, message, help);
    }

    /// What is compared or looked for: a name that nobody knows may be a text without its quotes.
    fn compared(&mut self, tree: &Tree) -> Expr {
        self.may_be_text = matches!(tree.kind, TreeKind::Name(_));
        let expr = self.expression(tree);
        self.may_be_text = false;
        expr
    }

    /// Chains are as long as their author made them, so they are unrolled in a loop.
    fn binary(&mut self, tree: &Tree) -> Expr {
        let mut chain = Vec::new();
        let mut first = tree;
        while let TreeKind::Binary {
            operator,
            left,
            right,
        } = &first.kind
        {
            chain.push((*operator, &**right, first.span));
            first = left;
        }
        // `x is tool:y` and `(x: T) in e` look at the form of an operand, which the innermost has.
        let mut value = None;
        let mut left_tree = first;
        let mut previous_flow: Option<&Tree> = None;
        for (operator, right, span) in chain.into_iter().rev() {
            let flow = matches!(operator, BinaryOperator::Flow | BinaryOperator::DirectFlow);
            let kind = match (flow, previous_flow, value.take()) {
                (true, Some(middle), Some(left)) => {
                    let flow = self.flow(operator, (middle, true), right, span);
                    ExprKind::Binary(Operator::And, Box::new(left), Box::new(flow))
                }
                (true, _, None) => self.flow(operator, (left_tree, false), right, span).kind,
                (_, _, left) => {
                    let simple = left.is_none();
                    let left = left.unwrap_or_else(|| match operator {
                        BinaryOperator::Equal
                        | BinaryOperator::NotEqual
                        | BinaryOperator::In
                        | BinaryOperator::NotIn => self.compared(left_tree),
                        _ => self.expression(left_tree),
                    });
                    self.operation(operator, simple, left, right)
                }
            };
            previous_flow = flow.then_some(right);
            left_tree = right;
            value = Some(Expr { kind, span });
        }
        value.unwrap_or_else(|| Self::invalid("the operator has no operands", tree.span))
    }

    fn operation(
        &mut self,
        operator: BinaryOperator,
        is_first: bool,
        left: Expr,
        right: &Tree,
    ) -> ExprKind {
        let operator = match operator {
            BinaryOperator::Is => return self.is(left, right),
            BinaryOperator::In => {
                if let (true, ExprKind::Bind(slot, kind)) = (is_first, &left.kind) {
                    return ExprKind::BindIn(*slot, *kind, Box::new(self.expression(right)));
                }
                Operator::In
            }
            BinaryOperator::NotIn => {
                let span = left.span.to(right.span);
                let right = Box::new(self.expression(right));
                let kind = ExprKind::Binary(Operator::In, Box::new(left), right);
                return ExprKind::Not(Box::new(Expr { kind, span }));
            }
            // A flow whose left side is no name: `(a == b) -> c`.
            BinaryOperator::Flow | BinaryOperator::DirectFlow => {
                return ExprKind::Invalid("`->` stands between two names");
            }
            BinaryOperator::And => Operator::And,
            BinaryOperator::Or => Operator::Or,
            BinaryOperator::Equal => Operator::Equal,
            BinaryOperator::NotEqual => Operator::NotEqual,
            BinaryOperator::Greater => Operator::Greater,
            BinaryOperator::Less => Operator::Less,
            BinaryOperator::GreaterEqual => Operator::GreaterEqual,
            BinaryOperator::LessEqual => Operator::LessEqual,
            BinaryOperator::ContainsOnly => Operator::ContainsOnly,
            BinaryOperator::Add => Operator::Add,
            BinaryOperator::Subtract => Operator::Subtract,
            BinaryOperator::Multiply => Operator::Multiply,
            BinaryOperator::Divide => Operator::Divide,
            BinaryOperator::Modulo => Operator::Modulo,
            BinaryOperator::Power => Operator::Power,
        };
        let right = match operator {
            Operator::Equal | Operator::NotEqual => self.compared(right),
            _ => self.expression(right),
        };
        joined_texts(operator, &left, &right)
            .unwrap_or_else(|| ExprKind::Binary(operator, Box::new(left), Box::new(right)))
    }

    fn is(&mut self, left: Expr, right: &Tree) -> ExprKind {
        let (negated, operand) = without_not(right);
        if let Some(dashed) = dashed_tool(right)
            && dashed.names.iter().any(|name| !self.is_known(name))
        {
            return self.dashed(&left, &dashed);
        }
        if negated && matches!(operand.kind, TreeKind::None) {
            return ExprKind::IsNotNone(Box::new(left));
        }
        let operator = if negated {
            Operator::IsNot
        } else {
            Operator::Is
        };
        let right = match (&left.kind, tool_parts(operand)) {
            (ExprKind::Local(slot), Some(tool)) if self.scopes.holds_calls(*slot) => Expr {
                kind: self.tool(tool, false),
                span: operand.span,
            },
            _ => self.expression(operand),
        };
        ExprKind::Binary(operator, Box::new(left), Box::new(right))
    }

    /// `call is tool:list-rooms`.
    fn dashed(&mut self, call: &Expr, tool: &DashedTool<'_>) -> ExprKind {
        let call = match call.kind {
            ExprKind::Local(slot) => self.scopes.name(slot),
            _ => None,
        };
        let call = call.unwrap_or("call");
        let operator = if tool.negated { "!=" } else { "==" };
        let name = &tool.name;
        let message = format!("`tool:{name}` is read as a subtraction");
        let help = format!("compare the name: `{call}.function.name {operator} \"{name}\"`");
        self.report(code::UNKNOWN_NAME, tool.span, message, help);
        ExprKind::Invalid("the name of the tool cannot be read")
    }

    fn is_known(&self, name: &str) -> bool {
        self.scopes.find(name).is_some()
            || self.declarations.contains_key(name)
            || self.imports.contains_key(name)
            || BUILTINS.contains(&name)
    }

    /// `left -> right`; in a chain, `left` is the right end of the flow before.
    fn flow(
        &mut self,
        operator: BinaryOperator,
        (left, chained): (&Tree, bool),
        right: &Tree,
        span: Span,
    ) -> Expr {
        let simple = |tree: &Tree| {
            matches!(
                tree.kind,
                TreeKind::Name(_) | TreeKind::Binder { .. } | TreeKind::Group(_)
            )
        };
        let both_simple = simple(left) && simple(right);
        let left = self.flow_operand(left, chained);
        let right = self.flow_operand(right, false);
        if !both_simple {
            return Self::invalid("`->` stands between two names", span);
        }
        let direct = operator == BinaryOperator::DirectFlow;
        let kind = ExprKind::Flow {
            direct,
            left: Box::new(left),
            right: Box::new(right),
        };
        Expr { kind, span }
    }

    fn flow_operand(&mut self, tree: &Tree, chained: bool) -> Expr {
        let mut expr = self.expression(tree);
        // The middle of a chain is bound by the flow before.
        if let (true, ExprKind::Bind(slot, _)) = (chained, &expr.kind) {
            expr.kind = ExprKind::Local(*slot);
        }
        match expr.kind {
            ExprKind::Local(_) | ExprKind::Bind(..) | ExprKind::Constant(_) => expr,
            ExprKind::Literal(_) if matches!(tree.kind, TreeKind::Name(_)) => expr,
            _ => Self::invalid("`->` stands between two names", tree.span),
        }
    }

    fn call(&mut self, function: &Tree, arguments: &[Tree], keywords: &[Keyword]) -> ExprKind {
        let not_callable = match &function.kind {
            TreeKind::String(_) => Some("a text".to_owned()),
            TreeKind::Bool(_) => Some("a boolean".to_owned()),
            TreeKind::None => Some("None".to_owned()),
            TreeKind::Name(name) if NOT_CALLABLE.contains(&name.as_str()) => {
                let own = self.scopes.find(name).is_some()
                    || self.declarations.contains_key(name.as_str());
                (!own).then(|| format!("`{name}`"))
            }
            _ => None,
        };
        if let Some(what) = not_callable {
            let message = format!("{what} cannot be called");
            let help = "only functions, predicates and methods can be called".to_owned();
            self.report(code::NOT_CALLABLE, function.span, message, help);
        }
        let function = self.expression(function);
        let arguments: Vec<_> = arguments.iter().map(|tree| self.expression(tree)).collect();
        let keywords = keywords.iter().map(|keyword| {
            (
                keyword.name.text.as_str().into(),
                self.expression(&keyword.value),
            )
        });
        let keywords = keywords.collect();
        let pattern = literal_pattern(&function, &arguments);
        ExprKind::Call(Box::new(Call {
            function,
            arguments,
            keywords,
            pattern,
        }))
    }

    fn quantifier(&mut self, head: &Tree, block: &Block) -> ExprKind {
        let head = self.expression(head);
        let origin = match &head.kind {
            ExprKind::Literal(Value::Function(Function::Forall)) => Origin::Forall,
            ExprKind::Call(call) => match call.function.kind {
                ExprKind::Literal(Value::Function(Function::Forall)) => Origin::Forall,
                _ => Origin::Count,
            },
            _ => Origin::Count,
        };
        self.scopes.open();
        let body = self.body_in_scope(block, origin);
        self.scopes.close();
        let captured = captured(self.program.bodies.get(body));
        let closed = self.close_over(body, &captured, head.span, listed(&head));
        ExprKind::Quantifier(Box::new(Quantifier {
            head,
            body,
            captured,
            closed,
        }))
    }

    fn comprehension(&mut self, tree: &ComprehensionTree) -> ExprKind {
        let iterable = self.expression(&tree.iterable);
        self.scopes.open();
        let variable = self.scopes.declare(&tree.variable.text);
        let element = self.expression(&tree.element);
        let filter = tree.filter.as_ref().map(|filter| self.expression(filter));
        self.scopes.close();
        ExprKind::Comprehension(Box::new(Comprehension {
            element,
            variable,
            iterable,
            filter,
        }))
    }

    /// The value of `(a, b)` is that of `a`; the others are only resolved.
    fn group(&mut self, parts: &[Tree], span: Span) -> Expr {
        let mut parts = parts
            .iter()
            .map(|part| self.expression(part))
            .collect::<Vec<_>>();
        if parts.is_empty() {
            return Self::invalid("the parentheses are empty", span);
        }
        parts.swap_remove(0)
    }
}

/// Which models a finding may list, as far as the quantifier's head says so before it is evaluated.
fn listed(head: &Expr) -> Listed {
    let function = match &head.kind {
        ExprKind::Call(call) => &call.function.kind,
        kind => kind,
    };
    match function {
        ExprKind::Literal(Value::Function(Function::Forall)) => return Listed::Nothing,
        ExprKind::Literal(Value::Function(Function::Count)) => {}
        _ => return Listed::First(usize::MAX),
    }
    let ExprKind::Call(call) = &head.kind else {
        return Listed::Every;
    };
    let bound = |name: &str, place: usize| {
        let keyword = call.keywords.iter().find(|(keyword, _)| &**keyword == name);
        let given = keyword
            .map(|(_, value)| value)
            .or(call.arguments.get(place));
        given.map(|expr| match &expr.kind {
            ExprKind::Literal(Value::Integer(value)) => value.to_i64(),
            _ => None,
        })
    };
    match (bound("min", 0), bound("max", 1)) {
        (None, None) => Listed::Every,
        (Some(None), _) | (_, Some(None)) => Listed::First(usize::MAX),
        (min, max) => Listed::First(models_wanted(min.flatten(), max.flatten())),
    }
}

/// LIMIT: longer texts are put together when they are needed, at the cost of fuel.
const JOINED_BYTES_MAX: usize = 64 * 1024;

/// Two literal texts that are added, as one: patterns are often put together from constants.
fn joined_texts(operator: Operator, left: &Expr, right: &Expr) -> Option<ExprKind> {
    match (operator, &left.kind, &right.kind) {
        (
            Operator::Add,
            ExprKind::Literal(Value::Text(left)),
            ExprKind::Literal(Value::Text(right)),
        ) if left.text.len() + right.text.len() <= JOINED_BYTES_MAX => Some(ExprKind::Literal(
            Value::text(format!("{}{}", left.text, right.text)),
        )),
        _ => None,
    }
}

/// The regular expression of `match("…", s)`, if it is known and right.
fn literal_pattern(function: &Expr, arguments: &[Expr]) -> Option<Arc<Pattern>> {
    let ExprKind::Literal(Value::Function(Function::Match | Function::Find)) = function.kind else {
        return None;
    };
    match &arguments.first()?.kind {
        ExprKind::Literal(Value::Text(text)) => {
            Pattern::compile(&text.text, Flags::NONE).ok().map(Arc::new)
        }
        _ => None,
    }
}
