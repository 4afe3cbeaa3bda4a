//! The REST side: routes, permissions and refusals as strict as Discord's.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State as With;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::response::Response;
use serde_json::{Value, json};

use super::bits::{EPHEMERAL, HAS_THREAD, LOADING, intent, kind, permission};
use super::state::{Asked, Channel, Failure, Message, Request, State, now};
use super::{Shared, limits};

/// A refusal with Discord's code.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: u32,
    pub(super) message: &'static str,
    pub(super) errors: Option<Value>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: u32, message: &'static str) -> Self {
        Self { status, code, message, errors: None }
    }
}

type Answer = Result<(u16, Value), Refusal>;

const NO_ACCESS: (u32, &str) = (50001, "Missing Access");
const NO_PERMISSION: (u32, &str) = (50013, "Missing Permissions");
/// SUPPRESS_EMBEDS and SUPPRESS_NOTIFICATIONS.
const FLAGS: u64 = 1 << 2 | 1 << 12;

fn forbidden((code, message): (u32, &'static str)) -> Refusal {
    Refusal::new(403, code, message)
}

fn unknown(code: u32) -> Refusal {
    let message = match code {
        10003 => "Unknown Channel",
        10004 => "Unknown Guild",
        10007 => "Unknown Member",
        10008 => "Unknown Message",
        10013 => "Unknown User",
        10015 => "Unknown Webhook",
        10062 => "Unknown interaction",
        _ => "404: Not Found",
    };
    Refusal::new(404, code, message)
}

fn number(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| limits::wrong("id", "NUMBER_TYPE_COERCE", "Value is not snowflake."))
}

fn ok(json: Value) -> Answer {
    Ok((200, json))
}

/// Answers everything but the gateway.
pub(super) async fn answer(With(shared): With<Arc<Shared>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 25).await.unwrap_or_default();
    let at = Instant::now();
    let path = parts.uri.path();
    let mut changes = shared.changes.subscribe();
    while shared
        .look(|state| state.held.as_ref().is_some_and(|held| path.trim_start_matches("/api/v10").starts_with(held)))
    {
        if changes.changed().await.is_err() {
            break;
        }
    }
    if let Some(file) = path.strip_prefix("/cdn/") {
        let (response, late) = file_response(&shared, path, file, at);
        tokio::time::sleep(late).await;
        return response;
    }
    let path = path.strip_prefix("/api/v10").unwrap_or(path).to_owned();
    let incoming = Incoming {
        method: parts.method.to_string(),
        path,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: parts.headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        versioned: parts.uri.path().starts_with("/api/v10/"),
    };
    let (response, late) = shared.change(|state| {
        let failure = state.failure(&incoming.method, &incoming.path);
        state.note_limits(&incoming, failure.as_ref(), at);
        let (status, response, late) = match failure {
            Some(Failure::RateLimited { retry_after, global }) => (429, limited(retry_after, global), Duration::ZERO),
            Some(Failure::Status(status)) => (status, plain(status, "no healthy upstream".into()), Duration::ZERO),
            other => {
                let (status, json) = match state.route(&incoming) {
                    Ok((status, json)) => (status, json),
                    Err(refusal) => {
                        let mut json = json!({"message": refusal.message, "code": refusal.code});
                        if let Some(errors) = refusal.errors {
                            json["errors"] = errors;
                        }
                        (refusal.status, json)
                    }
                };
                match other {
                    Some(Failure::Slow(late)) => (status, in_json(status, &json), late),
                    Some(_) => (status, dropped(), Duration::ZERO),
                    None => (status, in_json(status, &json), Duration::ZERO),
                }
            }
        };
        let Incoming { method, path, body, .. } = incoming;
        state.requests.push(Request { method, path, body, status, at });
        (response, late)
    });
    tokio::time::sleep(late).await;
    response
}

fn plain(status: u16, body: Body) -> Response {
    Response::builder().status(status).body(body).expect("a response")
}

fn in_json(status: u16, json: &Value) -> Response {
    if status == 204 {
        return plain(status, Body::empty());
    }
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    response.body(json.to_string().into()).expect("a response")
}

