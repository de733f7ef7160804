//! A policy tried on a trace, or on a recorded session.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use portcullis_engine::Finding as Found;
use portcullis_json::{Object, Value};
use portcullis_store::{EventPage, Store};

use super::guardrail::{asked, unprocessable};
use super::problem::Problem;
use super::session::{elements, find, session_id};
use super::shape::{Answer, shapes};
use crate::api::Api;
use crate::api::answer::{Detail, Failure, ok};
use crate::api::evaluation::{Judged, load};
use crate::detectors::ConfiguredDetectors;

/// LIMIT: how long what policies saw of a session may be.
const SESSION_BYTES_MAX: usize = 256 << 20;

shapes! {
    /// What to check: either `elements` or `session`.
    request Check {
        policy: String,
        /// A trace, as policies see it.
        elements: Option<Vec<Value>>,
        /// The id of a recorded session.
        session: Option<String>,
        /// What the policy reads as `input.NAME`.
        parameters: Option<Object>,
    }
    /// What the policy finds.
    answer Checked {
        findings: Vec<Finding>,
    }
    /// One satisfied rule.
    answer Finding {
        /// The same for the same finding, every time.
        key: String,
        message: String,
        arguments: Vec<Value>,
        keywords: Object,
        /// Addresses of what satisfies it.
        ranges: Vec<String>,
    }
}

pub(super) async fn check(State(api): State<Arc<Api>>, request: Body) -> Result<Response, Problem> {
    let check: Check = asked(request).await?;
    let trace = match (check.elements, check.session) {
        (Some(elements), None) => elements,
        (None, Some(session)) => {
            let id = session_id(&session)?;
            api.with_traces(move |store| recorded(store, &id)).await?
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(unprocessable("either `elements` or `session` is needed").into());
        }
    };
    let policy: Arc<str> = check.policy.into();
    let parameters = check.parameters.unwrap_or_default();
    let source = Arc::clone(&policy);
    let work = move |detectors: &ConfiguredDetectors| {
        Judged::read(&trace)?.check(load(&source)?, parameters, detectors)
    };
    let findings = api.evaluations.run(work).await?;
    let findings = findings.map_err(|error| unprocessable(error.text_in(&policy)))?;
    let findings = findings.iter().map(Finding::from).collect();
    Ok(ok(&Checked { findings }.value()))
}

// === impl Finding ===

impl From<&Found> for Finding {
    fn from(found: &Found) -> Self {
        Self {
            key: found.key.clone(),
            message: found.message(),
            arguments: found.args.clone(),
            keywords: found.kwargs.clone(),
            ranges: found.ranges.iter().map(ToString::to_string).collect(),
        }
    }
}

fn recorded(
    store: &mut dyn Store,
    id: &portcullis_trace::record::SessionId,
) -> Result<Vec<Value>, Failure> {
    find(store, id)?;
    let (mut trace, mut bytes) = (Vec::new(), 0);
    let mut page = EventPage::first(EventPage::LIMIT_MAX);
    loop {
        let records = store.events(id, page)?;
        let Some(last) = records.last() else {
            return Ok(trace);
        };
        page = page.after(last.sequence);
        for record in &records {
            bytes += record.events.len();
            if bytes > SESSION_BYTES_MAX {
                let text = format!("the session is longer than {SESSION_BYTES_MAX} bytes");
                return Err(Detail::new(StatusCode::PAYLOAD_TOO_LARGE, text).into());
            }
            trace.extend(elements(record));
        }
    }
}
