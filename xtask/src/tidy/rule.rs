//! The rules, one function each.

use std::path::Path;

/// How many lines of code a reader can be asked to hold at once.
const FILE_LINES_MAX: usize = 600;

/// Words that say that something was left for later.
const LEFT_OVERS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// A file of the repository; the path is relative to its root.
pub(crate) struct File<'f> {
    pub(crate) path: &'f str,
    pub(crate) text: &'f str,
    pub(crate) machine_paths: &'f [String],
}

/// Something that a file must not be or have.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// Says what is wrong and where.
    pub(crate) check: fn(&File<'_>) -> Option<String>,
}

pub(crate) const RULES: &[Rule] = &[
    rule("long-file", long_file),
    rule("mod-rs", mod_rs),
    rule("crate-docs", crate_docs),
    rule("workspace-lints", workspace_lints),
    rule("left-over", left_over),
    rule("machine-path", machine_path),
    rule("trailing-space", trailing_space),
    rule("last-line", last_line),
];

const fn rule(name: &'static str, check: fn(&File<'_>) -> Option<String>) -> Rule {
    Rule { name, check }
}

fn long_file(file: &File<'_>) -> Option<String> {
    let lines = file.text.lines().count();
    (is_code(file) && lines > FILE_LINES_MAX)
        .then(|| format!("{lines} lines; split it by what one has to know ({FILE_LINES_MAX})"))
}

fn mod_rs(file: &File<'_>) -> Option<String> {
    let is_mod = Path::new(file.path)
        .file_name()
        .is_some_and(|name| name == "mod.rs");
    is_mod.then(|| "name it after its module, beside its folder".to_owned())
}

fn crate_docs(file: &File<'_>) -> Option<String> {
    let is_root = ["src/lib.rs", "src/main.rs"]
        .iter()
        .any(|root| file.path.ends_with(root));
    (is_root && !file.text.starts_with("//!"))
        .then(|| "begin with what the crate is and is not (`//!`)".to_owned())
}

fn workspace_lints(file: &File<'_>) -> Option<String> {
    let is_member = file.path.ends_with("/Cargo.toml");
    (is_member && !file.text.contains("[lints]\nworkspace = true"))
        .then(|| "take the lints of the workspace (`[lints]`)".to_owned())
}

fn left_over(file: &File<'_>) -> Option<String> {
    let is_left_over = |line: &str| {
        let mut words = line.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| LEFT_OVERS.contains(&word))
    };
    let number = is_code(file).then(|| first_line(file, is_left_over))??;
    Some(format!("line {number} leaves something for later"))
}

fn machine_path(file: &File<'_>) -> Option<String> {
    let is_of_machine = |line: &str| file.machine_paths.iter().any(|path| line.contains(path));
    let number = first_line(file, is_of_machine)?;
    Some(format!("line {number} has a path of this machine"))
}

fn trailing_space(file: &File<'_>) -> Option<String> {
    let number = first_line(file, |line| line.ends_with([' ', '\t', '\r']))?;
    Some(format!("line {number} ends in white space"))
}

fn last_line(file: &File<'_>) -> Option<String> {
    let is_open = !file.text.is_empty() && !file.text.ends_with('\n');
    is_open.then(|| "the last line has no end".to_owned())
}

fn is_code(file: &File<'_>) -> bool {
    let extension = Path::new(file.path).extension();
    extension.is_some_and(|extension| extension == "rs" || extension == "py")
}

fn first_line(file: &File<'_>, is_wrong: impl Fn(&str) -> bool) -> Option<usize> {
    // Not `lines`, which would hide a carriage return.
    let position = file.text.split('\n').position(is_wrong)?;
    Some(position + 1)
}
