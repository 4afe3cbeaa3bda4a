//! What happened while the bot was away: read from the channels' history, through the same path.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use serenity::cache::Cache;
use serenity::http::{LightMethod, Route};
use serenity::model::channel::Message;
use serenity::model::id::{ChannelId, GuildId, MessageId};
use tracing::{info, warn};

use super::convert::Said;
use super::gateway::Handler;
use super::rest::{CallError, code};
use crate::bot::ports::{Cursor, Store};
use crate::bot::{ChannelKey, Platform};

/// Messages that are read at once; Discord's most. <https://docs.discord.com/developers/resources/message#get-channel-messages>
const PAGE: usize = 100;
/// Messages of one channel that are read at most.
const CHANNEL_MAX: usize = 2_000;
/// Answered messages that are looked at again, for edits and deletions.
const ANSWERED_MAX: u32 = 100;
/// How often a call is made again that got no answer.
const TRIES: u32 = 5;
/// The pause before that.
const RETRY: Duration = Duration::from_secs(2);
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
        handler.marks.begin(key, cursor + 1);
        match everything(handler, cache, key, cursor).await {
            Ok(read) => {
                handler.marks.end(key, cursor + 1);
                if read > 0 {
                    info!(channel = key.channel, messages = read, "read what was missed on Discord");
                }
            }
            Err(error) => {
                warn!(channel = key.channel, error = %error, "what was missed cannot be read; it is read after the next start");
            }
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

/// Reads a channel with its threads behind the cursor; returns how many messages that were.
async fn everything<S: Store>(
    handler: &Handler<S>,
    cache: &Cache,
    key: &ChannelKey,
    cursor: Cursor,
) -> Result<usize, CallError> {
    let mut read = channel(handler, cache, key, &key.channel, cursor).await?;
    for thread in threads(handler, key, cursor).await? {
        read += channel(handler, cache, key, &thread, cursor).await?;
    }
    Ok(read)
}

/// Reads a channel or thread behind the cursor, and what was edited of the latest messages before it, of which nobody
/// tells; returns how many messages that were.
async fn channel<S: Store>(
    handler: &Handler<S>,
    cache: &Cache,
    key: &ChannelKey,
    id: &str,
    cursor: Cursor,
) -> Result<usize, CallError> {
    let Some(channel_id) = id.parse().ok().map(ChannelId::new) else { return Ok(0) };
    let before = page(handler, channel_id, "before", cursor + 1).await?;
    let mut read = take(handler, cache, key, before, |message| message.edited_timestamp.is_some()).await;
    let mut after = cursor;
    while read < CHANNEL_MAX {
        let page = page(handler, channel_id, "after", after).await?;
        let full = page.len() == PAGE;
        after = page.last().map_or(after, number);
        read += take(handler, cache, key, page, |_| true).await;
        if !full {
            break;
        }
    }
    Ok(read)
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
        if !fits(&message) {
            continue;
        }
        taken += 1;
        if let Some(said) = Said::posted(message) {
            // What was edited since is new all the same.
            handler.take(cache, Said { guild_id, ..said }).await;
        }
    }
    taken
}

/// A page of a channel's messages on one side of an id, oldest first.
async fn page<S: Store>(
    handler: &Handler<S>,
    channel_id: ChannelId,
    side: &'static str,
    id: Cursor,
) -> Result<Vec<Value>, CallError> {
    let query = [(side, id.to_string()), ("limit", PAGE.to_string())];
    let mut page = match patiently(handler, || Route::ChannelMessages { channel_id }, &query).await {
        Ok(Value::Array(page)) => page,
        Ok(_) => Vec::new(),
        // A forum has threads only.
        Err(error) if error.code() == Some(code::WRONG_CHANNEL_TYPE) => Vec::new(),
        Err(error) if error.may_pass() => return Err(error),
        Err(error) => {
            warn!(channel = %channel_id, error = %error, "a channel's messages cannot be read");
            Vec::new()
        }
    };
    page.sort_by_key(number);
    Ok(page)
}

fn number(message: &Value) -> Cursor {
    message["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default()
}

/// Makes a call; comes back when Discord says so, and some times when it does not answer.
async fn patiently<S: Store>(
    handler: &Handler<S>,
    route: impl Fn() -> Route<'static>,
    query: &[(&'static str, String)],
) -> Result<Value, CallError> {
    let mut failed = 0;
    loop {
        match handler.rest.call(LightMethod::Get, route(), None::<&()>, query).await {
            Err(CallError::Limited { after, .. }) => tokio::time::sleep(after).await,
            Err(error) if error.may_pass() && failed < TRIES => {
                failed += 1;
                tokio::time::sleep(RETRY).await;
            }
            done => return done,
        }
    }
}

/// The active threads of a channel in which something was said behind the cursor.
async fn threads<S: Store>(handler: &Handler<S>, key: &ChannelKey, cursor: Cursor) -> Result<Vec<String>, CallError> {
    let Some(guild_id) = key.workspace.parse().ok().map(GuildId::new) else { return Ok(Vec::new()) };
    let found = match patiently(handler, || Route::GuildThreadsActive { guild_id }, &[]).await {
        Err(error) if !error.may_pass() => Value::Null,
        found => found?,
    };
    let threads = found["threads"].as_array().into_iter().flatten();
    let said_in =
        |thread: &Value| thread["last_message_id"].as_str().and_then(|id| id.parse().ok()).unwrap_or(Cursor::MAX);
    let own = threads.filter(|thread| thread["parent_id"] == key.channel.as_str() && said_in(thread) > cursor);
    Ok(own.filter_map(|thread| thread["id"].as_str().map(str::to_owned)).collect())
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
        let guild_id = key.channel.workspace.parse().ok().map(GuildId::new);
        let (Some(channel), Some(message)) = (channel, message) else { continue };
        let mut found = handler.read(channel, message).await;
        for _ in 0..TRIES {
            match &found {
                Err(CallError::Limited { after, .. }) => tokio::time::sleep(*after).await,
                Err(error) if error.may_pass() => tokio::time::sleep(RETRY).await,
                _ => break,
            }
            found = handler.read(channel, message).await;
        }
        match found {
            Ok(message) if message.edited_timestamp.is_some() => {
                if let Some(said) = Said::posted(message) {
                    handler.take(cache, Said { guild_id, ..said }).await;
                }
            }
            Ok(_) => {}
            Err(error) if matches!(error.code(), Some(code::UNKNOWN_MESSAGE | code::UNKNOWN_CHANNEL)) => {
                handler.forget(cache, guild_id, channel, message).await;
            }
            Err(error) => warn!(message = %key, error = %error, "an answered message cannot be looked at again"),
        }
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
