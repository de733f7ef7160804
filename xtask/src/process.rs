//! Other programs, run to their end.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

pub(crate) fn is_present(program: &str) -> bool {
    is_there(program, "--version")
}

/// Whether a program is installed that says its version upon `option`.
pub(crate) fn is_there(program: &str, option: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg(option)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

pub(crate) fn succeeds(mut command: Command) -> Result<bool, String> {
    let status = command.stdin(Stdio::null()).status();
    let status = status.map_err(|error| format!("{}: {error}", name(&command)))?;
    Ok(status.success())
}

pub(crate) fn succeed(command: Command) -> Result<(), String> {
    let name = name(&command);
    if succeeds(command)? {
        Ok(())
    } else {
        Err(format!("`{name}` did not succeed"))
    }
}

/// What a program prints, which has to succeed.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let output = output.map_err(|error| format!("{}: {error}", name(command)))?;
    if !output.status.success() {
        return Err(format!("`{}`: {}", name(command), output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{}: {error}", name(command)))
}

fn name(command: &Command) -> String {
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    let words: Vec<_> = [command.get_program().to_string_lossy()]
        .into_iter()
        .chain(arguments)
        .collect();
    words.join(" ")
}
