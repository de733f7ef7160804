//! Odd requests to a gateway that runs, and odd answers through it: what comes of each is written
//! into a page of the documentation.

use crate::gateway::{Gateway, Setup};
use crate::npm::write;
use crate::scripts::Scripts;
use crate::workspace::Workspace;
use std::path::Path;
use tempfile::TempDir;

const PAGE: &str = "docs/ODD_INPUTS.md";

/// What a gateway did with everything that it was asked.
pub(crate) struct Outcome {
    page: String,
    /// What did not come out as it must, and how much did.
    pub(crate) report: String,
    pub(crate) passed: bool,
}

/// Writes the page. The flag of the result says whether everything came out as it must.
pub(crate) fn run(portcullis: &Path) -> Result<(String, bool), String> {
    let workspace = Workspace::load()?;
    let scripts = Scripts::install(&workspace.root)?;
    let outcome = ask(&scripts, portcullis)?;
    write(&workspace.root.join(PAGE), &outcome.page)?;
    Ok((outcome.report, outcome.passed))
}

pub(crate) fn ask(scripts: &Scripts, portcullis: &Path) -> Result<Outcome, String> {
    let directory = TempDir::with_prefix("portcullis-odd-").map_err(|error| error.to_string())?;
    let (_server, url) = scripts.serve("odd/upstream.js", &[])?;
    let gateway = Gateway::start(&Setup {
        portcullis,
        directory: directory.path().to_owned(),
        servers: vec![("odd", format!("url: {url}"))],
        settings: "",
    })?;
    let mut probe = scripts.command(&scripts.path("odd/main.js"));
    let output = probe.arg(gateway.url("odd")).arg(url).output();
    let output = output.map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    Ok(Outcome {
        page: text(&output.stdout) + "\n",
        report: text(&output.stderr),
        passed: output.status.success(),
    })
}
