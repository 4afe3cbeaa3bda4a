//! Settings: built-in defaults, then the file, then the environment (`OKTRIAGE__SECTION__KEY`).

mod discord;
mod slack;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat};
pub use discord::{DiscordChannel, DiscordSettings};
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
pub use slack::{SlackChannel, SlackSettings, SlackWorkspace};

use crate::bot::{Cooldown, Mode};
use crate::rules::Keyword as _;
use crate::store::Location;

/// Prefix of environment variables; sections and keys are joined by two underscores.
const ENV_PREFIX: &str = "OKTRIAGE";
const ENV_SEPARATOR: &str = "__";
/// The port of the local workspace.
const LOCAL_PORT: u16 = 8080;
/// An access token shorter than this can be guessed.
const TOKEN_MIN: usize = 16;
/// Unknown messages are answered after an edit for 7 days; replies must be known for longer than that.
const RETENTION_MIN: u32 = 8;

/// The example file: every key with its default.
pub const EXAMPLE: &str = include_str!("../../config/oktriage.example.toml");

/// Everything that can be configured. Every key has a default, so that no file is needed.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The local workspace: a chat page served by oktriage itself.
    pub local: LocalSettings,
    /// Where everything durable is kept.
    pub storage: StorageSettings,
    /// Where the rules come from.
    pub rules: RuleSettings,
    /// Discord.
    pub discord: DiscordSettings,
    /// Slack.
    pub slack: SlackSettings,
    /// How much is said at most.
    pub cooldown: CooldownSettings,
    /// What happened while the bot was away.
    pub catch_up: CatchUpSettings,
    /// What is logged, to standard error.
    pub log: LogSettings,
}

/// The local workspace: a chat page served by oktriage itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LocalSettings {
    /// Whether the local workspace is served. Default: true.
    pub enabled: bool,
    /// Address and port to listen on. Anything but a loopback address needs an access token.
    /// Default: "127.0.0.1:8080".
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// What browsers must know to get in, at least 16 characters. Best given by the environment
    /// variable OKTRIAGE__LOCAL__ACCESS_TOKEN or by `access_token_file`. Default: none.
    #[schemars(with = "Option<String>")]
    pub access_token: Option<SecretString>,
    /// A file that holds the access token. Default: none.
    pub access_token_file: Option<PathBuf>,
    /// The channels. Default: "okta-support" (scope "okta") and "general" (scope "mixed").
    pub channels: Vec<LocalChannel>,
}

/// A channel of the local workspace.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalChannel {
    /// Lower-case letters, digits and hyphens.
    pub name: String,
    /// "okta": a dedicated Okta support channel; "mixed": Okta must be evident from the paste.
    pub scope: ChannelScope,
}

/// What a channel is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelScope {
    /// A dedicated Okta support channel.
    Okta,
    /// Any other channel.
    Mixed,
}

/// Where everything durable is kept, and for how long.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StorageSettings {
    /// The SQLite file; created when it does not exist. Default: "oktriage.db" in the current directory.
    pub path: PathBuf,
    /// A PostgreSQL database instead, which several processes can share:
    /// "postgres://USER:PASSWORD@HOST:PORT/DATABASE", with "?sslmode=verify-full" for TLS. Best given by the
    /// environment variable OKTRIAGE__STORAGE__URL or by `url_file`. Default: none.
    #[schemars(with = "Option<String>")]
    pub url: Option<SecretString>,
    /// A file that holds the URL. Default: none.
    pub url_file: Option<PathBuf>,
    /// Replies, feedback and messages of the local workspace are forgotten after so many days; at least 8.
    /// Default: 90.
    pub retention_days: u32,
}

/// Where the rules come from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RuleSettings {
    /// Use the rules that are compiled in. Default: true.
    pub built_in: bool,
    /// Further rule directories; later ones add rules, replace rules of the same id, or disable them.
    /// Default: none.
    pub dirs: Vec<PathBuf>,
}

/// How much is said at most, so that a flood of pastes does not become a flood of replies.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CooldownSettings {
    /// Messages of one author that are answered in a channel within the window. Default: 5.
    pub per_author: u32,
    /// Messages that are answered in a channel within the window. Default: 30.
    pub per_channel: u32,
    /// The window, in seconds. Default: 300.
    pub window_seconds: u32,
}

/// What happened while the bot was away.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CatchUpSettings {
    /// Messages older than this many hours are passed over after a start. Default: 24.
    pub max_age_hours: u32,
}

/// What is logged, to standard error.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// A filter as of the `tracing-subscriber` crate: a level, or target=level pairs. Default: "info".
    pub filter: String,
    /// "text" for people, "json" for log collectors. Default: "text".
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For log collectors.
    Json,
}