fn limited(retry_after: f64, global: bool) -> Response {
    let json = json!({"message": "You are being rate limited.", "retry_after": retry_after, "global": global});
    let mut response = in_json(429, &json);
    let headers = response.headers_mut();
    let seconds = retry_after.ceil().to_string();
    headers.insert(RETRY_AFTER, seconds.parse().expect("a header"));
    headers.insert("x-ratelimit-scope", if global { "global" } else { "user" }.parse().expect("a header"));
    headers.insert("x-ratelimit-reset-after", retry_after.to_string().parse().expect("a header"));
    if global {
        headers.insert("x-ratelimit-global", "true".parse().expect("a header"));
    }
    response
}

/// A body that fails before its first byte takes the connection down.
fn dropped() -> Response {
    let failing = futures_util::stream::iter([Err::<String, _>(std::io::Error::other("dropped"))]);
    plain(200, Body::from_stream(failing))
}

fn file_response(shared: &Shared, path: &str, file: &str, at: Instant) -> (Response, Duration) {
    shared.change(|state| {
        let failure = state.failure("GET", path);
        let late = if let Some(Failure::Slow(late)) = failure { late } else { Duration::ZERO };
        let (status, body) = match failure {
            Some(Failure::RateLimited { retry_after, global }) => return (limited(retry_after, global), late),
            Some(Failure::Status(status)) => (status, Vec::new()),
            Some(Failure::LostAnswer) => return (dropped(), late),
            Some(Failure::Slow(_)) | None => {
                state.files.get(file).map_or((404, Vec::new()), |bytes| (200, bytes.clone()))
            }
        };
        let request = Request { method: "GET".into(), path: path.into(), body: Value::Null, status, at };
        state.requests.push(request);
        (plain(status, body.into()), late)
    })
}

struct Incoming {
    method: String,
    path: String,
    query: String,
    authorization: String,
    body: Value,
    versioned: bool,
}

impl Incoming {
    fn query(&self, name: &str) -> Option<&str> {
        self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, it)| it)
    }
}

impl State {
    /// How many requests to a path are to fail yet.
    pub(crate) fn trouble(&self, prefix: &str) -> u32 {
        self.knobs.iter().filter(|knob| knob.prefix == prefix).map(|knob| knob.left).sum()
    }

    fn failure(&mut self, method: &str, path: &str) -> Option<Failure> {
        let line = format!("{method} {path}");
        let fits = |prefix: &str| path.starts_with(prefix) || line.starts_with(prefix);
        let knob = self.knobs.iter_mut().find(|knob| knob.left > 0 && fits(&knob.prefix))?;
        knob.left -= 1;
        Some(knob.failure.clone())
    }

    /// Notes who was told to wait, and who did not.
    fn note_limits(&mut self, incoming: &Incoming, failure: Option<&Failure>, at: Instant) {
        // Interactions have limits of their own.
        if incoming.path.starts_with("/interactions/") || incoming.path.starts_with("/webhooks/") {
            return;
        }
        let meant = |path: &Option<String>| path.as_ref().is_none_or(|path| *path == incoming.path);
        if self.limits.iter().any(|(path, until)| meant(path) && at < *until) {
            self.impatient.push(format!("{} {}", incoming.method, incoming.path));
        }
        if let Some(Failure::RateLimited { retry_after, global }) = failure {
            let path = (!global).then(|| incoming.path.clone());
            self.limits.push((path, at + Duration::from_secs_f64(*retry_after)));
        }
    }

    pub(super) fn application_flags(&self) -> u64 {
        if self.granted & intent::MESSAGE_CONTENT != 0 { 1 << 19 } else { 0 }
    }

    fn readable(&self) -> bool {
        self.granted & intent::MESSAGE_CONTENT != 0
    }

