//! Search among the traces of a project.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use portcullis_json::{Object, Value};
use portcullis_store::{Comparison, MetadataCondition, Search, Store, StoreError};
use portcullis_trace::record::SessionSummary;

use super::dataset::Named;
use super::places::Places;
use super::trace::{Trace, session_id};
use super::traces::{Selection, select};
use crate::api::Api;
use crate::api::answer::{Answered, Failure, count, object, ok};
use crate::api::parameters::Parameters;

/// LIMIT: traces in which it is shown where the words are.
const MAPPED_TRACES_MAX: usize = 50;
const FILTERED: &str = "filtered selection";

/// What is asked for.
#[derive(Debug, PartialEq)]
enum Query {
    /// `filter:TITLE:1,2`: these places in the project.
    Indices(String, Vec<u64>),
    /// `idfilter:TITLE:ID,ID`: these traces.
    Ids(String, Vec<String>),
    Search(Search),
}

pub(super) async fn search(
    State(api): State<Arc<Api>>,
    Path((user, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Answered {
    let parameters = Parameters::of(query.as_deref());
    let written = parameters.get("query").unwrap_or_default().to_owned();
    let named = Named::Name(user, name);
    let found = api.with_traces(move |store| {
        let mut result = Object::new();
        result.insert("Other Traces", others());
        let mut mappings = Object::new();
        match Query::read(&written) {
            Query::Indices(title, indices) => {
                named.find(store)?;
                let indices = indices.into_iter().map(count);
                result.insert(title, described(indices.collect(), FILTERED));
            }
            Query::Ids(title, ids) => {
                named.find(store)?;
                result.insert(title, described(indices_of(store, &ids)?, FILTERED));
            }
            Query::Search(search) => {
                let project = named.find(store)?;
                let description = description(&search);
                let words = search.words.clone();
                let selection = Selection {
                    search,
                    ..Selection::default()
                };
                let traces = select(store, &project, selection)?;
                mappings = self::mappings(store, &traces, &words)?;
                let indices = traces.iter().map(index).collect();
                result.insert(written, described(indices, description));
            }
        }
        Ok(object([
            ("result", result.into()),
            ("mappings", mappings.into()),
        ]))
    });
    Ok(ok(&found.await?))
}

// === impl Query ===

impl Query {
    fn read(written: &str) -> Self {
        let selection = |prefix: &str| {
            let (title, rest) = written.trim().strip_prefix(prefix)?.split_once(':')?;
            Some((title.to_owned(), rest.split(',').map(str::trim)))
        };
        if let Some((title, ids)) = selection("idfilter:") {
            return Self::Ids(title, ids.map(str::to_owned).collect());
        }
        if let Some((title, indices)) = selection("filter:") {
            return Self::Indices(
                title,
                indices.filter_map(|index| index.parse().ok()).collect(),
            );
        }
        let mut search = Search::default();
        for term in written.split_whitespace() {
            match (term, condition(term)) {
                ("is:annotated", _) => search.is_annotated = Some(true),
                ("not:annotated", _) => search.is_annotated = Some(false),
                (_, Some(condition)) => search.metadata.push(condition),
                (term, None) => search.words.push(term.to_lowercase()),
            }
        }
        Self::Search(search)
    }
}

/// `meta:KEY<OP>VALUE`.
fn condition(term: &str) -> Option<MetadataCondition> {
    const OPERATORS: [(&str, Comparison); 7] = [
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("==", Comparison::Equal),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
        ("=", Comparison::Equal),
        ("%", Comparison::Contains),
    ];
    let term = term.strip_prefix("meta:")?;
    let at = term.find(['<', '>', '=', '%'])?;
    let (key, rest) = term.split_at_checked(at)?;
    let mut operators = OPERATORS.into_iter();
    let (comparison, value) = operators
        .find_map(|(operator, comparison)| Some((comparison, rest.strip_prefix(operator)?)))?;
    (!key.is_empty() && !value.is_empty()).then(|| MetadataCondition {
        key: key.to_owned(),
        comparison,
        value: value.to_owned(),
    })
}

fn description(search: &Search) -> &'static str {
    let is_filtered = search.is_annotated.is_some() || !search.metadata.is_empty();
    match (search.words.is_empty(), is_filtered) {
        (false, true) => "filtered search result",
        (false, false) => "search result",
        (true, true) => "filtered result",
        (true, false) => "",
    }
}

fn described(traces: Vec<Value>, description: &str) -> Value {
    let mut found = Object::new();
    found.insert("traces", traces);
    if !description.is_empty() {
        found.insert("description", description);
    }
    found.into()
}

/// The reference answers with this group whatever it is asked.
fn others() -> Value {
    object([
        ("traces", Vec::new().into()),
        ("description", "Traces without Analyzer results".into()),
        ("severity", 0.into()),
    ])
}

fn index(trace: &SessionSummary) -> Value {
    count(trace.session.index.unwrap_or_default())
}

fn indices_of(store: &mut dyn Store, ids: &[String]) -> Result<Vec<Value>, Failure> {
    let mut indices = Vec::new();
    for id in ids {
        let Ok(id) = session_id(id) else { continue };
        match store.session(id.as_str()) {
            Ok(found) => indices.push(index(&found)),
            Err(StoreError::Unknown { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(indices)
}

/// Where the words are, by the place of the trace.
fn mappings(
    store: &mut dyn Store,
    traces: &[SessionSummary],
    words: &[String],
) -> Result<Object, Failure> {
    let mut mappings = Object::new();
    for summary in traces.iter().take(MAPPED_TRACES_MAX) {
        let mut places = Places::of(words);
        if !words.is_empty() {
            let trace = Trace::load(store, &summary.session.id)?;
            places.find(&trace.messages.into(), "messages");
        }
        mappings.insert(index(summary).to_string(), places.into_found());
    }
    Ok(mappings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_words_and_conditions() {
        let is = |key: &str, comparison, value: &str| MetadataCondition {
            key: key.to_owned(),
            comparison,
            value: value.to_owned(),
        };
        let check =
            |written: &str, words: &[&str], is_annotated, metadata: &[MetadataCondition]| {
                let expected = Search {
                    words: words.iter().map(ToString::to_string).collect(),
                    is_annotated,
                    metadata: metadata.to_vec(),
                };
                assert_eq!(Query::read(written), Query::Search(expected), "{written}");
            };
        check("", &[], None, &[]);
        check("Two words", &["two", "words"], None, &[]);
        check("is:annotated x", &["x"], Some(true), &[]);
        check("not:annotated", &[], Some(false), &[]);
        let at_least = is("accuracy", Comparison::GreaterOrEqual, "0.5");
        check("meta:accuracy>=0.5", &[], None, &[at_least]);
        let both = [
            is("a", Comparison::Equal, "b"),
            is("c", Comparison::Contains, "d"),
        ];
        check("meta:a==b meta:c%d", &[], None, &both);
        check("meta:a", &["meta:a"], None, &[]);
        check("meta:a=", &["meta:a="], None, &[]);
        assert_eq!(
            Query::read("filter:some title:1, 2"),
            Query::Indices("some title".to_owned(), vec![1, 2])
        );
    }
}
