//! The methods of the Web API that such a bot needs, as strict as Slack's.

use std::time::Duration;

use serde_json::{Value, json};

use super::blocks;
use super::state::{Channel, Kind, Message, State, moment, now, ts};
use super::web::{Answer, Arguments, Caller, Refusal};

/// Slack cuts longer messages.
const TEXT_CUT: usize = 40_000;
/// The most that an edit may hold.
const UPDATE_TEXT_MAX: usize = 4_000;

fn ok() -> Answer {
    Ok(json!({}))
}

pub(super) fn required(arguments: &Arguments, name: &str) -> Result<String, Refusal> {
    arguments.text(name).ok_or_else(|| {
        let message = format!("[ERROR] missing required field: {name}");
        Refusal::with("invalid_arguments", json!({"response_metadata": {"messages": [message]}}))
    })
}

/// What a message is made of.
pub(super) struct Content {
    pub(super) text: Option<String>,
    pub(super) blocks: Option<Vec<Value>>,
    pub(super) attachments: Option<Vec<Value>>,
    pub(super) metadata: Option<Value>,
}

fn list(arguments: &Arguments, name: &str, refusal: &str) -> Result<Option<Vec<Value>>, Refusal> {
    match arguments.json(name) {
        None => Ok(None),
        Some(Ok(Value::Array(list))) => Ok(Some(list)),
        Some(_) => Err(refusal.into()),
    }
}

impl Content {
    fn read(arguments: &Arguments) -> Result<Self, Refusal> {
        let blocks = list(arguments, "blocks", "invalid_blocks_format")?;
        if let Some(blocks) = &blocks {
            blocks::message(blocks)?;
        }
        let attachments = list(arguments, "attachments", "invalid_attachments")?;
        if attachments.as_ref().is_some_and(|all| all.len() > 100) {
            return Err("too_many_attachments".into());
        }
        for (index, attachment) in attachments.iter().flatten().enumerate() {
            if let Some(inside) = attachment["blocks"].as_array() {
                blocks::message(inside).map_err(|refusal| {
                    let at = format!("/attachments/{index}");
                    Refusal::with("invalid_attachments", json!({"at": at, "response_metadata": refusal.more}))
                })?;
            }
        }
        let metadata = match arguments.json("metadata") {
            None => None,
            Some(Ok(metadata)) if metadata["event_type"].is_string() && metadata["event_payload"].is_object() => {
                Some(metadata)
            }
            Some(_) => return Err("invalid_metadata_format".into()),
        };
        if arguments.has("markdown_text") {
            if arguments.has("text") || arguments.has("blocks") {
                return Err("markdown_text_conflict".into());
            }
            let text = required(arguments, "markdown_text")?;
            if text.chars().count() > 12_000 {
                return Err("msg_too_long".into());
            }
            return Ok(Self { text: Some(text), blocks, attachments, metadata });
        }
        Ok(Self { text: arguments.text("text"), blocks, attachments, metadata })
    }

    pub(super) fn is_empty(&self) -> bool {
        let none = |list: &Option<Vec<Value>>| list.as_ref().is_none_or(Vec::is_empty);
        self.text.as_ref().is_none_or(|text| text.trim().is_empty()) && none(&self.blocks) && none(&self.attachments)
    }
}

/// Slack escapes what is neither escaped nor one of its own signs.
fn stored(text: &str) -> String {
    let mut stored = String::new();
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let known = ["&amp;", "&lt;", "&gt;"].iter().find(|entity| rest.starts_with(**entity));
        let sign = rest.strip_prefix('<').and_then(|inside| inside.split_once('>')).map(|(inside, _)| inside);
        let sign = sign.filter(|inside| {
            ["@", "#", "!", "http://", "https://", "mailto:", "tel:"].iter().any(|start| inside.starts_with(start))
        });
        if let Some(entity) = known {
            stored.push_str(entity);
            rest = &rest[entity.len()..];
        } else if let Some(inside) = sign {
            stored.push_str(&format!("<{inside}>"));
            rest = &rest[inside.len() + 2..];
        } else {
            match char {
                '&' => stored.push_str("&amp;"),
                '<' => stored.push_str("&lt;"),
                '>' => stored.push_str("&gt;"),
                char => stored.push(char),
            }
            rest = &rest[char.len_utf8()..];
        }
    }
    stored
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_CUT).collect()
}

