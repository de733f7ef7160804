//! Guardrails of a project, as policies.

use super::explorer::{Explorer, at, length, text, texts};
use crate::serve::http::Request;

const LIST: &str = "/api/v1/dataset/byuser/developer/p/policy";

fn dataset(explorer: &Explorer) -> String {
    let made = explorer.post("/api/v1/dataset/create", r#"{"name":"p"}"#);
    format!("/api/v1/dataset/{}/policy", text(&made, "id"))
}

#[test]
fn a_policy_is_made_listed_changed_and_deleted() {
    let explorer = Explorer::start("");
    let path = dataset(&explorer);
    let made = explorer.post(&path, r#"{"name":"n","policy":"raise 1"}"#);
    assert_eq!(length(&made, "extra_metadata.policies"), 1);
    let listed = explorer.get(LIST);
    let policy = at(&listed, "policies.0");
    assert_eq!(text(policy, "name"), "n");
    assert_eq!(text(policy, "content"), "raise 1");
    assert_eq!(at(policy, "enabled").as_bool(), Some(true));
    assert_eq!(text(policy, "action"), "log");
    assert_eq!(at(policy, "extra_metadata").to_string(), "{}");
    assert_eq!(text(policy, "last_updated_time").len(), 19);

    let one = format!("{path}/{}", text(policy, "id"));
    explorer.put(
        &one,
        r#"{"policy":"raise 2","action":"block","enabled":false}"#,
    );
    let listed = explorer.get(LIST);
    assert_eq!(text(&listed, "policies.0.content"), "raise 2");
    assert_eq!(text(&listed, "policies.0.action"), "block");
    assert_eq!(at(&listed, "policies.0.enabled").as_bool(), Some(false));
    assert_eq!(text(&listed, "policies.0.name"), "n");

    let after = explorer.delete(&one);
    assert_eq!(at(&after, "extra_metadata").get("policies"), None);
    let expected = (404, "Policy not found".to_owned());
    assert_eq!(explorer.refusal(Request::new("DELETE", &one)), expected);
}

#[test]
fn policies_are_for_whom_they_name() {
    let explorer = Explorer::start("");
    let path = dataset(&explorer);
    for body in [
        r#"{"name":"all","policy":"x"}"#,
        r#"{"name":"cursor","policy":"x","client_name":"cursor"}"#,
        r#"{"name":"mail","policy":"x","server_name":"mail"}"#,
    ] {
        explorer.post(&path, body);
    }
    let names = |query: &str| {
        let listed = explorer.get(&format!("{LIST}{query}"));
        texts(at(&listed, "policies"), "name")
    };
    assert_eq!(names(""), ["all", "cursor", "mail"]);
    assert_eq!(
        names("?client_name=cursor&server_name=files"),
        ["all", "cursor"]
    );
    assert_eq!(names("?client_name=zed&server_name=mail"), ["all", "mail"]);
}

#[test]
fn what_is_wrong_with_a_policy_is_said_as_there() {
    let explorer = Explorer::start("");
    let path = dataset(&explorer);
    let check = |request: Request, status: u16, expected: &str| {
        assert_eq!(explorer.refusal(request), (status, expected.to_owned()));
    };
    let post = |body: &str| Request::post(&path, body);
    check(post("{}"), 400, "Request should not be empty");
    check(
        post(r#"{"policy":"x"}"#),
        400,
        "Name must be provided and non-empty",
    );
    check(
        post(r#"{"name":"n","policy":""}"#),
        400,
        "Policy content must be provided and non-empty",
    );
    check(
        post(r#"{"name":"n","policy":1}"#),
        400,
        "Invalid Policy string",
    );
    let unknown = format!("{path}/3752ff38-da1a-4fa5-84a2-9e44a4b167ce");
    check(
        Request::post(&unknown, r#"{"name":"n"}"#).by("PUT"),
        404,
        "Policy to update not found",
    );
    check(
        Request::post(&unknown, r#"{"name":""}"#).by("PUT"),
        400,
        "Name must be non-empty if provided",
    );
}
