use std::fmt;
use std::sync::Arc;

/// A place in a trace: an event, a part of it, or a stretch of one of its texts.
///
/// Written `messages.3.content:4-9`; numbers in a span count code points, the end excluded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Range {
    pub event: u64,
    pub path: Vec<Step>,
    pub span: Option<(u64, u64)>,
}

/// One step down: a key of an object or an index of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    Key(Arc<str>),
    Index(u32),
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages.{}", self.event)?;
        for step in &self.path {
            match step {
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, ".{index}")?,
            }
        }
        match self.span {
            Some((start, end)) => write!(f, ":{start}-{end}"),
            None => Ok(()),
        }
    }
}
