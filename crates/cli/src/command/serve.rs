use std::io::Write;

use portcullis_server::config::{ConfigError, ExplorerConfig, GatewayConfig};
use portcullis_server::serve::{Notice, Overrides, ServeError, ServeOptions, serve};

use super::config::failure as config_failure;
use super::{Failure, Outcome, show_warning};
use crate::args::ServeArguments;
use crate::render::file_problems;

pub(crate) fn run(arguments: ServeArguments) -> Result<Outcome, Failure> {
    let config = GatewayConfig::read_to_serve(&arguments.config).map_err(|error| {
        let failure = config_failure(&error);
        match error {
            ConfigError::Read { .. } => failure.hint("`--config FILE` names another one"),
            _ => failure,
        }
    })?;
    let warnings = file_problems(&config.warnings);
    write!(anstream::stderr().lock(), "{warnings}")?;
    let options = ServeOptions {
        config,
        overrides: Overrides {
            listen: arguments.listen,
            data_directory: arguments.data_dir,
        },
        config_file: Some(arguments.config),
        launcher: std::env::current_exe().ok(),
        is_verbose: arguments.verbose,
        explorer: ExplorerConfig::from_environment().map_err(|error| Failure::of(&error))?,
    };
    match serve(options, &mut show) {
        Ok(()) => Ok(Outcome::Ok),
        Err(error) => Err(failure(&error)),
    }
}

fn show(notice: Notice) {
    match notice {
        Notice::Listening { address, servers } => {
            let mut stderr = anstream::stderr().lock();
            // Nobody reads standard error: the log has it too.
            writeln!(stderr, "listening on http://{address}").ok();
            for server in servers {
                writeln!(stderr, "  http://{address}/servers/{server}/mcp").ok();
            }
        }
        Notice::NotRecorded(error) => show_warning(&format!(
            "traces are not recorded until the store can be opened: {error}"
        )),
        Notice::Lost(status) => show_warning(&format!("traces have gaps: {status}")),
        Notice::NotLogged(error) => show_warning(&format!("there is no log: {error}")),
    }
}

fn failure(error: &ServeError) -> Failure {
    match error {
        ServeError::Config(error) => config_failure(error),
        ServeError::Record(cause) => match cause.hint() {
            Some(hint) => Failure::of(error).hint(hint),
            None => Failure::of(error),
        },
        ServeError::Listen { .. } => {
            Failure::of(error).hint("another program may be there: choose one with `--listen`")
        }
        ServeError::Connect(_) | ServeError::Start(_) => Failure::internal(error),
    }
}
