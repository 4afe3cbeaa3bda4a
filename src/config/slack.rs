//! Settings of Slack.

use std::path::PathBuf;

use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{ChannelScope, ConfigError, check_how, read_secret};
use crate::bot::Mode;

/// Where Slack's API is.
const API: &str = "https://slack.com/api";
/// Where Slack keeps files. <https://docs.slack.dev/reference/objects/file-object>
const FILE_HOSTS: [&str; 1] = ["files.slack.com"];
/// Where the tokens are found.
const TOKENS: &str = "copy it once more: https://api.slack.com/apps > your app > OAuth & Permissions (xoxb-…), Basic Information > App-Level Tokens (xapp-…)";

/// Slack. It is on as soon as there is a bot token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlackSettings {
    /// The bot token of the workspace (xoxb-…). Best given by the environment variable
    /// OKTRIAGE__SLACK__BOT_TOKEN or by `bot_token_file`. Default: none, Slack is off.
    #[schemars(with = "Option<String>")]
    pub bot_token: Option<SecretString>,
    /// A file that holds the bot token. Default: none.
    pub bot_token_file: Option<PathBuf>,
    /// The app-level token (xapp-…) for Socket Mode, which needs no inbound port. Best given by
    /// OKTRIAGE__SLACK__APP_TOKEN or by `app_token_file`. Default: none.
    #[schemars(with = "Option<String>")]
    pub app_token: Option<SecretString>,
    /// A file that holds the app-level token. Default: none.
    pub app_token_file: Option<PathBuf>,
    /// The signing secret, for events over HTTP at /slack/events, /slack/interactions and
    /// /slack/commands. Best given by OKTRIAGE__SLACK__SIGNING_SECRET or by `signing_secret_file`.
    /// Default: none.
    #[schemars(with = "Option<String>")]
    pub signing_secret: Option<SecretString>,
    /// A file that holds the signing secret. Default: none.
    pub signing_secret_file: Option<PathBuf>,
    /// Further workspaces, each with its own tokens. Default: none.
    pub workspaces: Vec<SlackWorkspace>,
    /// The channels that are watched from the start; others can be added with /okta watch. Default: none.
    pub channels: Vec<SlackChannel>,
    /// How a channel is watched to which the bot was invited and for which nothing else was chosen:
    /// "okta", "mixed" or "off". Default: "mixed".
    pub joined: String,
    /// Ids of people who may change channel settings, besides admins and owners of the workspace. Default: none.
    pub managers: Vec<String>,
    /// Where the API is, for proxies. Default: `https://slack.com/api`.
    pub api_base: String,
    /// Hosts from which files are fetched, with the bot token. Default: that of Slack.
    pub file_hosts: Vec<String>,
}

/// A workspace in which the app is installed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlackWorkspace {
    /// The bot token (xoxb-…).
    #[schemars(with = "Option<String>")]
    pub bot_token: Option<SecretString>,
    /// A file that holds the bot token.
    pub bot_token_file: Option<PathBuf>,
    /// The app-level token (xapp-…); workspaces that share an app share it.
    #[schemars(with = "Option<String>")]
    pub app_token: Option<SecretString>,
    /// A file that holds the app-level token.
    pub app_token_file: Option<PathBuf>,
    /// The signing secret.
    #[schemars(with = "Option<String>")]
    pub signing_secret: Option<SecretString>,
    /// A file that holds the signing secret.
    pub signing_secret_file: Option<PathBuf>,
}

/// A watched channel of Slack.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlackChannel {
    /// The workspace's id, e.g. T0123ABCD.
    pub team: String,
    /// The channel's id, e.g. C0123ABCD.
    pub channel: String,
    /// "okta": a dedicated Okta support channel; "mixed": Okta must be evident from the paste.
    pub scope: ChannelScope,
    /// "answer" for everybody, "suggest" to the poster behind a button, or "shadow": only record.
    /// Default: "answer".
    #[serde(default = "answer")]
    pub mode: String,
    /// Whom "Ask the team" calls: the id of a user group, e.g. S0123ABCD, or of a person. Default: nobody.
    #[serde(default)]
    pub support_group: Option<String>,
    /// How much is said there at most: answers in a time, such as "10/5m" or "100/2h". Default: as `cooldown` says.
    #[serde(default)]
    pub cooldown: Option<String>,
}

fn answer() -> String {
    Mode::Answer.as_str().to_owned()
}

impl Default for SlackSettings {
    fn default() -> Self {
        Self {
            bot_token: None,
            bot_token_file: None,
            app_token: None,
            app_token_file: None,
            signing_secret: None,
            signing_secret_file: None,
            workspaces: Vec::new(),
            channels: Vec::new(),
            joined: "mixed".to_owned(),
            managers: Vec::new(),
            api_base: API.to_owned(),
            file_hosts: FILE_HOSTS.map(str::to_owned).to_vec(),
        }
    }
}

impl SlackSettings {
    /// Whether Slack is on.
    pub fn is_on(&self) -> bool {
        self.bot_token.is_some() || !self.workspaces.is_empty()
    }

