//! A text, window by window, to scores.

use crate::config::{Config, read, unusable};
use crate::error::{ClassifyError, LoadError};
use crate::network::{Network, guarded};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tokenizers::{
    Encoding, PaddingDirection, PaddingParams, PostProcessor, Tokenizer, TruncationDirection,
};

/// LIMIT: bytes of `tokenizer.json`.
const TOKENIZER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// LIMIT: bytes of a text.
const TEXT_BYTES_MAX: usize = 256 * 1024;
/// LIMIT: windows of a text.
const WINDOWS_MAX: usize = 512;
/// LIMIT: tokens of a window.
const WINDOW_TOKENS_MAX: usize = 512;
/// The shortest window that is worth reading, in tokens of the text.
const WINDOW_TOKENS_MIN: usize = 6;
/// The part of a window that the next one repeats, so that nothing is cut in half in both.
const OVERLAP_DIVISOR: usize = 4;

/// A model with its tokenizer and the names of its labels.
pub struct Classifier {
    tokenizer: Tokenizer,
    /// How many tokens of a text a window holds, beside those that the tokenizer puts around them.
    window: usize,
    padding: PaddingParams,
    network: Network,
    config: Config,
    path: PathBuf,
}

/// The scores of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// At least one.
    pub windows: Vec<Window>,
}

/// The scores of a part of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Bytes of the text, on character boundaries.
    pub span: Range<usize>,
    /// From 0 to 1, in the order of the labels.
    pub scores: Vec<f64>,
}

// === impl Classifier ===

impl fmt::Debug for Classifier {
    /// Without the tokenizer, which has tens of thousands of words.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Classifier")
            .field("path", &self.path)
            .field("labels", &self.config.labels)
            .finish_non_exhaustive()
    }
}

impl Classifier {
    /// What a folder holds.
    pub const FILES: [&str; 3] = ["config.json", "model.onnx", "tokenizer.json"];

    /// Reads the [files](Self::FILES) of a folder, and tries them.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let [path, network_path, tokenizer_path] = Self::FILES.map(|name| folder.join(name));
        let config = Config::load(&path)?;
        let network = Network::load(&network_path)?;
        let mut tokenizer = tokenizer(&tokenizer_path)?;
        let window = window(&tokenizer, &config, &network);
        if window < WINDOW_TOKENS_MIN {
            let reason = format!("it leaves {window} tokens of a text to a window");
            return Err(unusable(&tokenizer_path, reason));
        }
        let padding = tokenizer.get_padding().cloned().unwrap_or_default();
        // Set, they would be applied to the whole text; a tokenizer with a truncation also reads
        // no more of a text than it needs for two windows.
        tokenizer
            .with_padding(None)
            .with_truncation(None)
            .map_err(|error| unusable(&tokenizer_path, error.to_string()))?;
        let classifier = Self {
            tokenizer,
            window,
            padding,
            network,
            config,
            path,
        };
        // What does not fit together is found when the configuration is read, not with traffic.
        let whole_windows = "a ".repeat(WINDOW_TOKENS_MAX);
        for text in ["", &whole_windows] {
            let tried = classifier.windows(text).and_then(|windows| {
                let mut windows = windows.iter();
                windows.try_for_each(|window| classifier.scores(window).map(drop))
            });
            tried.map_err(|error| unusable(folder, error.to_string()))?;
        }
        Ok(classifier)
    }

    pub fn labels(&self) -> &[String] {
        &self.config.labels
    }

    /// The places of the labels that mean an attack: those that are named, or else those whose
    /// names say it.
    pub fn attacks(&self, named: &[String]) -> Result<Vec<usize>, LoadError> {
        self.config.attacks(&self.path, named)
    }

    /// The scores of each window of the text. No window is begun after `until`.
    pub fn classify(&self, text: &str, until: Instant) -> Result<Assessment, ClassifyError> {
        let mut windows = Vec::new();
        for window in self.windows(text)? {
            if Instant::now() >= until {
                return Err(ClassifyError::OutOfTime);
            }
            windows.push(Window {
                span: span(&window, text),
                scores: self.scores(&window)?,
            });
        }
        Ok(Assessment { windows })
    }

    fn windows(&self, text: &str) -> Result<Vec<Encoding>, ClassifyError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(ClassifyError::TooLong(TEXT_BYTES_MAX));
        }
        guarded(|| self.cut(text))
            .map_err(ClassifyError::Tokenizer)?
            .map_err(|error| ClassifyError::Tokenizer(error.to_string()))
            .and_then(|windows| {
                if windows.len() > WINDOWS_MAX {
                    return Err(ClassifyError::TooManyWindows(WINDOWS_MAX));
                }
                Ok(windows)
            })
    }

    /// The windows as the network takes them; one more than there may be stands for all others.
    fn cut(&self, text: &str) -> tokenizers::Result<Vec<Encoding>> {
        let mut first = self.tokenizer.encode(text, false)?;
        let overlap = self.window / OVERLAP_DIVISOR;
        first.truncate(self.window, overlap, TruncationDirection::Right);
        let others = first.take_overflowing();
        let parts = std::iter::once(first).chain(others);
        let windows = parts.take(WINDOWS_MAX + 1).map(|part| {
            let mut window = self.tokenizer.post_process(part, None, true)?;
            if let Some(length) = self.network.length {
                let padding = &self.padding;
                let (token, direction) = (padding.pad_token.as_str(), PaddingDirection::Right);
                window.pad(
                    length,
                    padding.pad_id,
                    padding.pad_type_id,
                    token,
                    direction,
                );
            }
            Ok(window)
        });
        windows.collect()
    }

    fn scores(&self, window: &Encoding) -> Result<Vec<f64>, ClassifyError> {
        let config = &self.config;
        self.network
            .scores(window, config.labels.len(), config.activation)
    }
}

