//! A walk over the syntax tree in the order of Python's `ast.NodeVisitor`.
//!
//! That order is the one in which `CPython` declares the fields of a node. It is not always the
//! order of the source: a function's decorators come after its body, all keys of a dictionary
//! before its values.

use super::{PythonCode, builtins, unparse};
use ruff_python_ast::{
    Arguments, Comprehension, ExceptHandler, Expr, InterpolatedStringElement,
    InterpolatedStringElements, IpyEscapeKind, Mod, Parameter, ParameterWithDefault, Parameters,
    Pattern, Stmt, StmtTry, TypeParam, TypeParams,
};

/// Collects what the tree contains. Recursive: the nesting limits bound its depth.
#[derive(Debug, Default)]
pub(super) struct Visitor {
    found: PythonCode,
}

// === impl Visitor ===

impl Visitor {
    pub(super) fn visit(mut self, module: &Mod) -> PythonCode {
        match module {
            Mod::Module(module) => self.body(&module.body),
            Mod::Expression(expression) => self.expression(&expression.body),
        }
        self.found
    }

    fn body(&mut self, statements: &[Stmt]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                self.parameters(&function.parameters);
                self.body(&function.body);
                function
                    .decorator_list
                    .iter()
                    .for_each(|it| self.expression(&it.expression));
                self.optional(function.returns.as_deref());
                self.type_params(function.type_params.as_deref());
            }
            Stmt::ClassDef(class) => {
                class
                    .arguments
                    .iter()
                    .for_each(|arguments| self.arguments(arguments));
                self.body(&class.body);
                class
                    .decorator_list
                    .iter()
                    .for_each(|it| self.expression(&it.expression));
                self.type_params(class.type_params.as_deref());
            }
            Stmt::Import(import) => {
                let names = import
                    .names
                    .iter()
                    .map(|alias| Some(alias.name.to_string()));
                self.found.imports.extend(names);
            }
            Stmt::ImportFrom(import) => {
                self.found
                    .imports
                    .push(import.module.as_ref().map(ToString::to_string));
            }
            Stmt::IpyEscapeCommand(command) => self.escape_command(command.kind),
            Stmt::Global(_)
            | Stmt::Nonlocal(_)
            | Stmt::Pass(_)
            | Stmt::Break(_)
            | Stmt::Continue(_) => {}
            Stmt::For(_)
            | Stmt::While(_)
            | Stmt::If(_)
            | Stmt::With(_)
            | Stmt::Match(_)
            | Stmt::Try(_) => self.block_statement(statement),
            _ => self.simple_statement(statement),
        }
    }

    fn block_statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::For(it) => {
                self.expression(&it.target);
                self.expression(&it.iter);
                self.body(&it.body);
                self.body(&it.orelse);
            }
            Stmt::While(it) => {
                self.expression(&it.test);
                self.body(&it.body);
                self.body(&it.orelse);
            }
            Stmt::If(it) => {
                self.expression(&it.test);
                self.body(&it.body);
                for clause in &it.elif_else_clauses {
                    self.optional(clause.test.as_ref());
                    self.body(&clause.body);
                }
            }
            Stmt::With(it) => {
                for item in &it.items {
                    self.expression(&item.context_expr);
                    self.optional(item.optional_vars.as_deref());
                }
                self.body(&it.body);
            }
            Stmt::Match(it) => {
                self.expression(&it.subject);
                for case in &it.cases {
                    self.pattern(&case.pattern);
                    self.optional(case.guard.as_deref());
                    self.body(&case.body);
                }
            }
            Stmt::Try(it) => self.try_statement(it),
            _ => {}
        }
    }

    fn try_statement(&mut self, statement: &StmtTry) {
        self.body(&statement.body);
        for ExceptHandler::ExceptHandler(handler) in &statement.handlers {
            self.optional(handler.type_.as_deref());
            self.body(&handler.body);
        }
        self.body(&statement.orelse);
        self.body(&statement.finalbody);
    }

    fn simple_statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Return(it) => self.optional(it.value.as_deref()),
            Stmt::Delete(it) => self.expressions(&it.targets),
            Stmt::TypeAlias(it) => {
                self.expression(&it.name);
                self.type_params(it.type_params.as_deref());
                self.expression(&it.value);
            }
            Stmt::Assign(it) => {
                self.expressions(&it.targets);
                self.expression(&it.value);
            }
            Stmt::AugAssign(it) => {
                self.expression(&it.target);
                self.expression(&it.value);
            }
            Stmt::AnnAssign(it) => {
                self.expression(&it.target);
                self.expression(&it.annotation);
                self.optional(it.value.as_deref());
            }
            Stmt::Raise(it) => {
                self.optional(it.exc.as_deref());
                self.optional(it.cause.as_deref());
            }
            Stmt::Assert(it) => {
                self.expression(&it.test);
                self.optional(it.msg.as_deref());
            }
            Stmt::Expr(it) => self.expression(&it.value),
            _ => {}
        }
    }

    fn optional(&mut self, expression: Option<&Expr>) {
        if let Some(expression) = expression {
            self.expression(expression);
        }
    }

    fn expressions<'a>(&mut self, expressions: impl IntoIterator<Item = &'a Expr>) {
        expressions
            .into_iter()
            .for_each(|expression| self.expression(expression));
    }

    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Name(name) => {
                if builtins::contains(&name.id) {
                    self.found.builtins.push(name.id.to_string());
                }
            }
            Expr::Call(call) => {
                self.found
                    .function_calls
                    .insert(unparse::expression(&call.func));
                self.expression(&call.func);
                self.arguments(&call.arguments);
            }
            Expr::Lambda(lambda) => {
                lambda
                    .parameters
                    .iter()
                    .for_each(|parameters| self.parameters(parameters));
                self.expression(&lambda.body);
            }
            Expr::FString(string) => {
                string
                    .value
                    .f_strings()
                    .for_each(|part| self.interpolated(&part.elements));
            }
            Expr::TString(string) => {
                string
                    .value
                    .iter()
                    .for_each(|part| self.interpolated(&part.elements));
            }
            Expr::IpyEscapeCommand(command) => self.escape_command(command.kind),
            Expr::ListComp(it) => self.comprehension([&*it.elt], &it.generators),
            Expr::SetComp(it) => self.comprehension([&*it.elt], &it.generators),
            Expr::Generator(it) => self.comprehension([&*it.elt], &it.generators),
            Expr::DictComp(it) => {
                self.comprehension(
                    it.key.as_deref().into_iter().chain([&*it.value]),
                    &it.generators,
                );
            }
            _ => self.operands(expression),
        }
    }

    fn operands(&mut self, expression: &Expr) {
        match expression {
            Expr::BoolOp(it) => self.expressions(&it.values),
            Expr::Named(it) => self.expressions([&*it.target, &it.value]),
            Expr::BinOp(it) => self.expressions([&*it.left, &it.right]),
            Expr::UnaryOp(it) => self.expression(&it.operand),
            Expr::If(it) => self.expressions([&*it.test, &it.body, &it.orelse]),
            Expr::Dict(it) => {
                self.expressions(it.items.iter().filter_map(|item| item.key.as_ref()));
                self.expressions(it.items.iter().map(|item| &item.value));
            }
            Expr::Set(it) => self.expressions(&it.elts),
            Expr::List(it) => self.expressions(&it.elts),
            Expr::Tuple(it) => self.expressions(&it.elts),
            Expr::Await(it) => self.expression(&it.value),
            Expr::Yield(it) => self.optional(it.value.as_deref()),
            Expr::YieldFrom(it) => self.expression(&it.value),
            Expr::Compare(it) => {
                self.expression(&it.left);
                self.expressions(&it.comparators);
            }
            Expr::Attribute(it) => self.expression(&it.value),
            Expr::Subscript(it) => self.expressions([&*it.value, &it.slice]),
            Expr::Starred(it) => self.expression(&it.value),
            Expr::Slice(it) => {
                for bound in [&it.lower, &it.upper, &it.step] {
                    self.optional(bound.as_deref());
                }
            }
            _ => {}
        }
    }

    fn arguments(&mut self, arguments: &Arguments) {
        self.expressions(&arguments.args);
        self.expressions(arguments.keywords.iter().map(|keyword| &keyword.value));
    }

    fn comprehension<'a>(
        &mut self,
        elements: impl IntoIterator<Item = &'a Expr>,
        generators: &[Comprehension],
    ) {
        self.expressions(elements);
        for generator in generators {
            self.expression(&generator.target);
            self.expression(&generator.iter);
            self.expressions(&generator.ifs);
        }
    }

    fn interpolated(&mut self, elements: &InterpolatedStringElements) {
        for element in elements {
            if let InterpolatedStringElement::Interpolation(interpolation) = element {
                self.expression(&interpolation.expression);
                if let Some(format) = &interpolation.format_spec {
                    self.interpolated(&format.elements);
                }
            }
        }
    }

    fn parameters(&mut self, parameters: &Parameters) {
        let positional = || parameters.posonlyargs.iter().chain(&parameters.args);
        self.annotations(positional().map(|it| &it.parameter));
        self.annotations(parameters.vararg.as_deref());
        self.annotations(parameters.kwonlyargs.iter().map(|it| &it.parameter));
        self.defaults(&parameters.kwonlyargs);
        self.annotations(parameters.kwarg.as_deref());
        self.defaults(positional());
    }

    fn annotations<'a>(&mut self, parameters: impl IntoIterator<Item = &'a Parameter>) {
        self.expressions(parameters.into_iter().filter_map(Parameter::annotation));
    }

    fn defaults<'a>(&mut self, parameters: impl IntoIterator<Item = &'a ParameterWithDefault>) {
        self.expressions(
            parameters
                .into_iter()
                .filter_map(ParameterWithDefault::default),
        );
    }

    fn type_params(&mut self, type_params: Option<&TypeParams>) {
        for type_param in type_params.into_iter().flatten() {
            let (bound, default) = match type_param {
                TypeParam::TypeVar(it) => (it.bound.as_deref(), it.default.as_deref()),
                TypeParam::TypeVarTuple(it) => (None, it.default.as_deref()),
                TypeParam::ParamSpec(it) => (None, it.default.as_deref()),
            };
            self.optional(bound);
            self.optional(default);
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::MatchValue(it) => self.expression(&it.value),
            Pattern::MatchSequence(it) => self.patterns(&it.patterns),
            Pattern::MatchMapping(it) => {
                self.expressions(&it.keys);
                self.patterns(&it.patterns);
            }
            Pattern::MatchClass(it) => {
                self.expression(&it.cls);
                self.patterns(&it.arguments.patterns);
                self.patterns(it.arguments.keywords.iter().map(|keyword| &keyword.pattern));
            }
            Pattern::MatchAs(it) => self.patterns(it.pattern.as_deref()),
            Pattern::MatchOr(it) => self.patterns(&it.patterns),
            Pattern::MatchSingleton(_) | Pattern::MatchStar(_) => {}
        }
    }

    fn patterns<'a>(&mut self, patterns: impl IntoIterator<Item = &'a Pattern>) {
        patterns
            .into_iter()
            .for_each(|pattern| self.pattern(pattern));
    }

    fn escape_command(&mut self, kind: IpyEscapeKind) {
        let callee = match kind {
            IpyEscapeKind::Shell => "get_ipython().system",
            IpyEscapeKind::ShCap => "get_ipython().getoutput",
            IpyEscapeKind::Magic2 => "get_ipython().run_cell_magic",
            // Help is a magic too; the rest are shorthands for calls of what the line names.
            _ => "get_ipython().run_line_magic",
        };
        self.found
            .function_calls
            .extend(["get_ipython", callee].map(Into::into));
    }
}
