//! The commands about the store, on a store of their own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::client::{Client, finish, portcullis, text, write};

const POLICY: &str = "raise \"outside\" if:\n    (m: Message)\n    \"evil\" in m.content\n";

fn run(directory: &Path, arguments: &[&str]) -> Output {
    finish(
        portcullis()
            .current_dir(directory)
            .args(arguments)
            .args(["--data-dir", "data"]),
    )
}

#[track_caller]
fn well(directory: &Path, arguments: &[&str]) -> String {
    let output = run(directory, arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim_end().to_owned()
}

#[track_caller]
fn refused(directory: &Path, arguments: &[&str], message: &str) {
    let output = run(directory, arguments);
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(told.contains(message), "{told}");
}

/// The id of the first in a JSON list.
fn first_id(json: &str) -> &str {
    let rest = json.split("\"id\":\"").nth(1).unwrap();
    rest.split('"').next().unwrap()
}

#[test]
fn guardrail_goes_through_its_life() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    write(directory, "p.gr", POLICY);
    let add = ["guardrails", "add", "outside", "--policy", "p.gr"];
    let id = well(directory, &add);
    let listed = well(directory, &["guardrails", "ls", "--json"]);
    for part in [
        &*id,
        "\"enabled\":true",
        "\"action\":\"block\"",
        "\"version\":1",
        "evil",
    ] {
        assert!(listed.contains(part), "{part}: {listed}");
    }
    let tells = |what: &str, done: &str| {
        let told = well(directory, &["guardrails", what, &id]);
        assert_eq!(told, format!("{done} {id}  outside"));
    };
    tells("disable", "disabled");
    assert!(well(directory, &["guardrails", "ls"]).contains("disabled"));
    tells("enable", "enabled");
    tells("rm", "deleted");
    assert_eq!(well(directory, &["guardrails", "ls", "--json"]), "[]");
    let history = well(directory, &["guardrails", "history", &id]);
    let versions: Vec<&str> = history
        .lines()
        .filter_map(|line| line.strip_prefix("version "))
        .filter_map(|line| line.split("  ").nth(2))
        .collect();
    assert_eq!(versions, ["deleted", "enabled", "disabled", "enabled"]);
}

#[test]
fn what_a_new_guardrail_is_to_be_warned_of_is_said_when_it_is_added() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let rule = |condition: &str| {
        format!(
            "from invariant.detectors import moderated\nraise \"x\" if:\n    (m: Message)\n    {condition}\n"
        )
    };
    write(directory, "p.gr", &rule("moderated(m)"));
    write(directory, "odd.gr", &rule("m.contents == \"x\""));
    write(directory, "c.yaml", "data_directory: data\n");
    let add = |policy: &str, more: &[&str]| {
        let mut command = portcullis();
        let add = ["guardrails", "add", "g", "--policy", policy];
        let output = finish(command.current_dir(directory).args(add).args(more));
        assert!(output.status.success());
        text(&output.stderr)
    };
    let unanswered = |action: &str| add("p.gr", &["--config", "c.yaml", "--action", action]);
    let warning = "warning: `moderated` is not configured: set `detectors.moderation` with the \
                   `url` of an OpenAI-compatible endpoint (p.gr:4); as it is, a message that this \
                   would be asked about";
    assert_eq!(unanswered("block"), format!("{warning} is blocked\n"));
    assert_eq!(unanswered("log"), format!("{warning} passes unjudged\n"));
    // Who will answer is not known.
    assert_eq!(add("p.gr", &["--data-dir", "data"]), "");
    let odd = add("odd.gr", &["--data-dir", "data"]);
    assert!(odd.starts_with("warning[unknown-attribute]"), "{odd}");
}

