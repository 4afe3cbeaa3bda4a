//! Takes Discord's events, and has them decided about.

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::sync::Arc;

use serenity::async_trait;
use serenity::cache::Cache;
use serenity::client::{Context, EventHandler};
use serenity::gateway::{ConnectionStage, ShardStageUpdateEvent};
use serenity::http::Route;
use serenity::model::application::Interaction;
use serenity::model::channel::Message;
use serenity::model::event::MessageUpdateEvent;
use serenity::model::gateway::Ready;
use serenity::model::id::{ChannelId, GuildId, MessageId, UserId};
use tracing::{info, warn};

use super::attachments::Attachments;
use super::convert::{Said, millis};
use super::places::{Place, Places};
use super::rest::{CallError, Rest, code};
use super::starts::Starts;
use super::waiting::{Ids, Job, Shift, Waiting};
use super::{catch_up, commands, press};
use crate::bot::ports::{Cursor, Store};
use crate::bot::{Bot, ChannelKey, Event, Marks, MessageKey};

/// How often a single message is read again when Discord is in trouble.
const READ_TRIES: u32 = 4;

/// What all events need.
pub(super) struct Handler<S> {
    pub(super) bot: Bot<S>,
    pub(super) rest: Arc<Rest>,
    pub(super) attachments: Attachments,
    pub(super) command_guilds: Vec<String>,
    pub(super) marks: Marks<S>,
    pub(super) places: Places,
    pub(super) waiting: Waiting,
    pub(super) starts: Starts,
}

/// The place of a message in its channel's progress.
pub(super) fn cursor(message: MessageId) -> Cursor {
    Cursor::try_from(message.get()).unwrap_or(Cursor::MAX)
}

/// The bot's own id; the cache knows it before the first event is told.
pub(super) fn me(cache: &Cache) -> UserId {
    cache.current_user().id
}

impl<S: Store> Handler<S> {
    fn is_watched(&self, place: &Place) -> bool {
        self.bot.channels.settings_in(&place.channel, place.thread.as_deref()).is_some()
    }

    /// Hears a message that was posted or edited. What is nobody's business ends here; the rest gets a
    /// place in the queue, or is remembered where that is full. Waits for nothing.
    fn hear(&self, cache: &Cache, said: Said) {
        let place = self.places.known(cache, said.guild_id, said.channel_id);
        let watched = place.as_ref().map(|place| self.is_watched(place));
        if said.is_bot || (watched == Some(false) && !said.asks()) {
            return;
        }
        let ids = said.ids();
        let is_new = said.edited_at.is_none();
        let Some(place) = place.filter(|_| watched == Some(true) && is_new) else {
            // Of an unknown place, nothing can be marked as under way: those come first.
            let urgent = watched.is_none();
            if self.waiting.put(Job::Message(Box::new(said), None), urgent).is_err() {
                self.put(Job::Look(ids), urgent);
            }
            return;
        };
        self.marks.begin(&place.channel, cursor(ids.message));
        if self.waiting.put(Job::Message(Box::new(said), Some(place.channel.clone())), false).is_err() {
            match self.waiting.pass(&place.channel, ids.channel, ids.message) {
                Some(covered) => self.marks.end(&place.channel, cursor(covered)),
                None => {
                    warn!(channel = %ids.channel, "messages come faster than they can be held; some are read afterwards");
                }
            }
        }
    }

    fn put(&self, job: Job, urgent: bool) {
        if self.waiting.put(job, urgent).is_err() {
            warn!(
                "more edits and deletions than can be held; the last answered messages are looked at again at the next start"
            );
        }
    }

    /// Does what waits, until nothing does.
    async fn work(&self, cache: &Cache) {
        let _shift = Shift(&self.waiting);
        while let Some(job) = self.waiting.next() {
            // The largest of them is made only when it is its turn.
            match job {
                Job::Message(said, marked) => Box::pin(self.take(cache, *said, marked)).await,
                Job::Look(ids) => _ = Box::pin(self.look_at(cache, ids, false)).await,
                Job::Gone(ids) => Box::pin(self.forget(cache, ids)).await,
                Job::Read(stretch) => {
                    let (key, first) = (stretch.key.clone(), cursor(stretch.first));
                    Box::pin(catch_up::stretch(self, cache, stretch)).await;
                    self.marks.end(&key, first);
                    self.waiting.read();
                }
            }
        }
    }

    /// Takes a message that was posted or edited, which may be marked as under way in a channel.
    pub(super) async fn take(&self, cache: &Cache, said: Said, mut marked: Option<ChannelKey>) {
        let id = cursor(said.id);
        let done = self.done_with(cache, said, &mut marked).await;
        match marked {
            Some(channel) if done => self.marks.end(&channel, id),
            Some(channel) => self.marks.leave(&channel, id),
            None => {}
        }
    }

    /// Whether a decision was made about a message, if it takes one. Until then it is marked as under way.
    async fn done_with(&self, cache: &Cache, said: Said, marked: &mut Option<ChannelKey>) -> bool {
        if said.is_bot {
            return true;
        }
        let Some(place) = self.places.find(cache, &self.rest, said.guild_id, said.channel_id).await else {
            return true;
        };
        let watched = self.is_watched(&place);
        if !watched && !said.asks() {
            return true;
        }
        let is_new = said.edited_at.is_none();
        if watched && is_new && marked.is_none() {
            self.marks.begin(&place.channel, cursor(said.id));
            *marked = Some(place.channel.clone());
        }
        let attached = self.attachments.text(said.files()).await;
        let message = said.into_message(place, me(cache), &attached);
        self.decide(&if is_new { Event::Posted(message) } else { Event::Edited(message) }).await
    }

