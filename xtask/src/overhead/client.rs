//! An MCP client over stdio that makes one call at a time and looks at the clock.

use portcullis_json::{self as json, Limits, Value};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// LIMIT: an answer may be this long.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// A session with a server that runs. Dropping it kills the server.
pub(crate) struct Client {
    process: Child,
    /// `None` once the session has ended.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    last_id: i64,
}

// === impl Client ===

impl Client {
    /// Starts a server, and says how long it took until `initialize` was answered.
    pub(crate) fn start(mut command: Command) -> Result<(Self, Duration), String> {
        let start = Instant::now();
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy();
            format!("`{program}` could not be started: {error}")
        })?;
        let input = process.stdin.take();
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut client = Self {
            process,
            input,
            output: BufReader::new(output),
            last_id: 0,
        };
        client.request(
            "initialize",
            r#"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"overhead","version":"1"}}"#,
        )?;
        let time = start.elapsed();
        client.send("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n")?;
        Ok((client, time))
    }

    /// Calls the tool, and says how long its answer took. The answer is checked off the clock.
    pub(crate) fn call(&mut self) -> Result<Duration, String> {
        let (result, time) = self.request(
            "tools/call",
            r#"{"name":"list_mails","arguments":{"folder":"inbox"}}"#,
        )?;
        match result.get("isError").and_then(Value::as_bool) {
            Some(false) => Ok(time),
            _ => Err(format!("the call failed: {}", json::write(&result))),
        }
    }

    /// Ends the session as clients do, and waits for the end of the server.
    pub(crate) fn close(mut self) -> Result<(), String> {
        drop(self.input.take());
        let status = self.process.wait().map_err(|error| error.to_string())?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {status}"))
        }
    }

    fn request(&mut self, method: &str, params: &str) -> Result<(Value, Duration), String> {
        self.last_id += 1;
        let id = self.last_id;
        let line = format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}\n"
        );
        let mut answer = String::new();
        let start = Instant::now();
        self.send(&line)?;
        (&mut self.output)
            .take(ANSWER_BYTES_MAX)
            .read_line(&mut answer)
            .map_err(|error| format!("reading the answer to `{method}`: {error}"))?;
        let time = start.elapsed();
        result(&answer, id)
            .map(|result| (result, time))
            .ok_or_else(|| format!("`{method}` was not answered with a result: {answer:?}"))
    }

    fn send(&mut self, line: &str) -> Result<(), String> {
        let input = self.input.as_mut().ok_or("the session has ended")?;
        input
            .write_all(line.as_bytes())
            .map_err(|error| format!("writing to the server: {error}"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // A server that has ended already cannot be killed, which is what is wanted.
        if self.input.is_some() && self.process.kill().is_ok() {
            self.process.wait().ok();
        }
    }
}

/// The result in the answer to the request `id`.
fn result(answer: &str, id: i64) -> Option<Value> {
    let answer = json::parse(answer, &Limits::strict()).ok()?;
    let is_ours = answer.get("id").and_then(Value::as_i64) == Some(id);
    answer.get("result").filter(|_| is_ours).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_result_of_the_same_request_answers() {
        let check = |answer: &str, is_answer: bool| {
            assert_eq!(result(answer, 7).is_some(), is_answer, "{answer}");
        };
        check(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#, true);
        check(r#"{"jsonrpc":"2.0","id":8,"result":{}}"#, false);
        check(r#"{"jsonrpc":"2.0","id":7,"error":{"code":1}}"#, false);
        check(r#"{"jsonrpc":"2.0","id":7,"resu"#, false);
        check("", false);
    }
}