#[test]
fn guardrail_that_is_not_there_or_does_not_load_is_refused() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    write(directory, "p.gr", POLICY);
    write(directory, "wrong.gr", "raise if");
    let add = ["guardrails", "add", "a", "--policy", "p.gr"];
    let id = well(directory, &add);
    well(directory, &["guardrails", "rm", &id]);
    refused(directory, &["guardrails", "rm", &id], "was deleted");
    refused(
        directory,
        &["guardrails", "rm", "x"],
        "is not enough of the beginning of the id of a guardrail",
    );
    write(directory, "empty.gr", "x := 1\n");
    let unfit = |name: &str, more: &[&str], message: &str| {
        let add = ["guardrails", "add", name, "--policy"];
        refused(directory, &[&add, more].concat(), message);
    };
    unfit("", &["p.gr"], "`name` must not be empty");
    unfit("a", &["p.gr", "--client", ""], "`client` must not be empty");
    unfit("a", &["p.gr", "--server", ""], "`server` must not be empty");
    unfit("a", &["empty.gr"], "the policy has no rule");
    let wrong = ["guardrails", "add", "a", "--policy", "wrong.gr"];
    assert_eq!(run(directory, &wrong).status.code(), Some(2));
    refused(
        directory,
        &["guardrails", "ls", "--project", "p"],
        "there is no project `p`",
    );
    let add = [
        "guardrails",
        "add",
        "a",
        "--policy",
        "p.gr",
        "--project",
        "p",
        "--disabled",
    ];
    let id = well(directory, &add);
    assert!(well(directory, &["guardrails", "ls", "--project", "p"]).contains(&id));
}

#[test]
fn key_is_shown_once_and_can_be_revoked() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let key = well(directory, &["keys", "create", "laptop"]);
    let hex = key.strip_prefix("inv-").unwrap();
    assert!(
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{key}"
    );
    assert_ne!(well(directory, &["keys", "create", "other"]), key);

    let listed = well(directory, &["keys", "ls", "--json"]);
    assert!(!listed.contains(hex), "{listed}");
    let last = key.get(64..).unwrap();
    let last = format!("\"last_characters\":\"{last}\"");
    assert!(listed.contains(&last), "{listed}");
    let id = first_id(&listed);
    well(directory, &["keys", "revoke", id]);
    let table = well(directory, &["keys", "ls"]);
    assert_eq!(table.matches("revoked").count(), 1, "{table}");
    let unknown = "3752ff38-da1a-4fa5-84a2-9e44a4b167ce";
    refused(
        directory,
        &["keys", "revoke", unknown],
        "no key's id begins with `3752ff38",
    );
}

#[test]
fn the_beginning_of_an_id_is_enough() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    well(directory, &["keys", "create", "laptop"]);
    let listed = well(directory, &["keys", "ls", "--json"]);
    let id = first_id(&listed);
    for short in [beginning(id, 3), "", "ABCD", "%%%%"] {
        let hint = "four characters of its beginning";
        refused(directory, &["keys", "revoke", short], hint);
    }
    let revoked = well(directory, &["keys", "revoke", beginning(id, 4)]);
    assert_eq!(revoked, format!("revoked {id}  laptop"));
    assert!(well(directory, &["keys", "ls"]).contains("revoked"));

    write(directory, "p.gr", POLICY);
    let id = well(directory, &["guardrails", "add", "g", "--policy", "p.gr"]);
    let id = id.trim();
    well(directory, &["guardrails", "disable", beginning(id, 4)]);
    assert!(well(directory, &["guardrails", "ls"]).contains("disabled"));
    well(directory, &["guardrails", "rm", beginning(id, 8)]);
    let history = well(directory, &["guardrails", "history", beginning(id, 8)]);
    assert!(history.starts_with("version 3"), "{history}");
    let gone = ["guardrails", "enable", beginning(id, 8)];
    refused(directory, &gone, "was deleted");
}

fn beginning(id: &str, characters: usize) -> &str {
    id.get(..characters).unwrap()
}

