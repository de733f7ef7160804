//! `ocr(image)`, by the installed program `tesseract`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_engine::{Answer, DetectorCall};

use super::Answered;
use super::program::{Home, INPUT_BYTES_MAX, Program};
use crate::config::OcrConfig;

const KEY: &str = "detectors.ocr";
/// What an image begins with, as in the reference.
const FORMS: [&str; 3] = [
    "data:image/png;base64,",
    "data:image/jpeg;base64,",
    "data:image/jpg;base64,",
];
/// One run has one core.
const ENVIRONMENT: [(&str, &str); 1] = [("OMP_THREAD_LIMIT", "1")];

/// See the module.
#[derive(Debug)]
pub(super) struct Ocr {
    program: Program,
    languages: String,
}

// === impl Ocr ===

impl Ocr {
    pub(super) fn new(config: &OcrConfig) -> Self {
        Self {
            program: Program::new(&config.program, KEY),
            languages: config.languages.clone(),
        }
    }

    /// The lines of the image, with a blank between them.
    pub(super) async fn answer(&self, call: &DetectorCall) -> Answered {
        let written = FORMS.iter().find_map(|form| call.text.strip_prefix(form));
        let written = written.ok_or("`ocr` reads PNG and JPEG images in `data:` URLs alone")?;
        if written.len() > INPUT_BYTES_MAX {
            return Err(format!(
                "`ocr` is given an image longer than {INPUT_BYTES_MAX} bytes"
            ));
        }
        let image = STANDARD
            .decode(written)
            .map_err(|error| format!("the image is not written in base64: {error}"))?;
        let home = Home::new().map_err(|error| self.program.failure(error))?;
        let arguments = ["stdin", "stdout", "-l", &self.languages];
        let arguments = arguments.map(std::ffi::OsString::from).into();
        let text = self
            .program
            .run(arguments, &ENVIRONMENT, &image, &home)
            .await?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Answer {
            value: lines.collect::<Vec<_>>().join(" ").into(),
            marks: Vec::new(),
        })
    }
}
