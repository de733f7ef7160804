mod kinds;

use std::fs;

use super::*;

fn errors(yaml: &str) -> Vec<String> {
    match read(yaml) {
        Err(ConfigError::Invalid(files)) => shown(&files),
        other => panic!("{yaml}\n{other:?}"),
    }
}

fn check(yaml: &str, expected: &[&str]) {
    assert_eq!(errors(yaml), expected, "{yaml}");
}

#[test]
fn text_that_is_not_yaml_is_an_error_with_its_place() {
    check(
        "a: [1,\nb: 2\n",
        &["1:4 \"[\" not YAML: unclosed bracket '['"],
    );
    check(
        "listen: 1\nlisten: 2\n",
        &["2:1 \"l\" duplicate key `listen` -> join what is behind the two, or take one out"],
    );
    let all = "`portcullis config schema` has all keys, as docs/CONFIGURATION.md does";
    let at = format!("1:1 \"- a\" expected a mapping, found a list -> {all}");
    check("- a\n", &[&at]);
    let at = format!("1:1 \"x\" expected a mapping, found text -> {all}");
    check("x", &[&at]);
}

/// The first problem of a file: where it is, what it is, and how it is mended.
#[track_caller]
fn check_problem(yaml: &str, place: &str, message: &str, help: &str) {
    let Err(ConfigError::Invalid(files)) = read(yaml) else {
        panic!("{yaml}");
    };
    let problem = &files[0].problems[0];
    let told = problem.help.as_deref().unwrap_or_default();
    assert!(problem.message.contains(message), "{yaml}{problem:?}");
    assert!(told.contains(help), "{yaml}{problem:?}");
    let line = files[0].errors().next().unwrap_or_default();
    assert!(line.contains(place), "{yaml}{line}");
}

#[test]
fn faults_of_yaml_are_said_with_a_way_out() {
    let check = check_problem;
    let misplaced = "does not belong to what stands before";
    check(
        "servers:\n\ta: {}\n",
        ":2:2:",
        "a tab",
        "indent with blanks",
    );
    check(
        "servers\n  a:\n",
        ":2:4:",
        "where no key can be",
        "lack its `:`",
    );
    for (yaml, place) in [
        ("servers:\n  a:\n    b: 1\n   c: 2\n", ":4:4:"),
        ("a: b\n- c\n", ":2:3:"),
    ] {
        check(
            yaml,
            place,
            misplaced,
            "in the same column, and nothing stand behind",
        );
    }
    for (yaml, place) in [
        ("a: { b: [x]\nc: 1\n", ":2:1:"),
        ("a: {url: http://h:1/p: q}\n", ":1:"),
    ] {
        check(
            yaml,
            place,
            "a `[` or `{` that is not closed, or",
            "a `]` or `}` behind",
        );
    }
    check(
        "a: [x, y\nb: 1\n",
        ":2:2:",
        "where no key can be",
        "may not be closed",
    );
    check("a: 'x\nb: 1\n", ":1:4:", "unclosed quote", "same quote");
    check("a: @x\n", ":1:4:", "that cannot stand here", "in quotes");
    check("a: *\n", ":1:4:", "name of YAML", "in quotes");
    check("a: *x\n", ":1:4:", "none that is known", "in quotes");
    check(
        "a: \"C:\\Users\"\n",
        ":1:4:",
        "begins no escape",
        "single quotes",
    );
    check(
        "servers: {}\n---\na: 1\n",
        ":3:1:",
        "second document",
        "---",
    );
    check("a: 1\na: 2\n", ":2:1:", "duplicate key", "take one out");
}

#[test]
fn usual_mistakes_are_said_with_a_way_out() {
    let check = check_problem;
    let limits = |written: &str| format!("limits: {{ message_bytes: {written} }}\n");
    check(&limits("-5"), ":1:26:", "found a negative number", "");
    check(
        &limits("1.5"),
        ":1:26:",
        "found a number with a fraction or an exponent",
        "",
    );
    check(&limits("99999999999999999999"), ":1:26:", "too large", "");
    check(&limits("0"), ":1:26:", "out of range", "1 at least");
    check(
        "mcpServers: {}\n",
        ":1:1:",
        "unknown key",
        "mean `servers`?",
    );
    // It would mean the opposite.
    check(
        "disabled_servers: {}\n",
        ":1:1:",
        "unknown key",
        "config schema",
    );
    check("nothing: 1\n", ":1:1:", "unknown key", "config schema");
    let policy = |written: &str| format!("guardrails:\n- name: a\n  policy: {written}\n");
    check(
        &policy("p/p.inv"),
        ":3:11:",
        "name of a file",
        "`policy: { file: p/p.inv }`",
    );
    check(
        &policy("\n    raise \"x\" if: 1"),
        ":4:5:",
        "unknown key",
        "`policy: |`",
    );
    let url = "servers: { a: { url: a.example/mcp } }\n";
    check(url, ":1:22:", "begins with neither", "`https://host/path`");
}

