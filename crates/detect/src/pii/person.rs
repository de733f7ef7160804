//! What tells of a person without a checksum: names, places, and the day of birth.
//!
//! Names are found by what stands around them and by a short list of first names, places by form
//! and by a list. Both miss whatever is on no list: `docs/DETECTORS.md` says how much.

use super::line_before;
use crate::pattern::{Pattern, compile, compile_ascii, spans};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

static DATE: Pattern = LazyLock::new(|| {
    compile_ascii(concat!(
        r"(?i)\b(?:[0-9]{4}年 ?[0-9]{1,2}月 ?[0-9]{1,2}日|(?:[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]{5,12}Z?)?|[0-9]{4}/[0-9]{2}/[0-9]{2}|[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:19|20)?[0-9]{2}|",
        r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? [0-9]{1,2}(?:st|nd|rd|th)?,? (?:19|20)[0-9]{2}|",
        r"[0-9]{1,2}(?:\.|st|nd|rd|th)?(?: of)?[ -](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?,?[ -](?:19|20)?[0-9]{2})\b)"
    ))
});
static TITLED: Pattern = LazyLock::new(|| {
    compile(
        r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Sir|Lady|Herr|Frau|Señora?|Monsieur|Madame)\.? ((?:\p{Lu}[\p{L}'-]+)(?: \p{Lu}[\p{L}'-]+){0,2})",
    )
});
static INTRODUCED: Pattern = LazyLock::new(|| {
    compile(concat!(
        r"(?:(?i:my name is|(?:full |first |last |customer |user ?)?name\s?[:=|]\s?|customer\s?[:=|\t]\s?|name on file is|signed,?|",
        r"(?:kind |best )?regards,|sincerely,|dear|\bi am|this is|called|named|contact)\s{0,3})",
        r"((?:\p{Lu}[\p{Ll}'-]+)(?: \p{Lu}[\p{L}'-]+){1,2})\b"
    ))
});
static CAPITALIZED: Pattern =
    LazyLock::new(|| compile(r"\b\p{Lu}[\p{Ll}]+(?:[ -]\p{Lu}[\p{L}'-]+){0,2}"));
static STREET: Pattern = LazyLock::new(|| {
    compile(concat!(
        r"\b[0-9]{1,5} (?:\p{Lu}[\p{L}'.-]* ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|",
        r"Square|Sq|Place|Pl|Terrace|Way|Highway|Hwy|Parkway|Crescent|Close|Shore|Vista|Light|Underpass|Plain|Plaza|Circle|Trail)\b",
        r"(?:,? (?:Apt|Suite|Unit)\.? [0-9]+)?|",
        r"\b\p{Lu}[\p{L}-]+(?:straße|strasse|gasse|weg|platz|allee|ring|gatan|vägen|laan|straat) [0-9]{1,4}(?:/[0-9]+)?[a-z]?"
    ))
});

/// What calls a date a birth, in lower case, up to the date.
static BIRTH: Pattern = LazyLock::new(|| {
    compile(concat!(
        r"\bborn(?:[^\p{L}]*$| on | in )|\bborn\b.* on $|birth(?:[^d]|d(?:ate|ay(?:[^\p{L}]*$|[^ ]| is| was| on| of)))|dob|d\.o\.b|geboren|geburtsdatum|",
        r"\bn[ée]e? le|naissance|nacimiento|nascimento|nascita|рождени|生年月日|出生|생년월일"
    ))
});

const FIRST_NAMES: &str = "Aaron Adam Ahmed Alan Albert Alejandro Alex Alexander Alexandra Ali Alice \
    Amanda Amelia Amy Ana Andrea Andrew Angela Ann Anna Anne Anthony Antonio Ashley Barbara Ben \
    Benjamin Betty Brandon Brenda Brian Carlos Carol Caroline Catherine Charles Charlotte Chloe \
    Chris Christian Christina Christine Christopher Claire Daniel David Deborah Dennis Diana Donald \
    Donna Dorothy Edward Elena Elizabeth Emily Emma Eric Erik Eva Fatima Fernando Francis Frank \
    Gary George Grace Hannah Hans Harry Heather Helen Henry Isabella Ivan Jack Jacob James Jan Jane \
    Janet Jason Javier Jean Jeffrey Jennifer Jessica Joan Joe John Jonathan Jose José Joseph Joshua \
    Juan Julia Julie Karen Kate Katherine Kathleen Keith Kelly Kenneth Kevin Kim Klaus Larry Laura \
    Lauren Lee Leon Linda Lisa Louis Lucas Lucy Luis Luke Margaret Maria María Marie Mario Mark Martha \
    Martin Mary Matthew Maria Max Megan Melissa Michael Michelle Miguel Mohamed Mohammed Monica Nancy \
    Natalie Nicholas Nicole Olga Olivia Oscar Pamela Patricia Patrick Paul Pedro Peter Philip Rachel \
    Ralph Raymond Rebecca Richard Robert Roger Ronald Rosa Roy Russell Ruth Ryan Samantha Samuel Sandra \
    Sara Sarah Scott Sean Sergei Sharon Simon Sofia Sophia Sophie Stefan Stephanie Stephen Steven Susan \
    Tanya Teresa Thomas Tim Timothy Tom Tyler Victor Victoria Vincent Walter Wei William Yusuf Zoe";

