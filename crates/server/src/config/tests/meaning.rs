use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use portcullis_json::{Limits, Value, parse as parse_json};
use portcullis_mcp::UnknownMeta;
use portcullis_session::{GuardrailAction, RefusalStyle, SamplingContext};
use portcullis_store::{Durability, Location};
use url::Url;

use super::*;
use crate::config::inputs::Inputs;
use crate::config::{
    AllowedUpstreams, Authority, ClassifierConfig, ConversationKey, HttpTransport, LogFormat,
    Login, Only, RetentionConfig, ServerConfig, ServerName,
};

/// Two configurations that say the same look the same, but for the files that said it.
pub(super) fn assert_same(left: &GatewayConfig, right: &GatewayConfig) {
    let shown = |config: &GatewayConfig| {
        let config = GatewayConfig {
            inputs: Inputs::default(),
            ..config.clone()
        };
        format!("{config:#?}")
    };
    assert_eq!(shown(left), shown(right));
}

#[test]
fn empty_file_is_the_default() {
    for yaml in [
        "",
        "# nothing\n",
        "{}",
        "---\n",
        "servers:\nguardrails:\nlisten:\n",
    ] {
        assert_same(&config(yaml), &GatewayConfig::default());
    }
    let default = GatewayConfig::default();
    assert_eq!(default.listen.to_string(), "127.0.0.1:8787");
    assert_eq!(default.limits.message_bytes.get(), 16_777_216);
    assert_eq!(default.sessions.max_sessions.get(), 1000);
    assert_eq!(default.sessions.max_sessions_per_principal.get(), 100);
}

#[test]
fn every_setting_arrives() {
    let config = config(concat!(
        "listen: \"[::1]:80\"\n",
        "allowed_hosts: [Gateway.Example, \"a.example:8443\"]\n",
        "allowed_origins: [\"https://app.example\", \"http://localhost:3000\"]\n",
        "data_directory: data\n",
        "durability: strict\n",
        "refusal: error\n",
        "sessions: { idle_timeout: 90s, max_age: 1h, max_sessions: 5, max_sessions_per_principal: 2, key: { meta: a/b } }\n",
        "streams: { keep_alive: 500ms, request_timeout: 2m }\n",
        "limits: { message_bytes: 1024, unknown_meta: refuse, sampling_context: withhold }\n",
        "gateway: { enabled: false }\n",
        "log: { format: json, level: warn }\n",
        "clients: { login: keys }\n",
        "api: { login: keys }\n",
        "store: { url: traces.db, retention: { max_age: 720h, max_bytes: 1000 } }\n",
    ));
    assert_eq!(config.listen.to_string(), "[::1]:80");
    let hosts: Vec<String> = config
        .allowed_hosts
        .iter()
        .map(Authority::to_string)
        .collect();
    assert_eq!(hosts, ["gateway.example", "a.example:8443"]);
    let origins = config.allowed_origins.iter();
    let origins: Vec<String> = origins.map(url::Origin::ascii_serialization).collect();
    assert_eq!(origins, ["https://app.example", "http://localhost:3000"]);
    assert_eq!(config.data_directory, Some(PathBuf::from("conf/data")));
    assert_eq!(config.durability, Durability::Strict);
    assert_eq!(config.refusal, RefusalStyle::Error);
    assert_eq!(config.sessions.idle_timeout, Duration::from_secs(90));
    assert_eq!(config.sessions.max_age, Duration::from_hours(1));
    assert_eq!(config.sessions.max_sessions.get(), 5);
    assert_eq!(config.sessions.max_sessions_per_principal.get(), 2);
    assert_eq!(config.sessions.key, ConversationKey::Meta("a/b".to_owned()));
    assert_eq!(config.streams.keep_alive, Duration::from_millis(500));
    assert_eq!(config.streams.request_timeout, Duration::from_mins(2));
    assert_eq!(config.limits.message_bytes.get(), 1024);
    assert_eq!(config.limits.unknown_meta, UnknownMeta::Refuse);
    assert_eq!(config.limits.sampling_context, SamplingContext::Withhold);
    assert_eq!(config.invariant_routes, None);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.log.level, tracing::Level::WARN);
    assert_eq!(config.clients.login, Some(Login::Keys));
    assert_eq!(config.api.login, Some(Login::Keys));
    let beside = Location::Sqlite(PathBuf::from("conf/traces.db"));
    assert_eq!(config.store.location, Some(beside));
    let retention = RetentionConfig {
        max_age: Some(Duration::from_hours(720)),
        max_bytes: NonZeroU64::new(1000),
    };
    assert_eq!(config.store.retention, retention);
}

