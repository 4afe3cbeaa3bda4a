//! A double of Discord: its REST, its gateway and its files on one port of this machine, with the
//! people who write there.

#![allow(dead_code, reason = "the conversations that need the rest are still to come")]

mod gateway;
mod limits;
mod rest;
pub(crate) mod state;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{State as With, WebSocketUpgrade};
use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};

use crate::program::PATIENCE;
use state::{Asked, Failure, Knob, LOADING, Message, Overwrite, State, intent, kind, now, permission};

struct Shared {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

impl Shared {
    fn look<T>(&self, looking: impl FnOnce(&mut State) -> T) -> T {
        looking(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, changing: impl FnOnce(&mut State) -> T) -> T {
        let result = self.look(changing);
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
            last.map(|request| format!("{} {} -> {}", request.method, request.path, request.status)).collect()
        });
        panic!("not seen on Discord: {what}; the last requests were {seen:#?}")
    }
}

/// A channel or thread, by name or by id.
pub(crate) trait Place {
    fn id_in(&self, state: &State) -> u64;
}

impl Place for u64 {
    fn id_in(&self, _: &State) -> u64 {
        *self
    }
}

impl Place for &str {
    fn id_in(&self, state: &State) -> u64 {
        let found = state.channels.iter().find(|channel| channel.name == *self);
        found.unwrap_or_else(|| panic!("no channel {self}")).id
    }
}

