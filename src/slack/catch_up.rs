//! What happened while the bot was away: read from the channels' history, through the same path.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tracing::{info, warn};

use super::convert::{Happened, Message};
use super::handler::Handler;
use super::rest::{CallError, code};
use super::team::Team;
use super::{micros, ts_of};
use crate::bot::catch_up::Missed;
use crate::bot::ports::{Cursor, Store};
use crate::bot::{ChannelKey, MessageKey, Platform};

/// Messages that are asked for at once. Slack recommends no more than 200, and gives apps that are sold
/// outside its marketplace 15 whatever is asked; either way it says whether there are more.
/// <https://docs.slack.dev/reference/methods/conversations.history>
const PAGE: &str = "200";
/// Messages of one channel or thread that are read at most, the latest ones.
const CHANNEL_MAX: usize = 2_000;
/// How often a call is made again at once that got no answer.
const TRIES: u32 = 3;
/// The pause before that.
const RETRY: Duration = Duration::from_secs(2);
/// Slack says once in each minute that it drops events in it; what it dropped is there when the minute is over, and a
/// little later.
const DROPPED_WITHIN: Duration = Duration::from_secs(65);

/// Reads what the watched channels of these workspaces have that was not read.
pub(super) async fn run<S: Store>(handler: &Arc<Handler<S>>, teams: &[Arc<Team>]) {
    take_up(handler, teams, Cursor::MAX).await;
}

/// Catches up, in each channel behind the cursor, or behind a place that is further back.
async fn take_up<S: Store>(handler: &Arc<Handler<S>>, teams: &[Arc<Team>], behind: Cursor) {
    let channels = teams.iter().flat_map(|team| watched(handler, team)).collect();
    let concern = |key: &MessageKey| team_of(teams, &key.channel).is_some();
    let taking = |missed| async move {
        match missed {
            Missed::Messages(key, cursor) => match team_of(teams, &key) {
                Some(team) => read(handler, team, &key, cursor.min(behind)).await,
                None => true,
            },
            Missed::Changes(key, thread) => match team_of(teams, &key.channel) {
                Some(team) => look_again(handler, team, &key, thread.as_deref()).await,
                None => true,
            },
        }
    };
    handler.marks.catch_up(Platform::Slack, channels, now(), oldest(handler) / 1_000, concern, taking).await;
}

/// Reads what Slack did not tell in a minute, which begins so many seconds after 1970: a workspace had too many events.
/// <https://docs.slack.dev/reference/events/app_rate_limited>
pub(super) async fn dropped<S: Store>(handler: &Arc<Handler<S>>, team: &Arc<Team>, minute: i64) {
    let since = minute.saturating_mul(1_000_000);
    let watched = watched(handler, team);
    for key in &watched {
        handler.marks.resume(key, since + 1);
    }
    let over = since.saturating_add(micros_of(DROPPED_WITHIN));
    tokio::time::sleep(Duration::from_micros(u64::try_from(over.saturating_sub(now())).unwrap_or_default())).await;
    take_up(handler, std::slice::from_ref(team), since).await;
    for key in &watched {
        handler.marks.end(key, since + 1);
    }
}

/// The channels of a workspace that are watched.
fn watched<S: Store>(handler: &Handler<S>, team: &Team) -> Vec<ChannelKey> {
    let watched = handler.bot.channels.watched(Platform::Slack).into_iter().map(|(key, _)| key);
    watched.filter(|key| key.workspace == team.me.team).collect()
}

/// What is older is not caught up with.
fn oldest<S: Store>(handler: &Handler<S>) -> Cursor {
    now().saturating_sub(micros_of(handler.bot.catch_up))
}

fn micros_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Reads a channel behind a place; whether that was done, as far as anything can be done.
async fn read<S: Store>(handler: &Arc<Handler<S>>, team: &Arc<Team>, key: &ChannelKey, cursor: Cursor) -> bool {
    match channel(handler, team, key, cursor).await {
        Ok(read) => {
            if read > 0 {
                info!(channel = key.channel, messages = read, "read what was missed on Slack");
            }
            true
        }
        Err(error) => {
            warn!(channel = key.channel, error = %error, "what was missed cannot be read yet");
            false
        }
    }
}

/// Looks at an answered message again; whether that was done, as far as anything can be done.
async fn look_again<S: Store>(
    handler: &Arc<Handler<S>>,
    team: &Arc<Team>,
    key: &MessageKey,
    thread: Option<&str>,
) -> bool {
    match one(team, key, thread).await {
        Ok(Some(message)) if message.edited.is_some() || message.subtype.is_some() => {
            take(handler, team, &key.channel, message).await;
        }
        Ok(Some(_)) => {}
        Ok(None) => _ = handler.forget(team, &key.channel.channel, &key.message).await,
        Err(error) => {
            warn!(message = %key, error = %error, "an answered message cannot be looked at again");
            return !error.may_pass();
        }
    }
    true
}

fn team_of<'t>(teams: &'t [Arc<Team>], key: &ChannelKey) -> Option<&'t Arc<Team>> {
    teams.iter().find(|team| team.me.team == key.workspace)
}

