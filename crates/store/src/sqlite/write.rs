use portcullis_json::{Value, write as json_text};
use portcullis_trace::record::{EventRecord, Sequence, SessionEnd, SessionRecord, ViolationRecord};
use rusqlite::{ErrorCode, Transaction, named_params, params};

use super::failed;
use crate::{Entry, StoreError};

const PUT_SESSION: &str = "
    INSERT INTO sessions
        (id, project, name, server, client_name, client_version, started_at, metadata)
    VALUES
        (:id, :project, :name, :server, :client_name, :client_version, :started_at, :metadata)
    ON CONFLICT (id) DO UPDATE SET
        project = excluded.project, name = excluded.name, server = excluded.server,
        client_name = excluded.client_name, client_version = excluded.client_version,
        metadata = excluded.metadata";

const COUNT_EVENT: &str = "
    UPDATE sessions SET
        last_sequence = max(last_sequence, :sequence),
        event_count = event_count + 1,
        violation_count = violation_count + :violations
    WHERE id = :session";

const PUT_EVENT: &str = "
    INSERT INTO events
        (session, sequence, recorded_at, direction, method, message, events, verdict, failure)
    VALUES
        (:session, :sequence, :recorded_at, :direction, :method, :message, :events, :verdict,
         :failure)";

const PUT_VIOLATION: &str = "
    INSERT INTO violations
        (session, sequence, place, guardrail_id, guardrail_name, action, message, arguments,
         keywords, ranges)
    VALUES
        (:session, :sequence, :place, :guardrail_id, :guardrail_name, :action, :message,
         :arguments, :keywords, :ranges)";

const END_SESSION: &str = "
    UPDATE sessions SET ended_at = ?2, last_sequence = max(last_sequence, ?3) WHERE id = ?1";

pub(super) fn entry(transaction: &Transaction<'_>, entry: &Entry) -> Result<(), StoreError> {
    match entry {
        Entry::Session(record) => session(transaction, record),
        Entry::Event(record) => event(transaction, record),
        Entry::End(record) => end(transaction, record),
    }
}

fn session(transaction: &Transaction<'_>, record: &SessionRecord) -> Result<(), StoreError> {
    let refused = failed("record the session");
    let client = record.client.as_ref();
    let mut statement = transaction.prepare_cached(PUT_SESSION).map_err(&refused)?;
    let parameters = named_params! {
        ":id": record.id.as_str(),
        ":project": record.project,
        ":name": record.name,
        ":server": record.server,
        ":client_name": client.map(|client| &client.name),
        ":client_version": client.and_then(|client| client.version.as_ref()),
        ":started_at": record.started_at.as_micros(),
        ":metadata": json_text(&record.metadata.clone().into()),
    };
    statement.execute(parameters).map_err(&refused)?;
    Ok(())
}

fn event(transaction: &Transaction<'_>, record: &EventRecord) -> Result<(), StoreError> {
    let refused = failed("record the message");
    let mut count = transaction.prepare_cached(COUNT_EVENT).map_err(&refused)?;
    let counted = count
        .execute(named_params! {
            ":session": record.session.as_str(),
            ":sequence": record.sequence.value(),
            ":violations": record.violations.len(),
        })
        .map_err(&refused)?;
    if counted == 0 {
        return Err(StoreError::UnknownSession {
            session: record.session.clone(),
        });
    }
    let mut put = transaction.prepare_cached(PUT_EVENT).map_err(&refused)?;
    let written = put.execute(named_params! {
        ":session": record.session.as_str(),
        ":sequence": record.sequence.value(),
        ":recorded_at": record.recorded_at.as_micros(),
        ":direction": record.direction.name(),
        ":method": record.method,
        ":message": record.message.as_deref(),
        ":events": &*record.events,
        ":verdict": record.verdict.name(),
        ":failure": record.failure,
    });
    match written {
        Ok(_) => violations(transaction, record),
        // The session exists and the columns are typed, so that only the key can collide.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
            Err(StoreError::SequenceTaken {
                session: record.session.clone(),
                sequence: record.sequence,
            })
        }
        Err(error) => Err(refused(error)),
    }
}

fn violations(transaction: &Transaction<'_>, record: &EventRecord) -> Result<(), StoreError> {
    for (place, violation) in record.violations.iter().enumerate() {
        put_violation(transaction, record, place, violation)
            .map_err(failed("record the violation"))?;
    }
    Ok(())
}

fn put_violation(
    transaction: &Transaction<'_>,
    record: &EventRecord,
    place: usize,
    violation: &ViolationRecord,
) -> rusqlite::Result<usize> {
    let ranges: Vec<Value> = violation
        .ranges
        .iter()
        .map(|range| range.as_str().into())
        .collect();
    transaction
        .prepare_cached(PUT_VIOLATION)?
        .execute(named_params! {
            ":session": record.session.as_str(),
            ":sequence": record.sequence.value(),
            ":place": place,
            ":guardrail_id": violation.guardrail.id,
            ":guardrail_name": violation.guardrail.name,
            ":action": violation.action.name(),
            ":message": violation.message,
            ":arguments": json_text(&violation.arguments.clone().into()),
            ":keywords": json_text(&violation.keywords.clone().into()),
            ":ranges": json_text(&ranges.into()),
        })
}

fn end(transaction: &Transaction<'_>, record: &SessionEnd) -> Result<(), StoreError> {
    let refused = failed("record the end of the session");
    let last_sequence = record.last_sequence.map_or(0, Sequence::value);
    let ended = transaction
        .prepare_cached(END_SESSION)
        .map_err(&refused)?
        .execute(params![
            record.session.as_str(),
            record.ended_at.as_micros(),
            last_sequence
        ])
        .map_err(&refused)?;
    if ended == 0 {
        return Err(StoreError::UnknownSession {
            session: record.session.clone(),
        });
    }
    Ok(())
}
