use super::{percentile, sessions, told};
use portcullis_store::{
    Comparison, Durability, EventPage, Location, MetadataCondition, ProjectFilter, Search,
    SessionFilter, SessionOrder, Store, StoreError,
};
use std::time::Instant;

/// No look may take longer, in the median of its repetitions.
pub(super) const MILLISECONDS_MAX: f64 = 100.0;
const REPETITIONS: usize = 21;
const PAGE: u32 = 50;
const FREQUENT: &str = "w0";

type Look = Box<dyn Fn(&mut dyn Store) -> Result<usize, StoreError>>;

/// Whether all are fast enough.
pub(super) fn looks(location: &Location, events: u64) -> Result<(Vec<String>, bool), String> {
    let mut store = location.open(Durability::Relaxed).map_err(told)?;
    let mut report = Vec::new();
    let mut all_fast = true;
    for (name, look) in all(events / sessions::EVENTS)? {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..REPETITIONS {
            let start = Instant::now();
            found = look(store.as_mut()).map_err(told)?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let median = percentile(&times, 50);
        let longest = percentile(&times, 100);
        all_fast &= median <= MILLISECONDS_MAX;
        report.push(format!(
            "  {name}: {median:.2} ms, longest {longest:.2} ms ({found} found)"
        ));
    }
    Ok((report, all_fast))
}

fn all(sessions: u64) -> Result<Vec<(&'static str, Look)>, String> {
    let middle = sessions / 2;
    let id = sessions::id(middle)?;
    let open: Look = Box::new(move |store| {
        store.session(id.as_str())?;
        Ok(store.events(&id, EventPage::first(100))?.len())
    });
    let projects: Look = Box::new(|store| Ok(store.projects(&ProjectFilter::newest(PAGE))?.len()));
    let of_project = SessionFilter {
        project: Some(sessions::project(middle)),
        ..SessionFilter::newest(PAGE)
    };
    let by_index = SessionFilter {
        order: SessionOrder::ByIndex,
        offset: 900,
        ..of_project.clone()
    };
    let mut looks = vec![
        ("list the projects", projects),
        ("open a session: itself and 100 messages", open),
    ];
    looks.extend(
        [
            ("list the newest sessions", SessionFilter::newest(PAGE)),
            ("list the newest of a project", of_project.clone()),
            ("list a project by index, a late page", by_index),
        ]
        .into_iter()
        .chain(searches(middle, &of_project))
        .map(|(name, filter)| (name, list(filter))),
    );
    Ok(looks)
}

fn searches(middle: u64, of_project: &SessionFilter) -> Vec<(&'static str, SessionFilter)> {
    let search = |search: Search| SessionFilter {
        search,
        ..SessionFilter::newest(PAGE)
    };
    let words = |text: &str| {
        search(Search {
            words: vec![text.to_owned()],
            ..Search::default()
        })
    };
    let own = sessions::own_word(middle);
    let frequent_in_project = SessionFilter {
        project: of_project.project.clone(),
        ..words(FREQUENT)
    };
    let score = Search {
        metadata: vec![MetadataCondition {
            key: "score".to_owned(),
            comparison: Comparison::GreaterOrEqual,
            value: "99".to_owned(),
        }],
        ..Search::default()
    };
    let score_in_project = SessionFilter {
        search: score.clone(),
        ..of_project.clone()
    };
    let annotated = Search {
        is_annotated: Some(true),
        ..Search::default()
    };
    vec![
        ("search a rare word", words(&own)),
        ("search a frequent word", words(FREQUENT)),
        (
            "search two frequent words",
            words(&format!("{FREQUENT} w1")),
        ),
        (
            "search a frequent and a rare word",
            words(&format!("{FREQUENT} {own}")),
        ),
        ("search a missing word", words("nowhere")),
        ("search a frequent word in a project", frequent_in_project),
        ("search by metadata", search(score)),
        ("search by metadata in a project", score_in_project),
        ("search annotated traces", search(annotated)),
    ]
}

fn list(filter: SessionFilter) -> Look {
    Box::new(move |store| Ok(store.sessions(&filter)?.len()))
}