const PLACES: &str = "Afghanistan Albania Algeria Argentina Armenia Australia Austria Azerbaijan \
    Bangladesh Belarus Belgium Bolivia Brazil Bulgaria Cambodia Cameroon Canada Chile China Colombia \
    Croatia Cuba Cyprus Czechia Denmark Ecuador Egypt England Estonia Ethiopia Finland France Georgia \
    Germany Ghana Greece Greenland Guatemala Haiti Honduras Hungary Iceland India Indonesia Iran Iraq \
    Ireland Israel Italy Jamaica Japan Jordan Kazakhstan Kenya Kuwait Latvia Lebanon Libya Lithuania \
    Luxembourg Malaysia Mali Malta Mexico Moldova Mongolia Morocco Mozambique Nepal Netherlands Nicaragua \
    Nigeria Norway Pakistan Panama Paraguay Peru Philippines Poland Portugal Qatar Romania Russia Rwanda \
    Scotland Senegal Serbia Singapore Slovakia Slovenia Somalia Spain Sudan Sweden Switzerland Syria \
    Taiwan Tanzania Thailand Tunisia Turkey Uganda Ukraine Uruguay Uzbekistan Venezuela Vietnam Wales \
    Yemen Zambia Zimbabwe Amsterdam Athens Bangkok Barcelona Beijing Berlin Bogotá Boston Brussels \
    Bucharest Budapest Cairo Chicago Copenhagen Dallas Delhi Dubai Dublin Frankfurt Geneva Hamburg \
    Helsinki Houston Istanbul Jakarta Jerusalem Johannesburg Karachi Kyiv Kyoto Lagos Lima Lisbon London \
    Madrid Manila Melbourne Miami Milan Montreal Moscow Mumbai Munich Nairobi Oslo Osaka Paris Philadelphia \
    Prague Rome Santiago Seattle Seoul Shanghai Stockholm Sydney Tehran Tokyo Toronto Vancouver Vienna \
    Warsaw Washington Zurich California Texas Florida Bavaria Ontario Quebec";

static NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| FIRST_NAMES.split_whitespace().collect());
static PLACE_NAMES: LazyLock<HashSet<&str>> = LazyLock::new(|| PLACES.split_whitespace().collect());

/// Dates that a word before them calls a birth.
pub(super) fn birth_dates(text: &str) -> Vec<Range<usize>> {
    spans(&DATE, text)
        .filter(|span| BIRTH.is_match(&line_before(text, span.start)))
        .collect()
}

/// Names with a title or an introduction, and those that begin with a usual first name.
pub(super) fn names(text: &str) -> Vec<Range<usize>> {
    let mut found = first_groups(&TITLED, text);
    found.extend(first_groups(&INTRODUCED, text));
    found.extend(spans(&CAPITALIZED, text).filter(|span| {
        let first = text
            .get(span.clone())
            .and_then(|it| it.split([' ', '-']).next());
        first.is_some_and(|first| NAMES.contains(first))
    }));
    apart(found)
}

/// Streets with a house's number, and countries and large cities.
pub(super) fn places(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<_> = spans(&STREET, text).collect();
    found.extend(spans(&CAPITALIZED, text).filter_map(|span| {
        let whole = text.get(span.clone())?;
        let offset = whole
            .split(' ')
            .scan(0, |start, word| {
                let at = *start;
                *start += word.len() + 1;
                Some((at, word))
            })
            .find(|(_, word)| PLACE_NAMES.contains(word));
        let (at, word) = offset?;
        Some(span.start + at..span.start + at + word.len())
    }));
    apart(found)
}

fn first_groups(pattern: &Pattern, text: &str) -> Vec<Range<usize>> {
    let captures = pattern.captures_iter(text);
    captures
        .filter_map(|it| it.get(1).map(|name| name.range()))
        .collect()
}

/// Of spans that overlap, the one that starts first.
fn apart(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut end = 0;
    spans.retain(|span| {
        let is_apart = span.start >= end;
        if is_apart {
            end = span.end;
        }
        is_apart
    });
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &'static str, found: Vec<Range<usize>>) -> Vec<&'static str> {
        found
            .into_iter()
            .filter_map(|span| text.get(span))
            .collect()
    }

    #[test]
    fn names_have_a_title_an_introduction_or_a_usual_beginning() {
        let check = |text, expected: &[&str]| assert_eq!(texts(text, names(text)), expected);
        check("ask Dr. Inessa Torp", &["Inessa Torp"]);
        check("my name is Zoltan Weber", &["Zoltan Weber"]);
        check("we met Laura Weber there", &["Laura Weber"]);
        check("The Open Source Way", &[]);
    }

    #[test]
    fn places_are_streets_or_known() {
        let check = |text, expected: &[&str]| assert_eq!(texts(text, places(text)), expected);
        check(
            "at 12 Old Mill Road in Vienna",
            &["12 Old Mill Road", "Vienna"],
        );
        check("Fischergasse 8/2", &["Fischergasse 8/2"]);
        check("12 Open Issues", &[]);
    }

    #[test]
    fn a_date_is_a_birthday_if_it_says_so() {
        let check = |text, expected: &[&str]| assert_eq!(texts(text, birth_dates(text)), expected);
        check("dob: 1944-09-10", &["1944-09-10"]);
        check("born on October 17, 2010", &["October 17, 2010"]);
        check("released 1944-09-10", &[]);
    }
}
