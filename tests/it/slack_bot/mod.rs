//! Conversations with the real program on Slack, as a process against the double.

mod channels;
mod delivery;
mod others;
mod questions;
mod replies;
mod requests;
mod seen;
mod setup;
mod sockets;

use std::path::Path;

use crate::cases::GMAIL;
use crate::program::{Server, temp};
use crate::slack::state::{Message, State};
use crate::slack::{Slack, readable, readable_text};

/// What identifies an answer about ShareFile.
pub(super) const SHAREFILE_TITLE: &str = "ShareFile provisioning: the API credentials are invalid";
pub(super) const ATLASSIAN_TITLE: &str = "Atlassian";

/// How events come to the bot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Socket,
    Http,
}

/// The double with the bot in it, which watches "okta-support" unless told otherwise.
pub(super) struct Workspace {
    pub(super) slack: Slack,
    pub(super) server: Server,
    pub(super) dir: tempfile::TempDir,
}

impl Workspace {
    pub(super) async fn open() -> Self {
        Self::open_with(Way::Socket, "scope = \"okta\"", &[]).await
    }

    pub(super) async fn open_with(way: Way, channel: &str, environment: &[(&str, &str)]) -> Self {
        let slack = Slack::start().await;
        let dir = temp();
        let server = start(&slack, dir.path(), way, channel, environment).await;
        Self { slack, server, dir }
    }

    /// The bot with the tests' own rules: what it says changes only with its own words.
    pub(super) async fn open_with_few_rules(channel: &str) -> Self {
        let slack = Slack::start().await;
        let dir = temp();
        let file = dir.path().join("oktriage.toml");
        let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rules");
        let settings = settings(&slack, channel) + &format!("[rules]\nbuilt_in = false\ndirs = [\"{rules}\"]\n");
        std::fs::write(&file, settings).expect("written");
        let server = serve(&slack, dir.path(), &file, Way::Socket, &[]);
        slack.connected().await;
        Self { slack, server, dir }
    }

    /// The bot ends, something happens, and it comes back.
    pub(super) async fn restart(self, meanwhile: impl FnOnce(&Slack)) -> Self {
        let Self { slack, server, dir } = self;
        assert!(server.stop().success());
        slack.wait_for("the end of the connection", |state| (state.open_links() == 0).then_some(())).await;
        meanwhile(&slack);
        let server = start(&slack, dir.path(), Way::Socket, "scope = \"okta\"", &[]).await;
        Self { slack, server, dir }
    }

    pub(super) async fn gone(&self, reply: &Message) {
        let id = reply.id;
        self.slack
            .wait_for("the removal", |state| state.messages.get(&id).is_none_or(|it| it.deleted).then_some(()))
            .await;
    }

    /// Proves silence: everything that was said before in this channel has been decided and delivered.
    pub(super) async fn settled(&self, channel: &str) {
        self.slack.settled().await;
        let last = self.slack.say(channel, "robin", GMAIL[1]);
        self.slack.reply_to(last, "Workflows").await;
    }

    pub(super) fn replies(&self, message: u64) -> usize {
        self.slack.bot_replies(message).len()
    }
}

/// The settings that name the first workspace and its channel "okta-support".
pub(super) fn settings(slack: &Slack, channel: &str) -> String {
    let (team, okta, group) = slack.look(|state| {
        let okta = state.channel_named("okta-support");
        (okta.team.clone(), okta.id.clone(), state.groups["support"].0.clone())
    });
    let hosts = slack.url.trim_start_matches("http://");
    format!(
        "[slack]\nfile_hosts = [\"{hosts}\"]\njoined = \"off\"\n[[slack.channels]]\nteam = \"{team}\"\nchannel = \"{okta}\"\n{channel}\nsupport_group = \"{group}\"\n"
    )
}

