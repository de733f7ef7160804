//! Whether a definition works on the model, remembered for as long as the process runs.

use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use portcullis_detect::tool::{self, Definition, Judgement};

use crate::digest::digest;
use crate::recent::Recent;

/// LIMIT: definitions that are remembered. The oldest leave when there are too many.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(8191);

type Memory = Recent<[u8; 32], Arc<Judgement>>;

/// Servers list the same tools again and again, to every client.
static MEMORY: LazyLock<Mutex<Memory>> = LazyLock::new(|| Mutex::new(Recent::new(REMEMBERED_MAX)));

pub(crate) fn inspect(definition: &Definition) -> Arc<Judgement> {
    let parts = [
        &definition.name,
        &definition.description,
        &definition.schema,
    ];
    let digest = digest(&parts.map(String::as_bytes));
    if let Some(known) = with(|memory| memory.get(&digest).cloned()) {
        return known;
    }
    let judgement = Arc::new(tool::judge(definition));
    with(|memory| memory.insert(digest, Arc::clone(&judgement)));
    judgement
}

/// A panic while the lock was held has left nothing half done.
fn with<T>(work: impl FnOnce(&mut Memory) -> T) -> T {
    work(&mut MEMORY.lock().unwrap_or_else(PoisonError::into_inner))
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
}
