//! mcp-scan's guardrail file in front of one server.

use std::fs;

use tempfile::TempDir;

use crate::client::{Client, finish, portcullis, scripted_server, text, write};

const FILE: &str = "\
cursor:
  servers:
    scripted:
      guardrails: { links: block }
      tools:
        bad: { enabled: false }
        open: { links: paused }
";

/// The scripted server answers with the request: so the answer has whatever this argument has.
fn call(id: u32, tool: &str, argument: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"a":"{argument}"}}}}}}"#
    )
}

#[test]
fn file_is_in_force_for_the_client_and_the_server_that_are_named() {
    let directory = TempDir::new().unwrap();
    let file = write(directory.path(), "g.yml", FILE);
    let file = file.to_str().unwrap();
    let options = |name| {
        [
            "--mcp-scan-guardrails",
            file,
            "--client",
            "cursor",
            "--name",
            name,
        ]
    };
    let mut client = Client::start(&options("scripted"));
    let mut answer = |tool: &str, argument: &str| {
        client.send(&call(1, tool, argument));
        client.receive()
    };
    let refused = answer("bad", "x");
    assert!(refused.contains("(the tool is disabled)"), "{refused}");
    let withheld = answer("read", "https://a.example");
    assert!(
        withheld.contains("withheld by guardrail `links`"),
        "{withheld}"
    );
    assert!(answer("read", "x").contains("tools/call"));
    assert!(answer("open", "https://a.example").contains("https://a.example"));

    let mut client = Client::start(&options("other"));
    client.send(&call(1, "bad", "https://a.example"));
    let passed = client.receive();
    assert!(passed.contains("https://a.example"), "{passed}");
    client.close();
    let traces = portcullis()
        .args(["traces", "--data-dir"])
        .arg(client.data())
        .args(["ls", "--violations"])
        .output()
        .unwrap();
    assert_eq!(
        text(&traces.stdout).lines().count(),
        2,
        "the link is logged"
    );
}

#[test]
fn the_reference_command_line_names_client_and_server_in_its_metadata() {
    let directory = TempDir::new().unwrap();
    write(directory.path(), "g.yml", FILE);
    fs::write(directory.path().join("in"), call(1, "bad", "x") + "\n").unwrap();
    let server = scripted_server();
    let output = portcullis()
        .current_dir(directory.path())
        .args(["mcp", "--data-dir", "d", "--mcp-scan-guardrails", "g.yml"])
        .args([
            "--metadata-client=cursor",
            "--metadata-server=scripted",
            "--exec",
        ])
        .arg(server)
        .stdin(fs::File::open(directory.path().join("in")).unwrap())
        .output()
        .unwrap();
    let refused = text(&output.stdout);
    assert!(refused.contains(r#""error""#), "{refused}");
    assert!(refused.contains("(the tool is disabled)"), "{refused}");
}

/// Starts a server that would leave a mark, which it must not.
#[track_caller]
fn check_refused(command: &[&str], end: &str, expected: &str) {
    let directory = TempDir::new().unwrap();
    write(directory.path(), "g.yml", FILE);
    write(
        directory.path(),
        "wrong.yml",
        "cursor:\n  servers:\n    s: { guardrail: {} }\n",
    );
    let output = finish(
        portcullis()
            .current_dir(directory.path())
            .args(command)
            .args(["--data-dir", "d", end, "touch", "started"]),
    );
    let shown = text(&output.stderr);
    assert!(shown.contains(expected), "{shown}");
    assert_eq!(output.status.code(), Some(2));
    assert!(!directory.path().join("started").exists());
}

#[test]
fn no_server_is_started_without_what_the_file_needs() {
    let file = ["--mcp-scan-guardrails", "g.yml"];
    check_refused(
        &["run", file[0], file[1]],
        "--",
        "hint: name it as the file does: `--client NAME`",
    );
    check_refused(
        &["mcp", file[0], file[1]],
        "--exec",
        "hint: name it as the file does: `--metadata-client=NAME`",
    );
    check_refused(
        &["run", "--client", "cursor"],
        "--",
        "--mcp-scan-guardrails <FILE>",
    );
    check_refused(
        &["run", file[0], "no.yml", "--client", "c"],
        "--",
        "`no.yml` cannot be read",
    );
    check_refused(
        &["run", file[0], "wrong.yml", "--client", "cursor"],
        "--",
        "error: unknown key `guardrail`\n --> wrong.yml:3:10\n",
    );
}

#[test]
fn server_that_the_file_does_not_name_is_warned_of() {
    let directory = TempDir::new().unwrap();
    write(directory.path(), "g.yml", FILE);
    let run = |name: &str| {
        let mut command = portcullis();
        command
            .current_dir(directory.path())
            .args(["run", "--data-dir", "d", "--name", name]);
        let output = finish(command.args([
            "--mcp-scan-guardrails",
            "g.yml",
            "--client",
            "cursor",
            "--",
            "cat",
        ]));
        assert!(output.status.success());
        text(&output.stderr)
    };
    assert_eq!(run("scripted"), "");
    assert!(run("other").contains("warning: `g.yml` names no server `other` of a client `cursor`"));
}
