//! What the bot needs from outside: a store that remembers, and a courier for each platform.

use std::future::Future;
use std::time::Duration;

use super::event::{ChannelKey, MessageKey, Platform};
use crate::reply::Reply;

/// The store could not be read or written. What happened is for the log, not for people.
#[derive(Debug, thiserror::Error)]
#[error("storage: {0}")]
pub struct StoreError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// How far a channel has been read: the platform's own order of changes.
pub type Cursor = i64;

/// What is to be visible for a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The message that is answered.
    pub key: MessageKey,
    /// The message that started the thread in which the answered one stands.
    pub thread: Option<String>,
    /// The reply; `None` withdraws it.
    pub reply: Option<Reply>,
}

/// What the store knows of a message that was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The reply that is to be visible; `None` when it was withdrawn.
    pub reply: Option<Reply>,
}

/// A reply on its way: claimed by this process until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Identifies the row.
    pub id: i64,
    /// What is to be visible.
    pub wanted: Wanted,
    /// Counts the changes of what is wanted; delivering an old revision is not the end.
    pub revision: i64,
    /// Where the reply stands already, in the platform's words.
    pub delivered: Option<String>,
    /// How often delivery was tried.
    pub attempts: u32,
}

/// Remembers what must survive a crash.
pub trait Store: Send + Sync + 'static {
    /// Notes what is to be visible for a message and how far its channel has been read, together.
    fn decide(&self, wanted: &Wanted, cursor: Option<Cursor>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes how far a channel has been read.
    fn advance(&self, channel: &ChannelKey, cursor: Cursor) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// How far a channel has been read; `None` when never.
    fn cursor(&self, channel: &ChannelKey) -> impl Future<Output = Result<Option<Cursor>, StoreError>> + Send;

    /// What was decided for a message.
    fn known(&self, key: &MessageKey) -> impl Future<Output = Result<Option<Known>, StoreError>> + Send;

    /// The ids of the rules that were answered in a thread, to other messages than `except`.
    fn rules_in_thread(
        &self,
        channel: &ChannelKey,
        thread: &str,
        except: &MessageKey,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Claims replies of a platform that are due, oldest first, until `lease` has passed.
    fn claim(
        &self,
        platform: Platform,
        lease: Duration,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Claimed>, StoreError>> + Send;

    /// Notes that a revision is visible as `place`, or gone where that is `None`.
    fn delivered(&self, claimed: &Claimed, place: Option<&str>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that delivery failed: to be tried again after `retry`, or never where that is `None`.
    fn failed(
        &self,
        claimed: &Claimed,
        reason: &str,
        retry: Option<Duration>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// When the next reply of a platform is due, from now; `None` when none waits.
    fn next_due(&self, platform: Platform) -> impl Future<Output = Result<Option<Duration>, StoreError>> + Send;
}

/// Why a platform did not take a reply.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It may work later, at the earliest after the given time.
    #[error("will be tried again: {reason}")]
    Later {
        /// For the log.
        reason: String,
        /// What the platform asked for.
        after: Option<Duration>,
    },
    /// It will never work.
    #[error("cannot be delivered: {0}")]
    Never(String),
}

/// Carries replies to one platform. Every call may be repeated without a second effect.
pub trait Courier: Send + Sync + 'static {
    /// The platform that it delivers to.
    fn platform(&self) -> Platform;

    /// Makes a reply visible and says where it stands; when it stands there already, says so again.
    fn post(
        &self,
        key: &MessageKey,
        thread: Option<&str>,
        reply: &Reply,
    ) -> impl Future<Output = Result<String, SendError>> + Send;

    /// Replaces a visible reply.
    fn update(
        &self,
        key: &MessageKey,
        place: &str,
        reply: &Reply,
    ) -> impl Future<Output = Result<(), SendError>> + Send;

    /// Removes a visible reply. Where its place was never recorded, because a process died between
    /// posting and recording, the courier looks for it.
    fn remove(&self, key: &MessageKey, place: Option<&str>) -> impl Future<Output = Result<(), SendError>> + Send;
}
