//! Gateways behind gateways. Each says in `Via` that a request passed it (SPEC: RFC 9110, section
//! 7.6.3), so that one which leads back to itself is noticed. What other proxies say there is not
//! passed on.

use axum::http::header::VIA;
use axum::http::{HeaderMap, HeaderValue, StatusCode};

use super::answer::Refused;

const PSEUDONYM: &str = "portcullis";
/// What one gateway adds.
const OWN: &str = "1.1 portcullis";
/// LIMIT: gateways that a request may have passed before it comes here.
const HOPS_MAX: usize = 8;

/// Refuses a request that passed too many gateways, of which one is mostly this.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Refused> {
    if hops(headers) <= HOPS_MAX {
        return Ok(());
    }
    Err(Refused::new(
        StatusCode::LOOP_DETECTED,
        format!(
            "the request passed more than {HOPS_MAX} gateways like this: the URL of a server \
             leads back to a gateway before it"
        ),
    ))
}

/// Says that a request passed this gateway, and those before it.
pub(crate) fn pass_on(from: &HeaderMap, to: &mut HeaderMap) {
    let via = match hops(from) {
        0 => HeaderValue::from_static(OWN),
        before => {
            let all = [OWN].repeat(before.min(HOPS_MAX) + 1).join(", ");
            HeaderValue::from_str(&all).unwrap_or(HeaderValue::from_static(OWN))
        }
    };
    to.insert(VIA, via);
}

/// How many gateways like this a request passed.
fn hops(headers: &HeaderMap) -> usize {
    let lines = headers.get_all(VIA).iter();
    let entries = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    let is_own = |entry: &&str| {
        let by = entry.split_ascii_whitespace().nth(1);
        by.is_some_and(|by| by.eq_ignore_ascii_case(PSEUDONYM))
    };
    entries.filter(is_own).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_are_counted_and_other_proxies_are_not() {
        let counted = |lines: &[&str], expected: usize| {
            let lines = lines.iter().map(|line| (VIA, line.parse().unwrap()));
            let headers = lines.fold(HeaderMap::new(), |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            });
            assert_eq!(hops(&headers), expected, "{headers:?}");
            let mut passed = HeaderMap::new();
            pass_on(&headers, &mut passed);
            assert_eq!(hops(&passed), expected + 1, "{passed:?}");
            assert_eq!(check(&headers).is_err(), expected > HOPS_MAX);
        };
        counted(&[], 0);
        counted(&["1.1 other, 1.0 portcullis.example (portcullis)"], 0);
        counted(&["1.1 other, HTTP/1.1 Portcullis (x)", "1.1 portcullis"], 2);
        counted(&[", 1.1,, portcullis"], 0);
        counted(&[&[OWN].repeat(HOPS_MAX).join(",")], HOPS_MAX);
        let far = [OWN].repeat(HOPS_MAX + 1).join(", ");
        let far = HeaderMap::from_iter([(VIA, far.parse().unwrap())]);
        assert_eq!(check(&far).unwrap_err().status, StatusCode::LOOP_DETECTED);
    }
}
