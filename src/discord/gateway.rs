//! The connections to Discord, one for each shard. Of all processes on one database, one holds a shard: it keeps
//! the connection up, and another takes over when it dies. A connection that cannot work is given up.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
use tokio::task::{JoinHandle, JoinSet};
use tracing::{debug, error, warn};

use super::attachments::Attachments;
use super::courier::DiscordCourier;
use super::handler::{Ears, Handler};
use super::places::Places;
use super::rest::{CallError, Rest, http_client};
use super::starts::Starts;
use super::waiting::Waiting;
use super::{catch_up, commands};
use crate::bot::catch_up::{RETRY_FIRST, RETRY_MAX};
use crate::bot::health::{Kept, Pulse};
use crate::bot::ports::{Leases, Store};
use crate::bot::{Bot, Marks};
use crate::config::DiscordSettings;

/// Shards of one bucket may identify themselves so far apart. <https://docs.discord.com/developers/events/gateway#sharding-max-concurrency>
const IDENTIFY_EVERY: Duration = Duration::from_secs(5);
/// How often the heartbeats are looked at.
const FEEL_EVERY: Duration = Duration::from_secs(5);

/// What to do about a token that Discord does not take.
const TOKEN: &str = "the token is not valid (4004): Discord Developer Portal > your application > Bot > Reset Token, then set OKTRIAGE__DISCORD__TOKEN";

/// The bot on Discord, ready to connect.
pub struct Connection<S> {
    handler: Arc<Handler<S>>,
    settings: DiscordSettings,
    token: SecretString,
    intents: GatewayIntents,
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
    let courier = DiscordCourier::new(Arc::clone(&rest), Arc::clone(&bot.channels));
    let handler = Arc::new(Handler {
        marks: Marks::new(Arc::clone(&bot.store)),
        bot,
        rest,
        attachments,
        command_guilds: settings.command_guilds.clone(),
        places: Places::default(),
        waiting: Waiting::default(),
        starts: Starts::new(),
    });
    catch_up::begin(&handler).await;
    Ok((Connection { handler, settings: settings.clone(), token: token.clone(), intents }, courier))
}

