//! What Slack delivers, whichever way it comes: taken, decided about, and only then acknowledged.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use super::convert::{Happened, Message, Said};
use super::files::Files;
use super::team::{Team, Teams};
use super::{catch_up, channel_key, commands, micros, press};
use crate::bot::ports::Store;
use crate::bot::{Bot, ChannelKey, ChannelSettings, Event, Marks, MessageKey, Mode};
use crate::rules::Scope;

/// Messages that are worked on side by side; further ones wait.
const SIDE_BY_SIDE: usize = 32;
/// Slack waits three seconds for an acknowledgement. Files that take longer than this are read on after
/// it: the channel's cursor stays before their message until it is decided about.
/// <https://docs.slack.dev/apis/events-api#responding>
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(2);
/// All files of a message take at most so long.
const FILES_MAX: Duration = Duration::from_secs(20);
/// How long the message is waited for that a mention in its thread is about.
const THREAD_MAX: Duration = Duration::from_millis(1_500);

/// Something that Slack delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An event that the app subscribed to.
    Event,
    /// A button, a shortcut, a form.
    Interactive,
    /// A slash command.
    Command,
}

/// How a delivery is acknowledged.
#[derive(Debug)]
pub(super) enum Ack {
    /// It was taken.
    Plain,
    /// It was taken, and this is the answer.
    With(Value),
    /// It could not be taken: Slack delivers it again.
    NotYet,
}

/// What comes of a delivery.
pub(super) struct Taken {
    pub(super) ack: Ack,
    /// What is left to do after the acknowledgement.
    pub(super) then: Option<BoxFuture<'static, ()>>,
}

impl Taken {
    pub(super) fn plain() -> Self {
        Self { ack: Ack::Plain, then: None }
    }

    pub(super) fn with(answer: Value) -> Self {
        Self { ack: Ack::With(answer), then: None }
    }

    pub(super) fn not_yet() -> Self {
        Self { ack: Ack::NotYet, then: None }
    }

    /// Acknowledged first; the rest is not waited for.
    pub(super) fn then(rest: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { ack: Ack::Plain, then: Some(rest.boxed()) }
    }

    fn decided(decided: bool) -> Self {
        if decided { Self::plain() } else { Self::not_yet() }
    }
}

pub(super) struct Handler<S> {
    pub(super) bot: Bot<S>,
    pub(super) teams: Teams,
    pub(super) files: Files,
    pub(super) marks: Marks<S>,
    /// How channels are watched that the bot is invited to.
    joined: Option<Scope>,
    managers: Vec<String>,
    permits: Semaphore,
    /// Something could not be decided about.
    behind: AtomicBool,
    tasks: Mutex<JoinSet<()>>,
}

impl<S: Store> Handler<S> {
    pub(super) fn new(bot: Bot<S>, files: Files, joined: Option<Scope>, managers: Vec<String>) -> Arc<Self> {
        let marks = Marks::new(Arc::clone(&bot.store));
        Arc::new(Self {
            bot,
            teams: Teams::default(),
            files,
            marks,
            joined,
            managers,
            permits: Semaphore::new(SIDE_BY_SIDE),
            behind: AtomicBool::new(false),
            tasks: Mutex::default(),
        })
    }

    /// Runs something to its end beside everything else; [`Self::finish`] waits for it.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Waits for what is under way.
    pub(super) async fn finish(&self) {
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.join_all().await;
    }

    /// The workspace that a delivery is for.
    pub(super) fn team_of(&self, payload: &Value) -> Option<Arc<Team>> {
        let authorised = payload["authorizations"].as_array().into_iter().flatten().map(|by| &by["team_id"]);
        let named = [&payload["team_id"], &payload["team"]["id"], &payload["user"]["team_id"]];
        named.into_iter().chain(authorised).find_map(|id| self.teams.get(id.as_str()?))
    }

