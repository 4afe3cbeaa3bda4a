//! The API of the page: messages in, messages and updates out.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tracing::error;

use super::Site;
use crate::bot::ports::StoreError;
use crate::local::{ChatError, ChatLog, ChatMessage};
use crate::render::{discord, html, slack};
use crate::reply::Post;

/// Messages of a channel that the page shows at first.
const HISTORY: u32 = 400;
/// Changes that are sent at once to a page that was away; with more it reads the history again.
const MISSED: u32 = 200;

/// A message as the page gets it.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    id: i64,
    channel: String,
    thread: Option<i64>,
    author: String,
    is_bot: bool,
    text: String,
    /// The bot's reply, ready to be shown.
    html: Option<String>,
    posted_at: i64,
    edited: bool,
    deleted: bool,
    change: i64,
}

impl From<ChatMessage> for Shown {
    fn from(message: ChatMessage) -> Self {
        let ChatMessage { id, channel, thread, author, is_bot, text, reply, posted_at, edited, deleted, change } =
            message;
        let html = reply.as_ref().map(html::reply);
        Self { id, channel, thread, author, is_bot, text, html, posted_at, edited, deleted, change }
    }
}

/// What a request asked for could not be done; the person reads why.
pub(super) struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(serde_json::json!({"error": self.1}))).into_response()
    }
}

impl From<ChatError> for Refused {
    fn from(refused: ChatError) -> Self {
        let status = match &refused {
            ChatError::NoChannel | ChatError::NoMessage => StatusCode::NOT_FOUND,
            ChatError::Empty => StatusCode::UNPROCESSABLE_ENTITY,
            ChatError::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            ChatError::Store(cause) => {
                error!(error = %cause, "the local workspace could not be written");
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self(status, refused.to_string())
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        ChatError::from(error).into()
    }
}

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        let status = rejection.status();
        let text = if status == StatusCode::PAYLOAD_TOO_LARGE {
            ChatError::TooLong.to_string()
        } else {
            rejection.body_text()
        };
        Self(status, text)
    }
}

pub(super) async fn channels<L: ChatLog>(State(site): State<Arc<Site<L>>>) -> Json<serde_json::Value> {
    let channels: Vec<_> =
        site.channels.iter().map(|(name, scope)| serde_json::json!({"name": name, "scope": scope.as_str()})).collect();
    Json(serde_json::json!({"channels": channels, "version": env!("CARGO_PKG_VERSION")}))
}

pub(super) async fn history<L: ChatLog>(
    State(site): State<Arc<Site<L>>>,
    Path(channel): Path<String>,
) -> Result<Json<Vec<Shown>>, Refused> {
    let messages = site.chat.log().history(&channel, HISTORY).await?;
    Ok(Json(messages.into_iter().map(Shown::from).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    text: String,
    #[serde(default)]
    author: String,
    #[serde(default)]
    thread: Option<i64>,
}

pub(super) async fn post_message<L: ChatLog>(
    State(site): State<Arc<Site<L>>>,
    Path(channel): Path<String>,
    message: Result<Json<NewMessage>, JsonRejection>,
) -> Result<(StatusCode, Json<Shown>), Refused> {
    let Json(NewMessage { text, author, thread }) = message?;
    let message = site.chat.post(&channel, thread, &author, &text).await?;
    Ok((StatusCode::CREATED, Json(message.into())))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewText {
    text: String,
}

pub(super) async fn edit_message<L: ChatLog>(
    State(site): State<Arc<Site<L>>>,
    Path(id): Path<i64>,
    text: Result<Json<NewText>, JsonRejection>,
) -> Result<Json<Shown>, Refused> {
    let Json(NewText { text }) = text?;
    Ok(Json(site.chat.edit(id, &text).await?.into()))
}

pub(super) async fn delete_message<L: ChatLog>(
    State(site): State<Arc<Site<L>>>,
    Path(id): Path<i64>,
) -> Result<StatusCode, Refused> {
    site.chat.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What would be sent to Slack and to Discord for a reply of the bot, where a team can be called.
pub(super) async fn preview<L: ChatLog>(
    State(site): State<Arc<Site<L>>>,
    Path(id): Path<i64>,
) -> Result<Json<serde_json::Value>, Refused> {
    let message = site.chat.log().message(id).await?.filter(|message| !message.deleted);
    let reply = message.and_then(|message| message.reply).ok_or(ChatError::NoMessage)?;
    let post = Post::answer(reply);
    let key = slack::Key { team: "T0".to_owned(), channel: "C0".to_owned(), ts: id.to_string() };
    let on_slack = slack::post(&post, &slack::Around { key: &key, may_call_team: true });
    let around = discord::Around { key: "0:0", may_call_team: true, may_delete_message: true };
    Ok(Json(serde_json::json!({"slack": on_slack, "discord": discord::post(&post, &around)})))
}

/// Answers a slash command; only who typed it sees the answer.
pub(super) async fn command<L: ChatLog>(
    State(site): State<Arc<Site<L>>>,
    typed: Result<Json<NewText>, JsonRejection>,
) -> Result<Json<serde_json::Value>, Refused> {
    let Json(NewText { text }) = typed?;
    let watching: Vec<String> = site.channels.iter().map(|(name, _)| format!("#{name}")).collect();
    Ok(Json(serde_json::json!({"html": html::reply(&site.commands.answer(&text, &watching.join(", ")))})))
}

/// Every change as it happens. A page that comes back names the last change it has seen and gets
/// what it missed; one that missed too much is told to start over.
pub(super) async fn updates<L: ChatLog>(
    State(site): State<Arc<Site<L>>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Refused> {
    let receiver = site.chat.updates();
    let seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse::<i64>().ok());
    let mut missed = Vec::new();
    let mut start_over = false;
    if let Some(seen) = seen {
        for channel in site.chat.channels() {
            let changes = site.chat.log().changes(channel, seen, MISSED).await?;
            start_over |= changes.len() as u32 == MISSED;
            missed.extend(changes);
        }
    }
    missed.sort_by_key(|message| message.change);
    missed.reverse();
    if start_over {
        missed.clear();
    }
    let state = (missed, start_over, receiver, site.shutdown.clone());
    let stream =
        futures_util::stream::unfold(state, |(mut missed, start_over, mut receiver, mut shutdown)| async move {
            let event = if start_over {
                Event::default().event("start-over").data("")
            } else if let Some(message) = missed.pop() {
                update(message)
            } else {
                tokio::select! {
                    received = receiver.recv() => match received {
                        Ok(message) => update(message),
                        Err(RecvError::Lagged(_)) => Event::default().event("start-over").data(""),
                        Err(RecvError::Closed) => return None,
                    },
                    _ = shutdown.wait_for(|stop| *stop) => return None,
                }
            };
            Some((Ok(event), (missed, false, receiver, shutdown)))
        });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

fn update(message: ChatMessage) -> Event {
    let id = message.change.to_string();
    let shown = Shown::from(message);
    // A message always serialises: it has no maps with odd keys and no fallible parts.
    Event::default()
        .event("message")
        .id(id)
        .json_data(&shown)
        .unwrap_or_else(|_| Event::default().event("start-over").data(""))
}
