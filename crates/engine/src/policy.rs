use crate::check::check;
use crate::program::Program;
use crate::resolve::resolve;
use portcullis_syntax::{Diagnostic, Severity, Span, parse};
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

/// Enough for a tree of the greatest height in a build without optimisation.
const LOAD_STACK_BYTES: usize = 64 << 20;

/// A policy that was checked and compiled. Cheap to clone, and shared by every session it guards.
#[derive(Clone)]
pub struct Policy {
    program: Arc<Program>,
    source: Arc<str>,
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
        // A tree may be as high as the syntax allows, whatever stack the caller has left.
        thread::scope(|scope| {
            let builder = thread::Builder::new().stack_size(LOAD_STACK_BYTES);
            let loading = builder.spawn_scoped(scope, || Self::load_here(source));
            match loading.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(loaded)) => loaded,
                Ok(Err(panic)) => resume_unwind(panic),
                Err(_) => Self::load_here(source),
            }
        })
    }

    fn load_here(source: &str) -> Loaded {
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
            source: source.into(),
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

/// Policies of the same text are the same.
impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("rules", &self.rules())
            .finish_non_exhaustive()
    }
}
