//! Which sessions a filter finds.
use std::collections::BTreeSet;

use portcullis_trace::record::{Implementation, Origin, SessionRecord, SessionSummary};

use super::row::{Parameter, Reader};
use super::words::{cut, words_of};
use super::{Database, Row};
use crate::{Comparison, MetadataCondition, Search, SessionFilter, SessionOrder, StoreError};

pub(super) const SESSION_COLUMNS: &str = "
    SELECT id, project, name, server, client_name, client_version, started_at, metadata, origin,
        project_index, hierarchy_path, ended_at, active_at, event_count, last_sequence, violation_count,
        last_pushed_at, is_shared
    FROM sessions";

/// LIMIT: places of traces in one search that count; the rest is not looked at.
const INDICES_MAX: usize = 1000;

/// The conditions of a statement, and what they are given.
#[derive(Default)]
struct Conditions<'a> {
    texts: Vec<String>,
    parameters: Vec<Parameter<'a>>,
}

pub(super) fn sessions<D: Database + ?Sized>(
    database: &mut D,
    filter: &SessionFilter,
) -> Result<Vec<SessionSummary>, StoreError> {
    let words = words(filter)?;
    let conditions = Conditions::of::<D>(filter, &words);
    let (statement, parameters) = conditions.statement(filter);
    database
        .query("list the sessions", &statement, &parameters)?
        .into_iter()
        .map(summary)
        .collect()
}

pub(super) fn count<D: Database + ?Sized>(
    database: &mut D,
    filter: &SessionFilter,
) -> Result<u64, StoreError> {
    let words = words(filter)?;
    let conditions = Conditions::of::<D>(filter, &words);
    let statement = format!("SELECT count(*) FROM sessions{}", conditions.clause());
    let rows = database.query("count the sessions", &statement, &conditions.parameters)?;
    match rows.into_iter().next() {
        Some(row) => Reader::new("session", row).count("count"),
        None => Ok(0),
    }
}

/// The words that are asked for, each once.
fn words(filter: &SessionFilter) -> Result<Vec<String>, StoreError> {
    let Search {
        words: texts,
        metadata,
        ..
    } = &filter.search;
    let mut words = BTreeSet::new();
    for word in texts.iter().flat_map(|text| words_of(text)) {
        words.insert(word);
        if words.len() + metadata.len() > Search::CONDITIONS_MAX {
            return Err(StoreError::TooManyConditions);
        }
    }
    if metadata.len() > Search::CONDITIONS_MAX {
        return Err(StoreError::TooManyConditions);
    }
    Ok(words.into_iter().collect())
}

pub(super) fn summary(row: Row) -> Result<SessionSummary, StoreError> {
    let mut row = Reader::new("session", row);
    let session = SessionRecord {
        id: row.parsed("id")?,
        project: row.optional_text("project")?,
        name: row.optional_text("name")?,
        server: row.text("server")?,
        client: {
            let name = row.optional_text("client_name")?;
            let version = row.optional_text("client_version")?;
            name.map(|name| Implementation { name, version })
        },
        started_at: row.time("started_at")?,
        metadata: row.object("metadata")?,
        origin: row.parsed("origin")?,
        index: row.optional_count("project_index")?,
        hierarchy_path: row.texts("hierarchy_path")?,
    };
    let ended_at = row.optional_time("ended_at")?;
    let active_at = row.time("active_at")?;
    let events = row.count("event_count")?;
    Ok(SessionSummary {
        session,
        ended_at,
        active_at,
        events,
        events_lost: row.count("last_sequence")?.saturating_sub(events),
        violations: row.count("violation_count")?,
        last_pushed_at: row.optional_time("last_pushed_at")?,
        is_shared: row.boolean("is_shared")?,
    })
}

// === impl Conditions ===

impl<'a> Conditions<'a> {
    /// What the filter says, with the words that it asks for.
    fn of<D: Database + ?Sized>(filter: &'a SessionFilter, words: &'a [String]) -> Self {
        let mut conditions = Self::default();
        conditions.of_session(filter);
        conditions.of_words::<D>(words);
        let texts = filter.search.words.iter();
        if words.is_empty() && texts.clone().any(|text| !text.trim().is_empty()) {
            // Something is looked for, and no trace holds what is no word.
            conditions.texts.push("1 = 0".to_owned());
        }
        for condition in &filter.search.metadata {
            conditions.of_metadata(condition);
        }
        conditions
    }

