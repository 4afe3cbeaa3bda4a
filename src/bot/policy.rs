//! When the bot answers at all.

use std::fmt;
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
    /// How much is said there at most; `None` for what holds everywhere.
    pub cooldown: Option<Cooldown>,
}

/// How much is said at most, so that a flood of pastes does not become a flood of replies. Written `10/5m`
/// or `100/2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooldown {
    /// Messages that are answered within the window.
    pub answers: u32,
    /// The window; it ends with the message that is decided about.
    pub window: Duration,
}

/// What holds for channels that nobody chose a cooldown for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cooldowns {
    /// For the messages of one author in a channel; this one holds everywhere.
    pub author: Cooldown,
    /// For all messages of a channel.
    pub channel: Cooldown,
}

/// A channel's cooldown is for so many answers at most …
const ANSWERS_MAX: u32 = 1_000;
/// … in so long at most. Replies are remembered for longer.
const WINDOW_MAX: Duration = Duration::from_secs(24 * 3600);

impl Cooldown {
    /// Reads `10/5m`; `None` for anything else, and for what would be no cooldown.
    pub fn parse(word: &str) -> Option<Self> {
        let (answers, window) = word.split_once('/')?;
        let (time, unit) = match window.strip_suffix('m') {
            Some(minutes) => (minutes, 60),
            None => (window.strip_suffix('h')?, 3600),
        };
        let number = |text: &str| -> Option<u32> {
            text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
        };
        let answers = number(answers)?;
        let window = Duration::from_secs(u64::from(number(time)?) * unit);
        let sound = (1..=ANSWERS_MAX).contains(&answers) && !window.is_zero() && window <= WINDOW_MAX;
        sound.then_some(Self { answers, window })
    }
}

impl fmt::Display for Cooldown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}m", self.answers, self.window.as_secs() / 60)
    }
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
    use std::time::Duration;

    use super::{ChannelSettings, Cooldown, Mode, Silence, may_answer};
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
        let settings = ChannelSettings { scope: Scope::Okta, mode: Mode::Answer, support_role: None, cooldown: None };
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

    #[test]
    fn cooldowns_are_written_as_they_are_read() {
        let minutes = |answers, minutes: u64| Some(Cooldown { answers, window: Duration::from_secs(minutes * 60) });
        assert_eq!(Cooldown::parse("10/5m"), minutes(10, 5));
        assert_eq!(Cooldown::parse("1/24h"), minutes(1, 24 * 60));
        assert_eq!(Cooldown::parse("10/5m").map(|cooldown| cooldown.to_string()).as_deref(), Some("10/5m"));
        assert_eq!(Cooldown::parse("3/2h").map(|cooldown| cooldown.to_string()).as_deref(), Some("3/120m"));
        for wrong in ["", "10", "10/5", "10/m", "/5m", "0/5m", "5/0m", "1001/5m", "1/25h", "+1/5m", "10/5s", "10/5m "] {
            assert_eq!(Cooldown::parse(wrong), None, "{wrong}");
        }
    }
}
