//! Time for each byte of text, beside the plainest look at the same bytes.

use portcullis_detect::{pii, prompt_injection, secrets};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Text of which inputs are made: prose, code and JSON in turn.
const SAMPLE: &str = "The server returns the list of open issues, newest first. Please update the \
    ticket before Friday.\nfn main() { let token = read(\"config.toml\"); println!(\"{token}\"); }\n\
    {\"id\": 4711, \"name\": \"Ann Lee\", \"url\": \"https://example.org/a?b=c\", \"ok\": true}\n";

const SIZES: [(&str, usize); 4] = [
    ("100 B", 100),
    ("10 KiB", 10 << 10),
    ("100 KiB", 100 << 10),
    ("1 MiB", 1 << 20),
];

/// For about so long each measurement is repeated.
const SPENT: Duration = Duration::from_millis(300);

type Work = fn(&str) -> usize;

const DETECTORS: [(&str, Work); 4] = [
    ("(counting line ends)", |text| {
        text.bytes().filter(|byte| *byte == b'\n').count()
    }),
    ("prompt_injection", |text| {
        prompt_injection::assess(text).span.len()
    }),
    ("secrets", |text| secrets::all(text).len()),
    ("pii", |text| pii::find(text).len()),
];

/// Nanoseconds for each byte, the fastest of all runs.
pub(crate) fn table() -> String {
    let mut table = String::from("## latency: ns a byte, the fastest run\n\n| detector |");
    let mut write = |text: std::fmt::Arguments<'_>| {
        let written = table.write_fmt(text);
        debug_assert!(written.is_ok());
    };
    for (name, _) in SIZES {
        write(format_args!(" {name} |"));
    }
    write(format_args!("\n|---|{}\n", "---:|".repeat(SIZES.len())));
    for (detector, work) in DETECTORS {
        write(format_args!("| {detector} |"));
        for (_, size) in SIZES {
            let text = SAMPLE.repeat(size / SAMPLE.len() + 1);
            let text = text
                .get(..text.floor_char_boundary(size))
                .unwrap_or_default();
            let nanoseconds = fastest(text, work).as_secs_f64() * 1e9;
            let bytes = u32::try_from(text.len()).map_or(f64::INFINITY, f64::from);
            write(format_args!(" {:.2} |", nanoseconds / bytes));
        }
        write(format_args!("\n"));
    }
    table
}

fn fastest(text: &str, work: Work) -> Duration {
    let begun = Instant::now();
    let mut fastest = Duration::MAX;
    while begun.elapsed() < SPENT {
        let start = Instant::now();
        black_box(work(black_box(text)));
        fastest = fastest.min(start.elapsed());
    }
    fastest
}
