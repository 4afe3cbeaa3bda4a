//! What people do in a workspace of the double, and other programs.

use serde_json::{Value, json};

use super::Slack;
use super::read::readable_view;
use super::state::{Kind, Message, State, now, ts};
use super::typed::typed;

impl Slack {
    /// Says something in a channel ("name", or "domain/name" in another workspace); the id of the message.
    pub(crate) fn say(&self, channel: &str, user: &str, text: &str) -> u64 {
        self.change(|state| write(state, channel, user, text, Said::default()))
    }

    /// Says something at a certain `ts`, which two channels may well share.
    pub(crate) fn say_at(&self, channel: &str, user: &str, text: &str, ts: &str) -> u64 {
        self.change(|state| write(state, channel, user, text, Said { ts: ts.to_owned(), ..Said::default() }))
    }

    pub(crate) fn say_with_file(
        &self,
        channel: &str,
        user: &str,
        text: &str,
        filename: &str,
        bytes: impl AsRef<[u8]>,
    ) -> u64 {
        self.change(|state| {
            let files = vec![attach(state, channel, user, filename, bytes.as_ref())];
            write(state, channel, user, text, Said { files, ..Said::default() })
        })
    }

    /// Says something in the thread of a message.
    pub(crate) fn reply_in_thread(&self, message: u64, user: &str, text: &str) -> u64 {
        self.change(|state| {
            let (channel, thread) = thread_of(state, message);
            write(state, &channel, user, text, Said { thread: Some(thread), ..Said::default() })
        })
    }

    /// Says something in the thread of a message, and in the channel too.
    pub(crate) fn reply_and_broadcast(&self, message: u64, user: &str, text: &str) -> u64 {
        self.change(|state| {
            let (channel, thread) = thread_of(state, message);
            let subtype = Some("thread_broadcast".to_owned());
            write(state, &channel, user, text, Said { thread: Some(thread), subtype, ..Said::default() })
        })
    }

    /// Another integration posts, as incoming webhooks do.
    pub(crate) fn say_as_integration(&self, channel: &str, name: &str, text: &str) -> u64 {
        self.change(|state| {
            let channel = state.channel_named(channel).clone();
            let bot = state.name_id('B');
            let message = Message {
                team: channel.team,
                channel: channel.id,
                bot_id: Some(bot),
                username: Some(name.to_owned()),
                subtype: Some("bot_message".to_owned()),
                text: typed(text, false).0,
                ..Message::default()
            };
            state.post(message)
        })
    }

    /// Changes what a person wrote.
    pub(crate) fn edit(&self, message: u64, text: &str) {
        self.change(|state| {
            let (text, blocks) = typed(text, false);
            state.amend(message, true, |message| (message.text, message.blocks) = (text, blocks));
        });
    }

    /// Slack shows a preview of a link: a change, but no edit.
    pub(crate) fn unfurl(&self, message: u64) {
        self.change(|state| {
            let preview = json!({
                "from_url": "https://example.com/", "id": 1, "original_url": "https://example.com/",
                "fallback": "A page", "title": "A page", "title_link": "https://example.com/", "text": "…",
                "service_name": "example.com",
            });
            state.amend(message, false, |message| message.attachments.push(preview));
        });
    }

    pub(crate) fn delete(&self, message: u64) {
        self.change(|state| state.remove(message));
    }

    /// Says something to the bot.
    pub(crate) fn mention(&self, channel: &str, user: &str, text: &str) -> u64 {
        self.change(|state| {
            let team = state.channel_named(channel).team.clone();
            let text = format!("<@{}> {text}", state.team(&team).bot_user);
            write(state, channel, user, &text, Said { mentions: true, ..Said::default() })
        })
    }

    /// Says something to the bot in the thread of a message.
    pub(crate) fn mention_in_thread(&self, message: u64, user: &str, text: &str) -> u64 {
        self.change(|state| {
            let (channel, thread) = thread_of(state, message);
            let team = state.messages[&message].team.clone();
            let text = format!("<@{}> {text}", state.team(&team).bot_user);
            write(state, &channel, user, &text, Said { thread: Some(thread), mentions: true, ..Said::default() })
        })
    }

    /// Says something to the bot alone ("name", or "domain/name" of another workspace).
    pub(crate) fn dm(&self, user: &str, text: &str) -> u64 {
        self.change(|state| {
            let user = state.user(user).id.clone();
            let channel = state.dm_channel(&user);
            write(state, &channel, &user, text, Said::default())
        })
    }

    /// Lets the bot into a channel.
    pub(crate) fn invite(&self, channel: &str, by: &str) {
        self.change(|state| {
            let channel = state.channel_named(channel).clone();
            let (bot, by) = (state.team(&channel.team).bot_user.clone(), state.user_in(&channel.team, by).id.clone());
            state.add_member(&channel.id, &bot, Some(&by));
        });
    }

    /// Puts the bot out of a channel.
    pub(crate) fn kick(&self, channel: &str, by: &str) {
        self.change(|state| {
            let channel = state.channel_named(channel).clone();
            let (bot, by) = (state.team(&channel.team).bot_user.clone(), state.user_in(&channel.team, by).id.clone());
            state.channel_mut(&channel.id).expect("a channel").members.retain(|member| *member != bot);
            let kind = if channel.kind == Kind::Private { "group_left" } else { "channel_left" };
            let at = ts(state.id());
            state.emit(
                &channel.team,
                kind,
                json!({"type": kind, "channel": channel.id, "actor_id": by, "event_ts": at}),
            );
        });
    }

