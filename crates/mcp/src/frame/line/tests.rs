use proptest::prelude::*;

use super::*;

const MAX: usize = 5;

/// What comes out of `chunks`, in the words of a reader.
fn decode(chunks: &[&[u8]]) -> Vec<String> {
    let mut decoder = LineDecoder::new(MAX);
    let mut seen = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(line) = decoder.next_line() {
            seen.push(match line {
                Ok(line) => String::from_utf8_lossy(&line).into_owned(),
                Err(error) => error.to_string(),
            });
        }
        assert!(
            decoder.buffer.len() <= MAX + chunk.len(),
            "memory is bounded"
        );
    }
    seen.extend(decoder.finish().err().map(|error| error.to_string()));
    seen
}

fn check(stream: &str, expected: &[&str]) {
    assert_eq!(decode(&[stream.as_bytes()]), expected, "{stream:?} at once");
    let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
    assert_eq!(decode(&bytes), expected, "{stream:?} byte by byte");
    for place in 0..=stream.len() {
        let (left, right) = stream.as_bytes().split_at(place);
        assert_eq!(
            decode(&[left, right]),
            expected,
            "{stream:?} split at {place}"
        );
    }
}

/// Row 103.
#[test]
fn lines_do_not_depend_on_how_they_arrive() {
    check("", &[]);
    check("a\nbc\n", &["a", "bc"]);
    check("é\nü\n", &["é", "ü"]);
    check("a\r\nb\r\n", &["a", "b"]);
    check("\n\r\n\na\n\n", &["a"]);
    check("a\rb\n", &["a\rb"]);
    check(
        "a\nb",
        &["a", "stream ended within a line, after 1 bytes of it"],
    );
}

#[test]
fn long_line_is_reported_once_and_the_next_is_read() {
    check("12345\n", &["12345"]);
    check("123456\nok\n", &["line of 6 bytes is longer than 5", "ok"]);
    let long = "x".repeat(40);
    check(
        &format!("a\n{long}\nb\n"),
        &["a", "line of 40 bytes is longer than 5", "b"],
    );
    check(&long, &["line of 40 bytes is longer than 5"]);
    check(
        &format!("{long}\n{long}\n"),
        &["line of 40 bytes is longer than 5"; 2],
    );
}

proptest! {
    #[test]
    fn any_chunks_give_the_lines_of_the_whole(
        chunks in prop::collection::vec(prop::collection::vec(
            prop::sample::select(vec![b'a', b'b', b'\r', b'\n', 0xff]), 0..6), 0..12)
    ) {
        let whole = chunks.concat();
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(decode(&chunks), decode(&[&whole]));
    }
}