#[test]
fn detectors_are_asked_where_they_are_configured() {
    let detectors = config(concat!(
        "detectors:\n",
        "  patience: 5s\n",
        "  cache_entries: 7\n",
        "  chat: { url: \"https://a.example/v1\", model: m, api_key: \"${TOKEN}\", timeout: 1s, retries: 0, concurrency: 3 }\n",
        "  moderation: { url: \"https://a.example/v1\" }\n",
        "  prompt_injection: { x: { url: \"http://b.example/p\", labels: [BAD] } }\n",
        "  semgrep: { program: /bin/sh, python_rules: /r.yaml }\n",
        "  ocr: { program: /bin/sh, languages: eng+deu, timeout: 3s, concurrency: 1 }\n",
    ))
    .detectors;
    assert_eq!(detectors.patience, Duration::from_secs(5));
    assert_eq!(detectors.cache_entries.get(), 7);
    let chat = detectors.chat.as_ref().unwrap();
    assert_eq!((chat.model.as_str(), chat.service.retries), ("m", 0));
    assert_eq!(chat.service.timeout, Duration::from_secs(1));
    assert_eq!(chat.service.concurrency.get(), 3);
    let (name, key) = chat.service.headers.first().unwrap();
    assert_eq!(name, http::header::AUTHORIZATION);
    assert!(key.is_sensitive() && key.to_str().unwrap().starts_with("Bearer "));
    assert!(!format!("{detectors:?}").contains(key.to_str().unwrap()));
    assert_eq!(detectors.moderation.as_ref().unwrap().model, None);
    let ClassifierConfig::Service(classifier) = &detectors.prompt_injection["x"] else {
        panic!("{detectors:?}");
    };
    assert_eq!(classifier.labels, ["BAD"]);
    let semgrep = detectors.semgrep.as_ref().unwrap();
    assert_eq!(semgrep.program.program, PathBuf::from("/bin/sh"));
    assert_eq!(
        (&*semgrep.python_rules, &*semgrep.bash_rules),
        ("/r.yaml".as_ref(), "r/bash".as_ref())
    );
    let ocr = detectors.ocr.as_ref().unwrap();
    assert_eq!(
        (ocr.languages.as_str(), ocr.program.timeout.as_secs()),
        ("eng+deu", 3)
    );
}

#[test]
fn models_in_folders_are_loaded_with_their_labels() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("m")).unwrap();
    tiny::write_folder(&directory.path().join("m"));
    let path = directory.path().join("c.yaml");
    let loaded = |more: &str| {
        let yaml = format!("detectors: {{ prompt_injection: {{ c: {{ folder: m{more} }} }} }}\n");
        let detectors = read_at(&path, &yaml).unwrap().detectors;
        assert!(!detectors.has_services());
        match &detectors.prompt_injection["c"] {
            ClassifierConfig::Folder(folder) => folder.clone(),
            ClassifierConfig::Service(service) => panic!("{service:?}"),
        }
    };
    let plain = loaded("");
    assert_eq!(plain.labels, [1]);
    assert_eq!((plain.timeout.as_secs(), plain.concurrency.get()), (10, 2));
    let other = loaded(", labels: [SAFE, INJECTION], timeout: 1s, concurrency: 5");
    assert_eq!(other.labels, [0, 1]);
    assert_eq!((other.timeout.as_secs(), other.concurrency.get()), (1, 5));
    assert!(
        !format!("{other:?}").contains("weather"),
        "words of a model"
    );
}

#[test]
fn what_others_can_reach_asks_for_a_key() {
    let check = |yaml: &str, address: &str, expected: Login| {
        let address = address.parse().unwrap();
        let api = config(&format!("api: {yaml}")).api_login_at(address);
        let clients = config(&format!("clients: {yaml}"));
        let clients = clients.clients.login_at(address);
        assert_eq!((api, clients), (expected, expected), "{yaml} at {address}");
    };
    check("", "127.0.0.1:1", Login::None);
    check("", "[::1]:1", Login::None);
    check("", "0.0.0.0:1", Login::Keys);
    check("{ login: keys }", "127.0.0.1:1", Login::Keys);
    check("{ login: none }", "127.0.0.1:1", Login::None);
    check("{ login: none }", "192.0.2.1:1", Login::Keys);
}

