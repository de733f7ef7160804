use super::*;
use crate::Match;
use crate::runs::{RUN_MIN, is_of_run};
use crate::secrets::{MATCHES_MAX, Rule, find, in_plain_text, is_free, reference};
use crate::view;
use proptest::prelude::*;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::fmt::Write as _;

/// What all texts that a pattern matches have in common.
#[derive(Clone, Copy)]
struct Shape {
    /// Whether no other character than those of runs can be in one, and how long it is at least.
    pure: Option<usize>,
    /// Bytes of a run that it begins and ends with, and that stand somewhere in it, at least.
    head: usize,
    tail: usize,
    longest: usize,
}

/// Chooses with the numbers of a test case.
struct Choices {
    state: u64,
    /// Whether to take a letter wherever one fits.
    letters: bool,
}

// === impl Shape ===

impl Shape {
    const EMPTY: Shape = Shape::pure(0);

    const fn pure(length: usize) -> Self {
        Shape {
            pure: Some(length),
            head: length,
            tail: length,
            longest: length,
        }
    }

    fn of(hir: &Hir) -> Self {
        let unknown = Shape {
            pure: None,
            ..Shape::EMPTY
        };
        let is_of_runs = |first: char, last: char| {
            let mut ascii = (first..=last).take_while(char::is_ascii);
            ascii.all(|it| u8::try_from(it).is_ok_and(is_of_run))
        };
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Shape::EMPTY,
            HirKind::Literal(literal) if literal.0.iter().all(|byte| is_of_run(*byte)) => {
                Shape::pure(literal.0.len())
            }
            HirKind::Class(Class::Unicode(class))
                if class.iter().all(|it| is_of_runs(it.start(), it.end())) =>
            {
                Shape::pure(1)
            }
            HirKind::Literal(_) | HirKind::Class(_) => unknown,
            HirKind::Capture(capture) => Shape::of(&capture.sub),
            HirKind::Concat(parts) => parts.iter().map(Shape::of).fold(Shape::EMPTY, Shape::then),
            HirKind::Alternation(parts) => {
                let shapes = parts.iter().map(Shape::of);
                shapes.reduce(Shape::or).unwrap_or(Shape::EMPTY)
            }
            HirKind::Repetition(repetition) => {
                let once = Shape::of(&repetition.sub);
                let least = usize::try_from(repetition.min).unwrap();
                match (once.pure, least) {
                    (Some(length), _) => Shape::pure(length * least),
                    (None, 0) => unknown,
                    (None, _) => once,
                }
            }
        }
    }

    fn then(self, next: Shape) -> Shape {
        Shape {
            pure: self.pure.zip(next.pure).map(|(mine, other)| mine + other),
            head: self.pure.map_or(self.head, |length| length + next.head),
            tail: next.pure.map_or(next.tail, |length| length + self.tail),
            longest: (self.tail + next.head).max(self.longest).max(next.longest),
        }
    }

    fn or(self, other: Shape) -> Shape {
        Shape {
            pure: self.pure.zip(other.pure).map(|(mine, its)| mine.min(its)),
            head: self.head.min(other.head),
            tail: self.tail.min(other.tail),
            longest: self.longest.min(other.longest),
        }
    }
}

// === impl Choices ===

impl Choices {
    fn new(state: u64) -> Self {
        let letters = state.is_multiple_of(3);
        Self { state, letters }
    }