    /// Takes a delivery.
    pub(super) async fn deliver(self: &Arc<Self>, kind: Kind, payload: Value) -> Taken {
        let Some(team) = self.team_of(&payload) else {
            let known = !self.teams.all().is_empty();
            warn!(known, "a delivery is for a workspace that is not configured (yet)");
            return if known { Taken::plain() } else { Taken::not_yet() };
        };
        match kind {
            Kind::Event if payload["type"] == "app_rate_limited" => self.dropped(team, &payload),
            Kind::Event => self.event(&team, &payload["event"]).await,
            Kind::Interactive => press::interactive(self, &team, &payload).await,
            Kind::Command => commands::run(self, &team, &payload).await,
        }
    }

    /// Takes the news that Slack dropped events.
    fn dropped(self: &Arc<Self>, team: Arc<Team>, payload: &Value) -> Taken {
        error!(
            team = team.me.team,
            "Slack drops events of a workspace: more than 30,000 within an hour; they are read from its channels"
        );
        let (handler, minute) = (Arc::clone(self), payload["minute_rate_limited"].as_i64().unwrap_or_default());
        // Beside what a stop waits for, which is shorter.
        tokio::spawn(async move { catch_up::dropped(&handler, &team, minute).await });
        Taken::plain()
    }

    async fn event(self: &Arc<Self>, team: &Arc<Team>, event: &Value) -> Taken {
        match event["type"].as_str().unwrap_or_default() {
            "message" | "app_mention" => {
                let Ok(message) = serde_json::from_value::<Message>(event.clone()) else {
                    warn!("an event of Slack cannot be read and is passed over");
                    return Taken::plain();
                };
                let channel = message.channel.clone().unwrap_or_default();
                match message.happened(&team.me) {
                    Some(Happened::Said(said)) => self.take(team, said).await,
                    Some(Happened::Gone(ts)) => Taken::decided(self.forget(team, &channel, &ts).await),
                    None => Taken::plain(),
                }
            }
            "app_home_opened" => press::home_opened(self, team, event),
            "member_joined_channel" if event["user"] == team.me.user.as_str() => {
                let inviter = event["inviter"].as_str().unwrap_or("an invitation");
                if let Some(channel) = event["channel"].as_str() {
                    self.watch_joined(&channel_key(&team.me.team, channel), inviter).await;
                }
                Taken::plain()
            }
            kind @ ("app_uninstalled" | "tokens_revoked") => {
                error!(
                    team = team.me.team,
                    kind, "the app was taken out of a workspace; nothing can be posted there any more"
                );
                Taken::plain()
            }
            kind => {
                debug!(kind, "an event of no interest");
                Taken::plain()
            }
        }
    }

    /// Watches a channel that the bot was invited to, unless somebody chose otherwise.
    async fn watch_joined(&self, channel: &ChannelKey, by: &str) {
        let Some(scope) = self.joined.filter(|_| !self.bot.channels.is_known(channel)) else { return };
        let settings = ChannelSettings { scope, mode: Mode::Answer, support_role: None, cooldown: None };
        match self.bot.channels.choose(channel, Some(settings), by).await {
            Ok(()) => {
                info!(channel = channel.channel, scope = %scope, "watching a channel that the bot was invited to")
            }
            Err(error) => error!(error = %error, "a channel that the bot was invited to is not watched yet"),
        }
    }

    /// Takes a message that was posted or edited.
    pub(super) async fn take(self: &Arc<Self>, team: &Arc<Team>, said: Said) -> Taken {
        let channel = channel_key(&team.me.team, &said.channel);
        if said.may_opt_in {
            self.watch_joined(&channel, "an invitation").await;
        }
        let watched = self.bot.channels.settings_in(&channel, said.thread.as_deref()).is_some();
        if !watched && !said.asks(&team.me) {
            return Taken::plain();
        }
        let place = micros(&said.ts).unwrap_or_default();
        let moves = watched && !said.edited;
        if moves {
            self.marks.begin(&channel, place);
        }
        let may_wait = moves && !said.files.is_empty();
        let (handler, team) = (Arc::clone(self), Arc::clone(team));
        let mut whole = async move {
            // The semaphore is never closed.
            let _permit = handler.permits.acquire().await;
            let more = handler.more(&team, &said).await;
            let edited = said.edited;
            let message = said.into_message(&team.me, &more);
            let event = if edited { Event::Edited(message) } else { Event::Posted(message) };
            let decided = handler.decide(&team, &event).await;
            match moves {
                true if decided => handler.marks.end(&channel, place),
                true => handler.marks.leave(&channel, place),
                false => {}
            }
            decided
        }
        .boxed();
        if !may_wait {
            return Taken::decided(whole.await);
        }
        match tokio::time::timeout(ACKNOWLEDGE_WITHIN, &mut whole).await {
            Ok(decided) => Taken::decided(decided),
            Err(_) => Taken::then(whole.map(|_| ())),
        }
    }

