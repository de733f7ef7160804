//! What the client is told when other guardrails are in force: what it has of lists was judged by
//! the old ones.

use portcullis_json::{Object, Value};
use portcullis_mcp::{Id, Method, Revision, meta_name, view};
use portcullis_trace::record::Direction;

use super::{Handshake, Session, Turn};
use crate::action::DropReason;
use crate::exchange::Exchange;
use crate::refusal::OwnWords;
use crate::route::{Delivery, DeliveryKind, Scope};
use crate::verdict::Permit;

/// Lists of which it may be told that they have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lists {
    tools: bool,
    prompts: bool,
    resources: bool,
}

/// What a `subscriptions/listen` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    wanted: Lists,
    acknowledgement: Acknowledgement,
}

/// What the server says it will tell, which must come before anything is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acknowledgement {
    Awaited,
    /// Meanwhile there was something to tell.
    Overdue,
    /// What is wanted and will be told.
    Given(Lists),
}

// === impl Lists ===

impl Lists {
    /// Those that a server has declared in the result of its handshake.
    pub(super) fn declared(initialize: &Value) -> Self {
        let changes = |list: &str| {
            let capability = initialize.get("capabilities")?.get(list)?;
            capability.get("listChanged").and_then(Value::as_bool)
        };
        let [tools, prompts, resources] =
            ["tools", "prompts", "resources"].map(|list| changes(list) == Some(true));
        Self {
            tools,
            prompts,
            resources,
        }
    }

    /// Those that the parameters of a subscription, or of its acknowledgement, name.
    fn named(params: Option<&Value>) -> Self {
        let is_named = |name: &str| {
            let named = params.and_then(|params| params.get("notifications")?.get(name));
            named.and_then(Value::as_bool) == Some(true)
        };
        Self {
            tools: is_named("toolsListChanged"),
            prompts: is_named("promptsListChanged"),
            resources: is_named("resourcesListChanged"),
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            tools: self.tools && other.tools,
            prompts: self.prompts && other.prompts,
            resources: self.resources && other.resources,
        }
    }

    /// How it is told of each.
    fn notifications(self) -> impl Iterator<Item = Method> {
        let all = [
            (self.tools, Method::ToolsListChanged),
            (self.prompts, Method::PromptsListChanged),
            (self.resources, Method::ResourcesListChanged),
        ];
        all.into_iter()
            .filter_map(|(is_told, method)| is_told.then_some(method))
    }
}

// === impl Subscription ===

impl Subscription {
    pub(super) fn of(params: Option<&Value>) -> Self {
        Self {
            wanted: Lists::named(params),
            acknowledgement: Acknowledgement::Awaited,
        }
    }

    /// The lists of which it is told now that all have changed.
    fn change(&mut self) -> Lists {
        match self.acknowledgement {
            Acknowledgement::Given(lists) => lists,
            Acknowledgement::Awaited | Acknowledgement::Overdue => {
                self.acknowledgement = Acknowledgement::Overdue;
                Lists::default()
            }
        }
    }

    /// The lists of which it is told once it has been acknowledged.
    fn acknowledge(&mut self, params: Option<&Value>) -> Lists {
        let lists = self.wanted.and(Lists::named(params));
        let before = self.acknowledgement;
        self.acknowledgement = Acknowledgement::Given(lists);
        match before {
            Acknowledgement::Overdue => lists,
            Acknowledgement::Awaited | Acknowledgement::Given(_) => Lists::default(),
        }
    }
}

// === impl Session ===

impl Session {
    /// What tells the client to ask for lists again, if what judges them is other than when it was
    /// last told so. Only for lists whose changes the server tells of itself, and only where the
    /// client listens: revision 2026-07-28 has subscriptions for that.
    pub fn announce_changes(&mut self) -> Vec<Permit> {
        let has_changed = std::mem::take(&mut self.judges_otherwise);
        if !has_changed {
            return Vec::new();
        }
        if self.handshake == Handshake::Done {
            let lists = self.changing_lists.notifications();
            return lists
                .map(|method| announcement(&method, None, Scope::SESSION))
                .collect();
        }
        let mut permits = Vec::new();
        for exchange in self.from_client.exchanges.oldest_first() {
            if let Some(subscription) = &mut exchange.subscription {
                let lists = subscription.change();
                permits.extend(announcements(lists, exchange));
            }
        }
        permits
    }

    /// A stream of revision 2026-07-28 brings nothing for another subscription than its own.
    pub(super) fn admit_subscription(&self, turn: Turn<'_>) -> Result<(), DropReason> {
        let (Direction::ToClient, Some(stream)) = (turn.direction, turn.source.stream.request())
        else {
            return Ok(());
        };
        if !self.is_stateless() {
            return Ok(());
        }
        let Some(named) = turn.message.params().and_then(view::subscription_id) else {
            return Ok(());
        };
        let exchange = self.from_client.exchanges.find(turn.source.scope, stream);
        let is_subscription = exchange.is_some_and(|found| found.subscription.is_some());
        if is_subscription && *named == Value::from(stream) {
            Ok(())
        } else {
            Err(DropReason::OtherSubscription)
        }
    }

    /// Whether an answer names another subscription than it ends.
    pub(super) fn ends_other_subscription(&self, turn: Turn<'_>, exchange: &Exchange) -> bool {
        let result = turn.message.result().filter(|_| self.is_stateless());
        let named = result.and_then(view::subscription_id);
        named.is_some_and(|named| *named != Value::from(&exchange.id))
    }

    pub(super) fn is_stateless(&self) -> bool {
        self.revision.is_some_and(Revision::is_stateless)
    }

    /// Takes note of what a server says it will tell. What there was to tell before is told after.
    pub(super) fn note_acknowledgement(&mut self, turn: Turn<'_>) -> Vec<Permit> {
        let exchanges = &mut self.from_client.exchanges;
        let stream = turn.source.stream.request();
        let exchange = stream.and_then(|id| exchanges.find_mut(turn.source.scope, id));
        let Some(exchange) = exchange else {
            return Vec::new();
        };
        let Some(subscription) = &mut exchange.subscription else {
            return Vec::new();
        };
        let lists = subscription.acknowledge(turn.message.params());
        announcements(lists, exchange).collect()
    }
}

fn announcements(lists: Lists, exchange: &Exchange) -> impl Iterator<Item = Permit> {
    let lists = lists.notifications();
    lists.map(|method| announcement(&method, Some(&exchange.id), exchange.scope))
}

fn announcement(method: &Method, subscription: Option<&Id>, scope: Scope) -> Permit {
    let params = subscription.map(|id| {
        let mut meta = Object::new();
        meta.insert(meta_name::SUBSCRIPTION_ID, id);
        let mut params = Object::new();
        params.insert("_meta", meta);
        Value::from(params)
    });
    let words = OwnWords::notification(method, params.as_ref());
    let delivery = Delivery {
        direction: Direction::ToClient,
        kind: DeliveryKind::Change,
        scope,
        concerns: subscription.cloned(),
        is_refusal: false,
        error: None,
    };
    Permit::speak(words, delivery)
}
