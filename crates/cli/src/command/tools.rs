use std::io::Write;
use std::sync::Arc;

use portcullis_json::Value;
use portcullis_session::tool_changes;
use portcullis_store::Store;
use portcullis_trace::pin::{PinState, ToolDefinition, ToolPin, ToolServer};

use super::store::{
    AnyStore, failure, now, object, open_existing, open_to_list, text_or_null, time,
};
use super::{Failure, Outcome};
use crate::args::{ToolsArguments, ToolsCommand};
use crate::render::{FAINT, GOOD, WARNING, plain, shortened};

/// How much of a server's digest is its id.
const ID_CHARACTERS: usize = 8;
const TOOL_CHARACTERS: usize = 40;

/// A server and what is known of its tools.
struct Known {
    server: ToolServer,
    pins: Vec<ToolPin>,
}

pub(crate) fn tools(arguments: &ToolsArguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        ToolsCommand::Ls {
            server,
            waiting,
            json,
        } => {
            let mut known = match (open_to_list(&arguments.store)?, server) {
                (None, _) => Vec::new(),
                (Some(mut store), None) => all(store.as_mut())?,
                (Some(mut store), Some(server)) => vec![named(store.as_mut(), server)?],
            };
            if *waiting {
                for known in &mut known {
                    known.pins.retain(|pin| pin.state() != PinState::Pinned);
                }
                known.retain(|known| !known.pins.is_empty());
            }
            write_list(&known, *json)?;
            Ok(Outcome::Ok)
        }
        ToolsCommand::Diff { server, tool } => {
            let (_, known) = opened(arguments, server)?;
            let tools: Vec<String> = tool.iter().cloned().collect();
            write_differences(&known.picked(&tools)?)
        }
        ToolsCommand::Approve { server, tools } => {
            let (mut store, known) = opened(arguments, server)?;
            approve(store.as_mut(), &known, tools)?;
            Ok(Outcome::Ok)
        }
        ToolsCommand::Forget { server, tools } => {
            let (mut store, known) = opened(arguments, server)?;
            let pins = known.picked(tools)?;
            let names: Vec<Arc<str>> = pins.iter().map(|pin| Arc::clone(&pin.tool)).collect();
            let forgotten = store.forget_tools(&known.server, &names);
            let forgotten = forgotten.map_err(|error| failure(&error))?;
            writeln!(
                anstream::stdout().lock(),
                "{}",
                counted(forgotten, "forgotten")
            )?;
            Ok(Outcome::Ok)
        }
    }
}

fn approve(store: &mut dyn Store, known: &Known, tools: &[String]) -> Result<(), Failure> {
    let pins = known.picked(tools)?;
    let waiting: Vec<ToolPin> = pins
        .into_iter()
        .filter(|pin| pin.state() != PinState::Pinned)
        .cloned()
        .collect();
    let approved = store.approve_tools(&known.server, &waiting, now());
    let approved = approved.map_err(|error| failure(&error))?;
    let mut out = anstream::stdout().lock();
    for pin in &waiting {
        writeln!(out, "{}", plain(&pin.tool))?;
    }
    writeln!(out, "{}", counted(approved, "approved"))?;
    Ok(())
}

/// The store, and what it knows of this server.
fn opened(arguments: &ToolsArguments, server: &str) -> Result<(AnyStore, Known), Failure> {
    let mut store = open_existing(&arguments.store)?;
    let known = named(store.as_mut(), server)?;
    Ok((store, known))
}

fn unknown(server: &str) -> Failure {
    Failure::usage(format!("no tools are known of a server `{server}`"))
        .hint("`portcullis tools ls` lists the servers that were seen")
}

fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 definition {what}"),
        _ => format!("{count} definitions {what}"),
    }
}

fn all(store: &mut dyn Store) -> Result<Vec<Known>, Failure> {
    let servers = store.tool_servers().map_err(|error| failure(&error))?;
    let mut all = Vec::with_capacity(servers.len());
    for server in servers {
        all.push(known(store, server)?);
    }
    Ok(all)
}

fn known(store: &mut dyn Store, server: ToolServer) -> Result<Known, Failure> {
    let pins = store.tool_pins(&server).map_err(|error| failure(&error))?;
    Ok(Known { server, pins })
}

