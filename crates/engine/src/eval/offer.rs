//! What binders inside of lines offer: domains for variables without a value.

use super::{Evaluated, Evaluator};
use crate::kind::BinderKind;
use crate::program::{Expr, ExprKind, Line, SharedDomain, Slot};
use crate::value::{List, ObjectData, Value};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) slot: Slot,
    pub(crate) domain: Domain,
}

#[derive(Debug)]
pub(crate) enum Domain {
    /// Everything of the binder's kind in the trace.
    Trace,
    /// A whole list, of which all items are of the binder's kind.
    Items(Arc<[Value]>),
    Values(Vec<Value>),
}

/// A domain that was made of an event or a part of one.
#[derive(Debug)]
pub(super) struct KnownDomain {
    of: Arc<ObjectData>,
    items: Arc<[Value]>,
    /// The steps that it took, which each offer pays for.
    steps: u64,
}

impl Evaluator<'_> {
    pub(super) fn offer(&mut self, slot: Slot, domain: Domain) {
        if !self.are_known(&[slot]) && self.offers.iter().all(|offer| offer.slot != slot) {
            self.offers.push(Offer { slot, domain });
        }
    }

    pub(super) fn bind_in(&mut self, slot: Slot, kind: BinderKind, domain: &Expr) -> Evaluated {
        if self.are_known(&[slot]) {
            self.borrow(domain)?;
        } else if let Some(domain) = self.domain(kind, domain)? {
            self.offer(slot, domain);
        }
        Ok(Value::Bool(true))
    }

    /// What a binder ranges over; nothing if that is not known yet.
    fn domain(&mut self, kind: BinderKind, domain: &Expr) -> Evaluated<Option<Domain>> {
        let value = self.borrow(domain)?;
        Ok((!value.is_unknown()).then(|| members(&value, kind)))
    }

    /// Evaluates a line of an opening for what it offers to a variable without a value.
    pub(super) fn take_offer(
        &mut self,
        line: &Line,
        shared: Option<SharedDomain>,
    ) -> Evaluated<()> {
        let ExprKind::BindIn(slot, kind, domain) = &line.expr.kind else {
            return Ok(());
        };
        let slot = *slot;
        let _depth = self.world.enter()?;
        let domain = match shared {
            None => self.domain(*kind, domain)?,
            Some(shared) => self.shared_domain(shared, *kind, domain)?,
        };
        let offer = domain.map(|domain| Offer { slot, domain });
        self.offers.extend(offer);
        Ok(())
    }

    /// The same domain is made once of a value, and costs as many steps each time.
    fn shared_domain(
        &mut self,
        shared: SharedDomain,
        kind: BinderKind,
        domain: &Expr,
    ) -> Evaluated<Option<Domain>> {
        let known = self.domains.get(shared.number);
        let of = self.look_at(shared.of).object();
        let (Some(known), Some(of)) = (known, of) else {
            return self.domain(kind, domain);
        };
        if let Some(known) = known
            && Arc::ptr_eq(&known.of, &of.data)
        {
            self.burn(known.steps)?;
            return Ok(Some(Domain::Items(known.items.clone())));
        }
        let of = of.data.clone();
        let before = self.world.meter.fuel_left();
        let items = match self.domain(kind, domain)? {
            None | Some(Domain::Trace) => return Ok(None),
            Some(Domain::Items(items)) => items,
            Some(Domain::Values(values)) => values.into(),
        };
        let steps = before - self.world.meter.fuel_left();
        if let Some(place) = self.domains.get_mut(shared.number) {
            let items = items.clone();
            *place = Some(KnownDomain { of, items, steps });
        }
        Ok(Some(Domain::Items(items)))
    }
}

/// What a binder ranges over inside a value. A list of lists has its lists as members.
fn members(value: &Value, kind: BinderKind) -> Domain {
    if let Value::List(List { items, .. }) = value {
        if items.iter().all(|item| item.is_of(kind)) {
            return Domain::Items(items.clone());
        }
        if kind == BinderKind::List {
            let lists = items.iter().filter(|item| item.is_of(kind));
            return Domain::Values(lists.cloned().collect());
        }
    }
    let mut found = Vec::new();
    value.select(kind, &mut |value| found.push(value.clone()));
    Domain::Values(found)
}