#[test]
fn small_file_cannot_become_a_large_one() {
    let levels = (1..9).map(|level| {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        format!("  a{level}: &a{level} [{below}]\n")
    });
    let levels: String = levels.collect();
    let bomb = format!("parameters:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n{levels}");
    let error = errors(&bomb);
    assert!(
        error[0].ends_with("not YAML: budget breached: Nodes { nodes: 50001 }"),
        "{error:?}"
    );
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(&format!("parameters: {{ a: {} }}", nested(62))).is_ok());
    let error = errors(&format!("parameters: {{ a: {} }}", nested(63)));
    assert!(error[0].contains("budget breached: Depth"), "{error:?}");
}

#[test]
fn detectors_that_cannot_be_asked_are_errors() {
    check(
        "detectors:\n  chat: { url: \"ftp://a\" }\n  presidio: {}\n",
        &[
            "2:9 \"{\" it has no `model`",
            "2:16 \"\\\"ftp://a\\\"\" not a URL of a service: the scheme is neither `http` nor `https` -> write it as `https://host/path` or `http://localhost:3000/path`",
            "3:13 \"{\" it has no `url`",
        ],
    );
    check(
        "detectors:\n  chat: { url: \"http://a\", model: m, retries: 11 }\n",
        &["2:47 \"11\" `11` is more than 10"],
    );
    check(
        "detectors:\n  ocr: { program: bin/ocr, languages: \"-x\" }\n",
        &[
            "2:19 \"bin/ocr\" there is no program `bin/ocr` -> install it, or give its absolute path as `program`",
            "2:39 \"\\\"-x\\\"\" expected names such as `eng` or `eng+deu`",
        ],
    );
}

/// A classifier, in the third line from its eighth column on.
fn classifier(members: &str) -> String {
    format!("detectors:\n  prompt_injection:\n    c: {{ {members} }}\n")
}

#[test]
fn classifiers_are_either_services_or_in_folders() {
    check(
        &classifier("folder: m, url: \"http://a\""),
        &[
            "3:18 \"m\" a classifier has either a `url` or a `folder` -> leave out the `url` to run \
             the model in the gateway, or the `folder` to ask the service",
        ],
    );
    check(
        &classifier("labels: [X]"),
        &[
            "3:8 \"{\" it has neither a `url` nor a `folder` -> give the `url` of a service, or a \
             `folder` with `model.onnx`, `tokenizer.json` and `config.json`",
        ],
    );
    check(
        &classifier("folder: m, api_key: k, retries: 1, labels: []"),
        &[
            "3:18 \"m\" cannot read `conf/m/config.json`: No such file or directory (os error 2) \
             -> the folder needs `model.onnx`, `tokenizer.json` and `config.json`; `optimum-cli \
             export onnx --task text-classification` writes them",
            "3:30 \"k\" `api_key` is for classifiers with a `url`",
            "3:42 \"1\" `retries` is for classifiers with a `url`",
            "3:53 \"[\" no label means an injection",
        ],
    );
}

