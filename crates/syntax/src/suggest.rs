//! "Did you mean …?"

/// Words longer than this are nobody's typing error.
const MAX_WORD_CHARS: usize = 64;

/// The candidate that `word` most likely is a misspelling of: the one with the fewest letters
/// inserted, dropped, replaced or swapped with their neighbour, if these are few for its length.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(MAX_WORD_CHARS + 1).collect();
    let allowed = (word.len() / 3).max(1);
    candidates
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.chars().take(MAX_WORD_CHARS + 1).collect();
            let fits = word.len().max(other.len()) <= MAX_WORD_CHARS
                && word.len().abs_diff(other.len()) <= allowed;
            let distance = fits.then(|| distance(&word, &other))?;
            (distance <= allowed && distance < word.len()).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment: no part of a word is edited twice.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=to.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX / 2);
    let mut from_before = None;
    for (row, &from_char) in from.iter().enumerate() {
        let mut new = vec![row + 1];
        let mut to_before = None;
        for (column, &to_char) in to.iter().enumerate() {
            let replaced = at(&old, column) + usize::from(from_char != to_char);
            let changed = at(&new, column).min(at(&old, column + 1)) + 1;
            let mut best = replaced.min(changed);
            if from_before == Some(to_char) && to_before == Some(from_char) {
                best = best.min(at(&older, column.saturating_sub(1)) + 1);
            }
            new.push(best);
            to_before = Some(to_char);
        }
        older = std::mem::replace(&mut old, new);
        from_before = Some(from_char);
    }
    at(&old, to.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, candidates: &str, expected: Option<&str>) {
        assert_eq!(nearest(word, candidates.split(' ')), expected, "{word}");
    }

    #[test]
    fn near_words_are_suggested() {
        check("Mesage", "Message ToolCall ToolOutput", Some("Message"));
        check(
            "ToolOuput",
            "Message ToolCall ToolOutput",
            Some("ToolOutput"),
        );
        check("riase", "raise import from", Some("raise"));
        check("contnet", "content role", Some("content"));
        check("ROLE", "content role", None);
    }

    #[test]
    fn swapped_letters_are_one_mistake() {
        assert_eq!(distance(&['a', 'b', 'c'], &['a', 'c', 'b']), 1);
        assert_eq!(distance(&['a', 'b'], &[]), 2);
        assert_eq!(distance(&[], &['x']), 1);
        assert_eq!(distance(&['c', 'a'], &['a', 'b', 'c']), 3);
    }

    #[test]
    fn the_nearest_of_several_wins_and_the_first_of_equals() {
        check("fund", "fond find funds", Some("fond"));
        check("funda", "find funds fund", Some("funds"));
    }

    #[test]
    fn far_short_and_huge_words_have_no_suggestion() {
        check("user", "str list dict", None);
        check("tru", "str", None);
        check("x", "y z", None);
        check("", "a", None);
        check("banana", "Message role", None);
        let huge = "a".repeat(1_000_000);
        assert_eq!(nearest(&huge, [huge.as_str()].into_iter()), None);
    }
}
