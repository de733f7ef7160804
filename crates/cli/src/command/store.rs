//! What the commands about the store have in common.

use std::io::Write;
use std::path::PathBuf;

use portcullis_json::Value;
use portcullis_server::config::{ConfigError, DataDirectory, GatewayConfig};
use portcullis_store::{Durability, FailureReason, Location, Named, Store, StoreError};
use portcullis_trace::record::Timestamp;

use super::config::failure as config_failure;
use super::{Failure, show_warning};
use crate::args::StoreArguments;
use crate::render::plain;

const MISSING_HINT: &str =
    "nothing was recorded yet, or `--data-dir`, `--store` or `--config` names another place";

pub(super) type AnyStore = Box<dyn Store + Send>;

/// Opens the store to add to it; what is missing is created.
pub(super) fn open(arguments: &StoreArguments) -> Result<AnyStore, Failure> {
    let place = place(arguments, DataDirectory::open)?;
    place
        .open(Durability::Strict)
        .map_err(|error| failure_at(&place, &error))
}

/// Opens a store that exists; nothing is created.
pub(super) fn open_existing(arguments: &StoreArguments) -> Result<AnyStore, Failure> {
    let place = location(arguments)?;
    open_if_there(&place)?.ok_or_else(|| missing(&place))
}

/// Opens a store to list what it has. Where none is, there is nothing to list, and it is said where
/// it was looked for.
pub(super) fn open_to_list(arguments: &StoreArguments) -> Result<Option<AnyStore>, Failure> {
    let place = location(arguments)?;
    let store = open_if_there(&place)?;
    if store.is_none() {
        show_warning(&format!("there is no store at `{place}`: {MISSING_HINT}"));
    }
    Ok(store)
}

/// `None` if nothing was ever kept there.
pub(super) fn open_if_there(place: &Location) -> Result<Option<AnyStore>, Failure> {
    match place.open_existing() {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => Err(failure_at(place, &error)),
    }
}

/// Whoever did not name the place does not know it.
pub(super) fn failure_at(place: &Location, error: &StoreError) -> Failure {
    let shown = failure(error);
    match error {
        StoreError::Failed {
            reason: FailureReason::CannotOpen,
            ..
        } => shown.hint(format!(
            "look at what stands in the way of `{place}` and who owns it, or name another place \
             with `--data-dir`"
        )),
        _ => shown,
    }
}

pub(super) fn missing(place: &Location) -> Failure {
    Failure::usage(format!("there is no store at `{place}`")).hint(MISSING_HINT)
}

/// Where the store is, or would be.
pub(super) fn location(arguments: &StoreArguments) -> Result<Location, Failure> {
    place(arguments, DataDirectory::find)
}

fn place(
    arguments: &StoreArguments,
    data_directory: impl FnOnce(Option<PathBuf>) -> Result<DataDirectory, ConfigError>,
) -> Result<Location, Failure> {
    if let Some(url) = &arguments.store {
        return url.parse().map_err(|error| failure(&error));
    }
    let config = arguments.config.as_deref().map(GatewayConfig::read);
    let config = config
        .transpose()
        .map_err(|error| config_failure(&error))?
        .unwrap_or_default();
    if let Some(location) = config.store.location {
        return Ok(location);
    }
    let directory = arguments.data_dir.clone().or(config.data_directory);
    data_directory(directory)
        .map(|directory| Location::Sqlite(directory.database()))
        .map_err(|error| config_failure(&error))
}

pub(super) fn failure(error: &StoreError) -> Failure {
    let failure = Failure::of(error);
    match error {
        StoreError::Unknown { named, .. } => failure.hint(listed_by(*named)),
        StoreError::InvalidPrefix {
            named: Named::Session,
            ..
        } => failure.hint(listed_by(Named::Session)),
        _ => match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        },
    }
}

fn listed_by(named: Named) -> &'static str {
    match named {
        Named::Session => "`portcullis traces ls` lists the sessions",
        Named::Guardrail => "`portcullis guardrails ls` lists them",
        Named::ApiKey => "`portcullis keys ls` lists them",
    }
}

/// Says what was done to what: its id may have been given by its beginning.
pub(super) fn write_done(done: &str, id: &str, name: &str) -> Result<(), Failure> {
    writeln!(anstream::stdout().lock(), "{done} {id}  {}", plain(name))?;
    Ok(())
}

/// The JSON object with these members.
pub(super) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::from(members)
}

pub(super) fn text_or_null(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::from)
}

pub(super) fn time(timestamp: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(timestamp.as_micros()) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        Err(_) => "?".to_owned(),
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}
