use portcullis_session::{Action, DeliveryKind, Source};
use portcullis_trace::record::Direction;

/// What became of a message of the server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// More is expected on its stream.
    GoesOn,
    /// It answered the request whose stream it came on.
    Answered,
    /// A stream without sessions brought a request, which it must not.
    Forbidden,
}

// === impl Taken ===

impl Taken {
    /// What the actions on a message of the server's come to for the stream that brought it.
    pub(super) fn of(actions: &[Action], source: &Source, is_stateless: bool) -> Self {
        let deliveries = actions.iter().filter_map(|action| match action {
            Action::Send(permit) => Some(permit.delivery()),
            _ => None,
        });
        let mut taken = Self::GoesOn;
        for delivery in deliveries {
            match delivery.direction {
                Direction::ToServer if is_stateless => return Self::Forbidden,
                Direction::ToServer => {}
                Direction::ToClient => {
                    let is_answer = delivery.kind == DeliveryKind::Response
                        && delivery.scope == source.scope
                        && delivery.concerns.is_some()
                        && delivery.concerns == source.stream;
                    if is_answer {
                        taken = Self::Answered;
                    }
                }
            }
        }
        taken
    }
}
