//! The local workspace: a small chat of its own, so that the bot runs with no account anywhere.
//!
//! It is a platform like Discord and Slack: messages become [`crate::bot::Event`]s, replies come
//! back through the outbox by [`LocalCourier`]. Its history ([`ChatLog`]) is the source of truth,
//! read by change number; what happened while the bot was away is read the same way.

mod chat;
mod convert;
mod run;

use std::future::Future;

pub use chat::{Chat, ChatError, LocalCourier, MESSAGE_MAX};
pub use convert::channel_key;
pub use run::{follow, run};

use crate::bot::ports::StoreError;
use crate::reply::Reply;

/// The name of the bot in the local workspace.
pub const BOT_NAME: &str = "oktriage";

/// A message of the local workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatMessage {
    /// Its number.
    pub id: i64,
    /// The channel's name.
    pub channel: String,
    /// The message that started the thread in which it stands.
    pub thread: Option<i64>,
    /// Who wrote it.
    pub author: String,
    /// Written by the bot.
    pub is_bot: bool,
    /// The text; empty for the bot.
    pub text: String,
    /// What the bot says.
    pub reply: Option<Reply>,
    /// Milliseconds since 1970.
    pub posted_at: i64,
    /// The text was changed.
    pub edited: bool,
    /// The message is gone.
    pub deleted: bool,
    /// The place of its last change in the order of all changes.
    pub change: i64,
}

/// A message to be added.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'d> {
    /// The channel's name.
    pub channel: &'d str,
    /// The message that started the thread.
    pub thread: Option<i64>,
    /// Who writes it.
    pub author: &'d str,
    /// The text.
    pub text: &'d str,
    /// What the bot says.
    pub reply: Option<&'d Reply>,
    /// The message that the bot answers: there is one answer to a message.
    pub answers: Option<i64>,
}

/// The history of the local workspace.
pub trait ChatLog: Send + Sync + 'static {
    /// Adds a message; a second answer to the same message replaces the first.
    fn add(&self, draft: Draft<'_>) -> impl Future<Output = Result<ChatMessage, StoreError>> + Send;
    /// Changes a message; `None` when it is gone.
    fn edit(
        &self,
        id: i64,
        text: &str,
        reply: Option<&Reply>,
    ) -> impl Future<Output = Result<Option<ChatMessage>, StoreError>> + Send;
    /// Removes a message; `None` when it is gone already.
    fn delete(&self, id: i64) -> impl Future<Output = Result<Option<ChatMessage>, StoreError>> + Send;
    /// One message.
    fn message(&self, id: i64) -> impl Future<Output = Result<Option<ChatMessage>, StoreError>> + Send;
    /// The number of the bot's answer to a message.
    fn answer_to(&self, id: i64) -> impl Future<Output = Result<Option<i64>, StoreError>> + Send;
    /// Messages that changed behind `after`, in the order of their last change.
    fn changes(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<ChatMessage>, StoreError>> + Send;
    /// The place of the last change of all; 0 when there was none.
    fn last_change(&self) -> impl Future<Output = Result<i64, StoreError>> + Send;
    /// The latest messages of a channel that are not gone, oldest first.
    fn history(&self, channel: &str, limit: u32) -> impl Future<Output = Result<Vec<ChatMessage>, StoreError>> + Send;
}
