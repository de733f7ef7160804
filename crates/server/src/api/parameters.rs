//! Parameters in the query of a URL.

use url::form_urlencoded;

use super::answer::Detail;

/// LIMIT: items of one page.
const PAGE_ITEMS_MAX: u32 = 200;
const PAGE_ITEMS: u32 = 50;

/// Which items of a list are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    pub(super) limit: u32,
    pub(super) offset: u32,
}

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

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Detail> {
        let parse = |text: &str| {
            text.parse()
                .map_err(|_| Detail::bad_request(format!("{name} must be true or false")))
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

// === impl Page ===

impl Page {
    pub(super) fn of(parameters: &Parameters) -> Result<Self, Detail> {
        let limit = parameters.number("limit")?.unwrap_or(PAGE_ITEMS);
        if !(1..=PAGE_ITEMS_MAX).contains(&limit) {
            let text = format!("limit must be a number from 1 to {PAGE_ITEMS_MAX}, not {limit}");
            return Err(Detail::bad_request(text));
        }
        Ok(Self {
            limit,
            offset: parameters.number("offset")?.unwrap_or(0),
        })
    }

    /// Where the next page begins, if this one is full.
    pub(super) fn next(self, found: usize) -> Option<u64> {
        let is_full = found >= self.limit as usize;
        is_full.then(|| u64::from(self.offset) + u64::from(self.limit))
    }
}