    /// Removes the app from a workspace, as `domain` says or the first one.
    pub(crate) fn uninstall(&self, domain: Option<&str>) {
        self.change(|state| {
            let team = state.teams.iter().find(|team| domain.is_none_or(|domain| team.domain == domain));
            let team = team.expect("a workspace").clone();
            let at = ts(state.id());
            let tokens = json!({"oauth": [], "bot": [team.bot_user]});
            state.emit(&team.id, "tokens_revoked", json!({"type": "tokens_revoked", "tokens": tokens, "event_ts": at}));
            state.emit(&team.id, "app_uninstalled", json!({"type": "app_uninstalled", "event_ts": at}));
            state.team_mut(&team.id).installed = false;
        });
    }

    /// Looks at the bot's Home tab.
    pub(crate) fn open_home(&self, user: &str) {
        self.change(|state| {
            let user = state.user(user).clone();
            let channel = state.dm_channel(&user.id);
            let at = ts(state.id());
            let mut event =
                json!({"type": "app_home_opened", "user": user.id, "channel": channel, "tab": "home", "event_ts": at});
            if let Some(view) = state.home(&user.team, &user.id) {
                event["view"] = view.json.clone();
            }
            state.emit(&user.team, "app_home_opened", event);
        });
    }

    /// The bot's Home tab of somebody, once it says `what`.
    pub(crate) async fn home(&self, user: &str, what: &str) -> Value {
        let what_is_waited_for = format!("a Home tab with {what}");
        self.wait_for(&what_is_waited_for, |state| {
            let user = state.user(user);
            let view = state.home(&user.team, &user.id).map(|view| view.json.clone());
            view.filter(|view| readable_view(view).contains(what))
        })
        .await
    }
}

/// What is said beside the text.
#[derive(Default)]
struct Said {
    ts: String,
    thread: Option<String>,
    subtype: Option<String>,
    files: Vec<Value>,
    mentions: bool,
}

fn write(state: &mut State, channel: &str, user: &str, text: &str, said: Said) -> u64 {
    let channel = state.channel_named(channel).clone();
    let user = state.user_in(&channel.team, user).id.clone();
    assert!(channel.members.contains(&user), "they cannot write where they are not");
    let (text, blocks) = typed(text, said.mentions);
    let subtype = said.subtype.or_else(|| (!said.files.is_empty()).then(|| "file_share".to_owned()));
    state.post(Message {
        team: channel.team,
        channel: channel.id,
        ts: said.ts,
        thread_ts: said.thread,
        user,
        subtype,
        text,
        blocks,
        files: said.files,
        unfurls: true,
        ..Message::default()
    })
}

/// The channel of a message, and the thread in which a reply to it stands.
fn thread_of(state: &State, message: u64) -> (String, String) {
    let message = state.message(message).expect("a message");
    (message.channel.clone(), message.thread_ts.clone().unwrap_or_else(|| message.ts.clone()))
}

fn attach(state: &mut State, channel: &str, user: &str, filename: &str, bytes: &[u8]) -> Value {
    let team = state.channel_named(channel).team.clone();
    let user = state.user_in(&team, user).id.clone();
    let id = state.name_id('F');
    let at = now() / 1_000_000;
    let keep = |char: char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '_' };
    let path: String = filename.to_lowercase().chars().map(keep).collect();
    let (mimetype, filetype, pretty) = match filename.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "txt" | "log" => ("text/plain", "text", "Plain Text"),
        "json" | "har" => ("text/plain", "json", "JSON"),
        "xml" => ("text/plain", "xml", "XML"),
        "png" => ("image/png", "png", "PNG"),
        "pdf" => ("application/pdf", "pdf", "PDF"),
        _ => ("application/octet-stream", "binary", "Binary"),
    };
    let snippet = mimetype == "text/plain" && bytes.len() <= 1_000_000 && std::str::from_utf8(bytes).is_ok();
    let host = &state.url;
    let mut file = json!({
        "id": id, "created": at, "timestamp": at, "name": filename, "title": filename, "mimetype": mimetype,
        "filetype": filetype, "pretty_type": pretty, "user": user, "user_team": team,
        "editable": snippet, "size": bytes.len(), "mode": if snippet { "snippet" } else { "hosted" },
        "is_external": false, "external_type": "", "is_public": true, "public_url_shared": false,
        "display_as_bot": false, "username": "", "has_rich_preview": false, "file_access": "visible",
        "url_private": format!("{host}/files-pri/{team}-{id}/{path}"),
        "url_private_download": format!("{host}/files-pri/{team}-{id}/download/{path}"),
        "permalink": format!("https://example.slack.com/files/{user}/{id}/{path}"),
    });
    if snippet {
        let text = String::from_utf8_lossy(bytes);
        let lines: Vec<&str> = text.lines().collect();
        file["preview"] = lines.iter().take(5).copied().collect::<Vec<_>>().join("\n").into();
        file["lines"] = lines.len().into();
        file["lines_more"] = lines.len().saturating_sub(5).into();
        file["preview_is_truncated"] = (lines.len() > 5).into();
    }
    state.files.insert(id, (file.clone(), bytes.to_vec()));
    file
}
