//! Brings decided replies to their platform, again and again until it worked or cannot work.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tracing::{error, info, warn};

use super::ports::{Claimed, Courier, Errand, SendError, Store, StoreError, Wanted};

/// A claimed reply is this process's own for so long; then another may try.
const LEASE: Duration = Duration::from_secs(10);
/// Replies that are claimed at once.
const BATCH: u32 = 16;
/// The first pause after a failure; each further one doubles it …
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// … up to this.
const RETRY_MAX: Duration = Duration::from_secs(5 * 60);
/// The store is looked at this often even when nothing wakes the delivery.
const IDLE: Duration = Duration::from_secs(60);

/// Delivers the replies of one platform.
pub struct Delivery<S, C> {
    store: Arc<S>,
    courier: C,
    wake: Arc<Notify>,
}

impl<S: Store, C: Courier> Delivery<S, C> {
    /// A delivery that looks for work whenever it is woken, and when a pause is over.
    pub fn new(store: Arc<S>, courier: C, wake: Arc<Notify>) -> Self {
        Self { store, courier, wake }
    }

    /// Delivers until told to stop; what is under way is finished first.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        while !*shutdown.borrow() {
            // Registered before looking, so that a decision made meanwhile is not missed.
            let woken = self.wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let pause = match self.deliver_due().await {
                Ok(pause) => pause,
                Err(error) => {
                    error!(error = %error, "delivery cannot reach the store; trying again");
                    RETRY_FIRST
                }
            };
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(pause) => {}
                _ = shutdown.changed() => {}
            }
        }
    }

    /// Delivers everything that is due and says when the next post may be.
    async fn deliver_due(&self) -> Result<Duration, StoreError> {
        let platform = self.courier.platform();
        loop {
            let claimed = self.store.claim(platform, LEASE, BATCH).await?;
            if claimed.is_empty() {
                return Ok(self.store.next_due(platform).await?.unwrap_or(IDLE).clamp(Duration::from_millis(10), IDLE));
            }
            let deliveries = claimed.iter().map(|claimed| self.deliver(claimed));
            futures_util::future::try_join_all(deliveries).await?;
        }
    }

    async fn deliver(&self, claimed: &Claimed) -> Result<(), StoreError> {
        let Wanted { key, part, thread, post, .. } = &claimed.wanted;
        let thread = thread.as_deref();
        let errand = |post| Errand { key, part: *part, thread, post, uncertain: claimed.attempts > 0 };
        let sent = match (post, &claimed.delivered) {
            (Some(post), None) => self.courier.post(errand(post)).await.map(Some),
            (Some(post), Some(place)) => self.courier.update(errand(post), place).await.map(|()| Some(place.clone())),
            (None, place) => self.courier.remove(key, *part, thread, place.as_deref()).await.map(|()| None),
        };
        match sent {
            Ok(place) => {
                info!(message = %key, part = %part, visible = place.is_some(), "delivered");
                self.store.delivered(claimed, place.as_deref()).await
            }
            Err(SendError::Later { reason, after }) => {
                let retry = after.unwrap_or_default().max(pause(claimed.attempts, claimed.id));
                warn!(message = %key, part = %part, attempts = claimed.attempts + 1, retry_seconds = retry.as_secs(), reason, "not delivered yet");
                self.store.failed(claimed, &reason, Some(retry)).await
            }
            Err(SendError::Never(reason)) => {
                error!(message = %key, part = %part, reason, "cannot be delivered, given up");
                self.store.failed(claimed, &reason, None).await
            }
        }
    }
}

/// The pause before the next attempt, spread so that failed replies do not come back all at once.
fn pause(attempts: u32, id: i64) -> Duration {
    let doubled = RETRY_FIRST.saturating_mul(1 << attempts.min(16)).min(RETRY_MAX);
    let spread = u32::try_from(id.rem_euclid(50)).unwrap_or_default();
    doubled + doubled * spread / 100
}

#[cfg(test)]
mod tests {
    use super::{RETRY_MAX, pause};

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert!(pause(0, 1) < pause(1, 1));
        assert!(pause(1, 1) < pause(5, 1));
        assert!(pause(u32::MAX, 49) <= RETRY_MAX * 3 / 2);
    }
}
