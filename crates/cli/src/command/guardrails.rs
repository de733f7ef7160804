use std::io::Write;
use std::path::Path;

use portcullis_json::{Object, Value};
use portcullis_server::detectors::{ConfiguredDetectors, Unanswered};
use portcullis_server::kept_guardrail::{check_names, check_rules};
use portcullis_server::policy::PolicyFile;
use portcullis_session::GuardrailAction;
use portcullis_store::{
    GuardrailChange, GuardrailId, GuardrailPage, GuardrailRecord, GuardrailScope, GuardrailVersion,
    Project, ProjectId, Store,
};
use uuid::Uuid;

use super::check::span_place;
use super::config::detectors;
use super::store::{
    failure, now, object, open, open_existing, open_to_list, text_or_null, time, write_done,
};
use super::{Failure, Outcome, show_warning};
use crate::args::{GuardrailsAddArguments, GuardrailsArguments, GuardrailsCommand};
use crate::render::{FAINT, plain, policy_diagnostics};

const ID_CHARACTERS: usize = 36;

pub(crate) fn guardrails(arguments: &GuardrailsArguments) -> Result<Outcome, Failure> {
    let existing = || open_existing(&arguments.store);
    match &arguments.command {
        GuardrailsCommand::Ls { project, json } => {
            let found = match open_to_list(&arguments.store)? {
                Some(mut store) => list(store.as_mut(), project.as_deref())?,
                None => Vec::new(),
            };
            write_list(&found, *json)?;
        }
        GuardrailsCommand::Add(added) => {
            let config = arguments.store.config.as_deref();
            add(open(&arguments.store)?.as_mut(), added, config)?;
        }
        GuardrailsCommand::Enable { id } => set_enabled(existing()?.as_mut(), id, true)?,
        GuardrailsCommand::Disable { id } => set_enabled(existing()?.as_mut(), id, false)?,
        GuardrailsCommand::Rm { id } => remove(existing()?.as_mut(), id)?,
        GuardrailsCommand::History { id, json } => history(existing()?.as_mut(), id, *json)?,
    }
    Ok(Outcome::Ok)
}

fn list(store: &mut dyn Store, project: Option<&str>) -> Result<Vec<GuardrailRecord>, Failure> {
    let project = match project {
        Some(name) => match store.project_named(name).map_err(|error| failure(&error))? {
            Some(found) => Some(found.project.id),
            None => return Err(Failure::usage(format!("there is no project `{name}`"))),
        },
        None => None,
    };
    store
        .guardrails(project.as_ref())
        .map_err(|error| failure(&error))
}

fn add(
    store: &mut dyn Store,
    arguments: &GuardrailsAddArguments,
    config: Option<&Path>,
) -> Result<(), Failure> {
    let file = PolicyFile::read(&arguments.policy).map_err(|error| Failure::of(&error))?;
    let Some(policy) = &file.policy else {
        return Err(Failure::rendered(policy_diagnostics(&file)));
    };
    let (client, server) = (arguments.client.as_deref(), arguments.server.as_deref());
    check_names(Some(&arguments.name), client, server)
        .and_then(|()| check_rules(policy))
        .map_err(|error| Failure::of(&error))?;
    write!(anstream::stderr().lock(), "{}", policy_diagnostics(&file))?;
    if let Some(config) = config {
        warn_of_unanswered(&file, config, &arguments.action)?;
    }
    let record = GuardrailRecord {
        id: GuardrailId::from_uuid(Uuid::new_v4().into_bytes()),
        project: match &arguments.project {
            Some(name) => Some(project(store, name)?),
            None => None,
        },
        name: arguments.name.clone(),
        content: file.source,
        enabled: !arguments.disabled,
        action: arguments.action.clone(),
        scope: GuardrailScope {
            client: arguments.client.clone(),
            server: arguments.server.clone(),
        },
        metadata: Object::new(),
        version: 1,
        updated_at: now(),
    };
    store
        .create_guardrail(&record)
        .map_err(|error| failure(&error))?;
    writeln!(anstream::stdout().lock(), "{}", record.id)?;
    Ok(())
}

/// Warns of calls of detectors that nobody answers for in gateways with this configuration.
fn warn_of_unanswered(file: &PolicyFile, config: &Path, action: &str) -> Result<(), Failure> {
    let detectors = ConfiguredDetectors::new(&detectors(Some(config))?);
    let detectors = detectors.map_err(|error| Failure::internal(&error))?;
    let on_failure = match action {
        "log" => GuardrailAction::Log,
        _ => GuardrailAction::Block,
    };
    let unanswered = file
        .policy
        .iter()
        .flat_map(|policy| detectors.unanswered(policy));
    for Unanswered { span, reason } in unanswered {
        show_warning(&format!(
            "{reason} ({}); {}",
            span_place(file, Some(span)),
            Unanswered::consequence(on_failure)
        ));
    }
    Ok(())
}

