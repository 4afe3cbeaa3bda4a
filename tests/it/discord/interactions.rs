//! What people ask of the bot by Discord's own means, and what it answers: commands, menus, buttons, forms.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::bits::{LOADING, permission};
use super::read::{parts, readable, text_of};
use super::state::{Asked, Message, State};
use super::{Discord, Place, Shared};

/// Something that a person did and that waits for an answer of the bot.
pub(crate) struct Interaction {
    pub(crate) id: u64,
    shared: Arc<Shared>,
}

/// What the bot answered to an interaction.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    /// The type of the callback: 4 a message, 5 a deferral, 6 and 7 a change, 8 choices, 9 a modal.
    pub(crate) kind: u64,
    /// The data of the callback.
    pub(crate) data: Value,
    /// The message that came of it, or that was changed.
    pub(crate) message: Option<Message>,
}

impl Response {
    /// The answer as a person sees it.
    pub(crate) fn text(&self) -> String {
        let names = |list: &Value, of: &dyn Fn(&Value) -> String| {
            list.as_array().into_iter().flatten().map(of).collect::<Vec<_>>().join("\n")
        };
        match (self.kind, &self.message) {
            (8, _) => names(&self.data["choices"], &|choice| text_of(&choice["name"])),
            (9, _) => {
                let fields = names(&self.data["components"], &|row| {
                    let input = &row["components"][0];
                    format!("{}: {}", text_of(&input["label"]), text_of(&input["value"])).trim_end().to_owned()
                });
                format!("{}\n{fields}", text_of(&self.data["title"]))
            }
            (_, Some(message)) => readable(message),
            _ => String::new(),
        }
    }
}

impl Interaction {
    async fn wait_for<T>(&self, what: &str, looking: impl Fn(&Asked, &State) -> Option<T>) -> T {
        self.shared.wait_for(what, |state| looking(&state.interactions[&self.id], state)).await
    }

    /// The type of the callback, as soon as there is one.
    pub(crate) async fn acknowledged(&self) -> u64 {
        self.wait_for("an acknowledgement", |asked, _| asked.ack.as_ref().map(|(kind, _)| *kind)).await
    }

    /// The answer; after a deferral, what replaced it.
    pub(crate) async fn response(&self) -> Response {
        self.wait_for("an answer to an interaction", |asked, state| {
            let (kind, data) = asked.ack.clone()?;
            let follow_up = asked.follow_ups.first().filter(|_| kind == 6 && asked.edits == 0);
            let message = follow_up.copied().or(asked.original).and_then(|id| state.messages.get(&id)).cloned();
            let waiting = match kind {
                5 => message.as_ref().is_some_and(|message| message.flags & LOADING != 0 && !message.deleted),
                6 => {
                    let gone = message.as_ref().is_some_and(|message| message.deleted);
                    asked.edits == 0 && asked.follow_ups.is_empty() && !gone
                }
                _ => false,
            };
            (!waiting).then_some(Response { kind, data, message })
        })
        .await
    }
}

impl Discord {
    /// Uses a command: `{"name": …, "options": […]}`; kinds of options are those of the command.
    pub(crate) async fn slash(&self, user: &str, channel: impl Place, data: Value) -> Interaction {
        self.command(2, user, channel, data).await
    }

    /// Types at a command; the option under the cursor has `"focused": true`.
    pub(crate) async fn autocomplete(&self, user: &str, channel: impl Place, data: Value) -> Interaction {
        self.command(4, user, channel, data).await
    }

    async fn command(&self, kind: u8, user: &str, channel: impl Place, data: Value) -> Interaction {
        let name = text_of(&data["name"]);
        let known = self.registered(&format!("the command {name}"), |it| it["type"] == 1 && it["name"] == *name).await;
        let mut filled = data;
        fill(&mut filled["options"], &known["options"]);
        filled["id"] = known["id"].clone();
        filled["type"] = 1.into();
        self.ask(kind, user, |state| {
            let mut named = json!({"channels": {}, "roles": {}});
            resolve(state, &filled["options"], &mut named);
            filled["resolved"] = named;
            (channel.id_in(state), None, filled)
        })
        .await
    }

    async fn registered(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait_for(what, |state| state.commands.values().flatten().find(|command| fits(command)).cloned()).await
    }

    /// Uses the bot's first entry in the menu of a message.
    pub(crate) async fn menu(&self, user: &str, message: u64) -> Interaction {
        let known = self.registered("an entry in the menu", |it| it["type"] == 3).await;
        self.use_menu(user, message, &known).await
    }

    async fn use_menu(&self, user: &str, message: u64, known: &Value) -> Interaction {
        self.ask(2, user, |state| {
            let target = state.message(message).expect("a message");
            // Its content is there without any intent.
            let resolved = json!({"messages": {message.to_string(): state.message_json(target, true)}});
            let data = json!({
                "id": known["id"], "name": known["name"], "type": 3, "target_id": message.to_string(),
                "resolved": resolved,
            });
            (target.channel, None, data)
        })
        .await
    }

