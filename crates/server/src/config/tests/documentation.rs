use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use portcullis_json::{Limits, Value, parse as parse_json};

use super::meaning::assert_same;
use super::*;
use crate::config::schema;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn document(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// The configurations that a page shows.
fn examples(page: &str) -> Vec<&str> {
    let examples = page.split("```yaml\n").skip(1);
    examples
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

/// What stands before a key, by the name of the definition that has the key.
fn prefixes() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("Server", "servers.NAME."),
        ("Guardrail", "guardrails[]."),
        ("Tools", "tools."),
        ("Store", "store."),
        ("Retention", "store.retention."),
        ("Sessions", "sessions."),
        ("Key", "sessions.key."),
        ("Streams", "streams."),
        ("Limits", "limits."),
        ("Gateway", "gateway."),
        ("Log", "log."),
        ("Clients", "clients."),
        ("Api", "api."),
        ("Detectors", "detectors."),
        ("Model", "detectors.MODEL."),
        ("Classifier", "detectors.prompt_injection.NAME."),
        ("Presidio", "detectors.presidio."),
        ("Semgrep", "detectors.semgrep."),
        ("Ocr", "detectors.ocr."),
    ])
}

/// Each key that the schema has, with its default.
fn keys() -> Vec<(String, Option<Value>)> {
    let schema = parse_json(&schema(), &Limits::strict()).unwrap();
    let prefixes = prefixes();
    let mut sections = vec![("", &schema)];
    for (name, definition) in schema
        .get("$defs")
        .and_then(Value::as_object)
        .unwrap()
        .iter()
    {
        if definition.get("properties").is_some() {
            sections.push((prefixes[&**name], definition));
        }
    }
    let mut keys = Vec::new();
    for (prefix, section) in sections {
        let properties = section.get("properties").and_then(Value::as_object);
        for (key, property) in properties.unwrap().iter() {
            keys.push((format!("{prefix}{key}"), property.get("default").cloned()));
        }
    }
    keys
}

#[test]
fn schema_in_the_repository_is_the_present_one() {
    assert_eq!(
        document("portcullis.schema.json"),
        schema(),
        "write it anew with `portcullis config schema`"
    );
}

#[test]
fn every_key_is_documented_with_its_default() {
    let page = document("CONFIGURATION.md");
    let keys = keys();
    assert!(keys.len() > 35, "{keys:?}");
    for (key, default) in &keys {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{key}` |")))
            .unwrap_or_else(|| panic!("`{key}` has no row"));
        if let Some(default) = default {
            let default = default.as_str().map_or(default.to_string(), str::to_owned);
            assert_eq!(
                row.split(" | ").nth(2),
                Some(&*format!("`{default}`")),
                "{row}"
            );
        }
    }
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    assert_eq!(rows.count(), keys.len(), "each row is about a key");
}

#[test]
fn defaults_of_the_schema_are_the_defaults() {
    let mut written = 0;
    for (key, default) in keys() {
        let Some(default) = default else { continue };
        let yaml = match key.split_once('.') {
            None => format!("{key}: {default}"),
            Some(("servers" | "guardrails[]", _)) => continue,
            Some(("detectors", key)) if key.contains('.') => continue,
            Some((section, key)) => format!("{section}: {{ {key}: {default} }}"),
        };
        assert_same(&config(&yaml), &GatewayConfig::default());
        written += 1;
    }
    assert!(written > 10, "{written}");
}

#[test]
fn defaults_of_servers_and_guardrails_are_the_defaults() {
    let of = |prefix: &str| {
        let members = keys().into_iter().filter_map(|(key, default)| {
            let key = key.strip_prefix(prefix)?;
            Some(format!(", {key}: {}", default?))
        });
        members.collect::<String>()
    };
    let policy = "\"raise \\\"x\\\" if:\\n    (m: Message)\\n    m is not None\\n\"";
    let members = of("guardrails[].");
    assert_eq!(members.matches(':').count(), 3, "{members}");
    assert_same(
        &config(&format!(
            "guardrails: [{{ name: a, policy: {policy}{members} }}]"
        )),
        &config(&format!("guardrails: [{{ name: a, policy: {policy} }}]")),
    );
    let members = of("servers.NAME.").replace(", env: {}", "");
    assert_same(
        &config(&format!(
            "servers: {{ a: {{ url: \"http://a\"{members} }} }}"
        )),
        &config("servers: { a: { url: \"http://a\" } }"),
    );
}

#[test]
fn defaults_of_detectors_are_the_defaults() {
    let check = |prefix: &str, count: usize, section: &dyn Fn(&str) -> String| {
        let members = keys().into_iter().filter_map(|(key, default)| {
            let key = key.strip_prefix(prefix)?.to_owned();
            (!key.contains('.')).then_some(format!(", {key}: {}", default?))
        });
        let members: Vec<String> = members.collect();
        assert_eq!(members.len(), count, "{members:?}");
        let with = format!("detectors: {{ {} }}", section(&members.concat()));
        let without = format!("detectors: {{ {} }}", section(""));
        assert_same(&config(&with), &config(&without));
    };
    let model = |more: &str| format!("chat: {{ url: \"http://a\", model: m{more} }}");
    check("detectors.MODEL.", 3, &model);
    let named = |more: &str| format!("prompt_injection: {{ c: {{ url: \"http://a\"{more} }} }}");
    check("detectors.prompt_injection.NAME.", 2, &named);
    let presidio = |more: &str| format!("presidio: {{ url: \"http://a\"{more} }}");
    check("detectors.presidio.", 4, &presidio);
}

#[test]
fn examples_of_the_pages_load() {
    let pages = [
        ("CONFIGURATION.md", 7),
        ("GATEWAY.md", 1),
        ("../README.md", 1),
    ];
    for (name, count_min) in pages {
        let page = document(name);
        let examples = examples(&page);
        assert!(examples.len() >= count_min, "{name}");
        for example in examples {
            let config = read_at(&root().join("portcullis.yaml"), example);
            let config = config.unwrap_or_else(|error| panic!("{example}\n{error}"));
            assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        }
    }
}
