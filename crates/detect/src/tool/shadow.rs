//! Names that a model, or a person, takes for one another.

use crate::fold::Folded;

/// What two names have in common that are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// They are equal.
    Same,
    /// They differ in what cannot be seen, or in letters that look alike.
    LooksAlike,
    /// They differ in case and signs only.
    SpelledAlike,
}

/// What is left of a name when case, signs and look-alikes are taken away: names are alike if this
/// is equal.
pub fn skeleton(name: &str) -> String {
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

/// How two names are alike that have the same [`skeleton`].
pub fn likeness(first: &str, second: &str) -> Likeness {
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

    #[test]
    fn names_are_alike_in_some_way_or_not_at_all() {
        let check = |first: &str, second: &str, expected: Option<Likeness>| {
            let is_alike = skeleton(first) == skeleton(second);
            let found = is_alike.then(|| likeness(first, second));
            assert_eq!(found, expected, "{first} {second}");
        };
        check("send", "send", Some(Likeness::Same));
        check("send", "read", None);
        check("send_mail", "sendMail", Some(Likeness::SpelledAlike));
        check("send_email", "sеnd_email", Some(Likeness::LooksAlike));
        check(
            "send_email",
            "send\u{200b}_email",
            Some(Likeness::LooksAlike),
        );
        check("read_file", "read_fi1e", Some(Likeness::LooksAlike));
        check("read_file", "read_files", None);
    }
}
