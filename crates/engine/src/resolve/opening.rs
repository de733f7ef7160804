//! What is known of a body's first evaluation with the binders of the whole trace bound.

use crate::kind::BinderKind;
use crate::modules::Function;
use crate::program::{Body, Expr, ExprKind, Line, Lines, Offering, Opening, SharedDomain, Slot};
use crate::value::Value;
use std::collections::BTreeMap;

/// Nothing unless every line is known to hold, offers a domain, or waits for an offer.
pub(super) fn of(body: &Body) -> Option<Opening> {
    if !body.has_rounds || !body.lets.is_empty() || body.lines.len() > Lines::MAX {
        return None;
    }
    let mut opening = Opening {
        offers: Vec::new(),
        given: Lines::NONE,
        settled: Lines::NONE,
    };
    let mut waiting = Vec::new();
    for (index, line) in body.lines.iter().enumerate() {
        if body.offers(line) {
            opening.offers.push(Offering {
                line: index,
                shared: None,
            });
            opening.settled.add(index);
        } else if body.binders.iter().any(|binder| {
            binder.declared.has(index)
                || (binder.alphas.contains(&index) && line.binders.is_empty())
        }) {
            opening.given.add(index);
        } else {
            waiting.push(line.waits_for?);
        }
    }
    let offered = opening
        .offers
        .iter()
        .filter_map(|offer| body.offered(offer));
    let offered: Vec<Slot> = offered.map(|(slot, ..)| slot).collect();
    let waits = !waiting.is_empty() && waiting.iter().all(|slot| offered.contains(slot));
    waits.then_some(opening)
}

/// Numbers the domains that several lines offer of the same value. How many there are.
pub(super) fn share(bodies: &mut [Body]) -> usize {
    let mut known: BTreeMap<(BinderKind, String), usize> = BTreeMap::new();
    let all = bodies.iter().flat_map(Body::domains);
    for (.., domain) in all {
        *known.entry(domain).or_default() += 1;
    }
    known.retain(|_, uses| *uses > 1);
    for (number, uses) in known.values_mut().enumerate() {
        *uses = number;
    }
    for body in bodies {
        let found: Vec<_> = body.domains().collect();
        let Some(opening) = &mut body.opening else {
            continue;
        };
        for (place, of, domain) in found {
            if let (Some(offer), Some(number)) = (opening.offers.get_mut(place), known.get(&domain))
            {
                let number = *number;
                offer.shared = Some(SharedDomain { number, of });
            }
        }
    }
    known.len()
}

impl Body {
    /// Whether the line is `(x: T) in e` where `e` has a value once the whole trace's binders do.
    fn offers(&self, line: &Line) -> bool {
        let is_of_trace = |slot: &Slot| self.binders.iter().any(|binder| binder.slot == *slot);
        line.only_offers() && !line.needs.is_empty() && line.needs.iter().all(is_of_trace)
    }

    fn offered(&self, offer: &Offering) -> Option<(Slot, BinderKind, &Expr)> {
        match &self.lines.get(offer.line)?.expr.kind {
            ExprKind::BindIn(slot, kind, domain) => Some((*slot, *kind, domain)),
            _ => None,
        }
    }

    /// The domains of its opening that are functions of one value: the place among the offers, the
    /// variable that holds the value, and how the domain is made of it.
    fn domains(&self) -> impl Iterator<Item = (usize, Slot, (BinderKind, String))> {
        let offers = self.opening.iter().flat_map(|opening| &opening.offers);
        offers.enumerate().filter_map(|(place, offer)| {
            let (_, kind, domain) = self.offered(offer)?;
            let mut made = String::new();
            let of = spell(domain, &mut made)?;
            Some((place, of, (kind, made)))
        })
    }
}

/// Writes how a value is made of that of the one variable in it, which is returned.
fn spell(expr: &Expr, spelled: &mut String) -> Option<Slot> {
    match &expr.kind {
        ExprKind::Local(slot) => Some(*slot),
        ExprKind::Member(object, name) => {
            let of = spell(object, spelled)?;
            spelled.push('.');
            spelled.push_str(name);
            Some(of)
        }
        ExprKind::Call(call) => match (&call.function.kind, &*call.arguments, &*call.keywords) {
            (ExprKind::Literal(Value::Function(Function::Text)), [one], []) => {
                let of = spell(one, spelled)?;
                spelled.push_str(" text");
                Some(of)
            }
            _ => None,
        },
        _ => None,
    }
}
