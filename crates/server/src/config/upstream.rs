use std::fmt;
use std::str::FromStr;

use portcullis_transport::http::reach::is_loopback;
use url::{Host, Url};

/// A host and perhaps a port, as the header `Host` has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    pub host: Host,
    /// `None` stands for any port.
    pub port: Option<u16>,
}

/// What `MCP-SERVER-BASE-URL` may name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedUpstreams {
    /// The names of this machine to itself, with `http` or `https` and any port.
    #[default]
    Loopback,
    Listed(Vec<UpstreamPattern>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamPattern {
    scheme: Scheme,
    host: Host,
    /// `None` stands for any port.
    port: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// Why a text is no authority or no pattern of upstreams: what it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    #[error("expected `host` or `host:port`")]
    Authority,
    #[error("expected `http://host`, or the same with `https`, `:port` or `:*`")]
    Pattern,
}

// === impl Authority ===

impl Authority {
    /// Whether an authority that a client named is this one.
    pub fn admits(&self, named: &Self) -> bool {
        self.host == named.host && self.port.is_none_or(|port| named.port == Some(port))
    }
}

impl FromStr for Authority {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            Some(_) | None => (text, None),
        };
        let port = port
            .map(read_port)
            .transpose()
            .map_err(|()| UpstreamError::Authority)?;
        // What stands in the header `Host` mostly is an address, of which this is the only spelling
        // that needs no rules for names.
        let host = match host.parse() {
            Ok(address) => Host::Ipv4(address),
            Err(_) => Host::parse(host).map_err(|_| UpstreamError::Authority)?,
        };
        Ok(Self { host, port })
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => write!(f, "{}", self.host),
        }
    }
}

// === impl AllowedUpstreams ===

impl AllowedUpstreams {
    pub fn admits(&self, url: &Url) -> bool {
        match self {
            Self::Loopback => {
                Scheme::of(url).is_some() && url.host().is_some_and(|host| is_loopback(&host))
            }
            Self::Listed(patterns) => patterns.iter().any(|pattern| pattern.admits(url)),
        }
    }
}

// === impl UpstreamPattern ===

impl UpstreamPattern {
    fn admits(&self, url: &Url) -> bool {
        Scheme::of(url) == Some(self.scheme)
            && url.host().is_some_and(|host| host.to_owned() == self.host)
            && self
                .port
                .is_none_or(|port| url.port_or_known_default() == Some(port))
    }
}

impl FromStr for UpstreamPattern {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let (scheme, authority) = text.split_once("://").ok_or(UpstreamError::Pattern)?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(UpstreamError::Pattern),
        };
        let (authority, is_any_port) = match authority.strip_suffix(":*") {
            Some(host) => (host, true),
            None => (authority, false),
        };
        let authority: Authority = authority.parse().map_err(|_| UpstreamError::Pattern)?;
        let port = match (authority.port, is_any_port) {
            (Some(_), true) => return Err(UpstreamError::Pattern),
            (None, true) => None,
            (Some(port), false) => Some(port),
            (None, false) => Some(scheme.default_port()),
        };
        Ok(Self {
            scheme,
            host: authority.host,
            port,
        })
    }
}

// === impl Scheme ===

impl Scheme {
    fn of(url: &Url) -> Option<Self> {
        match url.scheme() {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            _ => None,
        }
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Digits only: `parse` alone would take a sign.
fn read_port(text: &str) -> Result<u16, ()> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(());
    }
    text.parse().map_err(|_| ())
}
