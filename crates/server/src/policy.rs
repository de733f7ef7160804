//! Policy files, as guardrails.

pub use portcullis_engine::code_pages;

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use portcullis_engine::Policy;
use portcullis_session::{Guardrail, GuardrailAction};
use portcullis_syntax::{Diagnostic, Severity};
use portcullis_trace::record::GuardrailName;

use crate::text_file::read_bounded;

/// LIMIT: a policy file may be this long.
pub const POLICY_BYTES_MAX: u64 = 1 << 20;
/// What the file of every shipped guardrail is called; its folder has the name.
const SHIPPED: &str = "policy.inv";

/// A policy file that was read, with what there is to say about it.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    pub path: PathBuf,
    pub source: String,
    /// `None` if and only if one of the diagnostics is an error.
    pub policy: Option<Policy>,
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("the policy `{}` cannot be read", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the policy `{}` is longer than {POLICY_BYTES_MAX} bytes", path.display())]
    TooLong { path: PathBuf },
    #[error("the policy `{}` has no rule, so that it would guard nothing", path.display())]
    NoRule { path: PathBuf },
    #[error("the policy `{}` does not load", .0.path.display())]
    Load(Box<PolicyFile>),
}

// === impl PolicyFile ===

impl PolicyFile {
    /// Reads and compiles a policy; that it does not compile is no error here.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let source = Self::source(path)?;
        let loaded = Policy::load(&source);
        Ok(Self {
            path: path.to_owned(),
            source,
            policy: loaded.policy,
            diagnostics: loaded.diagnostics,
        })
    }

    /// The text of a policy file, read and not compiled.
    pub fn source(path: &Path) -> Result<String, PolicyError> {
        Self::source_from(path, File::open(path))
    }

    /// The same of a text that is elsewhere; `path` is what errors call it.
    pub fn source_from(
        path: &Path,
        text: io::Result<impl io::Read>,
    ) -> Result<String, PolicyError> {
        match text.and_then(|text| read_bounded(text, POLICY_BYTES_MAX)) {
            Ok(Some(source)) => Ok(source),
            Ok(None) => Err(PolicyError::TooLong {
                path: path.to_owned(),
            }),
            Err(source) => Err(PolicyError::Read {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// The policy as a guardrail, with what there is to warn of. It is named after its file, or
    /// after the folder of a `policy.inv`.
    pub fn guardrail(self, on_failure: GuardrailAction) -> Result<(Guardrail, Self), PolicyError> {
        let Some(policy) = self.policy.clone() else {
            return Err(PolicyError::Load(Box::new(self)));
        };
        if policy.rules() == 0 {
            return Err(PolicyError::NoRule { path: self.path });
        }
        let guardrail = Guardrail {
            name: GuardrailName {
                id: None,
                name: guardrail_name(&self.path),
            },
            policy: Ok(policy),
            on_violation: GuardrailAction::Block,
            on_failure,
        };
        Ok((guardrail, self))
    }

    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        let is_warning = |found: &&Diagnostic| found.severity == Severity::Warning;
        self.diagnostics.iter().filter(is_warning)
    }
}

fn guardrail_name(path: &Path) -> String {
    let folder = path.parent().and_then(Path::file_name);
    let name = match folder {
        Some(folder) if path.file_name() == Some(OsStr::new(SHIPPED)) => folder,
        Some(_) | None => path.file_stem().unwrap_or(path.as_os_str()),
    };
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guardrails_are_named_after_file_or_folder() {
        let check = |path: &str, expected: &str| {
            assert_eq!(guardrail_name(Path::new(path)), expected, "{path}");
        };
        check("policies/exfiltration/policy.inv", "exfiltration");
        check("mail.inv", "mail");
        check("/rules/mail.gr", "mail");
        check("policy.inv", "policy");
        check("/policy.inv", "policy");
    }
}
