use std::io::ErrorKind;
use std::path::Path;

use portcullis_transport::child::end_as_not_started;

use super::run::server_command;
use super::{Failure, Outcome};
use crate::args::ExecServerArguments;

/// What a shell answers for a command that it cannot start.
const NOT_STARTED: u8 = 127;

/// Becomes the server. Comes back only if that failed.
pub(crate) fn exec_server(arguments: ExecServerArguments) -> Result<Outcome, Failure> {
    let command = server_command(arguments.command)?;
    let error = command.exec(arguments.parent);
    let program = command.program.to_string_lossy();
    let server = arguments.name;
    let is_its_program = Path::new(&command.program).ends_with(&server);
    Failure::usage(if is_its_program {
        format!("the server `{program}` could not be started: {error}")
    } else {
        format!("the server `{server}` could not be started: `{program}`: {error}")
    })
    .hint(match error.kind() {
        ErrorKind::PermissionDenied => "the program must be a file that you may execute",
        // A script is there, and what its first line names is not.
        _ if program.contains('/') => {
            "look at the path, and at the first line of the file if it is a script"
        }
        _ => {
            "install the program, or give it as an absolute path if it is not in the client's PATH"
        }
    })
    .show();
    end_as_not_started();
    Ok(Outcome::Server(NOT_STARTED))
}
