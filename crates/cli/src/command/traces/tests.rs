use anstream::adapter::strip_str;
use portcullis_json::Object;
use portcullis_store::{Durability, Entry, Location};
use portcullis_trace::record::{Action, GuardrailName, Timestamp};
use tempfile::TempDir;

use super::*;

const SESSION: &str = "0199a1b2-c3d4-7e5f-8a6b-000000000001";

fn session() -> SessionRecord {
    SessionRecord {
        id: SESSION.parse().unwrap(),
        project: None,
        name: None,
        server: "s".to_owned(),
        client: None,
        started_at: Timestamp::from_micros(1),
        metadata: Object::new(),
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
    }
}

/// A message in which something is found.
fn event(place: u64) -> EventRecord {
    let violation = ViolationRecord {
        guardrail: GuardrailName {
            id: None,
            name: "g".to_owned(),
        },
        action: Action::Log,
        message: "found".to_owned(),
        arguments: Vec::new(),
        keywords: Object::new(),
        ranges: vec!["messages.0.content:0-4".to_owned()],
    };
    EventRecord {
        session: SESSION.parse().unwrap(),
        sequence: Sequence::new(place).unwrap(),
        recorded_at: Timestamp::from_micros(1),
        direction: Direction::ToServer,
        method: Some("a/method".to_owned()),
        message: None,
        events: r#"[{"role":"user","content":"said"}]"#.to_owned(),
        verdict: Verdict::Allow,
        violations: vec![violation],
        failure: None,
    }
}

/// What is shown of a session of which these messages were recorded.
fn shown(places: &[u64]) -> String {
    let directory = TempDir::new().unwrap();
    let location = Location::Sqlite(directory.path().join("traces.db"));
    let mut store = location.open(Durability::Relaxed).unwrap();
    let mut entries = vec![Entry::from(session())];
    entries.extend(places.iter().map(|place| event(*place).into()));
    store.write(&entries).unwrap();
    let summary = store.session(SESSION).unwrap();
    let mut out = Vec::new();
    write_header(&mut out, &summary).unwrap();
    let written = write_events(&mut out, store.as_mut(), &summary.session, |_| true);
    assert!(written.is_ok());
    strip_str(str::from_utf8(&out).unwrap()).to_string()
}

#[test]
fn behind_a_gap_it_is_not_known_what_findings_are_about() {
    let check = |places: &[u64], heading: &str, numbers: &[&str], underlined: usize| {
        let shown = shown(places);
        assert!(shown.contains(heading), "{shown}");
        let lines = shown.lines().filter(|line| line.contains("a/method"));
        let told: Vec<&str> = lines
            .map(|line| line.split("allow").nth(1).unwrap().trim())
            .collect();
        assert_eq!(told, numbers, "{shown}");
        assert_eq!(shown.matches("^^^^").count(), underlined, "{shown}");
        assert_eq!(
            shown.matches("messages.0.content:0-4").count(),
            places.len()
        );
    };
    let whole = "3 (numbered as recorded; findings count as `messages.N` does)\n";
    let numbers = ["messages.0", "messages.1", "messages.2"];
    check(&[1, 2, 3], whole, &numbers, 3);
    let broken = "3 (numbered as recorded; findings count what was lost too)\n  lost      1 ";
    check(&[1, 3, 4], broken, &["messages.0", "", ""], 1);
    check(&[2, 3, 4], broken, &["", "", ""], 0);
}
