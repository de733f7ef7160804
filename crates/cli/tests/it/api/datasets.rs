//! Projects, as datasets.

use portcullis_json::Value;

use super::explorer::{Explorer, at, length, text, texts};
use crate::serve::http::Request;

const CREATE: &str = "/api/v1/dataset/create";
const MESSAGE: &str = r#"[{"role":"user","content":"hi"}]"#;

#[test]
fn a_dataset_is_made_read_shared_and_deleted() {
    let explorer = Explorer::start("");
    let made = explorer.post(CREATE, r#"{"name":"a-1","metadata":{"topic":"x"}}"#);
    let id = text(&made, "id");
    assert_eq!(text(&made, "name"), "a-1");
    assert_eq!(text(&made, "extra_metadata.topic"), "x");
    assert_eq!(at(&made, "is_public").as_bool(), Some(false));
    assert_eq!(
        text(&made, "user_id"),
        "3752ff38-da1a-4fa5-84a2-9e44a4b167ce"
    );

    let by_id = format!("/api/v1/dataset/byid/{id}");
    let by_name = "/api/v1/dataset/byuser/developer/a-1";
    explorer.push("a-1", MESSAGE);
    for path in [by_id.as_str(), by_name] {
        let found = explorer.get(path);
        assert_eq!(text(&found, "id"), id);
        assert_eq!(at(&found, "num_traces"), &Value::from(1));
        assert_eq!(length(&found, "queries"), 3);
        assert_eq!(text(&found, "user.username"), "developer");
    }
    let public = explorer.put(&by_id, r#"{"content":true}"#);
    assert_eq!(at(&public, "is_public").as_bool(), Some(true));
    assert_eq!(
        explorer.delete(by_name).to_string(),
        r#"{"message":"Deleted"}"#
    );
    for path in [by_id.as_str(), by_name] {
        let expected = (404, "Dataset not found".to_owned());
        assert_eq!(explorer.refusal(Request::new("GET", path)), expected);
    }
}

#[test]
fn what_is_wrong_with_a_dataset_is_said_as_there() {
    let explorer = Explorer::start("");
    explorer.post(CREATE, r#"{"name":"taken"}"#);
    let check = |body: &str, expected: &str| {
        let found = explorer.refusal(Request::post(CREATE, body));
        assert_eq!(found, (400, expected.to_owned()), "{body}");
    };
    check(
        r#"{"name":"taken"}"#,
        "Dataset with the same name already exists",
    );
    check("{}", "name must be provided");
    check(r#"{"name":1}"#, "name must be a string");
    check(
        r#"{"name":"a b"}"#,
        "Dataset name can only contain A-Z, a-z, 0-9, - and _",
    );
    check(
        r#"{"name":"b","metadata":[]}"#,
        "metadata must be a dictionary",
    );
    check(
        r#"{"name":"b","is_public":1}"#,
        "is_public must be a boolean",
    );
    for path in [
        "/api/v1/dataset/byid/x",
        "/api/v1/dataset/byid/3752ff38-da1a-4fa5-84a2-9e44a4b167ce",
        "/api/v1/dataset/byuser/developer/none",
        "/api/v1/dataset/byuser/somebody/taken",
        "/api/v1/dataset/byuser/developer/none/policy",
        "/api/v1/dataset/byuser/developer/none/traces",
    ] {
        let expected = (404, "Dataset not found".to_owned());
        assert_eq!(
            explorer.refusal(Request::new("GET", path)),
            expected,
            "{path}"
        );
    }
}

#[test]
fn datasets_are_listed_by_kind_and_name() {
    let explorer = Explorer::start("");
    explorer.post(CREATE, r#"{"name":"first"}"#);
    explorer.post(CREATE, r#"{"name":"second","is_public":true}"#);
    let names = |query: &str| {
        let mut names = texts(
            &explorer.get(&format!("/api/v1/dataset/list?{query}")),
            "name",
        );
        names.sort();
        names
    };
    assert_eq!(names("kind=private"), ["first", "second"]);
    assert_eq!(names("kind=any&q=FIR"), ["first"]);
    assert_eq!(names("kind=public"), ["second"]);
    assert_eq!(names("kind=homepage"), Vec::<String>::new());
    assert_eq!(names("kind=any&limit=1").len(), 1);
    let (status, _) = explorer.refusal(Request::new("GET", "/api/v1/dataset/list"));
    assert_eq!(status, 422);
}

#[test]
fn metadata_is_a_closed_list() {
    let explorer = Explorer::start("");
    explorer.post(CREATE, r#"{"name":"m","metadata":{"topic":"x"}}"#);
    let path = "/api/v1/dataset/metadata/m";
    let put = |body: &str| explorer.put(path, body);
    let put_all = r#"{"metadata":{"benchmark":"b","accuracy":0.5,"invariant.test_results":{"num_tests":3,"num_passed":2}}}"#;
    let metadata = put(put_all);
    assert_eq!(text(&metadata, "topic"), "x");
    assert_eq!(text(&metadata, "benchmark"), "b");
    put(r#"{"metadata":{"name":"n"}}"#);
    let metadata = explorer.get(path);
    assert_eq!(text(&metadata, "benchmark"), "b");
    assert_eq!(text(&metadata, "name"), "n");
    let metadata = put(r#"{"metadata":{"accuracy":5},"replace_all":true}"#);
    assert_eq!(at(&metadata, "accuracy"), &Value::from(5));
    for gone in ["benchmark", "name", "invariant.test_results"] {
        assert_eq!(metadata.get(gone), None);
    }
    let check = |body: &str, expected: &str| {
        let request = Request::post(path, body).by("PUT");
        assert_eq!(
            explorer.refusal(request),
            (400, expected.to_owned()),
            "{body}"
        );
    };
    check(r#"{"metadata":1}"#, "metadata must be a dictionary");
    check(r#"{"replace_all":1}"#, "replace_all must be a boolean");
    check(
        r#"{"metadata":{"x":1}}"#,
        "metadata must only contain the keys invariant.test_results, benchmark, name, accuracy, policies, analysis_report",
    );
    check(
        r#"{"metadata":{"policies":[]}}"#,
        "policies cannot be updated via the /metadata API",
    );
    check(
        r#"{"metadata":{"accuracy":-1}}"#,
        "accuracy must be a non-negative number",
    );
    check(
        r#"{"metadata":{"benchmark":""}}"#,
        "benchmark must be a non-empty string",
    );
}