/// A running double; it ends when it is dropped.
pub(crate) struct Discord {
    pub(crate) url: String,
    shared: Arc<Shared>,
    ending: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Drop for Discord {
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

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
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

    /// The messages after the answer, when there are at least so many.
    pub(crate) async fn follow_ups(&self, at_least: usize) -> Vec<Message> {
        self.wait_for("follow-ups", |asked, state| {
            let found = asked.follow_ups.iter().map(|id| state.messages[id].clone());
            (asked.follow_ups.len() >= at_least).then(|| found.collect())
        })
        .await
    }
}

async fn gateway(With(shared): With<Arc<Shared>>, upgrade: WebSocketUpgrade) -> axum::response::Response {
    upgrade.on_upgrade(|socket| gateway::serve(socket, shared))
}

impl Discord {
    /// A guild with "okta-support", "general" and the forum "help"; dana, and robin of the support.
    pub(crate) async fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("no blocking");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared { state: Mutex::new(State::new(url.clone())), changes: watch::Sender::new(0) });
        let (ending, ended) = oneshot::channel::<()>();
        let router = Router::new().route("/", axum::routing::any(gateway)).fallback(rest::answer);
        let router = router.with_state(Arc::clone(&shared));
        // On a thread of its own, for a test may stand still while the program starts.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    served = axum::serve(listener, router).into_future() => served.expect("served"),
                    _ = ended => {}
                }
            });
            runtime.shutdown_background();
        });
        Self { url, shared, ending: Some(ending), thread: Some(thread) }
    }

    /// What the program needs to know.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        vec![
            ("OKTRIAGE__DISCORD__TOKEN".to_owned(), self.look(|state| state.token.clone())),
            ("OKTRIAGE__DISCORD__API_BASE".to_owned(), self.url.clone()),
            ("OKTRIAGE__LOCAL__ENABLED".to_owned(), "true".to_owned()),
        ]
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

    /// Waits until the bot is at the gateway.
    pub(crate) async fn connected(&self) {
        self.wait_for("the bot", |state| state.sessions.iter().any(|session| session.connected).then_some(())).await;
    }

    pub(crate) fn say(&self, channel: impl Place, user: &str, text: &str) -> u64 {
        self.change(|state| {
            let channel = channel.id_in(state);
            write(state, channel, user, text, Vec::new())
        })
    }

    pub(crate) fn say_with_file(
        &self,
        channel: impl Place,
        user: &str,
        text: &str,
        filename: &str,
        bytes: impl AsRef<[u8]>,
    ) -> u64 {
        self.change(|state| {
            let channel = channel.id_in(state);
            let file = attach(state, channel, filename, bytes.as_ref());
            write(state, channel, user, text, vec![file])
        })
    }

    /// Says something in the thread of a message and opens it when it is not there yet.
    pub(crate) fn reply_in_thread(&self, message: u64, user: &str, text: &str) -> u64 {
        self.change(|state| {
            if state.channel(message).is_none() {
                let (channel, owner) = (state.messages[&message].channel, state.user(user).id);
                state.add_thread(channel, message, owner, "a thread", 1440);
            }
            write(state, message, user, text, Vec::new())
        })
    }

    /// Opens a post; its thread and its first message have one id.
    pub(crate) fn forum_post(&self, forum: impl Place, user: &str, title: &str, text: &str) -> u64 {
        self.change(|state| {
            let (forum, owner) = (forum.id_in(state), state.user(user).id);
            let id = state.add_thread(forum, 0, owner, title, 1440);
            let mut message =
                Message { id, channel: id, author: owner, content: text.to_owned(), ..Message::default() };
            state.set_mentions(&mut message, &Value::Null);
            state.post(message)
        })
    }

    /// Forwards a message to a channel.
    pub(crate) fn forward(&self, message: u64, channel: impl Place, user: &str) -> u64 {
        self.change(|state| {
            let forwards = state.message(message).cloned().map(Box::new);
            assert!(forwards.is_some(), "nothing to forward");
            let (channel, author) = (channel.id_in(state), state.user(user).id);
            state.post(Message { channel, author, forwards, ..Message::default() })
        })
    }

    /// Answers a message in its channel.
    pub(crate) fn answer(&self, message: u64, user: &str, text: &str) -> u64 {
        self.change(|state| {
            let channel = state.message(message).expect("a message").channel;
            let author = state.user(user).id;
            let replies_to = Some(message);
            let mut answer =
                Message { channel, author, kind: 19, content: text.to_owned(), replies_to, ..Message::default() };
            state.set_mentions(&mut answer, &Value::Null);
            state.post(answer)
        })
    }

    pub(crate) fn edit(&self, message: u64, text: &str) {
        self.change(|state| {
            let mut edited = state.message(message).expect("a message").clone();
            text.clone_into(&mut edited.content);
            edited.edited = Some(now());
            state.set_mentions(&mut edited, &Value::Null);
            state.messages.insert(message, edited);
            state.tell_message("MESSAGE_UPDATE", message);
        });
    }

    /// Discord shows a preview of a link: an update, but no edit.
    pub(crate) fn unfurl(&self, message: u64) {
        self.change(|state| {
            let preview = json!({"type": "link", "url": "https://example.com/", "title": "A page", "description": "…"});
            state.messages.get_mut(&message).expect("a message").embeds.push(preview);
            state.tell_message("MESSAGE_UPDATE", message);
        });
    }

    pub(crate) fn delete(&self, message: u64) {
        self.change(|state| state.remove(message));
    }

    /// Says something to the bot.
    pub(crate) fn mention(&self, channel: impl Place, user: &str, text: &str) -> u64 {
        let bot = self.look(|state| state.bot);
        self.say(channel, user, &format!("<@{bot}> {text}"))
    }

    /// Says something to the bot alone.
    pub(crate) fn dm(&self, user: &str, text: &str) -> u64 {
        self.change(|state| {
            let channel = state.dm_channel(state.user(user).id);
            write(state, channel, user, text, Vec::new())
        })
    }

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

    pub(crate) async fn menu_named(&self, user: &str, message: u64, name: &str) -> Interaction {
        let known = self.registered("an entry in the menu", |it| it["type"] == 3 && it["name"] == name).await;
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

    /// Chooses in the list with this id.
    pub(crate) async fn select(&self, user: &str, message: u64, custom_id: &str, values: &[&str]) -> Interaction {
        self.ask(3, user, |state| {
            let used = state.message(message).expect("a message");
            let found = parts(used).find(|part| part["type"] != 2 && part["custom_id"] == custom_id);
            let list = found.unwrap_or_else(|| panic!("no list {custom_id} at {}", readable(used)));
            let data = json!({"component_type": list["type"], "custom_id": custom_id, "values": values});
            (used.channel, Some(message), data)
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
                    user: user.id,
                    channel,
                    made: Instant::now(),
                    source,
                    ack: None,
                    original: None,
                    edits: 0,
                    follow_ups: Vec::new(),
                },
            );
            state.dispatch("INTERACTION_CREATE", 0, &json);
            id
        });
        Interaction { id, shared: Arc::clone(&self.shared) }
    }

    /// What people see in a channel, oldest first.
    pub(crate) fn messages(&self, channel: impl Place) -> Vec<Message> {
        self.look(|state| state.shown(channel.id_in(state)))
    }

    pub(crate) fn bot_messages(&self, channel: impl Place) -> Vec<Message> {
        self.look(|state| {
            let mut shown = state.shown(channel.id_in(state));
            shown.retain(|message| message.author == state.bot);
            shown
        })
    }

    /// The thread that hangs on a message, which has its id.
    pub(crate) fn thread_of(&self, message: u64) -> Option<u64> {
        self.look(|state| state.channel(message).map(|thread| thread.id))
    }

    /// The next requests to a path (`/channels/…`, or `POST /channels/…`) fail.
    pub(crate) fn fail(&self, prefix: &str, requests: u32, failure: Failure) {
        self.change(|state| state.knobs.push(Knob { prefix: prefix.to_owned(), left: requests, failure }));
    }

    /// Takes the application's right to read messages away.
    pub(crate) fn without_message_content(&self) {
        self.change(|state| state.granted &= !intent::MESSAGE_CONTENT);
    }

    /// Takes permissions from the bot in a channel.
    pub(crate) fn deny(&self, channel: impl Place, permissions: u64) {
        self.overwrite(channel, 0, permissions);
    }

    /// Gives permissions to the bot in a channel.
    pub(crate) fn allow(&self, channel: impl Place, permissions: u64) {
        self.overwrite(channel, permissions, 0);
    }

    fn overwrite(&self, channel: impl Place, allow: u64, deny: u64) {
        self.change(|state| {
            let (id, bot) = (channel.id_in(state), state.bot);
            let place = state.channel_mut(id).expect("a channel");
            place.overwrites.push(Overwrite { id: bot, of_user: true, allow, deny });
            let json = state.channel_json(&state.channel(id).expect("a channel").clone());
            state.dispatch("CHANNEL_UPDATE", intent::GUILDS, &json);
        });
    }

    /// Puts a thread away; a locked one cannot be woken by writing.
    pub(crate) fn archive(&self, thread: u64, locked: bool) {
        self.change(|state| {
            let place = state.channel_mut(thread).expect("a thread");
            (place.archived, place.locked) = (true, locked);
            let json = state.channel_json(&state.channel(thread).expect("a thread").clone());
            state.dispatch("THREAD_UPDATE", intent::GUILDS, &json);
        });
    }

    /// Removes a channel or thread with all that is in it.
    pub(crate) fn delete_channel(&self, channel: impl Place) {
        self.change(|state| {
            let id = channel.id_in(state);
            let place = state.channel(id).expect("a channel").clone();
            let json = state.channel_json(&place);
            state.channels.retain(|known| known.id != id && known.parent != Some(id));
            state.messages.values_mut().filter(|it| it.channel == id).for_each(|it| it.deleted = true);
            let name = if place.kind == kind::THREAD { "THREAD_DELETE" } else { "CHANNEL_DELETE" };
            state.dispatch(name, intent::GUILDS, &json);
        });
    }

    /// Sends an event as it is.
    pub(crate) fn dispatch(&self, name: &str, data: &Value) {
        self.change(|state| state.dispatch(name, 0, data));
    }

    /// Closes the bot's connections with a code; 0 cuts them without a word.
    pub(crate) fn disconnect(&self, code: u16) {
        self.change(|state| {
            for session in state.sessions.iter_mut().filter(|session| session.connected) {
                session.close = Some(code);
                // It is gone for whoever waits for it from now on.
                session.connected = false;
            }
        });
    }

    /// Lets an interaction grow older than the time for its answer.
    pub(crate) fn expire(&self, interaction: &Interaction) {
        self.change(|state| {
            let long_ago = Instant::now().checked_sub(state.interaction_limit + Duration::from_secs(1));
            let asked = state.interactions.get_mut(&interaction.id).expect("an interaction");
            asked.made = long_ago.unwrap_or(asked.made);
        });
    }
}

