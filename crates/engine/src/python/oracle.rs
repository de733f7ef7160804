//! Asks a Python interpreter, where one is installed.

use std::process::Command;

/// What the script prints for a seed and a number of cases: the fields of each line. Nothing, and a
/// word about it, if there is no Python.
pub(super) fn answers(script: &str, seed: &str, cases: &str) -> Vec<Vec<String>> {
    let run = Command::new("python3")
        .args(["-c", script, seed, cases])
        .output();
    let Ok(python) = run else {
        println!("skipped: there is no python3 to compare with");
        return Vec::new();
    };
    assert!(
        python.status.success(),
        "{}",
        String::from_utf8_lossy(&python.stderr)
    );
    let lines = String::from_utf8(python.stdout).unwrap();
    let fields = |line: &str| line.split(' ').map(str::to_owned).collect();
    lines.lines().map(fields).collect()
}

/// A text that a script writes as its bytes in hexadecimal, perhaps an `h` before them, and `-` if
/// there are none.
pub(super) fn unhex(field: &str) -> String {
    let digits: Vec<char> = field.trim_start_matches(['h', '-']).chars().collect();
    let bytes = digits.chunks(2).map(|pair| {
        let pair: String = pair.iter().collect();
        u8::from_str_radix(&pair, 16).unwrap()
    });
    String::from_utf8(bytes.collect()).unwrap()
}
