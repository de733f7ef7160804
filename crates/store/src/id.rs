//! The ids of what is kept beside sessions: UUIDs of any version in lower-case text. Callers make
//! them, except that of a project that its first session creates.
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use portcullis_trace::record::SessionId;
use portcullis_trace::uuid_text;
use sha2::{Digest, Sha256};

/// The text is not a lower-case UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdError(());

macro_rules! ids {
    ($($(#[$doc:meta])+ $id:ident),+ $(,)?) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $id(Arc<str>);

            impl $id {
                pub fn from_uuid(bytes: [u8; 16]) -> Self {
                    Self(uuid_text(bytes).into())
                }

                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }

            impl FromStr for $id {
                type Err = IdError;

                fn from_str(text: &str) -> Result<Self, IdError> {
                    if is_uuid(text) {
                        Ok(Self(text.into()))
                    } else {
                        Err(IdError(()))
                    }
                }
            }

            impl fmt::Display for $id {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }
        )+
    };
}

ids!(
    /// Names a project.
    ProjectId,
    /// Names a guardrail, through all its versions.
    GuardrailId,
    /// Names an annotation.
    AnnotationId,
    /// Names an API key.
    ApiKeyId,
);

// === impl ProjectId ===

impl ProjectId {
    /// The id of the project `name` that `session` creates by being filed under it.
    ///
    /// It takes its randomness from the session's id: a UUID of version 8 (RFC 9562, section 5.8).
    pub(crate) fn created_by(session: &SessionId, name: &str) -> Self {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(session.as_str())
            .chain_update(name)
            .finalize()
            .into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Self::from_uuid(bytes)
    }
}

// === impl IdError ===

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is a lower-case UUID")
    }
}

impl std::error::Error for IdError {}

fn is_uuid(text: &str) -> bool {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let well_placed = |(place, byte): (usize, u8)| match byte {
        b'-' => HYPHENS.contains(&place),
        b'0'..=b'9' | b'a'..=b'f' => !HYPHENS.contains(&place),
        _ => false,
    };
    text.len() == 36 && text.bytes().enumerate().all(well_placed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_is_a_lower_case_uuid() {
        let check = |text: &str, accepted: bool| {
            assert_eq!(text.parse::<ProjectId>().is_ok(), accepted, "{text:?}");
        };
        check("3752ff38-da1a-4fa5-84a2-9e44a4b167ce", true);
        check("3752FF38-da1a-4fa5-84a2-9e44a4b167ce", false);
        check("3752ff38-da1a-4fa5-84a2-9e44a4b167c", false);
        check("3752ff38da1a4fa584a29e44a4b167ce", false);
        check("", false);
    }

    #[test]
    fn project_id_differs_by_session_and_by_name() {
        let session = |text: &str| text.parse::<SessionId>().unwrap();
        let one = session("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b");
        let other = session("0199a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2c");
        let id = ProjectId::created_by(&one, "payments");
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(id.as_str().as_bytes()[14], b'8');
        assert_ne!(id, ProjectId::created_by(&other, "payments"));
        assert_ne!(id, ProjectId::created_by(&one, "mail"));
    }
}
