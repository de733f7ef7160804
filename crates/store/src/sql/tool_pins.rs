use std::sync::Arc;

use portcullis_trace::pin::{ForeignTool, ToolDefinition, ToolPin, ToolServer, ToolSighting};
use portcullis_trace::record::Timestamp;

use super::row::{Parameter, Reader};
use super::{Column, Database, Row, Rows};
use crate::StoreError;

/// LIMIT: tools of other servers that a listing is compared with.
const FOREIGN_TOOLS_MAX: u32 = 5000;

const OF_SERVER: &str = "
    SELECT tool, pinned_digest, pinned_definition, seen_digest, seen_definition, since
    FROM tool_pins WHERE server = $1 AND target = $2 ORDER BY tool";

/// A server that was renamed, or whose command has changed, is no other server.
const OF_OTHERS: &str = "
    SELECT server, target, shown_as, tool FROM tool_pins
    WHERE server <> $1 AND target <> $2 ORDER BY server, target, tool LIMIT $3";

const SERVERS: &str = "
    SELECT server, target, min(shown_as) FROM tool_pins
    GROUP BY server, target ORDER BY server, target";

/// The first who comes pins; whoever comes later with something else has seen a change.
const NOTE: &str = "
    INSERT INTO tool_pins (server, target, shown_as, tool, pinned_digest, pinned_definition,
        seen_digest, seen_definition, since)
    SELECT r.server, r.target, r.shown_as, r.tool,
        CASE WHEN r.is_trusted = 1 THEN r.digest END,
        CASE WHEN r.is_trusted = 1 THEN r.definition END,
        CASE WHEN r.is_trusted = 0 THEN r.digest END,
        CASE WHEN r.is_trusted = 0 THEN r.definition END, r.since
    FROM {rows} WHERE true
    ON CONFLICT (server, target, tool) DO UPDATE SET
        seen_digest = CASE
            WHEN tool_pins.pinned_digest = coalesce(excluded.pinned_digest, excluded.seen_digest)
            THEN NULL ELSE coalesce(excluded.pinned_digest, excluded.seen_digest) END,
        seen_definition = CASE
            WHEN tool_pins.pinned_digest = coalesce(excluded.pinned_digest, excluded.seen_digest)
            THEN NULL ELSE coalesce(excluded.pinned_definition, excluded.seen_definition) END,
        since = CASE
            WHEN tool_pins.seen_digest = coalesce(excluded.pinned_digest, excluded.seen_digest)
            THEN tool_pins.since ELSE excluded.since END";

const APPROVE: &str = "
    UPDATE tool_pins SET pinned_digest = seen_digest, pinned_definition = seen_definition,
        seen_digest = NULL, seen_definition = NULL, since = $4
    WHERE server = $1 AND target = $2 AND tool = $3 AND seen_digest = $5";

const FORGET: &str = "DELETE FROM tool_pins WHERE server = $1 AND target = $2 AND tool = $3";

pub(super) fn of_server<D: Database + ?Sized>(
    database: &mut D,
    server: &ToolServer,
) -> Result<Vec<ToolPin>, StoreError> {
    let parameters = [(&*server.name).into(), (&*server.target).into()];
    let rows = database.query("read what is known of the tools", OF_SERVER, &parameters)?;
    rows.into_iter().map(pin).collect()
}

pub(super) fn of_others<D: Database + ?Sized>(
    database: &mut D,
    server: &ToolServer,
) -> Result<Vec<ForeignTool>, StoreError> {
    let parameters = [
        (&*server.name).into(),
        (&*server.target).into(),
        FOREIGN_TOOLS_MAX.into(),
    ];
    let rows = database.query("read the tools of other servers", OF_OTHERS, &parameters)?;
    let foreign = |row: Row| {
        let mut row = Reader::new("tool", row);
        Ok(ForeignTool {
            server: self::server(&mut row)?,
            tool: row.text("tool")?.into(),
        })
    };
    rows.into_iter().map(foreign).collect()
}

pub(super) fn servers<D: Database + ?Sized>(
    database: &mut D,
) -> Result<Vec<ToolServer>, StoreError> {
    let rows = database.query("list the servers with tools", SERVERS, &[])?;
    let rows = rows.into_iter();
    rows.map(|row| server(&mut Reader::new("server", row)))
        .collect()
}

pub(super) fn note<D: Database + ?Sized>(
    database: &mut D,
    server: &ToolServer,
    sightings: &[ToolSighting],
    at: Timestamp,
) -> Result<Vec<ToolPin>, StoreError> {
    let rows = sightings.iter().map(|sighting| {
        vec![
            (&*server.name).into(),
            (&*server.target).into(),
            (&*server.shown_as).into(),
            (&*sighting.tool).into(),
            (&*sighting.definition.digest).into(),
            sighting.definition.text.as_deref().into(),
            Parameter::Integer(sighting.is_trusted.into()),
            at.into(),
        ]
    });
    let rows = Rows {
        columns: &[
            Column::Text("server"),
            Column::Text("target"),
            Column::Text("shown_as"),
            Column::Text("tool"),
            Column::Text("digest"),
            Column::Text("definition"),
            Column::Integer("is_trusted"),
            Column::Integer("since"),
        ],
        rows: rows.collect(),
    };
    database.with_rows("note the tools of a listing", NOTE, &rows)?;
    of_server(database, server)
}

/// What is approved is what the caller has read: whatever came meanwhile waits.
pub(super) fn approve<D: Database + ?Sized>(
    database: &mut D,
    server: &ToolServer,
    pins: &[ToolPin],
    at: Timestamp,
) -> Result<u64, StoreError> {
    let mut approved = 0;
    for pin in pins {
        let Some(seen) = &pin.seen else { continue };
        let parameters = [
            (&*server.name).into(),
            (&*server.target).into(),
            (&*pin.tool).into(),
            at.into(),
            (&*seen.digest).into(),
        ];
        approved += database.execute("approve a tool", APPROVE, &parameters)?;
    }
    Ok(approved)
}

pub(super) fn forget<D: Database + ?Sized>(
    database: &mut D,
    server: &ToolServer,
    tools: &[Arc<str>],
) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    for tool in tools {
        let parameters = [
            (&*server.name).into(),
            (&*server.target).into(),
            (&**tool).into(),
        ];
        forgotten += database.execute("forget a tool", FORGET, &parameters)?;
    }
    Ok(forgotten)
}

fn server(row: &mut Reader) -> Result<ToolServer, StoreError> {
    Ok(ToolServer {
        name: row.text("server")?.into(),
        target: row.text("target")?.into(),
        shown_as: row.text("shown_as")?.into(),
    })
}

fn pin(row: Row) -> Result<ToolPin, StoreError> {
    let mut row = Reader::new("tool", row);
    Ok(ToolPin {
        tool: row.text("tool")?.into(),
        pinned: definition(&mut row)?,
        seen: definition(&mut row)?,
        since: row.time("since")?,
    })
}

fn definition(row: &mut Reader) -> Result<Option<ToolDefinition>, StoreError> {
    let digest = row.optional_text("digest")?;
    let text = row.optional_text("definition")?.map(Arc::from);
    Ok(digest.map(|digest| ToolDefinition {
        digest: digest.into(),
        text,
    }))
}
