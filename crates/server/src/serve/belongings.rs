use std::sync::{Arc, Mutex, PoisonError};

use portcullis_session::{Belongings, Party};

use super::place::ServerPlace;

/// What servers have given to whom, for as long as the gateway runs.
#[derive(Debug, Default)]
pub(crate) struct AllBelongings {
    /// One for each server that was ever configured since the start.
    servers: Mutex<Vec<(ServerPlace, Arc<Belongings>)>>,
    /// Servers that clients name themselves share one.
    named: Arc<Belongings>,
}

// === impl AllBelongings ===

impl AllBelongings {
    /// A client of this identity before a server: a configured one, or else one of this name.
    pub(crate) fn party(
        &self,
        configured: Option<ServerPlace>,
        name: &str,
        identity: &[u8],
    ) -> Party {
        let Some(place) = configured else {
            return Party::new(Arc::clone(&self.named), name, identity);
        };
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = servers.iter().find(|(known, _)| *known == place);
        let belongings = known.map(|(_, belongings)| Arc::clone(belongings));
        let belongings = belongings.unwrap_or_else(|| {
            let new = Arc::<Belongings>::default();
            servers.push((place, Arc::clone(&new)));
            new
        });
        // Nobody shares these.
        Party::new(belongings, "", identity)
    }
}
