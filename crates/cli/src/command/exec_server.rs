use std::io::ErrorKind;

use super::run::server_command;
use super::{Failure, Outcome};
use crate::args::ExecServerArguments;

/// What a shell answers for a command that it cannot start.
const NOT_STARTED: u8 = 127;

/// Becomes the server. Comes back only if that failed.
pub(crate) fn exec_server(arguments: ExecServerArguments) -> Result<Outcome, Failure> {
    let command = server_command(arguments.command)?;
    let error = command.exec(arguments.parent);
    let program = command.program.to_string_lossy().into_owned();
    Failure::usage(format!(
        "the server `{program}` could not be started: {error}"
    ))
    .hint(match error.kind() {
        ErrorKind::PermissionDenied => "the program must be a file that you may execute",
        _ => "give the program as an absolute path if it is not in the client's PATH",
    })
    .show();
    Ok(Outcome::Server(NOT_STARTED))
}
