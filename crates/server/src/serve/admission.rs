//! Whether a request may come here at all, before its body is read.

use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority as UriAuthority;
use axum::http::{HeaderMap, StatusCode, Uri};
use portcullis_transport::http::reach::is_loopback;
use url::{Host, Origin, Url};

use super::answer::Refused;
use super::headers::single;
use super::hops;
use crate::config::{Authority, GatewayConfig};

/// A page that made its name point here must not reach what only this machine may
/// (SPEC: MCP 2025-11-25, Streamable HTTP, Security Warning).
pub(crate) fn admit(config: &GatewayConfig, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
    hops::check(headers)?;
    // The request line has it too where a request is written as for a proxy.
    let named = uri.authority().map(UriAuthority::as_str);
    let hosts = [single(headers, &HOST)?, named];
    let mut hosts = hosts.into_iter().flatten().peekable();
    if hosts.peek().is_none() {
        return Err(Refused::bad_request("the header Host is missing"));
    }
    let is_known = |host: &str| {
        host.parse()
            .is_ok_and(|host| is_host_allowed(config, &host))
    };
    if !hosts.all(is_known) {
        return Err(Refused::new(
            StatusCode::FORBIDDEN,
            "this host is not one of the gateway's, see `allowed_hosts`",
        ));
    }
    let origins = headers.get_all(ORIGIN).iter();
    let origins: Vec<Option<&str>> = origins.map(|origin| origin.to_str().ok()).collect();
    match origins.as_slice() {
        [] => Ok(()),
        [Some(origin)] if is_origin_allowed(config, origin) => Ok(()),
        _ => Err(Refused::new(
            StatusCode::FORBIDDEN,
            "this origin is not allowed, see `allowed_origins`",
        )),
    }
}

fn is_host_allowed(config: &GatewayConfig, host: &Authority) -> bool {
    let own = config.listen.ip();
    let is_own = match &host.host {
        Host::Ipv4(address) => own == *address,
        Host::Ipv6(address) => own == *address,
        Host::Domain(_) => false,
    };
    is_own || is_loopback(&host.host) || config.allowed_hosts.iter().any(|known| known.admits(host))
}

fn is_origin_allowed(config: &GatewayConfig, written: &str) -> bool {
    let Ok(url) = Url::parse(written) else {
        return false;
    };
    let origin = url.origin();
    if origin.ascii_serialization() != written {
        return false;
    }
    let is_local = match &origin {
        Origin::Tuple(_, host, _) => is_loopback(host),
        Origin::Opaque(_) => return false,
    };
    is_local || config.allowed_origins.contains(&origin)
}
