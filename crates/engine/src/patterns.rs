//! Regular expressions that a policy builds while it runs.

use crate::python::re::{Flags, Pattern, PatternError};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Compiled patterns by their text.
#[derive(Debug, Default)]
pub(crate) struct Patterns(RefCell<HashMap<Arc<str>, Compiled>>);

type Compiled = Result<Arc<Pattern>, PatternError>;

/// LIMIT: patterns kept per monitor. A policy that makes more of them pays for compiling again.
const PATTERNS_MAX: usize = 256;

// === impl Patterns ===

impl Patterns {
    pub(crate) fn compile(&self, text: &Arc<str>) -> Compiled {
        let mut patterns = self.0.borrow_mut();
        if let Some(pattern) = patterns.get(text) {
            return pattern.clone();
        }
        if patterns.len() >= PATTERNS_MAX {
            patterns.clear();
        }
        let pattern = Pattern::compile(text, Flags::NONE).map(Arc::new);
        patterns.insert(text.clone(), pattern.clone());
        pattern
    }
}
