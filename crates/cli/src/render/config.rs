use std::fmt::Write;

use portcullis_server::config::FileProblems;

use super::policy::underlined;

/// All problems of configuration and policy files, each underlined in its text.
pub(crate) fn file_problems(files: &[FileProblems]) -> String {
    let mut text = String::new();
    for file in files {
        let path = file.path.display().to_string();
        for problem in &file.problems {
            text.push_str(&underlined(
                &path,
                &file.text,
                problem.severity,
                (
                    problem.code.map(|code| code.0),
                    &problem.message,
                    problem.help.as_deref(),
                ),
                &problem.labels,
            ));
            text.push_str("\n\n");
        }
    }
    let count: usize = files.iter().map(|file| file.errors().count()).sum();
    if count > 0 {
        let more = if count == 1 { "" } else { "s" };
        let error = super::ERROR.paint("error");
        // Writing to a `String` does not fail.
        writeln!(
            text,
            "{error}: the configuration does not load: {count} error{more}"
        )
        .ok();
    }
    text
}