/// Slack gives every block a name.
pub(super) fn with_ids(blocks: Vec<Value>, id: u64) -> Vec<Value> {
    let name = |(index, mut block): (usize, Value)| {
        if block["block_id"].as_str().is_none_or(str::is_empty) {
            block["block_id"] = format!("b{:x}{index}", id % 0xff_ff_ff).into();
        }
        block
    };
    blocks.into_iter().enumerate().map(name).collect()
}

/// The part of a list that a cursor points at, and the cursor of the next part.
fn page<T: Clone>(all: &[T], arguments: &Arguments, usual: usize, most: usize) -> Result<(Vec<T>, String), Refusal> {
    let limit = match arguments.number("limit") {
        None => usual.min(most),
        Some(Ok(limit)) if (1..=1000).contains(&limit) => limit.min(most),
        Some(_) => return Err("invalid_limit".into()),
    };
    let start = match arguments.text("cursor") {
        None => 0,
        Some(cursor) => {
            let number = cursor.strip_prefix("bmV4dDo").and_then(|rest| rest.trim_end_matches('=').parse().ok());
            number.filter(|start| *start <= all.len()).ok_or_else(|| Refusal::from("invalid_cursor"))?
        }
    };
    let end = (start + limit).min(all.len());
    let next = if end < all.len() { format!("bmV4dDo{end}=") } else { String::new() };
    Ok((all[start..end].to_vec(), next))
}

