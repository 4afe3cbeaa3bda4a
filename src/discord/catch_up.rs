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
use super::rest::{CallError, code};
use super::waiting::{Ids, Stretch};
use crate::bot::catch_up::{Missed, each};
use crate::bot::ports::{Cursor, Store};
use crate::bot::{ChannelKey, MessageKey, Platform};

/// Messages that are read at once; Discord's most. <https://docs.discord.com/developers/resources/message#get-channel-messages>
const PAGE: usize = 100;
/// Messages of one channel that are read at most.
const CHANNEL_MAX: usize = 2_000;
/// How often a page is read again at once when Discord is in trouble; then it is another channel's turn.
const TRIES: u32 = 2;
/// Discord's ids count milliseconds from here, in their upper bits. <https://docs.discord.com/developers/reference#snowflakes>
const EPOCH_MS: i64 = 1_420_070_400_000;
const TIME_SHIFT: u32 = 22;

/// Reads what the watched channels of these guilds have that was not read.
pub(super) async fn run<S: Store>(handler: &Handler<S>, cache: &Cache, guilds: &HashSet<String>) {
    let since = now_ms() - i64::try_from(handler.bot.catch_up.as_millis()).unwrap_or(i64::MAX);
    let mut channels = watched(handler);
    channels.retain(|key| guilds.contains(&key.workspace));
    let concern = |key: &MessageKey| guilds.contains(&key.channel.workspace);
    let taking = |missed| async move {
        let (key, cursor) = match missed {
            Missed::Messages(key, cursor) => (key, cursor),
            Missed::Changes(key, thread) => return look_again(handler, cache, key, thread).await,
        };
        match read(handler, cache, &key, cursor.max(first_id(since))).await {
            Ok(read) => {
                if read > 0 {
                    info!(channel = key.channel, messages = read, "read what was missed on Discord");
                }
                true
            }
            Err(error) => is_lost(&key.channel, &error),
        }
    };
    handler.marks.catch_up(Platform::Discord, channels, now(), since, concern, taking).await;
}

/// Whether nothing can be done about what cannot be read.
fn is_lost(channel: &str, error: &CallError) -> bool {
    let is_lost = !error.may_pass();
    warn!(channel, error = %error, is_lost, "what was missed cannot be read");
    is_lost
}

/// Notes that a channel is read from now on.
pub(super) async fn begin_with<S: Store>(handler: &Handler<S>, key: &ChannelKey) {
    handler.marks.start(key, now()).await;
}

/// Notes that channels that were never read are read from now on.
pub(super) async fn begin<S: Store>(handler: &Handler<S>) {
    handler.marks.start_new(&watched(handler), now()).await;
}

fn watched<S: Store>(handler: &Handler<S>) -> Vec<ChannelKey> {
    handler.bot.channels.watched(Platform::Discord).into_iter().map(|(key, _)| key).collect()
}

/// Reads a channel and its threads behind a place; returns how many messages that were.
async fn read<S: Store>(
    handler: &Handler<S>,
    cache: &Cache,
    key: &ChannelKey,
    cursor: Cursor,
) -> Result<usize, CallError> {
    let mut read = edited(handler, cache, key, cursor).await?;
    read += channel(handler, cache, key, &key.channel, cursor, None).await?;
    for thread in threads(handler, key, cursor).await? {
        read += channel(handler, cache, key, &thread, cursor, None).await?;
    }
    Ok(read)
}

/// Reads what was edited of the latest messages before a place, of which nobody tells; returns how many messages
/// that were.
async fn edited<S: Store>(
    handler: &Handler<S>,
    cache: &Cache,
    key: &ChannelKey,
    before: Cursor,
) -> Result<usize, CallError> {
    let Some(channel_id) = key.channel.parse().ok().map(ChannelId::new) else { return Ok(0) };
    let page = page(handler, channel_id, "before", before + 1).await?;
    Ok(take(handler, cache, key, page, |message| message.edited_timestamp.is_some()).await)
}

/// Reads a stretch of which not all messages were held.
pub(super) async fn stretch<S: Store>(handler: &Handler<S>, cache: &Cache, stretch: Stretch) {
    let reading = |stretch: Stretch| async move {
        let Stretch { channel: id, key, first, last } = &stretch;
        match channel(handler, cache, key, &id.to_string(), cursor(*first) - 1, Some(cursor(*last))).await {
            Ok(read) => {
                info!(channel = %id, messages = read, "read what was not held");
                None
            }
            Err(error) => (!is_lost(&key.channel, &error)).then_some(stretch),
        }
    };
    each(vec![stretch], reading).await;
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
) -> Result<usize, CallError> {
    let Some(channel_id) = id.parse().ok().map(ChannelId::new) else { return Ok(0) };
    let mut read = 0;
    while last.map_or(read < CHANNEL_MAX, |last| after < last) {
        let page = page(handler, channel_id, "after", after).await?;
        let full = page.len() == PAGE;
        read += page.len();
        after = page.last().map_or(after, number);
        take(handler, cache, key, page, |_| true).await;
        if !full {
            break;
        }
    }
    Ok(read)
}

/// A page of a channel's messages on one side of a place, oldest first.
async fn page<S: Store>(
    handler: &Handler<S>,
    channel_id: ChannelId,
    side: &'static str,
    place: Cursor,
) -> Result<Vec<Value>, CallError> {
    let query = [(side, place.to_string()), ("limit", PAGE.to_string())];
    let mut page = match handler.rest.read(Route::ChannelMessages { channel_id }, &query, TRIES).await {
        Ok(Value::Array(page)) => page,
        Ok(_) => Vec::new(),
        // A forum has threads only.
        Err(error) if error.code() == Some(code::WRONG_CHANNEL_TYPE) => Vec::new(),
        Err(error) => return Err(error),
    };
    page.sort_by_key(number);
    Ok(page)
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
async fn threads<S: Store>(handler: &Handler<S>, key: &ChannelKey, behind: Cursor) -> Result<Vec<String>, CallError> {
    let Some(guild_id) = key.workspace.parse().ok().map(GuildId::new) else { return Ok(Vec::new()) };
    let found = handler.rest.read(Route::GuildThreadsActive { guild_id }, &[], TRIES).await?;
    let threads = found["threads"].as_array().into_iter().flatten();
    let latest = |thread: &Value| thread["last_message_id"].as_str().and_then(|id| id.parse().ok());
    let news = |thread: &Value| latest(thread).unwrap_or(Cursor::MAX) > behind;
    let own = threads.filter(|thread| thread["parent_id"] == key.channel.as_str() && news(thread));
    Ok(own.filter_map(|thread| thread["id"].as_str().map(str::to_owned)).collect())
}

/// Looks at an answered message again; whether that was done.
async fn look_again<S: Store>(handler: &Handler<S>, cache: &Cache, key: MessageKey, thread: Option<String>) -> bool {
    let channel = thread.as_ref().unwrap_or(&key.channel.channel).parse().ok().map(ChannelId::new);
    let message = key.message.parse().ok().map(MessageId::new);
    let guild = key.channel.workspace.parse().ok().map(GuildId::new);
    let (Some(channel), Some(message)) = (channel, message) else { return true };
    handler.look_at(cache, Ids { guild, channel, message }, true).await
}

/// The first id that a message can have that is posted at a moment, in milliseconds since 1970.
fn first_id(at: i64) -> Cursor {
    (at - EPOCH_MS).max(1) << TIME_SHIFT
}

fn now() -> Cursor {
    first_id(now_ms())
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