#[test]
fn models_that_do_not_load_are_errors() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("m");
    fs::create_dir(&folder).unwrap();
    tiny::write_folder(&folder);
    let path = directory.path().join("c.yaml");
    let found = |members: &str| match read_at(&path, &classifier(members)) {
        Err(ConfigError::Invalid(files)) => shown(&files),
        other => panic!("{members}\n{other:?}"),
    };
    let config = folder.join("config.json");
    let labels = format!(
        "`{}` has no label `BAD`; its labels are SAFE, INJECTION -> name labels as `id2label` in \
         `config.json` does",
        config.display()
    );
    assert_eq!(
        found("folder: m, labels: [INJECTION, BAD]"),
        [format!("3:41 \"BAD\" {labels}")]
    );
    fs::write(&config, tiny::CONFIG.replace("INJECTION", "LABEL_1")).unwrap();
    assert_eq!(
        found("folder: m"),
        [format!(
            "3:18 \"m\" none of the labels in `{}` is known to name an attack: SAFE, LABEL_1 -> \
             say in the configuration which labels are attacks",
            config.display()
        )]
    );
    let model = folder.join("model.onnx");
    fs::write(&model, "none").unwrap();
    let [error] = &found("folder: m")[..] else {
        panic!("one thing is wrong");
    };
    let begin = format!("3:18 \"m\" `{}` cannot be used: ", model.display());
    let end =
        " -> export the model again with `optimum-cli export onnx --task text-classification`";
    assert!(error.starts_with(&begin) && error.ends_with(end), "{error}");
}

