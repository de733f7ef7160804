//! A set of ranges that can be kept as it is now, at no cost, while the original grows.

use portcullis_trace::Range;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Ranges in trace order, each once. A copy shares everything with its original until one of them
/// grows, and then everything but a path to the new range.
#[derive(Clone, Default)]
pub(crate) struct RangeSet {
    root: Link,
    len: usize,
    last: Option<Arc<Range>>,
}

/// An AVL tree: the heights of two siblings differ by one at most.
type Link = Option<Arc<Node>>;

#[derive(Clone)]
struct Node {
    range: Arc<Range>,
    height: u8,
    left: Link,
    right: Link,
}

/// Goes through a set in order.
#[derive(Clone)]
pub(crate) struct Iter<'s> {
    /// The nodes whose left parts are done, the innermost last.
    pending: Vec<&'s Node>,
}

// === impl RangeSet ===

impl RangeSet {
    pub(crate) fn insert(&mut self, range: Range) {
        // Most ranges come in order, and are compared with one other only.
        let is_last = self.last.as_ref().is_none_or(|last| range > **last);
        // Looked up first, because what is there already must not cost a copy of the path to it.
        if !is_last && self.contains(&range) {
            return;
        }
        let range = Arc::new(range);
        if is_last {
            self.last = Some(range.clone());
        }
        insert(&mut self.root, range, is_last);
        self.len += 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.root, &other.root) {
            (Some(mine), Some(theirs)) => Arc::ptr_eq(mine, theirs),
            (mine, theirs) => mine.is_none() && theirs.is_none(),
        }
    }

    pub(crate) fn iter(&self) -> Iter<'_> {
        let mut iter = Iter {
            pending: Vec::new(),
        };
        iter.go_left(&self.root);
        iter
    }

    fn contains(&self, range: &Range) -> bool {
        let mut link = &self.root;
        while let Some(node) = link {
            link = match range.cmp(&node.range) {
                Ordering::Less => &node.left,
                Ordering::Equal => return true,
                Ordering::Greater => &node.right,
            };
        }
        false
    }
}

impl Extend<Range> for RangeSet {
    fn extend<I: IntoIterator<Item = Range>>(&mut self, ranges: I) {
        ranges.into_iter().for_each(|range| self.insert(range));
    }
}

impl fmt::Debug for RangeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(ToString::to_string))
            .finish()
    }
}

/// Puts in a range that is not there; `is_last` says that all others come before it.
fn insert(link: &mut Link, range: Arc<Range>, is_last: bool) {
    let Some(shared) = link else {
        *link = Some(Arc::new(Node {
            range,
            height: 1,
            left: None,
            right: None,
        }));
        return;
    };
    let node = Arc::make_mut(shared);
    if !is_last && range < node.range {
        insert(&mut node.left, range, false);
    } else {
        insert(&mut node.right, range, is_last);
    }
    node.balance();
}

fn height(link: &Link) -> u8 {
    link.as_ref().map_or(0, |node| node.height)
}

// === impl Node ===

impl Node {
    /// Restores the balance after one insertion below.
    fn balance(&mut self) {
        if height(&self.left) > height(&self.right) + 1 {
            if let Some(left) = &mut self.left
                && height(&left.right) > height(&left.left)
            {
                Arc::make_mut(left).rotate_left();
            }
            self.rotate_right();
        } else if height(&self.right) > height(&self.left) + 1 {
            if let Some(right) = &mut self.right
                && height(&right.left) > height(&right.right)
            {
                Arc::make_mut(right).rotate_right();
            }
            self.rotate_left();
        } else {
            self.measure();
        }
    }

    /// The right child takes the place of the node.
    fn rotate_left(&mut self) {
        if let Some(mut right) = self.right.take() {
            let top = Arc::make_mut(&mut right);
            self.right = top.left.take();
            std::mem::swap(self, top);
            self.left = Some(right);
        }
        self.measure_with(|node| &mut node.left);
    }

    /// The left child takes the place of the node.
    fn rotate_right(&mut self) {
        if let Some(mut left) = self.left.take() {
            let top = Arc::make_mut(&mut left);
            self.left = top.right.take();
            std::mem::swap(self, top);
            self.right = Some(left);
        }
        self.measure_with(|node| &mut node.right);
    }

    fn measure_with(&mut self, lowered: fn(&mut Node) -> &mut Link) {
        if let Some(node) = lowered(self) {
            Arc::make_mut(node).measure();
        }
        self.measure();
    }

    fn measure(&mut self) {
        self.height = 1 + height(&self.left).max(height(&self.right));
    }
}

// === impl Iter ===

impl<'s> Iter<'s> {
    fn go_left(&mut self, mut link: &'s Link) {
        while let Some(node) = link {
            self.pending.push(node);
            link = &node.left;
        }
    }
}

impl<'s> Iterator for Iter<'s> {
    type Item = &'s Range;

    fn next(&mut self) -> Option<&'s Range> {
        let node = self.pending.pop()?;
        self.go_left(&node.right);
        Some(&node.range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn range(event: u64) -> Range {
        Range {
            event,
            path: Vec::new(),
            span: None,
        }
    }

    /// Whether heights and balance are what they should be.
    fn is_balanced(link: &Link) -> bool {
        let Some(node) = link else { return true };
        let (left, right) = (height(&node.left), height(&node.right));
        left.abs_diff(right) <= 1
            && node.height == 1 + left.max(right)
            && is_balanced(&node.left)
            && is_balanced(&node.right)
    }

    fn check(events: impl Iterator<Item = u64>) {
        let mut set = RangeSet::default();
        let mut expected = BTreeSet::new();
        for event in events {
            let (before, known) = (set.clone(), expected.clone());
            set.insert(range(event));
            expected.insert(event);
            assert!(is_balanced(&set.root));
            // What was kept from before has not changed.
            assert!(before.iter().map(|range| range.event).eq(known));
        }
        assert!(
            set.iter()
                .map(|range| range.event)
                .eq(expected.iter().copied())
        );
        assert_eq!(set.len(), expected.len());
    }

    #[test]
    fn is_in_order_and_balanced_however_it_grew() {
        check(0..200);
        check((0..200).rev());
        check((0..200).map(|number| number * 7_919 % 211));
        check((0..200).map(|number| number * number % 31));
    }

    #[test]
    fn a_known_range_changes_nothing() {
        let mut set = RangeSet::default();
        set.extend([range(1), range(2)]);
        let before = set.clone();
        set.insert(range(1));
        assert!(set.is_same(&before));
        set.insert(range(3));
        assert!(!set.is_same(&before));
    }
}
