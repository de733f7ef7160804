//! Whether a client has logged in, before its body is read.

use axum::http::{HeaderMap, StatusCode};
use tracing::warn;

use super::answer::Refused;
use super::gateway::Gateway;
use super::headers::single;
use super::principal::Principal;
use crate::config::Login;
use crate::login::{Bearer, INVARIANT_API_KEY, KEY_HEADERS, KeyOwner};

/// Who asks. Where clients log in, the key is taken out of `headers`: it is for nobody else.
pub(crate) async fn log_in(
    gateway: &Gateway,
    headers: &mut HeaderMap,
) -> Result<Principal, Refused> {
    let login = gateway.config().clients.login_at(gateway.address);
    let repeated = |error: super::principal::Repeated| Refused::bad_request(error.to_string());
    match login {
        Login::None => Principal::of(headers).map_err(repeated),
        Login::Keys => {
            let owner = owner(gateway, headers).await?;
            for name in KEY_HEADERS {
                headers.remove(name);
            }
            Principal::of_owner(owner, headers).map_err(repeated)
        }
    }
}

/// Whose key the request presents. Clients of Invariant Gateway have a header for it, which is the
/// one that counts if it is there.
pub(crate) async fn owner(gateway: &Gateway, headers: &HeaderMap) -> Result<KeyOwner, Refused> {
    let bearer = Bearer::of(headers);
    if bearer == Bearer::Repeated {
        return Err(Refused::bad_request(
            "the header Authorization must stand there once",
        ));
    }
    let key = match (single(headers, &INVARIANT_API_KEY)?, bearer) {
        (Some(key), _) | (None, Bearer::Key(key)) => key,
        (None, Bearer::Nothing) => {
            return Err(Refused::unauthorized(
                "an API key is needed: send it as `Authorization: Bearer KEY`",
            ));
        }
        (None, Bearer::Other | Bearer::Repeated) => return Err(Refused::wrong_key()),
    };
    match gateway.keys.owner(key).await {
        Ok(Some(owner)) => Ok(owner),
        Ok(None) => Err(Refused::wrong_key()),
        Err(error) => {
            warn!(%error, "a key could not be checked");
            Err(Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "the key cannot be checked now, try again later",
            ))
        }
    }
}