#[test]
fn traces_are_as_closed_as_the_servers_or_more() {
    let check = |yaml: &str, expected: Login| {
        let config = config(yaml);
        assert_eq!(config.api_login_at(config.listen), expected, "{yaml}");
    };
    check("clients: { login: keys }", Login::Keys);
    check("clients: { login: none }", Login::None);
    check(
        "clients: { login: none }\napi: { login: keys }",
        Login::Keys,
    );
    // However a configuration came about.
    let mut config = config("clients: { login: keys }");
    config.api.login = Some(Login::None);
    assert_eq!(config.api_login_at(config.listen), Login::Keys);
}

#[test]
fn store_may_be_elsewhere_and_its_password_in_the_environment() {
    let config = config("store: { url: \"postgres://me:${TOKEN}@db.example/traces\" }");
    let Some(Location::Postgres(url)) = &config.store.location else {
        panic!("{config:?}");
    };
    assert!(
        url.starts_with("postgres://me:") && !url.contains("TOKEN"),
        "{url}"
    );
    assert!(format!("{config:?}").contains("postgres://db.example/traces"));
    assert!(!format!("{config:?}").contains(url));
}

#[test]
fn stdio_servers_get_a_small_environment_and_what_is_added() {
    let written = [
        "{ command: [npx, -y, \"@a/b\"], env: { TOKEN: \"t=${TOKEN}\" }, cwd: work }",
        "{ command: npx, args: [-y, \"@a/b\"], env: { TOKEN: \"t=${TOKEN}\" }, cwd: work }",
    ];
    for server in written {
        let config = config(&format!("servers: {{ s: {server} }}"));
        let Some(ServerConfig::Stdio(server)) = config.servers.get("s") else {
            panic!("{config:?}");
        };
        assert_eq!(server.command.program, "npx");
        assert_eq!(server.command.arguments, ["-y", "@a/b"]);
        assert_eq!(server.directory, Some(PathBuf::from("conf/work")));
        let environment = server.environment.iter();
        let environment: Vec<(&str, &str)> = environment
            .map(|(name, value)| (name.as_str(), value.expose()))
            .collect();
        let expected = [("HOME", "/home/u"), ("PATH", "/bin"), ("TOKEN", "t=s3cret")];
        assert_eq!(environment, expected);
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}

#[test]
fn stdio_servers_inherit_these_variables_and_no_others() {
    let all_are_set = |name: &str| Some(format!("the {name}"));
    let config = parse(
        Path::new("c.yaml"),
        "servers: { s: { command: x } }".to_owned(),
        &all_are_set,
        &Models::default(),
        Named::Any,
    );
    let config = config.0.unwrap();
    let Some(ServerConfig::Stdio(server)) = config.servers.get("s") else {
        panic!("{config:?}");
    };
    let names: Vec<&str> = server.environment.keys().map(String::as_str).collect();
    let expected = [
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "LOGNAME",
        "PATH",
        "SHELL",
        "TERM",
        "TMPDIR",
        "TZ",
        "USER",
        "XDG_RUNTIME_DIR",
    ];
    assert_eq!(names, expected);
}

#[test]
fn http_servers_have_a_url_and_headers() {
    let config = config(concat!(
        "servers:\n",
        "  a: { url: \"https://example.com/mcp?x=1\" }\n",
        "  b:\n",
        "    url: http://localhost:1/sse\n",
        "    transport: sse\n",
        "    headers: { X-Api-Key: \"${TOKEN}\" }\n",
        "    forward_headers: [Authorization]\n",
    ));
    let server = |name: &str| match config.servers.get(name) {
        Some(ServerConfig::Http(server)) => server.clone(),
        other => panic!("{other:?}"),
    };
    let a = server("a");
    assert_eq!(a.url.as_str(), "https://example.com/mcp?x=1");
    assert_eq!(a.transport, HttpTransport::StreamableHttp);
    assert!(a.headers.is_empty() && a.forward_headers.is_empty());
    let b = server("b");
    assert_eq!(b.transport, HttpTransport::Sse);
    assert_eq!(b.headers[0].0, "x-api-key");
    assert_eq!(b.headers[0].1, "s3cret");
    assert_eq!(b.forward_headers, ["authorization"]);
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn guardrails_come_out_compiled_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("p.inv"), POLICY).unwrap();
    let yaml = format!(
        "servers: {{ s: {{ command: x }}, t: {{ command: x }} }}\nguardrails:\n- name: z\n  policy: |\n    {}- name: off\n  policy: {{ file: p.inv }}\n  enabled: false\n- {{ name: a, policy: {{ file: p.inv }}, action: log, on_failure: log, servers: [s], clients: [cursor] }}\n",
        POLICY.replace('\n', "\n    ").trim_end_matches(' '),
    );
    let config = read_at(&directory.path().join("c.yaml"), &yaml).unwrap();
    let names = config.guardrails.iter();
    let names: Vec<&str> = names
        .map(|scoped| scoped.guardrail.name.name.as_str())
        .collect();
    assert_eq!(names, ["z", "a"]);
    let [all, some] = &config.guardrails[..] else {
        panic!("{config:?}");
    };
    assert_eq!(all.guardrail.on_violation, GuardrailAction::Block);
    assert_eq!(all.guardrail.on_failure, GuardrailAction::Block);
    assert_eq!((&all.servers, &all.clients), (&Only::All, &Only::All));
    assert_eq!(some.guardrail.on_violation, GuardrailAction::Log);
    assert_eq!(some.guardrail.on_failure, GuardrailAction::Log);
    assert_eq!(
        some.clients,
        Only::These(BTreeSet::from(["cursor".to_owned()]))
    );
    let name = |name: &str| ServerName::new(name).unwrap();
    assert!(all.guards(Some(&name("t")), None));
    assert!(some.guards(Some(&name("s")), Some("cursor")));
    assert!(!some.guards(Some(&name("t")), Some("cursor")));
    assert!(!some.guards(Some(&name("s")), Some("Cursor")));
    assert!(!some.guards(Some(&name("s")), None));
}

