use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};

use tempfile::TempDir;

/// A client that talks to the gateway over its pipes.
pub(crate) struct Client {
    pub(crate) process: Child,
    pub(crate) input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub(crate) directory: TempDir,
}

pub(crate) fn portcullis() -> Command {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
}

pub(crate) fn scripted_server() -> PathBuf {
    example("scripted_server")
}

/// Built by `cargo test` beside the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(2).unwrap();
    let program = target.join("examples").join(name);
    assert!(
        program.exists(),
        "`cargo test` without `--test` builds {}",
        program.display()
    );
    program
}

pub(crate) fn finish(command: &mut Command) -> Output {
    command.stdin(Stdio::null()).output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

// === impl Client ===

impl Client {
    /// Starts `portcullis run` with these options in front of the scripted server.
    pub(crate) fn start(options: &[&str]) -> Self {
        let server = scripted_server();
        Self::start_server(options, &[server.to_str().unwrap()])
    }

    pub(crate) fn start_server(options: &[&str], server: &[&str]) -> Self {
        Self::run(&[options, &["--"], server].concat())
    }

    /// Starts `portcullis run` with these arguments, in a directory with a policy.
    pub(crate) fn run(arguments: &[&str]) -> Self {
        Self::run_in(Path::new("data"), arguments)
    }

    /// The same with a data directory that outlives the client.
    pub(crate) fn run_in(data: &Path, arguments: &[&str]) -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("policy.gr"), POLICY).unwrap();
        let mut process = portcullis()
            .current_dir(directory.path())
            .args(["run", "--data-dir"])
            .arg(data)
            .args(arguments)
            .env("PORTCULLIS_TEST_KEY", "s3cret")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self {
            input: process.stdin.take(),
            process,
            output,
            directory,
        }
    }

    pub(crate) fn send(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).unwrap();
        input.write_all(b"\n").unwrap();
    }

    pub(crate) fn call(&mut self, id: u32, tool: &str) {
        self.send(&format!(
            r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
        ));
    }

    /// The next line, or nothing at the end.
    pub(crate) fn receive(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    pub(crate) fn close(&mut self) -> ExitStatus {
        self.input.take();
        self.process.wait().unwrap()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(crate) const POLICY: &str = "raise \"no bad\" if:\n    (c: ToolCall)\n    c is tool:bad\n";

pub(crate) fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path
}