    /// Every workspace, the one that stands by itself first.
    pub fn all_workspaces(&self) -> Vec<SlackWorkspace> {
        let single = self.bot_token.as_ref().map(|bot_token| SlackWorkspace {
            bot_token: Some(bot_token.clone()),
            app_token: self.app_token.clone(),
            signing_secret: self.signing_secret.clone(),
            ..SlackWorkspace::default()
        });
        single.into_iter().chain(self.workspaces.iter().cloned()).collect()
    }

    /// What is done about channels that the bot was invited to; `None` for nothing.
    pub fn joined_scope(&self) -> Option<ChannelScope> {
        match self.joined.as_str() {
            "okta" => Some(ChannelScope::Okta),
            "mixed" => Some(ChannelScope::Mixed),
            _ => None,
        }
    }

    pub(super) fn read_secrets(&mut self) -> Result<(), ConfigError> {
        read_secret(&mut self.bot_token, self.bot_token_file.as_deref(), "slack.bot_token_file")?;
        read_secret(&mut self.app_token, self.app_token_file.as_deref(), "slack.app_token_file")?;
        read_secret(&mut self.signing_secret, self.signing_secret_file.as_deref(), "slack.signing_secret_file")?;
        for workspace in &mut self.workspaces {
            let SlackWorkspace { bot_token, bot_token_file, app_token, app_token_file, .. } = workspace;
            read_secret(bot_token, bot_token_file.as_deref(), "slack.workspaces: bot_token_file")?;
            read_secret(app_token, app_token_file.as_deref(), "slack.workspaces: app_token_file")?;
            let SlackWorkspace { signing_secret, signing_secret_file, .. } = workspace;
            read_secret(signing_secret, signing_secret_file.as_deref(), "slack.workspaces: signing_secret_file")?;
        }
        Ok(())
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.bot_token.is_none() && (self.app_token.is_some() || self.signing_secret.is_some()) {
            return Err(ConfigError::new(
                "slack.bot_token is missing, and there is an app-level token or a signing secret",
                "set OKTRIAGE__SLACK__BOT_TOKEN: https://api.slack.com/apps > your app > OAuth & Permissions",
            ));
        }
        for workspace in self.all_workspaces() {
            check_workspace(&workspace)?;
        }
        if !self.api_base.starts_with("https://") && !self.api_base.starts_with("http://") {
            return Err(ConfigError::new(
                format!("slack.api_base = \"{}\" is no address", self.api_base),
                format!("write a URL such as {API}"),
            ));
        }
        if !matches!(self.joined.as_str(), "okta" | "mixed" | "off") {
            return Err(ConfigError::new(
                format!("slack.joined = \"{}\" is none of its words", self.joined),
                "write \"okta\", \"mixed\" or \"off\"",
            ));
        }
        let id = |key: &str, id: &str, first: &[char], help: &str| {
            let rest = id.strip_prefix(first).unwrap_or_default();
            let sound = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            if sound {
                Ok(())
            } else {
                Err(ConfigError::new(format!("{key}: `{id}` is no Slack id of this kind"), help))
            }
        };
        for manager in &self.managers {
            id("slack.managers", manager, &['U', 'W'], "open the person's profile, then ⋮ > Copy member ID")?;
        }
        for channel in &self.channels {
            id("slack.channels: team", &channel.team, &['T', 'E'], "`oktriage doctor` prints the workspace's id")?;
            let help = "open the channel's details; the id stands at the bottom of About";
            id("slack.channels: channel", &channel.channel, &['C', 'G'], help)?;
            if let Some(group) = &channel.support_group {
                let help = "write a user group's id: People > User groups > the group > ⋮ > Copy group ID";
                id("slack.channels: support_group", group, &['S', 'U', 'W'], help)?;
            }
            check_how("slack.channels", &channel.mode, channel.cooldown.as_deref())?;
        }
        Ok(())
    }
}

fn check_workspace(workspace: &SlackWorkspace) -> Result<(), ConfigError> {
    let Some(bot_token) = &workspace.bot_token else {
        return Err(ConfigError::new("slack.workspaces: a workspace has no bot_token", TOKENS));
    };
    for (name, secret) in [
        ("bot_token", Some(bot_token)),
        ("app_token", workspace.app_token.as_ref()),
        ("signing_secret", workspace.signing_secret.as_ref()),
    ] {
        let Some(secret) = secret.map(ExposeSecret::expose_secret) else { continue };
        if secret.is_empty() || secret.contains(char::is_whitespace) {
            return Err(ConfigError::new(format!("slack: the {name} is empty or has spaces in it"), TOKENS));
        }
        let swapped = match name {
            "bot_token" => secret.starts_with("xapp-") || secret.starts_with("xoxp-"),
            "app_token" => !secret.starts_with("xapp-"),
            _ => secret.starts_with("xapp-") || secret.starts_with("xox"),
        };
        if swapped {
            return Err(ConfigError::new(format!("slack: the {name} is a token of another kind"), TOKENS));
        }
    }
    if workspace.app_token.is_none() && workspace.signing_secret.is_none() {
        return Err(ConfigError::new(
            "slack: there is a bot token, and no way for events to come in",
            "set OKTRIAGE__SLACK__APP_TOKEN for Socket Mode, or OKTRIAGE__SLACK__SIGNING_SECRET for events over HTTP",
        ));
    }
    Ok(())
}
