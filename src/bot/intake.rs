//! Decides about every message: what is to be visible for it. The decision is durable before the
//! platform hears that the event was taken.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, watch};
use tracing::{debug, error, info};

use super::channels::Channels;
use super::commands::Commands;
use super::event::{ChannelKey, Event, Message, MessageKey};
use super::policy::{Cooldown, Cooldowns, Mode, Silence, may_answer};
use super::ports::{Cursor, FINAL, Part, Store, StoreError, Wanted};
use crate::diagnosis::Engine;
use crate::reply::{Composer, Post, Reply, words};

/// An answer to a message older than this says that it is late.
const LATE: Duration = Duration::from_secs(5 * 60);
/// Edits and deletions that are remembered against events out of order.
const LATER_MAX: usize = 1_024;
/// How often a decision is tried when the store fails: with the pauses between, for longer than a lease lasts.
const STORE_TRIES: u32 = 7;
/// The first pause after a failure; each further one doubles it.
const RETRY_FIRST: Duration = Duration::from_millis(200);
/// Channels that are decided about side by side at most.
const TURNS: usize = 64;
/// Another process can decide about the same message at once: so often is looked again at what it did.
const TRIES: usize = 5;
/// A message that nothing is known about is not answered when it is edited this long after it was posted: what
/// was said about it may have expired from the store, and would be said a second time.
const EDITED_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// What was decided about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// A reply will be posted, or replaced.
    Reply,
    /// The reply will be taken back.
    Withdraw,
    /// Nothing will be said.
    Silent(Silence),
}

/// Takes events and decides.
pub struct Intake<S> {
    engine: watch::Receiver<Arc<Engine>>,
    commands: Arc<Commands>,
    store: Arc<S>,
    channels: Arc<Channels<S>>,
    cooldowns: Cooldowns,
    /// Wakes the deliveries when there is something to deliver.
    wake: Arc<Notify>,
    /// Messages that were edited or deleted lately, and their versions since: the events of what they were may be decided
    /// about after that, for what is silent comes first to its turn.
    later: Mutex<VecDeque<(MessageKey, i64)>>,
    /// What was decided in one channel must be known to the next decision there.
    turns: [tokio::sync::Mutex<()>; TURNS],
}

impl<S: Store> Intake<S> {
    /// An intake for the watched channels; `wake` is told about every decision to deliver.
    pub fn new(
        engine: watch::Receiver<Arc<Engine>>,
        commands: Arc<Commands>,
        store: Arc<S>,
        channels: Arc<Channels<S>>,
        cooldowns: Cooldowns,
        wake: Arc<Notify>,
    ) -> Self {
        let turns = std::array::from_fn(|_| tokio::sync::Mutex::default());
        Self { engine, commands, store, channels, cooldowns, wake, later: Mutex::default(), turns }
    }

    /// Decides about one event; a store that fails is tried again. Before that, `settled` says whether the event is done
    /// with, or is no longer this process's business. Returns whether it is done with.
    pub async fn handle_patiently<F>(&self, event: &Event, settled: impl Fn() -> F) -> bool
    where
        F: Future<Output = Option<bool>>,
    {
        let mut pause = RETRY_FIRST;
        for tries_left in (0..STORE_TRIES).rev() {
            match self.handle(event, None).await {
                Ok(_) => return true,
                Err(error) => error!(message = %event.key(), error = %error, tries_left, "cannot decide"),
            }
            if tries_left == 0 {
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            if let Some(done) = settled().await {
                return done;
            }
        }
        false
    }

    /// Decides about one event. `cursor` is the event's place in its channel; it is noted together
    /// with a decision to say something. Silence writes nothing: to decide again after a crash
    /// leads to the same silence.
    pub async fn handle(&self, event: &Event, cursor: Option<Cursor>) -> Result<Decision, StoreError> {
        let decision = match event {
            Event::Posted(message) | Event::Edited(message) => {
                // Most messages end here: nothing is locked, read or written for them.
                match self.reply_to(message, matches!(event, Event::Posted(_))) {
                    Err(silence) if matches!(event, Event::Posted(_)) => Decision::Silent(silence),
                    found => {
                        let _turn = self.turn(&message.key.channel).await;
                        let edited = matches!(event, Event::Edited(_));
                        self.decide_about(message, edited, &found, cursor).await?
                    }
                }
            }
            Event::Deleted(key) => {
                let _turn = self.turn(&key.channel).await;
                self.deleted(key, cursor).await?
            }
        };
        match &decision {
            Decision::Silent(reason) => debug!(message = %event.key(), reason = reason.as_str(), "silent"),
            Decision::Reply => info!(message = %event.key(), "will reply"),
            Decision::Withdraw => info!(message = %event.key(), "will withdraw the reply"),
        }
        Ok(decision)
    }

    async fn turn(&self, channel: &ChannelKey) -> tokio::sync::MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        channel.hash(&mut hasher);
        self.turns[hasher.finish() as usize % TURNS].lock().await
    }

