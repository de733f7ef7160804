//! What is logged of a message.

use portcullis_trace::record::{EventRecord, Verdict, ViolationRecord};
use tracing::{debug, info, warn};

/// Metadata only: what a message says belongs in the trace, not in the log.
///
/// `trace` names what other systems know it as part of.
pub(crate) fn event(event: &EventRecord, trace: Option<&str>) {
    let method = event.method.as_deref().unwrap_or_default();
    let (session, sequence) = (event.session.as_str(), event.sequence.value());
    // A listing may have one for each of its tools.
    let are_alike = |one: &ViolationRecord, next: &ViolationRecord| {
        one.guardrail == next.guardrail && one.action == next.action
    };
    for alike in event.violations.chunk_by(are_alike) {
        let Some(ViolationRecord {
            guardrail, action, ..
        }) = alike.first()
        else {
            continue;
        };
        let ranges: Vec<&String> = alike.iter().flat_map(|one| &one.ranges).collect();
        let (guardrail, count) = (&guardrail.name, alike.len());
        info!(session, sequence, trace, method, guardrail, %action, count, violation.ranges = ?ranges, "rule satisfied");
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
