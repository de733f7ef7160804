//! `portcullis config`: output and exit codes.

use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use crate::client::{finish, portcullis, text, write};

fn config_check(directory: &Path) -> Output {
    let mut check = portcullis();
    finish(check.current_dir(directory).args(["config", "check"]))
}

#[track_caller]
fn check(yaml: &str, code: i32, stdout: &str, stderr: &[&str]) {
    let directory = TempDir::new().unwrap();
    write(directory.path(), "portcullis.yaml", yaml);
    let output = config_check(directory.path());
    assert_eq!(text(&output.stdout), stdout);
    let shown = text(&output.stderr);
    for part in stderr {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(shown.is_empty(), stderr.is_empty(), "{shown}");
    assert_eq!(output.status.code(), Some(code));
}

/// Of a configuration that loads.
#[track_caller]
fn stderr_of(yaml: &str) -> String {
    let directory = TempDir::new().unwrap();
    write(directory.path(), "portcullis.yaml", yaml);
    let output = config_check(directory.path());
    let shown = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    shown
}

#[test]
fn configuration_that_loads_is_shown() {
    check(
        "servers:\n  files: { command: [files-server, /data] }\n  t: { url: \"http://a/sse\", transport: sse }\nguardrails: [{ name: a, policy: \"raise \\\"x\\\" if:\\n    (m: Message)\\n    m is not None\\n\", action: log, servers: [files], clients: [cursor] }, { name: b, policy: \"raise \\\"x\\\" if:\\n    (m: Message)\\n    m is not None\\n\" }]\ntools: { changed: block, shadowed: off }\n",
        0,
        "ok: `portcullis.yaml` loads\nlistens on 127.0.0.1:8787\nservers: 2\n  files  files-server /data\n  t  http://a/sse (sse)\nguardrails in force: 2\n  a  log (on failure block); files; cursor\n  b  block (on failure block); all servers; all clients\ndefinitions of tools: poisoned log, changed block, new log, shadowed off, ambiguous log, headers block\n",
        &[],
    );
}

#[test]
fn the_configuration_may_be_named_as_for_serve() {
    let directory = TempDir::new().unwrap();
    write(
        directory.path(),
        "c.yaml",
        "servers: { a: { command: cat } }\n",
    );
    let named = ["config", "check", "--config", "c.yaml"];
    let output = finish(portcullis().current_dir(directory.path()).args(named));
    let shown = text(&output.stdout);
    assert!(shown.starts_with("ok: `c.yaml` loads\n"), "{shown}");
}

#[test]
fn a_configuration_that_serves_nothing_does_not_load() {
    check(
        "gateway: { enabled: false }\n",
        2,
        "",
        &["`portcullis.yaml` has no server to guard"],
    );
}

#[test]
fn guardrails_of_mcp_scan_are_shown_with_whom_they_are_for() {
    let directory = TempDir::new().unwrap();
    write(
        directory.path(),
        "portcullis.yaml",
        "servers: { files: { command: x } }\nmcp_scan_guardrails: g.yml\n",
    );
    write(
        directory.path(),
        "g.yml",
        "cursor: { servers: { files: { guardrails: { links: block, secrets: paused } }, gone: } }\n",
    );
    let output = config_check(directory.path());
    let shown = text(&output.stdout);
    for line in [
        "  links  block (on failure block); files; cursor, cursor-vscode\n",
        "  pii  log (on failure log); all servers but files; cursor, cursor-vscode\n",
        "  secrets  log (on failure log); all servers; all clients but cursor, cursor-vscode\n",
    ] {
        assert!(shown.contains(line), "{line}{shown}");
    }
    assert!(shown.contains("guardrails in force: 8\n"), "{shown}");
    assert!(text(&output.stderr).contains("warning: no server is named `gone`"));
}

#[test]
fn a_detector_that_nobody_answers_for_is_warned_of() {
    let yaml = "servers: { s: { command: x } }
guardrails:
  - name: mod
    on_failure: log
    policy: |
      from invariant.detectors import moderated, pii, secrets

      KINDS := [\"EMAIL_ADDRESS\", \"NRP\"]

      raise \"m\" if:
          (m: Message)
          any(secrets(m))
          moderated(m)
          any(pii(m, KINDS))
";
    let shown = stderr_of(yaml);
    for part in [
        "warning: guardrail `mod`: `moderated` is not configured: set `detectors.moderation` with the `url` of an OpenAI-compatible endpoint\n  --> portcullis.yaml:13:11\n",
        "warning: guardrail `mod`: `pii` does not find `NRP` by itself",
        "--> portcullis.yaml:14:15\n",
        "help: as it is, a message that this would be asked about passes unjudged\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert_eq!(shown.matches("warning").count(), 2, "{shown}");

    let configured = format!(
        "detectors: {{ moderation: {{ url: \"http://localhost:1/v1\" }}, presidio: {{ url: \"http://localhost:2\" }} }}\n{yaml}"
    );
    assert_eq!(stderr_of(&configured), "");
    let disabled = yaml.replace("on_failure: log", "enabled: false");
    assert_eq!(stderr_of(&disabled), "");
}

#[test]
fn a_detector_in_a_policy_file_is_warned_of_at_its_place_there() {
    let directory = TempDir::new().unwrap();
    write(
        directory.path(),
        "portcullis.yaml",
        "servers: { s: { command: x } }\nguardrails:\n- { name: a, policy: { file: p.inv } }\n- { name: b, policy: { file: p.inv } }\n",
    );
    write(
        directory.path(),
        "p.inv",
        "from invariant.detectors import prompt_injection\n\nraise \"x\" if:\n    (m: Message)\n    prompt_injection(m, model=\"deberta\")\n",
    );
    let output = config_check(directory.path());
    let shown = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    for name in ["a", "b"] {
        let warning = format!(
            "warning: guardrail `{name}`: `prompt_injection` has no model `deberta`: set `detectors.prompt_injection.deberta`"
        );
        assert!(shown.contains(&warning), "{shown}");
    }
    assert_eq!(shown.matches("--> p.inv:5:5\n").count(), 2, "{shown}");
    assert!(shown.contains("asked about is blocked"), "{shown}");
}

#[test]
fn configuration_without_guardrails_says_so() {
    check(
        "",
        0,
        "ok: `portcullis.yaml` loads\nlistens on 127.0.0.1:8787\nservers: 0\n  clients name theirs in a header (`gateway`)\nguardrails in force: 0\n  the configuration blocks nothing; guardrails of the store are in force too\ndefinitions of tools: poisoned log, changed log, new log, shadowed log, ambiguous log, headers block\n",
        &[],
    );
}

#[test]
fn every_error_is_shown_with_its_place() {
    check(
        "lisen: 1\nguardrails:\n- name: a\n  servers: [files]\n  policy: |\n    raise \"x\" if:\n        nope()\n",
        2,
        "",
        &[
            "error: unknown key `lisen`\n --> portcullis.yaml:1:1\n",
            "help: did you mean `listen`?",
            "error: no server is named `files`\n --> portcullis.yaml:4:13\n",
            "error[unknown-name]: `nope` is not defined\n --> portcullis.yaml:7:9\n",
            "error: the configuration does not load: 3 errors\n",
        ],
    );
}

#[test]
fn schema_is_json() {
    let output = finish(portcullis().args(["config", "schema"]));
    let schema = portcullis_json::parse(&text(&output.stdout), &portcullis_json::Limits::strict());
    assert!(schema.unwrap().get("properties").is_some());
    assert_eq!(output.status.code(), Some(0));
}
