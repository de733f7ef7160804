//! Time for each byte of text, beside the plainest look at the same bytes.

use portcullis_detect::{pii, prompt_injection, secrets};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Text of which inputs are made: prose, code, JSON and letters beyond ASCII in turn.
const SAMPLE: &str = "The server returns the list of open issues, newest first. Please update the \
    ticket before Friday.\nfn main() { let token = read(\"config.toml\"); println!(\"{token}\"); }\n\
    {\"id\": 4711, \"name\": \"Ann Lee\", \"url\": \"https://example.org/a?b=c%20d\", \"ok\": true}\n\
    Über die Grüße – “naïve” café, 东京\n";

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

/// Nanoseconds for each byte, the fastest of all runs, and how many times the plainest look that is.
pub(crate) fn table() -> String {
    let mut table = String::from(
        "## latency: ns a byte, the fastest run, and how many times the plainest look\n\n| detector |",
    );
    let mut write = |text: std::fmt::Arguments<'_>| {
        let written = table.write_fmt(text);
        debug_assert!(written.is_ok());
    };
    for (name, _) in SIZES {
        write(format_args!(" {name} |"));
    }
    write(format_args!("\n|---|{}\n", "---:|".repeat(SIZES.len())));
    let mut plainest = [f64::INFINITY; SIZES.len()];
    for (number, (detector, work)) in DETECTORS.into_iter().enumerate() {
        write(format_args!("| {detector} |"));
        for ((_, size), plainest) in SIZES.into_iter().zip(&mut plainest) {
            let text = SAMPLE.repeat(size / SAMPLE.len() + 1);
            let text = text
                .get(..text.floor_char_boundary(size))
                .unwrap_or_default();
            let nanoseconds = fastest(text, work).as_secs_f64() * 1e9;
            let bytes = u32::try_from(text.len()).map_or(f64::INFINITY, f64::from);
            let cost = nanoseconds / bytes;
            if number == 0 {
                *plainest = cost;
            }
            write(format_args!(" {cost:.1} ({:.0}×) |", cost / *plainest));
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
