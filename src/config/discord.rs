//! Settings of Discord.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{ChannelScope, ConfigError, check_how};
use crate::bot::Mode;

/// Where Discord's API is.
const API: &str = "https://discord.com";
/// Where Discord keeps attachments. <https://docs.discord.com/developers/reference#image-formatting>
const ATTACHMENT_HOSTS: [&str; 2] = ["cdn.discordapp.com", "media.discordapp.net"];

/// Discord. It is on as soon as there is a token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DiscordSettings {
    /// The bot's token. Best given by the environment variable OKTRIAGE__DISCORD__TOKEN or by
    /// `token_file`. Default: none, Discord is off.
    #[schemars(with = "Option<String>")]
    pub token: Option<SecretString>,
    /// A file that holds the token. Default: none.
    pub token_file: Option<PathBuf>,
    /// Whether messages are read, which needs the privileged message content intent. Without it
    /// the bot answers commands, the message menu, mentions and direct messages. Default: true.
    pub message_content: bool,
    /// Connections to Discord; 0 takes the number that Discord recommends. Default: 0.
    pub shards: u32,
    /// The channels that are watched from the start; others can be added with /okta watch. Default: none.
    pub channels: Vec<DiscordChannel>,
    /// Guilds in which the commands are registered, at once; empty registers them everywhere. Default: none.
    pub command_guilds: Vec<String>,
    /// Where the API is, for proxies. Default: `https://discord.com`.
    pub api_base: String,
    /// Hosts from which attachments are fetched. Default: those of Discord.
    pub attachment_hosts: Vec<String>,
}

/// A watched channel of Discord.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscordChannel {
    /// The server's id.
    pub guild: String,
    /// The channel's id.
    pub channel: String,
    /// "okta": a dedicated Okta support channel; "mixed": Okta must be evident from the paste.
    pub scope: ChannelScope,
    /// "answer" for everybody, "suggest" to the poster behind a button, or "shadow": only record.
    /// Default: "answer".
    #[serde(default = "answer")]
    pub mode: String,
    /// The id of the role that "Ask the team" calls. Default: none.
    #[serde(default)]
    pub support_role: Option<String>,
    /// How much is said there at most: answers in a time, such as "10/5m" or "100/2h". Default: as `cooldown` says.
    #[serde(default)]
    pub cooldown: Option<String>,
}

fn answer() -> String {
    Mode::Answer.as_str().to_owned()
}

impl Default for DiscordSettings {
    fn default() -> Self {
        Self {
            token: None,
            token_file: None,
            message_content: true,
            shards: 0,
            channels: Vec::new(),
            command_guilds: Vec::new(),
            api_base: API.to_owned(),
            attachment_hosts: ATTACHMENT_HOSTS.map(str::to_owned).to_vec(),
        }
    }
}

impl DiscordSettings {
    /// Whether the API is reached directly, not through a proxy or a test.
    pub fn is_direct(&self) -> bool {
        self.api_base.trim_end_matches('/') == API
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if let Some(token) = &self.token
            && (token.expose_secret().is_empty() || token.expose_secret().contains(char::is_whitespace))
        {
            return Err(ConfigError::new(
                "discord.token is empty or has spaces in it",
                "copy it once more: Discord Developer Portal > your application > Bot > Reset Token",
            ));
        }
        if !self.api_base.starts_with("https://") && !self.api_base.starts_with("http://") {
            return Err(ConfigError::new(
                format!("discord.api_base = \"{}\" is no address", self.api_base),
                format!("write a URL such as {API}"),
            ));
        }
        let is_id =
            |id: &str| (1..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit()) && id != "0";
        let id = |key: &str, id: &str| {
            if is_id(id) {
                return Ok(());
            }
            Err(ConfigError::new(
                format!("{key}: `{id}` is no Discord id"),
                "switch on Discord's developer mode (User Settings > Advanced), then right-click and choose Copy ID",
            ))
        };
        self.command_guilds.iter().try_for_each(|guild| id("discord.command_guilds", guild))?;
        for channel in &self.channels {
            id("discord.channels: guild", &channel.guild)?;
            id("discord.channels: channel", &channel.channel)?;
            channel.support_role.iter().try_for_each(|role| id("discord.channels: support_role", role))?;
            check_how("discord.channels", &channel.mode, channel.cooldown.as_deref())?;
        }
        Ok(())
    }
}
