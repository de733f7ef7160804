use std::collections::BTreeMap;
use std::ffi::OsString;
use std::ops::Range;

use http::{HeaderName, HeaderValue};
use portcullis_mcp::Method;
use portcullis_transport::child::ServerCommand;
use url::Url;

use super::endpoint::{URL_HELP, header_name, server_url};
use super::value::expand;
use super::{Builder, value};
use crate::config::gateway::{
    HttpServer, HttpTransport, Login, Secret, ServerConfig, ServerName, StdioServer,
};
use crate::config::problem::Problem;
use crate::config::tree::{Entries, Spot};
use crate::config::written::{Words, WrittenServer, WrittenTransport};
use crate::login::KEY_HEADERS;

/// What a server inherits of the gateway's environment: where and for whom it runs, and nothing
/// that could be a secret.
const INHERITED: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "TERM",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TMPDIR",
    "TZ",
    "XDG_RUNTIME_DIR",
];

impl Builder<'_> {
    pub(super) fn servers(
        &mut self,
        entries: Option<Entries<WrittenServer>>,
    ) -> (
        BTreeMap<ServerName, ServerConfig>,
        BTreeMap<ServerName, Vec<String>>,
    ) {
        let mut servers = BTreeMap::new();
        let mut allow_methods = BTreeMap::new();
        for (name, server) in entries.map(|Entries(entries)| entries).unwrap_or_default() {
            let name = self.server_name(name);
            let Some(mut written) = server.value else {
                continue;
            };
            let methods = self.methods(written.allow_methods.take());
            let server = self.server(&server.span, written);
            if let (Some(name), Some(server)) = (name, server) {
                if !methods.is_empty() {
                    allow_methods.insert(name.clone(), methods);
                }
                servers.insert(name, server);
            }
        }
        (servers, allow_methods)
    }

    fn methods(&mut self, written: Option<Spot<Vec<Spot<String>>>>) -> Vec<String> {
        let names = value(written).unwrap_or_default();
        let mut methods = Vec::new();
        for Located { span, value } in names.into_iter().filter_map(Located::of) {
            if value.is_empty() || value.contains(char::is_whitespace) {
                self.error(&span, "no method has such a name");
            } else if Method::parse(&value).spec().is_some() {
                self.error(
                    &span,
                    format!(
                        "`{value}` is a method of the MCP specification and passes without this"
                    ),
                );
            } else {
                methods.push(value);
            }
        }
        methods
    }

    fn server_name(&mut self, name: Spot<String>) -> Option<ServerName> {
        let written = name.value?;
        let server_name = ServerName::new(&written);
        if server_name.is_none() {
            let problem = Problem::error(name.span, format!("`{written}` is no name of a server"));
            self.problems
                .push(problem.help("use 1 to 64 letters of ASCII, digits, `_` and `-`"));
        }
        server_name
    }

    fn server(&mut self, span: &Range<usize>, written: WrittenServer) -> Option<ServerConfig> {
        match (written.command.is_some(), written.url.is_some()) {
            (true, false) => self.stdio_server(written).map(ServerConfig::Stdio),
            (false, true) => self.http_server(written).map(ServerConfig::Http),
            (true, true) => {
                self.error(span, "a server has either a `command` or a `url`");
                None
            }
            (false, false) => {
                self.error(span, "a server has a `command` or a `url`");
                None
            }
        }
    }

    fn stdio_server(&mut self, written: WrittenServer) -> Option<StdioServer> {
        self.misplaced("transport", "url", written.transport.as_ref());
        self.misplaced("headers", "url", written.headers.as_ref());
        self.misplaced("forward_headers", "url", written.forward_headers.as_ref());
        let mut environment: BTreeMap<String, Secret> = BTreeMap::new();
        for name in INHERITED {
            if let Some(value) = (self.environment)(name) {
                environment.insert(name.to_owned(), Secret::new(value));
            }
        }
        for (name, text) in self.expanded(value(written.env)) {
            if name.value.is_empty() || name.value.contains(['=', '\0']) || text.contains('\0') {
                self.error(&name.span, "no environment can have this variable");
            }
            environment.insert(name.value, Secret::new(text));
        }
        Some(StdioServer {
            command: self.command(written.command?, written.args)?,
            environment,
            directory: value(written.cwd).map(|directory| self.beside(&directory)),
        })
    }

    fn command(
        &mut self,
        command: Spot<Words>,
        arguments: Option<Spot<Vec<Spot<String>>>>,
    ) -> Option<ServerCommand> {
        let is_alone = arguments.is_none();
        let mut words = match command.value? {
            Words::Program(program) if is_alone && program.contains(char::is_whitespace) => {
                let problem = Problem::error(command.span, "a program with blanks in its name");
                self.problems.push(
                    problem.help("write a program and its arguments as a list: `[npx, -y, name]`"),
                );
                return None;
            }
            Words::Program(program) => vec![program],
            Words::List(words) => {
                if let Some(arguments) = &arguments {
                    self.error(
                        &arguments.span,
                        "`args` is for a `command` without arguments",
                    );
                }
                words.into_iter().filter_map(|word| word.value).collect()
            }
        };
        let arguments = value(arguments).unwrap_or_default();
        words.extend(arguments.into_iter().filter_map(|word| word.value));
        let mut words = words.into_iter().map(OsString::from);
        let Some(program) = words.next().filter(|program| !program.is_empty()) else {
            self.error(&command.span, "no program is given");
            return None;
        };
        Some(ServerCommand {
            program,
            arguments: words.collect(),
        })
    }

    fn http_server(&mut self, written: WrittenServer) -> Option<HttpServer> {
        self.misplaced("args", "command", written.args.as_ref());
        self.misplaced("env", "command", written.env.as_ref());
        self.misplaced("cwd", "command", written.cwd.as_ref());
        let mut headers = Vec::new();
        for (name, text) in self.expanded(value(written.headers)) {
            let value = HeaderValue::from_str(&text).ok();
            if value.is_none() {
                self.error(
                    &name.span,
                    "the value has characters that no header may have",
                );
            }
            if let (Some(name), Some(mut value)) = (self.header_name(&name), value) {
                value.set_sensitive(true);
                headers.push((name, value));
            }
        }
        let forwarded = value(written.forward_headers).unwrap_or_default();
        let forwarded = forwarded.into_iter().filter_map(Located::of);
        let forward_headers = forwarded.filter_map(|name| self.forwarded_header(&name));
        let forward_headers = forward_headers.collect();
        Some(HttpServer {
            url: self.url(written.url?)?,
            transport: match value(written.transport) {
                Some(WrittenTransport::Sse) => HttpTransport::Sse,
                Some(WrittenTransport::StreamableHttp) | None => HttpTransport::StreamableHttp,
            },
            headers,
            forward_headers,
        })
    }

    fn url(&mut self, url: Spot<String>) -> Option<Url> {
        match server_url(&url.value?) {
            Ok(read) => Some(read),
            Err(wrong) => {
                let problem = Problem::error(url.span, format!("not a URL of a server: {wrong}"));
                self.problems.push(problem.help(URL_HELP));
                None
            }
        }
    }

    fn header_name(&mut self, name: &Located) -> Option<HeaderName> {
        match header_name(&name.value) {
            Ok(header) => Some(header),
            Err(wrong) => {
                self.error(&name.span, wrong);
                None
            }
        }
    }

    fn forwarded_header(&mut self, name: &Located) -> Option<HeaderName> {
        let header = self.header_name(name)?;
        if self.login == Login::Keys && KEY_HEADERS.contains(&header) {
            self.problems.push(
                Problem::error(
                    name.span.clone(),
                    format!("`{header}` has the key of the gateway, which no server may see"),
                )
                .help("give the server a credential of its own under `headers`"),
            );
        }
        Some(header)
    }

    /// Texts with their variables replaced.
    fn expanded(&mut self, entries: Option<Entries<String>>) -> Vec<(Located, String)> {
        let mut expanded = Vec::new();
        for (name, text) in entries.map(|Entries(entries)| entries).unwrap_or_default() {
            let (Some(name), Some(written)) = (Located::of(name), text.value) else {
                continue;
            };
            match expand(&written, self.environment) {
                Ok(text) => expanded.push((name, text)),
                Err(error) => self.error(&text.span, error.to_string()),
            }
        }
        expanded
    }

    fn misplaced<T>(&mut self, key: &str, other: &str, found: Option<&Spot<T>>) {
        if let Some(found) = found {
            self.error(
                &found.span,
                format!("`{key}` is for servers with a `{other}`"),
            );
        }
    }
}

/// A text that could be read.
struct Located {
    span: Range<usize>,
    value: String,
}

// === impl Located ===

impl Located {
    fn of(spot: Spot<String>) -> Option<Self> {
        let value = spot.value?;
        Some(Self {
            span: spot.span,
            value,
        })
    }
}
