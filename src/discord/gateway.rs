//! The connection to Discord: events in, the connection kept up, and given up when it cannot work.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};
use serenity::Client;
use serenity::async_trait;
use serenity::client::{Context, RawEventHandler};
use serenity::gateway::{GatewayError, ShardManager};
use serenity::http::{Http, HttpBuilder, HttpError, LightMethod, Route, StatusCode};
use serenity::model::application::ApplicationFlags;
use serenity::model::event::Event as RawEvent;
use serenity::model::gateway::GatewayIntents;
use tokio::sync::watch;
use tracing::{debug, error, warn};

use super::attachments::Attachments;
use super::commands;
use super::courier::DiscordCourier;
use super::handler::{Ears, Handler};
use super::places::Places;
use super::rest::Rest;
use super::starts::Starts;
use super::waiting::Waiting;
use crate::bot::health::Pulse;
use crate::bot::ports::Store;
use crate::bot::{Channels, Commands, Feedback, Intake, Marks};
use crate::config::DiscordSettings;

/// The first pause after a failure; each further one doubles it …
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// … up to this.
const RETRY_MAX: Duration = Duration::from_secs(60);
/// How often the heartbeats are looked at.
const FEEL_EVERY: Duration = Duration::from_secs(5);

/// Everything that Discord's events need.
pub struct Bot<S> {
    /// Takes the events.
    pub intake: Arc<Intake<S>>,
    /// Which channels are watched.
    pub channels: Arc<Channels<S>>,
    /// Takes what people press.
    pub feedback: Feedback<S>,
    /// Answers questions.
    pub commands: Arc<Commands>,
    /// Remembers how far was read.
    pub store: Arc<S>,
    /// Tells whether Discord is heard from.
    pub pulse: Arc<Pulse>,
    /// Messages older than this are passed over after a start.
    pub catch_up: Duration,
}

/// The bot on Discord, ready to connect.
pub struct Connection<S> {
    client: Client,
    handler: Arc<Handler<S>>,
    settings: DiscordSettings,
}

/// Prepares the connection and the courier that belongs to it. The error says what to change.
pub async fn connect<S: Store>(
    settings: &DiscordSettings,
    token: &SecretString,
    bot: Bot<S>,
) -> anyhow::Result<(Connection<S>, DiscordCourier<S>)> {
    let client = http_client()?;
    let rest = Arc::new(Rest::new(client.clone(), settings, token));
    let mut intents = GatewayIntents::GUILDS | GatewayIntents::GUILD_MESSAGES | GatewayIntents::DIRECT_MESSAGES;
    if settings.message_content && may_read_messages(&rest).await {
        intents |= GatewayIntents::MESSAGE_CONTENT;
    } else {
        warn!("Discord: messages are not read; commands, the message menu, mentions and direct messages are answered");
    }
    let attachments = Attachments::new(client, settings.attachment_hosts.clone());
    let channels = Arc::clone(&bot.channels);
    let marks = Marks::new(Arc::clone(&bot.store));
    let handler = Arc::new(Handler {
        bot,
        rest: Arc::clone(&rest),
        attachments,
        command_guilds: settings.command_guilds.clone(),
        marks,
        places: Places::default(),
        waiting: Waiting::default(),
        starts: Starts::new(shards(settings, &rest).await),
    });
    let client = serenity::client::ClientBuilder::new_with_http(http(settings, token), intents)
        .event_handler(Ears(Arc::clone(&handler)))
        .raw_event_handler(Heard(Arc::clone(&handler.bot.pulse)))
        .framework(commands::framework(Arc::clone(&handler) as Arc<dyn commands::Desk>))
        .await
        .context("Discord's client cannot be built")?;
    handler.starts.hold(Arc::clone(&client.ws_url));
    let courier = DiscordCourier::new(rest, Arc::clone(&client.cache), channels);
    Ok((Connection { client, handler, settings: settings.clone() }, courier))
}

/// The client for calls and attachments. It follows no redirects: an answer from elsewhere is none of Discord's.
pub(super) fn http_client() -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.build().context("no HTTP client")
}

/// serenity's own client, for interactions and commands. It ignores the address unless its rate limiter is off.
pub(super) fn http(settings: &DiscordSettings, token: &SecretString) -> Http {
    let http = HttpBuilder::new(token.expose_secret());
    if settings.is_direct() { http.build() } else { http.proxy(&settings.api_base).ratelimiter_disabled(true).build() }
}

/// How many shards there will be, as far as can be told beforehand.
async fn shards(settings: &DiscordSettings, rest: &Rest) -> u32 {
    if settings.shards > 0 {
        return settings.shards;
    }
    let gateway = rest.call(LightMethod::Get, Route::GatewayBot, None::<&()>, &[]).await.unwrap_or_default();
    gateway["shards"].as_u64().and_then(|shards| u32::try_from(shards).ok()).unwrap_or(1)
}

/// Whether the application has the message content intent. Asking for it without having it ends the connection.
async fn may_read_messages(rest: &Rest) -> bool {
    match rest.call(LightMethod::Get, Route::Oauth2ApplicationCurrent, None::<&()>, &[]).await {
        Ok(application) => {
            let flags = ApplicationFlags::from_bits_truncate(application["flags"].as_u64().unwrap_or_default());
            flags.intersects(
                ApplicationFlags::GATEWAY_MESSAGE_CONTENT | ApplicationFlags::GATEWAY_MESSAGE_CONTENT_LIMITED,
            )
        }
        // Discord says so again, and in more detail, when the connection is made.
        Err(error) => {
            warn!(error = %error, "Discord: the application cannot be read");
            true
        }
    }
}

