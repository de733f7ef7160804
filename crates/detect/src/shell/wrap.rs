//! Programs that run what their arguments say.

use super::field::Field;
use super::parser::is_name;
use std::ops::Range;

/// What a command runs besides itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inner {
    /// A command made of these fields.
    Command(Range<usize>),
    /// A text that a shell reads.
    Script(String),
    /// What its standard input says.
    Input,
}

/// A program whose arguments end in a command.
struct Wrapper {
    names: &'static [&'static str],
    /// Options that take the next argument.
    valued: &'static [&'static str],
    /// Arguments before the command.
    operands: usize,
}

const SHELLS: [&str; 9] = [
    "sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "rbash", "fish",
];

const WRAPPERS: &[Wrapper] = &[
    wrapper(
        &["sudo", "sudo-rs"],
        &[
            "-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R", "--user", "--group",
            "--host", "--prompt", "--chdir", "--chroot", "--role", "--type",
        ],
        0,
    ),
    wrapper(&["doas"], &["-u", "-C"], 0),
    wrapper(&["env"], &["-u", "-C", "--unset", "--chdir"], 0),
    wrapper(
        &[
            "command", "builtin", "nohup", "setsid", "busybox", "toybox", "proot",
        ],
        &[],
        0,
    ),
    wrapper(&["exec"], &["-a"], 0),
    wrapper(&["nice"], &["-n", "--adjustment"], 0),
    wrapper(
        &["ionice"],
        &["-c", "-n", "-p", "--class", "--classdata"],
        0,
    ),
    wrapper(&["time"], &["-o", "-f", "--output", "--format"], 0),
    wrapper(&["timeout"], &["-s", "-k", "--signal", "--kill-after"], 1),
    wrapper(
        &["stdbuf"],
        &["-i", "-o", "-e", "--input", "--output", "--error"],
        0,
    ),
    wrapper(&["chroot"], &[], 1),
    wrapper(&["unshare", "nsenter"], &["-t", "-S", "-G", "--target"], 0),
    wrapper(&["taskset", "chrt"], &[], 1),
    wrapper(&["runuser"], &["-u", "-g", "-G", "--user", "--group"], 0),
    wrapper(
        &["strace", "ltrace"],
        &["-o", "-e", "-p", "-s", "-u", "-E", "-a", "-I", "-O", "-P"],
        0,
    ),
    wrapper(
        &["xargs"],
        &[
            "-I",
            "-n",
            "-P",
            "-L",
            "-d",
            "-E",
            "-s",
            "-a",
            "--replace",
            "--max-args",
            "--max-procs",
            "--max-lines",
            "--delimiter",
            "--max-chars",
            "--arg-file",
        ],
        0,
    ),
    wrapper(
        &["flock"],
        &["-w", "-E", "--timeout", "--conflict-exit-code"],
        1,
    ),
];

/// Programs whose arguments, joined, are a text for a shell; with options that take an argument,
/// and the number of arguments before it.
const JOINERS: &[Wrapper] = &[
    wrapper(&["eval"], &[], 0),
    wrapper(&["watch"], &["-n", "--interval"], 0),
    wrapper(
        &["parallel"],
        &["-j", "--jobs", "-a", "--arg-file", "-I"],
        0,
    ),
    wrapper(
        &["ssh"],
        &[
            "-b", "-B", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O",
            "-o", "-p", "-Q", "-R", "-S", "-W", "-w",
        ],
        1,
    ),
];

const fn wrapper(
    names: &'static [&'static str],
    valued: &'static [&'static str],
    operands: usize,
) -> Wrapper {
    Wrapper {
        names,
        valued,
        operands,
    }
}

/// What the command runs; `fields` begin with its program.
pub(super) fn inner(program: &str, fields: &[Field]) -> Vec<Inner> {
    let known: Vec<Option<String>> = fields.iter().map(Field::known).collect();
    let known: Vec<Option<&str>> = known.iter().map(Option::as_deref).collect();
    if SHELLS.contains(&program) {
        return shell(&known, fields);
    }
    if let Some(own) = own_way(program, &known, fields) {
        return own;
    }
    let named = |wrapper: &&Wrapper| wrapper.names.contains(&program);
    if let Some(joiner) = JOINERS.iter().find(named) {
        let texts = fields.get(joiner.skip(&known)..).unwrap_or_default();
        let texts: Vec<String> = texts.iter().map(Field::script).collect();
        return if texts.is_empty() {
            Vec::new()
        } else {
            vec![Inner::Script(texts.join(" "))]
        };
    }
    let start = WRAPPERS.iter().find(named).map(|it| it.skip(&known));
    match start.filter(|start| *start < fields.len()) {
        Some(start) => vec![Inner::Command(start..fields.len())],
        None => Vec::new(),
    }
}

