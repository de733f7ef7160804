//! An MCP server for the tests: it answers at once, and misbehaves when a tool's name says so. Its
//! tools are what the file holds, at the time when they are listed, that it is given.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use portcullis_json::{Limits, Value, parse, write};

fn main() -> io::Result<ExitCode> {
    let tools = std::env::args().nth(1);
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let Ok(message) = parse(&line?, &Limits::lenient()) else {
            continue;
        };
        let (Some(id), Some(method)) = (message.get("id"), message.get("method")) else {
            continue;
        };
        let tool = message.get("params").and_then(|params| params.get("name"));
        match (method.as_str(), tool.and_then(Value::as_str)) {
            (Some("initialize"), _) => answer(
                &mut out,
                id,
                r#"{"protocolVersion":"2025-06-18","capabilities":{},"serverInfo":{"name":"scripted","version":"1"}}"#,
            )?,
            (Some("tools/list"), _) if tools.is_some() => {
                let tools = std::fs::read_to_string(tools.as_deref().unwrap_or_default())?;
                answer(&mut out, id, &format!(r#"{{"tools":{}}}"#, tools.trim()))?;
            }
            (_, Some("die")) => return Ok(ExitCode::from(7)),
            (_, Some("hang")) => thread::sleep(Duration::from_hours(1)),
            (_, Some("noise")) => {
                writeln!(out, "listening on nothing\n\u{fffd}{{")?;
                answer(&mut out, id, r#"{"content":[]}"#)?;
            }
            (_, Some("long")) => writeln!(out, "{}", "x".repeat(1 << 20))?,
            _ => {
                let seen = write(&Value::from(write(&message)));
                let result = format!(r#"{{"content":[{{"type":"text","text":{seen}}}]}}"#);
                answer(&mut out, id, &result)?;
            }
        }
        out.flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(out: &mut impl Write, id: &Value, result: &str) -> io::Result<()> {
    writeln!(out, r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#)
}
