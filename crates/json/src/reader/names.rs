use std::borrow::Cow;
use std::collections::HashMap;

/// Comparing with a few names is cheaper than hashing them; with many it is quadratic.
const FEW: usize = 16;

/// The distinct member names of one object, in order of appearance.
#[derive(Default)]
pub(super) struct Names<'t> {
    few: Vec<Cow<'t, str>>,
    many: HashMap<Cow<'t, str>, usize>,
}

impl<'t> Names<'t> {
    /// The place of `name` if it was here before; otherwise adds it.
    pub(super) fn place_or_insert(&mut self, name: Cow<'t, str>) -> Option<usize> {
        if self.many.is_empty() {
            if let Some(place) = self.few.iter().position(|known| *known == name) {
                return Some(place);
            }
            if self.few.len() < FEW {
                self.few.push(name);
                return None;
            }
            self.many = self
                .few
                .drain(..)
                .enumerate()
                .map(|(place, name)| (name, place))
                .collect();
        } else if let Some(place) = self.many.get(&name) {
            return Some(*place);
        }
        let place = self.many.len();
        self.many.insert(name, place);
        None
    }
}
