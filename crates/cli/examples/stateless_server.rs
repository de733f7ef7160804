//! An MCP server of revision 2026-07-28 for the tests. What a called tool does its name says; one that
//! is called otherwise answers with the message that it got.

use std::io::{self, BufRead, Stdout, Write};
use std::process::ExitCode;

use portcullis_json::{Limits, Value, parse, write};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

/// What is not answered yet, and what was said about it.
struct Server {
    out: Stdout,
    held: Vec<Value>,
    subscriptions: Vec<Value>,
    cancelled: Vec<Value>,
}

fn main() -> io::Result<ExitCode> {
    let mut server = Server {
        out: io::stdout(),
        held: Vec::new(),
        subscriptions: Vec::new(),
        cancelled: Vec::new(),
    };
    for line in io::stdin().lock().lines() {
        let Ok(message) = parse(&line?, &Limits::lenient()) else {
            continue;
        };
        let method = message.get("method").and_then(Value::as_str);
        let params = message.get("params").unwrap_or(&Value::Null);
        let tool = params.get("name").and_then(Value::as_str);
        match (method, message.get("id"), tool) {
            (Some("notifications/cancelled"), ..) => {
                server.cancelled.extend(params.get("requestId").cloned());
            }
            (Some("server/discover"), Some(id), _) => server.answer(
                id,
                r#""supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":0,"cacheScope":"private""#,
            )?,
            (Some("subscriptions/listen"), Some(id), _) => {
                server.subscriptions.push(id.clone());
                server.tell("subscriptions/acknowledged", id, r#""notifications":{"toolsListChanged":true},"#)?;
            }
            (_, _, Some("die")) => return Ok(ExitCode::from(7)),
            (_, Some(id), Some(tool)) => server.call(tool, id, params, &message)?,
            (_, Some(id), None) => server.answer(id, r#""tools":[],"ttlMs":0,"cacheScope":"private""#)?,
            (_, None, _) => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Server {
    fn call(&mut self, tool: &str, id: &Value, params: &Value, message: &Value) -> io::Result<()> {
        match tool {
            // Until `release`, which comes first.
            "hold" => {
                self.held.push(message.clone());
                Ok(())
            }
            "held" => {
                let all = Value::from(self.held.clone());
                self.echo(id, &all)
            }
            "begin and hold" => {
                self.report(params)?;
                self.held.push(message.clone());
                Ok(())
            }
            "release" => {
                self.echo(id, message)?;
                for held in std::mem::take(&mut self.held) {
                    self.echo(held.get("id").unwrap_or(&Value::Null), &held)?;
                }
                Ok(())
            }
            "report" => {
                self.report(params)?;
                self.say(r#""method":"notifications/message","params":{"level":"info","data":"working"}"#)?;
                self.echo(id, message)
            }
            "change" => {
                for subscription in self.subscriptions.clone() {
                    self.tell("tools/list_changed", &subscription, "")?;
                }
                self.echo(id, message)
            }
            "end" => {
                for subscription in std::mem::take(&mut self.subscriptions) {
                    self.say(&format!(r#""method":"notifications/cancelled","params":{{"requestId":{subscription}}}"#))?;
                    self.answer(
                        &subscription,
                        &format!(r#""_meta":{{"{SUBSCRIPTION}":{subscription}}}"#),
                    )?;
                }
                self.echo(id, message)
            }
            "break off" => {
                for subscription in std::mem::take(&mut self.subscriptions) {
                    self.say(&format!(r#""method":"notifications/cancelled","params":{{"requestId":{subscription}}}"#))?;
                }
                self.echo(id, message)
            }
            _ => self.behave_oddly(tool, id, message),
        }
    }

    fn behave_oddly(&mut self, tool: &str, id: &Value, message: &Value) -> io::Result<()> {
        match tool {
            "cancelled" => {
                let all = Value::from(std::mem::take(&mut self.cancelled));
                self.echo(id, &all)
            }
            "break" => self.say(&format!(r#""id":{id},"result":7"#)),
            "long" => self.say(&format!(
                r#""id":{id},"result":{{"x":"{}"}}"#,
                "x".repeat(1 << 20)
            )),
            "ask" => {
                self.say(r#""id":1,"method":"roots/list""#)?;
                self.echo(id, message)
            }
            "ask vendor" => {
                self.say(r#""id":1,"method":"vendor/ask""#)?;
                self.echo(id, message)
            }
            "answer as text" => self.say(&format!(r#""id":"{id}","result":{{}}"#)),
            "answer nobody" => self.say(r#""error":{"code":-32600,"message":"broken"}"#),
            "answer twice" => {
                self.echo(id, message)?;
                self.echo(id, message)
            }
            "stray" => {
                self.tell("tools/list_changed", &Value::from(999), "")?;
                self.say(r#""method":"notifications/tools/list_changed""#)?;
                self.say(
                    r#""method":"notifications/message","params":{"level":"debug","data":1}"#,
                )?;
                self.echo(id, message)
            }
            "flood" => {
                let subscription = self.subscriptions.first().cloned().unwrap_or(Value::Null);
                let words = format!(r#""words":"{}","#, "x".repeat(400_000));
                for _ in 0..60 {
                    self.tell("tools/list_changed", &subscription, &words)?;
                }
                self.echo(id, message)
            }
            _ => self.echo(id, message),
        }
    }

    fn report(&mut self, params: &Value) -> io::Result<()> {
        let meta = params.get("_meta");
        let token = meta.and_then(|meta| meta.get("progressToken"));
        let token = token.unwrap_or(&Value::Null);
        self.say(&format!(
            r#""method":"notifications/progress","params":{{"progressToken":{token},"progress":1}}"#
        ))
    }

    fn tell(&mut self, method: &str, subscription: &Value, params: &str) -> io::Result<()> {
        self.say(&format!(r#""method":"notifications/{method}","params":{{{params}"_meta":{{"{SUBSCRIPTION}":{subscription}}}}}"#))
    }

    /// Answers with a text: what was seen.
    fn echo(&mut self, id: &Value, seen: &Value) -> io::Result<()> {
        let text = write(&Value::from(write(seen)));
        self.answer(
            id,
            &format!(r#""content":[{{"type":"text","text":{text}}}]"#),
        )
    }

    fn answer(&mut self, id: &Value, result: &str) -> io::Result<()> {
        self.say(&format!(
            r#""id":{id},"result":{{"resultType":"complete",{result}}}"#
        ))
    }

    fn say(&mut self, members: &str) -> io::Result<()> {
        writeln!(self.out, r#"{{"jsonrpc":"2.0",{members}}}"#)?;
        self.out.flush()
    }
}
