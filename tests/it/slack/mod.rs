//! A double of Slack: its Web API, its sockets, its files and its requests to the bot, on one port of this
//! machine, with the people who write there.

#![allow(dead_code, reason = "the conversations that need the rest are still to come")]

mod answers;
mod blocks;
mod delivery;
pub(crate) mod emulate;
mod events;
mod methods;
mod parts;
mod read;
mod socket;
pub(crate) mod state;
mod strict;
mod typed;
mod views;
mod web;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State as With, WebSocketUpgrade};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use crate::program::PATIENCE;
pub(crate) use delivery::Forgery;
use parts::{chosen_action, filled, find_part, has_label, pressed_action};
use read::text_of;
pub(crate) use read::{readable, readable_view};
use state::{Asked, Failure, Kind, Knob, Message, Sent, State, Urls, now, ts};
use typed::typed;

struct Shared {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

impl Shared {
    fn look<T>(&self, looking: impl FnOnce(&mut State) -> T) -> T {
        looking(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, changing: impl FnOnce(&mut State) -> T) -> T {
        let result = self.look(|state| {
            let result = changing(state);
            state.assign();
            result
        });
        self.changes.send_modify(|changes| *changes += 1);
        result
    }

    async fn wait_for<T>(&self, what: &str, mut looking: impl FnMut(&State) -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        let waiting = async {
            loop {
                if let Some(found) = self.look(|state| looking(state)) {
                    return found;
                }
                changes.changed().await.expect("the double is here");
            }
        };
        if let Ok(found) = tokio::time::timeout(PATIENCE, waiting).await {
            return found;
        }
        let seen: Vec<String> = self.look(|state| {
            let last = state.requests.iter().rev().take(20).rev();
            let line = |it: &state::Request| {
                let error = it.error.as_deref().unwrap_or("ok");
                format!("{} {} -> {} {error}", it.method, it.path, it.status)
            };
            last.map(line).collect()
        });
        panic!("not seen on Slack: {what}; the last requests were {seen:#?}")
    }
}

/// A running double; it ends when it is dropped.
pub(crate) struct Slack {
    /// Its Web API is below `/api`.
    pub(crate) url: String,
    shared: Arc<Shared>,
    ending: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Slack {
    fn drop(&mut self) {
        drop(self.ending.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Something that a person did and that waits for an answer of the bot.
pub(crate) struct Interaction {
    pub(crate) id: u64,
    shared: Arc<Shared>,
}

/// What came of an interaction.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// What the acknowledgement held.
    pub(crate) ack: Value,
    /// The first message that came by the acknowledgement or the `response_url`.
    pub(crate) message: Option<Message>,
    /// The view that was opened, pushed or shown instead.
    pub(crate) view: Option<Value>,
    /// What is wrong with fields of the modal, by block.
    pub(crate) errors: Option<Value>,
}

impl Response {
    /// The answer as a person sees it.
    pub(crate) fn text(&self) -> String {
        match (&self.view, &self.message, &self.errors) {
            (Some(view), _, _) => readable_view(view),
            (None, Some(message), _) => readable(message),
            (None, None, Some(errors)) => {
                let lines = errors.as_object().into_iter().flatten();
                lines.map(|(block, text)| format!("{block}: {}", text_of(text))).collect::<Vec<_>>().join("\n")
            }
            _ => String::new(),
        }
    }
}

impl Interaction {
    async fn wait_for<T>(&self, what: &str, looking: impl Fn(&Asked, &State) -> Option<T>) -> T {
        self.shared.wait_for(what, |state| looking(&state.interactions[&self.id], state)).await
    }

    /// What the acknowledgement held, as soon as there is one.
    pub(crate) async fn acknowledged(&self) -> Value {
        self.wait_for("an acknowledgement", |asked, _| asked.ack.clone()).await
    }

    /// The person saw that the app did not answer.
    pub(crate) async fn failed(&self) {
        self.wait_for("a failure", |asked, _| asked.failed.then_some(())).await;
    }

    /// The first message, view or complaint that comes of it.
    pub(crate) async fn response(&self) -> Response {
        self.wait_for("an answer to an interaction", |asked, state| {
            let ack = asked.ack.clone()?;
            let message = asked.messages.first().map(|id| state.messages[id].clone());
            let view = asked.opened.as_ref().map(|id| state.views[id].json.clone());
            let errors = asked.errors.clone();
            let there = message.is_some() || view.is_some() || errors.is_some();
            there.then_some(Response { ack, message, view, errors })
        })
        .await
    }

    /// The messages that came of it, when there are at least so many; one that replaced the original counts.
    pub(crate) async fn messages(&self, at_least: usize) -> Vec<Message> {
        self.wait_for("more messages", |asked, state| {
            let found = asked.messages.iter().map(|id| state.messages[id].clone());
            (asked.messages.len() >= at_least).then(|| found.collect())
        })
        .await
    }

    /// The modal is no longer there.
    pub(crate) async fn closed(&self) {
        self.wait_for("the end of a modal", |asked, state| {
            let view = asked.view.as_ref().and_then(|view| state.views.get(view));
            view.is_none_or(|view| !view.open).then_some(())
        })
        .await;
    }
}

#[derive(serde::Deserialize)]
struct Ticket {
    ticket: Option<String>,
}

async fn link(
    With(shared): With<Arc<Shared>>,
    Query(ticket): Query<Ticket>,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    upgrade.on_upgrade(|socket| socket::serve(socket, shared, ticket.ticket))
}

impl Slack {
    /// A workspace as [`State::add_team`] makes it, with the app installed and Socket Mode on.
    pub(crate) async fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("no blocking");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared { state: Mutex::new(State::new(url.clone())), changes: watch::Sender::new(0) });
        let (ending, ended) = oneshot::channel::<()>();
        let router = Router::new().route("/link/", axum::routing::any(link)).fallback(web::answer);
        let router = router.with_state(Arc::clone(&shared));
        let sender = Arc::clone(&shared);
        // On a thread of its own, for a test may stand still while the program starts.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    served = axum::serve(listener, router).into_future() => served.expect("served"),
                    () = delivery::run(sender) => {}
                    _ = ended => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { url, shared, ending: Some(ending), thread: Some(thread) }
    }

    /// The token of the bot in the first workspace.
    pub(crate) fn bot_token(&self) -> String {
        self.look(|state| state.teams[0].bot_token.clone())
    }

    pub(crate) fn look<T>(&self, looking: impl FnOnce(&State) -> T) -> T {
        self.shared.look(|state| looking(state))
    }

    /// Turns whatever has no method here.
    pub(crate) fn change<T>(&self, changing: impl FnOnce(&mut State) -> T) -> T {
        self.shared.change(changing)
    }

    /// Waits until a look at the state finds something.
    pub(crate) async fn wait_for<T>(&self, what: &str, looking: impl FnMut(&State) -> Option<T>) -> T {
        self.shared.wait_for(what, looking).await
    }

    /// Waits until the bot can be reached.
    pub(crate) async fn connected(&self) {
        self.wait_for("the bot", |state| (state.urls.is_some() || state.open_links() > 0).then_some(())).await;
    }

    /// Waits until everything that was sent is acknowledged or given up.
    pub(crate) async fn settled(&self) {
        let done = |state: &State| state.deliveries.iter().all(|it| it.acked || it.lost).then_some(());
        self.wait_for("acknowledgements of everything", done).await;
    }

    // What people do.

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

    /// Uses a command, such as "/okta lookup E0000011". Slack has none in threads.
    pub(crate) async fn slash(&self, user: &str, channel: &str, line: &str) -> Interaction {
        let (command, text) = line.split_once(' ').unwrap_or((line, ""));
        self.ask("slash_commands", |state| {
            assert!(state.commands.iter().any(|known| known == command), "no command {command}");
            let channel = state.channel_named(channel).clone();
            let user = state.user_in(&channel.team, user).clone();
            let team = state.team(&channel.team).clone();
            let name = match channel.kind {
                Kind::Im => "directmessage".to_owned(),
                Kind::Private => "privategroup".to_owned(),
                _ => channel.name.clone(),
            };
            let payload = json!({
                "token": state.verification_token, "team_id": team.id, "team_domain": team.domain,
                "channel_id": channel.id, "channel_name": name, "user_id": user.id, "user_name": user.name,
                "command": command, "text": text, "api_app_id": state.app, "is_enterprise_install": "false",
            });
            Asking { user: user.id, team: team.id, channel: Some(channel.id), payload, ..Asking::default() }
        })
        .await
    }

    /// Uses an entry in the menu of a message.
    pub(crate) async fn shortcut(&self, user: &str, message: u64, callback_id: &str) -> Interaction {
        self.ask("message_action", |state| {
            let target = state.message(message).expect("a message").clone();
            let channel = state.channel(&target.channel).expect("a channel");
            let payload = json!({
                "type": "message_action", "callback_id": callback_id, "message_ts": target.ts,
                "message": state.message_json(&target, true),
                "channel": {"id": channel.id, "name": shown_name(channel)}, "action_ts": ts(now()),
            });
            let user = state.user_in(&target.team, user).id.clone();
            let (team, channel, source) = (target.team, Some(target.channel), Some(message));
            Asking { user, team, channel, source, payload, ..Asking::default() }
        })
        .await
    }

    /// Uses an entry in the menu of the whole workspace.
    pub(crate) async fn global_shortcut(&self, user: &str, callback_id: &str) -> Interaction {
        self.ask("shortcut", |state| {
            let user = state.user(user).clone();
            let payload = json!({"type": "shortcut", "callback_id": callback_id, "action_ts": ts(now())});
            Asking { user: user.id, team: user.team, payload, ..Asking::default() }
        })
        .await
    }

    /// Presses the button with this label at a message.
    pub(crate) async fn press(&self, user: &str, message: u64, label: &str) -> Interaction {
        self.use_message(user, message, |pressed| {
            let shown = || readable(pressed);
            let (block, part) = find_part(&pressed.blocks, &|part| has_label(part, label))
                .unwrap_or_else(|| panic!("no [{label}] at {}", shown()));
            pressed_action(&block, &part, label)
        })
        .await
    }

    /// Chooses an option, by its value, in the list with this `action_id` at a message.
    pub(crate) async fn choose(&self, user: &str, message: u64, action_id: &str, value: &str) -> Interaction {
        self.use_message(user, message, |used| {
            let (block, part) = find_part(&used.blocks, &|part| part["action_id"] == action_id)
                .unwrap_or_else(|| panic!("no list {action_id} at {}", readable(used)));
            chosen_action(&block, &part, value)
        })
        .await
    }

    async fn use_message(&self, user: &str, message: u64, action: impl FnOnce(&Message) -> Value) -> Interaction {
        self.ask("block_actions", |state| {
            let used = state.message(message).expect("a message").clone();
            let user = state.user_in(&used.team, user).id.clone();
            let seen = used.ephemeral_to.as_ref().is_none_or(|to| *to == user);
            assert!(seen, "only {:?} sees this message", used.ephemeral_to);
            let mut action = action(&used);
            action["action_ts"] = ts(now()).into();
            let channel = state.channel(&used.channel).expect("a channel");
            let mut payload = json!({
                "type": "block_actions", "actions": [action],
                "container": {
                    "type": "message", "message_ts": used.ts, "channel_id": used.channel,
                    "is_ephemeral": used.is_ephemeral(),
                },
                "channel": {"id": channel.id, "name": shown_name(channel)}, "state": {"values": {}},
            });
            if used.is_reply() {
                payload["container"]["thread_ts"] = json!(used.thread_ts);
            }
            if !used.is_ephemeral() {
                payload["message"] = state.message_json(&used, true);
            }
            let (team, channel, source) = (used.team, Some(used.channel), Some(message));
            Asking { user, team, channel, source, payload, ..Asking::default() }
        })
        .await
    }

    /// Presses the button with this label in a modal or the Home tab.
    pub(crate) async fn press_in_view(&self, user: &str, view: &Value, label: &str) -> Interaction {
        let blocks = view["blocks"].as_array().cloned().unwrap_or_default();
        let (block, part) = find_part(&blocks, &|part| has_label(part, label))
            .unwrap_or_else(|| panic!("no [{label}] at {}", readable_view(view)));
        self.use_view(user, view, pressed_action(&block, &part, label)).await
    }

    /// Chooses an option, by its value, in the list with this `action_id` in a modal or the Home tab.
    pub(crate) async fn choose_in_view(&self, user: &str, view: &Value, action_id: &str, value: &str) -> Interaction {
        let blocks = view["blocks"].as_array().cloned().unwrap_or_default();
        let (block, part) = find_part(&blocks, &|part| part["action_id"] == action_id)
            .unwrap_or_else(|| panic!("no list {action_id} at {}", readable_view(view)));
        self.use_view(user, view, chosen_action(&block, &part, value)).await
    }

    async fn use_view(&self, user: &str, view: &Value, mut action: Value) -> Interaction {
        self.ask("block_actions", |state| {
            let id = text_of(&view["id"]);
            let used = state.views[&id].clone();
            assert!(used.open, "this view is closed");
            action["action_ts"] = ts(now()).into();
            let payload = json!({
                "type": "block_actions", "actions": [action], "container": {"type": "view", "view_id": id},
                "view": used.json, "state": used.json["state"],
            });
            let user = state.user_in(&used.team, user).id.clone();
            Asking { user, team: used.team, view: Some(id), payload, ..Asking::default() }
        })
        .await
    }

    /// Fills in a modal and submits it: `{action_id: text, value of an option, or list of values}`; the rest
    /// stays as it was.
    pub(crate) async fn submit_modal(&self, user: &str, view: &Value, values: Value) -> Interaction {
        self.ask("view_submission", |state| {
            let id = text_of(&view["id"]);
            let used = state.views[&id].clone();
            assert!(used.open && used.json["type"] == "modal", "this is no open modal");
            let filled = filled(&used.json, &values);
            let mut json = used.json.clone();
            json["state"] = json!({"values": filled});
            state.views.get_mut(&id).expect("a view").json["state"] = json["state"].clone();
            let payload = json!({"type": "view_submission", "view": json, "response_urls": []});
            let user = state.user_in(&used.team, user).id.clone();
            Asking { user, team: used.team, view: Some(id), payload, ..Asking::default() }
        })
        .await
    }

    async fn ask(&self, kind: &'static str, what: impl FnOnce(&mut State) -> Asking) -> Interaction {
        self.connected().await;
        let id = self.change(|state| {
            let asking = what(state);
            let id = state.id();
            let Asking { user, team, channel, source, view, mut payload } = asking;
            let trigger = format!("{id}.{}.double", id % 1_000_000);
            let over = if kind == "slash_commands" { "commands" } else { "actions" };
            // Neither global shortcuts nor views have a place where an answer could go.
            let response_path = channel.is_some().then(|| format!("/{over}/{team}/{id}/double"));
            payload["trigger_id"] = trigger.clone().into();
            if let Some(path) = &response_path {
                payload["response_url"] = format!("{}{path}", state.url).into();
            }
            if kind != "slash_commands" {
                let (person, place) = (state.user_by_id(&user).expect("a user"), state.team(&team));
                payload["user"] =
                    json!({"id": person.id, "username": person.name, "name": person.name, "team_id": person.team});
                payload["team"] = json!({"id": place.id, "domain": place.domain});
                payload["token"] = state.verification_token.clone().into();
                payload["api_app_id"] = state.app.clone().into();
                payload["enterprise"] = Value::Null;
                payload["is_enterprise_install"] = false.into();
            }
            state.interactions.insert(
                id,
                Asked {
                    id,
                    kind,
                    team,
                    user,
                    channel,
                    trigger,
                    trigger_used: false,
                    response_path,
                    response_uses: 0,
                    made: Instant::now(),
                    aged: Duration::ZERO,
                    source,
                    view,
                    ack: None,
                    failed: false,
                    messages: Vec::new(),
                    opened: None,
                    errors: None,
                },
            );
            let envelope = if kind == "slash_commands" { kind } else { "interactive" };
            let accepts = matches!(kind, "slash_commands" | "view_submission");
            state.queue(envelope, payload, accepts, Some(id));
            id
        });
        Interaction { id, shared: Arc::clone(&self.shared) }
    }

    // What is seen.

    /// What everybody sees in a channel outside of threads, oldest first.
    pub(crate) fn messages(&self, channel: &str) -> Vec<Message> {
        self.look(|state| state.shown(&state.channel_named(channel).id))
    }

    /// The replies in the thread of a message, oldest first.
    pub(crate) fn replies(&self, message: u64) -> Vec<Message> {
        self.look(|state| state.replies(&state.messages[&message]))
    }

    /// What the bot says in the thread of a message, oldest first.
    pub(crate) fn bot_replies(&self, message: u64) -> Vec<Message> {
        let mut replies = self.replies(message);
        self.look(|state| replies.retain(|reply| reply.user == state.team(&reply.team).bot_user));
        replies
    }

    /// The bot's first reply in the thread of a message that says `what`.
    pub(crate) async fn reply_to(&self, message: u64, what: &str) -> Message {
        let what_is_waited_for = format!("a reply with {what}");
        self.wait_for(&what_is_waited_for, |state| {
            let replies = state.replies(&state.messages[&message]).into_iter();
            let mut own = replies.filter(|reply| reply.user == state.team(&reply.team).bot_user);
            own.find(|reply| readable(reply).contains(what))
        })
        .await
    }

    // What goes wrong.

    /// The next requests to a method (`chat.postMessage`) or path (`/files-pri/`) fail.
    pub(crate) fn fail(&self, path: &str, times: u32, failure: Failure) {
        self.change(|state| state.knobs.push(Knob { prefix: path.to_owned(), left: times, failure }));
    }

    /// Gives the app in the first workspace a scope that its manifest does not ask for.
    pub(crate) fn with_scope(&self, scope: &str) {
        self.change(|state| state.teams[0].scopes.push(scope.to_owned()));
    }

    /// Subscribes the app to events that its manifest does not name.
    pub(crate) fn subscribe(&self, events: &[&str]) {
        self.change(|state| state.events.extend(events.iter().map(|event| (*event).to_owned())));
    }

    /// Takes a scope from the app in the first workspace.
    pub(crate) fn without_scope(&self, scope: &str) {
        self.change(|state| state.teams[0].scopes.retain(|known| known != scope));
    }

    /// Lets so many requests through in a time: to a method by workspace, or to "chat.postMessage channel" by
    /// channel.
    pub(crate) fn limit_rate(&self, of: &str, requests: u32, time: Duration) {
        self.change(|state| state.rates.insert(of.to_owned(), (requests, time)));
    }

    /// Slack's own limits.
    pub(crate) fn limit_rates(&self) {
        let minute = Duration::from_secs(60);
        for (method, requests) in [
            ("apps.connections.open", 1),
            ("conversations.list", 20),
            ("usergroups.list", 20),
            ("usergroups.users.list", 20),
            ("chat.update", 50),
            ("chat.delete", 50),
            ("conversations.history", 50),
            ("conversations.replies", 50),
            ("conversations.info", 50),
            ("users.conversations", 50),
            ("views.open", 100),
            ("views.publish", 100),
            ("users.info", 100),
        ] {
            self.limit_rate(method, requests, minute);
        }
        self.limit_rate("chat.postMessage channel", 1, Duration::from_secs(1));
    }

    /// Tells the bot's connections to go: `warning`, `refresh_requested`, `link_disabled`, `too_many_websockets`.
    pub(crate) fn disconnect(&self, reason: &str) {
        self.change(|state| state.disconnect(reason));
    }

    /// Cuts the bot's connections without a word.
    pub(crate) fn cut(&self) {
        self.change(|state| {
            for link in state.links.iter_mut().filter(|link| link.open) {
                (link.close, link.open) = (Some(false), false);
            }
        });
    }

    /// Lets an interaction grow older.
    pub(crate) fn age(&self, interaction: &Interaction, by: Duration) {
        self.change(|state| state.interactions.get_mut(&interaction.id).expect("an interaction").aged += by);
    }

    /// Sends the newest event about a message once more, although it was acknowledged.
    pub(crate) fn send_again(&self, message: u64) {
        self.change(|state| {
            let at = state.messages[&message].ts.clone();
            let about = |event: &Value| event["ts"] == at.as_str() || event["message"]["ts"] == at.as_str();
            let known = state.deliveries.iter().rev().find(|it| about(&it.payload["event"])).expect("an event").id;
            state.send_again(known);
        });
    }

    // The Events API over HTTP.

    /// Has everything sent to these addresses instead of the sockets, once the first one has proved to be the
    /// app's.
    pub(crate) async fn use_urls(&self, events: &str, interactions: &str, commands: &str) -> Result<(), String> {
        let challenge = format!("challenge-{}", now());
        let payload = json!({"token": "verification-token", "challenge": challenge, "type": "url_verification"});
        let (status, body) = self.deliver(events, "events_api", &payload, Forgery::None).await;
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        if status != 200 || (body.trim() != challenge && json["challenge"] != challenge) {
            return Err(format!("the challenge was answered with {status} {body}"));
        }
        let (events, interactions, commands) = (events.to_owned(), interactions.to_owned(), commands.to_owned());
        self.change(|state| state.urls = Some(Urls { events, interactions, commands }));
        Ok(())
    }

    /// Sends one request of the kind `events_api`, `interactive` or `slash_commands`, as Slack would or nearly;
    /// the status and body of the answer.
    pub(crate) async fn deliver(&self, url: &str, kind: &str, payload: &Value, forgery: Forgery) -> (u16, String) {
        let sent = self.look(|state| state.request(url, kind, payload, forgery));
        self.send(sent).await
    }

    /// Sends a request once more, with the same signature.
    pub(crate) async fn replay(&self, sent: &Sent) -> (u16, String) {
        self.send(sent.clone()).await
    }

    /// Begins a rightly signed request and drops the connection in the middle of its body.
    pub(crate) async fn cut_off(&self, url: &str, payload: &Value) {
        use tokio::io::AsyncWriteExt as _;
        let sent = self.look(|state| state.request(url, "events_api", payload, Forgery::None));
        let address = reqwest::Url::parse(url).expect("an address");
        let host = format!("{}:{}", address.host_str().expect("a host"), address.port().expect("a port"));
        let mut head = format!("POST {} HTTP/1.1\r\nhost: {host}\r\n", address.path());
        for (name, value) in &sent.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", sent.body.len()));
        let mut socket = tokio::net::TcpStream::connect(host).await.expect("connected");
        socket.write_all(head.as_bytes()).await.expect("written");
        socket.write_all(&sent.body.as_bytes()[..sent.body.len() / 2]).await.expect("written");
        socket.shutdown().await.expect("ended");
    }

    async fn send(&self, mut sent: Sent) -> (u16, String) {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        let (status, _, body) = delivery::send(&http, &sent).await.expect("an answer");
        sent.status = status;
        self.change(|state| state.sent.push(sent));
        (status, body)
    }

    /// A payload as the Events API would send it, about an event that happened nowhere.
    pub(crate) fn payload(&self, event: Value) -> Value {
        self.change(|state| {
            let team = state.teams[0].id.clone();
            state.emit_anyway(&team, event);
            let mut delivery = state.deliveries.pop().expect("just queued");
            delivery.payload.take()
        })
    }
}

/// What an interaction is made of.
#[derive(Default)]
struct Asking {
    user: String,
    team: String,
    channel: Option<String>,
    source: Option<u64>,
    view: Option<String>,
    payload: Value,
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

fn shown_name(channel: &state::Channel) -> &str {
    match channel.kind {
        Kind::Im => "directmessage",
        Kind::Private => "privategroup",
        _ => &channel.name,
    }
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
