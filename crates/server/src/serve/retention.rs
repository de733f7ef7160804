//! Old traces are forgotten in the background, as the configuration says.

use std::sync::Arc;
use std::time::Duration;

use portcullis_store::{Pool, Retention};
use portcullis_trace::record::Timestamp;
use tokio::time::sleep;
use tracing::{info, warn};

use super::gateway::Gateway;
use crate::clock::now;
use crate::config::{GatewayConfig, RetentionConfig};

/// Between two looks at what is old.
const REST: Duration = Duration::from_mins(1);
/// Between two steps of one look, for the traffic to be recorded.
const BREATH: Duration = Duration::from_millis(50);
/// A session may rest for so long and then go on.
const SPARED: Duration = Duration::from_hours(1);

/// Forgets what is too old or too much, for as long as it is polled.
pub(crate) async fn follow(gateway: Arc<Gateway>, pool: Pool) {
    loop {
        let config = gateway.config();
        let forgets = config.store.retention != RetentionConfig::default();
        let mut pause = REST;
        if forgets {
            let retention = retention(&config, now());
            match pool.run(move |store| store.forget(&retention)).await {
                Ok(forgotten) => {
                    if forgotten.sessions > 0 {
                        info!(sessions = forgotten.sessions, "old sessions are forgotten");
                    }
                    if forgotten.more {
                        pause = BREATH;
                    }
                }
                Err(error) => warn!(%error, "old sessions are not forgotten"),
            }
        }
        sleep(pause).await;
    }
}

/// A session that has not ended and in which something happened since then may go on, in whichever
/// process.
pub(crate) fn active_since(config: &GatewayConfig, now: Timestamp) -> Timestamp {
    before(now, SPARED.max(config.sessions.idle_timeout))
}

fn retention(config: &GatewayConfig, now: Timestamp) -> Retention {
    let bounds = config.store.retention;
    Retention {
        idle_since: bounds.max_age.map(|age| before(now, age)),
        bytes_max: bounds.max_bytes.map(std::num::NonZeroU64::get),
        active_since: active_since(config, now),
    }
}

fn before(now: Timestamp, age: Duration) -> Timestamp {
    let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(now.as_micros().saturating_sub(micros))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_that_may_go_on_is_spared() {
        let hours = |n: i64| Timestamp::from_micros(n * 3_600_000_000);
        let mut config = GatewayConfig::default();
        config.store.retention.max_age = Some(Duration::from_hours(10));
        let told = retention(&config, hours(100));
        assert_eq!(told.idle_since, Some(hours(90)));
        assert_eq!(told.bytes_max, None);
        assert_eq!(told.active_since, hours(99));
        config.sessions.idle_timeout = Duration::from_hours(3);
        assert_eq!(retention(&config, hours(100)).active_since, hours(97));
    }
}
