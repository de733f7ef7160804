//! `portcullis serve` as a program that chores start, ask and end.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::npm::write;

/// How long a program may take until it listens.
const START_MAX: Duration = Duration::from_secs(20);
/// How long a gateway that is asked to end may take before it is killed.
const END_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A program that is ended when nobody needs it any more.
pub(crate) struct Running(Child);

/// A gateway that runs.
pub(crate) struct Gateway {
    process: Running,
    address: SocketAddr,
}

/// What a gateway is to be started with.
pub(crate) struct Setup<'s> {
    pub(crate) portcullis: &'s Path,
    /// Where its configuration, its log and its records go; nobody else uses it.
    pub(crate) directory: PathBuf,
    /// Each server's name, and the members of its entry as YAML: one line each, without
    /// indentation.
    pub(crate) servers: Vec<(&'static str, String)>,
    /// The other members of the configuration, as YAML.
    pub(crate) settings: &'s str,
}

// === impl Running ===

impl Running {
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::null()).spawn();
        let program = command.get_program().to_string_lossy();
        child
            .map(Self)
            .map_err(|error| format!("{program}: {error}"))
    }

    /// The first line that a program prints, which says that it is ready.
    pub(crate) fn first_line(&mut self) -> Result<String, String> {
        let output = self.0.stdout.as_mut().ok_or("its output is not read")?;
        let mut line = String::new();
        let read = BufReader::new(output).read_line(&mut line);
        read.map_err(|error| error.to_string())?;
        Ok(line)
    }

    /// Waits for the end of the program, which has failed if it takes longer than this.
    pub(crate) fn end_within(&mut self, time: Duration) -> Result<(), String> {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            if self.has_ended()? {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Err(format!("it has not ended in {time:?}"))
    }

    fn has_ended(&mut self) -> Result<bool, String> {
        let status = self.0.try_wait().map_err(|error| error.to_string())?;
        Ok(status.is_some())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

// === impl Gateway ===

impl Gateway {
    pub(crate) fn start(setup: &Setup<'_>) -> Result<Self, String> {
        std::fs::create_dir_all(&setup.directory).map_err(|error| error.to_string())?;
        let port = free_port()?;
        let config = setup.directory.join("portcullis.yaml");
        write(&config, &setup.configuration(port))?;
        let log = setup.directory.join("log");
        let output = std::fs::File::create(&log).map_err(|error| error.to_string())?;
        let mut command = Command::new(setup.portcullis);
        command.arg("serve").arg("--config").arg(&config);
        let errors = output.try_clone().map_err(|error| error.to_string())?;
        let mut process = Running::start(command.stdout(output).stderr(errors))?;
        if let Err(reason) = listens(port, &mut process) {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(format!("the gateway {reason}: {said}"));
        }
        Ok(Self {
            process,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        })
    }

    /// Where a server is offered over Streamable HTTP.
    pub(crate) fn url(&self, server: &str) -> String {
        format!("http://{}/servers/{server}/mcp", self.address)
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.0.id()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Ends kindly, so that what the gateway writes at its end is written.
impl Drop for Gateway {
    fn drop(&mut self) {
        let process = Pid::from_raw(self.process().cast_signed());
        // What has ended by itself, or does not end, is left to `Running`.
        if process.is_some_and(|process| kill_process(process, Signal::TERM).is_ok()) {
            let _ended = self.process.end_within(END_MAX);
        }
    }
}

pub(crate) fn listens(port: u16, process: &mut Running) -> Result<(), String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let deadline = Instant::now() + START_MAX;
    while TcpStream::connect_timeout(&address, START_MAX).is_err() {
        if process.has_ended()? {
            return Err("has ended".to_owned());
        }
        if Instant::now() > deadline {
            return Err(format!("does not listen after {START_MAX:?}"));
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// A port that nobody listens on. Somebody may take it before the gateway does: then it says so.
pub(crate) fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address.map_err(|error| error.to_string())?.port())
}

// === impl Setup ===

impl Setup<'_> {
    fn configuration(&self, port: u16) -> String {
        let servers = self.servers.iter().map(|(name, entry)| {
            let entry = entry.replace('\n', "\n    ");
            format!("  {name}:\n    {entry}\n")
        });
        let servers: String = servers.collect();
        let records = self.directory.join("records");
        format!(
            "listen: 127.0.0.1:{port}\n\
             data_directory: {}\n\
             servers:\n{servers}\
             {}",
            records.display(),
            self.settings
        )
    }
}