#[test]
fn a_guardrail_that_is_not_in_force_may_have_no_rule_yet() {
    let config = config("guardrails: [{ name: a, policy: \"\", enabled: false }]\n");
    assert!(config.guardrails.is_empty());
}

#[test]
fn warnings_of_policies_are_kept() {
    let yaml = "guardrails:\n- name: a\n  policy: |\n    raise \"a\" if:\n        (m: Message)\n";
    let config = config(yaml);
    let warnings = shown(&config.warnings);
    assert!(!warnings.is_empty());
    assert!(
        warnings.iter().all(|line| line.contains(" warning: ")),
        "{warnings:?}"
    );
}

#[test]
fn who_is_asked_is_not_said_while_that_may_be_wrong() {
    let guardrails = "guardrails:
- name: mod
  policy: |
    from invariant.detectors import moderated
    raise \"x\" if:
        (m: Message)
        moderated(m)
";
    let told = shown(&config(guardrails).warnings);
    assert_eq!(told.len(), 1, "{told:?}");
    // What is not read for its error may be who is asked.
    let wrong = format!("detectors: {{ moderation: {{ url: a }} }}\n{guardrails}");
    let Err(ConfigError::Invalid(files)) = read(&wrong) else {
        panic!("the URL is taken");
    };
    let told = shown(&files);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("1:33 \"a\" not a URL"), "{told:?}");
}

#[test]
fn parameters_are_any_json() {
    let config = config(
        "parameters:\n  n: 12345678901234567890123\n  f: 1.5\n  hex: 0xff\n  t: \"8080\"\n  list: [a, null, true, { k: -1 }]\n  none:\n",
    );
    let expected = r#"{"n":12345678901234567890123,"f":1.5,"hex":255,"t":"8080","list":["a",null,true,{"k":-1}],"none":null}"#;
    let expected = parse_json(expected, &Limits::strict()).unwrap();
    assert_eq!(Value::from(config.parameters), expected);
}

