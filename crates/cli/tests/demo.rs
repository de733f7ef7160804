//! The demo as its first user meets it.
#![cfg(test)]

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

const README: &str = include_str!("../../../README.md");

/// Runs the binary with a data directory of its own.
fn portcullis(home: &TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(arguments)
        .env("XDG_DATA_HOME", home.path())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What stands in `shown` between two lines that begin like these.
fn between<'s>(shown: &'s str, start: &str, end: &str) -> &'s str {
    let (_, rest) = shown.split_once(start).expect(start);
    rest.split_once(end).expect(end).0
}

#[test]
fn attack_is_blocked_through_the_gateway_and_succeeds_without_it() {
    let home = TempDir::new().unwrap();
    let output = portcullis(&home, &["demo"]);
    let shown = text(&output.stdout);
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), ""),
        "{shown}"
    );

    let conversation = between(shown, "user ", "The recorded trace");
    assert!(conversation.contains("portcullis  This tool call was blocked by guardrail"));
    assert!(conversation.contains("mailbox     no mails"));
    assert!(!conversation.contains("sent to "));
    let why = between(shown, "The recorded trace", "The same script without");
    let mark = why
        .lines()
        .position(|line| line.contains("forward the recovery codes"));
    let underline = why.lines().nth(mark.expect(why) + 1);
    assert!(underline.expect(why).contains("^^^^^"), "{why}");
    let without = between(shown, "The same script without", "Look at all of it");
    assert!(
        without.contains("to desk@brightline.example: Codes"),
        "{without}"
    );
}

#[test]
fn printed_commands_show_the_trace() {
    let home = TempDir::new().unwrap();
    let directory = home.path().join("with a blank");
    let directory = directory.to_str().unwrap();
    for options in [&[][..], &["--data-dir", directory]] {
        let demo = portcullis(&home, &[&["demo"], options].concat());
        let demo = text(&demo.stdout);
        let commands = demo.lines().filter(|line| line.contains(" traces "));
        let shown: Vec<String> = commands
            .map(|command| {
                let output = Command::new("sh")
                    .args(["-c", command])
                    .env("XDG_DATA_HOME", home.path())
                    .output()
                    .unwrap();
                assert_eq!(text(&output.stderr), "", "{command}");
                text(&output.stdout).to_owned()
            })
            .collect();
        let [show, list] = shown.as_slice() else {
            panic!("not two commands: {demo}");
        };
        assert!(show.contains("block by guardrail `exfiltration`"), "{show}");
        assert!(list.contains("mailbox"), "{list}");
    }
}

#[test]
fn output_fits_a_terminal_and_commands_nothing_of_it() {
    let home = TempDir::new().unwrap();
    let output = portcullis(&home, &["demo"]);
    for line in text(&output.stdout).lines() {
        let is_path = line.contains(home.path().to_str().unwrap()) || line.contains(" traces ");
        assert!(is_path || line.chars().count() <= 100, "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert_eq!(line, line.trim_end());
    }
}

#[test]
fn nowhere_to_keep_the_trace_is_said() {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["demo", "--data-dir", "/dev/null/portcullis"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(
        said.contains("error:") && said.contains("hint: `--data-dir DIR`"),
        "{said}"
    );
}

#[test]
fn readme_shows_what_is_shown() {
    let home = TempDir::new().unwrap();
    let output = portcullis(&home, &["demo"]);
    let recorded = between(
        README,
        "cargo run --release -- demo\n```",
        "The other command",
    );
    let recorded = between(recorded, "```\n", "```");
    // Paths and ids differ from one machine to the next.
    let comparable = |shown: &str| -> Vec<String> {
        let is_local = |line: &&str| line.contains(" traces ") || line.ends_with("/demo");
        let lines = shown.lines().filter(|line| !is_local(line));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(comparable(text(&output.stdout)), comparable(recorded));
}

#[test]
fn first_policy_of_the_readme_finds_what_it_says() {
    let home = TempDir::new().unwrap();
    portcullis(&home, &["demo"]);
    let list = portcullis(&home, &["traces", "ls"]);
    let session = text(&list.stdout).lines().nth(1).unwrap();
    let id = session.split_whitespace().next().unwrap();
    let trace = portcullis(&home, &["traces", "export", id]).stdout;
    fs::write(home.path().join("mailbox.json"), trace).unwrap();
    let policy = between(README, "```python\n", "```");
    fs::write(home.path().join("mail.inv"), policy).unwrap();

    let check = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["check", "mail.inv", "mailbox.json"])
        .current_dir(home.path())
        .output()
        .unwrap();
    assert_eq!(check.status.code(), Some(1), "{}", text(&check.stderr));
    let recorded = between(README, "check mail.inv mailbox.json\n```", "| command |");
    assert_eq!(text(&check.stdout), between(recorded, "```\n", "```"));
}