#[test]
fn the_store_of_a_configuration_is_found() {
    let directory = TempDir::new().unwrap();
    write(
        directory.path(),
        "c.yaml",
        "store: { url: own/traces.db }\n",
    );
    let keys = |more: &[&str]| {
        let mut keys = portcullis();
        keys.current_dir(directory.path()).arg("keys").args(more);
        finish(&mut keys)
    };
    let created = keys(&["create", "laptop", "--config", "c.yaml"]);
    assert_eq!(created.status.code(), Some(0), "{created:?}");
    let listed = keys(&["ls", "--store", "own/traces.db"]);
    assert!(text(&listed.stdout).contains("laptop"), "{listed:?}");
    let both = keys(&["ls", "--config", "c.yaml", "--store", "own/traces.db"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn traces_are_imported_listed_and_found() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let lines = concat!(
        "{\"metadata\":{\"about\":\"tests\"}}\n",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a walrus\"}],\"index\":4,",
        "\"annotations\":[{\"content\":\"c\",\"address\":\"messages.0\"}]}\n\n",
        "{\"messages\":[{\"role\":\"user\",\"content\":\"a seal\"}],\"index\":2}\n",
    );
    write(directory, "t.jsonl", lines);
    let import = ["traces", "import", "t.jsonl", "--project", "zoo"];
    assert_eq!(well(directory, &import), "2 traces");
    let all = well(directory, &["traces", "ls", "--project", "zoo", "--json"]);
    assert_eq!(all.matches("\"origin\":\"pushed\"").count(), 2, "{all}");
    let found = well(directory, &["traces", "ls", "--search", "WALRUS", "--json"]);
    assert!(
        found.contains("\"index\":4") && !found.contains("\"index\":2"),
        "{found}"
    );
    let of_nobody = run(directory, &["traces", "ls", "--project", "zoe", "--json"]);
    assert_eq!(text(&of_nobody.stdout), "[]\n");
    assert!(text(&of_nobody.stderr).contains("there is no project `zoe`"));
    let nothing = ["traces", "ls", "--search", "?!", "--json"];
    assert_eq!(well(directory, &nothing), "[]");
    let words: Vec<String> = (0..33).map(|n| format!("w{n}")).collect();
    let many = ["traces", "ls", "--search", &words.join(" ")];
    refused(directory, &many, "more than 32 words and conditions");
    let id = first_id(&found);
    let exported = well(directory, &["traces", "export", id]);
    assert_eq!(
        exported,
        "[\n{\"role\":\"user\",\"content\":\"a walrus\"}\n]"
    );

    // It never passed a gateway: there is no direction, no verdict and no end to wait for.
    let shown = well(directory, &["traces", "show", id]);
    assert!(
        shown.ends_with("\n    1  user  messages.0\n       a walrus"),
        "{shown}"
    );
    for of_gateways in ["server", "allow", "ended", "→"] {
        assert!(!shown.contains(of_gateways), "{of_gateways}: {shown}");
    }
    let table = well(directory, &["traces", "ls"]);
    assert_eq!(table.matches("  zoo").count(), 2, "{table}");

    refused(directory, &import, "already has a trace");
    write(directory, "wrong.jsonl", "[]\n7\n");
    let wrong = ["traces", "import", "wrong.jsonl", "--project", "zoo"];
    refused(directory, &wrong, "line 2: expected a list of messages");
}

#[test]
fn more_traces_are_listed_than_a_page_has() {
    const TRACES: usize = 1005;
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let trace = "[{\"role\":\"user\",\"content\":\"a\"}]\n";
    write(directory, "many.jsonl", &trace.repeat(TRACES));
    well(
        directory,
        &["traces", "import", "many.jsonl", "--project", "zoo"],
    );
    let listed = |limit: &str| {
        let output = run(directory, &["traces", "ls", "--json", "--limit", limit]);
        let count = text(&output.stdout).matches("\"id\":").count();
        (count, text(&output.stderr))
    };
    assert_eq!(listed("5000"), (TRACES, String::new()));
    assert_eq!(listed("1005"), (TRACES, String::new()));
    let (count, told) = listed("1003");
    assert_eq!(count, 1003);
    assert!(told.contains("more than these 1003"), "{told}");
}

#[test]
fn a_file_is_imported_as_a_whole_or_not_at_all() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let good = "{\"messages\":[{\"role\":\"user\",\"content\":\"a seal\"}],\"index\":1}\n";
    let import = |file: &str| ["traces", "import", file, "--project", "zoo"].map(str::to_owned);
    let refuses = |second: &str, message: &str| {
        write(directory, "t.jsonl", &format!("{good}\n{second}\n"));
        let arguments = import("t.jsonl");
        refused(
            directory,
            &arguments.each_ref().map(String::as_str),
            message,
        );
        let all = well(directory, &["traces", "ls", "--json"]);
        assert_eq!(all, "[]", "{second}");
    };
    let of = |messages: &str| format!("{{\"messages\":[{messages}],\"index\":2}}");
    refuses("{\"messages\":[", "`t.jsonl`, line 3: ");
    refuses(&of("7"), "`t.jsonl`, line 3: messages.0: ");
    refuses(
        &of("{\"role\":\"user\"},{\"content\":\"x\"}"),
        "line 3: messages.1: ",
    );
    refuses(&of("{\"role\":7}"), "`role` must be a text");
    refuses(good.trim(), "line 3: the index 1 occurs twice");
    let nowhere = import("nope.jsonl");
    let nowhere = nowhere.each_ref().map(String::as_str);
    refused(directory, &nowhere, "`nope.jsonl` cannot be read: ");

    // What the store refuses takes what was written before with it.
    write(directory, "t.jsonl", good);
    let arguments = import("t.jsonl");
    let arguments = arguments.each_ref().map(String::as_str);
    assert_eq!(well(directory, &arguments), "1 trace");
    let long = "x".repeat(17 << 20);
    let long =
        format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{long}\"}}],\"index\":0}}\n");
    write(directory, "t.jsonl", &format!("{long}{good}"));
    refused(directory, &arguments, "already has a trace");
    let all = well(directory, &["traces", "ls", "--json"]);
    assert_eq!(all.matches("\"index\":").count(), 1, "{all}");
}