    /// Looks at a message itself, of which only the ids are known; where `edited_only`, unless it is as it was posted.
    /// Whether that was done, as far as anything can be done.
    pub(super) async fn look_at(&self, cache: &Cache, ids: Ids, edited_only: bool) -> bool {
        match self.read(ids).await {
            Ok(message) if edited_only && message.edited_timestamp.is_none() => {}
            Ok(message) => {
                if let Some(said) = Said::posted(message, me(cache)) {
                    self.take(cache, said.of(ids.guild), None).await;
                }
            }
            Err(error) if matches!(error.code(), Some(code::UNKNOWN_MESSAGE | code::UNKNOWN_CHANNEL)) => {
                self.forget(cache, ids).await;
            }
            Err(error) => {
                warn!(message = %ids.message, error = %error, "a message cannot be looked at");
                return !error.may_pass();
            }
        }
        true
    }

    /// Takes the news that a message is gone.
    async fn forget(&self, cache: &Cache, ids: Ids) {
        let Some(place) = self.places.find(cache, &self.rest, ids.guild, ids.channel).await else { return };
        self.decide(&Event::Deleted(MessageKey { channel: place.channel, message: ids.message.to_string() })).await;
    }

    /// Whether a decision was made; a store that fails is tried again.
    async fn decide(&self, event: &Event) -> bool {
        // Who holds no shard any more does not hear what became of the message; who holds it now has read it.
        let is_deaf = || self.bot.pulse.connections() == 0;
        let settled = async || match is_deaf() {
            true => Some(false),
            false => self.is_outdated(event).await.then_some(true),
        };
        !is_deaf() && self.bot.intake.handle_patiently(event, settled).await
    }

    /// Whether something later happened to a message. It had its own event, which may have been decided about already.
    async fn is_outdated(&self, event: &Event) -> bool {
        let (Event::Posted(message) | Event::Edited(message)) = event else { return false };
        let channel = message.thread.as_deref().unwrap_or(&message.key.channel.channel);
        let (Ok(channel), Ok(id)) = (channel.parse::<NonZeroU64>(), message.key.message.parse::<NonZeroU64>()) else {
            return false;
        };
        match self.read(Ids { guild: None, channel: channel.into(), message: id.into() }).await {
            Ok(now) => now.edited_timestamp.is_some_and(|edited| millis(edited) > message.version),
            Err(error) => matches!(error.code(), Some(code::UNKNOWN_MESSAGE | code::UNKNOWN_CHANNEL)),
        }
    }

    async fn read(&self, ids: Ids) -> Result<Message, CallError> {
        let route = Route::ChannelMessage { channel_id: ids.channel, message_id: ids.message };
        let value = self.rest.read(route, &[], READ_TRIES).await?;
        serde_json::from_value(value).map_err(|error| CallError::Unreachable(format!("an odd message: {error}")))
    }
}

/// What serenity tells. Its tasks end at once, and what is to be done goes to workers.
pub(super) struct Ears<S>(pub(super) Arc<Handler<S>>);

impl<S: Store> Ears<S> {
    /// One more worker for what was put into the queue, unless there are enough.
    fn call_worker(&self, cache: &Arc<Cache>) {
        if self.0.waiting.begin() {
            let (handler, cache) = (Arc::clone(&self.0), Arc::clone(cache));
            tokio::spawn(async move { handler.work(&cache).await });
        }
    }
}

#[async_trait]
impl<S: Store> EventHandler for Ears<S> {
    async fn ready(&self, context: Context, ready: Ready) {
        info!(user = %ready.user.name, guilds = ready.guilds.len(), shard = context.shard_id.0, "connected to Discord");
        let guilds: HashSet<String> = ready.guilds.iter().map(|guild| guild.id.to_string()).collect();
        let registering = async {
            if context.shard_id.0 == 0 {
                commands::register(&context.http, &self.0.command_guilds).await;
            }
        };
        // Side by side: catching up keeps the cursors from passing what was missed, however long registering takes.
        tokio::join!(catch_up::run(&self.0, &context.cache, &guilds), registering);
    }

    async fn shard_stage_update(&self, _: Context, event: ShardStageUpdateEvent) {
        if event.new == ConnectionStage::Identifying {
            self.0.starts.started();
        }
    }

    async fn message(&self, context: Context, message: Message) {
        if let Some(said) = Said::posted(message, me(&context.cache)) {
            self.0.hear(&context.cache, said);
            self.call_worker(&context.cache);
        }
    }

    async fn message_update(
        &self,
        context: Context,
        _: Option<Message>,
        _: Option<Message>,
        event: MessageUpdateEvent,
    ) {
        if event.edited_timestamp.is_none() {
            // Discord added the preview of a link.
            return;
        }
        let ids = Ids { guild: event.guild_id, channel: event.channel_id, message: event.id };
        match Said::edited(event, me(&context.cache)) {
            Some(said) => self.0.hear(&context.cache, said),
            None => self.0.put(Job::Look(ids), false),
        }
        self.call_worker(&context.cache);
    }

    async fn message_delete(&self, context: Context, channel: ChannelId, message: MessageId, guild: Option<GuildId>) {
        self.0.put(Job::Gone(Ids { guild, channel, message }), false);
        self.call_worker(&context.cache);
    }

    async fn message_delete_bulk(
        &self,
        context: Context,
        channel: ChannelId,
        messages: Vec<MessageId>,
        guild: Option<GuildId>,
    ) {
        for message in messages {
            self.0.put(Job::Gone(Ids { guild, channel, message }), false);
        }
        self.call_worker(&context.cache);
    }

    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        match interaction {
            Interaction::Component(pressed) => press::button(&self.0, &context, pressed).await,
            Interaction::Modal(submitted) => press::modal(&self.0, &context, submitted).await,
            // Commands and their completions are poise's.
            _ => {}
        }
    }
}
