const STRICT_DEPTH: usize = 128;
const STRICT_NODES: usize = 500_000;
const STRICT_STRING_BYTES: usize = 16 << 20;
const LENIENT_DEPTH: usize = 512;
const LENIENT_NODES: usize = 20_000_000;
const LENIENT_STRING_BYTES: usize = 256 << 20;
/// Python refuses longer integers too; reading digits costs more than their number.
const NUMBER_BYTES: usize = 4_300;

/// What a text may contain, beyond what the grammar of RFC 8259 says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many arrays and objects may be open at once.
    pub depth: usize,
    /// How many values, nested ones included.
    pub nodes: usize,
    /// How long one string or member name may be, as written between its quotes.
    pub string_bytes: usize,
    /// How long one number may be, as written.
    pub number_bytes: usize,
    pub duplicates: Duplicates,
    pub non_finite: NonFinite,
    pub surrogates: Surrogates,
}

/// What to do when two members of one object have the same name after unescaping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicates {
    Reject,
    /// The last value counts and takes the place of the first, as in a Python dict.
    LastWins,
}

/// What to do with `NaN`, `Infinity`, `-Infinity` and numbers too large for a double.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonFinite {
    Reject,
    Allow,
}

/// What to do with an escape that is one half of a surrogate pair without the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surrogates {
    Reject,
    /// U+FFFD stands for it, as Rust text cannot hold it.
    Replace,
}

// === impl Limits ===

impl Limits {
    /// For what a peer sends: nothing that two readers could understand differently.
    pub const fn strict() -> Self {
        Self {
            depth: STRICT_DEPTH,
            nodes: STRICT_NODES,
            string_bytes: STRICT_STRING_BYTES,
            number_bytes: NUMBER_BYTES,
            duplicates: Duplicates::Reject,
            non_finite: NonFinite::Reject,
            surrogates: Surrogates::Reject,
        }
    }

    /// For policies and recorded traces: what Python's `json.loads` accepts.
    pub const fn lenient() -> Self {
        Self {
            depth: LENIENT_DEPTH,
            nodes: LENIENT_NODES,
            string_bytes: LENIENT_STRING_BYTES,
            number_bytes: NUMBER_BYTES,
            duplicates: Duplicates::LastWins,
            non_finite: NonFinite::Allow,
            surrogates: Surrogates::Replace,
        }
    }
}
