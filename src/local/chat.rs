//! Posting, editing and deleting in the local workspace, and the courier of the bot's replies.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use super::{BOT_NAME, ChatLog, ChatMessage, Draft};
use crate::bot::event::{MessageKey, Platform};
use crate::bot::ports::{Courier, Errand, Part, SendError, StoreError};

/// The longest message, in bytes: as much as the most generous chat platform takes.
pub const MESSAGE_MAX: usize = 40_000;
/// The longest name of an author, in characters.
const AUTHOR_MAX: usize = 40;
/// Updates that a slow page may be behind before it has to read the history again.
const UPDATES: usize = 256;

/// Why something was not done in the chat, in words for the person who tried.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// No such channel.
    #[error("there is no channel of this name")]
    NoChannel,
    /// No such message, or not one that may be changed.
    #[error("this message is gone, or not yours to change")]
    NoMessage,
    /// There is nothing in it.
    #[error("the message is empty")]
    Empty,
    /// It is longer than [`MESSAGE_MAX`].
    #[error("the message is longer than {MESSAGE_MAX} bytes; paste the part around the error")]
    TooLong,
    /// The history cannot be written; the details are for the log.
    #[error("the message could not be saved; please try again")]
    Store(#[from] StoreError),
}

/// The local workspace's chat.
pub struct Chat<L> {
    log: Arc<L>,
    channels: Vec<String>,
    updates: broadcast::Sender<ChatMessage>,
    changed: watch::Sender<()>,
}

impl<L: ChatLog> Chat<L> {
    /// A chat with these channels over a history.
    pub fn new(log: Arc<L>, channels: Vec<String>) -> Self {
        Self { log, channels, updates: broadcast::Sender::new(UPDATES), changed: watch::Sender::new(()) }
    }

    /// The channels' names.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    /// The history.
    pub fn log(&self) -> &L {
        &self.log
    }

    /// Every change from now on.
    pub fn updates(&self) -> broadcast::Receiver<ChatMessage> {
        self.updates.subscribe()
    }

    /// Told whenever something may have changed.
    pub fn changed(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Something may have changed, perhaps by another process: the history is looked at.
    pub fn look(&self) {
        self.changed.send_replace(());
    }

    /// Shows a change to whoever looks. The history says what changed in which order, so that pages of
    /// all processes see the same.
    pub(super) fn show(&self, message: ChatMessage) {
        // Nobody has to be looking.
        let _ = self.updates.send(message);
    }

    /// Posts a message of a person.
    pub async fn post(
        &self,
        channel: &str,
        thread: Option<i64>,
        author: &str,
        text: &str,
    ) -> Result<ChatMessage, ChatError> {
        let text = checked(text)?;
        if !self.channels.iter().any(|known| known == channel) {
            return Err(ChatError::NoChannel);
        }
        if let Some(thread) = thread {
            let root = self.log.message(thread).await?;
            if root.is_none_or(|root| root.channel != channel || root.thread.is_some() || root.deleted) {
                return Err(ChatError::NoMessage);
            }
        }
        let author: String = author.trim().chars().filter(|char| !char.is_control()).take(AUTHOR_MAX).collect();
        let author = if author.is_empty() || author == BOT_NAME { "you" } else { &author };
        let message = self.log.add(Draft { channel, thread, author, text, reply: None, answers: None }).await?;
        self.look();
        Ok(message)
    }

    /// Changes the text of a person's message.
    pub async fn edit(&self, id: i64, text: &str) -> Result<ChatMessage, ChatError> {
        let text = checked(text)?;
        self.written_by_a_person(id).await?;
        let message = self.log.edit(id, text, None).await?.ok_or(ChatError::NoMessage)?;
        self.look();
        Ok(message)
    }

    /// Removes a person's message.
    pub async fn delete(&self, id: i64) -> Result<(), ChatError> {
        self.written_by_a_person(id).await?;
        self.log.delete(id).await?.ok_or(ChatError::NoMessage)?;
        self.look();
        Ok(())
    }

    async fn written_by_a_person(&self, id: i64) -> Result<(), ChatError> {
        let message = self.log.message(id).await?;
        message.filter(|message| !message.is_bot && !message.deleted).map(|_| ()).ok_or(ChatError::NoMessage)
    }
}

fn checked(text: &str) -> Result<&str, ChatError> {
    let text = text.trim_end();
    match text.len() {
        0 => Err(ChatError::Empty),
        1..=MESSAGE_MAX => Ok(text),
        _ => Err(ChatError::TooLong),
    }
}

/// Puts the bot's replies into the local chat.
pub struct LocalCourier<L> {
    chat: Arc<Chat<L>>,
}

impl<L: ChatLog> LocalCourier<L> {
    /// A courier to a chat.
    pub fn new(chat: Arc<Chat<L>>) -> Self {
        Self { chat }
    }
}

impl<L: ChatLog> Courier for LocalCourier<L> {
    fn platform(&self) -> Platform {
        Platform::Local
    }

    async fn post(&self, errand: Errand<'_>) -> Result<String, SendError> {
        let answers = number(&errand.key.message)?;
        let thread = errand.thread.map(number).transpose()?.unwrap_or(answers);
        let draft = Draft {
            channel: &errand.key.channel.channel,
            thread: Some(thread),
            author: BOT_NAME,
            text: "",
            reply: errand.post.reply(),
            answers: Some(answers),
        };
        let message = self.chat.log.add(draft).await.map_err(later)?;
        self.chat.look();
        Ok(message.id.to_string())
    }

    async fn update(&self, errand: Errand<'_>, place: &str) -> Result<(), SendError> {
        match self.chat.log.edit(number(place)?, "", errand.post.reply()).await.map_err(later)? {
            Some(_) => {
                self.chat.look();
                Ok(())
            }
            None => Err(SendError::Never("the reply is gone".to_owned())),
        }
    }

    async fn remove(&self, key: &MessageKey, _: Part, _: Option<&str>, place: Option<&str>) -> Result<(), SendError> {
        let reply = match place {
            Some(place) => Some(number(place)?),
            None => self.chat.log.answer_to(number(&key.message)?).await.map_err(later)?,
        };
        let Some(reply) = reply else { return Ok(()) };
        if self.chat.log.delete(reply).await.map_err(later)?.is_some() {
            self.chat.look();
        }
        Ok(())
    }
}

fn number(id: &str) -> Result<i64, SendError> {
    id.parse().map_err(|_| SendError::Never(format!("{id} is no message of the local workspace")))
}

fn later(error: StoreError) -> SendError {
    SendError::Later { reason: error.to_string(), after: None }
}
