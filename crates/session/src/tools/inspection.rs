//! Whether a definition works on the model, remembered for as long as the process runs.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use portcullis_detect::tool::{self, Definition, Judgement};
use sha2::{Digest, Sha256};

/// LIMIT: definitions that are remembered. The oldest leave when there are too many.
const REMEMBERED_MAX: usize = 8192;

#[derive(Debug, Default)]
struct Memory {
    known: HashMap<[u8; 32], Arc<Judgement>>,
    order: VecDeque<[u8; 32]>,
}

/// Servers list the same tools again and again, to every client.
static MEMORY: LazyLock<Mutex<Memory>> = LazyLock::new(Mutex::default);

pub(crate) fn inspect(definition: &Definition) -> Arc<Judgement> {
    let digest = digest(definition);
    if let Some(known) = with(|memory| memory.known.get(&digest).cloned()) {
        return known;
    }
    let judgement = Arc::new(tool::judge(definition));
    with(|memory| memory.keep(digest, Arc::clone(&judgement)));
    judgement
}

/// No part can pass for a part of another one.
fn digest(definition: &Definition) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [
        &definition.name,
        &definition.description,
        &definition.schema,
    ] {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// A panic while the lock was held has left nothing half done.
fn with<T>(work: impl FnOnce(&mut Memory) -> T) -> T {
    work(&mut MEMORY.lock().unwrap_or_else(PoisonError::into_inner))
}

// === impl Memory ===

impl Memory {
    fn keep(&mut self, digest: [u8; 32], judgement: Arc<Judgement>) {
        if self.known.insert(digest, judgement).is_some() {
            return;
        }
        self.order.push_back(digest);
        if self.order.len() > REMEMBERED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_is_inspected_once() {
        let definition = |description: &str| Definition {
            name: "inspected_once".to_owned(),
            description: description.to_owned(),
            schema: "{}".to_owned(),
        };
        let first = inspect(&definition("Adds two numbers."));
        assert!(!first.is_poisoned);
        assert!(Arc::ptr_eq(
            &first,
            &inspect(&definition("Adds two numbers."))
        ));
        assert!(!Arc::ptr_eq(
            &first,
            &inspect(&definition("Adds two number."))
        ));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut memory = Memory::default();
        let judgement = Arc::new(Judgement {
            signals: Vec::new(),
            is_poisoned: false,
        });
        for number in 0..=REMEMBERED_MAX {
            let digest = Sha256::digest(number.to_le_bytes()).into();
            memory.keep(digest, Arc::clone(&judgement));
            memory.keep(digest, Arc::clone(&judgement));
        }
        assert_eq!(memory.known.len(), REMEMBERED_MAX);
        assert_eq!(memory.order.len(), REMEMBERED_MAX);
    }
}
