//! Clients that must log in with an API key.

use portcullis_store::{ApiKey, ApiKeyId, ApiKeySecret, Store};
use portcullis_trace::record::Timestamp;

use super::gateway::{Gateway, PATH, call, eventually, initialize};
use super::http::{Answer, Headers, Request};
use super::invariant;
use super::upstream::Upstream;

const LOGIN: &str = "clients: { login: keys }\n";
const INVARIANT_KEY: &str = "INVARIANT-API-KEY";

/// A new key, and how it is called.
fn key(store: &mut dyn Store, number: u8) -> (String, ApiKeyId) {
    let secret = ApiKeySecret::from_random([number; 32]);
    let id: ApiKeyId = format!("00000000-0000-4000-8000-0000000000{number:02x}")
        .parse()
        .unwrap();
    store
        .create_api_key(&ApiKey {
            id: id.clone(),
            name: "test".to_owned(),
            hash: secret.hash(),
            created_at: Timestamp::from_micros(1),
            expires_at: None,
            revoked_at: None,
        })
        .unwrap();
    (secret.as_str().to_owned(), id)
}

fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

fn with_key(key: &str) -> Request {
    Request::new("GET", PATH).with("Authorization", &bearer(key))
}

fn challenge(answer: &Answer) -> Option<&str> {
    answer.headers.get("WWW-Authenticate")
}

/// Whether no header of what the server got has this key.
fn is_kept_from(upstream: &Upstream, key: &str) -> bool {
    let has_key = |headers: &Headers| format!("{headers:?}").contains(key);
    let received = upstream.received();
    assert!(!received.is_empty());
    !received.iter().any(|received| has_key(&received.headers))
}

#[test]
fn nobody_speaks_to_a_server_without_a_valid_key() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, LOGIN);
    let there = invariant::base(&upstream);
    let begin = initialize("2025-06-18");
    let at = |verb, path: &str| Request::new(verb, path);
    for request in [
        at("POST", PATH).saying(&begin),
        at("GET", PATH),
        at("DELETE", PATH),
        at("GET", "/servers/s/sse"),
        at("POST", "/servers/s/messages?session_id=x").saying(&call(1, "x")),
        at("GET", "/servers/unknown/sse"),
        there.saying(&begin),
        there.clone(),
        there.by("DELETE"),
        at("GET", "/api/v1/gateway/mcp/sse"),
        at("POST", "/api/v1/gateway/mcp/sse/messages/?session_id=x").saying(&call(1, "x")),
    ] {
        let refused = |request: &Request, status, challenged: Option<&str>| {
            let answer = request.send(gateway.address);
            assert_eq!(answer.status, status, "{request:?}");
            assert_eq!(challenge(&answer), challenged, "{request:?}");
            assert!(answer.body().contains("\"code\":-32000,"));
        };
        let anew = Some(r#"Bearer realm="portcullis", error="invalid_token""#);
        refused(&request, 401, Some(r#"Bearer realm="portcullis""#));
        for wrong in ["Bearer inv-0", "Bearer ", "Basic eDp5"] {
            let request = request.clone().with("Authorization", wrong);
            refused(&request, 401, anew);
        }
        let wrong = request.clone().with(INVARIANT_KEY, "inv-0");
        refused(&wrong, 401, anew);
        let twice = request.with("Authorization", "Bearer a");
        refused(&twice.with("Authorization", "Bearer b"), 400, None);
    }
    // The body is not waited for, nor is a token in the URL one.
    let query = at("POST", "/servers/s/mcp?access_token=x").saying(&"x".repeat(10_000));
    let unfinished = query.say_some(gateway.address, 400).unwrap();
    assert_eq!(Answer::read(unfinished, "POST").unwrap().status, 401);
    assert!(upstream.received().is_empty());

    let health = at("GET", "/api/v1/gateway/health").send(gateway.address);
    assert_eq!(health.status, 200);
}

#[test]
fn a_session_belongs_to_its_key_which_no_server_sees() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, LOGIN);
    let mut store = gateway.store();
    let (one, _) = key(store.as_mut(), 1);
    let (other, _) = key(store.as_mut(), 2);

    let session = gateway.open_with("2025-11-25", &with_key(&one));
    assert!(session.answer(1, "x").contains("plain"));
    let again = session.base.saying(&call(2, "x"));
    let status = |request: Request| request.send(gateway.address).status;
    assert_eq!(
        status(again.clone().but("Authorization", &bearer(&other))),
        404
    );
    assert_eq!(status(again.clone().without("Authorization")), 401);
    let otherwise = again.without("Authorization").with(INVARIANT_KEY, &one);
    assert_eq!(status(otherwise.clone()), 200);
    // The header that is only for keys is the one that counts.
    assert_eq!(status(otherwise.with("Authorization", "Bearer x")), 200);

    let base = invariant::base(&upstream)
        .with(INVARIANT_KEY, &one)
        .with("INVARIANT-X-MCP-SERVER-AUTHORIZATION", "Bearer upstream");
    let session = gateway.open_with("2025-06-18", &base);
    assert!(session.answer(1, "y").contains("plain"));
    let reached = upstream.wait_for(|received| received.tool() == Some("y"));
    let passed = reached.headers.get("Authorization");
    assert_eq!(passed, Some("Bearer upstream"));
    // With another credential for the server it is another session.
    let another = session
        .base
        .saying(&call(2, "y"))
        .but("INVARIANT-X-MCP-SERVER-AUTHORIZATION", "Bearer another");
    assert_eq!(status(another), 404);
    assert!(is_kept_from(&upstream, &one));
}

