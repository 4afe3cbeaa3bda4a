//! Messages of Discord as the bot's own.

use serenity::cache::Cache;
use serenity::http::{LightMethod, Route};
use serenity::model::Timestamp;
use serenity::model::channel::{Attachment, Message, MessageSnapshot, MessageType};
use serenity::model::event::MessageUpdateEvent;
use serenity::model::id::{ChannelId, GuildId, MessageId, UserId};

use super::rest::Rest;
use super::{DIRECT, channel_key};
use crate::bot;
use crate::bot::{ChannelKey, MessageKey};

/// Discord's name for kinds of channels that are threads. <https://docs.discord.com/developers/resources/channel#channel-object-channel-types>
const THREADS: [u64; 3] = [10, 11, 12];

/// Where a message stands: its channel, and the thread in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) channel: ChannelKey,
    pub(super) thread: Option<String>,
}

/// What a message says, as posted or as edited.
pub(super) struct Said {
    pub(super) id: MessageId,
    pub(super) channel_id: ChannelId,
    pub(super) guild_id: Option<GuildId>,
    pub(super) author: UserId,
    pub(super) is_bot: bool,
    pub(super) content: String,
    pub(super) attachments: Vec<Attachment>,
    pub(super) forwarded: Vec<MessageSnapshot>,
    /// The message that this one answers.
    pub(super) quoted: Option<Box<Message>>,
    /// Milliseconds since 1970.
    pub(super) edited_at: Option<i64>,
}

impl Said {
    /// A message as it was posted; `None` for notices of Discord's own.
    pub(super) fn posted(message: Message) -> Option<Self> {
        if !matches!(message.kind, MessageType::Regular | MessageType::InlineReply) {
            return None;
        }
        Some(Self {
            id: message.id,
            channel_id: message.channel_id,
            guild_id: message.guild_id,
            author: message.author.id,
            is_bot: message.author.bot || message.webhook_id.is_some(),
            content: message.content,
            attachments: message.attachments,
            forwarded: message.message_snapshots,
            quoted: message.referenced_message,
            edited_at: message.edited_timestamp.map(millis),
        })
    }

    /// A message as it was edited; `None` when this is no edit (Discord also tells when a link got
    /// its preview) or when parts are missing that only the whole message has.
    pub(super) fn edited(event: MessageUpdateEvent) -> Option<Self> {
        let author = event.author?;
        Some(Self {
            id: event.id,
            channel_id: event.channel_id,
            guild_id: event.guild_id,
            author: author.id,
            is_bot: author.bot || event.webhook_id.flatten().is_some(),
            content: event.content?,
            attachments: event.attachments?,
            forwarded: Vec::new(),
            quoted: None,
            edited_at: Some(millis(event.edited_timestamp?)),
        })
    }

    /// Whether the text names the bot, rather than only answering it.
    pub(super) fn mentions(&self, bot: UserId) -> bool {
        self.content.contains(&format!("<@{bot}>")) || self.content.contains(&format!("<@!{bot}>"))
    }

    /// The files that belong to what is said, those of a message that the bot is asked about included.
    pub(super) fn files(&self, bot: UserId) -> Vec<&Attachment> {
        let quoted = self.quoted.iter().filter(|_| self.mentions(bot)).flat_map(|quoted| &quoted.attachments);
        self.attachments.iter().chain(in_snapshots(&self.forwarded)).chain(quoted).collect()
    }

    /// The message in the bot's words; `attached` is the text of the attachments.
    pub(super) fn into_message(self, place: Place, bot: UserId, attached: &str) -> bot::Message {
        let mentioned = self.mentions(bot);
        let asked = mentioned || place.channel.workspace == DIRECT;
        let mut text = self.content;
        if mentioned {
            text = text.replace(&format!("<@{bot}>"), " ").replace(&format!("<@!{bot}>"), " ");
            // "@oktriage what is this?" below a message is about that message.
            if let Some(quoted) = &self.quoted {
                text.push_str("\n\n");
                text.push_str(&quoted.content);
            }
        }
        for forwarded in &self.forwarded {
            text.push_str("\n\n");
            text.push_str(&forwarded.content);
        }
        text.push_str(attached);
        let posted_at = millis(self.id.created_at());
        bot::Message {
            key: MessageKey { channel: place.channel, message: self.id.to_string() },
            thread: place.thread,
            author: bot::Author { id: self.author.to_string(), is_bot: self.is_bot },
            text: text.trim().to_owned(),
            posted_at,
            version: self.edited_at.unwrap_or(posted_at),
            asked,
        }
    }
}

/// Everything that a message shows, for somebody who asks about it: also what a program posted as cards.
pub(super) fn shown(message: &Message) -> String {
    let mut parts = vec![message.content.as_str()];
    parts.extend(message.message_snapshots.iter().map(|snapshot| snapshot.content.as_str()));
    for embed in &message.embeds {
        parts.extend(embed.title.as_deref());
        parts.extend(embed.description.as_deref());
        parts.extend(embed.fields.iter().flat_map(|field| [field.name.as_str(), field.value.as_str()]));
        parts.extend(embed.footer.as_ref().map(|footer| footer.text.as_str()));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// The files of a message, forwarded ones included.
pub(super) fn files(message: &Message) -> Vec<&Attachment> {
    message.attachments.iter().chain(in_snapshots(&message.message_snapshots)).collect()
}

fn in_snapshots(forwarded: &[MessageSnapshot]) -> impl Iterator<Item = &Attachment> {
    forwarded.iter().flat_map(|snapshot| &snapshot.attachments)
}

/// Milliseconds since 1970.
fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// Finds out whether a channel is a thread, and of which channel: from what the gateway told, or by asking.
pub(super) async fn place(cache: &Cache, rest: &Rest, guild: Option<GuildId>, channel: ChannelId) -> Option<Place> {
    let Some(guild) = guild else {
        return Some(Place { channel: channel_key(None, channel.get()), thread: None });
    };
    let plain = Place { channel: channel_key(Some(guild.get()), channel.get()), thread: None };
    let in_thread =
        |parent: u64| Place { channel: channel_key(Some(guild.get()), parent), thread: Some(channel.to_string()) };
    if let Some(known) = cache.guild(guild) {
        if known.channels.contains_key(&channel) {
            return Some(plain);
        }
        let thread = known.threads.iter().find(|thread| thread.id == channel);
        if let Some(parent) = thread.and_then(|thread| thread.parent_id) {
            return Some(in_thread(parent.get()));
        }
    }
    let found = rest.call(LightMethod::Get, Route::Channel { channel_id: channel }, None::<&()>, &[]).await.ok()?;
    let parent = found["parent_id"].as_str().and_then(|id| id.parse().ok());
    match (found["type"].as_u64(), parent) {
        (Some(kind), Some(parent)) if THREADS.contains(&kind) => Some(in_thread(parent)),
        (Some(_), _) => Some(plain),
        (None, _) => None,
    }
}