#[test]
fn unknown_keys_are_errors_with_what_was_meant() {
    check(
        "lisen: 127.0.0.1:1\nzzz: 1\n",
        &[
            "1:1 \"lisen\" unknown key `lisen` -> did you mean `listen`?",
            "2:1 \"zzz\" unknown key `zzz` -> `portcullis config schema` has all keys, as docs/CONFIGURATION.md does",
        ],
    );
    check(
        "sessions: { idle_timout: 1s }\nservers:\n  a:\n    comand: [x]\n    command: [x]\n",
        &[
            "1:13 \"idle_timout\" unknown key `idle_timout` -> did you mean `idle_timeout`?",
            "4:5 \"comand\" unknown key `comand` -> did you mean `command`?",
        ],
    );
    check(
        "guardrails:\n- name: a\n  policy: { fil: x }\n",
        &["3:13 \"fil\" unknown key `fil` -> did you mean `file`?"],
    );
    check(
        "guardrails:\n- name: a\n  enabled: true\n  script: b\n",
        &[
            "2:3 \"name: a\" `policy` is missing",
            "4:3 \"script\" unknown key `script` -> known here: `name`, `policy`, `action`, `on_failure`, `enabled`, `servers`, `clients`",
        ],
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    check(
        concat!(
            "listen: localhost\n",
            "allowed_hosts: [\"a b\", ok.example]\n",
            "allowed_origins: [https://a.example/, \"null\"]\n",
            "sessions: { idle_timeout: 30, max_sessions: 0, key: { header: a, meta: b } }\n",
            "streams: { keep_alive: 0s, request_timeout: 2d }\n",
            "gateway: { allowed_upstreams: [ftp://a, \"http://a:1:*\"] }\n",
        ),
        &[
            "1:9 \"localhost\" `localhost` is not an IP address and a port -> write it as `127.0.0.1:8787` or `[::1]:8787`",
            "2:17 \"\\\"a b\\\"\" `a b`: expected `host` or `host:port`",
            "3:19 \"https://a.example/\" `https://a.example/` is not an origin -> write it as browsers do: `https://app.example`, without a path",
            "3:39 \"\\\"null\\\"\" `null` is not an origin -> write it as browsers do: `https://app.example`, without a path",
            "4:27 \"30\" expected a duration such as `500ms`, `30s`, `15m` or `12h`, found a number",
            "4:45 \"0\" `0` is out of range -> it is 1 at least; without the key there is a default",
            "4:53 \"{\" expected either `header` or `meta`",
            "5:24 \"0s\" `0s`: expected more than nothing and at most a year",
            "5:45 \"2d\" `2d`: expected a number and one of `ms`, `s`, `m`, `h`, such as `30s`",
            "6:32 \"ftp://a\" `ftp://a`: expected `http://host`, or the same with `https`, `:port` or `:*`",
            "6:41 \"\\\"http://a:1:*\\\"\" `http://a:1:*`: expected `http://host`, or the same with `https`, `:port` or `:*`",
        ],
    );
}

fn check_server(server: &str, expected: &[&str]) {
    let yaml = format!("servers: {{ s: {server} }}\n");
    let errors = errors(&yaml);
    let messages: Vec<&str> = errors
        .iter()
        .map(|error| error.split_once("\" ").unwrap().1)
        .collect();
    assert_eq!(messages, expected, "{server}");
}

#[test]
fn servers_are_commands_or_urls_with_their_own_keys() {
    let check = check_server;
    check("{}", &["a server has a `command` or a `url`"]);
    check(
        "{ command: x, url: \"http://a\" }",
        &["a server has either a `command` or a `url`"],
    );
    check(
        "{ command: x, headers: { a: b } }",
        &["`headers` is for servers with a `url`"],
    );
    check(
        "{ url: \"http://a\", env: { a: b }, cwd: x, args: [] }",
        &[
            "`env` is for servers with a `command`",
            "`cwd` is for servers with a `command`",
            "`args` is for servers with a `command`",
        ],
    );
    check(
        "{ command: [x], args: [y] }",
        &["`args` is for a `command` without arguments"],
    );
    check(
        "{ command: npx -y x }",
        &[
            "a program with blanks in its name -> write a program and its arguments as a list: `[npx, -y, name]`",
        ],
    );
    check("{ command: [] }", &["no program is given"]);
    check("{ command: \"\" }", &["no program is given"]);
}

#[test]
fn urls_headers_and_variables_of_servers_are_checked() {
    let check = check_server;
    let help = "write it as `https://host/path` or `http://localhost:3000/path`";
    let not = |wrong: &str| format!("not a URL of a server: {wrong} -> {help}");
    check(
        "{ url: a }",
        &[&not("it begins with neither `http://` nor `https://`")],
    );
    check(
        "{ url: \"file:///a\" }",
        &[&not("the scheme is neither `http` nor `https`")],
    );
    check(
        "{ url: \"http://u:p@a/\" }",
        &[&not("credentials belong in `headers`")],
    );
    check(
        "{ url: \"http://a/#f\" }",
        &[&not("a fragment is never sent")],
    );
    check(
        "{ url: \"http://a\", headers: { Host: a, \"a b\": c, x: \"a\\nb\", y: \"${NOPE}\" } }",
        &[
            "`host` is set by the gateway itself",
            "`a b` is no name of a header",
            "the value has characters that no header may have",
            "the environment has no variable `NOPE`",
        ],
    );
    check(
        "{ url: \"http://a\", forward_headers: [mcp-session-id, authorization] }",
        &["`mcp-session-id` is set by the gateway itself"],
    );
    check(
        "{ command: x, env: { \"A=B\": c, OPEN: \"${TOKEN\" } }",
        &["no environment can have this variable", "`${` has no `}`"],
    );
    check(
        "{ command: x, allow_methods: [vendor/do, tools/call, \"a b\", \"\"] }",
        &[
            "`tools/call` is a method of the MCP specification and passes without this",
            "no method has such a name",
            "no method has such a name",
        ],
    );
    let long = "x".repeat(65);
    for name in ["a b", "ü", "a/b", &long] {
        let yaml = format!("servers: {{ \"{name}\": {{ command: x }} }}\n");
        assert!(errors(&yaml)[0].contains("is no name of a server -> use 1 to 64"));
    }
}

#[test]
fn addresses_of_databases_have_a_scheme_that_is_known_and_a_host() {
    let hint = "give `postgres://user:password@host/database`, or the path of a file";
    for (url, named) in [
        ("mysql://me:hunter2@db/x", "mysql://db/x"),
        ("postgres:///x", "postgres:///x"),
        ("postgres://me:hunter2@/x", "postgres:///x"),
        ("sqlite:/var/lib/x.db", "sqlite:/var/lib/x.db"),
        ("SQLite:x.db", "SQLite:x.db"),
    ] {
        check(
            &format!("store: {{ url: {url} }}\n"),
            &[&format!(
                "1:15 {url:?} `{named}` is not the address of a database -> {hint}"
            )],
        );
    }
}

#[test]
fn guardrails_have_a_name_a_policy_and_servers_that_exist() {
    check(
        "guardrails:\n- policy: \"\"\n- name: a\n",
        &[
            "2:3 \"policy: \\\"\\\"\" `name` is missing",
            "3:3 \"name: a\" `policy` is missing",
        ],
    );
    check(
        concat!(
            "servers: { files: { command: x } }\n",
            "guardrails:\n",
            "- { name: a, policy: \"\", servers: [file] }\n",
            "- { name: a, policy: \"\", clients: [] }\n",
        ),
        &[
            "3:22 \"\\\"\\\"\" the policy has no rule, so that it would guard nothing",
            "3:36 \"file\" no server is named `file` -> did you mean `files`?",
            "4:11 \"a\" two guardrails are named `a`",
            "4:22 \"\\\"\\\"\" the policy has no rule, so that it would guard nothing",
            "4:35 \"[\" the guardrail would guard nothing -> leave the key out to guard all, or say `enabled: false`",
        ],
    );
    let missing = errors("guardrails: [{ name: a, policy: { file: no.inv } }]\n");
    assert!(
        missing[0].starts_with("1:41 \"no.inv\" the policy `conf/no.inv` cannot be read: "),
        "{missing:?}"
    );
}

#[test]
fn errors_of_policies_are_placed_in_the_file() {
    let header = "guardrails:\n- name: a\n  policy: ";
    let unknown = "unknown name `nope`";
    let check = |policy: &str, place: &str| {
        let errors = errors(&format!("{header}{policy}"));
        assert!(errors[0].starts_with(place), "{policy}: {errors:?}");
    };
    let body = "    (m: Message)\n      nope(m)\n";
    check(&format!("|\n    raise \"a\" if:\n  {body}"), "6:7 \"nope\"");
    check(
        &format!("|\n\n    # a comment\n\n    raise \"a\" if:\n  {body}"),
        "9:7 \"nope\"",
    );
    check("'raise \"a\" if: nope()'\n", "3:26 \"nope()\"");
    let folded = errors(&format!("{header}\"raise 'a' if:\\n    nope()\\n\"\n"));
    assert!(
        folded[0].contains("line 2 of the policy: "),
        "{unknown}: {folded:?}"
    );
}

#[test]
fn errors_of_policy_files_are_about_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("portcullis.yaml");
    fs::write(
        directory.path().join("bad.inv"),
        "raise \"a\" if:\n    nope()\n",
    )
    .unwrap();
    let yaml = "guardrails:\n- { name: a, policy: { file: bad.inv } }\n- { name: b, policy: { file: bad.inv } }\n";
    let Err(ConfigError::Invalid(files)) = read_at(&path, yaml) else {
        panic!("the policy loads");
    };
    assert_eq!(files.len(), 1, "the same errors are said once");
    assert_eq!(files[0].path, directory.path().join("bad.inv"));
    assert!(shown(&files)[0].starts_with("2:5 \"nope\""), "{files:?}");
}