    fn of_session(&mut self, filter: &'a SessionFilter) {
        for (column, value) in [
            ("project", &filter.project),
            ("name", &filter.name),
            ("server", &filter.server),
        ] {
            if let Some(value) = value {
                let place = self.parameter(value);
                self.texts.push(format!("{column} = {place}"));
            }
        }
        if filter.with_violations_only {
            self.texts.push("violation_count > 0".to_owned());
        }
        if let Some(since) = filter.going_on_since {
            let live = self.parameter(Origin::Live.name());
            let since = self.parameter(since);
            self.texts.push(format!(
                "origin = {live} AND ended_at IS NULL AND active_at >= {since}"
            ));
        }
        if let Some(indices) = &filter.indices {
            let places: Vec<String> = indices
                .iter()
                // What the database cannot hold is no trace's place.
                .filter_map(|index| i64::try_from(*index).ok())
                .take(INDICES_MAX)
                .map(|index| self.parameter(Parameter::Integer(index)))
                .collect();
            self.texts.push(match places.as_slice() {
                [] => "1 = 0".to_owned(),
                places => format!("project_index IN ({})", places.join(", ")),
            });
        }
        if let Some(is_annotated) = filter.search.is_annotated {
            let not = if is_annotated { "" } else { "NOT" };
            self.texts.push(format!(
                "{not} (violation_count > 0
                 OR EXISTS (SELECT 1 FROM annotations AS a WHERE a.session = sessions.id))"
            ));
        }
    }

    fn of_words<D: Database + ?Sized>(&mut self, words: &'a [String]) {
        let with_word: Vec<String> = words
            .iter()
            .map(|word| D::SESSIONS_WITH_WORD.replace("{word}", &self.parameter(word)))
            .collect();
        if !with_word.is_empty() {
            let numbers = with_word.join(" INTERSECT ");
            let condition = D::NUMBER_IS_ONE_OF.replace("{numbers}", &numbers);
            self.texts.push(condition);
        }
    }

    fn of_metadata(&mut self, condition: &'a MetadataCondition) {
        let key = self.parameter(condition.key.as_str());
        let value = self.parameter(cut(&condition.value));
        let number = condition.value.trim().parse::<f64>();
        let comparison = match condition.comparison {
            Comparison::Equal => "=",
            Comparison::Less => "<",
            Comparison::Greater => ">",
            Comparison::LessOrEqual => "<=",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Contains => {
                // Neither database has a function for this that the other has, too.
                self.texts.push(property(
                    &key,
                    &format!("length(replace(p.value, {value}, '')) < length(p.value)"),
                ));
                return;
            }
        };
        let as_text = format!("p.value {comparison} {value}");
        let text = match number {
            Ok(number) if number.is_finite() => {
                let number = self.parameter(Parameter::Real(number));
                property(
                    &key,
                    &format!(
                        "CASE WHEN p.number IS NULL THEN {as_text}
                         ELSE p.number {comparison} {number} END"
                    ),
                )
            }
            _ => property(&key, &as_text),
        };
        self.texts.push(text);
    }

    /// Its name in the statement.
    fn parameter(&mut self, value: impl Into<Parameter<'a>>) -> String {
        self.parameters.push(value.into());
        format!("${}", self.parameters.len())
    }

    fn statement(mut self, filter: &SessionFilter) -> (String, Vec<Parameter<'a>>) {
        let limit = self.parameter(filter.limit.min(SessionFilter::LIMIT_MAX));
        let offset = self.parameter(filter.offset);
        let clause = self.clause();
        let order = match filter.order {
            SessionOrder::NewestFirst => "started_at DESC, id DESC",
            SessionOrder::ByIndex => "project, project_index, id",
        };
        let statement =
            format!("{SESSION_COLUMNS}{clause} ORDER BY {order} LIMIT {limit} OFFSET {offset}");
        (statement, self.parameters)
    }

    fn clause(&self) -> String {
        let mut clause = String::new();
        for (place, text) in self.texts.iter().enumerate() {
            clause.push_str(if place == 0 { " WHERE " } else { " AND " });
            clause.push_str(text);
        }
        clause
    }
}

fn property(key: &str, condition: &str) -> String {
    format!(
        "number IN (SELECT p.session FROM session_properties AS p
         WHERE p.key = {key} AND {condition})"
    )
}