    fn route(&mut self, incoming: &Incoming) -> Answer {
        let segments: Vec<&str> = incoming.path.trim_start_matches('/').split('/').collect();
        let open = matches!(segments[0], "interactions" | "webhooks") || segments == ["gateway"];
        if !open && incoming.authorization != format!("Bot {}", self.token) {
            return Err(Refusal::new(401, 0, "401: Unauthorized"));
        }
        let body = &incoming.body;
        let method = if incoming.versioned { incoming.method.as_str() } else { "" };
        match (method, segments.as_slice()) {
            ("GET", ["gateway"]) => ok(json!({"url": self.url.replacen("http", "ws", 1)})),
            ("GET", ["gateway", "bot"]) => ok(json!({
                "url": self.url.replacen("http", "ws", 1), "shards": self.shards,
                "session_start_limit": {
                    "total": 1000, "remaining": self.starts.0, "reset_after": self.starts.1, "max_concurrency": 1,
                },
            })),
            ("GET", ["users", "@me"]) => {
                let mut user = self.user_json(self.bot);
                user["verified"] = true.into();
                user["mfa_enabled"] = true.into();
                user["email"] = Value::Null;
                ok(user)
            }
            ("GET", ["users", id]) => match self.user_json(number(id)?) {
                Value::Null => Err(unknown(10013)),
                user => ok(user),
            },
            ("POST", ["users", "@me", "channels"]) => {
                let recipient = number(body["recipient_id"].as_str().unwrap_or_default())?;
                self.user_by_id(recipient).ok_or_else(|| unknown(10013))?;
                let channel = self.dm_channel(recipient);
                ok(self.channel_json(self.channel(channel).expect("just made")))
            }
            ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => ok(self.application_json()),
            ("GET" | "PUT", ["applications", application, rest @ ..])
                if *application == self.application.to_string() =>
            {
                let guild = match rest {
                    ["commands"] => None,
                    ["guilds", guild, "commands"] => Some(self.guild(guild)?),
                    _ => return self.no_route(incoming),
                };
                if method == "PUT" { self.put_commands(guild, body) } else { ok(self.commands_of(guild)) }
            }
            ("GET", ["guilds", guild, rest @ ..]) => self.get_guild(incoming, guild, rest),
            ("GET", ["channels", channel]) => ok(self.channel_json(&self.place(channel)?)),
            ("PATCH", ["channels", channel]) => {
                let place = self.place(channel)?;
                let needed =
                    if place.locked { permission::MANAGE_THREADS } else { permission::SEND_MESSAGES_IN_THREADS };
                self.need(&place, needed)?;
                if place.kind != kind::THREAD || body["archived"] != false {
                    return self.no_route(incoming);
                }
                self.channel_mut(place.id).expect("just found").archived = false;
                ok(self.channel_json(&self.place(channel)?))
            }
            ("GET", ["channels", channel, "messages"]) => self.history(incoming, channel),
            ("POST", ["channels", channel, "messages"]) => self.create_message(channel, body),
            ("POST", ["channels", channel, "typing"]) => self.place(channel).map(|_| (204, Value::Null)),
            ("GET", ["channels", channel, "threads", "archived", "public"]) => {
                let parent = self.place(channel)?.id;
                let threads = self.channels.iter().filter(|thread| thread.parent == Some(parent) && thread.archived);
                let threads: Vec<Value> = threads.map(|thread| self.channel_json(thread)).collect();
                ok(json!({"threads": threads, "members": [], "has_more": false}))
            }
            ("POST", ["channels", channel, "messages", message, "threads"]) => self.open_thread(channel, message, body),
            ("GET", ["channels", channel, "messages", message]) => {
                let place = self.place(channel)?;
                self.need(&place, permission::READ_MESSAGE_HISTORY)?;
                let message = self.message_in(place.id, message)?;
                ok(self.message_json(&message, self.readable()))
            }
            ("PATCH", ["channels", channel, "messages", message]) => {
                let place = self.place(channel)?;
                let message = self.message_in(place.id, message)?;
                if message.author != self.bot {
                    return Err(Refusal::new(403, 50005, "Cannot edit a message authored by another user"));
                }
                if place.archived {
                    return Err(Refusal::new(400, 50083, "Thread is archived"));
                }
                self.edit_message(message.id, body)?;
                ok(self.message_json(&self.messages[&message.id], true))
            }
            ("DELETE", ["channels", channel, "messages", message]) => {
                let place = self.place(channel)?;
                let message = self.message_in(place.id, message)?;
                if message.author != self.bot {
                    self.need(&place, permission::MANAGE_MESSAGES)?;
                }
                if place.archived {
                    return Err(Refusal::new(400, 50083, "Thread is archived"));
                }
                self.remove(message.id);
                Ok((204, Value::Null))
            }
            ("POST", ["interactions", id, token, "callback"]) => {
                let with_response = incoming.query("with_response") == Some("true");
                self.callback(number(id)?, token, body, with_response)
            }
            ("POST" | "PATCH" | "GET" | "DELETE", ["webhooks", application, token, rest @ ..]) => {
                let known = *application == self.application.to_string();
                let asked = self.asked_by_token(token).cloned().filter(|_| known);
                let asked = asked.filter(|asked| asked.ack.is_some()).ok_or_else(|| unknown(10015))?;
                if asked.made.elapsed() > Duration::from_secs(15 * 60) {
                    return Err(Refusal::new(401, 50027, "Invalid Webhook Token"));
                }
                match (method, rest) {
                    ("POST", []) => self.follow_up(&asked, body),
                    ("PATCH" | "GET" | "DELETE", ["messages", id]) => self.own_answer(method, &asked, id, body),
                    _ => self.no_route(incoming),
                }
            }
            _ => self.no_route(incoming),
        }
    }

