//! Who may ask.

use super::explorer::{Explorer, at, length, text};
use crate::client::portcullis;
use crate::serve::http::Request;

const IDENTITY: &str = "/api/v1/user/identity";
const INVALID: &str = "You must provide a valid API key.";

#[test]
fn without_a_login_everybody_here_is_the_developer() {
    let explorer = Explorer::start("");
    for request in [
        Request::new("GET", IDENTITY),
        Request::new("GET", IDENTITY).with("Authorization", "Bearer whatever"),
    ] {
        let answer = explorer.send(request);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body(), r#"{"username":"developer"}"#);
    }
}

#[test]
fn a_key_opens_what_is_closed_until_it_is_revoked() {
    let explorer = Explorer::start("");
    let made = explorer.post("/api/v1/keys/create", "");
    let key = text(&made, "key");
    assert!(key.len() == 68 && key.starts_with("inv-"), "{key}");
    explorer.gateway.configure("api: { login: keys }\n");
    crate::serve::gateway::eventually("a key is asked for", || {
        explorer.send(Request::new("GET", IDENTITY)).status == 401
    });

    let refused = |path: &str, expected: &str| {
        let (status, text) = explorer.refusal(Request::new("GET", path));
        assert_eq!((status, text.as_str()), (401, expected), "{path}");
    };
    refused(IDENTITY, "Private instance, login required");
    refused("/api/v1/keys/list", "Unauthorized request");
    refused("/api/v1/dataset/metadata/x", INVALID);
    for wrong in ["Bearer inv-0", "Bearer", &key, "Basic x"] {
        let request = Request::new("GET", IDENTITY).with("Authorization", wrong);
        assert_eq!(
            explorer.refusal(request),
            (401, INVALID.to_owned()),
            "{wrong}"
        );
    }

    let explorer = explorer.with_key(&key);
    assert_eq!(text(&explorer.get(IDENTITY), "username"), "developer");
    let keys = explorer.get("/api/v1/keys/list");
    assert_eq!(
        text(&keys, "userid"),
        "3752ff38-da1a-4fa5-84a2-9e44a4b167ce"
    );
    assert_eq!(length(&keys, "keys"), 1);
    assert_eq!(at(&keys, "keys.0.expired").as_bool(), Some(false));
    let last = text(&keys, "keys.0.hashed_key");
    assert!(last.len() == 4 && key.ends_with(&last), "{last}");
    assert_eq!(text(&keys, "keys.0.id"), text(&made, "id"));

    let path = format!("/api/v1/keys/{}", text(&made, "id"));
    assert_eq!(explorer.delete(&path).to_string(), r#"{"success":true}"#);
    let after = explorer.refusal(Request::new("GET", IDENTITY));
    assert_eq!(after, (401, INVALID.to_owned()));
}

#[test]
fn what_is_no_key_cannot_be_revoked() {
    let explorer = Explorer::start("");
    for id in ["x", "3752ff38-da1a-4fa5-84a2-9e44a4b167ce"] {
        let request = Request::new("DELETE", &format!("/api/v1/keys/{id}"));
        let expected = (404, "API key not found".to_owned());
        assert_eq!(explorer.refusal(request), expected);
    }
}

#[test]
fn nobody_asks_from_elsewhere_without_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("p.yaml");
    std::fs::write(&config, "listen: 0.0.0.0:0\napi: { login: none }\n").unwrap();
    let refused = portcullis()
        .args(["serve", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("could read all traces"), "{said}");
}
