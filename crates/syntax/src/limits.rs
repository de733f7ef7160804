//! What a policy may ask of whoever reads it.

/// The longest source text, in bytes.
pub const MAX_SOURCE_BYTES: usize = 1 << 20;

/// How deep brackets, blocks and conditions may nest: the depth of the parser's recursion.
pub const MAX_NESTING: u32 = 64;

/// The height of an expression's tree. Chains such as `a + b + c` grow it by one per operator,
/// so that whoever walks or drops a tree by recursion needs a bounded stack.
pub const MAX_TREE_HEIGHT: u32 = 1000;

/// Digits of an integer literal.
pub const MAX_INTEGER_DIGITS: usize = 4300;

/// Problems reported for one source; those behind are dropped.
pub const MAX_DIAGNOSTICS: usize = 50;
