//! What the bot needs from outside: a store that remembers, and a courier for each platform.

use std::future::Future;
use std::time::Duration;

use super::event::{ChannelKey, MessageKey, Platform};
use super::policy::ChannelSettings;
use crate::reply::{Button, By, Post};
use crate::rules::keywords;

/// The store could not be read or written. What happened is for the log, not for people.
#[derive(Debug, thiserror::Error)]
#[error("storage: {0}")]
pub struct StoreError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// How far a channel has been read: the platform's own order of changes.
pub type Cursor = i64;

keywords! {
    /// Which of the posts about one message; each is there at most once.
    Part {
        /// The reply.
        Reply = "reply",
        /// The call for the team.
        Call = "call",
    }
}

/// What is to be visible for a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The message that is answered.
    pub key: MessageKey,
    /// Which of the posts about it.
    pub part: Part,
    /// The thread in which the answered message stands.
    pub thread: Option<String>,
    /// Who wrote the answered message.
    pub author: Option<String>,
    /// When it was posted, in milliseconds since 1970.
    pub posted_at: i64,
    /// The state of the message that was decided about; [`FINAL`] when nothing more is to be said.
    pub version: i64,
    /// What is to be visible; `None` withdraws it.
    pub post: Option<Post>,
    /// Only recorded: nothing is delivered.
    pub shadow: bool,
    /// The revision that this replaces; `None` where nothing was decided so far. If something else
    /// has been decided meanwhile, this is not noted.
    pub based_on: Option<i64>,
}

/// The version of a message about which nothing more is to be said: it is gone, or a person took the
/// reply away.
pub const FINAL: i64 = i64::MAX;

/// What the store knows of a message that was decided about.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// What was decided. Its `based_on` is this revision, so that it can be changed and decided again.
    pub wanted: Wanted,
    /// Where it stands, in the platform's words.
    pub place: Option<String>,
}

/// A post on its way: claimed by this process until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Identifies the row.
    pub id: i64,
    /// What is to be visible.
    pub wanted: Wanted,
    /// Counts the changes of what is wanted; delivering an old revision is not the end.
    pub revision: i64,
    /// Where it stands already, in the platform's words.
    pub delivered: Option<String>,
    /// How often delivery of this revision was tried before, as far as the outcome was not recorded as
    /// a success.
    pub attempts: u32,
    /// The number of this claim: outcomes are recorded for the latest claim of a row only.
    pub claim: i64,
    /// A delivery of some revision was begun since one was last recorded: a post may stand there that
    /// is not known, even if something else has been decided since.
    pub uncertain: bool,
}

