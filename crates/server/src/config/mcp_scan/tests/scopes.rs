//! A file as a part of the configuration of `portcullis serve`.

use std::fs;

use super::*;
use crate::config::GatewayConfig;
use crate::config::tests::shown;

const SERVERS: &str =
    "mcp_scan_guardrails: g.yml\nservers: { a: { command: x }, b: { command: x } }\n";

fn read(file: &str) -> Result<GatewayConfig, ConfigError> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.yaml");
    fs::write(&path, SERVERS).unwrap();
    fs::write(directory.path().join("g.yml"), file).unwrap();
    GatewayConfig::read(&path)
}

/// What speaks up between this client and this server when a tool answers with a link.
fn said(config: &GatewayConfig, server: Option<&str>, client: Option<&str>) -> Vec<String> {
    let server = server.map(|name| ServerName::new(name).unwrap());
    let scoped = config.guardrails.iter();
    let guards = scoped.filter(|scoped| scoped.guards(server.as_ref(), client));
    let guardrails: Vec<Guardrail> = guards.map(|scoped| scoped.guardrail.clone()).collect();
    spoken(&guardrails, &trace("t", LINK))
}

#[test]
fn each_pair_of_client_and_server_has_its_own() {
    let config = read(concat!(
        "cursor:\n",
        "  servers:\n",
        "    a: { guardrails: { links: block } }\n",
        "claude: { servers: { a: { guardrails: { links: paused } } } }\n",
    ))
    .unwrap();
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    let said = |server, client| said(&config, server, client);
    for cursor in ["cursor", "cursor-vscode"] {
        assert_eq!(
            said(Some("a"), Some(cursor)),
            ["cursor-a-links-default block"]
        );
        assert_eq!(said(Some("b"), Some(cursor)), ["cursor-links-default log"]);
        assert_eq!(said(None, Some(cursor)), ["cursor-links-default log"]);
    }
    assert_eq!(said(Some("a"), Some("claude-ai")), [""; 0]);
    assert_eq!(
        said(Some("b"), Some("claude-ai")),
        ["claude-links-default log"]
    );
    for other in [Some("other"), Some("Cursor"), None] {
        assert_eq!(said(Some("a"), other), ["links-default log"]);
        assert_eq!(said(None, other), ["links-default log"]);
    }
}

#[test]
fn client_that_the_file_names_itself_is_no_other() {
    let config = read(concat!(
        "cursor: { servers: { a: { guardrails: { links: block } } } }\n",
        "cursor-vscode: { servers: { a: { guardrails: { links: log } } } }\n",
    ))
    .unwrap();
    assert_eq!(
        said(&config, Some("a"), Some("cursor")),
        ["cursor-a-links-default block"]
    );
    assert_eq!(
        said(&config, Some("a"), Some("cursor-vscode")),
        ["cursor-vscode-a-links-default log"]
    );
}

#[test]
fn custom_guardrails_of_a_client_are_for_all_servers() {
    let custom = custom(", action: block");
    let config = read(&format!("cursor: {{ custom_guardrails: [{custom}] }}\n")).unwrap();
    for server in [Some("a"), Some("b"), None] {
        assert_eq!(
            said(&config, server, Some("cursor")),
            ["i block", "cursor-links-default log"]
        );
    }
    assert_eq!(
        said(&config, Some("a"), Some("other")),
        ["links-default log"]
    );
}

#[test]
fn servers_that_are_not_configured_are_warned_of() {
    let config =
        read("cursor: { servers: { aa: { guardrails: { links: block } }, \"x y\": } }\n").unwrap();
    assert_eq!(
        shown(&config.warnings),
        [
            "1:22 \"aa\" warning: no server is named `aa`: these guardrails judge nothing -> did you mean `a`?",
            "1:60 \"\\\"x y\\\"\" warning: no server is named `x y`: these guardrails judge nothing",
        ]
    );
    assert_eq!(
        said(&config, Some("a"), Some("cursor")),
        ["cursor-links-default log"]
    );
}

#[test]
fn errors_are_about_the_file() {
    let Err(ConfigError::Invalid(files)) =
        read("cursor: { servers: { a: { guardrails: { links: blok } } } }\n")
    else {
        panic!("the file loads");
    };
    assert!(files[0].path.ends_with("g.yml"), "{files:?}");
    assert_eq!(
        shown(&files),
        ["1:48 \"blok\" `blok` is none of `block`, `log`, `paused` -> did you mean `block`?"]
    );
}

#[test]
fn file_that_is_not_there_is_an_error_at_the_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c.yaml");
    fs::write(&path, SERVERS).unwrap();
    let Err(ConfigError::Invalid(files)) = GatewayConfig::read(&path) else {
        panic!("the configuration loads");
    };
    assert_eq!(files[0].path, path);
    assert!(
        shown(&files)[0].starts_with("1:22 \"g.yml\" the configuration `"),
        "{files:?}"
    );
}
