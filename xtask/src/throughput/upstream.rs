//! A server that returns what it is sent, and does as little else as it can.

use crate::http::{Connection, Head};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread;

const INITIALIZED: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"echo","version":"1"}}"#;

/// In which form requests are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    /// A stream with one event.
    Events,
}

/// Serves until the process ends, one thread for each connection.
pub(crate) fn start(form: Form) -> Result<SocketAddr, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let started = spawn(move || {
                let connection = Connection::new(stream);
                // A peer that breaks off has nothing to be told.
                let _broken =
                    connection.and_then(|mut connection| answer_all(&mut connection, form));
            });
            if started.is_err() {
                return;
            }
        }
    })
    .map_err(|error| error.to_string())?;
    Ok(address)
}

fn spawn(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().spawn(work).map(drop)
}

fn answer_all(connection: &mut Connection, form: Form) -> Result<(), String> {
    while let Some(head) = connection.head()? {
        let body = connection.body(&head)?;
        let (head, body) = answer(&head, &body, form)?;
        connection.send(&head, &body)?;
    }
    Ok(())
}

fn answer(head: &Head, body: &[u8], form: Form) -> Result<(String, Vec<u8>), String> {
    if head.start.starts_with("DELETE") {
        return Ok((
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n".to_owned(),
            Vec::new(),
        ));
    }
    if !head.start.starts_with("POST") {
        let refused = "HTTP/1.1 405 Method Not Allowed\r\nallow: POST\r\ncontent-length: 0\r\n";
        return Ok((refused.to_owned(), Vec::new()));
    }
    let text = str::from_utf8(body).map_err(|error| error.to_string())?;
    let Some((_, rest)) = text.split_once(r#""id":"#) else {
        let accepted = "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n";
        return Ok((accepted.to_owned(), Vec::new()));
    };
    let (id, rest) = rest.split_once(',').ok_or("a request without a method")?;
    let result = match rest.split_once(r#""text":"#) {
        Some((_, echoed)) => {
            let echoed = echoed
                .strip_suffix("}}}")
                .ok_or("a call with more than a text")?;
            call_result(echoed)
        }
        None => INITIALIZED.to_owned(),
    };
    let message = response(id, &result);
    Ok(match form {
        Form::Json => {
            let length = message.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
                 mcp-session-id: echo\r\n"
            );
            (head, message.into_bytes())
        }
        Form::Events => {
            let event = format!("event: message\ndata: {message}\n\n");
            let body = format!("{:x}\r\n{event}\r\n0\r\n\r\n", event.len());
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                        transfer-encoding: chunked\r\nmcp-session-id: echo\r\n";
            (head.to_owned(), body.into_bytes())
        }
    })
}

/// `text` is a JSON text.
fn call_result(text: &str) -> String {
    format!(r#"{{"content":[{{"type":"text","text":{text}}}],"isError":false}}"#)
}

fn response(id: &str, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}

/// The answer to a call of `echo`.
pub(crate) fn echoed(id: u64, text: &str) -> String {
    response(&id.to_string(), &call_result(text))
}