/// Remembers what must survive a crash.
pub trait Store: Send + Sync + 'static {
    /// Notes what is to be visible for a message and how far its channel has been read, together.
    /// `false` when something else than `based_on` was decided meanwhile; then only the cursor is noted.
    fn decide(&self, wanted: &Wanted, cursor: Option<Cursor>) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Notes how far a channel has been read.
    fn advance(&self, channel: &ChannelKey, cursor: Cursor) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// How far a channel has been read; `None` when never.
    fn cursor(&self, channel: &ChannelKey) -> impl Future<Output = Result<Option<Cursor>, StoreError>> + Send;

    /// What was decided for a message.
    fn known(&self, key: &MessageKey, part: Part) -> impl Future<Output = Result<Option<Known>, StoreError>> + Send;

    /// How many messages of a channel, of one author where given, posted after `since` (milliseconds
    /// since 1970), have a reply.
    fn answered_since(
        &self,
        channel: &ChannelKey,
        author: Option<&str>,
        since: i64,
    ) -> impl Future<Output = Result<u32, StoreError>> + Send;

    /// How many messages of a channel would have been answered in shadow mode.
    fn shadowed(&self, channel: &ChannelKey) -> impl Future<Output = Result<u32, StoreError>> + Send;

    /// Messages of a platform that have a reply and were posted after `since`, with their threads, newest first.
    fn answered_messages(
        &self,
        platform: Platform,
        since: i64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<(MessageKey, Option<String>)>, StoreError>> + Send;

    /// Notes what a person did with a reply about these rules.
    fn note_feedback(
        &self,
        key: &MessageKey,
        rules: &[String],
        button: Button,
        by: &By,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The channels for which people chose settings, `None` for those that they opted out.
    fn chosen_channels(
        &self,
    ) -> impl Future<Output = Result<Vec<(ChannelKey, Option<ChannelSettings>)>, StoreError>> + Send;

    /// Notes what a person chose for a channel.
    fn choose_channel(
        &self,
        channel: &ChannelKey,
        settings: Option<&ChannelSettings>,
        by: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

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

    /// Notes that a revision is visible as `place`, or gone where that is `None`. Nothing is noted
    /// when another process has claimed the row since.
    fn delivered(&self, claimed: &Claimed, place: Option<&str>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that delivery failed: to be tried again after `retry`, or never where that is `None`.
    /// Nothing is noted when another process has claimed the row since.
    fn failed(
        &self,
        claimed: &Claimed,
        reason: &str,
        retry: Option<Duration>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that nothing is to be claimed for `time`, in one channel or on the whole platform where that is `None`:
    /// the platform asked for a pause, which holds for every process. A longer one that was noted before stays.
    fn hold(
        &self,
        platform: Platform,
        channel: Option<&ChannelKey>,
        time: Duration,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// When to look for the next reply of a platform, from now; `None` when none waits.
    fn next_due(&self, platform: Platform) -> impl Future<Output = Result<Option<Duration>, StoreError>> + Send;
}

/// A name that this process holds, such as a Discord shard, until its lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What is held.
    pub name: String,
    /// Who holds it: a name that no other process has.
    pub holder: String,
    /// Grows whenever the name is taken, so that who held it before can be told from who holds it now.
    pub fence: i64,
}

/// Lets one live process at a time hold a name. Its clock is the store's: those of the processes may
/// differ.
pub trait Leases: Send + Sync + 'static {
    /// Takes a name for `ttl`, which is at most a minute, when nobody holds it, its lease has ended, or
    /// this holder has it already; `None` when another holds it.
    fn acquire(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<Lease>, StoreError>> + Send;

    /// Holds a name for `ttl` from now; `false` when the lease has ended, even if nobody took the name since.
    fn renew(&self, lease: &Lease, ttl: Duration) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Gives a name back, so that another need not wait; nothing happens when the lease has ended.
    fn release(&self, lease: &Lease) -> impl Future<Output = Result<(), StoreError>> + Send;
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
    /// The platform asks for a pause.
    #[error("rate limited for {} ms", after.as_millis())]
    Limited {
        /// How long.
        after: Duration,
        /// In every channel, and not only in that of the message.
        everywhere: bool,
    },
    /// It will never work.
    #[error("cannot be delivered: {0}")]
    Never(String),
}

/// A post to be brought to its platform.
#[derive(Debug, Clone, Copy)]
pub struct Errand<'e> {
    /// The message that is answered.
    pub key: &'e MessageKey,
    /// Which of the posts about it.
    pub part: Part,
    /// The thread in which the answered message stands.
    pub thread: Option<&'e str>,
    /// What is to be visible.
    pub post: &'e Post,
    /// It was tried before and nobody knows how that ended: it may stand there already.
    pub uncertain: bool,
}

/// Carries posts to one platform. Every call may be repeated without a second effect.
pub trait Courier: Send + Sync + 'static {
    /// The platform that it delivers to.
    fn platform(&self) -> Platform;

    /// Makes a post visible and says where it stands; when it stands there already, says so again.
    fn post(&self, errand: Errand<'_>) -> impl Future<Output = Result<String, SendError>> + Send;

    /// Replaces a visible post.
    fn update(&self, errand: Errand<'_>, place: &str) -> impl Future<Output = Result<(), SendError>> + Send;

    /// Removes a visible post. Where its place was never recorded, because a process died between
    /// posting and recording, the courier looks for it.
    fn remove(
        &self,
        key: &MessageKey,
        part: Part,
        thread: Option<&str>,
        place: Option<&str>,
    ) -> impl Future<Output = Result<(), SendError>> + Send;
}
