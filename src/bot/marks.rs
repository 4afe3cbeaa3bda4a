//! How far the channels of a platform have been read, noted every now and then.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tracing::error;

use super::event::ChannelKey;
use super::ports::{Cursor, Store};
use super::watermark::Watermark;

/// How often it is noted how far the channels have been read. What was done since the last time but
/// one is read again after a crash, which changes nothing.
const NOTE_EVERY: Duration = Duration::from_secs(5);

/// The watermarks of a platform's channels.
pub struct Marks<S> {
    pub(super) store: Arc<S>,
    marks: Mutex<HashMap<ChannelKey, Watermark>>,
}

impl<S: Store> Marks<S> {
    /// Nothing was read so far; `store` is told.
    pub fn new(store: Arc<S>) -> Self {
        Self { store, marks: Mutex::default() }
    }

    /// Work on a place of a channel begins.
    pub fn begin(&self, channel: &ChannelKey, place: Cursor) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).entry(channel.clone()).or_default().begin(place);
    }

    /// Work on a place of a channel is done.
    pub fn end(&self, channel: &ChannelKey, place: Cursor) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).entry(channel.clone()).or_default().end(place);
    }

    /// Everything from a place of a channel on is read again, what was left there included.
    pub fn resume(&self, channel: &ChannelKey, place: Cursor) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).entry(channel.clone()).or_default().resume(place);
    }

    /// Work on a place of a channel failed: the cursor stays before it until it is done, by whomever.
    pub fn leave(&self, channel: &ChannelKey, place: Cursor) {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner).entry(channel.clone()).or_default().leave(place);
    }

    /// Notes how far was read until `done` says that nothing more comes, and then once more.
    pub async fn note(&self, mut done: watch::Receiver<bool>) {
        let mut before = HashMap::new();
        let mut noted = HashMap::new();
        loop {
            let stopping = tokio::select! {
                () = tokio::time::sleep(NOTE_EVERY) => false,
                // The sender is only dropped when everything ends.
                _ = done.wait_for(|done| *done) => true,
            };
            let now = self.done();
            // Events that arrived just before may not have begun; the value before this one is sure.
            let sure = if stopping { &now } else { &before };
            for (channel, cursor) in sure {
                if noted.get(channel) == Some(cursor) || *cursor <= 0 {
                    continue;
                }
                match self.store.advance(channel, *cursor).await {
                    Ok(()) => {
                        noted.insert(channel.clone(), *cursor);
                    }
                    Err(error) => error!(error = %error, "how far a channel was read could not be noted"),
                }
            }
            if stopping {
                return;
            }
            before = now;
        }
    }

    fn done(&self) -> HashMap<ChannelKey, Cursor> {
        let marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        marks.iter().map(|(channel, mark)| (channel.clone(), mark.done())).collect()
    }
}