    /// Text that belongs to a message: that of its files, and what a mention in a thread is about.
    async fn more(&self, team: &Team, said: &Said) -> String {
        let mut more = String::new();
        if !said.files.is_empty() {
            let files = tokio::time::timeout(FILES_MAX, self.files.text(&team.api, &said.files)).await;
            more = files.unwrap_or_default();
        }
        if let Some(thread) = said.thread.as_deref().filter(|_| said.mentions(&team.me)) {
            // "@oktriage what is this?" below a message is about that message.
            let parameters = [("channel", said.channel.as_str()), ("ts", thread), ("limit", "1")];
            let asked = team.api.get("conversations.replies", &parameters);
            if let Ok(Ok(told)) = tokio::time::timeout(THREAD_MAX, asked).await
                && let Ok(first) = serde_json::from_value::<Message>(told["messages"][0].clone())
                && first.ts == thread
            {
                more.push_str("\n\n");
                more.push_str(&first.all_text());
            }
        }
        more
    }

    /// Takes the news that a message is gone.
    pub(super) async fn forget(&self, team: &Team, channel: &str, ts: &str) -> bool {
        let key = MessageKey { channel: channel_key(&team.me.team, channel), message: ts.to_owned() };
        self.decide(team, &Event::Deleted(key)).await
    }

    /// Whether a decision was made; a store that fails is tried again.
    async fn decide(&self, team: &Team, event: &Event) -> bool {
        let settled = async || is_outdated(team, event).await.then_some(true);
        let decided = self.bot.intake.handle_patiently(event, settled).await;
        if !decided {
            self.behind.store(true, Ordering::Relaxed);
        }
        decided
    }

    /// Whether something could not be decided about since this was asked last. Who holds a connection loses it when the
    /// store fails, and catches up with the next one; requests just come in.
    pub(super) fn is_behind(&self) -> bool {
        self.behind.swap(false, Ordering::Relaxed)
    }

    /// Whether a person may choose where the bot answers.
    pub(super) async fn manages(&self, team: &Team, user: &str) -> bool {
        self.managers.iter().any(|manager| manager == user) || team.administers(user).await
    }

    /// Whether a person belongs to the support team of a channel.
    pub(super) async fn supports(&self, team: &Team, user: &str, group: Option<&str>) -> bool {
        let in_group = match group.filter(|group| group.starts_with('S')) {
            Some(group) => team.is_in_group(user, group).await,
            None => group == Some(user),
        };
        in_group || self.managers.iter().any(|manager| manager == user)
    }
}

/// Whether something later happened to a message while its decision had to wait. That had its own event, which may have
/// been decided about already, by another process.
async fn is_outdated(team: &Team, event: &Event) -> bool {
    let (Event::Posted(message) | Event::Edited(message)) = event else { return false };
    match catch_up::one(team, &message.key, message.thread.as_deref()).await {
        Ok(Some(now)) if now.subtype.as_deref() == Some("tombstone") => true,
        // Of an edit, the history tells the second only.
        Ok(Some(now)) => now.last_edit().is_some_and(|edited| match event {
            Event::Posted(_) => true,
            _ => edited / 1_000_000 > message.version / 1_000_000,
        }),
        Ok(None) => true,
        Err(_) => false,
    }
}