#[test]
fn an_exported_trace_is_imported_as_one_line() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let import = ["traces", "import", "t.jsonl", "--project", "zoo"];
    let trace = r#"[{"role":"user","content":"a seal"},{"role":"user","content":"a\nwalrus"}]"#;
    write(directory, "t.jsonl", trace);
    well(directory, &import);
    let id = first_id(&well(directory, &["traces", "ls", "--json"])).to_owned();
    let exported = well(directory, &["traces", "export", &id]);
    assert_eq!(exported.lines().count(), 4, "{exported}");

    write(directory, "t.jsonl", &exported);
    refused(directory, &import, "`t.jsonl`, line 1: ");
    let hint = "hint: nothing of the file was imported; a trace is one line: `jq -c .` makes one of \
        several, such as `traces export` writes";
    refused(directory, &import, hint);
    // Line breaks of a text are escaped: these are between values.
    write(directory, "t.jsonl", &exported.replace('\n', ""));
    assert_eq!(well(directory, &import), "1 trace");
    let all = well(directory, &["traces", "ls", "--search", "walrus", "--json"]);
    let again = all
        .split("\"id\":\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    for id in again {
        assert_eq!(well(directory, &["traces", "export", id]), exported);
    }
    assert_eq!(all.matches("\"id\":\"").count(), 2, "{all}");
}

#[test]
fn store_is_migrated_checked_and_vacuumed() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    refused(directory, &["db", "check"], "there is no store");
    well(directory, &["keys", "create", "a"]);
    for command in ["migrate", "check", "vacuum"] {
        let told = well(directory, &["db", command]);
        assert!(told.starts_with("ok: "), "{told}");
    }
    let elsewhere = finish(portcullis().current_dir(directory).args([
        "db",
        "check",
        "--store",
        "data/traces.db",
    ]));
    assert!(elsewhere.status.success(), "{}", text(&elsewhere.stderr));
    let both = ["db", "check", "--store", "data/traces.db"];
    assert_eq!(run(directory, &both).status.code(), Some(2));
    let unknown = finish(portcullis().args(["db", "check", "--store", "mysql://me:pw@h/d"]));
    let told = text(&unknown.stderr);
    assert!(
        told.contains("mysql://h/d") && !told.contains("pw"),
        "{told}"
    );
}

#[test]
fn damaged_pages_are_found_and_said() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let message = |n: usize| format!("{{\"role\":\"user\",\"content\":\"{}\"}}", word(n));
    let messages: Vec<String> = (0..2000).map(message).collect();
    write(directory, "t.jsonl", &format!("[{}]\n", messages.join(",")));
    well(
        directory,
        &["traces", "import", "t.jsonl", "--project", "p"],
    );
    well(directory, &["db", "vacuum"]);

    let database = directory.join("data/traces.db");
    let mut bytes = std::fs::read(&database).unwrap();
    let pages = bytes.len() / 4096;
    assert!(pages > 60, "{pages}");
    for page in bytes.chunks_mut(4096).skip(pages / 2) {
        page.fill(0xa5);
    }
    std::fs::write(&database, bytes).unwrap();
    let checked = run(directory, &["db", "check"]);
    let (told, hint) = (text(&checked.stdout), text(&checked.stderr));
    assert_eq!(checked.status.code(), Some(1), "{told}{hint}");
    assert!(
        told.lines().all(|line| line.starts_with("damaged: ")),
        "{told}"
    );
    assert_ne!(told, "");
    for lost in ["traces", "guardrails", "pins of tools", "API keys", "save"] {
        assert!(hint.contains(lost), "{hint}");
    }
}

