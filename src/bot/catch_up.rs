//! Catching up with what was missed: each channel is read on from where it was read to, however long that takes.

use std::time::Duration;

use tracing::warn;

use super::event::{ChannelKey, MessageKey, Platform};
use super::marks::Marks;
use super::ports::{Cursor, Store};

/// The first pause before what failed is done again; each further one doubles it …
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// … up to this.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Answered messages that are looked at again.
const ANSWERED_MAX: u32 = 100;
/// The place before everything.
const START: Cursor = 1;

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

    /// Has channels read on: `read` gets the place behind which, and says whether it was done. Until then no new message
    /// moves the cursor of a channel past what was missed there, also of one whose turn comes late.
    pub async fn read_on<F: Future<Output = bool>>(
        &self,
        channels: Vec<ChannelKey>,
        now: Cursor,
        read: impl Fn(ChannelKey, Cursor) -> F,
    ) {
        for channel in &channels {
            self.resume(channel, START);
        }
        let read = &read;
        let reading = |channel: ChannelKey| async move {
            let done = match self.store.cursor(&channel).await {
                Ok(Some(cursor)) => read(channel.clone(), cursor).await,
                // Watched for the first time: what was written before is not the bot's business.
                Ok(None) => {
                    self.start(&channel, now).await;
                    true
                }
                Err(error) => {
                    warn!(error = %error, "how far a channel was read is not known yet");
                    false
                }
            };
            if done {
                self.end(&channel, START);
            }
            (!done).then_some(channel)
        };
        each(channels, reading).await;
    }

    /// Looks again at answered messages that were posted after `since`, milliseconds since 1970: they may have been
    /// edited or deleted. `look` gets those that are of its `concern`, with their threads, and says
    /// whether it was done.
    pub async fn look_again<F: Future<Output = bool>>(
        &self,
        platform: Platform,
        since: i64,
        concern: impl Fn(&MessageKey) -> bool,
        look: impl Fn(MessageKey, Option<String>) -> F,
    ) {
        let (concern, look) = (&concern, &look);
        let listing = |()| async move {
            match self.store.answered_messages(platform, since, ANSWERED_MAX).await {
                Ok(mut messages) => {
                    messages.retain(|(key, _)| concern(key));
                    let looking = |(key, thread): (MessageKey, Option<String>)| async move {
                        (!look(key.clone(), thread.clone()).await).then_some((key, thread))
                    };
                    each(messages, looking).await;
                    None
                }
                Err(error) => {
                    warn!(error = %error, "which messages were answered is not known yet");
                    Some(())
                }
            }
        };
        each(vec![()], listing).await;
    }
}
