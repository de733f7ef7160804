//! Many traces at once: search, downloads, and a policy over all of them.

use super::explorer::{Explorer, at, json, text};
use crate::serve::http::Request;

fn explorer() -> Explorer {
    let explorer = Explorer::start("");
    explorer.post(
        "/api/v1/push/trace",
        r#"{"messages":[[{"role":"user","content":"a Banana"}],[{"role":"user","content":"an apple"}],[{"role":"user","content":"banana split"}]],
            "annotations":[[{"content":"c","address":"messages.0"}],[],[]],
            "dataset":"d","metadata":[{"accuracy":0.5},{"accuracy":0.9},{"accuracy":0.9}]}"#,
    );
    explorer
}

#[test]
fn traces_are_found_by_words_annotations_and_metadata() {
    let explorer = explorer();
    let listed = explorer.get("/api/v1/dataset/byuser/developer/d/traces");
    let indices: Vec<String> = (0..3)
        .map(|n| at(&listed, &format!("{n}.index")).to_string())
        .collect();
    let check = |query: &str, written: &str, expected: &[usize]| {
        let path = format!("/api/v1/dataset/byuser/developer/d/s?query={query}");
        let found = explorer.get(&path);
        let expected: Vec<&str> = expected.iter().map(|n| indices[*n].as_str()).collect();
        let traces = at(&found, "result")
            .get(written)
            .unwrap()
            .get("traces")
            .unwrap();
        assert_eq!(
            traces.to_string(),
            format!("[{}]", expected.join(",")),
            "{query}"
        );
        found
    };
    let found = check("banana", "banana", &[0, 2]);
    let mapped = at(&found, "mappings").get(&indices[0]).unwrap().to_string();
    assert_eq!(
        mapped,
        r#"{"messages.0.content:2-8":{"content":"banana","source":"search"}}"#
    );
    assert_eq!(text(&found, "result.banana.description"), "search result");
    check("is:annotated", "is:annotated", &[0]);
    check("not:annotated", "not:annotated", &[1, 2]);
    check(
        "banana+meta:accuracy%3E0.6",
        "banana meta:accuracy>0.6",
        &[2],
    );
    check("meta:accuracy%3C%3D0.5", "meta:accuracy<=0.5", &[0]);
    check("pear", "pear", &[]);
    check("%3F%21", "?!", &[]);

    let words: Vec<String> = (0..33).map(|n| format!("w{n}")).collect();
    let path = format!(
        "/api/v1/dataset/byuser/developer/d/s?query={}",
        words.join("+")
    );
    let (status, why) = explorer.refusal(Request::new("GET", &path));
    assert_eq!(
        (status, why.as_str()),
        (400, "the search has more than 32 words and conditions")
    );
}

#[test]
fn traces_are_downloaded_as_lines() {
    let explorer = explorer();
    let dataset = explorer.get("/api/v1/dataset/byuser/developer/d");
    let path = format!("/api/v1/dataset/byid/{}/download", text(&dataset, "id"));
    let lines = |path: &str| {
        let answer = explorer.send(Request::new("GET", path));
        assert_eq!(answer.status, 200);
        let disposition = answer.headers.get("Content-Disposition").map(str::to_owned);
        assert_eq!(disposition.as_deref(), Some("attachment; filename=d.jsonl"));
        let body = answer.body();
        assert!(body.ends_with('\n'));
        body.lines().map(json).collect::<Vec<_>>()
    };
    let all = lines(&path);
    assert_eq!(all.len(), 4);
    assert!(all[0].get("metadata").is_some() && all[0].get("messages").is_none());
    assert_eq!(text(&all[1], "messages.0.content"), "a Banana");
    assert_eq!(text(&all[1], "annotations.0.content"), "c");
    assert_eq!(at(&all[2], "metadata.accuracy").to_string(), "0.9");
    assert_eq!(lines(&format!("{path}/annotated")).len(), 2);
}

