use std::sync::Arc;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config, NoTls};
use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{PostgresStore, failed};
use crate::location::without_secrets;
use crate::sql::{Access, Cell, Database, transaction};
use crate::{Durability, FailureReason, StoreError};

/// LIMIT: how long it may take to connect.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);
/// LIMIT: how long a server that vanished keeps a statement waiting.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// LIMIT: how long a statement waits for others, and how long it may take.
///
/// PostgreSQL does not count what it costs to read texts that lie beside their table. So it would
/// read all words where it could ask their index, as `cargo xtask store-bench` shows at times. What
/// is switched off counts as dear, for which statements would be compiled.
pub(super) const SETTINGS: &str = "
    SET lock_timeout = '5s'; SET statement_timeout = '30s';
    SET enable_seqscan = off; SET jit = off";

/// The steps from an empty database to the present one. A step that was released never changes;
/// the schema version is the number of steps taken.
const MIGRATIONS: [&str; 6] = [
    include_str!("../../migrations/postgres/0001_store.sql"),
    include_str!("../../migrations/postgres/0002_continuation.sql"),
    include_str!("../../migrations/postgres/0003_recording.sql"),
    include_str!("../../migrations/postgres/0004_tool_pins.sql"),
    include_str!("../../migrations/postgres/0005_packed_contents.sql"),
    include_str!("../../migrations/postgres/0006_numbers.sql"),
];

/// Any number that nobody else uses: who migrates a database holds the lock of this name.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7012604801)";

const PURPOSE: &str = "bring the database up to date";

pub(super) fn config(url: &str) -> Result<Config, StoreError> {
    // The error of the parser may quote the password.
    let mut config: Config = url.parse().map_err(|_| StoreError::InvalidLocation {
        url: without_secrets(url),
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(StoreError::InvalidLocation {
            url: without_secrets(url),
        });
    }
    config
        .application_name("portcullis")
        .connect_timeout(CONNECT_WAIT_MAX)
        .tcp_user_timeout(SILENCE_MAX)
        .keepalives_idle(SILENCE_MAX);
    Ok(config)
}

pub(super) fn connect(config: &Config, durability: Durability) -> Result<Client, StoreError> {
    let purpose = "connect to the database";
    let is_local = |host: &Host| matches!(host, Host::Unix(_));
    let connected =
        if config.get_ssl_mode() == SslMode::Disable || config.get_hosts().iter().all(is_local) {
            config.connect(NoTls)
        } else {
            config.connect(MakeRustlsConnect::new(tls().map_err(|source| {
                StoreError::Failed {
                    operation: purpose,
                    reason: FailureReason::Unreachable,
                    source: Box::new(source),
                }
            })?))
        };
    let mut client = connected.map_err(failed(purpose))?;
    let commit = match durability {
        Durability::Relaxed => "SET synchronous_commit = off",
        Durability::Strict => "SET synchronous_commit = on",
    };
    client
        .batch_execute(&format!("{SETTINGS}; {commit}"))
        .map_err(failed(purpose))?;
    let encoding = client.query_one("SHOW server_encoding", &[]);
    let encoding: String = encoding
        .and_then(|row| row.try_get(0))
        .map_err(failed(purpose))?;
    if encoding != "UTF8" {
        return Err(StoreError::Encoding { found: encoding });
    }
    Ok(client)
}

/// Trusts whom the operating system trusts.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth())
}

/// Brings the database to the newest schema, or refuses one that this program does not know.
///
/// Processes that meet here take turns: the version is read again under the lock.
pub(super) fn migrate(store: &mut PostgresStore) -> Result<(), StoreError> {
    if version(store)? == MIGRATIONS.len() {
        return Ok(());
    }
    transaction(store, Access::Write, |store| {
        // Large tables take their time.
        store.batch(
            PURPOSE,
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0",
        )?;
        store.batch(PURPOSE, MIGRATION_LOCK)?;
        let taken = version(store)?;
        for (step, migration) in (1..).zip(MIGRATIONS).skip(taken) {
            store.batch(PURPOSE, migration)?;
            let note = format!("INSERT INTO schema_version (version) VALUES ({step})");
            store.batch(PURPOSE, &note)?;
        }
        Ok(())
    })
}

/// How many of the steps the database has taken.
fn version(store: &mut PostgresStore) -> Result<usize, StoreError> {
    let tables = number(
        store,
        "SELECT count(*) FROM information_schema.tables
         WHERE table_schema = current_schema() AND table_name = 'schema_version'",
    )?;
    if tables == 0 {
        return Ok(0);
    }
    let found = number(
        store,
        "SELECT coalesce(max(version), 0) FROM schema_version",
    )?;
    usize::try_from(found)
        .ok()
        .filter(|steps| *steps <= MIGRATIONS.len())
        .ok_or_else(|| StoreError::NewerSchema {
            place: "the PostgreSQL database".to_owned(),
            found,
            known: MIGRATIONS.len() as u64,
        })
}

fn number(store: &mut PostgresStore, statement: &str) -> Result<u64, StoreError> {
    let rows = store.query("read the schema version", statement, &[])?;
    match rows.first().map(Vec::as_slice) {
        Some([Cell::Integer(number)]) => Ok(number.cast_unsigned()),
        _ => Ok(0),
    }
}
