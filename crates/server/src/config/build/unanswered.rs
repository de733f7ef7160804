use std::ops::Range;
use std::path::PathBuf;

use portcullis_engine::Policy;
use portcullis_session::{Guardrail, GuardrailAction};

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
        for Unanswered { span, reason } in detectors.unanswered(policy) {
            let message = format!("guardrail `{}`: {reason}", guardrail.name.name);
            let warning = |span| {
                Problem::warning(span, message).help(match guardrail.on_failure {
                    GuardrailAction::Block => {
                        "as it is, a message that this would be asked about is blocked"
                    }
                    GuardrailAction::Log => {
                        "as it is, a message that this would be asked about passes unjudged, and \
                         that is recorded"
                    }
                })
            };
            match place {
                PolicyPlace::Here(policy_span) => {
                    let span = embedded::place_of(self.text, policy_span, policy, span);
                    self.problems.push(warning(span));
                }
                PolicyPlace::InFile(path) => {
                    let warning = warning(span.range());
                    let source = policy.source().to_owned();
                    let of_file = FileProblems::new(path.clone(), source, vec![warning]);
                    self.of_named.push(of_file);
                }
            }
        }
    }
}
