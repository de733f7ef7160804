//! What is logged of a message.

use portcullis_trace::record::{EventRecord, Verdict};
use tracing::{debug, info, warn};

/// Metadata only: what a message says belongs in the trace, not in the log.
///
/// `trace` names what other systems know it as part of.
pub(crate) fn event(event: &EventRecord, trace: Option<&str>) {
    let method = event.method.as_deref().unwrap_or_default();
    let (session, sequence) = (event.session.as_str(), event.sequence.value());
    for violation in &event.violations {
        let (guardrail, action) = (&violation.guardrail.name, violation.action);
        info!(session, sequence, trace, method, guardrail, %action, ?violation.ranges, "rule satisfied");
    }
    if let Some(failure) = &event.failure {
        warn!(
            session,
            sequence, method, failure, "guardrail not evaluated"
        );
    }
    match event.verdict {
        Verdict::Allow => {
            debug!(session, sequence, trace, direction = %event.direction, method, "passed");
        }
        verdict => {
            info!(session, sequence, trace, direction = %event.direction, method, %verdict, "judged");
        }
    }
}
