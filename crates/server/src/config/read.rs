use std::env;
use std::fs::File;
use std::path::Path;

use super::build::Builder;
use super::inputs::{Inputs, Models};
use super::problem::FileProblems;
use super::written::Written;
use super::{ConfigError, GatewayConfig, Login, Secret, tree};
use crate::text_file::read_bounded;

/// LIMIT: a configuration file may be this long.
const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Which files a configuration may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Any,
    /// Those alone that say the same to whoever reads them again, and keep nobody waiting.
    Regular,
}

type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

impl GatewayConfig {
    /// Reads a configuration file and the policies that it names.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        load(path, &Models::default(), Named::Any).0
    }

    /// The same for a gateway that is to run with it.
    pub fn read_to_serve(path: &Path) -> Result<Self, ConfigError> {
        Self::read(path)?.checked_to_serve(path)
    }

    pub(super) fn checked_to_serve(self, path: &Path) -> Result<Self, ConfigError> {
        if self.servers.is_empty() && self.invariant_routes.is_none() {
            return Err(ConfigError::NoServer {
                path: path.to_owned(),
            });
        }
        Ok(self)
    }
}

/// What a configuration file says, and what it was read from. Models that are `known` are not
/// loaded again.
pub(super) fn load(
    path: &Path,
    known: &Models,
    named: Named,
) -> (Result<GatewayConfig, ConfigError>, Inputs) {
    let environment = |name: &str| env::var_os(name)?.into_string().ok();
    match read_text(path) {
        Ok(text) => parse(path, text, &environment, known, named),
        Err(error) => (Err(error), Inputs::of(path, None)),
    }
}

/// The text of a configuration file.
pub(super) fn read_text(path: &Path) -> Result<String, ConfigError> {
    match File::open(path).and_then(|file| read_bounded(file, CONFIG_BYTES_MAX)) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => Err(ConfigError::TooLong {
            path: path.to_owned(),
            limit: CONFIG_BYTES_MAX,
        }),
        Err(source) => Err(ConfigError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

pub(super) fn parse(
    path: &Path,
    text: String,
    environment: Environment<'_>,
    known: &Models,
    named: Named,
) -> (Result<GatewayConfig, ConfigError>, Inputs) {
    let mut builder = Builder {
        path,
        text: &text,
        environment,
        problems: Vec::new(),
        login: Login::None,
        of_named: Vec::new(),
        inputs: Inputs::of(path, Some(Secret::new(text.clone()))),
        known,
        named,
    };
    let written: Option<Written> = tree::read(&text, &mut builder.problems);
    let config = builder.config(written.unwrap_or_default());
    let Builder {
        problems,
        of_named,
        inputs,
        ..
    } = builder;

    let mut files = of_named;
    if !problems.is_empty() {
        files.insert(0, FileProblems::new(path.to_owned(), text, problems));
    }
    if files.iter().any(FileProblems::has_errors) {
        return (Err(ConfigError::Invalid(files)), inputs);
    }
    let config = GatewayConfig {
        warnings: files,
        inputs: inputs.clone(),
        ..config
    };
    (Ok(config), inputs)
}
