//! Connections to servers, kept for the next request.

use std::future::ready;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::time::timeout;
use tower_service::Service;
use url::Url;

use super::endpoint::{Bounds, Endpoint, EndpointError};
use super::lanes::ForEachLane;
use super::plain::PlainClient;
use super::reach::{Reach, Resolver};
use super::read_on::ReadOn;

const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
pub(super) const IDLE_CONNECTION_WAIT: Duration = Duration::from_secs(90);
/// LIMIT: connections of one thread to one server that rest.
pub(super) const IDLE_CONNECTIONS_MAX: usize = 256;
/// How a connection whose other end is gone without a word is noticed.
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
const KEEP_ALIVE_TRIES: u32 = 3;
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);

/// Connections to MCP servers, shared by all who want some.
#[derive(Clone, Debug)]
pub struct Connector {
    clients: Arc<ForEachLane<Clients>>,
}

/// What a thread sends requests with.
#[derive(Clone, Debug)]
struct Clients {
    plain: PlainClient,
    /// Speaks the version of HTTP that is negotiated with TLS.
    secure: Client<Patient<Tls>, Full<Bytes>>,
}

type Tls = HttpsConnector<HttpConnector<Resolver>>;

/// Gives up a connection that takes too long, names and handshakes included, and refuses addresses
/// beyond reach that stand in the place of a name, which nothing resolves.
#[derive(Clone, Debug)]
pub(super) struct Patient<C> {
    pub(super) connector: C,
    pub(super) reach: Reach,
}

/// What a connector that failed says.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(super) type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

// === impl Connector ===

impl Connector {
    /// No redirects are followed and no proxy of the environment is used: what an answer says must
    /// not decide where credentials go.
    pub fn new(reach: Reach) -> Result<Self, EndpointError> {
        // Another part of the process may have been first, with the same provider.
        rustls::crypto::ring::default_provider()
            .install_default()
            .ok();
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new(reach));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEP_ALIVE_EVERY));
        tcp.set_keepalive_interval(Some(KEEP_ALIVE_EVERY));
        tcp.set_keepalive_retries(Some(KEEP_ALIVE_TRIES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX));
        let tls = ClientConfig::with_platform_verifier()
            .map_err(|error| EndpointError::Tls(Box::new(error)))?;
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp.clone());
        let clients = || Clients {
            plain: PlainClient::new(Patient {
                connector: tcp.clone(),
                reach,
            }),
            secure: Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE_CONNECTION_WAIT)
                .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
                .pool_timer(TokioTimer::new())
                .timer(TokioTimer::new())
                .build(Patient {
                    connector: tls.clone(),
                    reach,
                }),
        };
        Ok(Self {
            clients: Arc::new(ForEachLane::new(clients)),
        })
    }

    pub fn endpoint(&self, url: Url, headers: hyper::HeaderMap, bounds: Bounds) -> Endpoint {
        Endpoint::new(self.clone(), url, headers, bounds)
    }

    /// Sends a request; with the header that names its host, where it goes without TLS.
    pub(super) async fn send(
        &self,
        plain_host: Option<&HeaderValue>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure> {
        let clients = self.clients.here();
        match plain_host {
            Some(host) => clients.plain.send(host, request).await,
            None => Ok(clients.secure.request(request).await?),
        }
    }
}

// === impl Patient ===

impl<C> Service<Uri> for Patient<C>
where
    C: Service<Uri>,
    C::Error: Into<Failure> + 'static,
    C::Response: Send + 'static,
    C::Future: Send + 'static,
{
    type Response = ReadOn<C::Response>;
    type Error = Failure;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.connector.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        if let Err(error) = self.reach.admit(to.host().unwrap_or_default()) {
            return Box::pin(ready(Err(error.into())));
        }
        let connecting = timeout(CONNECT_WAIT_MAX, self.connector.call(to));
        Box::pin(async move {
            let connected = connecting
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?;
            Ok(ReadOn::new(connected.map_err(Into::into)?))
        })
    }
}
