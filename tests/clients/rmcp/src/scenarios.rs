//! In this order, in one session. Each gives what can be compared.

use crate::person::{Kind, Person};
use crate::{Client, run};
use anyhow::{Result, ensure};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, GetPromptRequestParams, LoggingLevel,
    ReadResourceRequestParams, SetLevelRequestParams, SubscribeRequestParams,
    UnsubscribeRequestParams,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

const POLL: Duration = Duration::from_millis(100);
const CANCEL_AFTER: Duration = Duration::from_millis(500);
const STATIC_DOCUMENT: &str = "demo://resource/static/document/architecture.md";
const DYNAMIC_RESOURCE: &str = "demo://resource/dynamic/text/1";
/// The server registers these once it knows what the client can do.
const LATE_TOOLS: [&str; 3] = [
    "get-roots-list",
    "trigger-elicitation-request",
    "trigger-sampling-request",
];

pub(crate) async fn all(client: &Client, person: &Person) {
    run("handshake", async { seen(client.peer_info()) }).await;
    run("list tools", list_tools(client)).await;
    run("call tools", call_tools(client)).await;
    run("read resources", read_resources(client)).await;
    run("get prompts", get_prompts(client)).await;
    run("answer sampling", answer_sampling(client, person)).await;
    run("answer elicitation", answer_elicitation(client, person)).await;
    run("list roots", list_roots(client)).await;
    run("follow progress", follow_progress(client, person)).await;
    run("cancel", cancel(client)).await;
    run("receive logs", receive_logs(client, person)).await;
    run("subscribe", subscribe(client, person)).await;
}

async fn list_tools(client: &Client) -> Result<Value> {
    loop {
        let tools = client.list_all_tools().await?;
        let is_there = |name: &&str| tools.iter().any(|tool| tool.name == *name);
        if LATE_TOOLS.iter().all(is_there) {
            return seen(tools);
        }
        sleep(POLL).await;
    }
}

async fn call_tools(client: &Client) -> Result<Value> {
    let echo = call(
        client,
        "echo",
        json!({ "message": "snow ☃ \u{2028} \"quoted\"" }),
    )
    .await?;
    ensure!(echo.to_string().contains("snow ☃"), "{echo}");
    let sum = call(
        client,
        "get-sum",
        json!({ "a": 12_345_678_901_i64, "b": -0.5 }),
    )
    .await?;
    let image = call(client, "get-tiny-image", json!({})).await?;
    let place = json!({ "location": "Chicago" });
    let structured = call(client, "get-structured-content", place).await?;
    Ok(json!([echo, sum, image, structured]))
}

async fn read_resources(client: &Client) -> Result<Value> {
    let listed = seen(client.list_all_resources().await?)?;
    let templates = seen(client.list_all_resource_templates().await?)?;
    let wanted = ReadResourceRequestParams::new(STATIC_DOCUMENT);
    let document = client.read_resource(wanted).await?;
    ensure!(!document.contents.is_empty(), "the document is empty");
    Ok(json!([listed, templates, seen(document)?]))
}

async fn get_prompts(client: &Client) -> Result<Value> {
    let listed = seen(client.list_all_prompts().await?)?;
    let arguments = object(json!({ "city": "Zürich" }));
    let wanted = GetPromptRequestParams::new("args-prompt").with_arguments(arguments);
    let prompt = seen(client.get_prompt(wanted).await?)?;
    ensure!(prompt.to_string().contains("Zürich"), "{prompt}");
    Ok(json!([listed, prompt]))
}

async fn answer_sampling(client: &Client, person: &Person) -> Result<Value> {
    let arguments = json!({ "prompt": "p", "maxTokens": 10 });
    let result = call(client, "trigger-sampling-request", arguments).await?;
    let asked = person.heard(Kind::Sampling);
    ensure!(asked.len() == 1, "{asked:?}");
    ensure!(result.to_string().contains("an answer ☃"), "{result}");
    Ok(json!([asked, result]))
}

async fn answer_elicitation(client: &Client, person: &Person) -> Result<Value> {
    let result = call(client, "trigger-elicitation-request", json!({})).await?;
    let asked = person.heard(Kind::Elicitation);
    ensure!(asked.len() == 1, "{asked:?}");
    ensure!(result.to_string().contains("Ada"), "{result}");
    Ok(json!([asked, result]))
}

async fn list_roots(client: &Client) -> Result<Value> {
    let result = call(client, "get-roots-list", json!({})).await?;
    ensure!(result.to_string().contains("file:///project"), "{result}");
    Ok(result)
}

async fn follow_progress(client: &Client, person: &Person) -> Result<Value> {
    let operation = json!({ "duration": 1, "steps": 4 });
    let result = call(client, "trigger-long-running-operation", operation).await?;
    // The last step may be handled after the result.
    while person.heard(Kind::Progress).len() < 4 {
        sleep(POLL).await;
    }
    Ok(json!([person.heard(Kind::Progress), result]))
}

async fn cancel(client: &Client) -> Result<Value> {
    let operation = json!({ "duration": 2, "steps": 2 });
    let request = CallToolRequest::new(tool("trigger-long-running-operation", operation));
    let request = ClientRequest::CallToolRequest(request);
    let sent = client.send_cancellable_request(request, Default::default());
    let sent = sent.await?;
    sleep(CANCEL_AFTER).await;
    sent.cancel(Some("the user".to_owned())).await?;
    call(
        client,
        "echo",
        json!({ "message": "after the cancellation" }),
    )
    .await
}

async fn receive_logs(client: &Client, person: &Person) -> Result<Value> {
    let level = SetLevelRequestParams::new(LoggingLevel::Debug);
    client.set_level(level).await?;
    let before = person.heard(Kind::Log).len();
    call(client, "toggle-simulated-logging", json!({})).await?;
    while person.heard(Kind::Log).len() <= before {
        sleep(POLL).await;
    }
    call(client, "toggle-simulated-logging", json!({})).await?;
    // Which message the server logs is chance; that it has all its parts is not.
    let parts = person
        .heard(Kind::Log)
        .pop()
        .map(object)
        .unwrap_or_default();
    let mut names: Vec<String> = parts.into_iter().map(|(name, _)| name).collect();
    names.sort();
    Ok(json!(names))
}

async fn subscribe(client: &Client, person: &Person) -> Result<Value> {
    client
        .subscribe(SubscribeRequestParams::new(DYNAMIC_RESOURCE))
        .await?;
    call(client, "toggle-subscriber-updates", json!({})).await?;
    while !person
        .heard(Kind::Updated)
        .contains(&json!(DYNAMIC_RESOURCE))
    {
        sleep(POLL).await;
    }
    call(client, "toggle-subscriber-updates", json!({})).await?;
    client
        .unsubscribe(UnsubscribeRequestParams::new(DYNAMIC_RESOURCE))
        .await?;
    Ok(json!(DYNAMIC_RESOURCE))
}

async fn call(client: &Client, name: &'static str, arguments: Value) -> Result<Value> {
    seen(client.call_tool(tool(name, arguments)).await?)
}

fn tool(name: &'static str, arguments: Value) -> CallToolRequestParams {
    CallToolRequestParams::new(name).with_arguments(object(arguments))
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => serde_json::Map::new(),
    }
}

fn seen(value: impl Serialize) -> Result<Value> {
    Ok(serde_json::to_value(value)?)
}
