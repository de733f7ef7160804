//! Whom to ask what the gateway cannot tell by itself.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use http::HeaderValue;
use http::header::AUTHORIZATION;
use url::Url;

use super::endpoint::{URL_HELP, server_url};
use super::value::expand;
use super::{Builder, value};
use crate::config::detectors::{
    DetectorsConfig, ModelConfig, ModerationConfig, OcrConfig, PresidioConfig, ProgramConfig,
    SemgrepConfig, ServiceConfig,
};
use crate::config::problem::Problem;
use crate::config::tree::Spot;
use crate::config::written::WrittenDuration;
use crate::config::written::detectors::{
    WrittenDetectors, WrittenModel, WrittenOcr, WrittenPresidio, WrittenSemgrep,
};

pub(super) const SERVICE_TIMEOUT: Duration = Duration::from_secs(10);
const SERVICE_CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(7);
const RETRIES: u32 = 2;
/// LIMIT: attempts that may be configured.
const RETRIES_MAX: u64 = 10;
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(15);
pub(super) const PROGRAM_CONCURRENCY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

/// What all services have in common.
pub(super) struct WrittenService {
    pub(super) url: Option<Spot<String>>,
    pub(super) api_key: Option<Spot<String>>,
    pub(super) timeout: Option<Spot<WrittenDuration>>,
    pub(super) retries: Option<Spot<u64>>,
    pub(super) concurrency: Option<Spot<u64>>,
}