    async fn decide_about(
        &self,
        message: &Message,
        edited: bool,
        found: &Result<Reply, Silence>,
        cursor: Option<Cursor>,
    ) -> Result<Decision, StoreError> {
        for _ in 0..TRIES {
            if let Some(decision) = self.try_to_decide(message, edited, found, cursor).await? {
                return Ok(decision);
            }
        }
        Err(StoreError(format!("{} is being decided about elsewhere, again and again", message.key).into()))
    }

    /// `None` when another process decided about the message meanwhile.
    async fn try_to_decide(
        &self,
        message: &Message,
        edited: bool,
        found: &Result<Reply, Silence>,
        cursor: Option<Cursor>,
    ) -> Result<Option<Decision>, StoreError> {
        let silent = |silence| Ok(Some(Decision::Silent(silence)));
        let known = self.store.known(&message.key, Part::Reply).await?;
        if let Some(known) = &known
            && known.wanted.version >= message.version
        {
            let again = known.wanted.version == message.version;
            return silent(if again { Silence::AnsweredBefore } else { Silence::Outdated });
        }
        if edited {
            self.note_later(&message.key, message.version);
        }
        if self.has_later(&message.key, message.version) {
            return silent(Silence::Outdated);
        }
        if edited && known.is_none() && age_of(message) > EDITED_MAX {
            return silent(Silence::Outdated);
        }
        let reply = match found {
            Ok(reply) => self.new_in_thread(message, reply.clone()).await?,
            Err(Silence::NothingRecognised | Silence::NoText) => None,
            Err(reason) => return silent(*reason),
        };
        let settings = self.channels.settings_in(&message.key.channel, message.thread.as_deref());
        let shadow = !message.asked && settings.as_ref().is_some_and(|settings| settings.mode == Mode::Shadow);
        let visible = known.as_ref().and_then(|known| known.wanted.post.as_ref());
        let post = match (reply, visible) {
            (None, None) => {
                let told = message.thread.is_some() && known.is_none();
                return silent(if told { Silence::AnsweredInThread } else { Silence::NothingRecognised });
            }
            (reply, Some(visible)) if visible.reply() == reply.as_ref() => {
                return silent(Silence::Unchanged);
            }
            (None, Some(_)) => None,
            (Some(reply), visible) => {
                if visible.is_none()
                    && !message.asked
                    && let Some(reason) =
                        self.cooling_down(message, settings.as_ref().and_then(|it| it.cooldown)).await?
                {
                    return silent(reason);
                }
                let suggest = !message.asked && settings.is_some_and(|settings| settings.mode == Mode::Suggest);
                // A secret that is out is everybody's business.
                let quiet = suggest && reply.secrets.is_empty();
                Some(if quiet { Post::Suggestion { reply } } else { Post::answer(reply) })
            }
        };
        let wanted = Wanted {
            key: message.key.clone(),
            part: Part::Reply,
            thread: message.thread.clone(),
            author: Some(message.author.id.clone()),
            posted_at: message.posted_at,
            version: message.version,
            post,
            shadow,
            based_on: known.and_then(|known| known.wanted.based_on),
        };
        self.decide(wanted, cursor).await
    }

