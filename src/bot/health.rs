//! Whether each platform is heard from. Connected is not enough: a connection can be open and dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::event::Platform;

/// A platform that was silent for longer than this, heartbeats included, is not heard from, in
/// seconds. Discord's heartbeats are about 41 seconds apart.
pub const SILENT_MAX: i64 = 120;

/// The sign of life of one platform.
#[derive(Debug)]
pub struct Pulse {
    /// The platform.
    pub platform: Platform,
    heard: AtomicI64,
    connections: AtomicUsize,
    refused: AtomicU64,
    stopped: watch::Sender<Option<String>>,
}

impl Pulse {
    /// A platform from which nothing was received so far.
    pub fn new(platform: Platform) -> Arc<Self> {
        Arc::new(Self {
            platform,
            heard: AtomicI64::new(now()),
            connections: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            stopped: watch::Sender::new(None),
        })
    }

    /// Something was received.
    pub fn beat(&self) {
        self.heard.store(now(), Ordering::Relaxed);
    }

    /// This process keeps a connection up, until what is returned is dropped.
    pub fn connection(self: &Arc<Self>) -> Kept {
        self.connections.fetch_add(1, Ordering::Relaxed);
        Kept(Arc::clone(self))
    }

    /// How many connections this process keeps up.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Another process keeps a connection up. Who has none by itself and waits beside it is well.
    pub fn beside(&self) {
        if self.connections() == 0 {
            self.beat();
        }
    }

    /// Something claimed to be the platform's and was not taken; returns how many such requests there were.
    pub fn refuse(&self) -> u64 {
        self.refused.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Requests that were refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// The platform was given up, for this reason; only a restart helps.
    pub fn stop(&self, reason: impl Into<String>) {
        self.stopped.send_replace(Some(reason.into()));
    }

    /// Seconds since something was received.
    pub fn silent_for(&self) -> i64 {
        now().saturating_sub(self.heard.load(Ordering::Relaxed)).max(0)
    }

    /// Why the platform is not well; `None` when it is.
    pub fn trouble(&self) -> Option<String> {
        if let Some(reason) = self.stopped.borrow().as_ref() {
            return Some(reason.clone());
        }
        let silent = self.silent_for();
        (silent > SILENT_MAX).then(|| format!("nothing received for {silent} seconds"))
    }
}

/// A connection that this process keeps up.
#[derive(Debug)]
pub struct Kept(Arc<Pulse>);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::{Platform, Pulse, SILENT_MAX, now};

    #[test]
    fn who_was_silent_for_too_long_is_not_well_until_something_comes() {
        let pulse = Pulse::new(Platform::Discord);
        assert_eq!(pulse.trouble(), None);
        pulse.heard.store(now() - SILENT_MAX - 5, Ordering::Relaxed);
        assert!(pulse.trouble().is_some_and(|trouble| trouble.starts_with("nothing received for 12")));
        pulse.beat();
        assert_eq!(pulse.trouble(), None);
        pulse.stop("the token is not valid");
        pulse.beat();
        assert_eq!(pulse.trouble().as_deref(), Some("the token is not valid"));
    }
}
