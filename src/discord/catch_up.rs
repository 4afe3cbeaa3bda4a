//! What was not heard, or could not be held: read from the channels' history, through the same path.

use std::collections::HashSet;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use serenity::cache::Cache;
use serenity::http::Route;
use serenity::model::channel::Message;
use serenity::model::id::{ChannelId, GuildId, MessageId};
use tracing::{info, warn};

use super::convert::Said;
use super::handler::{Handler, cursor, me};
use super::rest::code;
use super::waiting::{Ids, Stretch};
use crate::bot::ports::{Cursor, Store};
use crate::bot::{ChannelKey, Platform};

/// Messages that are read at once; Discord's most. <https://docs.discord.com/developers/resources/message#get-channel-messages>
const PAGE: usize = 100;
/// Messages of one channel that are read at most.
const CHANNEL_MAX: usize = 2_000;
/// Answered messages that are looked at again, for edits and deletions.
const ANSWERED_MAX: u32 = 100;
/// Discord's ids count milliseconds from here, in their upper bits. <https://docs.discord.com/developers/reference#snowflakes>
const EPOCH_MS: i64 = 1_420_070_400_000;
const TIME_SHIFT: u32 = 22;

/// Reads what the watched channels of these guilds have that was not read.
pub(super) async fn run<S: Store>(handler: &Handler<S>, cache: &Cache, guilds: &HashSet<String>) {
    let since = now_ms() - i64::try_from(handler.bot.catch_up.as_millis()).unwrap_or(i64::MAX);
    let oldest = (since - EPOCH_MS).max(1) << TIME_SHIFT;
    let watched = handler.bot.channels.watched(Platform::Discord);
    for (key, _) in watched.iter().filter(|(key, _)| guilds.contains(&key.workspace)) {
        let cursor = match handler.bot.store.cursor(key).await {
            Ok(Some(cursor)) => cursor.max(oldest),
            // Watched for the first time: what was written before is not the bot's business.
            Ok(None) => {
                begin_with(handler, key).await;
                continue;
            }
            Err(error) => {
                warn!(error = %error, "how far a channel was read is not known; what was missed there stays unread");
                continue;
            }
        };
        // Until this is done, new messages may not move the cursor past what was missed.
        handler.marks.resume(key, cursor + 1);
        let mut read = edited(handler, cache, key, cursor).await;
        read += channel(handler, cache, key, &key.channel, cursor, None).await;
        for thread in threads(handler, key, cursor).await {
            read += channel(handler, cache, key, &thread, cursor, None).await;
        }
        handler.marks.end(key, cursor + 1);
        if read > 0 {
            info!(channel = key.channel, messages = read, "read what was missed on Discord");
        }
    }
    answered(handler, cache, guilds, since).await;
}

/// Notes that a channel is read from now on.
pub(super) async fn begin_with<S: Store>(handler: &Handler<S>, key: &ChannelKey) {
    let now = (now_ms() - EPOCH_MS).max(1) << TIME_SHIFT;
    if let Err(error) = handler.bot.store.advance(key, now).await {
        warn!(error = %error, "from when a channel is read could not be noted");
    }
}

/// Notes that channels that were never read are read from now on: connecting may take long, and is tried again after
/// a crash.
pub(super) async fn begin<S: Store>(handler: &Handler<S>) {
    for (key, _) in handler.bot.channels.watched(Platform::Discord) {
        if let Ok(None) = handler.bot.store.cursor(&key).await {
            begin_with(handler, &key).await;
        }
    }
}

/// Reads what was edited of the latest messages before a place, of which nobody tells; returns how many messages
/// that were.
async fn edited<S: Store>(handler: &Handler<S>, cache: &Cache, key: &ChannelKey, before: Cursor) -> usize {
    let Some(channel_id) = key.channel.parse().ok().map(ChannelId::new) else { return 0 };
    let page = page(handler, channel_id, "before", before + 1).await;
    take(handler, cache, key, page, |message| message.edited_timestamp.is_some()).await
}

/// Reads a stretch of which not all messages were held; returns how many messages that were.
pub(super) async fn stretch<S: Store>(handler: &Handler<S>, cache: &Cache, stretch: &Stretch) -> usize {
    let Stretch { channel: id, key, first, last } = stretch;
    channel(handler, cache, key, &id.to_string(), cursor(*first) - 1, Some(cursor(*last))).await
}