    fn next(&mut self, below: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % u64::try_from(below.max(1)).unwrap()).unwrap()
    }

    /// A text that the pattern matches, if what stands beside it allows.
    fn matching(&mut self, hir: &Hir, text: &mut String) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).unwrap()),
            HirKind::Class(Class::Bytes(_)) => panic!("the patterns are about characters"),
            HirKind::Class(Class::Unicode(class)) => {
                let is_in = |it: char| {
                    class
                        .iter()
                        .any(|range| (range.start()..=range.end()).contains(&it))
                };
                for _ in 0..16 {
                    let usual = char::from(u8::try_from(33 + self.next(94)).unwrap());
                    if is_in(usual) && (usual.is_alphabetic() || !self.letters) {
                        text.push(usual);
                        return;
                    }
                }
                let ranges = class.ranges();
                text.push(ranges[self.next(ranges.len())].end());
            }
            HirKind::Repetition(repetition) => {
                let most = repetition.max.unwrap_or(repetition.min + 3);
                let more = self.next(usize::try_from(most - repetition.min).unwrap().min(4) + 1);
                for _ in 0..usize::try_from(repetition.min).unwrap() + more {
                    self.matching(&repetition.sub, text);
                }
            }
            HirKind::Capture(capture) => self.matching(&capture.sub, text),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.matching(part, text)),
            HirKind::Alternation(parts) => {
                let chosen = self.next(parts.len());
                self.matching(&parts[chosen], text);
            }
        }
    }

    /// Credentials, keywords and prose.
    fn text(&mut self) -> String {
        const BETWEEN: [&str; 14] = [
            " ",
            "\n",
            "\"",
            "'",
            ", ",
            "x",
            ":",
            " - ",
            "(",
            "é",
            "\u{212a}",
            "= ",
            " passwd: ",
            "discord ",
        ];
        let mut text = String::new();
        for _ in 0..=self.next(6) {
            let rule = &RULES[self.next(RULES.len())];
            match self.next(4) {
                0 => text.push_str(rule.keywords[self.next(rule.keywords.len())]),
                1 => text.push_str("the order went to the \"north\" depot, see /srv/a.txt"),
                _ => self.matching(&hir(rule.source), &mut text),
            }
            text.push_str(BETWEEN[self.next(BETWEEN.len())]);
        }
        text
    }
}

/// The same text, some of it in other writings, with escapes and invisible characters among it.
fn disguised(text: &str, choices: &mut Choices) -> String {
    const AMONG: [&str; 9] = [
        r"\n", r"\t", r"\\", "\\\"", "\u{200b}", "\u{ad}", "%20", "&quot;", "\\",
    ];
    let sparse = 4 << choices.next(6);
    let mut disguised = String::new();
    for character in text.chars() {
        let code = u32::from(character);
        match choices.next(sparse) {
            0 => disguised += AMONG[choices.next(AMONG.len())],
            1 if code < 0x80 => match choices.next(4) {
                0 => write!(disguised, "\\u{code:04x}").unwrap(),
                1 => write!(disguised, "%{code:02x}").unwrap(),
                2 => write!(disguised, "&#{code};").unwrap(),
                _ => disguised.extend(char::from_u32(code + 0xfee0)),
            },
            _ => disguised.push(character),
        }
    }
    disguised
}

fn hir(source: &str) -> Hir {
    regex_syntax::parse(&source.replace(r"\b", r"(?-u:\b)")).unwrap()
}

/// A rule is tried on the whole text wherever a keyword of it occurs.
fn ungated(text: &str) -> Vec<Match> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<Match> = Vec::new();
    let mut taken = BTreeSet::new();
    let is_called = |rule: &&Rule| rule.keywords.iter().any(|word| lower.contains(word));
    for rule in RULES.iter().filter(is_called) {
        for span in rule.spans(text, Part::Whole) {
            if found.len() < MATCHES_MAX && is_free(&taken, &span) {
                taken.insert((span.start, span.end));
                let kind = rule.kind;
                found.push(Match { kind, span });
            }
        }
    }
    found
}

/// What [`find`] says if the text and its view are searched from end to end.
fn by_whole_passes(long: &LongRuns<'_>) -> Vec<Match> {
    let mut found = view::find(long, in_plain_text);
    found.sort_by_key(|one| one.span.start);
    found
}

#[test]
fn each_rule_can_match_only_where_its_reach_says() {
    for (rule, reach) in RULES.iter().zip(&*REACHES) {
        let shape = Shape::of(&hir(rule.source));
        let is_pure = shape.pure.is_some_and(|length| length >= RUN_MIN);
        let holds = match reach {
            Reach::Run => is_pure,
            Reach::BesideRun if rule.has_shape() => shape.longest >= RUN_MIN,
            // The version in its first line is a digit.
            Reach::BesideRun if rule.id == "putty-private-key" => shape.longest >= RUN_MIN,
            Reach::BesideRun => shape.longest >= PLAIN_VALUE_MIN,
            Reach::Text => true,
        };
        assert!(holds, "{}", rule.id);
        let is_short = shape.pure.is_none_or(|length| length < USUAL_MIN);
        let may_be_short = IN_SHORT_RUN.contains(&rule.id);
        assert_eq!(
            may_be_short,
            *reach == Reach::Run && is_short,
            "{}",
            rule.id
        );
        // Fewer different bytes have less entropy.
        assert!(rule.entropy_min >= 200, "{}", rule.id);
    }
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    for id in IN_TEXT.iter().chain(&BESIDE_RUN) {
        assert!(ids.contains(id), "{id}");
    }
}

