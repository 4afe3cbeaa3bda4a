//! Brings posts to Slack. Every call may be repeated: what may have been sent before is looked for in its
//! thread, by the id of its block.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tracing::{info, warn};

use super::rest::{CallError, code};
use super::team::{Team, Teams};
use crate::bot::ports::{Courier, Errand, Part, SendError, Store};
use crate::bot::{ChannelKey, Channels, MessageKey, Platform};
use crate::render::slack as render;
use crate::reply::Post;

/// Slack takes about one message per second in a channel. <https://docs.slack.dev/apis/web-api/rate-limits>
const PACE: Duration = Duration::from_secs(1);
/// So long a post waits for its turn; beyond that it comes again later.
const TURN_MAX: Duration = Duration::from_secs(2);
/// Replies of a thread that are asked for at once, and pages of them among which an earlier post is looked for.
const PAGE: &str = "200";
const PAGES_MAX: usize = 5;
/// How long to wait for a workspace that was not found yet.
const NOT_FOUND_YET: Duration = Duration::from_secs(2);

/// Brings posts to Slack.
pub struct SlackCourier<S> {
    teams: Teams,
    channels: Arc<Channels<S>>,
    /// When the next post may go to a channel.
    turns: Mutex<HashMap<ChannelKey, Instant>>,
}

impl<S: Store> SlackCourier<S> {
    pub(super) fn new(teams: Teams, channels: Arc<Channels<S>>) -> Self {
        Self { teams, channels, turns: Mutex::default() }
    }

    fn team(&self, key: &MessageKey) -> Result<Arc<Team>, SendError> {
        self.teams.get(&key.channel.workspace).ok_or_else(|| SendError::Later {
            reason: format!("the workspace {} is not configured, or Slack did not answer yet", key.channel.workspace),
            after: Some(NOT_FOUND_YET),
        })
    }

    fn payload(&self, key: &MessageKey, thread: Option<&str>, post: &Post) -> Result<Value, SendError> {
        let settings = self.channels.settings_in(&key.channel, thread);
        let may_call_team = settings.is_some_and(|settings| settings.support_role.is_some());
        let payload = render::post(post, &render::Around { key: &render_key(key), may_call_team });
        serde_json::to_value(payload).map_err(|error| SendError::Never(error.to_string()))
    }

