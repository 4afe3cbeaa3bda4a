//! Commands, shortcuts, buttons and forms that people use, and what the bot answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::parts::{filled, find_part, has_label, pressed_action};
use super::read::{readable, readable_view, text_of};
use super::state::{Asked, Channel, Kind, Message, State, now, ts};
use super::{Shared, Slack};

/// Something that a person did and that waits for an answer of the bot.
pub(crate) struct Interaction {
    pub(crate) id: u64,
    shared: Arc<Shared>,
}

/// What came of an interaction.
#[derive(Clone, Debug)]
pub(crate) struct Response {
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
            asked.ack.as_ref()?;
            let message = asked.messages.first().map(|id| state.messages[id].clone());
            let view = asked.opened.as_ref().map(|id| state.views[id].json.clone());
            let errors = asked.errors.clone();
            let there = message.is_some() || view.is_some() || errors.is_some();
            there.then_some(Response { message, view, errors })
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

impl Slack {
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

fn shown_name(channel: &Channel) -> &str {
    match channel.kind {
        Kind::Im => "directmessage",
        Kind::Private => "privategroup",
        _ => &channel.name,
    }
}