/// A word of its own for each number.
fn word(n: usize) -> String {
    format!("w{}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[test]
fn tail_shows_what_is_recorded_after_it_began() {
    let mut client = Client::start(&["--durability", "strict"]);
    client.call(1, "x");
    client.receive();
    let mut tail = portcullis()
        .current_dir(client.directory.path())
        .args(["traces", "tail", "--data-dir", "data"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    // It says nothing until something happens, so that it is asked to see until it saw.
    let seen = thread::scope(|scope| {
        let seen = scope.spawn(move || {
            // What it sees first may be the answer to a call that was before it.
            let is_call = |line: &str| line.contains("client → server  tools/call");
            let shown = lines.find(|line| line.as_ref().is_ok_and(|line| is_call(line)));
            shown.unwrap().unwrap()
        });
        for id in 2.. {
            if seen.is_finished() {
                break;
            }
            client.call(id, "x");
            client.receive();
        }
        seen.join().unwrap()
    });
    assert!(seen.contains("allow"), "{seen}");
    tail.kill().unwrap();
    tail.wait().unwrap();
}

#[test]
fn a_store_that_is_not_there_is_named_and_not_made() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let told = "there is no store at `data/traces.db`";
    for command in [
        "traces show 0",
        "traces export 0",
        "guardrails enable x",
        "guardrails history x",
        "keys revoke x",
        "tools diff s",
        "db check",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        refused(directory, &words, told);
        refused(
            directory,
            &words,
            "hint: nothing was recorded yet, or `--data-dir`",
        );
        assert!(!directory.join("data").exists(), "{command}");
    }
    for command in [
        "traces ls",
        "guardrails ls",
        "keys ls",
        "tools ls",
        "tools ls s",
    ] {
        let words = command.split(' ').chain(["--json", "--data-dir", "data"]);
        let output = finish(portcullis().current_dir(directory).args(words));
        assert!(output.status.success(), "{command}");
        assert_eq!(text(&output.stdout), "[]\n", "{command}");
        assert!(text(&output.stderr).contains(told), "{command}");
        assert!(!directory.join("data").exists(), "{command}");
    }
    write(directory, "file", "");
    let told = "in the way of `file/traces.db`";
    for words in [["traces", "ls"], ["db", "check"]] {
        let words = words.into_iter().chain(["--data-dir", "file"]);
        let output = finish(portcullis().current_dir(directory).args(words));
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(told), "{output:?}");
    }
    write(directory, "c.yaml", "data_directory: elsewhere\n");
    let with_config = ["keys", "ls", "--config", "c.yaml"];
    let output = finish(portcullis().current_dir(directory).args(with_config));
    let told = text(&output.stderr);
    assert!(told.contains("at `elsewhere/traces.db`"), "{told}");
    assert!(!directory.join("elsewhere").exists());
}

#[test]
fn tail_waits_for_the_first_session() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path();
    let mut tail = portcullis()
        .current_dir(directory)
        .args(["traces", "tail", "--data-dir", "data"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let (told, shown) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let shown = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("1  user")));
        told.send(shown.is_some()).ok();
    });
    write(
        directory,
        "t.jsonl",
        "[{\"role\":\"user\",\"content\":\"first\"}]\n",
    );
    // On a busy machine it may look for the first time when a session is there already: then the
    // next is the first that is new to it.
    let is_shown = (0..30).any(|_| {
        well(
            directory,
            &["traces", "import", "t.jsonl", "--project", "p"],
        );
        shown.recv_timeout(Duration::from_secs(3)) == Ok(true)
    });
    assert!(is_shown);
    tail.kill().unwrap();
    tail.wait().unwrap();
}
