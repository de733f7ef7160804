use std::ops::Range;
use std::path::PathBuf;

use portcullis_engine::Policy;
use portcullis_session::Guardrail;

use super::Builder;
use crate::config::embedded;
use crate::config::problem::{FileProblems, Problem};
use crate::detectors::{ConfiguredDetectors, Unanswered};

/// Where the policy of a guardrail is written.
pub(super) enum PolicyPlace {
    /// At these bytes of the configuration.
    Here(Range<usize>),
    InFile(PathBuf),
}

impl Builder<'_> {
    /// Warns of calls in the guardrail that nobody answers: it loads, and fails at each message
    /// that a call is about.
    pub(super) fn unanswered(
        &mut self,
        guardrail: &Guardrail,
        policy: &Policy,
        place: &PolicyPlace,
        detectors: &ConfiguredDetectors,
    ) {
        let help = Unanswered::consequence(guardrail.on_failure);
        let unanswered = detectors.unanswered(policy).into_iter();
        let warnings = unanswered.map(|Unanswered { span, reason }| {
            let message = format!("guardrail `{}`: {reason}", guardrail.name.name);
            let span = match place {
                PolicyPlace::Here(of_policy) => {
                    embedded::place_of(self.text, of_policy, policy, span)
                }
                PolicyPlace::InFile(_) => span.range(),
            };
            Problem::warning(span, message).help(help)
        });
        let warnings: Vec<Problem> = warnings.collect();
        match place {
            PolicyPlace::Here(_) => self.problems.extend(warnings),
            PolicyPlace::InFile(_) if warnings.is_empty() => {}
            PolicyPlace::InFile(path) => {
                let source = policy.source().to_owned();
                let of_file = FileProblems::new(path.clone(), source, warnings);
                self.of_named.push(of_file);
            }
        }
    }
}
