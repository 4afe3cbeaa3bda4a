//! Messages of the local workspace as events.

use super::ChatMessage;
use crate::bot::event::{Author, ChannelKey, Event, Message, MessageKey, Platform};

/// There is one local workspace.
const WORKSPACE: &str = "local";

/// The key of a local channel.
pub fn channel_key(channel: &str) -> ChannelKey {
    ChannelKey { platform: Platform::Local, workspace: WORKSPACE.to_owned(), channel: channel.to_owned() }
}

/// What the last change of a message means. A message that was edited before anybody read it is
/// an edit, which the bot treats as a new message when it does not know it.
pub(super) fn event(message: ChatMessage) -> Event {
    let key = MessageKey { channel: channel_key(&message.channel), message: message.id.to_string() };
    if message.deleted {
        return Event::Deleted(key);
    }
    let edited = message.edited;
    let message = Message {
        key,
        thread: message.thread.map(|thread| thread.to_string()),
        author: Author { id: message.author, is_bot: message.is_bot },
        text: message.text,
        posted_at: message.posted_at,
        version: message.change,
        asked: false,
    };
    if edited { Event::Edited(message) } else { Event::Posted(message) }
}
