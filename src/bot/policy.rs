//! When the bot answers at all.

use super::event::Message;
use crate::rules::Scope;

/// How a channel is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelSettings {
    /// What the channel is about.
    pub scope: Scope,
}

/// Why the bot says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// Nobody opted the channel in.
    NotWatched,
    /// A program wrote it; programs that answer programs never stop.
    FromBot,
    /// There is no text.
    NoText,
    /// A command; it is answered on its own way.
    Command,
    /// No rule recognises an error, or none surely enough.
    NothingRecognised,
    /// The thread has this answer already.
    AnsweredInThread,
    /// The message was answered before; events can arrive twice.
    AnsweredBefore,
    /// The reply stays what it is.
    Unchanged,
}

impl Silence {
    /// The reason in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotWatched => "channel not watched",
            Self::FromBot => "from a bot",
            Self::NoText => "no text",
            Self::Command => "a command",
            Self::NothingRecognised => "nothing recognised",
            Self::AnsweredInThread => "answered in this thread",
            Self::AnsweredBefore => "answered before",
            Self::Unchanged => "reply unchanged",
        }
    }
}

/// Whether a message may be answered, before anybody looks at what it says.
pub fn may_answer(settings: Option<ChannelSettings>, message: &Message) -> Result<ChannelSettings, Silence> {
    let settings = settings.ok_or(Silence::NotWatched)?;
    if message.author.is_bot {
        return Err(Silence::FromBot);
    }
    let text = message.text.trim_start();
    if text.is_empty() {
        return Err(Silence::NoText);
    }
    if text.starts_with("/okta") {
        return Err(Silence::Command);
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::{ChannelSettings, Silence, may_answer};
    use crate::bot::event::{Author, ChannelKey, Message, MessageKey, Platform};
    use crate::rules::Scope;

    fn check(text: &str, is_bot: bool, watched: bool) -> Result<ChannelSettings, Silence> {
        let channel = ChannelKey { platform: Platform::Local, workspace: "local".into(), channel: "c".into() };
        let message = Message {
            key: MessageKey { channel, message: "1".into() },
            thread: None,
            author: Author { id: "dana".into(), is_bot },
            text: text.into(),
            posted_at: 0,
        };
        may_answer(watched.then_some(ChannelSettings { scope: Scope::Okta }), &message)
    }

    #[test]
    fn reasons_to_stay_silent() {
        assert_eq!(check("E0000011", false, true), Ok(ChannelSettings { scope: Scope::Okta }));
        assert_eq!(check("E0000011", false, false), Err(Silence::NotWatched));
        assert_eq!(check("E0000011", true, true), Err(Silence::FromBot));
        assert_eq!(check(" \n", false, true), Err(Silence::NoText));
        assert_eq!(check("/okta lookup E0000011", false, true), Err(Silence::Command));
    }
}