/// serenity's own client, for interactions and commands. It ignores the address unless its rate limiter is off.
pub(super) fn http(settings: &DiscordSettings, token: &SecretString) -> Http {
    let http = HttpBuilder::new(token.expose_secret());
    if settings.is_direct() { http.build() } else { http.proxy(&settings.api_base).ratelimiter_disabled(true).build() }
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

/// What Discord says about connecting.
struct Gateway {
    /// The bot's own id: several bots may share a database.
    me: String,
    /// How many shards there are, as configured or as Discord recommends.
    shards: u32,
    /// Shards that may identify themselves at once.
    side_by_side: u32,
}

impl<S: Store + Leases> Connection<S> {
    /// Keeps the shards up that fall to this process until told to stop, or until Discord says that it cannot work.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let this = Arc::new(self);
        let (done, finished) = watch::channel(false);
        let handler = Arc::clone(&this.handler);
        let noting = tokio::spawn(async move { handler.marks.note(finished).await });
        let gateway = tokio::select! {
            gateway = this.gateway() => gateway.map(Arc::new),
            () = stopped(&mut shutdown) => None,
        };
        this.handler.starts.expect(gateway.as_ref().map_or(0, |gateway| gateway.shards));
        let mut shards = JoinSet::new();
        for shard in 0..gateway.as_ref().map_or(0, |gateway| gateway.shards) {
            let (this, gateway) = (Arc::clone(&this), gateway.clone());
            let shutdown = shutdown.clone();
            shards.spawn(async move {
                if let Some(gateway) = gateway {
                    this.hold(&gateway, shard, shutdown).await;
                }
            });
        }
        while shards.join_next().await.is_some() {}
        stopped(&mut shutdown).await;
        // Nobody may listen any more, which is fine.
        let _ = done.send(true);
        if let Err(error) = noting.await {
            error!(error = %error, "how far Discord was read could not be noted");
        }
    }

    /// Asks until Discord answers; `None` when it does not take the token.
    async fn gateway(&self) -> Option<Gateway> {
        let rest = &self.handler.rest;
        let mut pause = RETRY_FIRST;
        loop {
            let asked = async {
                let me = rest.me().await?;
                let told = rest.call(LightMethod::Get, Route::GatewayBot, None::<&()>, &[]).await?;
                let number = |value: &serde_json::Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
                let shards = match self.settings.shards {
                    0 => number(&told["shards"]).unwrap_or(1),
                    shards => shards,
                };
                let side_by_side = number(&told["session_start_limit"]["max_concurrency"]).unwrap_or(1).max(1);
                Ok::<_, CallError>(Gateway { me: me.to_string(), shards, side_by_side })
            };
            match asked.await {
                Ok(gateway) => return Some(gateway),
                Err(CallError::Refused { status, .. }) if status == StatusCode::UNAUTHORIZED => {
                    self.give_up("Discord does not take the token", TOKEN);
                    return None;
                }
                Err(error) => {
                    warn!(error = %error, retry_seconds = pause.as_secs(), "Discord: not connected; trying again");
                    if let CallError::Limited { after, .. } = error {
                        pause = pause.max(after);
                    }
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    fn give_up(&self, reason: impl std::fmt::Display, help: &str) {
        // Who reads the log and asks how it is must not hear that all is well.
        self.handler.bot.pulse.stop(format!("{reason}; {help}"));
        error!("Discord ended the connection for good: {reason}\n  help: {help}");
    }

    /// Keeps a shard up whenever no other process does.
    async fn hold(&self, gateway: &Gateway, shard: u32, shutdown: watch::Receiver<bool>) {
        let Bot { keeper, pulse, .. } = &self.handler.bot;
        let name = format!("discord/{}/{shard}/{}", gateway.me, gateway.shards);
        let work = |_| self.stay_connected(gateway, shard, shutdown.clone());
        keeper.hold(&name, shutdown.clone(), || pulse.beside(), work).await;
    }

    async fn stay_connected(&self, gateway: &Gateway, shard: u32, mut shutdown: watch::Receiver<bool>) {
        let mut pause = RETRY_FIRST;
        while !*shutdown.borrow() {
            if let Some(wait) = spent_sessions(&self.handler.rest).await {
                warn!(seconds = wait.as_secs(), "Discord allows no further session start for now; waiting");
                pause = wait;
            } else {
                let began = Instant::now();
                match self.connect_once(gateway, shard, &mut shutdown).await {
                    Ok(true) => return,
                    Err(reason) if cannot_work(&reason).is_some() => {
                        return self.give_up(&reason, cannot_work(&reason).unwrap_or_default());
                    }
                    Err(reason) => {
                        warn!(error = %reason, shard, retry_seconds = pause.as_secs(), "Discord: not connected; trying again");
                    }
                    Ok(false) => {
                        warn!(
                            shard,
                            retry_seconds = pause.as_secs(),
                            "Discord: the connection ended; connecting again"
                        );
                    }
                }
                if began.elapsed() > RETRY_MAX {
                    pause = RETRY_FIRST;
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopped(&mut shutdown) => {}
            }
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    /// Connects a shard and keeps it connected; whether that ended because everything stops.
    async fn connect_once(
        &self,
        gateway: &Gateway,
        shard: u32,
        shutdown: &mut watch::Receiver<bool>,
    ) -> serenity::Result<bool> {
        let bucket = format!("discord/{}/identify/{}", gateway.me, shard % gateway.side_by_side);
        self.handler.bot.keeper.turn(&bucket, IDENTIFY_EVERY, shutdown.clone()).await;
        let pulse = &self.handler.bot.pulse;
        let mut client =
            serenity::client::ClientBuilder::new_with_http(http(&self.settings, &self.token), self.intents)
                .event_handler(Ears(Arc::clone(&self.handler)))
                .raw_event_handler(Heard(Arc::clone(pulse)))
                .framework(commands::framework(Arc::clone(&self.handler) as Arc<dyn commands::Desk>))
                .await?;
        self.handler.starts.hold(&client.ws_url);
        let running = Running::new(&client, pulse);
        tokio::select! {
            ended = client.start_shard(shard, gateway.shards) => ended.map(|()| false),
            () = stopped(shutdown) => {
                running.manager.shutdown_all().await;
                Ok(true)
            }
        }
    }
}

/// A client that runs. serenity's tasks go on when their client is dropped, as it is when the shard falls to another
/// process; they end with this.
struct Running {
    manager: Arc<ShardManager>,
    feeling: JoinHandle<()>,
    _kept: Kept,
}

impl Running {
    fn new(client: &Client, pulse: &Arc<Pulse>) -> Self {
        let manager = Arc::clone(&client.shard_manager);
        let feeling = tokio::spawn(feel_pulse(Arc::clone(&manager), Arc::clone(pulse)));
        Self { manager, feeling, _kept: pulse.connection() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.feeling.abort();
        let manager = Arc::clone(&self.manager);
        tokio::spawn(async move { manager.shutdown_all().await });
    }
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

/// Completes when the program is to stop.
async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // The sender is only dropped when the program stops, too.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// What to change where Discord ended a connection for good. <https://docs.discord.com/developers/topics/opcodes-and-status-codes#gateway>
fn cannot_work(reason: &serenity::Error) -> Option<&'static str> {
    let reason = match reason {
        serenity::Error::Gateway(reason) => reason,
        serenity::Error::Http(HttpError::UnsuccessfulRequest(refused)) => {
            return (refused.status_code == StatusCode::UNAUTHORIZED).then_some(TOKEN);
        }
        _ => return None,
    };
    match reason {
        GatewayError::InvalidAuthentication => Some(TOKEN),
        GatewayError::InvalidShardData => {
            Some("Discord does not know this shard (4010): correct discord.shards, or leave it out")
        }
        GatewayError::OverloadedShard => Some(
            "the bot is on too many servers for its shards (4011): raise discord.shards or leave it out, and restart all processes",
        ),
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
