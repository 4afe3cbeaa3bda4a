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
    let mut changed = reader.chat.changed();
    while !*shutdown.borrow() {
        // Seen before looking, so that a change made meanwhile is not missed.
        changed.mark_unchanged();
        let pause = match reader.read().await {
            Ok(()) => IDLE,
            Err(error) => {
                error!(error = %error, "the local workspace cannot be read; trying again");
                RETRY
            }
        };
        tokio::select! {
            _ = changed.changed() => {}
            () = tokio::time::sleep(pause) => {}
            _ = shutdown.changed() => {}
        }
    }
    if let Err(error) = reader.note_all().await {
        error!(error = %error, "cannot note how far the local workspace was read; it will be read again");
    }
}

/// Shows every change behind `seen`, of this process and of others, to whoever looks at the page; until
/// told to stop.
pub async fn follow<L: ChatLog>(chat: Arc<Chat<L>>, mut seen: Cursor, mut shutdown: watch::Receiver<bool>) {
    let mut changed = chat.changed();
    while !*shutdown.borrow() {
        changed.mark_unchanged();
        let pause = match show_changes(&chat, &mut seen).await {
            Ok(()) => IDLE,
            Err(error) => {
                error!(error = %error, "the local workspace cannot be read; trying again");
                RETRY
            }
        };
        tokio::select! {
            _ = changed.changed() => {}
            () = tokio::time::sleep(pause) => {}
            _ = shutdown.changed() => {}
        }
    }
}

async fn show_changes<L: ChatLog>(chat: &Chat<L>, seen: &mut Cursor) -> Result<(), StoreError> {
    loop {
        let mut changes = Vec::new();
        let mut until = Cursor::MAX;
        for channel in chat.channels() {
            let batch = chat.log().changes(channel, *seen, BATCH).await?;
            // What follows a full batch is not known yet, and may come before what others have.
            if batch.len() == BATCH as usize {
                until = until.min(batch.last().map_or(until, |message| message.change));
            }
            changes.extend(batch);
        }
        changes.retain(|message| message.change <= until);
        changes.sort_by_key(|message| message.change);
        let Some(last) = changes.last() else { return Ok(()) };
        *seen = last.change;
        changes.into_iter().for_each(|message| chat.show(message));
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