#[test]
fn what_is_logged_of_errors_is_one_line_without_secrets() {
    let yaml = "lisen: a\nservers: { a: { url: \"http://u:hunter2@a\", headers: { b: \"hunter2\\n\" } } }\n";
    let error = read(yaml).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration does not load: conf/portcullis.yaml:1:1: unknown key `lisen` (and 2 more)"
    );
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn nobody_may_ask_without_a_key_from_elsewhere() {
    check(
        "listen: 0.0.0.0:80\napi: { login: none }\n",
        &[
            "2:15 \"none\" whoever reaches 0.0.0.0:80 could read all traces -> write `keys`, or listen on `127.0.0.1`",
        ],
    );
    check(
        "listen: 0.0.0.0:80\nclients: { login: none }\n",
        &[
            "2:19 \"none\" whoever reaches 0.0.0.0:80 could use all servers -> write `keys`, or listen on `127.0.0.1`",
        ],
    );
}

#[test]
fn keys_are_not_made_without_a_key_where_clients_need_one() {
    let problem = "whoever reaches this machine could make the key that `clients.login` asks for -> write `keys` or leave it out, or write `clients: { login: none }`";
    check(
        "clients: { login: keys }\napi: { login: none }\n",
        &[&format!("2:15 \"none\" {problem}")],
    );
    check(
        "api: { login: none }\nclients: { login: keys }\n",
        &[&format!("1:15 \"none\" {problem}")],
    );
    config("clients: { login: keys }\napi: { login: keys }\n");
    config("clients: { login: none }\napi: { login: none }\n");
}

#[test]
fn no_server_gets_the_key_that_clients_log_in_with() {
    let server = "servers: { a: { url: \"http://a\", forward_headers: [x, Authorization] } }\n";
    let problem = "`authorization` has the key of the gateway, which no server may see -> give the server a credential of its own under `headers`";
    let asked = format!("{server}clients: {{ login: keys }}\n");
    let at = format!("1:55 \"Authorization\" {problem}");
    check(&asked, &[&at]);
    check(&format!("{server}listen: 0.0.0.0:80\n"), &[&at]);
    config(server);
}
