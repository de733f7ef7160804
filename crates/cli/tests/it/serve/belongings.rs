//! What a server gave to one client is not for another.

use super::gateway::{Gateway, PATH, Session, eventually, initialize};
use super::http::Request;
use super::upstream::Upstream;

const NO_TASK: &str =
    r#""error":{"code":-32602,"message":"Failed to retrieve task: Task not found"}"#;

/// A server whose calls are tasks, all by one id, and which asks something first.
fn server() -> Upstream {
    Upstream::scripted(|received, reply| {
        let result = match received.tool() {
            Some("work") => r#"{"task":{"taskId":"t1","status":"working","ttl":60000}}"#,
            Some("pay") if received.param("requestState") == "null" => {
                r#"{"resultType":"input_required","requestState":"s1"}"#
            }
            _ => return Some(reply),
        };
        reply.result(received, result);
        None
    })
}

fn of(token: &str) -> Request {
    Request::new("GET", PATH).with("Authorization", &format!("Bearer {token}"))
}

/// What comes of asking for the task.
fn asked(session: &Session) -> String {
    let get = r#"{"jsonrpc":"2.0","id":2,"method":"tasks/get","params":{"taskId":"t1"}}"#;
    session.post(get).message()
}

#[test]
fn a_task_of_another_credential_is_none() {
    let upstream = server();
    let mut gateway = Gateway::before(&upstream, "");
    let open = |gateway: &Gateway, token| gateway.open_with("2025-11-25", &of(token));
    let (one, other) = (open(&gateway, "a"), open(&gateway, "b"));
    assert!(one.answer(1, "work").contains("t1"));
    assert!(asked(&other).contains(NO_TASK));
    assert!(asked(&one).contains("plain"));
    assert!(
        asked(&open(&gateway, "a")).contains("plain"),
        "in another session"
    );
    // The server is asked about what the gateway does not know any more.
    gateway.kill_and_start_again();
    assert!(asked(&open(&gateway, "b")).contains("plain"));
}

#[test]
fn a_task_of_another_is_none_under_every_name_of_the_server() {
    let upstream = server();
    let address = upstream.address;
    let servers = format!(
        "servers: {{ s: {{ url: \"http://{address}/mcp\" }}, t: {{ url: \"http://{address}/mcp/\" }} }}\n"
    );
    let gateway = Gateway::start(&servers, "");
    let open = |server: &str, token: &str| {
        let base = Request::new("GET", &format!("/servers/{server}/mcp"));
        let base = base.with("Authorization", &format!("Bearer {token}"));
        gateway.open_with("2025-11-25", &base)
    };
    assert!(open("t", "a").answer(1, "work").contains("t1"));
    assert!(asked(&open("s", "b")).contains(NO_TASK));
    assert!(asked(&open("s", "a")).contains("plain"));
}

#[test]
fn a_task_keeps_its_owner_while_names_of_its_server_come_and_go() {
    let upstream = server();
    let url = format!("http://{}/mcp", upstream.address);
    let servers = |names: &[&str]| {
        let named = names
            .iter()
            .map(|name| format!("{name}: {{ url: \"{url}\" }}"));
        format!("servers: {{ {} }}\n", named.collect::<Vec<_>>().join(", "))
    };
    let mut gateway = Gateway::start(&servers(&["t"]), "");
    let base = |server: &str, token: &str| {
        let base = Request::new("GET", &format!("/servers/{server}/mcp"));
        base.with("Authorization", &format!("Bearer {token}"))
    };
    let owner = gateway.open_with("2025-11-25", &base("t", "a"));
    assert!(owner.answer(1, "work").contains("t1"));
    for names in [["a", "t"], ["a", "b"], ["b", "t"]] {
        gateway.configure_servers(&servers(&names));
        for name in names {
            eventually("the server is not there", || {
                let base = base(name, "b").saying(&initialize("2025-11-25"));
                base.send(gateway.address).status == 200
            });
            let open = |token| gateway.open_with("2025-11-25", &base(name, token));
            assert!(asked(&open("b")).contains(NO_TASK), "{name} of {names:?}");
            assert!(asked(&open("a")).contains("plain"), "{name} of {names:?}");
        }
    }
}

#[test]
fn who_passes_a_token_on_may_renew_it() {
    let upstream = server();
    let url = format!("http://{}/mcp", upstream.address);
    let servers =
        format!("servers: {{ s: {{ url: \"{url}\", forward_headers: [authorization] }} }}\n");
    let gateway = Gateway::start(&servers, "");
    let open = |token| gateway.open_with("2025-11-25", &of(token));
    assert!(open("a").answer(1, "work").contains("t1"));
    assert!(asked(&open("b")).contains("plain"));
}

#[test]
fn a_state_of_another_client_is_refused() {
    let upstream = server();
    let gateway = Gateway::before(&upstream, "");
    let pay = |token: &str, more: &str| {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"pay","arguments":{{}},{more}"_meta":{{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{{}}}}}}}}"#
        );
        let request = of(token)
            .saying(&body)
            .with("MCP-Protocol-Version", "2026-07-28")
            .with("Mcp-Method", "tools/call")
            .with("Mcp-Name", "pay");
        request.send(gateway.address).message()
    };
    let retry = r#""requestState":"s1","#;
    assert!(pay("a", "").contains("input_required"));
    let refused = pay("b", retry);
    assert!(refused.contains("-32602"), "{refused}");
    assert!(
        refused.contains("was not given for this request"),
        "{refused}"
    );
    assert!(pay("a", retry).contains("plain"));
}