impl Default for LocalSettings {
    fn default() -> Self {
        let channel = |name: &str, scope| LocalChannel { name: name.to_owned(), scope };
        Self {
            enabled: true,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), LOCAL_PORT),
            access_token: None,
            access_token_file: None,
            channels: vec![channel("okta-support", ChannelScope::Okta), channel("general", ChannelScope::Mixed)],
        }
    }
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self { path: PathBuf::from("oktriage.db"), url: None, url_file: None, retention_days: 90 }
    }
}

impl StorageSettings {
    /// Where the database is.
    pub fn location(&self) -> Result<Location, ConfigError> {
        match &self.url {
            None => Ok(Location::Sqlite(self.path.clone())),
            // What is wrong with it is not shown: it holds a password.
            Some(url) => Location::from_url(url).ok_or_else(|| {
                ConfigError::new(
                    "storage.url is no URL of a database",
                    "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with @, : and / in the password as %40, %3A and %2F",
                )
            }),
        }
    }
}

impl Default for RuleSettings {
    fn default() -> Self {
        Self { built_in: true, dirs: Vec::new() }
    }
}

impl Default for CooldownSettings {
    fn default() -> Self {
        Self { per_author: 5, per_channel: 30, window_seconds: 300 }
    }
}

impl Default for CatchUpSettings {
    fn default() -> Self {
        Self { max_age_hours: 24 }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Text }
    }
}

impl From<ChannelScope> for crate::rules::Scope {
    fn from(scope: ChannelScope) -> Self {
        match scope {
            ChannelScope::Okta => Self::Okta,
            ChannelScope::Mixed => Self::Mixed,
        }
    }
}

/// What is wrong with the configuration, where, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    message: String,
    help: String,
}

impl ConfigError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: help.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  help: {}", self.message.trim_end(), self.help)
    }
}

impl std::error::Error for ConfigError {}

impl Settings {
    /// Reads the settings: defaults, then `file`, then the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut builder = Config::builder();
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| {
                ConfigError::new(
                    format!("cannot read the configuration {}: {error}", path.display()),
                    "`oktriage config example` prints a complete file to start from",
                )
            })?;
            // Read by itself first: these messages show the line.
            if let Err(error) = toml::from_str::<Self>(&text) {
                return Err(ConfigError::new(
                    format!("{}: {error}", path.display()),
                    "`oktriage config example` shows every key; `oktriage config schema` serves editors",
                ));
            }
            builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
        }
        let environment = Environment::with_prefix(ENV_PREFIX)
            .prefix_separator(ENV_SEPARATOR)
            .separator(ENV_SEPARATOR)
            .try_parsing(true);
        let loaded = builder.add_source(environment).build().and_then(Config::try_deserialize::<Self>);
        let mut settings = loaded.map_err(|error| {
            ConfigError::new(
                format!("the environment variables {ENV_PREFIX}{ENV_SEPARATOR}… : {error}"),
                "variables are named after section and key, e.g. OKTRIAGE__LOCAL__LISTEN=127.0.0.1:9000",
            )
        })?;
        read_secret(
            &mut settings.local.access_token,
            settings.local.access_token_file.as_deref(),
            "local.access_token_file",
        )?;
        read_secret(&mut settings.discord.token, settings.discord.token_file.as_deref(), "discord.token_file")?;
        settings.slack.read_secrets()?;
        read_secret(&mut settings.storage.url, settings.storage.url_file.as_deref(), "storage.url_file")?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let local = &self.local;
        if local.enabled && !local.listen.ip().is_loopback() && local.access_token.is_none() {
            return Err(ConfigError::new(
                format!(
                    "local.listen = \"{}\" can be reached from other machines, and there is no access token",
                    local.listen
                ),
                "set OKTRIAGE__LOCAL__ACCESS_TOKEN or local.access_token_file, or listen on 127.0.0.1",
            ));
        }
        if local.access_token.as_ref().is_some_and(|token| token.expose_secret().len() < TOKEN_MIN) {
            return Err(ConfigError::new(
                format!("the access token has fewer than {TOKEN_MIN} characters"),
                "make one with: openssl rand -hex 24",
            ));
        }
        self.discord.check()?;
        self.slack.check()?;
        self.storage.location()?;
        if self.storage.retention_days < RETENTION_MIN {
            return Err(ConfigError::new(
                format!(
                    "storage.retention_days = {} forgets replies that may still be edited",
                    self.storage.retention_days
                ),
                format!("keep them for at least {RETENTION_MIN} days"),
            ));
        }
        for (index, channel) in local.channels.iter().enumerate() {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if channel.name.is_empty() || channel.name.len() > 40 || !channel.name.bytes().all(fits) {
                return Err(ConfigError::new(
                    format!("local.channels: `{}` is no channel name", channel.name),
                    "use up to 40 lower-case letters, digits and hyphens",
                ));
            }
            if local.channels[..index].iter().any(|other| other.name == channel.name) {
                return Err(ConfigError::new(
                    format!("local.channels: two channels are called `{}`", channel.name),
                    "give each its own name",
                ));
            }
        }
        if local.enabled && local.channels.is_empty() {
            return Err(ConfigError::new(
                "local.channels is empty",
                "name at least one channel, or set local.enabled = false",
            ));
        }
        Ok(())
    }

    /// The JSON Schema of the file, for editors.
    pub fn schema() -> String {
        let schema = schemars::schema_for!(Self);
        serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
    }
}

