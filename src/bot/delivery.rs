//! Brings decided replies to their platform, again and again until it worked or cannot work.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::ports::{Claimed, Courier, Errand, SendError, Store, StoreError, Wanted};

/// A claimed reply is this process's own for so long; then another may try.
pub const LEASE: Duration = Duration::from_secs(10);
/// A courier that takes longer is given up, well before the lease ends: what it does later could
/// overtake what another process does then.
const CALL_MAX: Duration = Duration::from_secs(8);
/// Replies that are delivered side by side at most.
const BATCH: usize = 16;
/// The first pause after a failure; each further one doubles it …
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// … up to this.
const RETRY_MAX: Duration = Duration::from_secs(5 * 60);
/// A platform may ask for a longer pause, up to this.
const ASKED_MAX: Duration = Duration::from_secs(24 * 3600);
/// With pauses of up to [`RETRY_MAX`] and their spread, that is between three and five days. What a platform did
/// not take for so long is for people to look at.
const ATTEMPTS_MAX: u32 = 1_000;
/// The store is looked at this often even when nothing wakes the delivery: a process that died may
/// have left something.
const IDLE: Duration = Duration::from_secs(2);

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

    /// Delivers until told to stop; what is under way is finished first. Posts are delivered side by
    /// side, each as soon as there is room: a slow one holds up nothing but itself.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let this = Arc::new(self);
        // Tasks of their own: one that is not polled while the store is asked could hold what the store waits for.
        let mut under_way = JoinSet::new();
        while !*shutdown.borrow() {
            // Registered before looking, so that a decision made meanwhile is not missed.
            let woken = this.wake.notified();
            tokio::pin!(woken);
            woken.as_mut().enable();
            let pause = match this.claim_due(BATCH - under_way.len()).await {
                Ok((claimed, pause)) => {
                    for claimed in claimed {
                        under_way.spawn(Arc::clone(&this).deliver_claimed(claimed));
                    }
                    pause
                }
                Err(error) => {
                    error!(error = %error, "delivery cannot reach the store; trying again");
                    RETRY_FIRST
                }
            };
            tokio::select! {
                Some(_) = under_way.join_next() => {}
                () = woken => {}
                () = tokio::time::sleep(pause) => {}
                _ = shutdown.changed() => {}
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Claims what is due, as far as there is room, and says when to look again at the latest.
    async fn claim_due(&self, room: usize) -> Result<(Vec<Claimed>, Duration), StoreError> {
        if room == 0 {
            return Ok((Vec::new(), IDLE));
        }
        let platform = self.courier.platform();
        let claimed = self.store.claim(platform, LEASE, u32::try_from(room).unwrap_or(u32::MAX)).await?;
        let pause = match claimed.len() < room {
            true => self.store.next_due(platform).await?.unwrap_or(IDLE),
            false => IDLE,
        };
        Ok((claimed, pause.clamp(Duration::from_millis(10), IDLE)))
    }

    async fn deliver_claimed(self: Arc<Self>, claimed: Claimed) {
        if let Err(error) = self.deliver(&claimed).await {
            error!(message = %claimed.wanted.key, error = %error, "what came of a delivery could not be recorded; it is looked for when its lease has ended");
        }
    }

    /// Brings one claimed post to the platform and records what came of it.
    pub async fn deliver(&self, claimed: &Claimed) -> Result<(), StoreError> {
        let Wanted { key, part, thread, post, .. } = &claimed.wanted;
        let thread = thread.as_deref();
        let errand = |post| Errand { key, part: *part, thread, post, uncertain: claimed.uncertain };
        let call = async {
            match (post, &claimed.delivered) {
                (Some(post), None) => self.courier.post(errand(post)).await.map(Some),
                (Some(post), Some(place)) => match self.courier.update(errand(post), place).await {
                    // A removal of which nobody knows the outcome may have worked: then there is nothing to update.
                    Err(SendError::Never(_)) if claimed.uncertain => self.courier.post(errand(post)).await.map(Some),
                    updated => updated.map(|()| Some(place.clone())),
                },
                (None, place) => self.courier.remove(key, *part, thread, place.as_deref()).await.map(|()| None),
            }
        };
        let sent = tokio::time::timeout(CALL_MAX, call).await.unwrap_or_else(|_| {
            Err(SendError::Later { reason: format!("no answer within {} seconds", CALL_MAX.as_secs()), after: None })
        });
        if let Err(SendError::Limited { after, everywhere }) = &sent {
            let channel = (!everywhere).then_some(&key.channel);
            self.store.hold(self.courier.platform(), channel, (*after).min(ASKED_MAX)).await?;
        }
        match sent.map_err(Failed::from) {
            Ok(place) => {
                info!(message = %key, part = %part, visible = place.is_some(), "delivered");
                self.store.delivered(claimed, place.as_deref()).await
            }
            Err(Failed { reason, for_good: true, .. }) => {
                error!(message = %key, part = %part, reason, "cannot be delivered, given up; see: oktriage db dead list");
                self.store.failed(claimed, &reason, None).await
            }
            Err(Failed { reason, .. }) if claimed.attempts >= ATTEMPTS_MAX => {
                error!(message = %key, part = %part, reason, "could not be delivered for days, given up; see: oktriage db dead list");
                self.store.failed(claimed, &reason, None).await
            }
            Err(Failed { reason, after, .. }) => {
                let retry = pause(claimed.attempts, random(), after);
                warn!(message = %key, part = %part, attempts = claimed.attempts + 1, retry_seconds = retry.as_secs(), reason, "not delivered yet");
                self.store.failed(claimed, &reason, Some(retry)).await
            }
        }
    }
}

/// What is noted of an attempt that failed.
struct Failed {
    reason: String,
    after: Option<Duration>,
    for_good: bool,
}

impl From<SendError> for Failed {
    fn from(error: SendError) -> Self {
        let limited = error.to_string();
        match error {
            SendError::Later { reason, after } => Self { reason, after, for_good: false },
            SendError::Limited { after, .. } => Self { reason: limited, after: Some(after), for_good: false },
            SendError::Never(reason) => Self { reason, after: None, for_good: true },
        }
    }
}

/// The pause before the next attempt: it doubles with each, and is spread by up to half of it, so that
/// what failed together does not come back together. What the platform asks for is a minimum.
fn pause(attempts: u32, random: u64, asked: Option<Duration>) -> Duration {
    let doubled = RETRY_FIRST.saturating_mul(1 << attempts.min(16)).min(RETRY_MAX);
    let percent = u32::try_from(random % 51).unwrap_or_default();
    let spread = |pause: Duration| pause + doubled * percent / 100;
    match asked.map(|asked| asked.min(ASKED_MAX)) {
        Some(asked) if asked > doubled => spread(asked),
        _ => spread(doubled),
    }
}

fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{ASKED_MAX, RETRY_FIRST, RETRY_MAX, pause};

    proptest! {
        #[test]
        fn pauses_grow_stay_bounded_and_honour_what_is_asked(
            attempts in any::<u32>(), random in any::<u64>(), asked in prop::option::of(0u64..1_000_000),
        ) {
            let asked = asked.map(Duration::from_secs);
            let found = pause(attempts, random, asked);
            prop_assert!(found >= RETRY_FIRST.max(asked.unwrap_or_default().min(ASKED_MAX)));
            prop_assert!(found <= RETRY_MAX.max(asked.unwrap_or_default().min(ASKED_MAX)) + RETRY_MAX / 2);
            // However they are spread, each pause is longer than the last but one.
            if attempts < 6 && asked.is_none() {
                prop_assert!(found < pause(attempts + 2, random.wrapping_mul(7), None));
            }
        }
    }

    #[test]
    fn what_failed_together_does_not_come_back_together() {
        let pauses: std::collections::HashSet<Duration> = (0..51).map(|random| pause(3, random, None)).collect();
        assert_eq!(pauses.len(), 51);
    }
}
