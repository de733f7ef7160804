//! Connections for callers that read and write now and then from async code.
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::{Durability, Location, Store, StoreError};

/// LIMIT: connections that are open at a time.
const CONNECTIONS_MAX: usize = 4;
/// LIMIT: how long a caller waits for one.
const CONNECTION_WAIT_MAX: Duration = Duration::from_secs(10);

/// A bounded number of connections to one store, opened when they are needed.
#[derive(Clone, Debug)]
pub struct Pool {
    location: Location,
    turns: Arc<Semaphore>,
    idle: Arc<Idle>,
}

/// Connections that nobody uses now.
#[derive(Default)]
struct Idle(Mutex<Vec<Box<dyn Store + Send>>>);

// === impl Pool ===

impl Pool {
    pub fn new(location: Location) -> Self {
        Self {
            location,
            turns: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            idle: Arc::default(),
        }
    }

    /// Runs `work` with a connection, on a thread that may block. What it wrote is as safe as
    /// [`Durability::Strict`] says.
    ///
    /// If the caller stops waiting, the work goes on to its end.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = timeout(CONNECTION_WAIT_MAX, Arc::clone(&self.turns).acquire_owned());
        let Ok(Ok(turn)) = turn.await else {
            return Err(StoreError::NoConnection);
        };
        let pool = self.clone();
        spawn_blocking(move || pool.run_now(work, turn))
            .await
            .unwrap_or(Err(StoreError::Panicked))
    }

    fn run_now<T>(
        &self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
        turn: OwnedSemaphorePermit,
    ) -> Result<T, StoreError> {
        let idle = self.idle.lock().pop();
        let mut store = match idle {
            Some(store) => store,
            None => self.location.open(Durability::Strict)?,
        };
        let done = work(store.as_mut());
        match done {
            // The connection may be of no use.
            Err(StoreError::Failed { .. }) => {}
            // No connection to that file is of use.
            Err(StoreError::Replaced { .. }) => {
                let useless = take(&mut *self.idle.lock());
                drop(useless);
            }
            Ok(_) | Err(_) => self.idle.lock().push(store),
        }
        drop(turn);
        done
    }
}

// === impl Idle ===

impl Idle {
    /// No holder of the lock can leave the list half changed, so that a poisoned one is good.
    fn lock(&self) -> MutexGuard<'_, Vec<Box<dyn Store + Send>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} idle connections", self.lock().len())
    }
}