    /// Waits for the channel's turn.
    async fn turn(&self, channel: &ChannelKey) -> Result<(), SendError> {
        let now = Instant::now();
        let at = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, next| *next > now);
            let at = turns.get(channel).copied().unwrap_or(now);
            if at.duration_since(now) <= TURN_MAX {
                turns.insert(channel.clone(), at + PACE);
            }
            at
        };
        let wait = at.duration_since(now);
        if wait > TURN_MAX {
            return Err(SendError::Later {
                reason: "others are posted in this channel first".to_owned(),
                after: Some(wait),
            });
        }
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// The latest of the bot's posts of this part for this message, other than `except`.
    async fn earlier(
        &self,
        team: &Team,
        key: &MessageKey,
        part: Part,
        thread: Option<&str>,
        except: Option<&str>,
    ) -> Result<Option<String>, CallError> {
        let id = render::block_id(part.as_str(), &render_key(key));
        let root = thread.unwrap_or(&key.message);
        let mut found = None;
        let mut next = String::new();
        for _ in 0..PAGES_MAX {
            // A reply is later than what it answers.
            let mut query = vec![
                ("channel", key.channel.channel.as_str()),
                ("ts", root),
                ("oldest", key.message.as_str()),
                ("limit", PAGE),
            ];
            if !next.is_empty() {
                query.push(("cursor", &next));
            }
            let page = match team.api.get("conversations.replies", &query).await {
                Err(error) if error.is(&code::GONE) => return Ok(None),
                page => page?,
            };
            for message in page["messages"].as_array().into_iter().flatten() {
                let own = message["user"] == team.me.user.as_str()
                    || team.me.bot.as_deref().is_some_and(|bot| message["bot_id"] == bot);
                let ts = message["ts"].as_str().filter(|ts| Some(*ts) != except);
                let mut blocks = message["blocks"].as_array().into_iter().flatten();
                if own && blocks.any(|block| block["block_id"] == id.as_str()) {
                    found = ts.map(str::to_owned).or(found);
                }
            }
            next = page["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned();
            if next.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    /// Sends a post into the thread of its message.
    async fn send(&self, team: &Team, errand: Errand<'_>) -> Result<String, SendError> {
        let channel = &errand.key.channel.channel;
        let mut body = self.payload(errand.key, errand.thread, errand.post)?;
        body["channel"] = channel.as_str().into();
        body["thread_ts"] = errand.thread.unwrap_or(&errand.key.message).into();
        self.turn(&errand.key.channel).await?;
        let sent = team.api.post("chat.postMessage", &body).await?;
        let ts = sent["ts"]
            .as_str()
            .ok_or_else(|| SendError::Later { reason: "Slack's answer names no message".to_owned(), after: None })?;
        Ok(format!("{channel}/{ts}"))
    }

    async fn change(&self, team: &Team, body: &Value, channel: &str, ts: &str) -> Result<(), CallError> {
        let mut body = body.clone();
        body["channel"] = channel.into();
        body["ts"] = ts.into();
        team.api.post("chat.update", &body).await.map(|_| ())
    }
}

impl<S: Store> Courier for SlackCourier<S> {
    fn platform(&self) -> Platform {
        Platform::Slack
    }

    async fn post(&self, errand: Errand<'_>) -> Result<String, SendError> {
        let team = self.team(errand.key)?;
        if errand.uncertain
            && let Some(ts) = self.earlier(&team, errand.key, errand.part, errand.thread, None).await?
        {
            // What is wanted may have changed since.
            let channel = &errand.key.channel.channel;
            let body = self.payload(errand.key, errand.thread, errand.post)?;
            match self.change(&team, &body, channel, &ts).await {
                Err(error) if !error.is(&code::NO_EDIT) => return Err(error.into()),
                _ => return Ok(format!("{channel}/{ts}")),
            }
        }
        self.send(&team, errand).await
    }

    async fn update(&self, errand: Errand<'_>, place: &str) -> Result<(), SendError> {
        let team = self.team(errand.key)?;
        let (channel, ts) = parse_place(place)?;
        let body = self.payload(errand.key, errand.thread, errand.post)?;
        let closed = match self.change(&team, &body, channel, ts).await {
            Err(error) if error.is(&code::NO_EDIT) => true,
            Err(error) if error.is(&code::GONE) => false,
            done => return done.map_err(SendError::from),
        };
        // Slack edits this message no more, or it was replaced before for that reason: the place that is
        // remembered stays the first one, and the message that stands for it now is found by its block.
        match self.earlier(&team, errand.key, errand.part, errand.thread, Some(ts)).await? {
            Some(later) => self.change(&team, &body, channel, &later).await?,
            None if closed => {
                self.send(&team, errand).await?;
                info!(message = %errand.key, "a reply can no longer be edited; it was posted anew");
            }
            None => return Err(SendError::Never("the reply is gone".to_owned())),
        }
        if closed && let Err(error) = team.api.post("chat.delete", &json!({"channel": channel, "ts": ts})).await {
            warn!(message = %errand.key, error = %error, "the reply that was replaced cannot be removed");
        }
        Ok(())
    }

    async fn remove(
        &self,
        key: &MessageKey,
        part: Part,
        thread: Option<&str>,
        place: Option<&str>,
    ) -> Result<(), SendError> {
        let team = self.team(key)?;
        let channel = key.channel.channel.as_str();
        let known = place.map(parse_place).transpose()?.map(|(_, ts)| ts);
        if let Some(ts) = known {
            match team.api.post("chat.delete", &json!({"channel": channel, "ts": ts})).await {
                Ok(_) => return Ok(()),
                // Somebody else removed it, or it was replaced by another one.
                Err(error) if error.is(&code::GONE) || error.is(&["cant_delete_message"]) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(ts) = self.earlier(&team, key, part, thread, known).await? {
            match team.api.post("chat.delete", &json!({"channel": channel, "ts": ts})).await {
                Err(error) if !error.is(&code::GONE) => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }
}

/// A message as the ids of blocks and buttons name it.
fn render_key(key: &MessageKey) -> render::Key {
    let ChannelKey { workspace, channel, .. } = &key.channel;
    render::Key { team: workspace.clone(), channel: channel.clone(), ts: key.message.clone() }
}

fn parse_place(place: &str) -> Result<(&str, &str), SendError> {
    place.split_once('/').ok_or_else(|| SendError::Never(format!("{place} is no place on Slack")))
}
