//! The codes of what is wrong with a policy beyond its syntax.

use portcullis_syntax::CodePage;

/// Codes of load errors and warnings.
pub(crate) mod code {
    use portcullis_syntax::Code;

    pub(crate) const DUPLICATE_NAME: Code = Code("duplicate-name");
    pub(crate) const NOT_CALLABLE: Code = Code("not-callable");
    pub(crate) const PATTERN_OUTSIDE_TOOL: Code = Code("pattern-outside-tool");
    pub(crate) const UNKNOWN_IMPORT: Code = Code("unknown-import");
    pub(crate) const UNKNOWN_KIND: Code = Code("unknown-kind");
    pub(crate) const UNKNOWN_MODULE: Code = Code("unknown-module");
    pub(crate) const UNKNOWN_NAME: Code = Code("unknown-name");
    pub(crate) const UNKNOWN_VALUE_TYPE: Code = Code("unknown-value-type");
}

pub(crate) static PAGES: &[CodePage] = &[];
