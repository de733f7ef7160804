use super::candidates::PLACES_MAX;
use super::*;
use crate::python::oracle::{self, unhex};

mod table;

/// What Python says about a pattern and a text.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// With the position, where Python gives one.
    Refused(Option<usize>),
    Found {
        start: Option<usize>,
        spans: Vec<Range<usize>>,
    },
}

fn steps() -> Steps {
    Steps::new(Steps::MAX)
}

/// Who searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    Chosen,
    /// The machine where a wider pattern matches.
    Candidates,
    Machine,
}

fn outcome(pattern: &str, text: &str, engine: Engine) -> Outcome {
    let mut pattern = match Pattern::compile(pattern, Flags::NONE) {
        Ok(pattern) => pattern,
        Err(error) => return Outcome::Refused(Some(error.position)),
    };
    if engine != Engine::Chosen {
        pattern.linear = None;
    }
    let among = match engine {
        Engine::Candidates => pattern.find_among_candidates(text, &mut steps()),
        Engine::Chosen | Engine::Machine => None,
    };
    let found = among.unwrap_or_else(|| pattern.find_iter(text, &mut steps()));
    Outcome::Found {
        start: pattern.match_start(text, &mut steps()).unwrap(),
        spans: found.unwrap(),
    }
}

#[track_caller]
fn check(pattern: &str, text: &str, expected: &Outcome) {
    for engine in [Engine::Chosen, Engine::Candidates, Engine::Machine] {
        let actual = outcome(pattern, text, engine);
        let agrees = match (&actual, expected) {
            (Outcome::Refused(_), Outcome::Refused(_)) => true,
            (actual, expected) => actual == expected,
        };
        assert!(
            agrees,
            "{pattern:?} on {text:?} by {engine:?}: {actual:?}, Python: {expected:?}"
        );
    }
}

#[test]
fn table_of_python_answers_holds() {
    for (pattern, text, expected) in table::CASES {
        let actual = outcome(pattern, text, Engine::Chosen);
        let expected = match expected {
            Ok(spans) => Outcome::Found {
                start: spans
                    .first()
                    .filter(|(start, _)| *start == 0)
                    .map(|(_, end)| *end),
                spans: spans.iter().map(|(start, end)| *start..*end).collect(),
            },
            Err(position) => Outcome::Refused(*position),
        };
        if let (Outcome::Refused(at), Outcome::Refused(Some(wanted))) = (&actual, &expected) {
            assert_eq!(*at, Some(*wanted), "position in {pattern:?}");
        }
        check(pattern, text, &expected);
    }
}

#[test]
fn random_patterns_agree_with_python() {
    let count = std::option_env!("PORTCULLIS_RE_CASES").unwrap_or("4000");
    let seed = std::option_env!("PORTCULLIS_RE_SEED").unwrap_or("1");
    let script = include_str!("tests/oracle.py");
    for fields in oracle::answers(script, seed, count) {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        check(
            &unhex(fields[0]),
            &unhex(fields[1]),
            &parse_outcome(&fields[2..]),
        );
    }
}

fn parse_outcome(fields: &[&str]) -> Outcome {
    let number = |field: &str| field.parse::<usize>().ok();
    if fields[0] == "error" {
        return Outcome::Refused(number(fields[1]));
    }
    let spans = fields[2..].iter().map(|span| {
        let (start, end) = span.split_once('-').unwrap();
        number(start).unwrap()..number(end).unwrap()
    });
    Outcome::Found {
        start: number(fields[1]),
        spans: spans.collect(),
    }
}

#[test]
fn exponential_backtracking_ends_in_an_error() {
    let text = format!("{}cb", "a".repeat(64));
    for pattern in [r"(?=(a+)+b)a", r"(a|aa)*(?!)c\1", r"((a*)*)*\1b"] {
        let pattern = Pattern::compile(pattern, Flags::NONE).unwrap();
        let exhausted = Exhausted::Steps;
        assert_eq!(pattern.match_start(&text, &mut steps()), Err(exhausted));
        assert_eq!(pattern.find_iter(&text, &mut steps()), Err(exhausted));
    }
}