#[test]
fn a_policy_is_tried_on_all_traces() {
    let explorer = explorer();
    let dataset = text(&explorer.get("/api/v1/dataset/byuser/developer/d"), "id");
    let path = format!("/api/v1/dataset/byid/{dataset}/policy-check/stream");
    let body = r#"{"policy":"raise \"fruit\" if:\n    (m: Message)\n    input.fruit in m.content","policy_check_url":"http://127.0.0.1:9/","parameters":{"fruit":"apple"}}"#;
    let mut answer = explorer.send(Request::post(&path, body));
    assert_eq!(answer.status, 200);
    let mut events = Vec::new();
    while let Some(event) = answer.event() {
        events.push(json(&event.data));
    }
    assert_eq!(at(&events[0], "metadata.num_traces").to_string(), "3");
    assert_eq!(events.len(), 4);
    let triggered: Vec<_> = events[1..]
        .iter()
        .map(|event| at(event, "triggered").as_bool().unwrap())
        .collect();
    assert_eq!(triggered, [false, true, false]);
    assert_eq!(text(&events[2], "status"), "success");
    assert_eq!(text(&events[2], "errors.0.args.0"), "fruit");

    let broken = body.replace("input.fruit", "input.none");
    let mut answer = explorer.send(Request::post(&path, &broken));
    answer.event();
    let first = json(&answer.event().unwrap().data);
    assert_eq!(text(&first, "status"), "error");
    assert!(text(&first, "error").starts_with("Missing Policy Parameter: "));

    explorer.post("/api/v1/dataset/create", r#"{"name":"empty"}"#);
    let empty = text(
        &explorer.get("/api/v1/dataset/byuser/developer/empty"),
        "id",
    );
    let path = format!("/api/v1/dataset/byid/{empty}/policy-check/stream");
    let mut answer = explorer.send(Request::post(&path, body));
    assert_eq!(
        answer.event().unwrap().data,
        r#"{"error":"No traces found in dataset"}"#
    );
    assert_eq!(answer.event(), None);
}

#[test]
fn a_download_can_be_uploaded() {
    let explorer = explorer();
    let dataset = explorer.get("/api/v1/dataset/byuser/developer/d");
    let path = format!("/api/v1/dataset/byid/{}/download", text(&dataset, "id"));
    let file = explorer.send(Request::new("GET", &path)).body();
    let form = |name: &str, file: &str| {
        let part = |name: &str, value: &str| {
            format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let file = part("file\"; filename=\"d.jsonl", file);
        let body = format!(
            "{}{}{file}--xyz--\r\n",
            part("name", name),
            part("is_public", "True")
        );
        Request::post("/api/v1/dataset/upload", &body)
            .but("Content-Type", "multipart/form-data; boundary=xyz")
    };
    let uploaded = explorer.send(form("copy", &file));
    assert_eq!(uploaded.status, 200);
    let uploaded = json(&uploaded.body());
    assert_eq!(at(&uploaded, "is_public").as_bool(), Some(true));
    let path = format!("/api/v1/dataset/byid/{}/download", text(&uploaded, "id"));
    let copy = explorer.send(Request::new("GET", &path)).body();
    let traces = |file: &str| file.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(traces(&copy), traces(&file));
    let check = |name: &str, file: &str, expected: &str| {
        let (status, text) = explorer.refusal(form(name, file));
        assert_eq!(status, 400);
        assert!(text.starts_with(expected), "{text}");
    };
    let taken = "Dataset with the same name already exists with traces";
    check("d", &file, taken);
    check("e", "[]\n{", "line 2: ");
    let indexed = r#"{"messages":[],"index":1}"#;
    let twice = format!("{indexed}\n{indexed}");
    check("e", &twice, "Duplicate index found: 1 in the file.");
    let mixed = "The file cannot contain both raw event lists and annotated event lists.";
    check("e", "[]\n{\"messages\":[]}", mixed);
}
