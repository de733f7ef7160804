use crate::gateway::{Running, free_port, listens};
use crate::npm::write;
use crate::process::{is_there, succeed};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long it may take to end.
const STOP_MAX: Duration = Duration::from_secs(5);

/// nginx before a server, as plain as it gets.
pub(crate) struct Nginx {
    process: Running,
    file: PathBuf,
    address: SocketAddr,
}

// === impl Nginx ===

impl Nginx {
    /// `None` where it is not installed.
    pub(crate) fn start(directory: &Path, server: SocketAddr) -> Result<Option<Self>, String> {
        if !is_there("nginx", "-v") {
            return Ok(None);
        }
        let port = free_port()?;
        let file = directory.join("nginx.conf");
        write(&file, &configuration(directory, port, server))?;
        let mut process = Running::start(&mut command(&file))?;
        listens(port, &mut process).map_err(|reason| format!("nginx {reason}"))?;
        Ok(Some(Self {
            process,
            file,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        }))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Nginx {
    /// Its workers would outlive a process that is killed.
    fn drop(&mut self) {
        let stopped = succeed({
            let mut command = command(&self.file);
            command.arg("-s").arg("stop");
            command
        });
        // What does not stop is killed with the process.
        let _ended = stopped.and_then(|()| self.process.end_within(STOP_MAX));
    }
}

fn command(file: &Path) -> Command {
    let mut command = Command::new("nginx");
    command.arg("-c").arg(file);
    command
}

/// It keeps its connections to the server, and passes on each part as it comes.
fn configuration(directory: &Path, port: u16, server: SocketAddr) -> String {
    let directory = directory.display();
    format!(
        "daemon off;
master_process on;
worker_processes auto;
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
    scgi_temp_path {directory}/nginx-scgi;
    keepalive_requests 1000000000;
    client_max_body_size 64m;
    client_body_buffer_size 2m;
    upstream server {{ server {server}; keepalive 128; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://server;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $http_host;
            proxy_buffering off;
        }}
    }}
}}
"
    )
}