    async fn deleted(&self, key: &MessageKey, cursor: Option<Cursor>) -> Result<Decision, StoreError> {
        self.note_later(key, FINAL);
        let mut decision = Decision::Silent(Silence::NothingRecognised);
        for part in [Part::Call, Part::Reply] {
            for tried in 1.. {
                let Some(known) = self.store.known(key, part).await? else { break };
                if known.wanted.version == FINAL {
                    break;
                }
                let wanted = Wanted { post: None, version: FINAL, ..known.wanted };
                if let Some(decided) = self.decide(wanted, cursor).await? {
                    decision = decided;
                    break;
                }
                if tried == TRIES {
                    return Err(StoreError(format!("{key} is being decided about elsewhere, again and again").into()));
                }
            }
        }
        Ok(decision)
    }

    /// `None` when something else has been decided since this was based on.
    async fn decide(&self, wanted: Wanted, cursor: Option<Cursor>) -> Result<Option<Decision>, StoreError> {
        if !self.store.decide(&wanted, cursor).await? {
            return Ok(None);
        }
        if wanted.shadow {
            return Ok(Some(Decision::Silent(Silence::Shadow)));
        }
        self.wake.notify_waiters();
        Ok(Some(if wanted.post.is_some() { Decision::Reply } else { Decision::Withdraw }))
    }

    /// Remembers that a message has this version now.
    fn note_later(&self, key: &MessageKey, version: i64) {
        let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = later.iter_mut().find(|(known, _)| known == key) {
            *known = version.max(*known);
            return;
        }
        if later.len() == LATER_MAX {
            later.pop_front();
        }
        later.push_back((key.clone(), version));
    }

    /// Whether something later than this version is known of a message.
    fn has_later(&self, key: &MessageKey, version: i64) -> bool {
        let later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
        later.iter().any(|(known, later)| *later > version && known == key)
    }

    /// What the rules say to a message.
    fn reply_to(&self, message: &Message, is_new: bool) -> Result<Reply, Silence> {
        let settings = self.channels.settings_in(&message.key.channel, message.thread.as_deref());
        may_answer(settings.as_ref(), message)?;
        let mut reply = match settings {
            _ if message.asked => self.commands.asked(&message.text),
            Some(settings) => {
                let engine = Arc::clone(&self.engine.borrow());
                let outcome = engine.diagnose(&message.text, settings.scope);
                Composer::new(&engine).unasked(&outcome).ok_or(Silence::NothingRecognised)?
            }
            None => return Err(Silence::NotWatched),
        };
        let age = age_of(message);
        if is_new && age > LATE && reply.note.is_none() {
            reply.note = Some(words::late(age.as_secs() / 60));
        }
        Ok(reply)
    }

    /// The reply without what the thread was told before; `None` when nothing new remains.
    async fn new_in_thread(&self, message: &Message, mut reply: Reply) -> Result<Option<Reply>, StoreError> {
        let Some(thread) = message.thread.as_deref().filter(|_| !message.asked) else { return Ok(Some(reply)) };
        let told = self.store.rules_in_thread(&message.key.channel, thread, &message.key).await?;
        reply.answers.retain(|answer| !told.contains(&answer.rule));
        Ok((!reply.answers.is_empty() || !reply.secrets.is_empty()).then_some(reply))
    }

    /// Whether enough was said for now. Counted up to the message itself, so that messages of the
    /// past are decided about as they would have been then.
    async fn cooling_down(&self, message: &Message, chosen: Option<Cooldown>) -> Result<Option<Silence>, StoreError> {
        let Cooldowns { author, channel } = self.cooldowns;
        let said = async |by: Option<&str>, Cooldown { answers, window }: Cooldown| {
            let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
            let since = message.posted_at.saturating_sub(window);
            Ok::<_, StoreError>(self.store.answered_since(&message.key.channel, by, since).await? >= answers)
        };
        if said(Some(&message.author.id), author).await? {
            return Ok(Some(Silence::AuthorCooldown));
        }
        Ok(said(None, chosen.unwrap_or(channel)).await?.then_some(Silence::ChannelCooldown))
    }
}

fn age_of(message: &Message) -> Duration {
    now().saturating_sub(Duration::from_millis(message.posted_at.max(0).unsigned_abs()))
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
