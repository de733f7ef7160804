//! Where servers are, whatever they are called.

use std::net::IpAddr;

use portcullis_transport::http::reach::is_loopback;
use url::{Host, Url};

use crate::config::{GatewayConfig, HttpServer, ServerConfig, ServerName, StdioServer};

/// Where a configured server is. Two names of one place are names of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServerPlace {
    Http(UrlPlace, Option<String>),
    Stdio(Box<StdioServer>),
}

/// A URL without its query, where this machine, which has many names, has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UrlPlace {
    scheme: String,
    host: Option<String>,
    port: Option<u16>,
    path: String,
}

/// A client that names the URL of a configured server means that server.
pub(crate) fn configured_as<'c>(
    config: &'c GatewayConfig,
    named: &HttpServer,
) -> Option<(&'c ServerName, &'c ServerConfig)> {
    let place = UrlPlace::of(&named.url);
    let is_there = |server: &ServerConfig| match server {
        ServerConfig::Http(server) => UrlPlace::of(&server.url) == place,
        ServerConfig::Stdio(_) => false,
    };
    config.servers.iter().find(|(_, server)| is_there(server))
}

// === impl ServerPlace ===

impl ServerPlace {
    pub(crate) fn of(server: &ServerConfig) -> Self {
        match server {
            ServerConfig::Http(server) => {
                let query = server.url.query().map(str::to_owned);
                Self::Http(UrlPlace::of(&server.url), query)
            }
            ServerConfig::Stdio(server) => Self::Stdio(Box::new(server.clone())),
        }
    }
}

// === impl UrlPlace ===

impl UrlPlace {
    fn of(url: &Url) -> Self {
        let host = match url.host() {
            Some(host) if is_loopback(&host) => None,
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address).to_canonical().to_string()),
            host => host.map(|host| host.to_string()),
        };
        Self {
            scheme: url.scheme().to_owned(),
            host,
            port: url.port_or_known_default(),
            path: url.path().trim_end_matches('/').to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HttpTransport;

    fn place(url: &str) -> ServerPlace {
        ServerPlace::of(&ServerConfig::Http(HttpServer {
            url: url.parse().unwrap(),
            transport: HttpTransport::StreamableHttp,
            headers: Vec::new(),
            forward_headers: Vec::new(),
        }))
    }

    #[test]
    fn a_server_is_at_one_place_under_all_its_names() {
        let same = |one: &str, other: &str, expected: bool| {
            assert_eq!(place(one) == place(other), expected, "{one} {other}");
        };
        same("http://localhost:80/mcp", "http://127.0.0.1/mcp/", true);
        same("http://[::1]/mcp", "http://[::ffff:127.0.0.1]/mcp", true);
        same("http://[::ffff:192.0.2.1]/", "http://192.0.2.1", true);
        same("https://a.example/x", "https://A.example:443/x", true);
        for other in [
            "http://a.example/x",
            "https://b.example/x",
            "https://a.example:444/x",
            "https://a.example/y",
            "https://a.example/x?tenant=1",
        ] {
            same("https://a.example/x", other, false);
        }
    }
}
