//! Brings posts to Discord. Every call may be repeated: threads have the id of their message, sends
//! carry a nonce, and what may have been sent longer ago is looked for by the ids in its buttons.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Value, json};
use serenity::http::{LightMethod, Route};
use serenity::model::Permissions;
use serenity::model::id::{ChannelId, GuildId, MessageId};

use super::permissions;
use super::rest::{CallError, Rest, code};
use crate::bot::ports::Store;
use crate::bot::ports::{Courier, Errand, Part, SendError};
use crate::bot::{Channels, MessageKey, Platform};
use crate::render::discord::{self as render, Around};
use crate::reply::Post;

/// Threads move out of the channel's list after so many minutes without a message. Left out, Discord
/// takes 1440 whatever the channel's own setting is. <https://docs.discord.com/developers/topics/threads>
const AUTO_ARCHIVE_MINUTES: u32 = 1_440;
/// Messages of a thread among which an earlier post is looked for.
const LOOK_BACK: &str = "100";

/// Brings posts to Discord.
pub struct DiscordCourier<S> {
    rest: Arc<Rest>,
    channels: Arc<Channels<S>>,
}

impl<S: Store> DiscordCourier<S> {
    /// A courier over the API; `channels` knows whom a team call reaches.
    pub fn new(rest: Arc<Rest>, channels: Arc<Channels<S>>) -> Self {
        Self { rest, channels }
    }

    async fn payload(&self, errand: Errand<'_>) -> Result<Value, SendError> {
        let Errand { key, thread, post, .. } = errand;
        let settings = self.channels.settings_in(&key.channel, thread);
        let name = format!("{}:{}", key.channel.channel, key.message);
        let exposes = post.reply().is_some_and(|reply| !reply.secrets.is_empty());
        let around = Around {
            key: &name,
            may_call_team: settings.is_some_and(|settings| settings.support_role.is_some()),
            may_delete_message: exposes && self.may_delete_message(key).await,
        };
        serde_json::to_value(render::post(post, &around)).map_err(|error| SendError::Never(error.to_string()))
    }

    /// Whether the bot may delete a message of somebody else. Asked for: the process that delivers a post
    /// need not be the one that hears of the server.
    async fn may_delete_message(&self, key: &MessageKey) -> bool {
        let guild = key.channel.workspace.parse().ok().filter(|id| *id != 0).map(GuildId::new);
        let channel = key.channel.channel.parse().ok().filter(|id| *id != 0).map(ChannelId::new);
        let (Some(guild), Some(channel)) = (guild, channel) else { return false };
        let own = permissions::own(&self.rest, guild, channel).await;
        own.is_ok_and(|(_, may)| may.contains(Permissions::MANAGE_MESSAGES))
    }

    /// The channel that a post goes to, and whether it answers the message there.
    async fn destination(&self, errand: Errand<'_>) -> Result<(ChannelId, bool), SendError> {
        let channel = ChannelId::new(number(&errand.key.channel.channel)?);
        let message = MessageId::new(number(&errand.key.message)?);
        if let Some(thread) = errand.thread {
            // The starter of a forum post has its thread's id.
            return Ok((ChannelId::new(number(thread)?), true));
        }
        let reply = match errand.post {
            Post::Answer { reply, .. } if errand.key.channel.workspace != super::DIRECT => reply,
            Post::Call(_) => {
                let thread = ChannelId::new(message.get());
                let found = self.call(LightMethod::Get, Route::Channel { channel_id: thread }, None).await;
                return Ok(if found.is_ok() { (thread, false) } else { (channel, true) });
            }
            _ => return Ok((channel, true)),
        };
        let body = json!({"name": render::thread_name(reply), "auto_archive_duration": AUTO_ARCHIVE_MINUTES});
        let route = Route::ChannelMessageThreads { channel_id: channel, message_id: message };
        match self.call(LightMethod::Post, route, Some(&body)).await {
            Ok(_) => Ok((ChannelId::new(message.get()), false)),
            Err(error) => match error.code() {
                Some(code::THREAD_EXISTS) => Ok((ChannelId::new(message.get()), false)),
                Some(
                    code::MISSING_PERMISSIONS
                    | code::MISSING_ACCESS
                    | code::WRONG_CHANNEL_TYPE
                    | code::TOO_MANY_THREADS,
                ) => Ok((channel, true)),
                _ => Err(error.into()),
            },
        }
    }

