use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process;

use portcullis_server::check::STANDARD_INPUT;
use portcullis_server::policy::PolicyFile;
use portcullis_syntax::format;

use super::{Failure, Outcome};
use crate::args::FmtArguments;
use crate::render::diagnostics;

pub(crate) fn fmt(arguments: &FmtArguments) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::Ok;
    for path in &arguments.files {
        let is_input = path == Path::new(STANDARD_INPUT);
        let source = if is_input {
            PolicyFile::source_from(path, Ok(io::stdin()))
        } else {
            PolicyFile::source(path)
        };
        let source = source.map_err(|error| Failure::of(&error))?;
        let formatted = format(&source)
            .map_err(|found| Failure::rendered(diagnostics(path, &source, &found)))?;
        let is_formatted = formatted == source;
        if arguments.check && !is_formatted {
            writeln!(anstream::stdout().lock(), "{}", path.display())?;
            outcome = Outcome::Findings;
        } else if !arguments.check && is_input {
            // A policy is no place for colours: what looks like one is part of it.
            io::stdout().lock().write_all(formatted.as_bytes())?;
        } else if !arguments.check && !is_formatted {
            replace(path, &formatted)?;
        }
    }
    Ok(outcome)
}

/// Puts the text in place of the file in one step, so that no crash leaves half of it and nobody
/// reads half of it meanwhile. A link stays one.
fn replace(path: &Path, source: &str) -> Result<(), Failure> {
    let replaced = fs::canonicalize(path).and_then(|path| replace_file(&path, source));
    replaced
        .map_err(|error| Failure::usage(format!("`{}` cannot be written: {error}", path.display())))
}

fn replace_file(path: &Path, source: &str) -> io::Result<()> {
    let permissions = fs::metadata(path)?.permissions();
    if permissions.readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", process::id()));
    let beside = path.with_file_name(name);
    let mut file = File::create_new(&beside)?;
    let written = file
        .write_all(source.as_bytes())
        .and_then(|()| file.set_permissions(permissions))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What went wrong first is what the user should hear of.
        drop(fs::remove_file(&beside));
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(directory).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy.inv");
        fs::write(&path, "old").unwrap();
        replace(&path, "new").unwrap_or_else(|_| panic!("the file can be written"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names(directory.path()), ["policy.inv"]);
    }

    #[cfg(unix)]
    #[test]
    fn permissions_and_links_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy.inv");
        let link = directory.path().join("link.inv");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        replace(&link, "new").unwrap_or_else(|_| panic!("the file can be written"));
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }

    #[test]
    fn a_file_that_must_not_be_written_stays_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("policy.inv");
        fs::write(&path, "old").unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        assert!(replace(&path, "new").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(names(directory.path()), ["policy.inv"]);
    }
}
