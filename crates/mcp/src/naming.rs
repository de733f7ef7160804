//! Where a message names a request, to pass it on under another id. All other bytes stay as they are.

use std::ops::Range;

use portcullis_json::{Limits, Shape, Value, edited, rescan};

use crate::{Id, Message, meta_name, view};

/// A place in which a message names a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The `id` of the request itself, or of its answer.
    Id,
    /// The token by which a request wants to hear of its progress.
    ProgressToken,
    /// The token of which a `notifications/progress` tells.
    Progress,
    /// The `requestId` of a `notifications/cancelled`.
    Cancellation,
    /// The subscription that parameters or a result belong to.
    Subscription,
}

// === impl Naming ===

impl Naming {
    /// From the value of `params`, `result` or `error`; the id is beside that.
    fn path(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["id"],
            Self::ProgressToken => &["_meta", "progressToken"],
            Self::Progress => &["progressToken"],
            Self::Cancellation => &["requestId"],
            Self::Subscription => &["_meta", meta_name::SUBSCRIPTION_ID],
        }
    }
}

// === impl Message ===

impl Message {
    /// What names a request there.
    pub fn named(&self, naming: Naming) -> Option<Id> {
        match naming {
            Naming::Id => self.id().cloned(),
            Naming::ProgressToken => view::progress_token(self.params()?).ok()?,
            Naming::Progress => view::progressed_token(self.params()?).ok(),
            Naming::Cancellation => view::cancelled_request(self.params()?).ok()?,
            Naming::Subscription => {
                let body = self.params().or_else(|| self.result())?;
                Id::from_value(view::subscription_id(body)?, view::ID_BYTES).ok()
            }
        }
    }

    /// The text of the message with other names in these places; `None` if one of them is not there.
    pub fn renamed(&self, names: &[(Naming, &Id)], limits: &Limits) -> Option<String> {
        let text = str::from_utf8(self.raw()).ok()?;
        let edits = names.iter().map(|(naming, id)| {
            let range = self.range_of(*naming, text, limits)?;
            Some((range, Value::from(*id).to_string()))
        });
        edited(text, edits.collect::<Option<_>>()?)
    }

    fn range_of(&self, naming: Naming, text: &str, limits: &Limits) -> Option<Range<usize>> {
        let mut range = match naming {
            Naming::Id => 0..text.len(),
            _ => self.body_range()?,
        };
        for name in naming.path() {
            let Shape::Object(members) = rescan(text, range, limits).ok()? else {
                return None;
            };
            let member = members.into_iter().find(|member| member.name == *name);
            range = member?.value;
        }
        Some(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EnvelopeLimits, Peer};

    fn check(sender: Peer, text: &str, naming: Naming, id: &Id, expected: Option<&str>) {
        let limits = EnvelopeLimits::new(sender);
        let message = Message::parse(text.as_bytes(), &limits).unwrap();
        let renamed = message.renamed(&[(naming, id)], &limits.json);
        assert_eq!(renamed.as_deref(), expected, "{text}");
        let named = renamed.map(|text| Message::parse(text.as_bytes(), &limits).unwrap());
        let named = named.and_then(|message| message.named(naming));
        assert_eq!(named.as_ref(), expected.map(|_| id), "{text}");
    }

    #[test]
    fn only_the_name_changes() {
        let text = Id::String("a\"b".into());
        check(
            Peer::Client,
            r#"{"params": {"id": 1.50}, "id" : 7,"method":"m","jsonrpc":"2.0"}"#,
            Naming::Id,
            &text,
            Some(r#"{"params": {"id": 1.50}, "id" : "a\"b","method":"m","jsonrpc":"2.0"}"#),
        );
        check(
            Peer::Client,
            r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"_meta":{"progressToken":"t"}}}"#,
            Naming::ProgressToken,
            &Id::Integer(3),
            Some(r#"{"jsonrpc":"2.0","id":7,"method":"m","params":{"_meta":{"progressToken":3}}}"#),
        );
        check(
            Peer::Server,
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":3,"progress":1.0}}"#,
            Naming::Progress,
            &text,
            Some(
                r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"a\"b","progress":1.0}}"#,
            ),
        );
        check(
            Peer::Server,
            r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":3}}"#,
            Naming::Cancellation,
            &Id::Integer(-1),
            Some(
                r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":-1}}"#,
            ),
        );
        check(
            Peer::Server,
            r#"{"jsonrpc":"2.0","id":3,"result":{"_meta":{"io.modelcontextprotocol/subscriptionId":3}}}"#,
            Naming::Subscription,
            &text,
            Some(
                r#"{"jsonrpc":"2.0","id":3,"result":{"_meta":{"io.modelcontextprotocol/subscriptionId":"a\"b"}}}"#,
            ),
        );
    }

    #[test]
    fn a_name_that_is_not_there_is_not_made_up() {
        let check = |text: &str, naming| check(Peer::Server, text, naming, &Id::Integer(1), None);
        let response = r#"{"jsonrpc":"2.0","id":3,"result":{"_meta":{},"requestId":3}}"#;
        check(response, Naming::Subscription);
        check(response, Naming::ProgressToken);
        check(r#"{"jsonrpc":"2.0","method":"m"}"#, Naming::Id);
        check(r#"{"jsonrpc":"2.0","method":"m"}"#, Naming::Progress);
    }
}
