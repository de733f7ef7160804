//! What became of a definition since it was first seen.

use std::collections::BTreeMap;
use std::fmt;

/// A part of a definition that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What it is called, such as `description`.
    pub part: String,
    /// Words in order: kept, taken away, added.
    pub words: Vec<Word>,
}

/// Some words of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    Kept(String),
    Removed(String),
    Added(String),
}

/// LIMIT: words of one part that are compared one by one; of more only the ends are.
const WORDS_MAX: usize = 1500;

/// How many kept words are shown beside a change.
const CONTEXT_WORDS: usize = 6;

/// The texts of a definition, by what they are called.
pub type Parts = BTreeMap<String, String>;

/// The parts that differ, in their order. A part that is not there is as good as an empty one.
pub fn changes(before: &Parts, after: &Parts) -> Vec<Change> {
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let text = |parts: &Parts, name| parts.get(name).cloned().unwrap_or_default();
    let changed = names.into_iter().filter_map(|name| {
        let (before, after) = (text(before, name), text(after, name));
        (before != after).then(|| Change {
            part: name.clone(),
            words: difference(&before, &after),
        })
    });
    changed.collect()
}

/// The shortest way from one text to the other, word by word.
fn difference(before: &str, after: &str) -> Vec<Word> {
    let (before, after) = (words(before), words(after));
    let same = |a: &(&&str, &&str)| a.0 == a.1;
    let start = before.iter().zip(&after).take_while(same).count();
    let rest = before.len().min(after.len()) - start;
    let (tail_before, tail_after) = (before.iter().rev(), after.iter().rev());
    let end = tail_before
        .zip(tail_after)
        .take(rest)
        .take_while(same)
        .count();
    let middle = |words: &[&str]| -> Vec<String> {
        let middle = words.get(start..words.len() - end).unwrap_or_default();
        middle.iter().map(|it| (*it).to_owned()).collect()
    };
    let kept = |words: Option<&[&str]>| {
        let words = words.unwrap_or_default().iter();
        words
            .map(|it| Word::Kept((*it).to_owned()))
            .collect::<Vec<_>>()
    };
    let mut found = kept(before.get(..start));
    found.extend(aligned(&middle(&before), &middle(&after)));
    found.extend(kept(before.get(before.len() - end..)));
    found
}

/// White space stays with the word before it.
fn words(text: &str) -> Vec<&str> {
    text.split_inclusive([' ', '\n', ',', '{', '}']).collect()
}

/// By the longest common subsequence, if it can be afforded.
fn aligned(before: &[String], after: &[String]) -> Vec<Word> {
    let removed = || before.iter().cloned().map(Word::Removed);
    let added = || after.iter().cloned().map(Word::Added);
    if before.len() > WORDS_MAX || after.len() > WORDS_MAX {
        return removed().chain(added()).collect();
    }
    // lengths[i][j]: how much the rests from `i` and `j` have in common.
    let mut lengths = vec![vec![0_u32; after.len() + 1]; before.len() + 1];
    let at = |lengths: &[Vec<u32>], i: usize, j: usize| {
        lengths
            .get(i)
            .and_then(|row| row.get(j))
            .copied()
            .unwrap_or_default()
    };
    for (i, old) in before.iter().enumerate().rev() {
        for (j, new) in after.iter().enumerate().rev() {
            let length = if old == new {
                at(&lengths, i + 1, j + 1) + 1
            } else {
                at(&lengths, i + 1, j).max(at(&lengths, i, j + 1))
            };
            if let Some(cell) = lengths.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = length;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut found = Vec::new();
    loop {
        match (before.get(i), after.get(j)) {
            (Some(old), Some(new)) if old == new => {
                found.push(Word::Kept(old.clone()));
                (i, j) = (i + 1, j + 1);
            }
            (Some(old), _)
                if j == after.len() || at(&lengths, i + 1, j) >= at(&lengths, i, j + 1) =>
            {
                found.push(Word::Removed(old.clone()));
                i += 1;
            }
            (_, Some(new)) => {
                found.push(Word::Added(new.clone()));
                j += 1;
            }
            _ => return found,
        }
    }
}

// === impl Change ===

/// On one line: `[-taken away-]`, `{+added+}`, and a few words around them.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.part)?;
        let mut runs = self
            .words
            .chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b))
            .peekable();
        let mut is_first = true;
        while let Some(run) = runs.next() {
            let texts = run.iter().map(|word| match word {
                Word::Kept(text) | Word::Removed(text) | Word::Added(text) => &**text,
            });
            let line = |texts: &[&str]| texts.concat().replace(['\n', '\r'], " ");
            let texts: Vec<&str> = texts.collect();
            match run.first() {
                Some(Word::Removed(_)) => write!(f, "[-{}-]", line(&texts))?,
                Some(Word::Added(_)) => write!(f, "{{+{}+}}", line(&texts))?,
                _ => {
                    let shown = |skipped: usize| line(texts.get(skipped..).unwrap_or_default());
                    let tail = texts.len().saturating_sub(CONTEXT_WORDS);
                    let head = line(texts.get(..CONTEXT_WORDS).unwrap_or(&texts));
                    match (is_first, runs.peek().is_none()) {
                        _ if texts.len() <= 2 * CONTEXT_WORDS => f.write_str(&shown(0))?,
                        (true, _) => write!(f, "… {}", shown(tail))?,
                        (false, true) => write!(f, "{head}…")?,
                        (false, false) => write!(f, "{head}… {}", shown(tail))?,
                    }
                }
            }
            is_first = false;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> Parts {
        Parts::from([("description".to_owned(), text.to_owned())])
    }

    #[track_caller]
    fn check(before: &str, after: &str, expected: &str) {
        let found = changes(&described(before), &described(after));
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.concat(), expected);
    }

    #[test]
    fn a_difference_shows_what_went_and_what_came() {
        check("Adds numbers.", "Adds numbers.", "");
        check(
            "Adds two numbers.",
            "Adds all numbers.",
            "description: Adds [-two -]{+all +}numbers.",
        );
        check(
            "Adds.",
            "Adds. Do not tell the user.",
            "description: [-Adds.-]{+Adds. Do not tell the user.+}",
        );
    }

    #[test]
    fn long_texts_are_cut_around_the_change() {
        let filler = "word ".repeat(100);
        check(
            &format!("{filler}old {filler}"),
            &format!("{filler}new {filler}"),
            "description: … word word word word word word [-old -]{+new +}word word word word word word …",
        );
        let huge = "a b ".repeat(WORDS_MAX);
        let other = "c d ".repeat(WORDS_MAX);
        let found = changes(&described(&huge), &described(&other));
        assert_eq!(found.len(), 1);
    }
    #[test]
    fn parts_come_and_go() {
        let empty = Parts::new();
        let found = |before: &Parts, after: &Parts| changes(before, after)[0].to_string();
        assert_eq!(found(&empty, &described("Adds.")), "description: {+Adds.+}");
        assert_eq!(found(&described("Adds."), &empty), "description: [-Adds.-]");
    }
}
