//! What is kept, over HTTP: the contract of Invariant Explorer and its guardrails.
//!
//! The routes stand beside those of the gateway, on the same port and behind the same checks of
//! `Host` and `Origin`. [`identity`] says who may ask, [`explorer`] and [`guardrails`] have the
//! reference's shapes, codes and texts, [`native`] our own.

mod answer;
mod body;
mod evaluation;
mod explorer;
mod guardrails;
mod identity;
mod native;
mod parameters;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use portcullis_store::Store;
use portcullis_trace::record::{SessionId, SessionSummary, Timestamp};

use self::answer::{Detail, Failure};
use self::evaluation::Evaluations;
use crate::clock::now;
use crate::config::Login;
use crate::recording::Recording;
use crate::serve::{Gateway, active_since, admit};

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Api {
    gateway: Arc<Gateway>,
    recording: Arc<Recording>,
    evaluations: Evaluations,
}

/// Which sessions go on.
#[derive(Clone, Debug)]
struct GoingOn {
    /// In this gateway.
    here: BTreeSet<SessionId>,
    /// What other processes record and has not ended goes on for all we know, if something
    /// happened in it since then.
    since: Timestamp,
}

pub(crate) fn router(api: Api) -> Router {
    let api = Arc::new(api);
    explorer::routes(&api)
        .merge(guardrails::routes(&api))
        .merge(native::routes(&api))
        .route("/api/v1/{*rest}", any(not_found))
        .layer(from_fn_with_state(Arc::clone(&api), admitted))
        .with_state(api)
}

async fn not_found() -> Detail {
    Detail::not_found("Not Found")
}

/// No web page may read traces by making its name point here.
async fn admitted(State(api): State<Arc<Api>>, request: Request, next: Next) -> Response {
    match admit(&api.gateway.config(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refused) => Detail::new(refused.status, refused.message).into_response(),
    }
}

// === impl Api ===

impl Api {
    pub(crate) fn new(gateway: Arc<Gateway>, recording: Arc<Recording>) -> Self {
        Self {
            evaluations: Evaluations::new(Arc::clone(&gateway.detectors)),
            gateway,
            recording,
        }
    }

    fn login(&self) -> Login {
        self.gateway.config().api_login_at(self.gateway.address)
    }

    fn going_on(&self) -> GoingOn {
        let open = self.gateway.registry.all();
        GoingOn {
            here: open.iter().map(|conversation| conversation.id()).collect(),
            since: active_since(&self.gateway.config(), now()),
        }
    }

    /// Runs `work` with the store.
    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Detail> {
        let work = |store: &mut dyn Store| match work(store) {
            Ok(done) => Ok(Ok(done)),
            Err(Failure::Detail(detail)) => Ok(Err(detail)),
            Err(Failure::Store(error)) => Err(error),
        };
        self.recording.pool().run(work).await?
    }

    /// As [`Self::with_store`]; what the gateway has seen until now is there.
    async fn with_traces<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Detail> {
        self.recording.flush().await;
        self.with_store(work).await
    }
}

// === impl GoingOn ===

impl GoingOn {
    fn has(&self, found: &SessionSummary) -> bool {
        self.here.contains(&found.session.id) || found.may_go_on(self.since)
    }
}