fn write(state: &mut State, channel: u64, user: &str, text: &str, attachments: Vec<Value>) -> u64 {
    let author = state.user(user).id;
    assert!(
        state.permissions(author, channel) & permission::VIEW_CHANNEL != 0,
        "{user} cannot write where nobody lets them in"
    );
    let mut message = Message { channel, author, content: text.to_owned(), attachments, ..Message::default() };
    state.set_mentions(&mut message, &Value::Null);
    state.post(message)
}

fn attach(state: &mut State, channel: u64, filename: &str, bytes: &[u8]) -> Value {
    let id = state.id();
    let keep = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_');
    let name: String = filename.chars().map(|char| if keep(char) { char } else { '_' }).collect();
    let path = format!("attachments/{channel}/{id}/{name}");
    let url = format!("{}/cdn/{path}?ex={:x}&is={:x}&hm=00", state.url, now() / 1000 + 86_400, now() / 1000);
    state.files.insert(path, bytes.to_vec());
    let kind = match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "txt" | "log" => "text/plain; charset=utf-8",
        "json" | "har" => "application/json; charset=utf-8",
        "png" => "image/png",
        "xml" => "application/xml",
        _ => "application/octet-stream",
    };
    json!({
        "id": id.to_string(), "filename": name, "size": bytes.len(), "url": url, "proxy_url": url,
        "content_type": kind,
    })
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