#[test]
fn limits_are_those_of_the_key_whatever_comes_with_it() {
    let upstream = Upstream::plain();
    let limits = "sessions: { max_sessions_per_principal: 2 }\n";
    let gateway = Gateway::before(&upstream, &format!("{LOGIN}{limits}"));
    let mut store = gateway.store();
    let (one, _) = key(store.as_mut(), 1);
    let (other, _) = key(store.as_mut(), 2);
    let begin = |key: &str, for_server: &str| {
        let base = invariant::base(&upstream).with(INVARIANT_KEY, key);
        let request = base
            .with("INVARIANT-X-MCP-SERVER-TOKEN", for_server)
            .saying(&initialize("2025-06-18"));
        request.send(gateway.address).status
    };
    assert_eq!(begin(&one, "a"), 200);
    assert_eq!(begin(&one, "b"), 200);
    assert_eq!(begin(&one, "c"), 429);
    assert_eq!(begin(&other, "a"), 200);
}

#[test]
fn a_revoked_key_opens_nothing_a_moment_later() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, LOGIN);
    let mut store = gateway.store();
    let (one, id) = key(store.as_mut(), 1);
    let session = gateway.open_with("2025-11-25", &with_key(&one));
    assert!(session.answer(1, "x").contains("plain"));

    let now = Timestamp::from_micros(2);
    assert!(store.revoke_api_key(&id, now).unwrap());
    eventually("a revoked key still opens", || {
        session.call(2, "x").status == 401
    });
    let begin = with_key(&one).saying(&initialize("2025-11-25"));
    assert_eq!(begin.send(gateway.address).status, 401);
}

#[test]
fn a_key_that_has_expired_opens_nothing() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, LOGIN);
    let secret = ApiKeySecret::from_random([1; 32]);
    let expired = ApiKey {
        id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
        name: "test".to_owned(),
        hash: secret.hash(),
        created_at: Timestamp::from_micros(1),
        expires_at: Some(Timestamp::from_micros(2)),
        revoked_at: None,
    };
    gateway.store().create_api_key(&expired).unwrap();
    let begin = with_key(secret.as_str()).saying(&initialize("2025-11-25"));
    let answer = begin.send(gateway.address);
    assert_eq!(answer.status, 401);
    let challenged = challenge(&answer).unwrap();
    assert!(
        challenged.contains(r#"error="invalid_token""#),
        "{challenged}"
    );
}

#[test]
fn while_the_store_cannot_be_asked_no_key_is_taken_for_wrong() {
    let upstream = Upstream::plain();
    let away = format!("{LOGIN}store: {{ url: /dev/null/traces.db }}\n");
    let gateway = Gateway::before(&upstream, &away);
    let begin = with_key("inv-0").saying(&initialize("2025-11-25"));
    let answer = begin.send(gateway.address);
    assert_eq!((answer.status, challenge(&answer)), (503, None));
    assert!(upstream.received().is_empty());
}

#[test]
fn logging_in_can_be_asked_for_while_the_gateway_runs() {
    let upstream = Upstream::plain();
    let gateway = Gateway::before(&upstream, "");
    let session = gateway.open();
    gateway.configure(LOGIN);
    eventually("no key is asked for", || session.call(1, "x").status == 401);
}
