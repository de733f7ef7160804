//! Tests that need another process start their own executable again, as the same test, which then
//! finds an argument and plays the other part.
use std::process::Command;

const ARGUMENT: &str = "PORTCULLIS_STORE_TEST_ARGUMENT";

/// What the other process is to do; `None` in the process that was started first.
#[expect(
    clippy::disallowed_methods,
    reason = "how a test talks to its second process"
)]
pub(crate) fn argument() -> Option<String> {
    std::env::var(ARGUMENT).ok()
}

/// The second process, which runs `test` (`module::name`) with `argument`.
pub(crate) fn running(test: &str, argument: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--nocapture"])
        .env(ARGUMENT, argument);
    command
}