impl<S: Store> Connection<S> {
    /// Stays connected until told to stop, or until Discord says that it cannot work.
    pub async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let manager = Arc::clone(&self.client.shard_manager);
        let (handler, stopping) = (Arc::clone(&self.handler), shutdown.clone());
        let cursors = tokio::spawn(async move { handler.marks.note(stopping).await });
        let alive = tokio::spawn(feel_pulse(Arc::clone(&manager), Arc::clone(&self.handler.bot.pulse)));
        let mut pause = RETRY_FIRST;
        while !*shutdown.borrow() {
            if let Some(wait) = spent_sessions(&self.handler.rest).await {
                warn!(seconds = wait.as_secs(), "Discord allows no further session start for now; waiting");
                pause = wait;
            } else {
                let began = Instant::now();
                let connected = async {
                    match self.settings.shards {
                        0 => self.client.start_autosharded().await,
                        shards => self.client.start_shards(shards).await,
                    }
                };
                let ended = tokio::select! {
                    ended = connected => Some(ended),
                    () = stopped(&mut shutdown) => None,
                };
                let Some(ended) = ended else {
                    manager.shutdown_all().await;
                    break;
                };
                if began.elapsed() > RETRY_MAX {
                    pause = RETRY_FIRST;
                }
                match ended {
                    Err(reason) if cannot_work(&reason).is_some() => {
                        let help = cannot_work(&reason).unwrap_or_default();
                        error!("Discord ended the connection for good: {reason}\n  help: {help}");
                        self.handler.bot.pulse.stop(format!("{reason}; {help}"));
                        stopped(&mut shutdown).await;
                        break;
                    }
                    Err(reason) => {
                        warn!(error = %reason, retry_seconds = pause.as_secs(), "Discord: not connected; trying again")
                    }
                    Ok(()) => warn!(retry_seconds = pause.as_secs(), "Discord: the connection ended; connecting again"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopped(&mut shutdown) => {}
            }
            pause = (pause * 2).min(RETRY_MAX);
        }
        alive.abort();
        if let Err(error) = cursors.await {
            error!(error = %error, "how far Discord was read could not be noted");
        }
    }
}

/// Completes when the program is to stop.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // The sender is only dropped when the program stops, too.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// What to change where Discord ended a connection for good. <https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway>
fn cannot_work(reason: &serenity::Error) -> Option<&'static str> {
    const TOKEN: &str = "the token is not valid (4004): Discord Developer Portal > your application > Bot > Reset Token, then set OKTRIAGE__DISCORD__TOKEN";
    let reason = match reason {
        serenity::Error::Gateway(reason) => reason,
        serenity::Error::Http(HttpError::UnsuccessfulRequest(refused)) => {
            return (refused.status_code == StatusCode::UNAUTHORIZED).then_some(TOKEN);
        }
        _ => return None,
    };
    match reason {
        GatewayError::InvalidAuthentication => Some(TOKEN),
        GatewayError::InvalidGatewayIntents => Some("Discord does not know an intent (4013): update oktriage"),
        GatewayError::DisallowedGatewayIntents => Some(
            "the message content intent is not allowed (4014): Discord Developer Portal > your application > Bot > Message Content Intent, or set discord.message_content = false",
        ),
        _ => None,
    }
}

/// How long no session may be started; more starts than Discord allows reset the token.
/// <https://docs.discord.com/developers/events/gateway#session-start-limit-object>
async fn spent_sessions(rest: &Rest) -> Option<Duration> {
    let gateway = rest.call(LightMethod::Get, Route::GatewayBot, None::<&()>, &[]).await.ok()?;
    let limit = &gateway["session_start_limit"];
    let spent = limit["remaining"].as_u64() == Some(0);
    spent.then(|| Duration::from_millis(limit["reset_after"].as_u64().unwrap_or(60_000)))
}

/// Hears every event.
struct Heard(Arc<Pulse>);

#[async_trait]
impl RawEventHandler for Heard {
    async fn raw_event(&self, _: Context, event: RawEvent) {
        self.0.beat();
        // What serenity cannot read is unknown to it like what is new, and what is in it is for nobody's log.
        if let RawEvent::Unknown(event) = event {
            match event.kind.as_str() {
                "MESSAGE_CREATE"
                | "MESSAGE_UPDATE"
                | "MESSAGE_DELETE"
                | "MESSAGE_DELETE_BULK"
                | "INTERACTION_CREATE" => {
                    warn!(event = event.kind, "an event of Discord's gateway cannot be read and is passed over");
                }
                _ => debug!(event = event.kind, "an event that is not known"),
            }
        }
    }
}

/// Hears the heartbeats of a quiet connection: each one that is acknowledged measures a new latency.
async fn feel_pulse(manager: Arc<ShardManager>, pulse: Arc<Pulse>) {
    let mut known = HashMap::new();
    loop {
        for (shard, runner) in manager.runners.lock().await.iter() {
            if runner.latency.is_some() && known.insert(*shard, runner.latency) != Some(runner.latency) {
                pulse.beat();
            }
        }
        tokio::time::sleep(FEEL_EVERY).await;
    }
}