/// Checks what is done in a channel and how much; `key` names its list.
fn check_how(key: &str, mode: &str, cooldown: Option<&str>) -> Result<(), ConfigError> {
    if Mode::from_word(mode).is_none() {
        let help = "write \"answer\", \"suggest\" or \"shadow\"";
        return Err(ConfigError::new(format!("{key}: `{mode}` is no mode"), help));
    }
    match cooldown.filter(|cooldown| Cooldown::parse(cooldown).is_none()) {
        None => Ok(()),
        Some(wrong) => Err(ConfigError::new(
            format!("{key}: `{wrong}` is no cooldown"),
            "write up to 1000 answers and up to 24 hours, such as \"10/5m\" or \"100/2h\"",
        )),
    }
}

/// Takes a secret from its file, where one is named.
fn read_secret(secret: &mut Option<SecretString>, file: Option<&Path>, key: &str) -> Result<(), ConfigError> {
    let Some(path) = file else { return Ok(()) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConfigError::new(
            format!("{key}: cannot read {}: {error}", path.display()),
            "name a readable file that holds the token on its first line",
        )
    })?;
    *secret = Some(SecretString::from(text.trim().to_owned()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::{EXAMPLE, Settings};

    fn load(toml: &str) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(toml.as_bytes()).unwrap();
        match Settings::load(Some(file.path())) {
            Ok(settings) => format!("{settings:#?}"),
            Err(error) => error.to_string().replace(&file.path().display().to_string(), "FILE"),
        }
    }

    #[test]
    fn the_example_is_the_default() {
        assert_eq!(load(EXAMPLE), load(""));
        // Every key of the schema is in the example.
        let schema = Settings::schema();
        let keys = schema.lines().filter_map(|line| line.trim().strip_suffix("\": {")?.strip_prefix('"'));
        for key in keys.filter(|key| {
            !["$defs", "properties", "items"].contains(key) && key.chars().all(|c| c.is_lowercase() || c == '_')
        }) {
            assert!(EXAMPLE.contains(key), "config/oktriage.example.toml lacks {key}");
        }
    }

    #[test]
    fn mistakes_are_told_with_place_and_way_out() {
        insta::assert_snapshot!(load("[local]\nlisten = \"0.0.0.0:8080\""), @r#"
        local.listen = "0.0.0.0:8080" can be reached from other machines, and there is no access token
          help: set OKTRIAGE__LOCAL__ACCESS_TOKEN or local.access_token_file, or listen on 127.0.0.1
        "#);
        insta::assert_snapshot!(load("[local]\nlistem = \"127.0.0.1:80\""), @r#"
        FILE: TOML parse error at line 2, column 1
          |
        2 | listem = "127.0.0.1:80"
          | ^^^^^^
        unknown field `listem`, expected one of `enabled`, `listen`, `access_token`, `access_token_file`, `channels`
          help: `oktriage config example` shows every key; `oktriage config schema` serves editors
        "#);
        insta::assert_snapshot!(load("[[local.channels]]\nname = \"Okta Help\"\nscope = \"okta\""), @r"
        local.channels: `Okta Help` is no channel name
          help: use up to 40 lower-case letters, digits and hyphens
        ");
        insta::assert_snapshot!(load("[local]\naccess_token = \"short\""), @r"
        the access token has fewer than 16 characters
          help: make one with: openssl rand -hex 24
        ");
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!load("[storage]\nurl = \"postgres://okt:hunter2@db.example.com/okt\"").contains("hunter2"));
        insta::assert_snapshot!(load("[storage]\nurl = \"mysql://okt:hunter2@db.example.com/okt\""), @r"
        storage.url is no URL of a database
          help: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with @, : and / in the password as %40, %3A and %2F
        ");
        insta::assert_snapshot!(load("[storage]\nretention_days = 1"), @r"
        storage.retention_days = 1 forgets replies that may still be edited
          help: keep them for at least 8 days
        ");
        assert!(!load("[local]\naccess_token = \"hunter2hunter2hunter2\"").contains("hunter2"));
    }
}
