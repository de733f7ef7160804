use crate::api::answer::{Answered, object, ok};
use crate::api::identity::USER_NAME;

pub(super) async fn identity() -> Answered {
    Ok(ok(&object([("username", USER_NAME.into())])))
}
