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
/// How often the list of threads is asked for again when Discord is in trouble.
const TRIES: u32 = 4;
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
                let now = (now_ms() - EPOCH_MS).max(1) << TIME_SHIFT;
                handler.marks.begin(key, now);
                handler.marks.end(key, now);
                continue;
            }
            Err(error) => {
                warn!(error = %error, "how far a channel was read is not known; what was missed there stays unread");
                continue;
            }
        };
        // Until this is done, new messages may not move the cursor past what was missed.
        handler.marks.begin(key, cursor + 1);
        let mut read = channel(handler, cache, key, &key.channel, cursor, None).await;
        for thread in threads(handler, key).await {
            read += channel(handler, cache, key, &thread, cursor, None).await;
        }
        handler.marks.end(key, cursor + 1);
        if read > 0 {
            info!(channel = key.channel, messages = read, "read what was missed on Discord");
        }
    }
    answered(handler, cache, guilds, since).await;
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
        let query = [("after", after.to_string()), ("limit", PAGE.to_string())];
        // However long Discord is in trouble: who gives up here has lost them.
        let mut page = match handler.rest.read(Route::ChannelMessages { channel_id }, &query, u32::MAX).await {
            Ok(Value::Array(page)) => page,
            Ok(_) => break,
            // A forum has threads only.
            Err(error) if error.code() == Some(code::WRONG_CHANNEL_TYPE) => break,
            Err(error) => {
                warn!(channel = id, error = %error, "what was missed cannot be read");
                break;
            }
        };
        let full = page.len() == PAGE;
        read += page.len();
        let number = |message: &Value| message["id"].as_str().and_then(|id| id.parse::<Cursor>().ok()).unwrap_or(0);
        page.sort_by_key(number);
        after = page.last().map_or(after, number);
        for message in page {
            let Ok(message) = serde_json::from_value::<Message>(message) else { continue };
            let guild_id = key.workspace.parse().ok().map(GuildId::new);
            if let Some(said) = Said::posted(message, me(cache)) {
                // What was edited since is new all the same.
                handler.take(cache, said.of(guild_id), None).await;
            }
        }
        if !full {
            break;
        }
    }
    read
}

/// The active threads of a channel.
async fn threads<S: Store>(handler: &Handler<S>, key: &ChannelKey) -> Vec<String> {
    let Some(guild_id) = key.workspace.parse().ok().map(GuildId::new) else { return Vec::new() };
    let found = handler.rest.read(Route::GuildThreadsActive { guild_id }, &[], TRIES).await.unwrap_or_else(|error| {
        warn!(channel = key.channel, error = %error, "what was missed in threads cannot be read");
        Value::Null
    });
    let threads = found["threads"].as_array().into_iter().flatten();
    let own = threads.filter(|thread| thread["parent_id"] == key.channel.as_str());
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