    /// Presses the button with this label.
    pub(crate) async fn press(&self, user: &str, message: u64, label: &str) -> Interaction {
        self.ask(3, user, |state| {
            let pressed = state.message(message).expect("a message");
            let found = parts(pressed).find(|part| part["type"] == 2 && part["label"] == label);
            let button = found.unwrap_or_else(|| panic!("no [{label}] at {}", readable(pressed)));
            assert!(button["disabled"] != true && button["style"] != 5, "[{label}] cannot be pressed");
            let data = json!({"component_type": 2, "custom_id": button["custom_id"]});
            (pressed.channel, Some(message), data)
        })
        .await
    }

    /// Fills in the window that an interaction opened: `{custom_id: text}`; the rest stays as it was.
    pub(crate) async fn submit_modal(&self, user: &str, opened: &Interaction, values: Value) -> Interaction {
        let window = opened.response().await;
        assert_eq!(window.kind, 9, "no window was opened");
        let rows = window.data["components"].as_array().cloned().unwrap_or_default();
        let filled = rows.iter().map(|row| {
            let input = &row["components"][0];
            let id = text_of(&input["custom_id"]);
            let value = values.get(&id).map_or_else(|| text_of(&input["value"]), text_of);
            let max = input["max_length"].as_u64().unwrap_or(4000) as usize;
            assert!(value.chars().count() <= max, "{id} is too long for the window");
            assert!(!value.is_empty() || input["required"] == false, "{id} is required");
            json!({"type": 1, "components": [{"type": 4, "custom_id": id, "value": value}]})
        });
        let data = json!({"custom_id": window.data["custom_id"], "components": filled.collect::<Vec<_>>()});
        let id = opened.id;
        self.ask(5, user, |state| (state.interactions[&id].channel, state.interactions[&id].source, data)).await
    }

    /// Makes an interaction out of (channel, message with the component, data).
    async fn ask(&self, kind: u8, user: &str, what: impl FnOnce(&State) -> (u64, Option<u64>, Value)) -> Interaction {
        self.connected().await;
        let id = self.change(|state| {
            let (channel, source, data) = what(state);
            let user = state.user(user).clone();
            let id = state.id();
            let token = format!("interaction-token-{id}");
            let mut json = json!({
                "id": id.to_string(), "application_id": state.application.to_string(), "type": kind, "data": data,
                "channel_id": channel.to_string(), "token": token, "version": 1, "locale": "en-US",
                "entitlements": [], "attachment_size_limit": 10_485_760,
                "app_permissions": state.permissions(state.bot, channel).to_string(),
            });
            let place = state.channel(channel).expect("a channel");
            json["channel"] = state.channel_json(place);
            let allowed = state.permissions(user.id, channel).to_string();
            json["channel"]["permissions"] = allowed.clone().into();
            if let Some(guild) = place.guild {
                json["guild_id"] = guild.to_string().into();
                json["guild_locale"] = "en-US".into();
                json["member"] = state.member_json(&user, guild);
                json["member"]["permissions"] = allowed.into();
                json["context"] = 0.into();
                json["authorizing_integration_owners"] = json!({"0": guild.to_string()});
            } else {
                json["user"] = state.user_json(user.id);
                json["context"] = 1.into();
                json["authorizing_integration_owners"] = json!({"0": "0"});
            }
            if let Some(source) = source.and_then(|source| state.message(source)) {
                json["message"] = state.message_json(source, true);
            }
            state.interactions.insert(
                id,
                Asked {
                    id,
                    token,
                    kind,
                    channel,
                    made: Instant::now(),
                    source,
                    ack: None,
                    original: None,
                    edits: 0,
                    follow_ups: Vec::new(),
                },
            );
            let guild = state.channel(channel).and_then(|channel| channel.guild);
            state.dispatch("INTERACTION_CREATE", 0, guild, &json);
            id
        });
        Interaction { id, shared: Arc::clone(&self.shared) }
    }
}

/// Gives options the kinds that the command says.
fn fill(options: &mut Value, known: &Value) {
    if options.is_null() {
        *options = json!([]);
    }
    for option in options.as_array_mut().into_iter().flatten() {
        let name = text_of(&option["name"]);
        let found = known.as_array().into_iter().flatten().find(|it| it["name"] == *name);
        let found = found.unwrap_or_else(|| panic!("the command has no option {name}"));
        option["type"] = found["type"].clone();
        if matches!(found["type"].as_u64(), Some(1 | 2)) {
            fill(&mut option["options"], &found["options"]);
        }
    }
}

/// Adds the channels and roles that options name.
fn resolve(state: &State, options: &Value, named: &mut Value) {
    for option in options.as_array().into_iter().flatten() {
        let id = option["value"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
        match option["type"].as_u64() {
            Some(1 | 2) => resolve(state, &option["options"], named),
            Some(7) => {
                let mut channel = state.channel_json(state.channel(id).expect("a channel"));
                channel["permissions"] = permission::USUAL.to_string().into();
                named["channels"][id.to_string()] = channel;
            }
            Some(8) => {
                let role = state.roles.iter().find(|role| role.id == id).expect("a role");
                named["roles"][id.to_string()] = state.role_json(role);
            }
            _ => {}
        }
    }
}
