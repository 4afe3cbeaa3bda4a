//! When the bot answers at all.

use std::time::Duration;

use super::event::Message;
use crate::rules::{Scope, keywords};

keywords! {
    /// What the bot does about a recognised error.
    Mode {
        /// Answers for everybody.
        Answer = "answer",
        /// Offers the answer to who posted the message, behind a button.
        Suggest = "suggest",
        /// Posts nothing and records what it would have done.
        Shadow = "shadow",
    }
}

/// How a channel is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSettings {
    /// What the channel is about.
    pub scope: Scope,
    /// What is done about a recognised error.
    pub mode: Mode,
    /// The role that **Ask the team** calls and whose members may close replies, as its id on the platform.
    pub support_role: Option<String>,
}

/// How much is said at most, so that a flood of pastes does not become a flood of replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooldown {
    /// Messages of one author that are answered in a channel within the window.
    pub per_author: u32,
    /// Messages that are answered in a channel within the window.
    pub per_channel: u32,
    /// The window; it ends with the message that is decided about.
    pub window: Duration,
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
    /// A later state of the message was decided about already.
    Outdated,
    /// The author was answered often enough for now.
    AuthorCooldown,
    /// The channel was answered often enough for now.
    ChannelCooldown,
    /// The channel is only observed.
    Shadow,
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
            Self::Outdated => "a later state is known",
            Self::AuthorCooldown => "author was answered often enough for now",
            Self::ChannelCooldown => "channel was answered often enough for now",
            Self::Shadow => "shadow mode: recorded only",
        }
    }
}

/// Whether a message may be answered, before anybody looks at what it says.
pub fn may_answer(settings: Option<&ChannelSettings>, message: &Message) -> Result<(), Silence> {
    if message.author.is_bot {
        return Err(Silence::FromBot);
    }
    if settings.is_none() && !message.asked {
        return Err(Silence::NotWatched);
    }
    let text = message.text.trim_start();
    if text.is_empty() && !message.asked {
        return Err(Silence::NoText);
    }
    if text.starts_with("/okta") {
        return Err(Silence::Command);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ChannelSettings, Mode, Silence, may_answer};
    use crate::bot::event::{Author, ChannelKey, Message, MessageKey, Platform};
    use crate::rules::Scope;

    fn check(text: &str, is_bot: bool, watched: bool, asked: bool) -> Result<(), Silence> {
        let channel = ChannelKey { platform: Platform::Local, workspace: "local".into(), channel: "c".into() };
        let message = Message {
            key: MessageKey { channel, message: "1".into() },
            thread: None,
            author: Author { id: "dana".into(), is_bot },
            text: text.into(),
            posted_at: 0,
            version: 0,
            asked,
        };
        let settings = ChannelSettings { scope: Scope::Okta, mode: Mode::Answer, support_role: None };
        may_answer(watched.then_some(&settings), &message)
    }

    #[test]
    fn reasons_to_stay_silent() {
        assert_eq!(check("E0000011", false, true, false), Ok(()));
        assert_eq!(check("E0000011", false, false, false), Err(Silence::NotWatched));
        assert_eq!(check("E0000011", false, false, true), Ok(()));
        assert_eq!(check("E0000011", true, true, true), Err(Silence::FromBot));
        assert_eq!(check(" \n", false, true, false), Err(Silence::NoText));
        assert_eq!(check("/okta lookup E0000011", false, true, false), Err(Silence::Command));
    }
}
