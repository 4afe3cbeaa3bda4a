//! Keeps names that one live process holds at a time: each Discord shard, each Slack socket.

use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use super::ports::{Lease, Leases};

/// A name is another's so long after its holder died …
pub const TTL: Duration = Duration::from_secs(8);
/// … plus the time until somebody looks: together under ten seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often a holder says that it lives.
const RENEW_EVERY: Duration = Duration::from_secs(2);
/// A holder that could not say so stops its work this long after it last did: before the lease ends, by
/// enough for the clocks' difference in pace and for the work to stop.
const STOP_AFTER: Duration = Duration::from_secs(6);

/// Keeps names for this process.
pub struct Keeper<L> {
    leases: Arc<L>,
    holder: String,
}

impl<L> Clone for Keeper<L> {
    fn clone(&self) -> Self {
        Self { leases: Arc::clone(&self.leases), holder: self.holder.clone() }
    }
}

impl<L: Leases> Keeper<L> {
    /// A keeper with a name that no other process has.
    pub fn new(leases: Arc<L>) -> Self {
        Self { leases, holder: random_name() }
    }

    /// Waits until this process holds `name`, does `work` as long as it does, and begins anew when it
    /// was lost; until `work` ends by itself, upon which the name is given back, or until told to stop
    /// while the name is another's. `work` is dropped when the name is lost, and must itself listen to
    /// the shutdown. `beside` is called whenever another is seen to hold the name.
    pub async fn hold<W, F>(
        &self,
        name: &str,
        mut shutdown: watch::Receiver<bool>,
        beside: impl Fn() + Send,
        mut work: W,
    ) where
        W: FnMut(Lease) -> F + Send,
        F: Future<Output = ()> + Send,
    {
        while !*shutdown.borrow() {
            let asked = Instant::now();
            match self.leases.acquire(name, &self.holder, TTL).await {
                Ok(Some(lease)) => {
                    info!(name, fence = lease.fence, "held by this process");
                    let ended = tokio::select! {
                        () = work(lease.clone()) => true,
                        () = self.keep(&lease, asked) => false,
                    };
                    if ended {
                        if let Err(error) = self.leases.release(&lease).await {
                            warn!(name, error = %error, "not given back; it is free when its lease has ended");
                        }
                        return;
                    }
                    warn!(name, "no longer held by this process");
                }
                Ok(None) => beside(),
                Err(error) => warn!(name, error = %error, "cannot be taken; trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = shutdown.changed() => {}
            }
        }
    }

    /// Waits until `every` has passed since any process had its turn at `name`, and takes the turn; or until
    /// told to stop. A turn is a lease that nobody gives back.
    pub async fn turn(&self, name: &str, every: Duration, mut shutdown: watch::Receiver<bool>) {
        // Each turn is another holder's: who has a name could take it again at once.
        let holder = random_name();
        while !*shutdown.borrow() {
            match self.leases.acquire(name, &holder, every).await {
                Ok(Some(_)) => return,
                Ok(None) => {}
                Err(error) => warn!(name, error = %error, "cannot take a turn; trying again"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = shutdown.changed() => {}
            }
        }
    }

    /// Renews a lease until that is not possible any more. `said` is when the store was last asked to
    /// hold it, which is before it did.
    async fn keep(&self, lease: &Lease, mut said: Instant) {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            let asked = Instant::now();
            match tokio::time::timeout_at(said + STOP_AFTER, self.leases.renew(lease, TTL)).await {
                Ok(Ok(true)) => said = asked,
                // Somebody else has it, or it ended.
                Ok(Ok(false)) => return,
                Ok(Err(error)) => {
                    warn!(name = lease.name, error = %error, "cannot say that this process lives; trying again");
                    if said.elapsed() + RENEW_EVERY >= STOP_AFTER {
                        return;
                    }
                }
                Err(_) => return,
            }
        }
    }
}

/// A name that no other process has.
fn random_name() -> String {
    let random = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", random(), random())
}
