//! A double of Discord: its REST, its gateway and its files on one port of this machine, with the
//! people who write there.

pub(crate) mod bits;
mod events;
mod gateway;
pub(crate) mod interactions;
mod json;
mod limits;
mod read;
mod rest;
pub(crate) mod state;
mod strict;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{State as With, WebSocketUpgrade};
use serde_json::{Value, json};

use crate::double::{self, Serving, World};
use bits::{intent, permission};
pub(crate) use read::readable;
use state::{Failure, Knob, Message, Overwrite, State, made, now};

type Shared = double::Shared<State>;

impl World for State {
    const NAME: &'static str = "Discord";

    fn last_requests(&self) -> Vec<String> {
        let last = self.requests.iter().rev().take(20).rev();
        last.map(|request| format!("{} {} -> {}", request.method, request.path, request.status)).collect()
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
    _serving: Serving,
}

async fn gateway(With(shared): With<Arc<Shared>>, upgrade: WebSocketUpgrade) -> axum::response::Response {
    upgrade.on_upgrade(|socket| gateway::serve(socket, shared))
}

impl Discord {
    /// A guild with "okta-support", "general" and the forum "help"; dana, and robin of the support.
    pub(crate) async fn start() -> Self {
        let (listener, url) = double::listener();
        let shared = Shared::new(State::new(url.clone()));
        let router = Router::new().route("/", axum::routing::any(gateway)).fallback(rest::answer);
        let serving = double::serve(listener, router.with_state(Arc::clone(&shared)), std::future::pending());
        Self { url, shared, _serving: serving }
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

    /// Waits so long until a look at the state finds something.
    pub(crate) async fn wait_within<T>(
        &self,
        patience: Duration,
        what: &str,
        looking: impl FnMut(&State) -> Option<T>,
    ) -> T {
        self.shared.wait_within(patience, what, looking).await
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
            // Nobody edits within the millisecond of the posting or of the last edit; a test is that fast.
            edited.edited = Some(now().max(edited.edited.unwrap_or(made(message)) + 1));
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

    /// Lets requests to a path wait …
    pub(crate) fn hold(&self, prefix: &str) {
        self.change(|state| state.held = Some(prefix.to_owned()));
    }

    /// … until they may go on.
    pub(crate) fn let_go(&self) {
        self.change(|state| state.held = None);
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
            let channel = state.channel(id).expect("a channel").clone();
            let json = state.channel_json(&channel);
            state.dispatch("CHANNEL_UPDATE", intent::GUILDS, channel.guild, &json);
        });
    }

    /// Puts a thread away; a locked one cannot be woken by writing.
    pub(crate) fn archive(&self, thread: u64, locked: bool) {
        self.change(|state| {
            let place = state.channel_mut(thread).expect("a thread");
            (place.archived, place.locked) = (true, locked);
            let place = state.channel(thread).expect("a thread").clone();
            let json = state.channel_json(&place);
            state.dispatch("THREAD_UPDATE", intent::GUILDS, place.guild, &json);
        });
    }

    /// Tells once more that a message was posted, as it is now.
    pub(crate) fn tell_again(&self, message: u64) {
        self.change(|state| state.tell_message("MESSAGE_CREATE", message));
    }

    /// Sends an event of the first guild as it is.
    pub(crate) fn dispatch(&self, name: &str, data: &Value) {
        self.change(|state| {
            let guild = state.guilds.first().map(|guild| guild.id);
            state.dispatch(name, 0, guild, data);
        });
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
