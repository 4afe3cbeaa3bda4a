//! Catching up with what was missed: each channel is read on from where it was read to, however long that takes.

use std::time::Duration;

use tracing::warn;

use super::event::{ChannelKey, MessageKey, Platform};
use super::marks::Marks;
use super::ports::{Cursor, Store};

/// The first pause before what failed on a platform is done again; each further one doubles it …
pub const RETRY_FIRST: Duration = Duration::from_secs(1);
/// … up to this.
pub const RETRY_MAX: Duration = Duration::from_secs(60);
/// Answered messages that are looked at again.
const ANSWERED_MAX: u32 = 100;
/// The place before everything.
const START: Cursor = 1;

/// What may have been missed.
#[derive(Debug)]
pub enum Missed {
    /// The messages of a channel behind a place.
    Messages(ChannelKey, Cursor),
    /// What became of an answered message, which stands in a thread.
    Changes(MessageKey, Option<String>),
}

/// A part of catching up.
enum Part {
    Channel(ChannelKey),
    Answered(MessageKey, Option<String>),
}

/// Does all parts one after the other, and those that failed and were given back again, until all are done: who gives up
/// has lost something, and a part that fails for long must not hold up the others.
pub async fn each<T, F: Future<Output = Option<T>>>(mut parts: Vec<T>, part: impl Fn(T) -> F) {
    let mut pause = RETRY_FIRST;
    loop {
        let mut failed = Vec::new();
        for it in parts {
            failed.extend(part(it).await);
        }
        if failed.is_empty() {
            return;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_MAX);
        parts = failed;
    }
}

impl<S: Store> Marks<S> {
    /// Notes that a channel is read from `now` on.
    pub async fn start(&self, channel: &ChannelKey, now: Cursor) {
        if let Err(error) = self.store.advance(channel, now).await {
            warn!(error = %error, "from when a channel is read could not be noted");
        }
    }

    /// Notes that those of the channels that were never read are read from `now` on: connecting may take long, and is
    /// tried again after a crash.
    pub async fn start_new(&self, channels: &[ChannelKey], now: Cursor) {
        for channel in channels {
            if let Ok(None) = self.store.cursor(channel).await {
                self.start(channel, now).await;
            }
        }
    }

    /// Catches up with what was missed on a platform: in `channels`, and of the answered messages that were posted after
    /// `since`, milliseconds since 1970, in those that are of its `concern`. `take` says whether a part was done.
    ///
    /// Until a channel was read, no new message moves its cursor past what was missed there, also of one whose turn
    /// comes late. What was never read is read from `now` on.
    pub async fn catch_up<F: Future<Output = bool>>(
        &self,
        platform: Platform,
        channels: Vec<ChannelKey>,
        now: Cursor,
        since: i64,
        concern: impl Fn(&MessageKey) -> bool,
        take: impl Fn(Missed) -> F,
    ) {
        for channel in &channels {
            self.resume(channel, START);
        }
        let mut answered = self.answered(platform, since).await;
        answered.retain(|(key, _)| concern(key));
        let channels = channels.into_iter().map(Part::Channel);
        let answered = answered.into_iter().map(|(key, thread)| Part::Answered(key, thread));
        let take = &take;
        let taking = |part: Part| async move {
            let done = match &part {
                Part::Answered(key, thread) => take(Missed::Changes(key.clone(), thread.clone())).await,
                Part::Channel(channel) => match self.store.cursor(channel).await {
                    Ok(Some(cursor)) => take(Missed::Messages(channel.clone(), cursor)).await,
                    // Watched for the first time: what was written before is not the bot's business.
                    Ok(None) => {
                        self.start(channel, now).await;
                        true
                    }
                    Err(error) => {
                        warn!(error = %error, "how far a channel was read is not known yet");
                        false
                    }
                },
            };
            if let (Part::Channel(channel), true) = (&part, done) {
                self.end(channel, START);
            }
            (!done).then_some(part)
        };
        each(channels.chain(answered).collect(), taking).await;
    }

    /// The answered messages since a moment, with their threads, as soon as the store tells.
    async fn answered(&self, platform: Platform, since: i64) -> Vec<(MessageKey, Option<String>)> {
        let mut pause = RETRY_FIRST;
        loop {
            match self.store.answered_messages(platform, since, ANSWERED_MAX).await {
                Ok(answered) => return answered,
                Err(error) => warn!(error = %error, "which messages were answered is not known yet"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }
}
