//! Reads the changes of the local workspace, one after the other, and hands them to the bot.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tracing::{error, info};

use super::chat::Chat;
use super::{ChatLog, convert};
use crate::bot::Intake;
use crate::bot::ports::{Cursor, Store, StoreError};

/// Changes that are read at once.
const BATCH: u32 = 100;
/// After so many silent changes the cursor is noted, so that a crash makes little be read again.
const NOTE_EVERY: Cursor = 500;
/// The pause when the history cannot be read.
const RETRY: Duration = Duration::from_secs(1);
/// Looks for changes at least this often: another process may share the file.
const IDLE: Duration = Duration::from_secs(5);

/// Takes changes until told to stop. Changes of messages that are older than `catch_up` when the
/// bot starts are passed over.
pub async fn run<L: ChatLog, S: Store>(
    chat: Arc<Chat<L>>,
    intake: Arc<Intake<S>>,
    store: Arc<S>,
    catch_up: Duration,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut reader =
        Reader { chat, intake, store, cursors: HashMap::new(), noted: HashMap::new(), oldest: oldest(catch_up) };
    while !*shutdown.borrow() {
        let pause = match reader.read().await {
            Ok(()) => IDLE,
            Err(error) => {
                error!(error = %error, "the local workspace cannot be read; trying again");
                RETRY
            }
        };
        tokio::select! {
            () = reader.chat.changed().notified() => {}
            () = tokio::time::sleep(pause) => {}
            _ = shutdown.changed() => {}
        }
    }
    if let Err(error) = reader.note_all().await {
        error!(error = %error, "cannot note how far the local workspace was read; it will be read again");
    }
}

fn oldest(catch_up: Duration) -> i64 {
    let since = SystemTime::now().checked_sub(catch_up).and_then(|since| since.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

struct Reader<L, S> {
    chat: Arc<Chat<L>>,
    intake: Arc<Intake<S>>,
    store: Arc<S>,
    /// How far each channel has been read.
    cursors: HashMap<String, Cursor>,
    /// How far the store knows that it has been read.
    noted: HashMap<String, Cursor>,
    /// Messages posted before this are passed over, in milliseconds since 1970.
    oldest: i64,
}

impl<L: ChatLog, S: Store> Reader<L, S> {
    /// Takes every change that is there.
    async fn read(&mut self) -> Result<(), StoreError> {
        for channel in self.chat.channels().to_vec() {
            let mut cursor = match self.cursors.get(&channel) {
                Some(cursor) => *cursor,
                None => self.first_cursor(&channel).await?,
            };
            loop {
                let changes = self.chat.log().changes(&channel, cursor, BATCH).await?;
                let Some(last) = changes.last().map(|message| message.change) else { break };
                for message in changes {
                    if message.posted_at < self.oldest {
                        continue;
                    }
                    let change = message.change;
                    self.intake.handle(&convert::event(message), Some(change)).await?;
                }
                cursor = last;
                self.cursors.insert(channel.clone(), cursor);
                if cursor - self.noted.get(&channel).copied().unwrap_or_default() >= NOTE_EVERY {
                    self.note(&channel, cursor).await?;
                }
            }
        }
        Ok(())
    }

    async fn first_cursor(&mut self, channel: &str) -> Result<Cursor, StoreError> {
        let cursor = self.store.cursor(&convert::channel_key(channel)).await?.unwrap_or_default();
        info!(channel, cursor, "reading the local workspace");
        self.cursors.insert(channel.to_owned(), cursor);
        self.noted.insert(channel.to_owned(), cursor);
        Ok(cursor)
    }

    async fn note(&mut self, channel: &str, cursor: Cursor) -> Result<(), StoreError> {
        self.store.advance(&convert::channel_key(channel), cursor).await?;
        self.noted.insert(channel.to_owned(), cursor);
        Ok(())
    }

    async fn note_all(&mut self) -> Result<(), StoreError> {
        for (channel, cursor) in self.cursors.clone() {
            if self.noted.get(&channel) != Some(&cursor) {
                self.note(&channel, cursor).await?;
            }
        }
        Ok(())
    }
}