fn parts(message: &Message) -> impl Iterator<Item = &Value> {
    message.components.iter().flat_map(|row| row["components"].as_array().into_iter().flatten())
}

/// A message as a person reads it.
pub(crate) fn readable(message: &Message) -> String {
    let mut lines = vec![message.content.clone()];
    for embed in &message.embeds {
        lines.push(text_of(&embed["title"]));
        lines.push(text_of(&embed["description"]));
        for field in embed["fields"].as_array().into_iter().flatten() {
            lines.push(text_of(&field["name"]));
            lines.push(text_of(&field["value"]));
        }
        lines.push(text_of(&embed["footer"]["text"]));
    }
    for row in &message.components {
        let labels = row["components"].as_array().into_iter().flatten().map(|part| {
            let label = if part["type"] == 2 { &part["label"] } else { &part["placeholder"] };
            let off = if part["disabled"] == true { " (off)" } else { "" };
            format!("[{}]{off}", text_of(label))
        });
        lines.push(labels.collect::<Vec<_>>().join(" "));
    }
    if message.is_ephemeral() {
        lines.push("(only you see this)".to_owned());
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// The bot's side of the double.
struct Bot<'a> {
    discord: &'a Discord,
    http: reqwest::Client,
}

impl<'a> Bot<'a> {
    fn new(discord: &'a Discord) -> Self {
        Self { discord, http: reqwest::Client::builder().timeout(PATIENCE).build().expect("a client") }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Result<(u16, Value), reqwest::Error> {
        let method = method.parse().expect("a method");
        let token = format!("Bot {}", self.discord.look(|state| state.token.clone()));
        let request = self.http.request(method, format!("{}/api/v10{path}", self.discord.url));
        let response = request.header("authorization", token).json(&body).send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    async fn code(&self, method: &str, path: &str, body: Value) -> (u16, u64) {
        let (status, json) = self.call(method, path, body).await.expect("an answer");
        (status, json["code"].as_u64().unwrap_or_default())
    }
}

#[tokio::test]
async fn a_message_gets_one_thread_and_one_answer() {
    let discord = Discord::start().await;
    let bot = Bot::new(&discord);
    let asked = discord.say("okta-support", "dana", "It says E0000011");
    let channel = discord.look(|state| state.message(asked).expect("a message").channel);
    let threads = format!("/channels/{channel}/messages/{asked}/threads");
    assert_eq!(bot.code("POST", &threads, json!({"name": ""})).await, (400, 50035));
    let (status, thread) = bot.call("POST", &threads, json!({"name": "E0000011"})).await.expect("an answer");
    assert_eq!((status, thread["id"].as_str()), (201, Some(asked.to_string().as_str())));
    assert_eq!(bot.code("POST", &threads, json!({"name": "again"})).await, (400, 160_004));
    assert_eq!(discord.thread_of(asked), Some(asked));

    // The answer is lost on its way; the second try with the same nonce finds the same message.
    let messages = format!("/channels/{asked}/messages");
    let answer = json!({
        "embeds": [{"title": "Invalid token", "footer": {"text": "rule 1"}}], "nonce": "1", "enforce_nonce": true,
        "components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "Solved", "custom_id": "solved"}]}],
    });
    discord.fail("POST /channels/", 1, Failure::LostAnswer);
    bot.call("POST", &messages, answer.clone()).await.expect_err("a dropped connection");
    let (status, again) = bot.call("POST", &messages, answer).await.expect("an answer");
    let answers = discord.bot_messages(asked);
    assert_eq!((status, answers.len()), (200, 1));
    assert_eq!(again["id"], answers[0].id.to_string());
    assert_eq!(readable(&answers[0]), "Invalid token\nrule 1\n[Solved]");

    discord.fail("/channels/", 1, Failure::RateLimited { retry_after: 0.5, global: false });
    assert_eq!(bot.code("GET", &messages, Value::Null).await.0, 429);
    let (_, history) = bot.call("GET", &format!("{messages}?limit=1"), Value::Null).await.expect("an answer");
    assert_eq!(history[0]["id"], again["id"]);
}

#[tokio::test]
async fn what_discord_refuses() {
    let discord = Discord::start().await;
    let bot = Bot::new(&discord);
    let channel = discord.look(|state| "general".id_in(state));
    let messages = format!("/channels/{channel}/messages");
    for (body, code) in [
        (json!({}), 50006),
        (json!({"content": "x".repeat(2001)}), 50035),
        (json!({"embeds": [{"description": "x".repeat(4096)}, {"description": "x".repeat(1905)}]}), 50035),
        (json!({"content": "x", "message_reference": {"message_id": "1"}}), 50035),
        (json!({"content": "x", "nonce": "x".repeat(26)}), 50035),
    ] {
        assert_eq!(bot.code("POST", &messages, body).await, (400, code));
    }
    discord.deny("general", permission::SEND_MESSAGES);
    assert_eq!(bot.code("POST", &messages, json!({"content": "x"})).await, (403, 50013));
    discord.deny("general", permission::VIEW_CHANNEL);
    assert_eq!(bot.code("POST", &messages, json!({"content": "x"})).await, (403, 50001));
    assert_eq!(bot.code("GET", "/channels/1", Value::Null).await, (404, 10003));
    assert_eq!(bot.code("POST", "/interactions/1/x/callback", json!({"type": 5})).await, (404, 10062));
    assert_eq!(bot.code("GET", "/nowhere", Value::Null).await, (404, 0));
    assert_eq!(discord.look(|state| state.unknown.clone()), ["GET /nowhere"]);
    discord.change(|state| "another".clone_into(&mut state.token));
    let response = reqwest::get(format!("{}/api/v10/users/@me", discord.url)).await.expect("an answer");
    assert_eq!(response.status(), 401);
    assert!(discord.messages("general").is_empty());
}

#[tokio::test]
async fn serenity_reads_what_the_double_says() {
    use serenity::all::{
        ButtonStyle, Client, Context, CreateActionRow, CreateButton, CreateCommand, CreateInputText,
        CreateInteractionResponse, CreateInteractionResponseMessage, CreateMessage, CreateModal, EventHandler,
        GatewayIntents, HttpBuilder, InputTextStyle, Interaction as Received, Message as Heard, Ready,
    };

    struct Parrot;
    #[serenity::async_trait]
    impl EventHandler for Parrot {
        async fn ready(&self, context: Context, _: Ready) {
            let commands = vec![CreateCommand::new("ping").description("Answers")];
            serenity::all::Command::set_global_commands(&context, commands).await.expect("stored");
        }

        async fn message(&self, context: Context, heard: Heard) {
            if !heard.author.bot && heard.kind == serenity::all::MessageType::Regular {
                let said = CreateMessage::new().content(format!("heard: {}", heard.content)).reference_message(&heard);
                let button = CreateButton::new("more").label("More").style(ButtonStyle::Secondary);
                let said = said.components(vec![CreateActionRow::Buttons(vec![button])]);
                heard.channel_id.send_message(&context, said).await.expect("sent");
            }
        }

        async fn interaction_create(&self, context: Context, received: Received) {
            let quietly = |text: &str| {
                let message = CreateInteractionResponseMessage::new().content(text).ephemeral(true);
                CreateInteractionResponse::Message(message)
            };
            match received {
                Received::Command(it) => it.create_response(&context, quietly("pong")).await.expect("sent"),
                Received::Component(it) => {
                    let input = CreateInputText::new(InputTextStyle::Short, "Why", "why");
                    let modal = CreateModal::new("window", "Tell").components(vec![CreateActionRow::InputText(input)]);
                    it.create_response(&context, CreateInteractionResponse::Modal(modal)).await.expect("sent");
                }
                Received::Modal(it) => it.create_response(&context, quietly("thanks")).await.expect("sent"),
                _ => {}
            }
        }
    }

    let discord = Discord::start().await;
    let token = discord.look(|state| state.token.clone());
    // Serenity's own limiter does not know of the proxy and would ask the real Discord.
    let http = HttpBuilder::new(&token).proxy(&discord.url).ratelimiter_disabled(true).build();
    let intents = GatewayIntents::non_privileged() | GatewayIntents::MESSAGE_CONTENT;
    let client = serenity::all::ClientBuilder::new_with_http(http, intents).event_handler(Parrot);
    let mut client: Client = client.await.expect("a client");
    let running = tokio::spawn(async move { client.start().await.expect("a bot that runs") });

    let pong = discord.slash("dana", "general", json!({"name": "ping"})).await.response().await;
    assert_eq!(pong.text(), "pong\n(only you see this)");
    assert!(discord.messages("general").is_empty());

    discord.say("general", "dana", "one");
    let heard = |text: &'static str| {
        move |state: &State| {
            let shown = state.messages.values().find(|it| it.content == text);
            shown.map(|it| it.id)
        }
    };
    let answer = discord.wait_for("the first answer", heard("heard: one")).await;
    let window = discord.press("dana", answer, "More").await;
    assert_eq!(window.response().await.text(), "Tell\nWhy:");
    let thanks = discord.submit_modal("dana", &window, json!({"why": "because"})).await;
    assert_eq!(thanks.response().await.text(), "thanks\n(only you see this)");

    // What is said while the bot is away reaches it when it comes back.
    discord.disconnect(4000);
    discord.say_with_file("general", "robin", "two", "trace.log", "a line");
    discord.wait_for("the second answer", heard("heard: two")).await;
    assert_eq!(discord.look(|state| (state.identifies, state.resumes)), (1, 1));
    discord.forum_post("help", "dana", "A title", "three");
    discord.wait_for("the third answer", heard("heard: three")).await;
    discord.dm("dana", "four");
    discord.wait_for("the fourth answer", heard("heard: four")).await;
    assert!(discord.look(|state| state.unknown.is_empty()));
    running.abort();
}