impl Builder<'_> {
    pub(super) fn detectors(&mut self, written: WrittenDetectors) -> DetectorsConfig {
        let default = DetectorsConfig::default();
        DetectorsConfig {
            patience: self.duration(written.patience, default.patience),
            cache_entries: self.count(written.cache_entries, default.cache_entries),
            chat: written.chat.and_then(|model| self.model(model)),
            embeddings: written.embeddings.and_then(|model| self.model(model)),
            moderation: written.moderation.and_then(|model| self.moderation(model)),
            prompt_injection: self.classifiers(value(written.prompt_injection)),
            presidio: written
                .presidio
                .and_then(|presidio| self.presidio(presidio)),
            semgrep: written.semgrep.and_then(|semgrep| self.semgrep(semgrep)),
            ocr: written.ocr.and_then(|ocr| self.ocr(ocr)),
        }
    }

    fn model(&mut self, spot: Spot<WrittenModel>) -> Option<ModelConfig> {
        let Spot { span, value } = spot;
        let mut written = value.unwrap_or_default();
        let model = written.model.take().and_then(|model| model.value);
        if model.is_none() {
            self.error(&span, "it has no `model`");
        }
        Some(ModelConfig {
            service: self.service(&span, written.into())?,
            model: model?,
        })
    }

    fn moderation(&mut self, spot: Spot<WrittenModel>) -> Option<ModerationConfig> {
        let Spot { span, value } = spot;
        let mut written = value.unwrap_or_default();
        let model = written.model.take().and_then(|model| model.value);
        Some(ModerationConfig {
            service: self.service(&span, written.into())?,
            model,
        })
    }

    fn presidio(&mut self, spot: Spot<WrittenPresidio>) -> Option<PresidioConfig> {
        let written = spot.value.unwrap_or_default();
        let service = WrittenService {
            url: written.url,
            api_key: written.api_key,
            timeout: written.timeout,
            retries: written.retries,
            concurrency: written.concurrency,
        };
        Some(PresidioConfig {
            service: self.service(&spot.span, service)?,
            language: value(written.language).unwrap_or_else(|| "en".to_owned()),
        })
    }

    pub(super) fn service(
        &mut self,
        span: &Range<usize>,
        written: WrittenService,
    ) -> Option<ServiceConfig> {
        if written.url.is_none() {
            self.error(span, "it has no `url`");
        }
        let url = written.url.and_then(|url| self.service_url(url));
        let key = written.api_key.and_then(|key| self.api_key(key));
        Some(ServiceConfig {
            headers: key.into_iter().map(|key| (AUTHORIZATION, key)).collect(),
            timeout: self.duration(written.timeout, SERVICE_TIMEOUT),
            retries: self.retries(written.retries),
            concurrency: self.count(written.concurrency, SERVICE_CONCURRENCY),
            url: url?,
        })
    }

    fn service_url(&mut self, url: Spot<String>) -> Option<Url> {
        match server_url(&url.value?) {
            Ok(read) => Some(read),
            Err(wrong) => {
                let problem = Problem::error(url.span, format!("not a URL of a service: {wrong}"));
                self.problems.push(problem.help(URL_HELP));
                None
            }
        }
    }

    /// The key is not quoted in what is reported about it.
    fn api_key(&mut self, key: Spot<String>) -> Option<HeaderValue> {
        let expanded = match expand(&key.value?, self.environment) {
            Ok(expanded) => expanded,
            Err(error) => {
                self.error(&key.span, error.to_string());
                return None;
            }
        };
        let header = HeaderValue::from_str(&format!("Bearer {expanded}")).ok();
        if header.is_none() {
            self.error(&key.span, "the key has characters that no header may have");
        }
        let mut header = header?;
        header.set_sensitive(true);
        Some(header)
    }

    fn retries(&mut self, retries: Option<Spot<u64>>) -> u32 {
        let Some(Spot {
            span,
            value: Some(written),
        }) = retries
        else {
            return RETRIES;
        };
        if written > RETRIES_MAX {
            self.error(&span, format!("`{written}` is more than {RETRIES_MAX}"));
        }
        u32::try_from(written).unwrap_or(RETRIES)
    }

    fn semgrep(&mut self, spot: Spot<WrittenSemgrep>) -> Option<SemgrepConfig> {
        let written = spot.value.unwrap_or_default();
        let rules = |rules: Option<Spot<String>>, default: &str| {
            OsString::from(value(rules).unwrap_or_else(|| default.to_owned()))
        };
        Some(SemgrepConfig {
            python_rules: rules(written.python_rules, "r/python.lang.security"),
            bash_rules: rules(written.bash_rules, "r/bash"),
            program: self.program(
                &spot.span,
                written.program,
                "semgrep",
                written.timeout,
                written.concurrency,
            )?,
        })
    }

    fn ocr(&mut self, spot: Spot<WrittenOcr>) -> Option<OcrConfig> {
        let written = spot.value.unwrap_or_default();
        let languages = written.languages.filter(|languages| {
            let read = languages.value.as_deref();
            let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '/');
            let is_read = read.is_some_and(|read| !read.is_empty() && read.chars().all(is_plain));
            if !is_read {
                self.error(&languages.span, "expected names such as `eng` or `eng+deu`");
            }
            is_read
        });
        Some(OcrConfig {
            languages: value(languages).unwrap_or_else(|| "eng".to_owned()),
            program: self.program(
                &spot.span,
                written.program,
                "tesseract",
                written.timeout,
                written.concurrency,
            )?,
        })
    }

    fn program(
        &mut self,
        section: &Range<usize>,
        program: Option<Spot<String>>,
        default: &str,
        timeout: Option<Spot<WrittenDuration>>,
        concurrency: Option<Spot<u64>>,
    ) -> Option<ProgramConfig> {
        let path = (self.environment)("PATH").unwrap_or_default();
        let (span, written) = match program {
            Some(program) => (program.span, program.value?),
            None => (section.clone(), default.to_owned()),
        };
        let found = find(&written, &path);
        if found.is_none() {
            self.problems.push(
                Problem::error(span, format!("there is no program `{written}`"))
                    .help("install it, or give its absolute path as `program`"),
            );
        }
        Some(ProgramConfig {
            timeout: self.duration(timeout, PROGRAM_TIMEOUT),
            concurrency: self.count(concurrency, PROGRAM_CONCURRENCY),
            program: found?,
            path: path.into(),
        })
    }
}

/// Where a program is: at an absolute path, or by its name in a directory of `PATH`.
fn find(program: &str, path: &str) -> Option<PathBuf> {
    let is_program = |path: &Path| {
        let found = fs::metadata(path);
        found.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        let path = PathBuf::from(program);
        return (path.is_absolute() && is_program(&path)).then_some(path);
    }
    if program.is_empty() {
        return None;
    }
    let directories = env::split_paths(path).filter(|directory| directory.is_absolute());
    let mut paths = directories.map(|directory| directory.join(program));
    paths.find(|path| is_program(path))
}

// === impl WrittenService ===

impl From<WrittenModel> for WrittenService {
    fn from(written: WrittenModel) -> Self {
        Self {
            url: written.url,
            api_key: written.api_key,
            timeout: written.timeout,
            retries: written.retries,
            concurrency: written.concurrency,
        }
    }
}