    fn no_route(&mut self, incoming: &Incoming) -> Answer {
        self.unknown.push(format!("{} {}", incoming.method, incoming.path));
        Err(unknown(0))
    }

    fn application_json(&self) -> Value {
        json!({
            "id": self.application.to_string(), "name": "oktriage", "icon": null, "description": "", "summary": "",
            "bot_public": false, "bot_require_code_grant": false, "verify_key": "0".repeat(64), "team": null,
            "flags": self.application_flags(), "bot": self.user_json(self.bot), "owner": self.user_json(self.user("owner").id),
            "integration_types_config": {"0": {}}, "approximate_guild_count": self.guilds.len(),
        })
    }

    fn guild(&self, id: &str) -> Result<u64, Refusal> {
        let id = number(id)?;
        self.guilds.iter().find(|guild| guild.id == id).map(|guild| guild.id).ok_or_else(|| unknown(10004))
    }

    fn get_guild(&mut self, incoming: &Incoming, guild: &str, rest: &[&str]) -> Answer {
        let id = self.guild(guild)?;
        let here = |channel: &&Channel| channel.guild == Some(id);
        match rest {
            [] => {
                let mut guild = self.guild_json(id);
                for extra in
                    ["joined_at", "large", "unavailable", "member_count", "voice_states", "members", "channels"]
                {
                    guild.as_object_mut().expect("an object").remove(extra);
                }
                ok(guild)
            }
            ["channels"] => {
                let channels = self.channels.iter().filter(here).filter(|channel| channel.kind != kind::THREAD);
                ok(channels.map(|channel| self.channel_json(channel)).collect())
            }
            ["roles"] => {
                let roles = self.roles.iter().filter(|role| role.guild == id);
                ok(roles.map(|role| self.role_json(role)).collect())
            }
            ["members", user] => {
                let user = self.user_by_id(number(user)?).ok_or_else(|| unknown(10007))?;
                ok(self.member_json(user, id))
            }
            ["threads", "active"] => {
                let threads = self.channels.iter().filter(here).filter(|channel| channel.kind == kind::THREAD);
                let threads = threads.filter(|thread| !thread.archived && self.bot_sees(thread.id));
                let threads: Vec<Value> = threads.map(|thread| self.channel_json(thread)).collect();
                ok(json!({"threads": threads, "members": [], "has_more": false}))
            }
            _ => self.no_route(incoming),
        }
    }

    /// A channel that the bot can see.
    fn place(&self, id: &str) -> Result<Channel, Refusal> {
        let channel = self.channel(number(id)?).ok_or_else(|| unknown(10003))?;
        if !self.bot_sees(channel.id) {
            return Err(forbidden(NO_ACCESS));
        }
        Ok(channel.clone())
    }

    fn need(&self, place: &Channel, permissions: u64) -> Result<(), Refusal> {
        let missing = permissions & !self.permissions(self.bot, place.id);
        if missing == 0 { Ok(()) } else { Err(forbidden(NO_PERMISSION)) }
    }

    fn message_in(&self, channel: u64, id: &str) -> Result<Message, Refusal> {
        let message = self.message(number(id)?).filter(|message| message.channel == channel && !message.is_ephemeral());
        message.cloned().ok_or_else(|| unknown(10008))
    }