impl State {
    /// The scopes of which a call needs one.
    pub(super) fn accepted_scopes(&self, method: &str, arguments: &Arguments) -> &'static str {
        let kind = arguments.text("channel").and_then(|id| self.channel(&id).map(|channel| channel.kind));
        let by_kind = |scopes: [&'static str; 4]| match kind {
            Some(Kind::Public) => scopes[0],
            Some(Kind::Private) => scopes[1],
            Some(Kind::Im) => scopes[2],
            Some(Kind::Mpim) => scopes[3],
            None => "",
        };
        match method {
            "apps.connections.open" => "connections:write",
            "chat.postMessage" | "chat.update" | "chat.delete" | "chat.postEphemeral" => "chat:write",
            "conversations.history" | "conversations.replies" => {
                by_kind(["channels:history", "groups:history", "im:history", "mpim:history"])
            }
            "conversations.info" | "conversations.members" => {
                by_kind(["channels:read", "groups:read", "im:read", "mpim:read"])
            }
            "conversations.list" | "users.conversations" => "channels:read,groups:read,im:read,mpim:read",
            "conversations.open" => "im:write",
            "conversations.join" => "channels:join",
            "users.info" | "users.list" | "bots.info" => "users:read",
            "usergroups.list" | "usergroups.users.list" => "usergroups:read",
            "files.info" => "files:read",
            "team.info" => "team:read",
            "reactions.add" | "reactions.remove" => "reactions:write",
            _ => "",
        }
    }

    pub(super) fn call(&mut self, method: &str, caller: &Caller, arguments: &Arguments) -> Answer {
        let team = match caller {
            Caller::App if method == "apps.connections.open" => return self.open_connection(),
            Caller::App => return Ok(json!({"app_name": "oktriage", "app_id": self.app})),
            Caller::Bot(team) => team.clone(),
        };
        match method {
            "api.test" => ok(),
            "auth.test" => {
                let team = self.team(&team);
                Ok(json!({
                    "url": format!("https://{}.slack.com/", team.domain), "team": team.name, "user": "oktriage",
                    "team_id": team.id, "user_id": team.bot_user, "bot_id": team.bot_id,
                    "is_enterprise_install": false,
                }))
            }
            "chat.postMessage" => self.post_message(&team, arguments),
            "chat.postEphemeral" => self.post_ephemeral(&team, arguments),
            "chat.update" => self.update_message(&team, arguments),
            "chat.delete" => {
                let message = self.own_message(&team, arguments, "cant_delete_message")?;
                self.remove(message.id);
                Ok(json!({"channel": message.channel, "ts": message.ts}))
            }
            "chat.getPermalink" => {
                let channel = self.seen_channel(&team, arguments)?;
                let asked = required(arguments, "message_ts")?;
                let found = self.message_at(&channel.id, &asked).ok_or_else(|| Refusal::from("message_not_found"))?;
                let domain = &self.team(&team).domain;
                let stamp = found.ts.replace('.', "");
                let link = format!("https://{domain}.slack.com/archives/{}/p{stamp}", channel.id);
                Ok(json!({"channel": channel.id, "permalink": link}))
            }
            "conversations.history" => self.history(&team, arguments),
            "conversations.replies" => self.thread(&team, arguments),
            "conversations.info" => {
                let channel = self.seen_channel(&team, arguments)?;
                Ok(json!({"channel": self.channel_json(&channel)}))
            }
            "conversations.members" => {
                let channel = self.seen_channel(&team, arguments)?;
                let (members, next) = page(&channel.members, arguments, 100, 1000)?;
                Ok(json!({"members": members, "response_metadata": {"next_cursor": next}}))
            }
            "conversations.list" => self.list_channels(&team, arguments, false),
            "users.conversations" => self.list_channels(&team, arguments, true),
            "conversations.open" => {
                let user = required(arguments, "users")?;
                let known = self.user_by_id(&user).is_some_and(|known| known.team == team && !known.bot);
                if !known {
                    return Err("user_not_found".into());
                }
                let channel = self.dm_channel(&user);
                Ok(json!({"no_op": true, "already_open": true, "channel": {"id": channel}}))
            }
            "conversations.join" => self.join(&team, arguments),
            "users.info" => {
                let id = required(arguments, "user")?;
                let user = self.user_by_id(&id).filter(|user| user.team == team);
                let user = user.ok_or_else(|| Refusal::from("user_not_found"))?;
                Ok(json!({"user": self.user_json(user, self.has_scope(&team, "users:read.email"))}))
            }
            "users.list" => {
                let users: Vec<&super::state::User> = self.users.iter().filter(|user| user.team == team).collect();
                let (users, next) = page(&users, arguments, 100, 1000)?;
                let users: Vec<Value> = users.iter().map(|user| self.user_json(user, false)).collect();
                Ok(json!({"members": users, "cache_ts": now() / 1_000_000, "response_metadata": {"next_cursor": next}}))
            }
            "usergroups.list" => {
                let here = self.groups.iter().filter(|(_, (_, of, _))| *of == team);
                let with_users = arguments.flag("include_users") == Some(true);
                let groups = here.map(|(handle, (id, _, users))| {
                    let mut json = json!({
                        "id": id, "team_id": team, "is_usergroup": true, "name": handle, "description": "",
                        "handle": handle, "is_external": false, "date_create": 1_700_000_000, "date_delete": 0,
                        "user_count": users.len(), "prefs": {"channels": [], "groups": []},
                    });
                    if with_users {
                        json["users"] = json!(users);
                    }
                    json
                });
                Ok(json!({"usergroups": groups.collect::<Vec<_>>()}))
            }
            "usergroups.users.list" => {
                let id = required(arguments, "usergroup")?;
                let found = self.groups.values().find(|(known, of, _)| *known == id && *of == team);
                let (_, _, users) = found.ok_or_else(|| Refusal::from("no_such_subteam"))?;
                Ok(json!({"users": users}))
            }
            "team.info" => {
                let team = self.team(&team);
                Ok(json!({"team": {
                    "id": team.id, "name": team.name, "domain": team.domain, "email_domain": "example.com",
                    "url": format!("https://{}.slack.com/", team.domain),
                    "icon": {"image_default": true}, "avatar_base_url": "https://example.com/",
                }}))
            }
            "bots.info" => {
                let asked = arguments.text("bot");
                let team = self.team(&team);
                if asked.is_some_and(|asked| asked != team.bot_id) {
                    return Err("bot_not_found".into());
                }
                Ok(json!({"bot": self.bot_json(team)}))
            }
            "files.info" => {
                let id = required(arguments, "file")?;
                let file = self.files.get(&id).filter(|(json, _)| json["user_team"] == team.as_str());
                let (file, bytes) = file.ok_or_else(|| Refusal::from("file_not_found"))?;
                let mut answer = json!({"file": file, "comments": [], "response_metadata": {"next_cursor": ""}});
                if file["mode"] == "snippet" {
                    answer["content"] = String::from_utf8_lossy(bytes).into();
                }
                Ok(answer)
            }
            "reactions.add" | "reactions.remove" => self.react(&team, method, arguments),
            "views.publish" => self.publish_view(&team, arguments),
            "views.open" | "views.push" => self.open_view(&team, method, arguments),
            "views.update" => self.update_view(&team, arguments),
            _ => {
                self.unknown.push(method.to_owned());
                Err("unknown_method".into())
            }
        }
    }

    fn open_connection(&mut self) -> Answer {
        if !self.socket_mode {
            // Slack's own words for an app whose Socket Mode is off.
            return Err("forbidden".into());
        }
        let ticket = format!("ticket-{}", self.id());
        let url = self.url.replacen("http", "ws", 1);
        let url = format!("{url}/link/?ticket={ticket}&app_id={}", self.app);
        self.tickets.push(ticket);
        Ok(json!({"url": url}))
    }

    /// A channel of which the bot may know.
    fn seen_channel(&self, team: &str, arguments: &Arguments) -> Result<Channel, Refusal> {
        let id = arguments.text("channel").unwrap_or_default();
        let channel = self.channel(&id).filter(|channel| channel.team == team);
        let channel = channel.filter(|channel| channel.kind == Kind::Public || self.bot_is_in(&channel.id));
        channel.cloned().ok_or_else(|| "channel_not_found".into())
    }

    /// A channel in which the bot may speak and read.
    fn joined_channel(&self, team: &str, arguments: &Arguments) -> Result<Channel, Refusal> {
        let channel = self.seen_channel(team, arguments)?;
        if self.bot_is_in(&channel.id) { Ok(channel) } else { Err("not_in_channel".into()) }
    }

    fn own_message(&self, team: &str, arguments: &Arguments, refusal: &'static str) -> Result<Message, Refusal> {
        let channel = self.seen_channel(team, arguments)?;
        let asked = required(arguments, "ts")?;
        // What only one person sees cannot be reached this way.
        let message = self.message_at(&channel.id, &asked).filter(|message| !message.is_ephemeral());
        let message = message.ok_or_else(|| Refusal::from("message_not_found"))?;
        if message.bot_id.as_ref() != Some(&self.team(team).bot_id) {
            return Err(refusal.into());
        }
        Ok(message.clone())
    }

    /// The thread that a message is to stand in.
    fn thread_for(&self, channel: &str, arguments: &Arguments) -> Result<Option<String>, Refusal> {
        let Some(thread) = arguments.text("thread_ts") else { return Ok(None) };
        let parent = moment(&thread).and_then(|_| self.message_at(channel, &thread));
        match parent {
            Some(parent) if !parent.is_ephemeral() && !parent.is_reply() => Ok(Some(thread)),
            _ => Err("invalid_thread_ts".into()),
        }
    }

    /// A message of the bot, not yet posted.
    pub(super) fn drafted(&mut self, team: &str, channel: &str, content: &Content) -> Message {
        let id = self.id();
        let team = self.team(team);
        Message {
            id,
            team: team.id.clone(),
            channel: channel.to_owned(),
            ts: ts(id),
            user: team.bot_user.clone(),
            bot_id: Some(team.bot_id.clone()),
            text: stored(&cut(content.text.as_deref().unwrap_or_default())),
            blocks: with_ids(content.blocks.clone().unwrap_or_default(), id),
            attachments: content.attachments.clone().unwrap_or_default(),
            metadata: content.metadata.clone().unwrap_or_default(),
            ..Message::default()
        }
    }

    fn post_message(&mut self, team: &str, arguments: &Arguments) -> Answer {
        let given = required(arguments, "channel").map_err(|_| Refusal::from("channel_not_found"))?;
        let person = self.user_by_id(&given).is_some_and(|user| user.team == team && !user.bot);
        let channel = if person {
            // A person's id means the conversation with them.
            let id = self.dm_channel(&given);
            self.channel(&id).expect("just made").clone()
        } else {
            self.seen_channel(team, arguments)?
        };
        if channel.archived {
            return Err("is_archived".into());
        }
        let public = channel.kind == Kind::Public && self.has_scope(team, "chat:write.public");
        if !self.bot_is_in(&channel.id) && !public {
            return Err("not_in_channel".into());
        }
        let content = Content::read(arguments)?;
        if content.is_empty() {
            return Err("no_text".into());
        }
        let thread = self.thread_for(&channel.id, arguments)?;
        let mut message = self.drafted(team, &channel.id, &content);
        message.unfurls =
            arguments.flag("unfurl_links") != Some(false) || arguments.flag("unfurl_media") != Some(false);
        if arguments.flag("reply_broadcast") == Some(true) && thread.is_some() {
            message.subtype = Some("thread_broadcast".to_owned());
        }
        message.thread_ts = thread;
        let id = self.post(message);
        let message = self.messages[&id].clone();
        Ok(json!({"channel": channel.id, "ts": message.ts, "message": self.message_json(&message, true)}))
    }

    fn post_ephemeral(&mut self, team: &str, arguments: &Arguments) -> Answer {
        let channel = self.joined_channel(team, arguments)?;
        if channel.archived {
            return Err("is_archived".into());
        }
        let user = required(arguments, "user")?;
        if !channel.members.contains(&user) {
            return Err("user_not_in_channel".into());
        }
        let content = Content::read(arguments)?;
        if content.is_empty() {
            return Err("no_text".into());
        }
        if content.text.as_ref().is_some_and(|text| text.chars().count() > TEXT_CUT) {
            return Err("msg_too_long".into());
        }
        let thread = self.thread_for(&channel.id, arguments)?;
        let message = self.drafted(team, &channel.id, &content);
        let id = self.post(Message { ephemeral_to: Some(user), thread_ts: thread, ..message });
        Ok(json!({"message_ts": self.messages[&id].ts}))
    }

    fn update_message(&mut self, team: &str, arguments: &Arguments) -> Answer {
        let message = self.own_message(team, arguments, "cant_update_message")?;
        let age = Duration::from_micros(now().saturating_sub(message.id));
        if message.frozen || self.edit_window.is_some_and(|window| age > window) {
            return Err("edit_window_closed".into());
        }
        let content = Content::read(arguments)?;
        let kept = content.text.is_none() && content.blocks.is_none() && !message.blocks.is_empty();
        if content.is_empty() && !kept {
            return Err("no_text".into());
        }
        if content.text.as_ref().is_some_and(|text| text.chars().count() > UPDATE_TEXT_MAX) {
            return Err("msg_too_long".into());
        }
        let by_text = content.blocks.is_none();
        self.amend(message.id, by_text, |message| change(message, content));
        let message = self.messages[&message.id].clone();
        Ok(json!({
            "channel": message.channel, "ts": message.ts, "text": message.text,
            "message": self.message_json(&message, true),
        }))
    }

    fn history(&mut self, team: &str, arguments: &Arguments) -> Answer {
        let channel = self.joined_channel(team, arguments)?;
        let mut found = self.shown(&channel.id);
        self.within_bounds(&mut found, arguments)?;
        found.reverse();
        let (messages, next) = page(&found, arguments, 100, self.history_page)?;
        let with_metadata = arguments.flag("include_all_metadata") == Some(true);
        let messages: Vec<Value> = messages.iter().map(|message| self.message_json(message, with_metadata)).collect();
        let mut answer = json!({
            "messages": messages, "has_more": !next.is_empty(), "pin_count": 0, "channel_actions_ts": null,
            "channel_actions_count": 0,
        });
        if !next.is_empty() {
            answer["response_metadata"] = json!({"next_cursor": next});
        }
        Ok(answer)
    }

    fn within_bounds(&self, messages: &mut Vec<Message>, arguments: &Arguments) -> Result<(), Refusal> {
        let bound = |name: &str, refusal: &'static str| {
            let text = arguments.text(name);
            let whole = |text: &str| text.parse::<f64>().ok().map(|seconds| (seconds * 1e6) as u64);
            text.map(|text| moment(&text).or_else(|| whole(&text)).ok_or_else(|| Refusal::from(refusal))).transpose()
        };
        let (oldest, latest) = (bound("oldest", "invalid_ts_oldest")?, bound("latest", "invalid_ts_latest")?);
        let inclusive = arguments.flag("inclusive") == Some(true);
        messages.retain(|message| {
            let at = moment(&message.ts).unwrap_or_default();
            let after = oldest.is_none_or(|oldest| at > oldest || (inclusive && at == oldest));
            after && latest.is_none_or(|latest| at < latest || (inclusive && at == latest))
        });
        Ok(())
    }

    /// A thread, oldest first; its first message stands at the head of every page.
    fn thread(&mut self, team: &str, arguments: &Arguments) -> Answer {
        let channel = self.joined_channel(team, arguments)?;
        let asked = required(arguments, "ts")?;
        let parent = self.message_at(&channel.id, &asked).filter(|parent| !parent.is_ephemeral()).cloned();
        let parent = parent.ok_or_else(|| Refusal::from("thread_not_found"))?;
        let with_metadata = arguments.flag("include_all_metadata") == Some(true);
        let mut replies = if parent.is_reply() { Vec::new() } else { self.replies(&parent) };
        self.within_bounds(&mut replies, arguments)?;
        let (replies, next) = page(&replies, arguments, 999, self.history_page.saturating_sub(1).max(1))?;
        let mut messages = vec![self.message_json(&parent, with_metadata)];
        messages.extend(replies.iter().map(|reply| self.message_json(reply, with_metadata)));
        let mut answer = json!({"messages": messages, "has_more": !next.is_empty()});
        if !next.is_empty() {
            answer["response_metadata"] = json!({"next_cursor": next});
        }
        Ok(answer)
    }

    fn list_channels(&mut self, team: &str, arguments: &Arguments, joined: bool) -> Answer {
        let types = arguments.text("types").unwrap_or_else(|| "public_channel".to_owned());
        let mut wanted = Vec::new();
        for name in types.split(',').map(str::trim) {
            let kinds = [Kind::Public, Kind::Private, Kind::Im, Kind::Mpim];
            let kind =
                kinds.into_iter().find(|kind| kind.listed() == name).ok_or_else(|| Refusal::from("invalid_types"))?;
            let scope = format!("{}:read", kind.family());
            if !self.has_scope(team, &scope) {
                let provided = self.team(team).scopes.join(",");
                return Err(Refusal::with("missing_scope", json!({"needed": scope, "provided": provided})));
            }
            wanted.push(kind);
        }
        let no_archived = arguments.flag("exclude_archived") == Some(true);
        let bot = self.team(team).bot_user.clone();
        let here = self.channels.iter().filter(|channel| channel.team == team && wanted.contains(&channel.kind));
        let here = here.filter(|channel| !(no_archived && channel.archived));
        let here = here.filter(|channel| channel.members.contains(&bot) || (!joined && channel.kind == Kind::Public));
        let here: Vec<Channel> = here.cloned().collect();
        let (channels, next) = page(&here, arguments, 100, 1000)?;
        let channels: Vec<Value> = channels.iter().map(|channel| self.channel_json(channel)).collect();
        Ok(json!({"channels": channels, "response_metadata": {"next_cursor": next}}))
    }

    fn join(&mut self, team: &str, arguments: &Arguments) -> Answer {
        let channel = self.seen_channel(team, arguments)?;
        if channel.kind != Kind::Public {
            return Err("method_not_supported_for_channel_type".into());
        }
        if channel.archived {
            return Err("is_archived".into());
        }
        let bot = self.team(team).bot_user.clone();
        self.add_member(&channel.id, &bot, None);
        let channel = self.channel(&channel.id).expect("a channel").clone();
        Ok(json!({"channel": self.channel_json(&channel)}))
    }

    /// Lets someone into a channel and tells of it.
    pub(crate) fn add_member(&mut self, channel: &str, user: &str, inviter: Option<&str>) {
        let place = self.channel_mut(channel).expect("a channel");
        if place.members.iter().any(|member| member == user) {
            return;
        }
        place.members.push(user.to_owned());
        let place = place.clone();
        let at = self.id();
        let mut event = json!({
            "type": "member_joined_channel", "user": user, "channel": place.id, "team": place.team,
            "channel_type": if place.kind == Kind::Private { "G" } else { "C" }, "event_ts": ts(at),
        });
        if let Some(inviter) = inviter {
            event["inviter"] = inviter.into();
        }
        if self.bot_is_in(channel) {
            self.emit(&place.team, "member_joined_channel", event);
        }
        let kind = if place.kind == Kind::Private { "group_join" } else { "channel_join" };
        let sign = Message {
            team: place.team,
            channel: place.id,
            user: user.to_owned(),
            subtype: Some(kind.to_owned()),
            text: format!("<@{user}> has joined the channel"),
            ..Message::default()
        };
        self.post(sign);
    }

    fn react(&mut self, team: &str, method: &str, arguments: &Arguments) -> Answer {
        let channel = self.joined_channel(team, arguments)?;
        let asked = required(arguments, "timestamp").map_err(|_| Refusal::from("no_item_specified"))?;
        let name = required(arguments, "name").map_err(|_| Refusal::from("invalid_name"))?;
        let id = self.message_at(&channel.id, &asked).ok_or_else(|| Refusal::from("message_not_found"))?.id;
        let bot = self.team(team).bot_user.clone();
        let reactions = &mut self.messages.get_mut(&id).expect("just found").reactions;
        let users = reactions.entry(name.clone()).or_default();
        let there = users.iter().position(|user| *user == bot);
        match (method, there) {
            ("reactions.add", Some(_)) => return Err("already_reacted".into()),
            ("reactions.add", None) => users.push(bot),
            (_, None) => return Err("no_reaction".into()),
            (_, Some(index)) => {
                users.remove(index);
            }
        }
        reactions.retain(|_, users| !users.is_empty());
        ok()
    }
}

/// Slack shows blocks when there are any; a new text alone takes them away.
pub(super) fn change(message: &mut Message, content: Content) {
    let id = message.id;
    match (content.blocks, &content.text) {
        (Some(blocks), _) => message.blocks = with_ids(blocks, id),
        (None, Some(_)) => message.blocks = Vec::new(),
        (None, None) => {}
    }
    if let Some(text) = content.text {
        message.text = stored(&cut(&text));
    }
    if let Some(attachments) = content.attachments {
        message.attachments = attachments;
    }
    if let Some(metadata) = content.metadata {
        message.metadata = metadata;
    }
}