/// Notes that a channel is read from now on.
pub(super) async fn begin_with<S: Store>(handler: &Handler<S>, key: &ChannelKey) {
    handler.marks.start(key, now()).await;
}

/// Notes that channels that were never read are read from now on.
pub(super) async fn begin<S: Store>(handler: &Handler<S>) {
    let watched: Vec<ChannelKey> =
        handler.bot.channels.watched(Platform::Slack).into_iter().map(|(key, _)| key).collect();
    handler.marks.start_new(&watched, now()).await;
}

/// Reads a channel and its threads behind the cursor; returns how many messages that were.
///
/// Messages before the cursor are asked for, too: what was said since in their threads, and what was
/// edited, is told only with them.
async fn channel<S: Store>(
    handler: &Arc<Handler<S>>,
    team: &Arc<Team>,
    key: &ChannelKey,
    cursor: Cursor,
) -> Result<usize, CallError> {
    let oldest = oldest(handler);
    let since = ts_of(oldest);
    let history = pages(team, "conversations.history", &[("channel", &key.channel), ("oldest", &since)]).await?;
    let mut read = 0;
    for message in history {
        let at = micros(&message.ts).unwrap_or_default();
        let replied = message.latest_reply.as_deref().and_then(micros).unwrap_or_default();
        let edited = message.last_edit().unwrap_or_default();
        let root = message.ts.clone();
        if at > cursor || edited > cursor {
            read += 1;
            take(handler, team, key, message).await;
        }
        if replied > cursor {
            let after = ts_of(cursor.max(oldest));
            let query = [("channel", key.channel.as_str()), ("ts", &root), ("oldest", &after)];
            for reply in pages(team, "conversations.replies", &query).await? {
                // The first message of a thread always comes with it.
                if reply.ts != root {
                    read += 1;
                    take(handler, team, key, reply).await;
                }
            }
        }
    }
    Ok(read)
}

async fn take<S: Store>(handler: &Arc<Handler<S>>, team: &Arc<Team>, key: &ChannelKey, message: Message) {
    match message.remembered(&key.channel, &team.me) {
        Some(Happened::Said(said)) => {
            if let Some(rest) = handler.take(team, said).await.then {
                rest.await;
            }
        }
        Some(Happened::Gone(ts)) => _ = handler.forget(team, &key.channel, &ts).await,
        None => {}
    }
}

/// All messages of a list, oldest first, at most [`CHANNEL_MAX`].
async fn pages(team: &Team, method: &str, query: &[(&str, &str)]) -> Result<Vec<Message>, CallError> {
    let mut messages: Vec<Message> = Vec::new();
    let mut next = String::new();
    while messages.len() < CHANNEL_MAX {
        let mut query = query.to_vec();
        query.push(("limit", PAGE));
        if !next.is_empty() {
            query.push(("cursor", &next));
        }
        let page = match patiently(team, method, &query).await {
            Ok(page) => page,
            Err(error) if error.may_pass() => return Err(error),
            Err(error) => {
                if !error.is(&code::GONE) {
                    warn!(team = team.me.team, method, error = %error, "what was missed cannot be read");
                }
                break;
            }
        };
        let found = page["messages"].as_array().into_iter().flatten();
        messages.extend(found.filter_map(|message| serde_json::from_value(message.clone()).ok()));
        next = page["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned();
        if next.is_empty() {
            break;
        }
    }
    messages.sort_by_key(|message| micros(&message.ts));
    Ok(messages)
}

/// Makes a call; comes back when Slack says so.
async fn patiently(team: &Team, method: &str, query: &[(&str, &str)]) -> Result<Value, CallError> {
    let mut failed = 0;
    loop {
        match team.api.get(method, query).await {
            Err(CallError::Limited { after }) => tokio::time::sleep(after).await,
            Err(error) if error.may_pass() && failed < TRIES => {
                failed += 1;
                tokio::time::sleep(RETRY).await;
            }
            done => return done,
        }
    }
}

/// A message as it is now; `None` when it is gone.
pub(super) async fn one(team: &Team, key: &MessageKey, thread: Option<&str>) -> Result<Option<Message>, CallError> {
    let channel = ("channel", key.channel.channel.as_str());
    let ts = key.message.as_str();
    let exactly = [("oldest", ts), ("latest", ts), ("inclusive", "true"), ("limit", "2")];
    let (method, first) = match thread {
        Some(thread) => ("conversations.replies", vec![channel, ("ts", thread)]),
        None => ("conversations.history", vec![channel]),
    };
    let query: Vec<(&str, &str)> = first.into_iter().chain(exactly).collect();
    let page = match patiently(team, method, &query).await {
        Err(error) if error.is(&code::GONE) => return Ok(None),
        page => page?,
    };
    let found = page["messages"].as_array().into_iter().flatten().find(|message| message["ts"] == ts);
    Ok(found.and_then(|message| serde_json::from_value(message.clone()).ok()))
}

/// Microseconds since 1970.
fn now() -> Cursor {
    micros_of(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}
