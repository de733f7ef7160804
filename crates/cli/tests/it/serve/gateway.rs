//! The gateway as a process, and sessions with it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use portcullis_store::{Durability, Location, Store};
use tempfile::TempDir;

use super::http::{Answer, PATIENCE, Request};
use super::upstream::Upstream;
use crate::client::portcullis;

/// Where [`Gateway::before`] puts its server.
pub(crate) const PATH: &str = "/servers/s/mcp";

/// A gateway with a configuration and a directory of its own.
pub(crate) struct Gateway {
    pub(crate) process: Child,
    pub(crate) address: SocketAddr,
    directory: TempDir,
    servers: String,
}

/// A gateway in the directory of another.
pub(crate) struct Beside {
    process: Child,
    pub(crate) address: SocketAddr,
}

/// A session of a client with a server.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) address: SocketAddr,
    pub(crate) id: String,
    /// What each request is made from.
    pub(crate) base: Request,
}

// === impl Gateway ===

impl Gateway {
    /// In front of this server, as `s`; `more` is the rest of the configuration.
    pub(crate) fn before(upstream: &Upstream, more: &str) -> Self {
        let url = format!("http://{}/mcp", upstream.address);
        Self::start(&format!("servers: {{ s: {{ url: \"{url}\" }} }}\n"), more)
    }

    pub(crate) fn start(servers: &str, more: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let servers = with_servers(servers);
        fs::write(config_path(&directory), format!("{servers}{more}")).unwrap();
        let (process, address) = Self::spawn(&directory);
        Self {
            process,
            address,
            directory,
            servers,
        }
    }

    fn spawn(directory: &TempDir) -> (Child, SocketAddr) {
        let mut process = portcullis()
            .current_dir(directory.path())
            .args(["serve", "--config", "portcullis.yaml"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut shown = BufReader::new(process.stderr.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert_ne!(shown.read_line(&mut line).unwrap(), 0, "{said}");
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.trim().parse().unwrap();
            }
            said += &line;
        };
        let mut kept = File::options();
        kept.append(true).create(true);
        let mut kept = kept.open(said_path(directory)).unwrap();
        thread::spawn(move || io::copy(&mut shown, &mut kept));
        (process, address)
    }

    /// Kills it with `kill -9` and starts another one in its place, at another address.
    pub(crate) fn kill_and_start_again(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        (self.process, self.address) = Self::spawn(&self.directory);
    }

    /// Another one with the same configuration and the same store.
    pub(crate) fn beside(&self) -> Beside {
        let (process, address) = Self::spawn(&self.directory);
        Beside { process, address }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("data/traces.db")
    }

    /// Another connection to its store.
    pub(crate) fn store(&self) -> Box<dyn Store + Send> {
        let location = Location::Sqlite(self.database());
        location.open(Durability::Relaxed).unwrap()
    }

    /// Changes all of the configuration but the servers, in one step.
    pub(crate) fn configure(&self, more: &str) {
        let new = self.directory.path().join("new");
        fs::write(&new, format!("{}{more}", self.servers)).unwrap();
        fs::rename(new, config_path(&self.directory)).unwrap();
    }

    /// Changes the servers, in one step; there is nothing else.
    pub(crate) fn configure_servers(&mut self, servers: &str) {
        self.servers = with_servers(servers);
        self.configure("");
    }

    pub(crate) fn log(&self) -> String {
        let path = self.directory.path().join("data/portcullis.log");
        fs::read_to_string(path).unwrap()
    }

    /// What it wrote to standard error since it listens.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(said_path(&self.directory)).unwrap()
    }

    /// Opens a session with the server `s`.
    pub(crate) fn open(&self) -> Session {
        self.open_with("2025-11-25", &Request::new("GET", PATH))
    }

    /// Opens a session with a path and headers of the test's own.
    pub(crate) fn open_with(&self, revision: &str, base: &Request) -> Session {
        let answer = base.saying(&initialize(revision)).send(self.address);
        let id = answer.headers.get("Mcp-Session-Id").map(str::to_owned);
        let message = answer.message();
        assert!(message.contains(revision), "{message}");
        let id = id.unwrap();
        let session = Session {
            address: self.address,
            base: base.clone().with("Mcp-Session-Id", &id),
            id,
        };
        let initialized = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(session.post(initialized).status, 202);
        session
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(crate) fn initialize(revision: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{revision}","capabilities":{{}},"clientInfo":{{"name":"test","version":"1"}}}}}}"#
    )
}

pub(crate) fn call(id: u32, tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
    )
}

/// Waits for what comes in its own time.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The part of the configuration that stays.
fn with_servers(servers: &str) -> String {
    format!("listen: \"127.0.0.1:0\"\ndata_directory: data\ndurability: relaxed\n{servers}")
}

fn config_path(directory: &TempDir) -> PathBuf {
    directory.path().join("portcullis.yaml")
}

fn said_path(directory: &TempDir) -> PathBuf {
    directory.path().join("said")
}

// === impl Session ===

impl Session {
    pub(crate) fn post(&self, message: &str) -> Answer {
        self.base.saying(message).send(self.address)
    }

    pub(crate) fn call(&self, id: u32, tool: &str) -> Answer {
        self.post(&call(id, tool))
    }

    /// The answer to a call.
    pub(crate) fn answer(&self, id: u32, tool: &str) -> String {
        self.call(id, tool).message()
    }

    pub(crate) fn delete(&self) -> Answer {
        self.base.by("DELETE").send(self.address)
    }

    /// Opens the stream for what belongs to no request, or goes on after this event.
    pub(crate) fn listen(&self, last_event: Option<&str>) -> Answer {
        let get = match last_event {
            Some(last) => self.base.clone().with("Last-Event-ID", last),
            None => self.base.clone(),
        };
        get.send(self.address)
    }
}
