//! What Python source code imports, names and calls.
//!
//! The code is parsed, never run. Names are taken as they stand: code that hides what it calls,
//! by `getattr` or an alias, is not seen through. The parser reads Python up to the newest
//! version that it knows, so code that an older interpreter rejects may still be understood.

mod builtins;
mod literal;
mod nesting;
mod unparse;
mod visit;

use ruff_python_parser::{Mode, ParseOptions, parse};
use std::collections::BTreeSet;
use std::thread;
use visit::Visitor;

/// LIMIT: bytes of source code; more is not parsed.
const SOURCE_BYTES_MAX: usize = 256 * 1024;
/// Enough for the deepest tree that the nesting limits let through, with room to spare.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// What source code contains.
///
/// When it does not parse, or is longer or nested deeper than the limits allow, `syntax_error`
/// is set and the collections are empty: "nothing found" is never the answer then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PythonCode {
    /// Modules of `import` and `from … import`, in order, with duplicates. The module of
    /// `from . import name` is `None`.
    pub imports: Vec<Option<String>>,
    /// Names of builtins that occur as variables, in the order of Python's syntax tree, with
    /// duplicates.
    pub builtins: Vec<String>,
    /// What is called, as source text in the form that Python's `ast.unparse` gives it.
    pub function_calls: BTreeSet<String>,
    pub syntax_error: bool,
    pub syntax_error_exception: Option<String>,
}

/// Analyses a Python module.
pub fn analyze(code: &str) -> PythonCode {
    on_large_stack(code, Mode::Module)
}

/// Analyses the code of a notebook cell.
///
/// A magic command counts as the call of `get_ipython()` that `IPython` makes of it. The rest of a
/// cell under `%%…` is not Python and is not read, unless the magic is known to run it as such.
pub fn analyze_ipython(code: &str) -> PythonCode {
    let (head, body) = code
        .trim_start()
        .split_once('\n')
        .unwrap_or((code.trim_start(), ""));
    let Some(magic) = head.strip_prefix("%%") else {
        return on_large_stack(code, Mode::Ipython);
    };
    let name = magic.split_whitespace().next().unwrap_or_default();
    let mut found = if ["capture", "prun", "time", "timeit"].contains(&name) {
        on_large_stack(body, Mode::Ipython)
    } else {
        PythonCode::default()
    };
    if !found.syntax_error {
        found
            .function_calls
            .extend(["get_ipython", "get_ipython().run_cell_magic"].map(Into::into));
    }
    found
}

/// The tree is visited and freed by recursion, so neither may depend on the caller's stack.
fn on_large_stack(code: &str, mode: Mode) -> PythonCode {
    if code.len() > SOURCE_BYTES_MAX {
        return PythonCode::refused(format!(
            "source code is longer than {SOURCE_BYTES_MAX} bytes"
        ));
    }
    thread::scope(|scope| {
        let analysis = thread::Builder::new()
            .name("python-code".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || parse_and_visit(code, mode));
        match analysis {
            Ok(analysis) => analysis
                .join()
                .unwrap_or_else(|_| PythonCode::refused("the parser gave up".to_owned())),
            Err(error) => PythonCode::refused(format!("no thread to parse on: {error}")),
        }
    })
}

fn parse_and_visit(code: &str, mode: Mode) -> PythonCode {
    if code.contains('\0') {
        return PythonCode::refused("source code string cannot contain null bytes".to_owned());
    }
    if !nesting::is_within_limits(code, mode) {
        return PythonCode::refused("source code is nested too deep".to_owned());
    }
    match parse(code, ParseOptions::from(mode)) {
        Ok(parsed) => Visitor::default().visit(parsed.syntax()),
        Err(error) => PythonCode::refused(error.to_string()),
    }
}

// === impl PythonCode ===

impl PythonCode {
    fn refused(reason: String) -> Self {
        Self {
            syntax_error: true,
            syntax_error_exception: Some(reason),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