    /// An earlier post of this part for this message, known by the ids in its buttons.
    async fn earlier(&self, key: &MessageKey, part: Part, channel: ChannelId) -> Result<Option<String>, CallError> {
        let query = [("limit", LOOK_BACK.to_owned())];
        let found =
            self.rest.call(LightMethod::Get, Route::ChannelMessages { channel_id: channel }, None::<&()>, &query);
        let found = found.await?;
        let me = self.rest.me().await?.to_string();
        let mark = format!("{}:{}", key.channel.channel, key.message);
        let mut own = found.as_array().into_iter().flatten().filter(|message| message["author"]["id"] == me.as_str());
        let found = own.find(|message| match part {
            Part::Reply => message["components"].to_string().contains(&mark),
            Part::Call => {
                message["nonce"].as_str() == Some(nonce(key, part).as_str())
                    || message["mention_roles"].as_array().is_some_and(|roles| !roles.is_empty())
            }
        });
        Ok(found.and_then(|message| message["id"].as_str()).map(|id| format!("{channel}/{id}")))
    }

    async fn call(&self, method: LightMethod, route: Route<'_>, body: Option<&Value>) -> Result<Value, CallError> {
        self.rest.call(method, route, body, &[]).await
    }

    /// A call about a message that may stand in a thread which was put away: it is woken for that.
    async fn call_in(
        &self,
        channel_id: ChannelId,
        method: LightMethod,
        route: Route<'_>,
        body: Option<&Value>,
    ) -> Result<Value, CallError> {
        match self.call(method, route, body).await {
            Err(error) if error.code() == Some(code::ARCHIVED) => {
                let awake = json!({"archived": false});
                self.call(LightMethod::Patch, Route::Channel { channel_id }, Some(&awake)).await?;
                self.call(method, route, body).await
            }
            done => done,
        }
    }
}

impl<S: Store> Courier for DiscordCourier<S> {
    fn platform(&self) -> Platform {
        Platform::Discord
    }

    async fn post(&self, errand: Errand<'_>) -> Result<String, SendError> {
        let (channel, answers) = self.destination(errand).await?;
        if errand.uncertain
            && let Some(place) = self.earlier(errand.key, errand.part, channel).await?
        {
            // What is wanted may have changed since.
            self.update(errand, &place).await?;
            return Ok(place);
        }
        let mut body = self.payload(errand).await?;
        // The same nonce within some minutes returns the message that was posted first.
        body["nonce"] = nonce(errand.key, errand.part).into();
        body["enforce_nonce"] = true.into();
        if answers {
            body["message_reference"] = json!({"message_id": errand.key.message, "fail_if_not_exists": true});
        }
        let sent = self.call(LightMethod::Post, Route::ChannelMessages { channel_id: channel }, Some(&body)).await?;
        let id = sent["id"]
            .as_str()
            .ok_or_else(|| SendError::Later { reason: "Discord's answer names no message".to_owned(), after: None })?;
        Ok(format!("{channel}/{id}"))
    }

    async fn update(&self, errand: Errand<'_>, place: &str) -> Result<(), SendError> {
        let (channel_id, message_id) = parse_place(place)?;
        let body = self.payload(errand).await?;
        let route = Route::ChannelMessage { channel_id, message_id };
        self.call_in(channel_id, LightMethod::Patch, route, Some(&body)).await?;
        Ok(())
    }

    async fn remove(
        &self,
        key: &MessageKey,
        part: Part,
        thread: Option<&str>,
        place: Option<&str>,
    ) -> Result<(), SendError> {
        let place = match place {
            Some(place) => Some(place.to_owned()),
            None => {
                // Either in the message's own thread, or beside it.
                let thread = ChannelId::new(number(thread.unwrap_or(&key.message))?);
                let channel = ChannelId::new(number(&key.channel.channel)?);
                match self.earlier(key, part, thread).await {
                    Ok(Some(place)) => Some(place),
                    Ok(None) => self.earlier(key, part, channel).await?,
                    Err(error) if error.code() == Some(code::UNKNOWN_CHANNEL) => {
                        self.earlier(key, part, channel).await?
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        let Some(place) = place else { return Ok(()) };
        let (channel_id, message_id) = parse_place(&place)?;
        let route = Route::ChannelMessage { channel_id, message_id };
        match self.call_in(channel_id, LightMethod::Delete, route, None).await {
            Err(error) if matches!(error.code(), Some(code::UNKNOWN_MESSAGE | code::UNKNOWN_CHANNEL)) => Ok(()),
            done => done.map(|_| ()).map_err(SendError::from),
        }
    }
}

/// At most 25 characters. <https://docs.discord.com/developers/resources/message#create-message>
fn nonce(key: &MessageKey, part: Part) -> String {
    let mut hasher = DefaultHasher::new();
    (key, part).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn parse_place(place: &str) -> Result<(ChannelId, MessageId), SendError> {
    let (channel, message) = place.split_once('/').ok_or_else(|| SendError::Never(format!("{place} is no place")))?;
    Ok((ChannelId::new(number(channel)?), MessageId::new(number(message)?)))
}

/// An id; never zero, which serenity's ids do not take.
fn number(id: &str) -> Result<u64, SendError> {
    id.parse().ok().filter(|id| *id != 0).ok_or_else(|| SendError::Never(format!("{id} is no id of Discord")))
}
