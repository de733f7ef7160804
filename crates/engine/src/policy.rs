use crate::check::check;
use crate::detector::WrittenCall;
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
    detector_calls: Arc<[WrittenCall]>,
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
        if broken(&diagnostics) {
            return Loaded {
                policy: None,
                diagnostics,
            };
        }
        let checked = check(source, &parsed.policy, &program);
        diagnostics.extend(checked.warnings);
        let policy = (!broken(&diagnostics)).then(|| Policy {
            program: Arc::new(program),
            source: source.into(),
            detector_calls: checked.detector_calls.into(),
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

    /// What it was loaded from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The calls of detectors in it, in the order of the source.
    pub fn detector_calls(&self) -> &[WrittenCall] {
        &self.detector_calls
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

#[cfg(test)]
mod tests {
    use super::*;
    use portcullis_json::{Number, Object, Value};

    #[test]
    fn detector_calls_are_known_with_what_is_written_out() {
        let source = "from invariant.detectors import pii, prompt_injection, secrets

KINDS := [\"NRP\", \"PERSON\"]

leaks(m: Message) := any(secrets(m))

raise \"x\" if:
    (m: Message)
    leaks(m) or prompt_injection(m, model=m.role, threshold=0.5)
    any(pii(m, KINDS)) or not any(pii(m, entities=KINDS))
";
        let policy = Policy::load(source).policy.unwrap();
        let text = |written: &WrittenCall| source.get(written.span.range()).unwrap().to_owned();
        let kinds: Value = vec![Value::from("NRP"), Value::from("PERSON")].into();
        let kinds = Object::from_iter([("entities".into(), kinds)]);
        // The model is not written out.
        let threshold =
            Object::from_iter([("threshold".into(), Value::Number(Number::Float(0.5)))]);
        let calls = policy.detector_calls().iter();
        let calls: Vec<_> = calls
            .map(|written| (text(written), written.call.options.clone()))
            .collect();
        assert_eq!(
            calls,
            [
                ("secrets(m)".to_owned(), Object::new()),
                (
                    "prompt_injection(m, model=m.role, threshold=0.5)".to_owned(),
                    threshold
                ),
                ("pii(m, KINDS)".to_owned(), kinds.clone()),
                ("pii(m, entities=KINDS)".to_owned(), kinds),
            ]
        );
    }
}
