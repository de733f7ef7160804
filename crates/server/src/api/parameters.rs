//! Parameters in the query of a URL.

use url::form_urlencoded;

use super::answer::Detail;

/// The parameters of a request; the last one of a name counts.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

// === impl Parameters ===

impl Parameters {
    pub(super) fn of(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(pairs.into_owned().collect())
    }

    /// An empty one is as good as absent.
    pub(super) fn get(&self, wanted: &str) -> Option<&str> {
        let mut found = self.0.iter().rev().filter(|(name, _)| name == wanted);
        found
            .next()
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(super) fn number<N: std::str::FromStr>(&self, name: &str) -> Result<Option<N>, Detail> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| Detail::bad_request(format!("{name} must be a number, not `{text}`")))
        };
        self.get(name).map(parse).transpose()
    }

    pub(super) fn numbers(&self, name: &str) -> Result<Option<Vec<u64>>, Detail> {
        let parse = |text: &str| {
            let numbers = text.split(',').map(|number| number.trim().parse());
            let numbers: Result<_, std::num::ParseIntError> = numbers.collect();
            numbers.map_err(|_| Detail::bad_request(format!("{name} must be a list of numbers")))
        };
        self.get(name).map(parse).transpose()
    }
}
