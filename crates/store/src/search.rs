/// What to look for in traces. Without conditions every trace is found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    /// Words that all occur in the trace, in any message, in lower case. Texts without a word in
    /// them find nothing.
    pub words: Vec<String>,
    /// Whether somebody remarked on it, or a guardrail did: violations are annotations, too.
    pub is_annotated: Option<bool>,
    pub metadata: Vec<MetadataCondition>,
}

/// A condition on one value of a trace's metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataCondition {
    pub key: String,
    pub comparison: Comparison,
    pub value: String,
}

/// Numbers are compared as numbers if both sides are, otherwise as text by code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Contains,
}

// === impl Search ===

impl Search {
    /// LIMIT: different words and conditions on metadata of one search; more are refused.
    pub const CONDITIONS_MAX: usize = 32;
}
