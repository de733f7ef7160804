//! Which addresses may be connected to.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::Name;
use tokio::net::lookup_host;
use tower_service::Service;
use url::Host;

/// Who chose the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The configuration did: it may be anywhere.
    Configured,
    /// A client did: a name must not lead to where the gateway alone can go.
    Named,
}

/// Resolves names, and refuses addresses beyond reach at the moment they would be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver {
    reach: Reach,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no address of this host may be connected to")]
pub(super) struct OutOfReach;

// === impl Reach ===

impl Reach {
    /// Refuses a host that is an address which may not be connected to. Of a name nothing is known
    /// yet.
    pub(super) fn admit(self, host: &str) -> Result<(), OutOfReach> {
        let address = match Host::parse(host) {
            Ok(Host::Ipv4(address)) => IpAddr::V4(address),
            Ok(Host::Ipv6(address)) => IpAddr::V6(address),
            Ok(Host::Domain(_)) | Err(_) => return Ok(()),
        };
        self.allows(host, address).then_some(()).ok_or(OutOfReach)
    }

    /// Whether `host` may be what `address` is the address of.
    pub fn allows(self, host: &str, address: IpAddr) -> bool {
        let address = address.to_canonical();
        match self {
            Self::Configured => true,
            Self::Named => {
                let is_own = Host::parse(host).is_ok_and(|host| is_loopback(&host));
                address.is_loopback() == is_own && !is_special(address)
            }
        }
    }
}

/// Whether the host is this machine to itself, whatever a name server says.
pub fn is_loopback(host: &Host<impl AsRef<str>>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.as_ref();
            let name = name.strip_suffix('.').unwrap_or(name);
            name.eq_ignore_ascii_case("localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}

/// Where metadata services and neighbours on the link are, and what is no single host.
fn is_special(address: IpAddr) -> bool {
    const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address {
        IpAddr::V4(v4) => {
            v4.is_link_local() || v4.is_unspecified() || v4.is_multicast() || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
                || v6 == METADATA_V6
        }
    }
}

// === impl Resolver ===

impl Resolver {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach }
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.reach;
        Box::pin(async move {
            let host = name.as_str();
            let allowed: Vec<SocketAddr> = lookup_host((host, 0))
                .await?
                .filter(|address| reach.allows(host, address.ip()))
                .collect();
            if allowed.is_empty() {
                return Err(io::Error::other(OutOfReach));
            }
            Ok(allowed.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_server_is_not_where_only_the_gateway_can_go() {
        let check = |host: &str, address: &str, expected: bool| {
            let address = address.parse().unwrap();
            assert_eq!(
                Reach::Named.allows(host, address),
                expected,
                "{host} {address}"
            );
            assert!(Reach::Configured.allows(host, address));
        };
        check("localhost", "127.0.0.1", true);
        check("localhost.", "::1", true);
        check("127.0.0.1", "127.0.0.1", true);
        check("[::1]", "::1", true);
        check("localhost", "10.0.0.1", false);
        check("mcp.example", "93.184.216.34", true);
        check("mcp.internal", "10.0.0.1", true);
        check("mcp.example", "127.0.0.1", false);
        check("mcp.example", "::ffff:127.0.0.1", false);
        check("mcp.example", "169.254.169.254", false);
        check("169.254.169.254", "169.254.169.254", false);
        check("mcp.example", "fe80::1", false);
        check("mcp.example", "fd00:ec2::254", false);
        check("mcp.example", "0.0.0.0", false);
    }

    #[test]
    fn an_address_in_the_place_of_a_name_is_looked_at_as_well() {
        let check = |host: &str, expected: bool| {
            assert_eq!(Reach::Named.admit(host).is_ok(), expected, "{host}");
            assert!(Reach::Configured.admit(host).is_ok());
        };
        for host in ["localhost", "mcp.example", "127.0.0.1", "[::1]", "10.0.0.1"] {
            check(host, true);
        }
        for host in [
            "0.0.0.0",
            "0",
            "[::]",
            "169.254.169.254",
            "[fe80::1]",
            "[::ffff:0.0.0.0]",
        ] {
            check(host, false);
        }
    }
}