#[test]
fn choices_beyond_memory_end_in_an_error_that_says_so() {
    let pattern = Pattern::compile("(?=(?:a|b)*c)a", Flags::NONE).unwrap();
    let text = "a".repeat(FRAMES_MAX);
    let exhausted = pattern.find_iter(&text, &mut steps()).unwrap_err();
    assert_eq!(exhausted, Exhausted::Frames);
    assert!(exhausted.to_string().contains("more than 1048576 choices"));
}

fn made_up_base64(length: usize) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 1_u64;
    let letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(letters[usize::try_from(state >> 58).unwrap()])
    };
    std::iter::repeat_with(letter).take(length).collect()
}

#[test]
fn machine_tries_only_where_a_wider_pattern_matches() {
    let spent = |pattern: &str, text: &str| {
        let mut steps = steps();
        let pattern = Pattern::compile(pattern, Flags::NONE).unwrap();
        assert!(pattern.linear.is_none());
        let found = pattern.find_iter(text, &mut steps).unwrap();
        (found.len(), Steps::MAX - steps.left())
    };
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(1 << 16);
    assert_eq!(spent("(?i)key(?!board)[-_ ]?[0-9a-f]{8}", &text), (0, 0));
    assert_eq!(spent(r"(?<!\w)(\w+)=\1", &text), (0, 0));
    let with_one = format!("{text}key 01234567 {text}");
    let (found, steps) = spent("(?i)key(?!board)[-_ ]?[0-9a-f]{8}", &with_one);
    assert_eq!(found, 1);
    assert!(steps < 100, "{steps}");
    // Letters of base64 begin and end runs of many lengths.
    let base64 = made_up_base64(1 << 19);
    let token = "(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{36}|(?:AK|AS)IA[A-Z2-7]{16}(?![A-Za-z0-9])\
                 |xox-(?:[0-9]+-)+[A-Za-z0-9]{10,}|sk-[A-Za-z0-9_-]{80,}|hf_[A-Za-z]{34}\
                 |dop_[a-f0-9]{64}|shp_[a-fA-F0-9]{32}|[rs]k_live_[A-Za-z0-9]{16,})";
    assert_eq!(spent(token, &base64), (0, 0));
    // What can be empty may match everywhere.
    let (_, steps) = spent("(?=z)|(?!.)", &"a".repeat(2000));
    assert!(steps > 2000, "{steps}");
    // A short text is not worth it.
    let (_, steps) = spent("(?i)key(?!board)", &"a".repeat(100));
    assert!(steps > 100, "{steps}");
}

#[test]
fn nested_repetition_without_look_around_takes_linear_time() {
    let pattern = Pattern::compile("(a+)+b$", Flags::NONE).unwrap();
    let text = "a".repeat(1 << 20);
    assert_eq!(pattern.match_start(&text, &mut steps()), Ok(None));
    assert_eq!(
        pattern.match_start(&format!("{text}b\n"), &mut steps()),
        Ok(Some(text.len() + 1))
    );
}

#[test]
fn many_matches_in_a_long_text_are_all_found() {
    let text = "ab ".repeat(1 << 17);
    let pattern = Pattern::compile(r"\w+", Flags::NONE).unwrap();
    assert_eq!(
        pattern.find_iter(&text, &mut steps()).unwrap().len(),
        1 << 17
    );
}

#[test]
fn searches_that_read_ahead_to_the_end_each_time_end_in_an_error() {
    let text = "a".repeat(1 << 19);
    let pattern = Pattern::compile("a.*b|a", Flags::NONE).unwrap();
    assert_eq!(
        pattern.find_iter(&text, &mut steps()),
        Err(Exhausted::Steps)
    );
}