    fn history(&self, incoming: &Incoming, channel: &str) -> Answer {
        let place = self.place(channel)?;
        if place.kind == kind::FORUM {
            return Err(Refusal::new(400, 50024, "Cannot execute action on this channel type"));
        }
        if self.need(&place, permission::READ_MESSAGE_HISTORY).is_err() {
            return ok(json!([]));
        }
        let limit = incoming.query("limit").map_or(Ok(50), str::parse::<usize>).unwrap_or_default();
        if !(1..=100).contains(&limit) {
            return Err(limits::wrong("limit", "NUMBER_TYPE_MAX", "int value should be 1 to 100."));
        }
        let bound = |name: &str| incoming.query(name).map(number).transpose();
        let (after, before) = (bound("after")?, bound("before")?);
        let here = self.messages.values().filter(|message| message.channel == place.id && !message.deleted);
        let here = here.filter(|message| !message.is_ephemeral());
        let here = here.filter(|message| after.is_none_or(|after| message.id > after));
        let mut found: Vec<&Message> = here.filter(|message| before.is_none_or(|before| message.id < before)).collect();
        // The nearest to the bound are kept; the newest come first in the answer.
        if after.is_some() {
            found.truncate(limit);
        } else {
            found.drain(..found.len().saturating_sub(limit));
        }
        ok(found.iter().rev().map(|message| self.message_json(message, self.readable())).collect())
    }

    fn create_message(&mut self, channel: &str, body: &Value) -> Answer {
        let place = self.place(channel)?;
        if place.kind == kind::FORUM {
            return Err(Refusal::new(400, 50008, "Cannot send messages in a non-text channel"));
        }
        if place.recipient.and_then(|id| self.user_by_id(id)).is_some_and(|user| !user.takes_dms) {
            return Err(Refusal::new(403, 50007, "Cannot send messages to this user"));
        }
        let speak =
            if place.kind == kind::THREAD { permission::SEND_MESSAGES_IN_THREADS } else { permission::SEND_MESSAGES };
        self.need(&place, speak)?;
        if body["embeds"].as_array().is_some_and(|embeds| !embeds.is_empty()) {
            self.need(&place, permission::EMBED_LINKS)?;
        }
        if place.locked && self.need(&place, permission::MANAGE_THREADS).is_err() {
            return Err(Refusal::new(400, 50083, "Thread is archived"));
        }
        limits::message(body, FLAGS)?;
        let mut message = self.drafted(place.id, body)?;
        message.nonce = body["nonce"].clone();
        if body["enforce_nonce"] == true && !message.nonce.is_null() {
            let few_minutes_ago = now() - 5 * 60_000;
            let same = self.messages.values().rev().find(|known| {
                known.author == self.bot
                    && known.channel == place.id
                    && known.nonce == message.nonce
                    && super::state::made(known.id) > few_minutes_ago
            });
            if let Some(same) = same {
                return ok(self.message_json(same, true));
            }
        }
        let reference = &body["message_reference"];
        if !reference.is_null() {
            if self.need(&place, permission::READ_MESSAGE_HISTORY).is_err() {
                return Err(forbidden((160_002, "Cannot reply without permission to read message history")));
            }
            let id = number(&snowflake(&reference["message_id"]))?;
            let elsewhere = !reference["channel_id"].is_null() && snowflake(&reference["channel_id"]) != channel;
            let found = self.message(id).filter(|known| known.channel == place.id && !elsewhere);
            if found.is_some() {
                message.replies_to = Some(id);
                message.kind = 19;
            } else if reference["fail_if_not_exists"] != false {
                return Err(limits::wrong("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message"));
            }
        }
        self.set_mentions(&mut message, &body["allowed_mentions"]);
        let id = self.post(message);
        ok(self.message_json(&self.messages[&id], true))
    }

    /// A new message of the bot; refused when there is nothing in it.
    fn drafted(&self, channel: u64, body: &Value) -> Result<Message, Refusal> {
        let mut message = Message { channel, author: self.bot, ..Message::default() };
        self.apply(&mut message, body)?;
        Ok(message)
    }