#[test]
fn a_match_in_a_run_has_its_keyword_inside() {
    let mut choices = Choices::new(4711);
    for (rule, reach) in RULES.iter().zip(&*REACHES) {
        for _ in 0..if *reach == Reach::Run { 100 } else { 0 } {
            let mut text = String::new();
            choices.matching(&hir(rule.source), &mut text);
            let lower = text.to_ascii_lowercase();
            let has_keyword = rule.keywords.iter().any(|word| lower.contains(word));
            assert!(has_keyword, "{}: {text}", rule.id);
        }
    }
}

#[test]
fn what_is_matched_with_a_keyword_of_runs_alone_is_a_run() {
    let mut choices = Choices::new(4711);
    for (id, word) in IN_RUN_ALONE {
        let rule = RULES.iter().find(|rule| rule.id == id).unwrap();
        assert!(rule.keywords.contains(&word) && BESIDE_RUN.contains(&id));
        let mut runs = 0;
        for _ in 0..200 {
            let mut text = String::new();
            choices.matching(&hir(rule.source), &mut text);
            let lower = text.to_ascii_lowercase();
            let mut others = rule.keywords.iter().filter(|other| **other != word);
            if !others.any(|other| lower.contains(other)) {
                assert!(lower.contains(word), "{id}: {text}");
                assert!(text.len() >= USUAL_MIN, "{id}: {text}");
                assert!(text.bytes().all(is_of_run), "{id}: {text}");
                runs += 1;
            }
        }
        assert!(runs > 0, "{id}");
    }
}

#[test]
fn there_is_room_for_the_keywords_of_every_set() {
    let sets = [&OF_RUNS, &OF_SHORT_RUNS, &OF_TEXT, &OF_ALL_BUT_RUNS];
    assert!(sets.iter().all(|keywords| keywords.has_sieve()));
}

#[test]
fn words_of_prose_call_for_nothing() {
    let text = "the path of the file, ab12cd34ef56gh78";
    assert!(called(text, &Runs::of(&LongRuns::of(text))).is_empty());
    let text = "the/path/of/the/file/ab12cd34ef56gh78";
    assert!(!called(text, &Runs::of(&LongRuns::of(text))).is_empty());
}

#[test]
fn uniform_runs_are_no_credentials() {
    let runs_of = |text| Runs::of(&LongRuns::of(text));
    let runs = runs_of("================ aaaaaaaaaaaaaaaaaaaa /usr/share/locale");
    assert_eq!((runs.all.len(), runs.has_value), (1, false));
    assert!(runs_of("a-very-long-name-2").has_value);
    assert_eq!(runs_of("ééééééééé").all.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn gates_change_nothing(state in 1..u64::MAX) {
        let text = Choices::new(state).text();
        prop_assert_eq!(in_plain_text(&LongRuns::of(&text)), ungated(&text), "{:?}", text);
    }

    #[test]
    fn what_a_view_calls_for_is_known_from_what_changed(state in 1..u64::MAX) {
        let mut choices = Choices::new(state);
        let mut text = choices.text();
        for _ in 0..choices.next(4) {
            text += "the order went to the north depot, see /srv/a.txt\n";
            text += &choices.text();
        }
        let text = disguised(&text, &mut choices);
        let Some(view) = View::of(&text) else {
            return Ok(());
        };
        let (long, read) = (LongRuns::of(&text), LongRuns::of(&view.text));
        let (runs, seen) = (Runs::of(&long), Runs::of(&read));
        let rules = |called: Vec<(usize, Part<'_>)>| -> Vec<usize> {
            called.into_iter().map(|(number, _)| number).collect()
        };
        let both = called_in_both(&text, &runs, &view, &seen).map(rules);
        let each = [called(&text, &runs), called(&view.text, &seen)].map(rules);
        prop_assert_eq!(both, each, "{:?}", text);
        prop_assert_eq!(find(&text), by_whole_passes(&long), "{:?}", text);
    }

    #[test]
    fn the_reference_is_not_changed_either(state in 1..u64::MAX) {
        let mut choices = Choices::new(state);
        let mut text = choices.text();
        for _ in 0..3 {
            let source = reference::sources().nth(choices.next(6)).unwrap();
            choices.matching(&regex_syntax::parse(source).unwrap(), &mut text);
            text.push_str([" ", "\"", "\n", "'", "x"][choices.next(5)]);
        }
        prop_assert_eq!(reference::find(&LongRuns::of(&text)), reference::ungated(&text), "{:?}", text);
    }
}