/// The id of the project of that name, which is created if it is missing.
pub(super) fn project(store: &mut dyn Store, name: &str) -> Result<ProjectId, Failure> {
    let wanted = Project {
        id: ProjectId::from_uuid(Uuid::new_v4().into_bytes()),
        name: name.to_owned(),
        is_public: false,
        metadata: Object::new(),
        created_at: now(),
    };
    let found = store.ensure_project(&wanted);
    Ok(found.map_err(|error| failure(&error))?.id)
}

fn set_enabled(store: &mut dyn Store, id: &str, enabled: bool) -> Result<(), Failure> {
    let change = GuardrailChange {
        enabled: Some(enabled),
        ..GuardrailChange::default()
    };
    let id = meant(store, id)?;
    let updated = store.update_guardrail(&id, &change, now());
    let updated = updated.map_err(|error| failure(&error))?;
    let record = updated.ok_or_else(|| deleted(&id))?;
    write_done(state(&record), id.as_str(), &record.name)
}

fn remove(store: &mut dyn Store, id: &str) -> Result<(), Failure> {
    let id = meant(store, id)?;
    let found = store.guardrail(&id).map_err(|error| failure(&error))?;
    let record = found.ok_or_else(|| deleted(&id))?;
    // Somebody else may have been faster, and it is gone either way.
    let removed = store.delete_guardrail(&id, now());
    removed.map_err(|error| failure(&error))?;
    write_done("deleted", id.as_str(), &record.name)
}

fn history(store: &mut dyn Store, id: &str, json: bool) -> Result<(), Failure> {
    let id = meant(store, id)?;
    let versions = versions(store, &id)?;
    let mut out = anstream::stdout().lock();
    if json {
        let all: Vec<Value> = versions
            .iter()
            .map(|version| {
                object([
                    ("deleted", version.deleted.into()),
                    ("guardrail", as_json(&version.record)),
                ])
            })
            .collect();
        writeln!(out, "{}", Value::from(all))?;
        return Ok(());
    }
    for version in &versions {
        let record = &version.record;
        let state = if version.deleted {
            "deleted"
        } else {
            state(record)
        };
        writeln!(
            out,
            "version {}  {}  {state}  {}  {}",
            record.version,
            time(record.updated_at),
            plain(&record.action),
            plain(&record.name)
        )?;
        for line in record.content.lines() {
            writeln!(out, "    {}", FAINT.paint(plain(line)))?;
        }
    }
    Ok(())
}

fn versions(store: &mut dyn Store, id: &GuardrailId) -> Result<Vec<GuardrailVersion>, Failure> {
    let mut versions = Vec::new();
    loop {
        let page = GuardrailPage::first().after(versions.len());
        let found = store.guardrail_history(id, page);
        let found = found.map_err(|error| failure(&error))?;
        versions.extend(found.items);
        if !found.more {
            return Ok(versions);
        }
    }
}

fn write_list(found: &[GuardrailRecord], json: bool) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    if json {
        let all: Vec<Value> = found.iter().map(as_json).collect();
        writeln!(out, "{}", Value::from(all))?;
        return Ok(());
    }
    let header = format!(
        "{:ID_CHARACTERS$}  {:8}  {:6}  {:>7}  {:20}  {:12}  {:12}",
        "id", "state", "action", "version", "name", "client", "server"
    );
    writeln!(out, "{}", FAINT.paint(header))?;
    for record in found {
        let any = |name: &Option<String>| plain(name.as_deref().unwrap_or("any"));
        writeln!(
            out,
            "{}  {:8}  {:6}  {:>7}  {:20}  {:12}  {:12}",
            record.id,
            state(record),
            plain(&record.action),
            record.version,
            plain(&record.name),
            any(&record.scope.client),
            any(&record.scope.server),
        )?;
    }
    Ok(())
}

fn state(record: &GuardrailRecord) -> &'static str {
    if record.enabled {
        "enabled"
    } else {
        "disabled"
    }
}

fn as_json(record: &GuardrailRecord) -> Value {
    let project = record.project.as_ref().map(ProjectId::as_str);
    object([
        ("id", record.id.as_str().into()),
        ("project", text_or_null(project)),
        ("name", record.name.as_str().into()),
        ("content", record.content.as_str().into()),
        ("enabled", record.enabled.into()),
        ("action", record.action.as_str().into()),
        ("client", text_or_null(record.scope.client.as_deref())),
        ("server", text_or_null(record.scope.server.as_deref())),
        ("metadata", record.metadata.clone().into()),
        ("version", i64::from(record.version).into()),
        ("updated_at", time(record.updated_at).into()),
    ])
}

fn meant(store: &mut dyn Store, prefix: &str) -> Result<GuardrailId, Failure> {
    store.guardrail_id(prefix).map_err(|error| failure(&error))
}

fn deleted(id: &GuardrailId) -> Failure {
    Failure::usage(format!("the guardrail `{id}` was deleted")).hint(
        "`portcullis guardrails ls` lists those that are there, and `guardrails history` has its \
         versions",
    )
}