#[test]
fn anchors_and_merges_are_yaml() {
    let config = config(
        "servers:\n  a: &a { url: \"http://a\", transport: sse }\n  b: *a\n  c: { <<: *a, url: \"http://c\" }\n",
    );
    assert_eq!(config.servers.get("a"), config.servers.get("b"));
    let Some(ServerConfig::Http(c)) = config.servers.get("c") else {
        panic!("{config:?}");
    };
    assert_eq!(
        (c.url.as_str(), c.transport),
        ("http://c/", HttpTransport::Sse)
    );
}

#[test]
fn upstreams_are_admitted_by_scheme_host_and_port() {
    let check = |yaml: &str, url: &str, expected: bool| {
        let config = config(&format!("gateway: {yaml}\n"));
        let upstreams = config.invariant_routes.unwrap();
        assert_eq!(
            upstreams.admits(&Url::parse(url).unwrap()),
            expected,
            "{yaml} {url}"
        );
    };
    let default = AllowedUpstreams::default();
    assert_eq!(default, config("gateway: {}").invariant_routes.unwrap());
    for loopback in [
        "http://localhost",
        "https://LOCALHOST:1/x",
        "http://127.8.0.1",
        "http://[::1]:9/",
    ] {
        check("{}", loopback, true);
    }
    for other in [
        "http://localhost.example",
        "http://10.0.0.1",
        "ftp://localhost",
        "http://[::2]",
    ] {
        check("{}", other, false);
    }
    let one = "{ allowed_upstreams: [\"https://a.example\"] }";
    check(one, "https://a.example/x", true);
    check(one, "https://a.example:443", true);
    check(one, "https://a.example:444", false);
    check(one, "http://a.example:443", false);
    check(one, "https://b.a.example", false);
    check(one, "http://localhost", false);
    let any = "{ allowed_upstreams: [\"http://a.example:*\", \"http://[::1]:5\"] }";
    check(any, "http://a.example:7", true);
    check(any, "http://a.example", true);
    check(any, "http://[::1]:5", true);
    check(any, "http://[::1]:6", false);
    check("{ allowed_upstreams: [] }", "http://localhost", false);
}

#[test]
fn authorities_without_a_port_admit_any() {
    let check = |allowed: &str, named: &str, expected: bool| {
        let authority = |text: &str| text.parse::<Authority>().unwrap();
        assert_eq!(
            authority(allowed).admits(&authority(named)),
            expected,
            "{allowed} {named}"
        );
    };
    check("a.example", "A.EXAMPLE", true);
    check("a.example", "a.example:1", true);
    check("a.example:1", "a.example:1", true);
    check("a.example:1", "a.example", false);
    check("a.example", "b.example", false);
    check("[::1]", "[::1]:80", true);
    check("127.0.0.1", "127.0.0.1:80", true);
    for wrong in [
        "", ":1", "a:", "a:+1", "a:65536", "a/b", "a b", "::1", "u@a", "http://a",
    ] {
        assert!(wrong.parse::<Authority>().is_err(), "{wrong}");
    }
}

#[test]
fn what_variables_bring_to_the_user_of_a_store_is_taken_as_it_is() {
    let environment = |name: &str| match name {
        "PASSWORD" => Some("p@ss/%41 #".to_owned()),
        "USER_AND_PASSWORD" => Some("me:p@ss:w".to_owned()),
        "ADDRESS" => Some("db.example:5433".to_owned()),
        "STORE" => Some("postgres://me:p%40@db/x".to_owned()),
        _ => None,
    };
    let location = |url: &str| {
        let yaml = format!("store: {{ url: \"{url}\" }}\n");
        let read = parse(
            Path::new("c.yaml"),
            yaml,
            &environment,
            &Models::default(),
            Named::Any,
        )
        .0;
        read.unwrap().store.location
    };
    let check = |url: &str, expected: &str| {
        let expected = Some(Location::Postgres(expected.to_owned()));
        assert_eq!(location(url), expected, "{url}");
    };
    check(
        "postgres://me:${PASSWORD}@${ADDRESS}/x",
        "postgres://me:p%40ss%2F%2541%20%23@db.example:5433/x",
    );
    check("${STORE}", "postgres://me:p%40@db/x");
    let both = "${USER_AND_PASSWORD}";
    check(
        &format!("postgres://{both}@db/x"),
        "postgres://me:p%40ss%3Aw@db/x",
    );
    check(
        &format!("postgres://you:{both}@db/x"),
        "postgres://you:me%3Ap%40ss%3Aw@db/x",
    );
}
