//! Addresses of mail boxes, pages and hosts.

use super::{is_announced, is_apart, is_of_spaced_word, line_before, stands_alone};
use crate::pattern::{Pattern, compile, compile_ascii, spans};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

static EMAIL: Pattern =
    LazyLock::new(|| compile(r"\b\w(?:[\w.+!#$&*~'-]*[\w+~-])?@(\w+(?:[-.]\w+)*\.\w+)\b"));
static WEB: Pattern = LazyLock::new(|| {
    compile_ascii(concat!(
        r"(?i)\bhttps?://((?:[\w-]+\.)+[\w-]*\w)(?::[0-9]{1,5})?",
        r#"(?:[/?#](?:[^\s"'<>()`|]*[^\s"'<>()`|.,;:!?])?)?"#
    ))
});
static HOST: Pattern = LazyLock::new(|| {
    compile_ascii(
        r"(?:::ffff:)?[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]*[0-9A-Fa-f:]",
    )
});

static MAC: Pattern = LazyLock::new(|| {
    compile_ascii(r"\b[0-9A-Fa-f]{2}(?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5})\b")
});

/// LIMIT: bytes of user and password before the host of a web address.
const AUTHORITY_BYTES_MAX: usize = 100;

/// Mail addresses under a known top-level domain, but not the remotes of `git`.
pub(super) fn email_addresses(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = regions_with_sign(text)
        .flat_map(|(start, region)| {
            let found = under_known_domain(&EMAIL, region).into_iter();
            found.map(move |span| start + span.start..start + span.end)
        })
        .collect();
    found.retain(|span| {
        let is_followed_by_path = text.get(span.end..).is_some_and(|it| it.starts_with(':'));
        let is_git = text
            .get(span.clone())
            .is_some_and(|it| it.starts_with("git@"));
        let is_remote = is_git && is_followed_by_path;
        !is_remote && !is_in_authority(text, span.start) && !is_version(text, span)
    });
    found
}

/// Whether the user and the password of a web address, or of a connection's, stand before the host.
fn is_in_authority(text: &str, start: usize) -> bool {
    let from = text.floor_char_boundary(start.saturating_sub(AUTHORITY_BYTES_MAX));
    let before = text.get(from..start).unwrap_or_default();
    before.rsplit_once("://").is_some_and(|(scheme, user)| {
        let may_stand = |it: char| it.is_ascii_alphanumeric() || "._~!$&*+=%:-".contains(it);
        let names_somebody = |it: &&str| scheme.ends_with(*it);
        user.chars().all(may_stand)
            && user.matches(':').count() <= 1
            && !["mailto", "sip", "sips", "xmpp"].iter().any(names_somebody)
    })
}

/// Whether it is a package with its version, as package managers write it.
fn is_version(text: &str, span: &Range<usize>) -> bool {
    let address = text.get(span.clone()).unwrap_or_default();
    let mut labels = address
        .rsplit('@')
        .next()
        .into_iter()
        .flat_map(|host| host.split('.'));
    let mut is_number = || {
        labels
            .next()
            .is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_digit()))
    };
    is_number() && is_number()
}

/// The stretches of characters that addresses are made of, if an `@` is among them. The expression
/// would look for a start at each letter of the text.
fn regions_with_sign(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_of_address = |it: char| is_of_spaced_word(it) || it == '@' || "_.+!#$&*~'-".contains(it);
    let mut free = 0;
    text.match_indices('@').filter_map(move |(sign, _)| {
        let before = text.get(free..sign)?;
        let start = free + before.trim_end_matches(is_of_address).len();
        let after = text.get(sign..)?;
        let end = sign + after.find(|it| !is_of_address(it)).unwrap_or(after.len());
        free = free.max(end);
        Some((start, text.get(start..end)?))
    })
}

/// Addresses of network cards, in either writing.
pub(super) fn mac_addresses(text: &str) -> Vec<Range<usize>> {
    let continues = |next: Option<char>| next.is_some_and(|it| it == ':' || it == '-');
    spans(&MAC, text)
        .filter(|span| stands_alone(text, span))
        .filter(|span| {
            let before = text.get(..span.start).and_then(|it| it.chars().next_back());
            let after = text.get(span.end..).and_then(|it| it.chars().next());
            let address = text
                .get(span.clone())
                .unwrap_or_default()
                .to_ascii_lowercase();
            let is_of_someone =
                address.contains(|it: char| it.is_ascii_hexdigit() && it != '0' && it != 'f');
            let is_part = continues(after) || continues(before) && address.contains(':');
            is_of_someone && !is_part
        })
        .collect()
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

/// What announces an address as somebody's.
const SOMEBODYS: [&str; 11] = [
    "ip ", "ip:", "ip=", "ip\"", "ip'", "ip|", "address ", "_ip", "client", "remote", "host",
];

/// Four numbers behind one of these are no address.
const VERSIONS: [&str; 4] = ["version", "release", " v ", "ver."];

/// The same just before them, at the end of a line in lower case.
static NUMBERED: Pattern =
    LazyLock::new(|| compile(r"(?:\.so\.|(?:section|table|firmware|build)[ §:]{0,2})$"));

/// Addresses of hosts; one that is the same in every network must be announced.
pub(super) fn ip_addresses(text: &str) -> Vec<Range<usize>> {
    let mut found = any_ip_addresses(text);
    found.retain(|span| {
        let address = text.get(span.clone()).unwrap_or_default();
        (!is_of_no_one(address) || is_announced(text, span.start, &SOMEBODYS))
            && !is_announced(text, span.start, &VERSIONS)
            && !NUMBERED.is_match(&line_before(text, span.start))
    });
    found
}

/// A range is written with `-` between two of them.
pub(super) fn any_ip_addresses(text: &str) -> Vec<Range<usize>> {
    spans(&HOST, text)
        .filter(|span| is_apart(text, span, &['.']) && !is_after_colon(text, span.start))
        .filter(|span| is_ip_address(text.get(span.clone()).unwrap_or_default()))
        .collect()
}

/// Loopback, private and unspecified addresses, masks and groups, which point to no one in particular.
fn is_of_no_one(address: &str) -> bool {
    let v4 = |it: Ipv4Addr| {
        it.is_loopback()
            || it.is_private()
            || it.is_unspecified()
            || it.is_link_local()
            || it.is_multicast()
            || it.octets().starts_with(&[255, 255])
    };
    let v6 = |it: Ipv6Addr| {
        it.to_ipv4_mapped().is_some_and(v4)
            || it.is_loopback()
            || it.is_unspecified()
            || it.is_unicast_link_local()
    };
    address.parse().is_ok_and(v4) || address.parse().is_ok_and(v6)
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