#[test]
fn what_is_read_again_costs_steps() {
    let spent = |pattern: &str, text: &str| {
        let mut steps = steps();
        let pattern = Pattern::compile(pattern, Flags::NONE).unwrap();
        assert!(pattern.linear.is_some());
        pattern.find_iter(text, &mut steps).unwrap();
        Steps::MAX - steps.left()
    };
    let text = "a".repeat(2_000);
    // Each of 2,000 matches needs a look at the rest of the text.
    assert_eq!(spent("a.*b|a", &text), 2_000 * 1_999 / 2 / 16);
    // One byte more for each, which may be a second letter.
    assert_eq!(spent("ab?", &text), 1_999 / 16);
    assert_eq!(spent("a", &text), 0);
    assert_eq!(spent("a+", &text), 0);
}

#[test]
fn limits_of_the_pattern_are_errors() {
    let long = "a".repeat(PATTERN_MAX + 1);
    let deep = format!("{}{}", "(".repeat(200), ")".repeat(200));
    let deep_conditions = format!("(a){}{}", "(?(1)".repeat(200), ")".repeat(200));
    for pattern in [long, deep, deep_conditions] {
        assert!(Pattern::compile(&pattern, Flags::NONE).is_err());
    }
    assert!(Pattern::compile(&"a".repeat(PATTERN_MAX), Flags::NONE).is_ok());
}

#[test]
fn huge_repetition_runs_on_the_machine() {
    let pattern = Pattern::compile(r"(?:\w{1000}){1000}x", Flags::NONE).unwrap();
    assert!(pattern.linear.is_none());
    assert_eq!(
        pattern.match_start(&"a".repeat(5000), &mut steps()),
        Ok(None)
    );
}

#[test]
fn dot_matches_a_newline_only_when_told() {
    for (flags, expected) in [(Flags::NONE, None), (Flags::DOT_ALL, Some(3))] {
        assert_eq!(
            Pattern::compile("a.b", flags)
                .unwrap()
                .match_start("a\nb", &mut steps()),
            Ok(expected)
        );
    }
}

fn candidates(pattern: &str) -> Option<Candidates> {
    let root = parse::parse(pattern, Flags::NONE).unwrap().root;
    Candidates::new(&root)
}

#[test]
fn candidates_are_not_looked_for_with_a_large_automaton() {
    let mut letters = "[acegikmoqsuwyACEGIKMOQSUWY13579]".to_owned();
    assert!(candidates(&format!("{letters}(?!x)")).is_some());
    for _ in 0..6 {
        letters = format!("(?:{letters}){{4}}");
    }
    assert!(candidates(&format!("{letters}(?!x)")).is_none());
    // What is repeated often makes it no larger.
    assert!(candidates(r"\w{100}(?!x)").is_some());
    assert!(candidates("x(?:[bc]a+){0,500000}c(?=!)").is_some());
}

#[test]
fn candidates_beyond_their_number_are_not_kept() {
    let candidates = candidates("a(?!b)").unwrap();
    let places = |count: usize| candidates.places(&"a".repeat(count));
    let all = places(PLACES_MAX).map(|places| places.len());
    assert_eq!(all, Some(PLACES_MAX));
    assert!(places(PLACES_MAX + 1).is_none());
}

#[test]
fn look_for_candidates_that_learns_without_end_goes_on_only_where_it_pays() {
    // Which of the last hundred letters were an `a` is a state.
    let pattern = format!("x{}a(?=!)", "[ab]".repeat(100));
    let letters = |length: usize| {
        let letters = made_up_base64(length);
        letters
            .replace(|letter: char| letter < 'a', "a")
            .replace(|letter| letter != 'a', "b")
    };
    let look = |text: &str| candidates(&pattern).unwrap().places(text);
    assert_eq!(look(&letters(1 << 16)), None);
    let seldom = letters(1 << 16)
        .as_bytes()
        .chunks(128)
        .map(|letters| {
            let nothing_to_learn = "c".repeat(letters.len() * 300);
            String::from_utf8_lossy(letters).into_owned() + &nothing_to_learn
        })
        .collect::<String>();
    assert_eq!(look(&seldom), Some(Vec::new()));
}
