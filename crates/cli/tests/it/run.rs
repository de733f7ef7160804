//! `portcullis run` between a client and a server.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::client::{Client, finish, portcullis, text, write};

#[test]
fn calls_pass_and_answers_come_back() {
    let mut client = Client::start(&[]);
    client.call(1, "x");
    let answer = client.receive();
    assert!(
        answer.starts_with(r#"{"jsonrpc":"2.0","id":1,"result""#),
        "{answer}"
    );
    assert!(client.close().success());
}

#[test]
fn a_blocked_call_is_refused_recorded_and_the_session_goes_on() {
    let mut client = Client::start(&["--policy", "policy.gr", "--name", "scripted"]);
    client.call(1, "bad");
    let refusal = client.receive();
    assert!(refusal.contains("guardrail `policy` (no bad)"), "{refusal}");
    client.call(2, "x");
    assert!(client.receive().contains(r#""id":2"#));
    client.close();

    let traces = |arguments: &[&str]| {
        let data = client.data();
        let data = data.to_str().unwrap();
        let output = finish(
            portcullis()
                .args(["traces", "--data-dir", data])
                .args(arguments),
        );
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let list = traces(&["ls", "--violations", "--server", "scripted"]);
    let id = list
        .lines()
        .nth(1)
        .and_then(|line| line.split(' ').next())
        .unwrap();
    let shown = traces(&["show", id]);
    assert!(
        shown.contains("block by guardrail `policy`: no bad"),
        "{shown}"
    );
    let trace = write(
        client.directory.path(),
        "trace.json",
        &traces(&["export", id.get(..20).unwrap_or(id)]),
    );
    let policy = client.directory.path().join("policy.gr");
    let check = finish(portcullis().arg("check").args([policy, trace]));
    assert_eq!(check.status.code(), Some(1));
}

#[test]
fn strict_durability_answers_too() {
    let mut client = Client::start(&["--durability", "strict"]);
    client.call(1, "x");
    assert!(client.receive().contains(r#""id":1"#));
}

#[test]
fn noise_and_long_lines_of_the_server_do_not_reach_the_client() {
    let mut client = Client::start(&["--max-line-bytes", "10000"]);
    client.call(1, "noise");
    assert_eq!(
        client.receive(),
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"content\":[]}}\n"
    );
    client.call(2, "long");
    assert!(client.receive().contains("longer than 10000"));
    client.send(&"y".repeat(20_000));
    assert!(client.receive().contains("longer than 10000"));
    client.call(3, "x");
    assert!(client.receive().contains(r#""id":3"#));
    let log = std::fs::read_to_string(client.data().join("portcullis.log")).unwrap();
    assert!(log.contains("listening on nothing"), "{log}");
}

#[test]
fn the_death_of_the_server_answers_who_waits_and_keeps_its_code() {
    let mut client = Client::start(&[]);
    client.call(1, "die");
    let answer = client.receive();
    assert!(answer.contains(r#""id":1,"error""#), "{answer}");
    assert_eq!(client.receive(), "");
    assert_eq!(client.process.wait().unwrap().code(), Some(7));
}

#[test]
fn a_policy_that_does_not_load_starts_no_server() {
    let directory = tempfile::TempDir::new().unwrap();
    let policy = write(
        directory.path(),
        "bad.gr",
        "raise \"x\" if\n    (c: ToolCall)\n",
    );
    let marker = directory.path().join("started");
    let output = finish(
        portcullis()
            .arg("run")
            .arg("--data-dir")
            .arg(directory.path().join("data"))
            .arg("--policy")
            .arg(&policy)
            .args(["--", "touch"])
            .arg(&marker),
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("error[missing-colon]"));
    assert!(text(&output.stderr).contains("bad.gr:1:11"));
    assert!(output.stdout.is_empty() && !marker.exists());
}

#[test]
fn guardrails_that_cannot_be_had_start_no_server() {
    let directory = tempfile::TempDir::new().unwrap();
    let output = finish(
        portcullis()
            .current_dir(directory.path())
            .env("INVARIANT_API_KEY", "k")
            .env("INVARIANT_API_URL", "http://127.0.0.1:9")
            .args(["mcp", "--project-name", "p", "--push-explorer"])
            .args(["--data-dir", "d", "--exec", "touch", "started"]),
    );
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("not started without its guardrails"),
        "{said}"
    );
    assert!(!directory.path().join("started").exists());
}

#[test]
fn a_policy_without_a_rule_starts_no_server() {
    let directory = tempfile::TempDir::new().unwrap();
    write(directory.path(), "empty.inv", "");
    let output = finish(portcullis().current_dir(directory.path()).args([
        "run",
        "--data-dir",
        "d",
        "--policy",
        "empty.inv",
        "--",
        "touch",
        "started",
    ]));
    assert_eq!(output.status.code(), Some(2));
    let shown = text(&output.stderr);
    assert!(shown.contains("`empty.inv` has no rule"), "{shown}");
    assert!(!directory.path().join("started").exists());
}

#[test]
fn lines_and_their_strings_may_be_longer_than_by_default() {
    let mut client = Client::start(&["--max-line-bytes", &(20 << 20).to_string()]);
    let long = "x".repeat(17 << 20);
    client.send(&format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"x","arguments":{{"text":"{long}"}}}}}}"#
    ));
    let answer = client.receive();
    assert!(answer.contains(r#""id":1,"result""#), "{answer:.200}");
}

#[test]
fn a_server_that_cannot_be_started_is_named() {
    let directory = tempfile::TempDir::new().unwrap();
    let check = |command: &[&str], expected: &[&str]| {
        let mut gateway = portcullis();
        gateway
            .current_dir(directory.path())
            .args(["run", "--data-dir", "d"]);
        let output = finish(gateway.args(command));
        assert_eq!(output.status.code(), Some(127));
        let told = text(&output.stderr);
        for part in expected {
            assert!(told.contains(part), "{command:?}: {told}");
        }
        // It has not ended, having never begun.
        assert!(!told.contains("has ended"), "{command:?}: {told}");
    };
    check(
        &["--", "/nonexistent/server"],
        &[
            "the server `/nonexistent/server` could not be started: No",
            "look at the path",
        ],
    );
    check(
        &["--", "no-such-server"],
        &[
            "the server `no-such-server` could not be started: No",
            "install the program",
        ],
    );
    // It is the launcher that is missing.
    check(
        &["--", "/nonexistent/npx", "-y", "@scope/files"],
        &["the server `files` could not be started: `/nonexistent/npx`: No"],
    );
    check(
        &["--name", "mine", "--", "/nonexistent/server"],
        &["the server `mine` could not be started: `/nonexistent/server`: No"],
    );
}

#[test]
fn the_end_of_a_server_is_told_where_it_was_not_asked_for() {
    let directory = tempfile::TempDir::new().unwrap();
    let check = |keeps_input: bool, script: &str, expected: &str| {
        let mut gateway = portcullis()
            .current_dir(directory.path())
            .args(["run", "--data-dir", "d", "--name", "s", "--"])
            .args(["sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It would be closed by waiting.
        let input = gateway.stdin.take().filter(|_| keeps_input);
        let output = gateway.wait_with_output().unwrap();
        drop(input);
        assert_eq!(text(&output.stderr), expected, "{script}");
    };
    let told = |how: &str| format!("warning: the server `s` has ended: `sh` {how}\n");
    let early = |how: &str| {
        format!(
            "warning: the server `s` has ended before it said anything: `sh` {how} (see what it \
             wrote above, or run its command in a terminal)\n"
        )
    };
    check(true, "exit 0", &early("exited with code 0"));
    check(true, "exit 3", &early("exited with code 3"));
    check(true, "kill -9 $$", &early("was killed by signal 9"));
    check(true, "echo hello; exit 3", &told("exited with code 3"));
    // As a shell ends that has not found a program.
    check(true, "exit 127", &early("exited with code 127"));
    check(false, "cat", "");
    check(false, "cat; exit 3", "");
    check(false, "sleep 9", "");
    check(false, "cat; kill -11 $$", &told("was killed by signal 11"));
}

#[test]
fn what_the_client_said_is_nothing_that_the_server_said() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut gateway = portcullis()
        .current_dir(directory.path())
        .args(["run", "--data-dir", "d", "--name", "s", "--"])
        .args(["sh", "-c", "read line; exit 3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = gateway.stdin.take().unwrap();
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    writeln!(input, "{ping}").unwrap();
    let told = text(&gateway.wait_with_output().unwrap().stderr);
    drop(input);
    let expected = "warning: the server `s` has ended before it said anything: `sh` exited";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn what_was_not_recorded_is_told_at_the_end() {
    let directory = tempfile::TempDir::new().unwrap();
    std::fs::create_dir_all(directory.path().join("d/traces.db")).unwrap();
    let run = ["run", "--data-dir", "d", "--on-failure", "log", "--", "cat"];
    let output = finish(portcullis().current_dir(directory.path()).args(run));
    let told = text(&output.stderr);
    let log = std::fs::read_to_string(directory.path().join("d/portcullis.log")).unwrap();
    assert!(
        log.contains("no policy is given: nothing is blocked"),
        "{log}"
    );
    assert!(!log.contains("messages are recorded"), "{log}");
    assert!(
        told.ends_with(
            "warning: the trace has gaps: 2 records were lost: the recording was refused by the \
             store: `d/traces.db` is not a file\n"
        ),
        "{told}"
    );
}

#[test]
fn usage_says_where_the_command_of_the_server_goes() {
    let told = text(&finish(portcullis().args(["run", "cat"])).stderr);
    assert!(
        told.contains("Usage: portcullis run [OPTIONS] -- COMMAND"),
        "{told}"
    );
}

#[test]
fn what_is_wrong_with_a_command_line_is_named_with_a_way_out() {
    let directory = tempfile::TempDir::new().unwrap();
    write(directory.path(), "file", "");
    let check = |arguments: &[&str], expected: &[&str]| {
        let mut command = portcullis();
        command.current_dir(directory.path()).args(arguments);
        let output = finish(command.env_remove("HOME").env_remove("XDG_DATA_HOME"));
        assert!(!output.status.success(), "{arguments:?}");
        let shown = text(&output.stderr);
        for part in expected {
            assert!(shown.contains(part), "{arguments:?}: {shown}");
        }
    };
    check(&["run", "--url", "no url"], &["`no url` is no URL"]);
    check(
        &["run"],
        &["there is no server to guard", "`portcullis run --url "],
    );
    check(
        &["run", "--tools", "x=log", "--", "true"],
        &["one of poisoned, changed, new, shadowed, ambiguous, headers, and log"],
    );
    let (run, other) = (
        ["run", "--", "true"],
        "hint: `--data-dir DIR` names another",
    );
    check(&run, &["neither `HOME` nor `XDG_DATA_HOME` is set", other]);
    check(&["traces", "ls"], &["neither `HOME`", other]);
    check(
        &["run", "--data-dir", "file/d", "--", "true"],
        &["`file/d` for traces and logs cannot be made", other],
    );
    check(
        &["serve"],
        &["`portcullis.yaml` cannot be read", "hint: `--config FILE`"],
    );
    check(
        &["run", "--data-dir", "d", "--", "./file"],
        &["`./file` could not be started", "hint: the program must be"],
    );
    for (option, value) in [
        ("--max-line-bytes", "0"),
        ("--max-line-bytes", "-1"),
        ("--name", ""),
        ("--project", ""),
        ("--allow-method", ""),
    ] {
        let run = ["run", &format!("{option}={value}"), "--", "true"];
        check(&run, &[option]);
    }
    check(
        &["serve", "--listen", "localhost:80"],
        &["--listen", "as `127.0.0.1:8787`"],
    );
    check(&["traces", "ls", "--limit", "0"], &["--limit <LIMIT>"]);
    check(&["traces", "ls", "--search", ""], &["--search <WORDS>"]);
    // It cannot be looked at, whoever asks.
    std::fs::create_dir(directory.path().join("loop")).unwrap();
    symlink("traces.db", directory.path().join("loop/traces.db")).unwrap();
    let run = ["run", "--data-dir", "loop", "--", "true"];
    check(
        &run,
        &["hint: `--on-failure log`", "`--data-dir DIR` names another"],
    );
    write(directory.path(), "d/demo", "");
    check(
        &["demo", "--data-dir", "d"],
        &["cannot be written to `d/demo`", "hint: `--data-dir DIR`"],
    );
}

#[test]
fn the_reference_command_line_drives_the_same_gateway() {
    let directory = tempfile::TempDir::new().unwrap();
    let output = finish(
        portcullis()
            .current_dir(directory.path())
            .env_remove("INVARIANT_API_URL")
            .env_remove("INVARIANT_API_ENDPOINT")
            .args(["mcp", "--project-name", "p", "--push-explorer", "--verbose"])
            .args(["--failure-response-format", "error", "--metadata-server=s"])
            .args(["--data-dir", "d", "--exec", "true"]),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let log = std::fs::read_to_string(directory.path().join("d/portcullis.log")).unwrap();
    assert!(log.contains("names no Explorer"), "{log}");
    for what in [": session begins", ": session ends", ": server ended"] {
        let line = log.lines().find(|line| line.contains(what)).unwrap();
        assert!(line.contains(" session="), "{line}");
    }
    let list = finish(portcullis().current_dir(directory.path()).args([
        "traces",
        "--data-dir",
        "d",
        "ls",
        "--project",
        "p",
        "--server",
        "s",
    ]));
    assert_eq!(text(&list.stdout).lines().count(), 2);
}
