use std::ops::Range;

/// The text with other words in these places, which do not overlap.
pub fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> Option<String> {
    edits.sort_by_key(|(range, _)| range.start);
    let mut written = String::with_capacity(text.len());
    let mut done = 0;
    for (range, words) in edits {
        written.push_str(text.get(done..range.start)?);
        written.push_str(&words);
        done = range.end;
    }
    written.push_str(text.get(done..)?);
    Some(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_get_other_words_in_their_order() {
        let edits = vec![(4..5, "34".to_owned()), (1..2, String::new())];
        assert_eq!(edited("[1, 2]", edits).as_deref(), Some("[, 34]"));
    }

    #[test]
    fn places_that_are_not_there_or_overlap_are_none() {
        let check = |ranges: &[Range<usize>]| {
            let edits = ranges.iter().map(|range| (range.clone(), "0".to_owned()));
            assert_eq!(edited("[1, 2]", edits.collect()), None, "{ranges:?}");
        };
        check(&[5..7, 0..1]);
        check(&[0..3, 2..4]);
    }
}