/// The one server of this name, or whose id begins so.
fn named(store: &mut dyn Store, name: &str) -> Result<Known, Failure> {
    let servers = store.tool_servers().map_err(|error| failure(&error))?;
    let mut found: Vec<ToolServer> = servers
        .iter()
        .filter(|server| &*server.name == name)
        .cloned()
        .collect();
    if found.is_empty() {
        found = servers
            .into_iter()
            .filter(|server| !name.is_empty() && server.target.starts_with(name))
            .collect();
    }
    if found.len() > 1 {
        let ids: Vec<&str> = found.iter().map(id).collect();
        let message = format!("there are {} servers `{name}`", found.len());
        return Err(Failure::usage(message).hint(format!("name one by its id: {}", ids.join(", "))));
    }
    match found.pop() {
        Some(server) => known(store, server),
        None => Err(unknown(name)),
    }
}

fn id(server: &ToolServer) -> &str {
    server.target.get(..ID_CHARACTERS).unwrap_or(&server.target)
}

fn write_differences(pins: &[&ToolPin]) -> Result<Outcome, Failure> {
    let mut out = anstream::stdout().lock();
    let mut outcome = Outcome::Ok;
    for pin in pins {
        let Some(seen) = &pin.seen else { continue };
        outcome = Outcome::Findings;
        let header = format!(
            "{} ({} since {})",
            plain(&pin.tool),
            pin.state().name(),
            time(pin.since)
        );
        writeln!(out, "{}", WARNING.paint(header))?;
        match &pin.pinned {
            Some(pinned) => {
                for line in difference(pinned, seen) {
                    writeln!(out, "  {line}")?;
                }
            }
            None => match &seen.text {
                Some(text) => writeln!(out, "  {}", plain(text))?,
                None => writeln!(out, "  {}", too_long(seen))?,
            },
        }
    }
    Ok(outcome)
}

fn difference(pinned: &ToolDefinition, seen: &ToolDefinition) -> Vec<String> {
    if pinned.text.is_none() || seen.text.is_none() {
        return vec![too_long(seen)];
    }
    let changes = tool_changes(pinned, seen);
    changes
        .iter()
        .map(|change| plain(&change.to_string()))
        .collect()
}

fn too_long(definition: &ToolDefinition) -> String {
    format!(
        "too long to be kept; its digest is {}",
        plain(&definition.digest)
    )
}

fn write_list(known: &[Known], json: bool) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    if json {
        let all: Vec<Value> = known.iter().flat_map(Known::as_json).collect();
        writeln!(out, "{}", Value::from(all))?;
        return Ok(());
    }
    for Known { server, pins } in known {
        let at = format!("{}  {}", id(server), plain(&server.shown_as));
        writeln!(out, "{}  {}", plain(&server.name), FAINT.paint(at))?;
        for pin in pins {
            let tool = shortened(&pin.tool, TOOL_CHARACTERS);
            let state = format!("{:8}", pin.state().name());
            let state = match pin.state() {
                PinState::Pinned => GOOD.paint(state),
                PinState::Changed | PinState::New => WARNING.paint(state),
            };
            writeln!(
                out,
                "  {tool:TOOL_CHARACTERS$}  {state}  {}",
                time(pin.since)
            )?;
        }
    }
    Ok(())
}

// === impl Known ===

impl Known {
    /// The tools of these names; all, if there are none.
    fn picked(&self, tools: &[String]) -> Result<Vec<&ToolPin>, Failure> {
        if tools.is_empty() {
            return Ok(self.pins.iter().collect());
        }
        let picked = tools.iter().map(|tool| {
            let mut pins = self.pins.iter();
            pins.find(|pin| *pin.tool == **tool).ok_or_else(|| {
                let server = &self.server.name;
                Failure::usage(format!(
                    "no tool `{tool}` is known of the server `{server}`"
                ))
                .hint(format!("`portcullis tools ls {server}` lists them"))
            })
        });
        picked.collect()
    }

    fn as_json(&self) -> impl Iterator<Item = Value> {
        self.pins.iter().map(|pin| {
            let digest = |definition: &Option<ToolDefinition>| {
                text_or_null(definition.as_ref().map(|definition| &*definition.digest))
            };
            object([
                ("server", (&*self.server.name).into()),
                ("server_id", id(&self.server).into()),
                ("shown_as", (&*self.server.shown_as).into()),
                ("tool", (&*pin.tool).into()),
                ("state", pin.state().name().into()),
                ("since", time(pin.since).into()),
                ("pinned", digest(&pin.pinned)),
                ("seen", digest(&pin.seen)),
            ])
        })
    }
}
