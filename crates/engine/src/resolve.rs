//! From the tree of a policy to the program that is run: names, scopes, and load errors.

mod body;
mod excluding;
mod expression;
mod inner;
mod opening;
mod pattern;
mod scope;

use crate::codes as code;
use crate::facts::Context;
use crate::modules::{self, Module};
use crate::program::{Body, Constant, Frame, Origin, Predicate, Program, Rule, RuleError, Source};
use crate::value::Value;
use portcullis_syntax::ast::{
    Block, Declaration, Expr as Tree, ExprKind as TreeKind, Import, Imported, Name, Policy, Raise,
    Statement,
};
use portcullis_syntax::{Diagnostic, Span, nearest};
use scope::Scopes;
use std::collections::HashMap;
use std::sync::Arc;

/// Resolves one policy.
pub(crate) struct Resolver {
    program: Program,
    diagnostics: Vec<Diagnostic>,
    imports: HashMap<Arc<str>, Value>,
    declarations: HashMap<Arc<str>, Declared>,
    /// Variables of the blocks inside the rule at hand, which have no value outside of them.
    inner: HashMap<String, Span>,
    /// Whether it is the rule's error that is being resolved.
    raising: bool,
    /// Whether what is being resolved is a name where a text may be meant.
    may_be_text: bool,
    scopes: Scopes,
}

/// What a name of the file stands for.
#[derive(Clone, Copy, Debug)]
enum Declared {
    Constant(usize),
    Predicate(usize),
}

/// Resolves a whole policy. The program is only worth running if no diagnostic is an error.
pub(crate) fn resolve(policy: &Policy) -> (Program, Vec<Diagnostic>) {
    let mut resolver = Resolver {
        program: Program::default(),
        diagnostics: Vec::new(),
        imports: HashMap::new(),
        declarations: HashMap::new(),
        inner: HashMap::new(),
        raising: false,
        may_be_text: false,
        scopes: Scopes::default(),
    };
    resolver.imports(policy);
    resolver.declare(policy);
    // Constants and predicates come first: rules want to know what calling them may do.
    for statement in &policy.statements {
        if let Statement::Declaration(declaration) = statement {
            resolver.declaration(declaration);
        }
    }
    for statement in &policy.statements {
        if let Statement::Raise(raise) = statement {
            resolver.rule(raise);
        }
    }
    inner::find(&mut resolver.program);
    resolver.program.sources = sources(&resolver.program.bodies);
    resolver.program.shared_domains = opening::share(&mut resolver.program.bodies);
    (resolver.program, resolver.diagnostics)
}

fn sources(bodies: &[Body]) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for (id, body) in bodies.iter().enumerate() {
        for (index, binder) in body.binders.iter().enumerate() {
            match sources.iter_mut().find(|source| source.kind == binder.kind) {
                Some(source) => source.binders.push((id, index)),
                None => sources.push(Source {
                    kind: binder.kind,
                    binders: vec![(id, index)],
                }),
            }
        }
    }
    sources
}

impl Resolver {
    fn imports(&mut self, policy: &Policy) {
        for statement in &policy.statements {
            match statement {
                Statement::Import(import) => self.import(import),
                Statement::Raise(raise) => self.imports_in(&raise.body),
                Statement::Declaration(declaration) => self.imports_in(&declaration.body),
            }
        }
    }

    /// An import counts for the whole file wherever it stands.
    fn imports_in(&mut self, block: &Block) {
        let mut pending: Vec<&Tree> = block.lines.iter().collect();
        while let Some(tree) = pending.pop() {
            match &tree.kind {
                TreeKind::Import(import) => self.import(import),
                TreeKind::Quantifier { body, .. } | TreeKind::Block(body) => {
                    pending.extend(&body.lines);
                }
                _ => {}
            }
        }
    }

    fn import(&mut self, import: &Import) {
        let Some(module) = self.module(&import.module) else {
            return;
        };
        match &import.what {
            Imported::Module { alias } => {
                let name = alias.as_ref().unwrap_or(&import.module);
                self.imports
                    .insert(name.text.as_str().into(), Value::Module(module));
            }
            Imported::Names(names) => {
                for imported in names {
                    let wanted = imported.name.text.as_str();
                    if !module.members.contains(&wanted) {
                        let message = format!("`{}` has no member `{wanted}`", module.name);
                        let members = module.members;
                        let all = format!("it has `{}`", members.join("`, `"));
                        let help = suggestion(wanted, members.iter().copied(), &all);
                        self.report(code::UNKNOWN_IMPORT, imported.name.span, message, help);
                        continue;
                    }
                    let name = imported.alias.as_ref().unwrap_or(&imported.name);
                    self.imports
                        .insert(name.text.as_str().into(), modules::value(wanted));
                }
            }
        }
    }

