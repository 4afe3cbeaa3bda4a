//! A double of Slack: its Web API, its sockets, its files and its requests to the bot, on one port of this
//! machine, with the people who write there.

mod answers;
mod blocks;
mod delivery;
pub(crate) mod emulate;
mod events;
mod interaction;
mod methods;
mod parts;
mod people;
mod read;
mod socket;
pub(crate) mod state;
mod strict;
mod tls;
mod typed;
mod views;
mod web;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State as With, WebSocketUpgrade};
use serde_json::Value;

use crate::double::{self, Serving, World};
pub(crate) use delivery::Forgery;
use interaction::Interaction;
pub(crate) use read::{readable, readable_text, readable_view};
use state::{Failure, Knob, Message, State};

type Shared = double::Shared<State>;

impl World for State {
    const NAME: &'static str = "Slack";

    fn settle(&mut self) {
        self.assign();
    }

    fn last_requests(&self) -> Vec<String> {
        let last = self.requests.iter().rev().take(20).rev();
        let line = |it: &state::Request| {
            let error = it.error.as_deref().unwrap_or("ok");
            let team = it.team.as_deref().unwrap_or("nobody");
            let mut asked = it.arguments.to_string();
            asked.truncate(asked.floor_char_boundary(300));
            format!("{} {} {asked} of {team} -> {} {error}", it.method, it.path, it.status)
        };
        last.map(line).collect()
    }
}

/// A running double; it ends when it is dropped.
pub(crate) struct Slack {
    /// Its Web API is below `/api`.
    pub(crate) url: String,
    shared: Arc<Shared>,
    _serving: Serving,
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
        let (listener, url) = double::listener();
        let shared = Shared::new(State::new(url.clone()));
        let router = Router::new().route("/link/", axum::routing::any(link)).fallback(web::answer);
        let router = router.with_state(Arc::clone(&shared));
        let serving = double::serve(listener, router, delivery::run(Arc::clone(&shared)));
        Self { url, shared, _serving: serving }
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

    /// Waits so long until a look at the state finds something.
    pub(crate) async fn wait_within<T>(
        &self,
        patience: Duration,
        what: &str,
        looking: impl FnMut(&State) -> Option<T>,
    ) -> T {
        self.shared.wait_within(patience, what, looking).await
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

    /// Sends everything once more that was ever sent, the last first.
    pub(crate) fn send_everything_again(&self) {
        self.change(|state| {
            state.deliveries.reverse();
            let all: Vec<u64> = state.deliveries.iter().map(|it| it.id).collect();
            all.into_iter().for_each(|delivery| state.send_again(delivery));
        });
    }
}
