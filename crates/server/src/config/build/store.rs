//! Where traces are kept, and for how long.
use std::fmt::Write;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use portcullis_store::Location;

use super::value::{ExpandError, expand};
use super::{Builder, Spot, value};
use crate::config::gateway::{RetentionConfig, StoreConfig};
use crate::config::problem::Problem;
use crate::config::written::{WrittenRetention, WrittenStore};

impl Builder<'_> {
    pub(super) fn store(&mut self, written: WrittenStore) -> StoreConfig {
        StoreConfig {
            location: self.location(written.url),
            retention: self.retention(value(written.retention).unwrap_or_default()),
        }
    }

    /// What is reported about a URL does not quote it: it may hold a password.
    fn location(&mut self, url: Option<Spot<String>>) -> Option<Location> {
        let url = url?;
        let written = url.value?;
        let expanded = match expand_url(&written, self.environment) {
            Ok(expanded) => expanded,
            Err(error) => {
                self.error(&url.span, error.to_string());
                return None;
            }
        };
        match expanded.parse() {
            Ok(Location::Sqlite(path)) if path == PathBuf::new() => {
                self.error(&url.span, "expected the path of a file, or a URL");
                None
            }
            Ok(Location::Sqlite(_)) => Some(Location::Sqlite(self.beside(&expanded))),
            Ok(location @ Location::Postgres(_)) => Some(location),
            Err(error) => {
                let problem = Problem::error(url.span, error.to_string());
                self.problems.push(match error.hint() {
                    Some(hint) => problem.help(hint),
                    None => problem,
                });
                None
            }
        }
    }

    fn retention(&mut self, written: WrittenRetention) -> RetentionConfig {
        let max_age = written.max_age.filter(|age| age.value.is_some());
        let max_bytes = written.max_bytes.and_then(|bytes| {
            let max = NonZeroU64::new(bytes.value?);
            if max.is_none() {
                self.error(&bytes.span, "`0` is out of range");
            }
            max
        });
        RetentionConfig {
            max_age: max_age.map(|age| self.duration(Some(age), Duration::MAX)),
            max_bytes,
        }
    }
}

/// What variables bring to the user and the password of a URL is taken as it is, whatever characters
/// it has.
fn expand_url(
    written: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<String, ExpandError> {
    let Some((scheme, rest)) = written.split_once("://") else {
        return expand(written, environment);
    };
    let Some((user, rest)) = rest.rsplit_once('@') else {
        return expand(written, environment);
    };
    // A variable alone may bring both, as the user and the password of services are often given.
    let brings_both = !user.contains(':');
    let encoded = |name: &str| {
        let value = environment(name)?;
        Some(match value.split_once(':') {
            Some((user, password)) if brings_both => {
                format!("{}:{}", percent_encoded(user), percent_encoded(password))
            }
            _ => percent_encoded(&value),
        })
    };
    let user = expand(user, &encoded)?;
    let rest = expand(rest, environment)?;
    Ok(format!("{scheme}://{user}@{rest}"))
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").ok();
        }
    }
    encoded
}
