//! Events in: what Discord's gateway tells, handed to the bot.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use serenity::async_trait;
use serenity::cache::Cache;
use serenity::client::{Context, EventHandler, RawEventHandler};
use serenity::http::{LightMethod, Route};
use serenity::model::application::Interaction;
use serenity::model::channel::Message;
use serenity::model::event::{Event as RawEvent, MessageUpdateEvent};
use serenity::model::gateway::Ready;
use serenity::model::id::{ChannelId, GuildId, MessageId, UserId};
use tokio::sync::Semaphore;
use tracing::{debug, error, info, warn};

use super::attachments::Attachments;
use super::convert::{self, Place, Said};
use super::rest::{CallError, Rest};
use super::{catch_up, commands, press};
use crate::bot::health::Pulse;
use crate::bot::ports::{Cursor, Store};
use crate::bot::{Channels, Commands, Event, Feedback, Intake, Keeper, Marks, MessageKey};

/// Messages that are worked on side by side; further ones wait.
const SIDE_BY_SIDE: usize = 32;
/// How often a decision is tried when the store fails. After that the message is read again at the next start.
const TRIES: u32 = 5;
/// The pause before the second time; each further one is twice as long.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Threads whose channel is remembered.
const PLACES_MAX: usize = 10_000;

/// Everything that Discord's events need.
pub struct Bot<S> {
    /// Takes the events.
    pub intake: Arc<Intake<S>>,
    /// Which channels are watched.
    pub channels: Arc<Channels<S>>,
    /// Takes what people press.
    pub feedback: Feedback<S>,
    /// Answers questions.
    pub commands: Arc<Commands>,
    /// Remembers how far was read.
    pub store: Arc<S>,
    /// Says which shards this process holds.
    pub keeper: Keeper<S>,
    /// Tells whether Discord is heard from.
    pub pulse: Arc<Pulse>,
    /// Messages older than this are passed over after a start.
    pub catch_up: Duration,
}

pub(super) struct Handler<S> {
    pub(super) bot: Bot<S>,
    pub(super) rest: Arc<Rest>,
    pub(super) attachments: Attachments,
    command_guilds: Vec<String>,
    pub(super) marks: Marks<S>,
    places: Mutex<HashMap<ChannelId, Place>>,
    permits: Semaphore,
    me: OnceLock<UserId>,
}

/// Hears every event.
pub(super) struct Heard(pub(super) Arc<Pulse>);

#[async_trait]
impl RawEventHandler for Heard {
    async fn raw_event(&self, _: Context, event: RawEvent) {
        self.0.beat();
        // What serenity cannot read is unknown to it like what is new, and what is in it is for nobody's log.
        if let RawEvent::Unknown(event) = event {
            match event.kind.as_str() {
                "MESSAGE_CREATE"
                | "MESSAGE_UPDATE"
                | "MESSAGE_DELETE"
                | "MESSAGE_DELETE_BULK"
                | "INTERACTION_CREATE" => {
                    warn!(event = event.kind, "an event of Discord's gateway cannot be read and is passed over");
                }
                _ => debug!(event = event.kind, "an event that is not known"),
            }
        }
    }
}

impl<S: Store> Handler<S> {
    pub(super) fn new(bot: Bot<S>, rest: Arc<Rest>, attachments: Attachments, command_guilds: Vec<String>) -> Self {
        Self {
            marks: Marks::new(Arc::clone(&bot.store)),
            bot,
            rest,
            attachments,
            command_guilds,
            places: Mutex::default(),
            permits: Semaphore::new(SIDE_BY_SIDE),
            me: OnceLock::new(),
        }
    }

    /// The bot's own id; known as soon as the first event arrives.
    pub(super) fn me(&self) -> UserId {
        self.me.get().copied().unwrap_or_default()
    }

    /// Where a message stands; remembered, so that a busy thread is asked about once.
    pub(super) async fn place(&self, cache: &Cache, guild: Option<GuildId>, channel: ChannelId) -> Option<Place> {
        if let Some(known) = self.places.lock().unwrap_or_else(PoisonError::into_inner).get(&channel) {
            return Some(known.clone());
        }
        let place = convert::place(cache, &self.rest, guild, channel).await?;
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES_MAX {
            places.clear();
        }
        places.insert(channel, place.clone());
        Some(place)
    }

