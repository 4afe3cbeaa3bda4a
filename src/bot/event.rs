//! What platforms deliver, in the bot's words.

use std::fmt;

use crate::rules::keywords;

keywords! {
    /// Where people chat, by its name in settings, logs and storage.
    Platform {
        /// The local workspace, served by this program.
        Local = "local",
        /// Discord; a workspace is a guild there.
        Discord = "discord",
        /// Slack; a workspace is a team there.
        Slack = "slack",
    }
}

/// A channel on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChannelKey {
    /// The platform.
    pub platform: Platform,
    /// Its workspace (Discord: guild; Slack: team).
    pub workspace: String,
    /// Its id there.
    pub channel: String,
}

/// A message on a platform: what every reply is unique for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageKey {
    /// Where it was posted.
    pub channel: ChannelKey,
    /// Its id there.
    pub message: String,
}

impl fmt::Display for MessageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChannelKey { platform, workspace, channel } = &self.channel;
        write!(f, "{platform}/{workspace}/{channel}/{}", self.message)
    }
}

/// Who posted a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The id on the platform.
    pub id: String,
    /// A program, this bot included.
    pub is_bot: bool,
}

/// A message as posted or as edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Which message.
    pub key: MessageKey,
    /// The thread in which it stands. A thread has the id of the message that started it, where
    /// the platform has one.
    pub thread: Option<String>,
    /// Who wrote it.
    pub author: Author,
    /// What it says, in the platform's markup.
    pub text: String,
    /// When it was posted, in milliseconds since 1970.
    pub posted_at: i64,
    /// Which state of the message this is: a number that grows with every edit, so that events which
    /// arrive twice or out of order change nothing.
    pub version: i64,
    /// It is addressed to the bot, which then always answers.
    pub asked: bool,
}

/// Something happened to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was posted.
    Posted(Message),
    /// Its text was changed.
    Edited(Message),
    /// It is gone.
    Deleted(MessageKey),
}

impl Event {
    /// The message that it is about.
    pub fn key(&self) -> &MessageKey {
        match self {
            Self::Posted(message) | Self::Edited(message) => &message.key,
            Self::Deleted(key) => key,
        }
    }
}
