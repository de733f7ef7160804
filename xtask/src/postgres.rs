//! A PostgreSQL server for tests and measurements, in a folder of its own.

use crate::process::{succeed, succeeds};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Where Debian and Ubuntu keep the server's programs; they are not on the path.
const INSTALLED: &str = "/usr/lib/postgresql";
/// The server refuses to run as root, so that it runs as this user then.
const SERVICE_USER: &str = "postgres";

/// A server that is stopped, and whose data is removed, when it is dropped.
///
/// It listens on a socket in its folder only.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: TempDir,
    as_service_user: bool,
}

impl Postgres {
    /// An error says what is missing.
    pub(crate) fn start() -> Result<Self, String> {
        let programs = programs()?;
        let folder = tempfile::tempdir().map_err(|error| format!("a folder: {error}"))?;
        let server = Self {
            programs,
            folder,
            as_service_user: is_root(),
        };
        if server.as_service_user {
            let mut own = Command::new("chown");
            own.arg(SERVICE_USER).arg(server.folder.path());
            succeed(own)?;
        }
        let mut make = server.program("initdb");
        make.args(["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(["--username", SERVICE_USER, "--pgdata"])
            .arg(server.data())
            .stdout(Stdio::null());
        succeed(make)?;
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}'",
            server.folder.path().display()
        );
        let mut start = server.control("start");
        start.arg("--options").arg(options);
        start.arg("--log").arg(server.folder.path().join("log"));
        succeed(start)?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> String {
        let socket = self.folder.path().display().to_string();
        let host = socket.replace('/', "%2F");
        format!("postgres://{SERVICE_USER}@{host}/postgres")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, what: &str) -> Command {
        let mut command = self.program("pg_ctl");
        command.arg("--pgdata").arg(self.data());
        command.args(["--wait", "--silent", what]);
        command.stdout(Stdio::null());
        command
    }

    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if self.as_service_user {
            let mut command = Command::new("runuser");
            command.args(["-u", SERVICE_USER, "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // The service user may not be able to stand where this process stands.
        command.current_dir(self.folder.path());
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.control("stop");
        stop.args(["--mode", "immediate"]);
        // What is left of it is a process whose folder is gone; it ends by itself.
        succeeds(stop).ok();
    }
}

/// The folder of the newest server that is installed.
fn programs() -> Result<PathBuf, String> {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut installed: Vec<PathBuf> = fs::read_dir(INSTALLED)
        .map_err(|_| format!("there is no PostgreSQL server in {INSTALLED}"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/initdb").exists())
        .collect();
    installed.sort_by_key(|path| version(path));
    let newest = installed.pop();
    newest
        .map(|path| path.join("bin"))
        .ok_or_else(|| format!("there is no `initdb` in {INSTALLED}"))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout == b"0\n")
}
