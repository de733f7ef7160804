//! What a guardrail must be to be kept in the store, whoever adds it.

use portcullis_engine::Policy;

/// Why a guardrail is not kept, or not put in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnfitGuardrailError {
    #[error("`name` must not be empty")]
    NoName,
    #[error("`client` must not be empty: it would match no client; without it, all are meant")]
    NoClient,
    #[error("`server` must not be empty: it would match no server; without it, all are meant")]
    NoServer,
    #[error("the policy has no rule, so that it would guard nothing")]
    NoRule,
}

/// What is absent is not looked at.
pub fn check_names(
    name: Option<&str>,
    client: Option<&str>,
    server: Option<&str>,
) -> Result<(), UnfitGuardrailError> {
    match (name, client, server) {
        (Some(""), _, _) => Err(UnfitGuardrailError::NoName),
        (_, Some(""), _) => Err(UnfitGuardrailError::NoClient),
        (_, _, Some("")) => Err(UnfitGuardrailError::NoServer),
        _ => Ok(()),
    }
}

pub fn check_rules(policy: &Policy) -> Result<(), UnfitGuardrailError> {
    if policy.rules() == 0 {
        return Err(UnfitGuardrailError::NoRule);
    }
    Ok(())
}
