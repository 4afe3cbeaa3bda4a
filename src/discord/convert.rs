//! Messages of Discord as the bot's own.

use serenity::model::Timestamp;
use serenity::model::channel::{Attachment, Message, MessageSnapshot, MessageType};
use serenity::model::event::MessageUpdateEvent;
use serenity::model::id::{ChannelId, GuildId, MessageId, UserId};

use super::DIRECT;
use super::places::Place;
use super::waiting::Ids;
use crate::bot;
use crate::bot::MessageKey;

/// What a message says, as posted or as edited. It may wait for a while, so it holds nothing that is not needed.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) id: MessageId,
    pub(super) channel_id: ChannelId,
    pub(super) guild_id: Option<GuildId>,
    pub(super) author: UserId,
    pub(super) is_bot: bool,
    /// It names the bot, rather than only answering it.
    pub(super) mentions: bool,
    /// What it says, then what it forwards; then, for the bot was asked about it, what it answers.
    texts: Vec<String>,
    files: Vec<Attachment>,
    /// Milliseconds since 1970.
    pub(super) edited_at: Option<i64>,
}

impl Said {
    /// A message as it was posted; `None` for notices of Discord's own. `me` is the bot.
    pub(super) fn posted(message: Message, me: UserId) -> Option<Self> {
        if !matches!(message.kind, MessageType::Regular | MessageType::InlineReply) {
            return None;
        }
        let mut said = Self {
            id: message.id,
            channel_id: message.channel_id,
            guild_id: message.guild_id,
            author: message.author.id,
            is_bot: message.author.bot || message.webhook_id.is_some(),
            mentions: mentions(&message.content, me),
            texts: vec![message.content],
            files: message.attachments,
            edited_at: message.edited_timestamp.map(millis),
        };
        for forwarded in message.message_snapshots {
            said.texts.push(forwarded.content);
            said.files.extend(forwarded.attachments);
        }
        said.add_quoted(message.referenced_message);
        Some(said)
    }

    /// A message as it was edited; `None` when this is no edit (Discord also tells when a link got
    /// its preview) or when parts are missing that only the whole message has.
    pub(super) fn edited(event: MessageUpdateEvent, me: UserId) -> Option<Self> {
        let author = event.author?;
        let content = event.content?;
        let mut said = Self {
            id: event.id,
            channel_id: event.channel_id,
            guild_id: event.guild_id,
            author: author.id,
            is_bot: author.bot || event.webhook_id.flatten().is_some(),
            mentions: mentions(&content, me),
            texts: vec![content],
            files: event.attachments?,
            edited_at: Some(millis(event.edited_timestamp?)),
        };
        said.add_quoted(event.referenced_message.flatten());
        Some(said)
    }

    /// "@oktriage what is this?" below a message is about that message.
    fn add_quoted(&mut self, quoted: Option<Box<Message>>) {
        if let Some(quoted) = quoted.filter(|_| self.mentions) {
            self.texts.push(quoted.content);
            self.files.extend(quoted.attachments);
        }
    }

    /// The same, of a guild; the history does not say of which.
    pub(super) fn of(self, guild_id: Option<GuildId>) -> Self {
        Self { guild_id, ..self }
    }

    /// Which message this is.
    pub(super) fn ids(&self) -> Ids {
        Ids { guild: self.guild_id, channel: self.channel_id, message: self.id }
    }

    /// Whether the bot is spoken to, and has to answer whatever the channel is.
    pub(super) fn asks(&self) -> bool {
        self.mentions || self.guild_id.is_none()
    }

    /// The files that belong to what is said, those of a message that the bot is asked about included.
    pub(super) fn files(&self) -> &[Attachment] {
        &self.files
    }

    /// The message in the bot's words; `attached` is the text of the attachments.
    pub(super) fn into_message(self, place: Place, me: UserId, attached: &str) -> bot::Message {
        let asked = self.mentions || place.channel.workspace == DIRECT;
        let mut text = self.texts.join("\n\n");
        for mention in self.mentions.then(|| [format!("<@{me}>"), format!("<@!{me}>")]).iter().flatten() {
            text = text.replace(mention, " ");
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

fn mentions(text: &str, me: UserId) -> bool {
    text.contains(&format!("<@{me}>")) || text.contains(&format!("<@!{me}>"))
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
pub(super) fn millis(at: Timestamp) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}