    /// Changes what the body names and leaves the rest.
    fn apply(&self, message: &mut Message, body: &Value) -> Result<(), Refusal> {
        let list = |name: &str| body.get(name).map(|list| list.as_array().cloned().unwrap_or_default());
        if let Some(content) = body.get("content") {
            // Discord trims what it stores.
            message.content = content.as_str().unwrap_or_default().trim().to_owned();
        }
        if let Some(mut embeds) = list("embeds") {
            embeds.retain(|embed| embed.as_object().is_some_and(|embed| !embed.is_empty()));
            embeds.iter_mut().for_each(|embed| embed["type"] = "rich".into());
            message.embeds = embeds;
        }
        if let Some(components) = list("components") {
            message.components = components;
        }
        if let Some(flags) = body["flags"].as_u64() {
            message.flags = message.flags & !FLAGS | flags & (FLAGS | EPHEMERAL);
        }
        let nothing = message.content.is_empty() && message.embeds.is_empty() && message.components.is_empty();
        if nothing && message.attachments.is_empty() {
            return Err(Refusal::new(400, 50006, "Cannot send an empty message"));
        }
        self.set_mentions(message, &body["allowed_mentions"]);
        Ok(())
    }

    fn edit_message(&mut self, id: u64, body: &Value) -> Result<(), Refusal> {
        limits::message(body, FLAGS | EPHEMERAL | HAS_THREAD)?;
        let mut message = self.messages[&id].clone();
        self.apply(&mut message, body)?;
        message.flags &= !LOADING;
        message.edited = Some(now());
        self.messages.insert(id, message);
        self.tell_message("MESSAGE_UPDATE", id);
        Ok(())
    }

    fn open_thread(&mut self, channel: &str, message: &str, body: &Value) -> Answer {
        let place = self.place(channel)?;
        let message = self.message_in(place.id, message)?;
        if !matches!(place.kind, kind::TEXT | kind::ANNOUNCEMENT) {
            return Err(Refusal::new(400, 50024, "Cannot execute action on this channel type"));
        }
        self.need(&place, permission::CREATE_PUBLIC_THREADS)?;
        limits::thread(body)?;
        if self.channel(message.id).is_some() {
            return Err(Refusal::new(400, 160_004, "A thread has already been created for this message"));
        }
        let auto_archive = body["auto_archive_duration"].as_u64().unwrap_or(1440);
        let name = body["name"].as_str().unwrap_or_default();
        let id = self.add_thread(place.id, message.id, self.bot, name, auto_archive);
        Ok((201, self.channel_json(self.channel(id).expect("just made"))))
    }

    fn commands_of(&self, guild: Option<u64>) -> Value {
        self.commands.get(&guild).cloned().unwrap_or_default().into()
    }

    fn put_commands(&mut self, guild: Option<u64>, body: &Value) -> Answer {
        limits::commands(body)?;
        self.command_puts += 1;
        let before: HashMap<(String, u64), Value> = self
            .commands
            .remove(&guild)
            .unwrap_or_default()
            .into_iter()
            .map(|command| {
                ((command["name"].to_string(), command["type"].as_u64().unwrap_or(1)), command["id"].clone())
            })
            .collect();
        let mut stored = Vec::new();
        for given in body.as_array().into_iter().flatten() {
            let kind = given["type"].as_u64().unwrap_or(1);
            let known = before.get(&(given["name"].to_string(), kind)).cloned();
            let mut command = json!({
                "application_id": self.application.to_string(), "type": kind, "description": "",
                "default_member_permissions": null, "dm_permission": true, "nsfw": false, "contexts": null,
                "integration_types": [0],
            });
            for (name, value) in given.as_object().into_iter().flatten() {
                command[name] = value.clone();
            }
            command["id"] = known.unwrap_or_else(|| self.id().to_string().into());
            command["version"] = self.id().to_string().into();
            if let Some(guild) = guild {
                command["guild_id"] = guild.to_string().into();
            }
            stored.push(command);
        }
        self.commands.insert(guild, stored);
        ok(self.commands_of(guild))
    }

