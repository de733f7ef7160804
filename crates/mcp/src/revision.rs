use std::fmt;

/// The published revisions of the Model Context Protocol, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    V2024_11_05,
    V2025_03_26,
    V2025_06_18,
    V2025_11_25,
    V2026_07_28,
}

/// Revisions in a row, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revisions(Option<(Revision, Revision)>);

// === impl Revision ===

impl Revision {
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    /// The revision spelled `text` in `protocolVersion`, if it is one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.as_str() == text)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// Whether there is no handshake and no session: every request says what it needs.
    pub fn is_stateless(self) -> bool {
        self >= Self::V2026_07_28
    }

    /// Whether `resultType` says what a result is. SPEC: 2026-07-28, basic.
    pub fn has_result_types(self) -> bool {
        self >= Self::V2026_07_28
    }

    /// SPEC: 2025-03-26, basic, batching. Removed by the revision after it.
    pub fn has_batches(self) -> bool {
        self == Self::V2025_03_26
    }

    /// SPEC: `JSONRPCErrorResponse` in the schema; `id` is optional from 2025-11-25 on.
    pub fn allows_error_without_id(self) -> bool {
        self >= Self::V2025_11_25
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Revisions ===

impl Revisions {
    pub const NONE: Self = Self(None);

    pub const fn between(first: Revision, last: Revision) -> Self {
        Self(Some((first, last)))
    }

    pub fn contains(self, revision: Revision) -> bool {
        self.0
            .is_some_and(|(first, last)| first <= revision && revision <= last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_read_as_they_are_written() {
        for revision in Revision::ALL {
            assert_eq!(Revision::parse(revision.as_str()), Some(revision));
        }
        for unknown in ["", "2025-06-18 ", "2099-01-01", "draft"] {
            assert_eq!(Revision::parse(unknown), None, "{unknown:?}");
        }
    }

    #[test]
    fn a_row_includes_both_ends() {
        let row = Revisions::between(Revision::V2025_03_26, Revision::V2025_11_25);
        let inside: Vec<_> = Revision::ALL.map(|revision| row.contains(revision)).into();
        assert_eq!(inside, [false, true, true, true, false]);
        assert!(!Revisions::NONE.contains(Revision::V2025_03_26));
    }
}
