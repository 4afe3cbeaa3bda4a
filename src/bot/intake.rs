//! Decides about every message: what is to be visible for it. The decision is durable before the
//! platform hears that the event was taken.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, watch};
use tracing::{debug, info};

use super::event::{ChannelKey, Event, Message};
use super::policy::{ChannelSettings, Silence, may_answer};
use super::ports::{Cursor, Store, StoreError, Wanted};
use crate::diagnosis::Engine;
use crate::reply::{Composer, Reply, words};

/// An answer to a message older than this says that it is late.
const LATE: Duration = Duration::from_secs(5 * 60);

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
    store: Arc<S>,
    channels: HashMap<ChannelKey, ChannelSettings>,
    /// Wakes the delivery of a platform when there is something to deliver.
    wake: Arc<Notify>,
}

impl<S: Store> Intake<S> {
    /// An intake for the watched channels; `wake` is told about every decision to deliver.
    pub fn new(
        engine: watch::Receiver<Arc<Engine>>,
        store: Arc<S>,
        channels: HashMap<ChannelKey, ChannelSettings>,
        wake: Arc<Notify>,
    ) -> Self {
        Self { engine, store, channels, wake }
    }

    /// Decides about one event. `cursor` is the event's place in its channel; it is noted together
    /// with a decision to say something. Silence writes nothing: to decide again after a crash
    /// leads to the same silence.
    pub async fn handle(&self, event: &Event, cursor: Option<Cursor>) -> Result<Decision, StoreError> {
        let decision = match event {
            Event::Posted(message) => self.posted(message, cursor).await?,
            Event::Edited(message) => self.edited(message, cursor).await?,
            Event::Deleted(key) => match self.store.known(key).await? {
                Some(known) if known.reply.is_some() => {
                    self.decide(&Wanted { key: key.clone(), thread: None, reply: None }, cursor).await?
                }
                _ => Decision::Silent(Silence::NothingRecognised),
            },
        };
        match &decision {
            Decision::Silent(reason) => debug!(message = %event.key(), reason = reason.as_str(), "silent"),
            Decision::Reply => info!(message = %event.key(), "will reply"),
            Decision::Withdraw => info!(message = %event.key(), "will withdraw the reply"),
        }
        Ok(decision)
    }

    async fn posted(&self, message: &Message, cursor: Option<Cursor>) -> Result<Decision, StoreError> {
        let reply = match self.reply_to(message) {
            Ok(reply) => reply,
            Err(silence) => return Ok(Decision::Silent(silence)),
        };
        if self.store.known(&message.key).await?.is_some() {
            return Ok(Decision::Silent(Silence::AnsweredBefore));
        }
        match self.new_in_thread(message, reply).await? {
            Some(reply) => self.decide(&wanted(message, Some(reply)), cursor).await,
            None => Ok(Decision::Silent(Silence::AnsweredInThread)),
        }
    }

    async fn edited(&self, message: &Message, cursor: Option<Cursor>) -> Result<Decision, StoreError> {
        let known = self.store.known(&message.key).await?;
        let visible = known.and_then(|known| known.reply);
        let reply = match self.reply_to(message) {
            Ok(reply) => self.new_in_thread(message, reply).await?,
            Err(Silence::NothingRecognised | Silence::NoText) => None,
            Err(silence) => return Ok(Decision::Silent(silence)),
        };
        if visible == reply {
            return Ok(Decision::Silent(if reply.is_some() { Silence::Unchanged } else { Silence::NothingRecognised }));
        }
        self.decide(&wanted(message, reply), cursor).await
    }

    async fn decide(&self, wanted: &Wanted, cursor: Option<Cursor>) -> Result<Decision, StoreError> {
        self.store.decide(wanted, cursor).await?;
        self.wake.notify_one();
        Ok(if wanted.reply.is_some() { Decision::Reply } else { Decision::Withdraw })
    }

    /// What the rules say to a message.
    fn reply_to(&self, message: &Message) -> Result<Reply, Silence> {
        let settings = may_answer(self.channels.get(&message.key.channel).copied(), message)?;
        let engine = Arc::clone(&self.engine.borrow());
        let outcome = engine.diagnose(&message.text, settings.scope);
        let mut reply = Composer::new(&engine).unasked(&outcome).ok_or(Silence::NothingRecognised)?;
        let age = now().saturating_sub(Duration::from_millis(message.posted_at.max(0).unsigned_abs()));
        if age > LATE {
            reply.note = Some(words::late(age.as_secs() / 60));
        }
        Ok(reply)
    }

    /// The reply without what the thread was told before; `None` when nothing new remains.
    async fn new_in_thread(&self, message: &Message, mut reply: Reply) -> Result<Option<Reply>, StoreError> {
        let Some(thread) = &message.thread else { return Ok(Some(reply)) };
        let told = self.store.rules_in_thread(&message.key.channel, thread, &message.key).await?;
        reply.answers.retain(|answer| !told.contains(&answer.rule));
        Ok((!reply.answers.is_empty() || !reply.secrets.is_empty()).then_some(reply))
    }
}

fn wanted(message: &Message, reply: Option<Reply>) -> Wanted {
    Wanted { key: message.key.clone(), thread: message.thread.clone(), reply }
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