    /// Takes a message that was posted or edited.
    pub(super) async fn take(&self, cache: &Cache, said: Said) {
        if said.is_bot {
            return;
        }
        let Some(place) = self.place(cache, said.guild_id, said.channel_id).await else { return };
        let watched = self.bot.channels.settings_in(&place.channel, place.thread.as_deref()).is_some();
        let asked = said.mentions(self.me()) || said.guild_id.is_none();
        if !watched && !asked {
            return;
        }
        let id = Cursor::try_from(said.id.get()).unwrap_or(Cursor::MAX);
        let channel = place.channel.clone();
        let edited = said.edited_at.is_some();
        if watched && !edited {
            self.marks.begin(&channel, id);
        }
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let attached = self.attachments.text(&said.files(self.me())).await;
        let message = said.into_message(place, self.me(), &attached);
        let event = if edited { Event::Edited(message) } else { Event::Posted(message) };
        if self.decide(&event).await && watched && !edited {
            self.marks.end(&channel, id);
        }
    }

    /// Takes the news that a message is gone.
    pub(super) async fn forget(&self, cache: &Cache, guild: Option<GuildId>, channel: ChannelId, message: MessageId) {
        let Some(place) = self.place(cache, guild, channel).await else { return };
        self.decide(&Event::Deleted(MessageKey { channel: place.channel, message: message.to_string() })).await;
    }

    /// Whether a decision was made; a store that fails is tried again.
    async fn decide(&self, event: &Event) -> bool {
        let mut pause = RETRY_FIRST;
        for _ in 0..TRIES {
            match self.bot.intake.handle(event, None).await {
                Ok(_) => return true,
                Err(error) => error!(message = %event.key(), error = %error, "cannot decide; trying again"),
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        false
    }

    /// Reads a message of which the gateway told only parts.
    pub(super) async fn read(&self, channel_id: ChannelId, message_id: MessageId) -> Result<Message, CallError> {
        let route = Route::ChannelMessage { channel_id, message_id };
        let value: Value = self.rest.call(LightMethod::Get, route, None::<&()>, &[]).await?;
        serde_json::from_value(value).map_err(|error| CallError::Unreachable(format!("an odd message: {error}")))
    }
}

#[async_trait]
impl<S: Store> EventHandler for Handler<S> {
    async fn ready(&self, context: Context, ready: Ready) {
        self.me.get_or_init(|| ready.user.id);
        info!(user = %ready.user.name, guilds = ready.guilds.len(), shard = context.shard_id.0, "connected to Discord");
        if context.shard_id.0 == 0 {
            commands::register(&context.http, &self.command_guilds).await;
        }
        let guilds: HashSet<String> = ready.guilds.iter().map(|guild| guild.id.to_string()).collect();
        catch_up::run(self, &context.cache, &guilds).await;
    }

    async fn message(&self, context: Context, message: Message) {
        if let Some(said) = Said::posted(message) {
            self.take(&context.cache, said).await;
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
        let (guild, channel, id) = (event.guild_id, event.channel_id, event.id);
        let said = match Said::edited(event) {
            Some(said) => Some(said),
            None => match self.read(channel, id).await {
                Ok(message) => Said::posted(message).map(|said| Said { guild_id: guild, ..said }),
                Err(error) => {
                    warn!(message = %id, error = %error, "an edited message cannot be read");
                    None
                }
            },
        };
        if let Some(said) = said {
            self.take(&context.cache, said).await;
        }
    }

    async fn message_delete(&self, context: Context, channel: ChannelId, message: MessageId, guild: Option<GuildId>) {
        self.forget(&context.cache, guild, channel, message).await;
    }

    async fn message_delete_bulk(
        &self,
        context: Context,
        channel: ChannelId,
        messages: Vec<MessageId>,
        guild: Option<GuildId>,
    ) {
        for message in messages {
            self.forget(&context.cache, guild, channel, message).await;
        }
    }

    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        match interaction {
            Interaction::Component(pressed) => press::button(self, &context, pressed).await,
            Interaction::Modal(submitted) => press::modal(self, &context, submitted).await,
            // Commands and their completions are poise's.
            _ => {}
        }
    }
}