    fn callback(&mut self, id: u64, token: &str, body: &Value, with_response: bool) -> Answer {
        let known = self.interactions.get(&id).filter(|asked| asked.token == token).cloned();
        let asked = known.ok_or_else(|| unknown(10062))?;
        if asked.ack.is_some() {
            return Err(Refusal::new(400, 40060, "Interaction has already been acknowledged."));
        }
        if asked.made.elapsed() > self.interaction_limit {
            return Err(unknown(10062));
        }
        let (kind, data) = (body["type"].as_u64().unwrap_or_default(), &body["data"]);
        let fits = match kind {
            4 | 5 => asked.kind != 4,
            6 | 7 => asked.source.is_some() && matches!(asked.kind, 3 | 5),
            8 => asked.kind == 4,
            9 => matches!(asked.kind, 2 | 3),
            _ => false,
        };
        if !fits {
            return Err(limits::wrong("type", "BASE_TYPE_CHOICES", "This type may not answer this interaction."));
        }
        let mut original = asked.source;
        match kind {
            4 => {
                limits::message(data, FLAGS | EPHEMERAL)?;
                let draft = Message { interaction: Some(id), ..self.drafted(asked.channel, data)? };
                original = Some(self.post(as_answer(&asked, draft)));
            }
            5 => {
                let flags = LOADING | data["flags"].as_u64().unwrap_or_default() & EPHEMERAL;
                let blank = Message { channel: asked.channel, author: self.bot, flags, ..Message::default() };
                original = Some(self.post(as_answer(&asked, Message { interaction: Some(id), ..blank })));
            }
            7 => {
                let source = asked.source.filter(|source| self.message(*source).is_some());
                self.edit_message(source.ok_or_else(|| unknown(10008))?, data)?;
            }
            8 => limits::choices(data)?,
            9 => {
                limits::modal(data)?;
                original = None;
            }
            _ => {}
        }
        if let Some(asked) = self.interactions.get_mut(&id) {
            asked.ack = Some((kind, data.clone()));
            asked.original = original;
        }
        if !with_response {
            return Ok((204, Value::Null));
        }
        let message = original.and_then(|id| self.message(id)).map(|message| self.message_json(message, true));
        let kind_of = json!({"id": id.to_string(), "type": asked.kind});
        ok(json!({"interaction": kind_of, "resource": {"type": kind, "message": message}}))
    }

    fn follow_up(&mut self, asked: &Asked, body: &Value) -> Answer {
        limits::message(body, FLAGS | EPHEMERAL)?;
        // The first word after a deferral takes its place, and keeps its audience.
        let waiting = asked.original.filter(|id| self.message(*id).is_some_and(|it| it.flags & LOADING != 0));
        let id = if let Some(id) = waiting {
            let mut body = body.clone();
            if let Some(body) = body.as_object_mut() {
                body.remove("flags");
            }
            self.edit_message(id, &body)?;
            if let Some(message) = self.messages.get_mut(&id) {
                message.edited = None;
            }
            id
        } else {
            let draft = Message { interaction: Some(asked.id), ..self.drafted(asked.channel, body)? };
            let id = self.post(draft);
            if let Some(asked) = self.interactions.get_mut(&asked.id) {
                asked.follow_ups.push(id);
            }
            id
        };
        ok(self.message_json(&self.messages[&id], true))
    }

    fn own_answer(&mut self, method: &str, asked: &Asked, id: &str, body: &Value) -> Answer {
        let id = if id == "@original" { asked.original.ok_or_else(|| unknown(10008))? } else { number(id)? };
        let own = asked.original == Some(id) || asked.follow_ups.contains(&id);
        let message = self.message(id).filter(|_| own).cloned().ok_or_else(|| unknown(10008))?;
        match method {
            "PATCH" => {
                // Its audience was chosen once and for all.
                let mut body = body.clone();
                if let Some(body) = body.as_object_mut() {
                    body.remove("flags");
                }
                self.edit_message(id, &body)?;
                if let Some(asked) = self.interactions.get_mut(&asked.id) {
                    asked.edits += 1;
                }
                ok(self.message_json(&self.messages[&id], true))
            }
            "DELETE" => {
                self.remove(id);
                Ok((204, Value::Null))
            }
            _ => ok(self.message_json(&message, true)),
        }
    }
}

/// An answer to a command is of another kind than one to a component, which replies to its message.
fn as_answer(asked: &Asked, message: Message) -> Message {
    match asked.kind {
        2 => Message { kind: 20, ..message },
        _ => message,
    }
}

/// Discord takes ids as text and as numbers.
fn snowflake(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
