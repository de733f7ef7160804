//! Texts made from a grammar, the same ones each time.

use crate::chance::Chance;
use crate::data::Row;
use std::collections::{BTreeMap, BTreeSet};

/// Names, each with its alternatives; one that counts more stands there more often. `\n` ends a
/// line of the text.
#[derive(Debug, Default)]
pub(crate) struct Grammar(BTreeMap<String, Vec<String>>);

/// Kinds of training texts that a made one may be put into.
const HOSTS: [&str; 6] = ["doc", "tool_output", "email", "code", "issue", "json"];

/// LIMIT: how deep names may stand in each other.
const DEPTH_MAX: usize = 16;

/// Rows of made texts; every third stands inside a benign row of `rows`.
pub(crate) fn rows(
    source: &str,
    is_attack: bool,
    text: &str,
    count: usize,
    rows: &[Row],
) -> Vec<Row> {
    let grammar = Grammar::parse(text);
    let mut chance = Chance::new(if is_attack { 0xa77a_c4ed } else { 0xbe19_9000 });
    let is_host = |row: &&Row| !row.is_attack && HOSTS.contains(&row.kind.as_str());
    let hosts: Vec<&str> = rows.iter().filter(is_host).map(|row| &*row.text).collect();
    let mut seen = BTreeSet::new();
    let mut made = Vec::new();
    for _ in 0..count {
        let mut text = String::new();
        grammar.expand("{START}", DEPTH_MAX, &mut chance, &mut text);
        let text = cased(&text, &mut chance);
        if !seen.insert(text.clone()) {
            continue;
        }
        let host = (chance.below(3) == 0).then(|| hosts.get(chance.below(hosts.len())));
        let cut = host.flatten().map(|host| split_at_space(host, &mut chance));
        let (before, after) = cut.unwrap_or_default();
        let attack = before.len()..before.len() + text.len();
        made.push(Row {
            text: format!(
                "{before}{text}{}{after}",
                if after.is_empty() { "" } else { " " }
            ),
            is_attack,
            source: source.to_owned(),
            kind: "made".to_owned(),
            attack: (is_attack && !before.is_empty()).then_some(attack),
        });
    }
    made
}

/// Sentences begin with capitals, and now and then all letters are capital or small.
fn cased(text: &str, chance: &mut Chance) -> String {
    let mut starts = true;
    let mut sentence = String::with_capacity(text.len());
    for character in text.chars() {
        if starts && character.is_alphabetic() {
            sentence.extend(character.to_uppercase());
        } else {
            sentence.push(character);
        }
        starts = matches!(character, '.' | '!' | '?') || starts && character == ' ';
    }
    match chance.below(12) {
        0 => sentence.to_uppercase(),
        1 => sentence.to_lowercase(),
        _ => sentence,
    }
}

fn split_at_space<'t>(text: &'t str, chance: &mut Chance) -> (&'t str, &'t str) {
    let at = text.floor_char_boundary(chance.below(text.len().max(1)));
    let (before, _) = text.split_at(at);
    let cut = before
        .rfind(char::is_whitespace)
        .map_or(0, |space| text.ceil_char_boundary(space + 1));
    text.split_at(cut)
}

// === impl Grammar ===

impl Grammar {
    fn parse(text: &str) -> Self {
        let mut rules: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut name = "";
        for line in text.lines() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            if !line.starts_with("  ") {
                name = line.trim();
                continue;
            }
            let (times, alternative) = match line.trim().split_once("* ") {
                Some((times, rest)) => match times.parse() {
                    Ok(times) => (times, rest),
                    Err(_) => (1, line.trim()),
                },
                None => (1, line.trim()),
            };
            let alternative = alternative.replace(r"\n", "\n");
            let alternatives = rules.entry(name.to_owned()).or_default();
            alternatives.extend(std::iter::repeat_n(alternative, times));
        }
        Self(rules)
    }

    /// Replaces each name in braces; what is no name stays as it is.
    fn expand(&self, text: &str, depth: usize, chance: &mut Chance, into: &mut String) {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            into.push_str(before);
            let rule = after
                .split_once('}')
                .and_then(|(name, after)| Some((self.0.get(name)?, after)));
            match rule {
                Some((alternatives, after)) if depth > 0 => {
                    let chosen = alternatives.get(chance.below(alternatives.len()));
                    self.expand(chosen.map_or("", |it| it), depth - 1, chance, into);
                    rest = after;
                }
                _ => {
                    into.push('{');
                    rest = after;
                }
            }
        }
        into.push_str(rest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_texts_are_made_each_time() {
        let make = || {
            rows(
                "own",
                true,
                "START\n  {WHO} says {WHAT}\nWHO\n  Ann\n  Bo\nWHAT\n  hi\n  no",
                40,
                &[],
            )
        };
        let texts: BTreeSet<String> = make()
            .into_iter()
            .map(|it| it.text.to_lowercase())
            .collect();
        let expected = ["ann says hi", "ann says no", "bo says hi", "bo says no"];
        assert_eq!(texts, expected.map(str::to_owned).into());
        let again: Vec<String> = make().into_iter().map(|it| it.text).collect();
        assert_eq!(
            again,
            make().into_iter().map(|it| it.text).collect::<Vec<_>>()
        );
    }

    #[test]
    fn braces_that_hold_no_name_stay() {
        let grammar = Grammar::parse("START\n  3* {\"a\": {B}}\nB\n  1");
        let mut text = String::new();
        grammar.expand("{START}", DEPTH_MAX, &mut Chance::new(1), &mut text);
        assert_eq!(text, "{\"a\": 1}");
    }
}