/// For programs that take their command in a way of their own, if this call does.
fn own_way(program: &str, known: &[Option<&str>], fields: &[Field]) -> Option<Vec<Inner>> {
    let script = |at: usize| fields.get(at).map(|field| Inner::Script(field.script()));
    let text_after = |options: &[&str]| {
        let is_option = |one: Option<&str>| one.is_some_and(|one| options.contains(&one));
        let at = known.iter().copied().position(is_option)?;
        Some(vec![script(at + 1)?])
    };
    match program {
        "trap" => Some(vec![script(1)?]),
        "alias" => {
            let values = fields.iter().skip(1).map(Field::script);
            let values = values.filter_map(|one| one.split_once('=').map(|(_, it)| it.to_owned()));
            Some(values.map(Inner::Script).collect())
        }
        "find" => {
            let openings = ["-exec", "-execdir", "-ok", "-okdir"];
            Some(between(known, &openings, &[";", "+"]))
        }
        "fd" | "fdfind" => {
            let openings = ["-x", "-X", "--exec", "--exec-batch"];
            Some(between(known, &openings, &[";"]))
        }
        "kubectl" | "oc" | "npx" => Some(between(known, &["--"], &[])),
        "docker" | "podman" | "nerdctl" => Some(shells_among(known)),
        "source" | "." => {
            let reads_input = known.get(1) == Some(&Some("/dev/stdin"));
            reads_input.then(|| vec![Inner::Input])
        }
        "command" if matches!(known.get(1), Some(Some("-v" | "-V"))) => Some(Vec::new()),
        "env" => text_after(&["-S", "--split-string"]),
        "su" | "script" | "flock" | "runuser" => text_after(&["-c", "--command"]),
        _ => None,
    }
}

/// `sh -c TEXT`, `sh FILE`, or `sh` alone, which reads its standard input.
fn shell(known: &[Option<&str>], fields: &[Field]) -> Vec<Inner> {
    let (mut takes_text, mut takes_input) = (false, false);
    let mut at = 1;
    while let Some(argument) = known.get(at) {
        let Some(argument) = argument else {
            if takes_text {
                break;
            }
            at += 1;
            continue;
        };
        match *argument {
            "--" | "-" => {
                at += 1;
                break;
            }
            "--rcfile" | "--init-file" => at += 2,
            long if long.starts_with("--") => at += 1,
            short if short.starts_with(['-', '+']) => {
                takes_text |= short.starts_with('-') && short.contains('c');
                takes_input |= short.contains('s');
                at += if short.ends_with(['o', 'O']) { 2 } else { 1 };
            }
            _ => break,
        }
    }
    match fields.get(at) {
        Some(text) if takes_text => vec![Inner::Script(text.script())],
        Some(_) if !takes_input => Vec::new(),
        _ => vec![Inner::Input],
    }
}

/// The commands between each of `openings` and the next of `closings`.
fn between(known: &[Option<&str>], openings: &[&str], closings: &[&str]) -> Vec<Inner> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, argument) in known.iter().enumerate() {
        match (start, argument) {
            (None, Some(text)) if openings.contains(text) => start = Some(at + 1),
            (Some(from), Some(text)) if closings.contains(text) => {
                found.push(Inner::Command(from..at));
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|from| Inner::Command(from..known.len())));
    found
}

/// Containers are started with more options than can be told apart; what runs in them is looked
/// at from the first shell or wrapper on.
fn shells_among(known: &[Option<&str>]) -> Vec<Inner> {
    let names = WRAPPERS.iter().flat_map(|wrapper| wrapper.names);
    let is_runner = |argument: Option<&str>| {
        let base = argument.and_then(|text| text.rsplit('/').next());
        base.is_some_and(|base| SHELLS.contains(&base) || names.clone().any(|name| *name == base))
    };
    let start = known.iter().copied().skip(2).position(is_runner);
    Vec::from_iter(start.map(|start| Inner::Command(start + 2..known.len())))
}

// === impl Wrapper ===

impl Wrapper {
    /// Where the command begins.
    fn skip(&self, known: &[Option<&str>]) -> usize {
        let takes_variables = self
            .names
            .iter()
            .any(|name| ["sudo", "doas", "env"].contains(name));
        let mut operands = self.operands;
        let mut at = 1;
        while let Some(argument) = known.get(at) {
            let Some(argument) = argument else {
                if operands == 0 {
                    return at;
                }
                operands -= 1;
                at += 1;
                continue;
            };
            let is_variable = takes_variables
                && argument
                    .split_once('=')
                    .is_some_and(|(name, _)| is_name(name));
            if *argument == "--" {
                return at + 1 + operands;
            } else if argument.starts_with('-') && argument.len() > 1 {
                at += if self.valued.contains(argument) { 2 } else { 1 };
            } else if is_variable || argument.is_empty() {
                at += 1;
            } else if operands == 0 {
                return at;
            } else {
                operands -= 1;
                at += 1;
            }
        }
        at
    }
}
