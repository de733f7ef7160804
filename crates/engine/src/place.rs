use portcullis_trace::{Range, Step};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Where a value sits in the trace, if it does.
#[derive(Clone, Default)]
pub(crate) struct Place(Option<(Arc<Places>, u32)>);

/// The places of one event. Every value read from the event points into it.
pub(crate) struct Places {
    event: u64,
    /// Set once the event has been read whole.
    tree: OnceLock<Tree>,
}

#[derive(Default)]
struct Tree {
    /// Parent and last step; the event itself is the first node.
    nodes: Vec<(u32, Name)>,
    /// `metadata.server` and `server` are one text at two places: the node of the first.
    server: Option<u32>,
}

/// The last step of a path. Most are fields, whose names need no allocation.
pub(crate) enum Name {
    Field(&'static str),
    Key(Arc<str>),
    Index(u32),
}

/// Hands out places while an event is read.
pub(crate) struct PlacesBuilder {
    places: Arc<Places>,
    tree: Tree,
}

pub(crate) const EVENT: u32 = 0;
/// Room for the places of most events.
const NODES_EXPECTED: usize = 24;

// === impl Place ===

impl Place {
    pub(crate) const NOWHERE: Place = Place(None);

    /// The places as addresses; none for a value that was computed.
    pub(crate) fn ranges(&self, span: Option<(u64, u64)>) -> Vec<Range> {
        let Some((places, node)) = &self.0 else {
            return Vec::new();
        };
        let Some(tree) = places.tree.get() else {
            return Vec::new();
        };
        let mut ranges = vec![Range {
            event: places.event,
            path: tree.path(*node),
            span,
        }];
        if tree.server == Some(*node) {
            let path = vec![Step::Key("server".into())];
            ranges.push(Range {
                event: places.event,
                path,
                span,
            });
        }
        ranges
    }

    pub(crate) fn is_nowhere(&self) -> bool {
        self.0.is_none()
    }

    /// The index of the event that holds the value.
    pub(crate) fn event(&self) -> Option<u64> {
        self.0.as_ref().map(|(places, _)| places.event)
    }

    pub(crate) fn is_same(&self, other: &Place) -> bool {
        match (&self.0, &other.0) {
            (Some((mine, a)), Some((theirs, b))) => Arc::ptr_eq(mine, theirs) && a == b,
            _ => false,
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = self.ranges(None);
        f.debug_list()
            .entries(ranges.iter().map(ToString::to_string))
            .finish()
    }
}

// === impl Tree ===

impl Tree {
    fn path(&self, node: u32) -> Vec<Step> {
        let mut path = Vec::new();
        let mut current = node;
        while current != EVENT {
            let Some((parent, name)) = self.nodes.get(current as usize) else {
                break;
            };
            path.push(name.step());
            current = *parent;
        }
        path.reverse();
        path
    }
}

// === impl Name ===

impl Name {
    fn step(&self) -> Step {
        match self {
            Name::Field(name) => Step::Key((*name).into()),
            Name::Key(key) => Step::Key(key.clone()),
            Name::Index(index) => Step::Index(*index),
        }
    }
}

impl From<&'static str> for Name {
    fn from(field: &'static str) -> Self {
        Name::Field(field)
    }
}

impl From<&Arc<str>> for Name {
    fn from(key: &Arc<str>) -> Self {
        Name::Key(key.clone())
    }
}

// === impl PlacesBuilder ===

impl PlacesBuilder {
    pub(crate) fn new(event: u64) -> Self {
        let mut nodes = Vec::with_capacity(NODES_EXPECTED);
        nodes.push((EVENT, Name::Index(0)));
        let tree = Tree {
            nodes,
            server: None,
        };
        Self {
            places: Arc::new(Places {
                event,
                tree: OnceLock::new(),
            }),
            tree,
        }
    }

    pub(crate) fn place(&self, node: u32) -> Place {
        Place(Some((self.places.clone(), node)))
    }

    pub(crate) fn key(&mut self, parent: u32, key: impl Into<Name>) -> u32 {
        self.add(parent, key.into())
    }

    pub(crate) fn index(&mut self, parent: u32, index: usize) -> u32 {
        self.add(
            parent,
            Name::Index(u32::try_from(index).unwrap_or(u32::MAX)),
        )
    }

    /// Says that the text at `node` also stands at `server`.
    pub(crate) fn alias_server(&mut self, node: u32) {
        self.tree.server = Some(node);
    }

    pub(crate) fn finish(self) {
        // The builder is consumed, so the tree cannot have been set before.
        self.places.tree.get_or_init(|| self.tree);
    }

    fn add(&mut self, parent: u32, name: Name) -> u32 {
        let node = u32::try_from(self.tree.nodes.len()).unwrap_or(u32::MAX);
        self.tree.nodes.push((parent, name));
        node
    }
}
