//! Addresses of mail boxes, pages and hosts.

use super::stands_alone;
use crate::pattern::{Pattern, compile, spans};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

static EMAIL: Pattern =
    LazyLock::new(|| compile(r"\b\w(?:[\w.+!#$&*~'-]*[\w+~-])?@(\w+(?:[-.]\w+)*\.\w+)\b"));
static WEB: Pattern = LazyLock::new(|| {
    compile(concat!(
        r"(?i)\bhttps?://((?:[\w-]+\.)+[\w-]*\w)(?::[0-9]{1,5})?",
        r#"(?:[/?#](?:[^\s"'<>()`|]*[^\s"'<>()`|.,;:!?])?)?"#
    ))
});
static HOST: Pattern = LazyLock::new(|| {
    compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]*[0-9A-Fa-f:]")
});

/// Mail addresses under a known top-level domain.
pub(super) fn email_addresses(text: &str) -> Vec<Range<usize>> {
    under_known_domain(&EMAIL, text)
}

/// `http` and `https` addresses under a known top-level domain.
pub(super) fn urls(text: &str) -> Vec<Range<usize>> {
    under_known_domain(&WEB, text)
}

/// The matches whose first group is a name registered under a public suffix.
fn under_known_domain(pattern: &Pattern, text: &str) -> Vec<Range<usize>> {
    pattern
        .captures_iter(text)
        .filter(|captures| {
            captures
                .get(1)
                .is_some_and(|host| is_registered(host.as_str()))
        })
        .filter_map(|captures| captures.get(0).map(|whole| whole.range()))
        .collect()
}

fn is_registered(host: &str) -> bool {
    psl::domain(host.to_lowercase().as_bytes()).is_some_and(|domain| domain.suffix().is_known())
}

pub(super) fn ip_addresses(text: &str) -> Vec<Range<usize>> {
    spans(&HOST, text)
        .filter(|span| stands_alone(text, span) && !is_after_colon(text, span.start))
        .filter(|span| is_ip_address(text.get(span.clone()).unwrap_or_default()))
        .collect()
}

/// The tail of an address is none, but a port may follow one and a key precede it.
fn is_after_colon(text: &str, start: usize) -> bool {
    text.get(..start).unwrap_or_default().ends_with("::")
}

/// Short forms without a digit are more often paths of a programming language.
fn is_ip_address(address: &str) -> bool {
    let is_v6 = || {
        address.contains(|digit: char| digit.is_ascii_digit())
            && address.parse::<Ipv6Addr>().is_ok()
    };
    address.parse::<Ipv4Addr>().is_ok() || is_v6()
}
