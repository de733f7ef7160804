//! Addresses of annotations: `messages.3.content.0.text:22-26`.

use std::collections::HashSet;

/// An address that is a part of the trace itself.
pub(super) const TRACE: &str = "messages";

/// An address in two parts: the element, and the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address<'a> {
    pub(super) element: usize,
    /// Empty, or begins with `.` or `:`.
    pub(super) place: &'a str,
}

// === impl Address ===

impl<'a> Address<'a> {
    pub(super) fn parse(written: &'a str) -> Option<Self> {
        let (element, place) = number(written.strip_prefix("messages.")?)?;
        Some(Self { element, place })
    }

    /// Which chunk of the content it is in.
    pub(super) fn chunk(self) -> Option<usize> {
        Some(number(self.place.strip_prefix(".content.")?)?.0)
    }
}

pub(super) fn message(index: usize) -> String {
    format!("messages.{index}")
}

/// Leaves out each address that has another one inside it, and those that stand there twice.
pub(super) fn most_specific(addresses: &[String]) -> Vec<&str> {
    let outer: HashSet<&str> = addresses.iter().flat_map(|inner| outer(inner)).collect();
    let mut kept = HashSet::new();
    let addresses = addresses.iter().map(String::as_str);
    addresses
        .filter(|address| !outer.contains(address) && kept.insert(*address))
        .collect()
}

/// The addresses that this one is inside of.
fn outer(inner: &str) -> impl Iterator<Item = &str> {
    let ends = inner.match_indices(['.', ':']);
    ends.filter_map(|(end, _)| inner.get(..end))
}

fn number(written: &str) -> Option<(usize, &str)> {
    let end = written
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(written.len());
    let (digits, rest) = written.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_an_element_and_a_place() {
        let check = |written: &str, expected: Option<(usize, &str, Option<usize>)>| {
            let found = Address::parse(written);
            let found = found.map(|found| (found.element, found.place, found.chunk()));
            assert_eq!(found, expected, "{written}");
        };
        check("messages.3", Some((3, "", None)));
        check("messages.12.content:4-9", Some((12, ".content:4-9", None)));
        let chunk = "messages.0.content.1.text:2-3";
        check(chunk, Some((0, ".content.1.text:2-3", Some(1))));
        check("messages", None);
        check("messages.", None);
        check("messages[0].content:L0", None);
        check("messages.99999999999999999999999", None);
    }

    #[test]
    fn only_the_most_specific_addresses_are_kept() {
        let check = |written: &[&str], expected: &[&str]| {
            let addresses: Vec<String> = written.iter().map(ToString::to_string).collect();
            assert_eq!(most_specific(&addresses), expected);
        };
        check(
            &["messages.1", "messages.1.content", "messages.1.content:0-2"],
            &["messages.1.content:0-2"],
        );
        check(
            &["messages.1", "messages.10.content"],
            &["messages.1", "messages.10.content"],
        );
        check(&["messages.1", "messages.1"], &["messages.1"]);
        check(&[], &[]);
    }
}