    fn module(&mut self, name: &Name) -> Option<&'static Module> {
        let module = modules::module(&name.text);
        if module.is_none() {
            let message = format!("there is no module `{}`", name.text);
            let known = modules::MODULES.iter().map(|module| module.name);
            let help = suggestion(&name.text, known, "the library is the module `invariant`");
            self.report(code::UNKNOWN_MODULE, name.span, message, help);
        }
        module
    }

    fn declare(&mut self, policy: &Policy) {
        let (mut constants, mut predicates) = (0, 0);
        for statement in &policy.statements {
            let Statement::Declaration(declaration) = statement else {
                continue;
            };
            let declared = if declaration.parameters.is_some() {
                predicates += 1;
                Declared::Predicate(predicates - 1)
            } else {
                constants += 1;
                Declared::Constant(constants - 1)
            };
            let name: Arc<str> = declaration.name.text.as_str().into();
            if self.declarations.insert(name, declared).is_some() {
                self.duplicate(&declaration.name);
            }
        }
    }

    fn declaration(&mut self, declaration: &Declaration) {
        self.scopes.open_frame();
        let Some(parameters) = &declaration.parameters else {
            let value = self.constant(&declaration.body);
            let frame = self.close_frame();
            let facts = Context::without_variables(&self.program).facts(&value);
            self.program.constants.push(Constant {
                value,
                frame,
                ty: facts.ty,
                traits: facts.traits,
            });
            return;
        };
        self.scopes.open();
        for parameter in parameters {
            self.scopes.declare(&parameter.name.text);
        }
        let body = self.body(&declaration.body, Origin::Predicate);
        self.scopes.close();
        let frame = self.close_frame();
        self.program.predicates.push(Predicate {
            name: declaration.name.text.as_str().into(),
            parameters: parameters.len(),
            body,
            frame,
        });
    }

    /// Only the first line of a constant's body is its value.
    fn constant(&mut self, block: &Block) -> crate::program::Expr {
        self.scopes.open();
        self.collect(&block.lines);
        let mut lines: Vec<_> = block
            .lines
            .iter()
            .map(|line| self.expression(line))
            .collect();
        self.scopes.close();
        if lines.is_empty() {
            return Self::invalid("the constant has no value", block.span);
        }
        lines.swap_remove(0)
    }

    fn rule(&mut self, raise: &Raise) {
        self.scopes.open_frame();
        self.scopes.open();
        self.inner = inner_variables(&raise.body);
        let body = self.body_in_scope(&raise.body, Origin::Rule);
        self.raising = true;
        let error = match &raise.error.kind {
            TreeKind::String(text) => RuleError::Text(text.as_str().into()),
            _ => RuleError::Expression(self.expression(&raise.error)),
        };
        self.raising = false;
        self.inner.clear();
        self.scopes.close();
        let frame = self.close_frame();
        self.program.rules.push(Rule {
            span: raise.span,
            error,
            body,
            inner: Vec::new(),
            frame,
        });
    }

    fn close_frame(&mut self) -> Frame {
        let names = self.scopes.close_frame();
        self.program.frame_size = self.program.frame_size.max(names.len());
        Frame { names }
    }

    fn invalid(why: &'static str, span: Span) -> crate::program::Expr {
        crate::program::Expr {
            kind: crate::program::ExprKind::Invalid(why),
            span,
        }
    }

    fn duplicate(&mut self, name: &Name) {
        let message = format!("`{}` is already declared", name.text);
        self.report(
            code::DUPLICATE_NAME,
            name.span,
            message,
            "choose another name".to_owned(),
        );
    }

    fn report(&mut self, code: portcullis_syntax::Code, span: Span, message: String, help: String) {
        self.diagnostics
            .push(Diagnostic::error(code, span, message).help(help));
    }
}

/// Proposes the name that was probably meant, or else what there is.
fn suggestion<'a>(name: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    match nearest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => otherwise.to_owned(),
    }
}

/// The variables of quantifiers' blocks, with the places that bind them.
fn inner_variables(body: &Block) -> HashMap<String, Span> {
    let mut variables = HashMap::new();
    let mut pending: Vec<(&Tree, bool)> = body.lines.iter().map(|line| (line, false)).collect();
    while let Some((tree, is_inner)) = pending.pop() {
        match &tree.kind {
            TreeKind::Binder { name, .. } | TreeKind::Let { name, .. } if is_inner => {
                variables.insert(name.text.clone(), name.span);
            }
            _ => {}
        }
        let is_inner = is_inner || matches!(tree.kind, TreeKind::Quantifier { .. });
        pending.extend(tree.children().into_iter().map(|child| (child, is_inner)));
    }
    variables
}
