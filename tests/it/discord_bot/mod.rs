//! Conversations with the real program on Discord, as a process against the double.

mod answering;
mod asking;
mod running;
mod trouble;
mod watching;

use std::path::Path;

use serde_json::Value;

use crate::cases::GMAIL;
use crate::discord::interactions::Interaction;
use crate::discord::state::{Message, State};
use crate::discord::{Discord, readable};
use crate::program::{Server, temp};

/// What identifies an answer about ShareFile.
const SHAREFILE_TITLE: &str = "ShareFile provisioning: the API credentials are invalid";
const ATLASSIAN_TITLE: &str = "Atlassian";

/// The double with the bot in it, which watches "okta-support" unless told otherwise.
struct Workspace {
    discord: Discord,
    server: Server,
    dir: tempfile::TempDir,
}

impl Workspace {
    async fn open() -> Self {
        Self::open_with("scope = \"okta\"", &[]).await
    }

    async fn open_with(channel: &str, environment: &[(&str, &str)]) -> Self {
        let discord = Discord::start().await;
        let dir = temp();
        let server = start(&discord, dir.path(), channel, environment).await;
        Self { discord, server, dir }
    }

    /// The reply to a message, wherever it stands, once its text holds `what`.
    async fn reply(&self, message: u64, what: &str) -> Message {
        self.discord
            .wait_for(&format!("a reply to {message} with {what}"), |state| {
                replies_to(state, message).into_iter().find(|reply| readable(reply).contains(what))
            })
            .await
    }

    async fn gone(&self, reply: u64) {
        self.discord
            .wait_for("the removal", |state| state.messages.get(&reply).is_none_or(|it| it.deleted).then_some(()))
            .await;
    }

    /// Proves silence: everything that was said before in this channel has been decided, for the bot
    /// takes an error that is said last, and everything else had its turn.
    async fn settled(&self, channel: &str) {
        let last = self.discord.say(channel, "robin", GMAIL[1]);
        self.reply(last, "Workflows").await;
    }

    fn replies(&self, message: u64) -> usize {
        self.discord.look(|state| replies_to(state, message).len())
    }
}

/// Settings that watch "okta-support"; `more` are further lines about Discord.
pub(crate) fn settings(discord: &Discord, channel: &str, more: &str) -> String {
    let (guild, okta, support) = discord.look(|state| {
        let okta = state.channels.iter().find(|channel| channel.name == "okta-support").expect("a channel");
        let support = state.roles.iter().find(|role| role.name == "support").expect("a role");
        (state.guilds[0].id, okta.id, support.id)
    });
    let hosts = discord.url.trim_start_matches("http://");
    format!(
        "[discord]\nattachment_hosts = [\"{hosts}\"]\n{more}\n[[discord.channels]]\nguild = \"{guild}\"\nchannel = \"{okta}\"\n{channel}\nsupport_role = \"{support}\"\n"
    )
}

/// Starts the program, which may not get as far as being connected.
pub(crate) fn begin(discord: &Discord, dir: &Path, settings: &str, environment: &[(&str, &str)]) -> Server {
    let path = dir.join("oktriage.toml");
    std::fs::write(&path, settings).expect("written");
    let discord_environment = discord.env();
    let mut all: Vec<(&str, &str)> =
        discord_environment.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    all.extend(environment);
    Server::start_with(dir, &["--config", path.to_str().expect("a path")], &all)
}

async fn start(discord: &Discord, dir: &Path, channel: &str, environment: &[(&str, &str)]) -> Server {
    let server = begin(discord, dir, &settings(discord, channel, ""), environment);
    discord.connected().await;
    server
}

/// Uses `/okta …` with options.
async fn okta(discord: &Discord, user: &str, channel: &str, command: &str, options: Value) -> Interaction {
    let data = serde_json::json!({"name": "okta", "options": [{"name": command, "options": options}]});
    discord.slash(user, channel, data).await
}

/// The status of `/healthz`, and what it says.
async fn health(server: &Server) -> (u16, Value) {
    let response = server.http.get(format!("{}/healthz", server.url)).send().await.expect("sent");
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

/// What the bot says about a message: in its thread, or as an answer to it.
fn replies_to(state: &State, message: u64) -> Vec<Message> {
    let key = format!(":{message}");
    let mut replies: Vec<Message> = state
        .messages
        .values()
        .filter(|reply| reply.author == state.bot && !reply.is_ephemeral() && !reply.deleted)
        .filter(|reply| {
            let components = Value::Array(reply.components.clone()).to_string();
            components.contains(&format!("{key}\"")) || components.contains(&format!("{key}:"))
        })
        .cloned()
        .collect();
    replies.sort_by_key(|reply| reply.id);
    replies
}

fn in_thread(message: &Message, thread: u64) -> bool {
    message.channel == thread
}

/// Lets the support role manage the server.
fn support_manages(discord: &Discord) {
    discord.change(|state| {
        let support = state.roles.iter_mut().find(|role| role.name == "support").expect("a role");
        support.permissions |= crate::discord::bits::permission::MANAGE_GUILD;
    });
}

/// A text with names instead of ids, and without the time.
fn with_names(discord: &Discord, text: &str) -> String {
    let mut text = discord.look(|state| {
        let users = state.users.iter().map(|user| (user.id, &user.name));
        let roles = state.roles.iter().map(|role| (role.id, &role.name));
        let channels = state.channels.iter().map(|channel| (channel.id, &channel.name));
        let named = users.chain(roles).chain(channels);
        named.fold(text.to_owned(), |text, (id, name)| text.replace(&id.to_string(), name))
    });
    while let Some(at) = text.find("<t:") {
        let end = text[at..].find('>').map_or(text.len(), |end| at + end + 1);
        text.replace_range(at..end, "(when)");
    }
    text
}
