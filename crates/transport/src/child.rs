//! An MCP server as a child process, and the end of it.
//!
//! The server leads a process group of its own, so that it can be ended together with everything
//! it started, and a terminal's Ctrl-C reaches the gateway alone.
//!
//! LIMIT: a gateway that is killed outright (SIGKILL) cannot end anything. A server started through
//! [`ServerCommand::under`] is then killed by the kernel; what *it* started sees the end of its
//! standard input. A process that left the group (`setsid`) is not followed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, getppid, kill_process, kill_process_group, pidfd_open,
    set_parent_process_death_signal, test_kill_process_group,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::unix::pipe;
use tokio::time::{sleep, timeout};

/// What to run, without a shell in between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCommand {
    pub program: OsString,
    pub arguments: Vec<OsString>,
}

/// What a server finds around it; by default what this process has.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// All of it.
    pub environment: Option<Vec<(OsString, OsString)>>,
    pub directory: Option<PathBuf>,
    /// Whether its standard error goes nowhere, instead of where this process's goes.
    pub is_quiet: bool,
}

/// A server that runs. Dropping it kills its process group.
#[derive(Debug)]
pub struct ChildServer {
    process: Child,
    group: Pid,
    /// Readable when the process has ended; it is still a zombie then, so its id is still its own.
    ended: AsyncFd<OwnedFd>,
    is_reaped: bool,
}

/// A server just started, with its standard input and output.
#[derive(Debug)]
pub struct Started {
    pub server: ChildServer,
    pub input: pipe::Sender,
    pub output: pipe::Receiver,
}

/// How long each step of [`ChildServer::end`] waits before the next, harsher one.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the end of its input to SIGTERM.
    pub end_of_input: Duration,
    /// From SIGTERM to SIGKILL.
    pub terminate: Duration,
    /// For what the server left behind, from SIGTERM to SIGKILL.
    pub leftovers: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    #[error("the server `{program}` could not be started")]
    Start {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("the server `{program}` was started but cannot be supervised")]
    Supervise {
        program: String,
        #[source]
        source: io::Error,
    },
}

const LEFTOVERS_CHECK_EVERY: Duration = Duration::from_millis(10);

/// How a launcher ends that could not become the server. A server may exit with any code, but none
/// gets this signal unless it sets a timer for it.
const NOT_STARTED: Signal = Signal::VTALARM;

/// Whether a launcher could not become the server, and has said so.
pub fn was_not_started(status: ExitStatus) -> bool {
    status.signal() == Some(NOT_STARTED.as_raw())
}

/// Ends this process, a launcher that could not become the server and has said so.
///
/// Returns only if the signal is blocked.
pub fn end_as_not_started() {
    kill_process(getpid(), NOT_STARTED).ok();
}

/// Whether a server that was told to end has ended by that: of its own accord, whatever its exit
/// code, by a signal that [`ChildServer::end`] sends, or by writing where nobody reads any more.
pub fn ended_as_told(status: ExitStatus) -> bool {
    let is_of_the_end = |signal| {
        let of_the_end = [Signal::TERM, Signal::KILL, Signal::PIPE];
        of_the_end.iter().any(|known| known.as_raw() == signal)
    };
    status.signal().is_none_or(is_of_the_end)
}

/// A directory that is missing looks like a program that is.
fn without_directory(surroundings: &Surroundings) -> Option<io::Error> {
    let directory = surroundings.directory.as_deref()?;
    let is_missing = !directory.is_dir();
    is_missing.then(|| {
        let directory = directory.display();
        io::Error::other(format!("its working directory `{directory}` is not there"))
    })
}

// === impl ServerCommand ===

impl ServerCommand {
    /// Starts the server.
    ///
    /// Must be called inside a tokio runtime.
    pub fn spawn(&self) -> Result<Started, SpawnError> {
        self.spawn_in(&Surroundings::default())
    }

