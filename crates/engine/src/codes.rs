//! The codes of what is wrong with a policy beyond its syntax, and the page that explains each.

mod errors;
mod warnings;

use portcullis_syntax::{Code, CodePage, codes};

pub(crate) const DUPLICATE_NAME: Code = Code("duplicate-name");
pub(crate) const NOT_CALLABLE: Code = Code("not-callable");
pub(crate) const PATTERN_OUTSIDE_TOOL: Code = Code("pattern-outside-tool");
pub(crate) const UNBOUND_IN_RAISE: Code = Code("unbound-in-raise");
pub(crate) const UNKNOWN_IMPORT: Code = Code("unknown-import");
pub(crate) const UNKNOWN_KIND: Code = Code("unknown-kind");
pub(crate) const UNKNOWN_MODULE: Code = Code("unknown-module");
pub(crate) const UNKNOWN_NAME: Code = Code("unknown-name");
pub(crate) const UNKNOWN_VALUE_TYPE: Code = Code("unknown-value-type");

pub(crate) const ALWAYS_FAILS: Code = Code("always-fails");
pub(crate) const ALWAYS_FALSE: Code = Code("always-false");
pub(crate) const ALWAYS_TRUE: Code = Code("always-true");
pub(crate) const BINDERS_ONLY: Code = Code("binders-only");
pub(crate) const COMPARISON_CHAIN: Code = Code("comparison-chain");
pub(crate) const CONTENT_IN_CHUNKS: Code = Code("content-in-chunks");
pub(crate) const COUNT_WITHOUT_BOUNDS: Code = Code("count-without-bounds");
pub(crate) const EMPTY_KIND: Code = Code("empty-kind");
pub(crate) const IGNORED_ARGUMENT: Code = Code("ignored-argument");
pub(crate) const IGNORED_PARTS: Code = Code("ignored-parts");
pub(crate) const INVALID_REGEX: Code = Code("invalid-regex");
pub(crate) const LIST_MEMBERSHIP: Code = Code("list-membership");
pub(crate) const LITERAL_BACKSLASH: Code = Code("literal-backslash");
pub(crate) const MIXED_AND_OR: Code = Code("mixed-and-or");
pub(crate) const NEVER_BOOLEAN: Code = Code("never-boolean");
pub(crate) const NO_INTERPOLATION: Code = Code("no-interpolation");
pub(crate) const NOT_A_QUANTIFIER: Code = Code("not-a-quantifier");
pub(crate) const NOT_BINDS_TIGHTER: Code = Code("not-binds-tighter");
pub(crate) const NOTHING_SEARCHED: Code = Code("nothing-searched");
pub(crate) const RESERVED_PARAMETER: Code = Code("reserved-parameter");
pub(crate) const UNFIT_ERROR_ARGUMENT: Code = Code("unfit-error-argument");
pub(crate) const UNKNOWN_ATTRIBUTE: Code = Code("unknown-attribute");
pub(crate) const UNKNOWN_CATEGORY: Code = Code("unknown-category");
pub(crate) const UNKNOWN_METHOD: Code = Code("unknown-method");
pub(crate) const USED_BEFORE_LET: Code = Code("used-before-let");
pub(crate) const WRONG_ARGUMENTS: Code = Code("wrong-arguments");

/// The page of every code that a policy can be answered with, in alphabetical order.
pub fn code_pages() -> impl Iterator<Item = &'static CodePage> {
    let own = errors::PAGES.iter().chain(warnings::PAGES);
    let mut pages: Vec<_> = codes::pages().iter().chain(own).collect();
    pages.sort_unstable_by_key(|page| page.code);
    pages.into_iter()
}
