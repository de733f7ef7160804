//! Sessions that look like those of an agent, always the same ones.

use portcullis_json::Object;
use portcullis_store::Entry;
use portcullis_trace::record::{
    Direction, EventRecord, Implementation, Origin, Sequence, SessionId, SessionRecord, Timestamp,
    Verdict,
};

/// Events of one session.
pub(super) const EVENTS: u64 = 100;
/// Sessions of one project.
const SESSIONS_OF_PROJECT: u64 = 1000;
/// Different words; a few are frequent, most are rare.
const VOCABULARY: u64 = 50_000;
const WORDS_OF_EVENT: u64 = 30;

const STARTED: i64 = 1_767_225_600_000_000;
const MINUTE: u64 = 60_000_000;

pub(super) fn id(session: u64) -> Result<SessionId, String> {
    let text = format!("0199a1b2-c3d4-7e5f-8a6b-{session:012x}");
    text.parse().map_err(|_| format!("{text} is no session id"))
}

pub(super) fn project(session: u64) -> String {
    format!("project-{}", session / SESSIONS_OF_PROJECT)
}

/// The word that occurs in one session only.
pub(super) fn own_word(session: u64) -> String {
    format!("own{session}")
}

pub(super) fn session(number: u64) -> Result<Entry, String> {
    let mut metadata = Object::new();
    metadata.insert("source", "mcp");
    metadata.insert("score", (number % 100).cast_signed());
    Ok(Entry::Session(SessionRecord {
        id: id(number)?,
        project: Some(project(number)),
        name: None,
        server: format!("server-{}", number % 7),
        client: Some(Implementation {
            name: "editor".to_owned(),
            version: None,
        }),
        started_at: Timestamp::from_micros(STARTED + (number * MINUTE).cast_signed()),
        metadata,
        origin: Origin::Live,
        index: None,
        hierarchy_path: Vec::new(),
    }))
}

pub(super) fn event(session: u64, place: u64) -> Result<Entry, String> {
    let text = text(session, place);
    let at = STARTED + (session * MINUTE + place).cast_signed();
    Ok(Entry::Event(EventRecord {
        session: id(session)?,
        sequence: Sequence::new(place).ok_or("places count from 1")?,
        recorded_at: Timestamp::from_micros(at),
        direction: Direction::ToClient,
        method: Some("tools/call".to_owned()),
        message: Some(
            format!(
                r#"{{"jsonrpc":"2.0","id":{place},"result":{{"content":[{{"type":"text","text":"{text}"}}]}}}}"#
            )
            .into(),
        ),
        events: format!(
            r#"[{{"role":"tool","tool_call_id":"call_{place}","content":[{{"type":"text","text":"{text}"}}]}}]"#
        ),
        verdict: Verdict::Allow,
        violations: Vec::new(),
        failure: None,
    }))
}

fn text(session: u64, place: u64) -> String {
    let mut state = session * 1_000_003 + place;
    let mut words: Vec<String> = (0..WORDS_OF_EVENT)
        .map(|_| {
            // Knuth's generator; its high bits are the good ones.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let random = (state >> 33) % VOCABULARY;
            // Words near 0 are frequent. A session has about 900 different ones.
            let skewed = (0..3).fold(random, |word, _| word * random / VOCABULARY);
            format!("w{skewed}")
        })
        .collect();
    if place == 1 {
        words.push(own_word(session));
    }
    words.join(" ")
}