    /// Like [`Self::spawn`], in other surroundings than this process's own.
    pub fn spawn_in(&self, surroundings: &Surroundings) -> Result<Started, SpawnError> {
        let program = || self.program.to_string_lossy().into_owned();
        let mut command = Command::new(&self.program);
        if let Some(environment) = &surroundings.environment {
            command.env_clear().envs(environment.iter().cloned());
        }
        if let Some(directory) = &surroundings.directory {
            command.current_dir(directory);
        }
        let mut process = command
            .args(&self.arguments)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if surroundings.is_quiet {
                Stdio::null()
            } else {
                Stdio::inherit()
            })
            .spawn()
            .map_err(|source| SpawnError::Start {
                program: program(),
                source: without_directory(surroundings).unwrap_or(source),
            })?;
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        let server = ChildServer::supervise(process);
        let streams = || -> io::Result<_> {
            let server = server?;
            let missing = || io::Error::other("its streams are missing");
            let input = pipe::Sender::from_owned_fd(stdin.ok_or_else(missing)?.into())?;
            let output = pipe::Receiver::from_owned_fd(stdout.ok_or_else(missing)?.into())?;
            Ok(Started {
                server,
                input,
                output,
            })
        };
        streams().map_err(|source| SpawnError::Supervise {
            program: program(),
            source,
        })
    }

    /// The same server, started by `launcher`: a program that calls [`Self::exec`] when its first
    /// argument is `exec-server`, with this process as the parent. `name` is what users call the
    /// server.
    #[must_use]
    pub fn under(&self, launcher: &OsStr, name: &str) -> Self {
        let parent = std::process::id().to_string();
        let name = format!("--name={name}");
        let mut arguments: Vec<OsString> = ["exec-server", "--parent", &parent, &name, "--"]
            .map(OsString::from)
            .into();
        arguments.push(self.program.clone());
        arguments.extend(self.arguments.iter().cloned());
        Self {
            program: launcher.to_owned(),
            arguments,
        }
    }

    /// Turns this process into the server, which the kernel kills when `parent` dies.
    ///
    /// Returns only if that was not possible.
    pub fn exec(&self, parent: u32) -> io::Error {
        if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
            return error.into();
        }
        // The parent may have died before the kernel was asked to watch it.
        let has_parent = getppid().is_some_and(|pid| {
            u32::try_from(pid.as_raw_nonzero().get()).is_ok_and(|pid| pid == parent)
        });
        if !has_parent {
            return io::Error::other("the gateway ended before the server was started");
        }
        Command::new(&self.program).args(&self.arguments).exec()
    }
}

// === impl ChildServer ===

impl ChildServer {
    #[expect(
        deprecated,
        reason = "the successor is unsafe; an owned descriptor keeps the promise it asks for"
    )]
    fn supervise(mut process: Child) -> io::Result<Self> {
        let group = || Pid::from_raw(i32::try_from(process.id()).ok()?);
        let watched = group()
            .ok_or_else(|| io::Error::other("its process id is out of range"))
            .and_then(|group| {
                let fd = pidfd_open(group, PidfdFlags::NONBLOCK)?;
                Ok((group, AsyncFd::with_interest(fd, Interest::READABLE)?))
            });
        match watched {
            Ok((group, ended)) => Ok(Self {
                process,
                group,
                ended,
                is_reaped: false,
            }),
            Err(error) => {
                process.kill()?;
                process.wait()?;
                Err(error)
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the server has ended by itself; what it started may still run.
    pub async fn ended(&self) -> io::Result<()> {
        let mut guard = self.ended.readable().await?;
        guard.retain_ready();
        Ok(())
    }

    /// Ends the server and everything in its group, and gives its exit status.
    ///
    /// The caller has closed the server's input before: that is the polite request to end
    /// (SPEC: MCP 2025-11-25, Lifecycle, Shutdown, stdio). Bounded by the sum of `patience`. May be
    /// given up and begun again with less patience.
    pub async fn end(&mut self, patience: Patience) -> io::Result<ExitStatus> {
        if timeout(patience.end_of_input, self.ended()).await.is_err() {
            self.signal(Signal::TERM)?;
            if timeout(patience.terminate, self.ended()).await.is_err() {
                self.signal(Signal::KILL)?;
                self.ended().await?;
            }
        }
        // While the leader is a zombie the group's id cannot belong to anybody else.
        self.signal(Signal::TERM)?;
        let status = self.process.wait()?;
        self.is_reaped = true;
        self.end_leftovers(patience.leftovers).await?;
        Ok(status)
    }

    /// Gives what is left of the group its time, then kills it.
    async fn end_leftovers(&self, patience: Duration) -> io::Result<()> {
        let is_empty = || test_kill_process_group(self.group).is_err();
        let emptied = async {
            while !is_empty() {
                sleep(LEFTOVERS_CHECK_EVERY).await;
            }
        };
        if timeout(patience, emptied).await.is_err() {
            self.signal(Signal::KILL)?;
        }
        Ok(())
    }

    fn signal(&self, signal: Signal) -> io::Result<()> {
        match kill_process_group(self.group, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        if self.is_reaped {
            return;
        }
        // Nobody is left to hear of a failure, and SIGKILL leaves nothing to wait for.
        if self.signal(Signal::KILL).is_ok() {
            self.process.wait().ok();
        }
    }
}

// === impl Patience ===

/// In all below two seconds: what the official SDKs wait after they closed the gateway's input
/// before they go on to signals.
impl Default for Patience {
    fn default() -> Self {
        Self {
            end_of_input: Duration::from_secs(1),
            terminate: Duration::from_millis(500),
            leftovers: Duration::from_millis(300),
        }
    }
}
