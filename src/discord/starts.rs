//! How often sessions are started. serenity starts a new one whenever one is lost, five seconds after the
//! last; Discord takes 1,000 in a day and then resets the token.
//! <https://docs.discord.com/developers/events/gateway#session-start-limit-object>

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tracing::warn;

/// In the long run there is one start in this time: 864 in a day.
const EVERY: Duration = Duration::from_secs(100);
/// So many come at once, besides the first of each shard.
const AT_ONCE: u32 = 9;

/// Counts session starts, and lets them wait.
pub(super) struct Starts {
    allowance: Mutex<Allowance>,
    /// Where the gateway is, as each shard's client has it. serenity takes it before each connection; who holds it
    /// holds the connections.
    addresses: Mutex<Vec<Weak<Address>>>,
}

type Address = tokio::sync::Mutex<String>;

impl Starts {
    /// Nothing was started so far.
    pub(super) fn new() -> Self {
        Self { allowance: Mutex::new(Allowance::new(AT_ONCE, Instant::now())), addresses: Mutex::default() }
    }

    /// So many shards are to be started first.
    pub(super) fn expect(&self, shards: u32) {
        let allowance = Allowance::new(shards.saturating_add(AT_ONCE), Instant::now());
        *self.allowance.lock().unwrap_or_else(PoisonError::into_inner) = allowance;
    }

    /// Tells what else to hold while sessions have to wait.
    pub(super) fn hold(&self, address: &Arc<Address>) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.retain(|address| address.strong_count() > 0);
        addresses.push(Arc::downgrade(address));
    }

    /// A session is being started. Lets the next one wait where they come too fast.
    pub(super) fn started(&self) {
        let wait = self.allowance.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        let Some(wait) = wait else { return };
        warn!(seconds = wait.as_secs(), "Discord's sessions end again and again; the next one is started later");
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        for address in addresses.iter().filter_map(Weak::upgrade) {
            tokio::spawn(async move {
                let _held = address.lock().await;
                tokio::time::sleep(wait).await;
            });
        }
    }
}

/// An allowance that is spent by starts and grows with time.
struct Allowance {
    left: f64,
    most: f64,
    at: Instant,
}

impl Allowance {
    fn new(most: u32, now: Instant) -> Self {
        Self { left: most.into(), most: most.into(), at: now }
    }

    /// Takes one start; returns how long the next one has to wait.
    fn take(&mut self, now: Instant) -> Option<Duration> {
        let grown = now.saturating_duration_since(self.at).as_secs_f64() / EVERY.as_secs_f64();
        self.left = (self.left + grown).min(self.most) - 1.0;
        self.at = now;
        (self.left < 1.0).then(|| EVERY.mul_f64((1.0 - self.left).max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Allowance;

    #[test]
    fn a_day_of_lost_sessions_takes_less_than_discord_allows() {
        let mut now = Instant::now();
        let end = now + Duration::from_secs(86_400);
        let mut allowance = Allowance::new(10, now);
        let mut starts = 0;
        while now < end {
            starts += 1;
            now += allowance.take(now).unwrap_or_default().max(Duration::from_secs(5));
        }
        assert!((800..900).contains(&starts), "{starts}");
    }

    #[test]
    fn a_few_lost_sessions_wait_for_nothing() {
        let now = Instant::now();
        let mut allowance = Allowance::new(10, now);
        assert!((0..9).all(|_| allowance.take(now).is_none()));
        assert_eq!(allowance.take(now), Some(Duration::from_secs(100)));
        assert_eq!(allowance.take(now + Duration::from_secs(1_000)), None);
    }
}
