use std::io::Write;

use portcullis_json::Value;
use portcullis_server::random::secret_bytes;
use portcullis_store::{ApiKey, ApiKeyId, ApiKeySecret, Store};
use uuid::Uuid;

use super::store::{
    failure, now, object, open, open_existing, open_to_list, text_or_null, time, write_done,
};
use super::{Failure, Outcome};
use crate::args::{KeysArguments, KeysCommand};
use crate::render::{FAINT, plain};

const ID_CHARACTERS: usize = 36;

pub(crate) fn keys(arguments: &KeysArguments) -> Result<Outcome, Failure> {
    match &arguments.command {
        KeysCommand::Create { name } if name.trim().is_empty() => {
            return Err(Failure::usage(
                "a key needs a name, under which it is listed",
            ));
        }
        KeysCommand::Create { name } => create(open(&arguments.store)?.as_mut(), name)?,
        KeysCommand::Ls { json } => {
            let keys = match open_to_list(&arguments.store)? {
                Some(mut store) => store.api_keys().map_err(|error| failure(&error))?,
                None => Vec::new(),
            };
            write_list(&keys, *json)?;
        }
        KeysCommand::Revoke { id } => revoke(open_existing(&arguments.store)?.as_mut(), id)?,
    }
    Ok(Outcome::Ok)
}

fn create(store: &mut dyn Store, name: &str) -> Result<(), Failure> {
    let secret = ApiKeySecret::from_random(secret_bytes());
    let key = ApiKey {
        id: ApiKeyId::from_uuid(Uuid::new_v4().into_bytes()),
        name: name.to_owned(),
        hash: secret.hash(),
        created_at: now(),
        expires_at: None,
        revoked_at: None,
    };
    store
        .create_api_key(&key)
        .map_err(|error| failure(&error))?;
    writeln!(anstream::stdout().lock(), "{}", secret.as_str())?;
    Ok(())
}

fn revoke(store: &mut dyn Store, id: &str) -> Result<(), Failure> {
    let id = store.api_key_id(id).map_err(|error| failure(&error))?;
    let revoked = store.revoke_api_key(&id, now());
    if !revoked.map_err(|error| failure(&error))? {
        let unknown = Failure::usage(format!("there is no key `{id}`"));
        return Err(unknown.hint("`portcullis keys ls` lists them"));
    }
    let keys = store.api_keys().map_err(|error| failure(&error))?;
    let name = keys.iter().find(|key| key.id == id).map(|key| &*key.name);
    write_done("revoked", id.as_str(), name.unwrap_or_default())
}

fn write_list(keys: &[ApiKey], json: bool) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    if json {
        let all: Vec<Value> = keys.iter().map(as_json).collect();
        writeln!(out, "{}", Value::from(all))?;
        return Ok(());
    }
    let header = format!(
        "{:ID_CHARACTERS$}  {:20}  {:7}  {:8}  name",
        "id", "created", "ends in", "state"
    );
    writeln!(out, "{}", FAINT.paint(header))?;
    for key in keys {
        writeln!(
            out,
            "{}  {:20}  {:7}  {:8}  {}",
            key.id,
            time(key.created_at),
            plain(key.hash.last_characters()),
            state(key),
            plain(&key.name)
        )?;
    }
    Ok(())
}

fn state(key: &ApiKey) -> &'static str {
    match (key.revoked_at, key.is_valid_at(now())) {
        (Some(_), _) => "revoked",
        (None, true) => "valid",
        (None, false) => "expired",
    }
}

fn as_json(key: &ApiKey) -> Value {
    object([
        ("id", key.id.as_str().into()),
        ("name", key.name.as_str().into()),
        ("last_characters", key.hash.last_characters().into()),
        ("created_at", time(key.created_at).into()),
        (
            "expires_at",
            text_or_null(key.expires_at.map(time).as_deref()),
        ),
        (
            "revoked_at",
            text_or_null(key.revoked_at.map(time).as_deref()),
        ),
    ])
}
