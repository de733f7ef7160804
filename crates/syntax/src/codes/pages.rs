use super::CodePage;

/// One page per code, in the order of the codes.
pub fn pages() -> &'static [CodePage] {
    &[]
}