/// Reads a channel or thread behind a place, to another one or to its end but no more than
/// [`CHANNEL_MAX`]; returns how many messages that were.
async fn channel<S: Store>(
    handler: &Handler<S>,
    cache: &Cache,
    key: &ChannelKey,
    id: &str,
    mut after: Cursor,
    last: Option<Cursor>,
) -> usize {
    let Some(channel_id) = id.parse().ok().map(ChannelId::new) else { return 0 };
    let mut read = 0;
    while last.map_or(read < CHANNEL_MAX, |last| after < last) {
        let page = page(handler, channel_id, "after", after).await;
        let full = page.len() == PAGE;
        read += page.len();
        after = page.last().map_or(after, number);
        take(handler, cache, key, page, |_| true).await;
        if !full {
            break;
        }
    }
    read
}

/// A page of a channel's messages on one side of a place, oldest first.
async fn page<S: Store>(handler: &Handler<S>, channel_id: ChannelId, side: &'static str, place: Cursor) -> Vec<Value> {
    let query = [(side, place.to_string()), ("limit", PAGE.to_string())];
    // However long Discord is in trouble: who gives up here has lost them.
    let mut page = match handler.rest.read(Route::ChannelMessages { channel_id }, &query, u32::MAX).await {
        Ok(Value::Array(page)) => page,
        Ok(_) => Vec::new(),
        // A forum has threads only.
        Err(error) if error.code() == Some(code::WRONG_CHANNEL_TYPE) => Vec::new(),
        Err(error) => {
            warn!(channel = %channel_id, error = %error, "what was missed cannot be read");
            Vec::new()
        }
    };
    page.sort_by_key(number);
    page
}

fn number(message: &Value) -> Cursor {
    message["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default()
}

/// Takes those messages of a page that fit; returns how many those were.
async fn take<S: Store>(
    handler: &Handler<S>,
    cache: &Cache,
    key: &ChannelKey,
    page: Vec<Value>,
    fits: impl Fn(&Message) -> bool,
) -> usize {
    // The history does not say which guild it is of.
    let guild_id = key.workspace.parse().ok().map(GuildId::new);
    let mut taken = 0;
    for message in page {
        let Ok(message) = serde_json::from_value::<Message>(message) else { continue };
        if fits(&message) {
            taken += 1;
            if let Some(said) = Said::posted(message, me(cache)) {
                // What was edited since is new all the same.
                handler.take(cache, said.of(guild_id), None).await;
            }
        }
    }
    taken
}

/// The active threads of a channel in which something was said behind a place.
async fn threads<S: Store>(handler: &Handler<S>, key: &ChannelKey, behind: Cursor) -> Vec<String> {
    let Some(guild_id) = key.workspace.parse().ok().map(GuildId::new) else { return Vec::new() };
    let found =
        handler.rest.read(Route::GuildThreadsActive { guild_id }, &[], u32::MAX).await.unwrap_or_else(|error| {
            warn!(channel = key.channel, error = %error, "what was missed in threads cannot be read");
            Value::Null
        });
    let threads = found["threads"].as_array().into_iter().flatten();
    let latest = |thread: &Value| thread["last_message_id"].as_str().and_then(|id| id.parse().ok());
    let news = |thread: &Value| latest(thread).unwrap_or(Cursor::MAX) > behind;
    let own = threads.filter(|thread| thread["parent_id"] == key.channel.as_str() && news(thread));
    own.filter_map(|thread| thread["id"].as_str().map(str::to_owned)).collect()
}

/// Looks at answered messages again: they may have been edited or deleted.
async fn answered<S: Store>(handler: &Handler<S>, cache: &Cache, guilds: &HashSet<String>, since: i64) {
    let messages = match handler.bot.store.answered_messages(Platform::Discord, since, ANSWERED_MAX).await {
        Ok(messages) => messages,
        Err(error) => {
            warn!(error = %error, "answered messages are not looked at again");
            return;
        }
    };
    for (key, thread) in messages.into_iter().filter(|(key, _)| guilds.contains(&key.channel.workspace)) {
        let channel = thread.as_deref().unwrap_or(&key.channel.channel).parse().ok().map(ChannelId::new);
        let message = key.message.parse().ok().map(MessageId::new);
        let guild = key.channel.workspace.parse().ok().map(GuildId::new);
        let (Some(channel), Some(message)) = (channel, message) else { continue };
        handler.look_at(cache, Ids { guild, channel, message }, true).await;
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