fn tokenizer(path: &Path) -> Result<Tokenizer, LoadError> {
    let bytes = read(path, TOKENIZER_BYTES_MAX)?;
    guarded(|| Tokenizer::from_bytes(&bytes))
        .map_err(|reason| unusable(path, reason))?
        .map_err(|error| unusable(path, error.to_string()))
}

/// How many tokens of a text fit in a window.
fn window(tokenizer: &Tokenizer, config: &Config, network: &Network) -> usize {
    let own = tokenizer.get_truncation().map(|own| own.max_length);
    let bounds = [own, config.positions, network.length];
    let all = bounds
        .into_iter()
        .flatten()
        .fold(WINDOW_TOKENS_MAX, usize::min);
    let around = tokenizer.get_post_processor();
    all.saturating_sub(around.map_or(0, |around| around.added_tokens(false)))
}

/// Where the tokens of a window stand in the text.
fn span(window: &Encoding, text: &str) -> Range<usize> {
    let offsets = window.get_offsets().iter();
    let own = offsets.filter(|(start, end)| start < end);
    let start = own.clone().map(|(start, _)| *start).min().unwrap_or(0);
    let end = own.map(|(_, end)| *end).max().unwrap_or(0);
    text.floor_char_boundary(start)..text.ceil_char_boundary(end)
}

// === impl Assessment ===

impl Assessment {
    /// The greatest score of one of these labels, and where it is: the first such window.
    ///
    /// Scores of several labels are not added up: those of a model that judges each label by
    /// itself may come to more than 1.
    pub fn worst(&self, labels: &[usize]) -> Option<(f64, Range<usize>)> {
        let greatest = |window: &Window| {
            let scores = labels.iter().filter_map(|label| window.scores.get(*label));
            scores.copied().fold(0.0, f64::max)
        };
        let mut worst: Option<(f64, Range<usize>)> = None;
        for window in &self.windows {
            let score = greatest(window);
            if worst.as_ref().is_none_or(|(before, _)| score > *before) {
                worst = Some((score, window.span.clone()));
            }
        }
        worst
    }
}