/// What the environment tells about the double.
pub(super) fn environment(slack: &Slack, way: Way) -> Vec<(String, String)> {
    let mut all = vec![
        ("OKTRIAGE__SLACK__BOT_TOKEN".to_owned(), slack.bot_token()),
        ("OKTRIAGE__SLACK__API_BASE".to_owned(), format!("{}/api", slack.url)),
    ];
    let (app_token, secret) = slack.look(|state| (state.app_token.clone(), state.signing_secret.clone()));
    all.push(match way {
        Way::Socket => ("OKTRIAGE__SLACK__APP_TOKEN".to_owned(), app_token),
        Way::Http => ("OKTRIAGE__SLACK__SIGNING_SECRET".to_owned(), secret),
    });
    all
}

/// Starts the bot over Socket Mode; it has yet to connect.
pub(crate) fn begin(slack: &Slack, dir: &Path, more: &[(&str, &str)]) -> Server {
    let file = dir.join("oktriage.toml");
    std::fs::write(&file, settings(slack, "scope = \"okta\"")).expect("written");
    serve(slack, dir, &file, Way::Socket, more)
}

pub(super) async fn start(slack: &Slack, dir: &Path, way: Way, channel: &str, more: &[(&str, &str)]) -> Server {
    let file = dir.join("oktriage.toml");
    std::fs::write(&file, settings(slack, channel)).expect("written");
    let server = serve(slack, dir, &file, way, more);
    if way == Way::Http {
        let url = |path: &str| format!("{}/slack/{path}", server.url);
        slack.use_urls(&url("events"), &url("interactions"), &url("commands")).await.expect("the challenge");
    }
    slack.connected().await;
    server
}

pub(super) fn serve(slack: &Slack, dir: &Path, file: &Path, way: Way, more: &[(&str, &str)]) -> Server {
    let environment = environment(slack, way);
    let mut all: Vec<(&str, &str)> = environment.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    all.extend(more);
    Server::start_with(dir, &["--config", file.to_str().expect("a path")], &all)
}

/// How often the bot said something publicly, with blocks.
pub(super) fn said(state: &State) -> usize {
    let bots: Vec<&String> = state.teams.iter().map(|team| &team.bot_user).collect();
    state
        .messages
        .values()
        .filter(|it| bots.contains(&&it.user) && !it.deleted && !it.is_ephemeral() && !it.blocks.is_empty())
        .count()
}

/// The first thing that only this person sees.
pub(super) async fn ephemeral_to(slack: &Slack, user: &str) -> String {
    slack
        .wait_for("a private message", |state| {
            let user = state.user(user).id.clone();
            let found = state.messages.values().rfind(|it| it.ephemeral_to.as_ref() == Some(&user));
            found.map(readable)
        })
        .await
}

/// A text as a person sees it, who reads names instead of ids; what differs from run to run is left out.
pub(super) fn with_names(slack: &Slack, text: &str) -> String {
    let names: Vec<(String, String)> = slack.look(|state| {
        let users = state.users.iter().map(|user| (user.id.clone(), user.name.clone()));
        let channels = state.channels.iter().map(|channel| (channel.id.clone(), channel.name.clone()));
        let groups = state.groups.iter().map(|(handle, (id, ..))| (id.clone(), handle.clone()));
        let teams = state.teams.iter().map(|team| (team.id.clone(), team.name.clone()));
        users.chain(channels).chain(groups).chain(teams).collect()
    });
    let text = names.iter().fold(text.to_owned(), |text, (id, name)| text.replace(id, name));
    let masks = [
        (r"20\d\d-\d\d-\d\d \d\d:\d\d UTC", "TIME"),
        (r"rule set [0-9a-f]{8}", "rule set HASH"),
        (r"subteam\^", ""),
        (r"\d{3,} rules", "MANY rules"),
        (r"http://127\.0\.0\.1:\d+", "SLACK"),
    ];
    let text = masks.iter().fold(text, |text, (pattern, mask)| {
        regex::Regex::new(pattern).expect("a pattern").replace_all(&text, *mask).into_owned()
    });
    text.replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

/// A message of the bot: where it stands, what a notification of it says, and what is seen.
pub(super) fn seen(slack: &Slack, message: &Message) -> String {
    let place = if message.thread_ts.is_some() { "in a thread" } else { "in the channel" };
    let text = format!("({place}; notification: {})\n{}", readable_text(message), readable(message));
    with_names(slack, &text)
}
