//! Tools of different servers that a model, or a person, takes for one another.

use crate::fold::Folded;
use std::collections::BTreeMap;

/// A tool and the server that offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offer<'n> {
    pub server: &'n str,
    pub tool: &'n str,
}

/// Two offers that stand in each other's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shadow<'n> {
    pub first: Offer<'n>,
    pub second: Offer<'n>,
    pub likeness: Likeness,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The names are equal.
    Same,
    /// The names differ in what cannot be seen, or in letters that look alike.
    LooksAlike,
    /// The names differ in case and signs only.
    SpelledAlike,
}

/// Pairs of one tool each of two servers, or of one server if the names only look alike.
///
/// Each offer is paired with the first one that it is like.
pub fn shadows<'n>(offers: &[Offer<'n>]) -> Vec<Shadow<'n>> {
    let mut first_of: BTreeMap<String, Offer<'n>> = BTreeMap::new();
    let mut found = Vec::new();
    for offer in offers {
        let first = *first_of.entry(skeleton(offer.tool)).or_insert(*offer);
        let likeness = likeness(first.tool, offer.tool);
        let is_other = first.server != offer.server
            || first.tool != offer.tool && likeness == Likeness::LooksAlike;
        if is_other {
            found.push(Shadow {
                first,
                second: *offer,
                likeness,
            });
        }
    }
    found
}

/// What is left of a name when case, signs and look-alikes are taken away.
fn skeleton(name: &str) -> String {
    let folded = Folded::new(name).text;
    let letters = folded.chars().filter(|it| it.is_alphanumeric());
    letters
        .map(|letter| match letter {
            '0' => 'o',
            '1' | 'i' => 'l',
            other => other,
        })
        .collect()
}

fn likeness(first: &str, second: &str) -> Likeness {
    let plain = |name: &str| -> String {
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|it| it.to_ascii_lowercase()).collect()
    };
    if first == second {
        Likeness::Same
    } else if first.is_ascii() && second.is_ascii() && plain(first) == plain(second) {
        Likeness::SpelledAlike
    } else {
        Likeness::LooksAlike
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(offers: &[(&str, &str)], expected: &[(&str, &str, Likeness)]) {
        let offers: Vec<_> = offers
            .iter()
            .map(|(server, tool)| Offer { server, tool })
            .collect();
        let found = shadows(&offers);
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.first.tool, it.second.tool, it.likeness))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn servers_must_not_share_names() {
        check(&[("a", "send"), ("b", "read"), ("a", "send")], &[]);
        check(
            &[("a", "send"), ("b", "send")],
            &[("send", "send", Likeness::Same)],
        );
        check(
            &[("a", "send_mail"), ("b", "sendMail")],
            &[("send_mail", "sendMail", Likeness::SpelledAlike)],
        );
    }

    #[test]
    fn names_that_look_alike_are_found_within_one_server_too() {
        check(
            &[("a", "send_email"), ("a", "sеnd_email")],
            &[("send_email", "sеnd_email", Likeness::LooksAlike)],
        );
        check(
            &[("a", "read_file"), ("b", "read_fi1e")],
            &[("read_file", "read_fi1e", Likeness::LooksAlike)],
        );
        check(&[("a", "send_email"), ("a", "sendEmail")], &[]);
    }
}
