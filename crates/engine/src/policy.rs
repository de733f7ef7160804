use crate::check::check;
use crate::program::Program;
use crate::resolve::resolve;
use portcullis_syntax::{Diagnostic, Severity, Span, parse};
use std::fmt;
use std::sync::Arc;

/// A policy that was checked and compiled. Cheap to clone, and shared by every session it guards.
#[derive(Clone)]
pub struct Policy {
    program: Arc<Program>,
}

/// What came of loading a policy.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Nothing exactly if some diagnostic is an error.
    pub policy: Option<Policy>,
    pub diagnostics: Vec<Diagnostic>,
}

// === impl Policy ===

impl Policy {
    /// Parses, resolves and compiles a policy. Warnings may accompany a policy that loads.
    pub fn load(source: &str) -> Loaded {
        let parsed = parse(source);
        let mut diagnostics = parsed.diagnostics;
        let broken = |diagnostics: &[Diagnostic]| {
            diagnostics
                .iter()
                .any(|diagnostic| diagnostic.severity == Severity::Error)
        };
        if broken(&diagnostics) {
            return Loaded {
                policy: None,
                diagnostics,
            };
        }
        let (program, found) = resolve(&parsed.policy);
        diagnostics.extend(found);
        if !broken(&diagnostics) {
            diagnostics.extend(check(source, &parsed.policy, &program));
        }
        let policy = (!broken(&diagnostics)).then(|| Policy {
            program: Arc::new(program),
        });
        Loaded {
            policy,
            diagnostics,
        }
    }

    /// How many rules it has.
    pub fn rules(&self) -> usize {
        self.program.rules.len()
    }

    /// Where a rule stands in the source.
    pub fn rule_span(&self, rule: usize) -> Option<Span> {
        self.program.rules.get(rule).map(|rule| rule.span)
    }

    pub(crate) fn into_program(self) -> Arc<Program> {
        self.program
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("rules", &self.rules())
            .finish_non_exhaustive()
    }
}
