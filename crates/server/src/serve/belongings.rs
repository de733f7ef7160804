use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_session::{Belongings, Party};

use crate::config::ServerName;

/// What servers have given to whom, for as long as the gateway runs.
#[derive(Debug, Default)]
pub(crate) struct AllBelongings {
    /// One for each server that was ever configured since the start, by the first of its names.
    servers: Mutex<BTreeMap<ServerName, Arc<Belongings>>>,
    /// Servers that clients name themselves share one.
    named: Arc<Belongings>,
}

// === impl AllBelongings ===

impl AllBelongings {
    /// A client of this identity before a server: a configured one, or else one of this name.
    pub(crate) fn party(
        &self,
        configured: Option<&ServerName>,
        name: &str,
        identity: &[u8],
    ) -> Party {
        let Some(configured) = configured else {
            return Party::new(Arc::clone(&self.named), name, identity);
        };
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let belongings = servers.entry(configured.clone()).or_default();
        Party::new(Arc::clone(belongings), configured.as_str(), identity)
    }
}
