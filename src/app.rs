//! The composition root: builds everything from settings, and owns the shutdown.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tracing::{info, warn};

use crate::bot::health::Pulse;
use crate::bot::{
    Bot, ChannelSettings, Channels, Commands, Cooldown, Cooldowns, Delivery, Feedback, Intake, Keeper, Mode, Platform,
};
use crate::config::Settings;
use crate::discord;
use crate::local::{self, Chat, ChatLog as _, LocalCourier};
use crate::reload::{self, InForce};
use crate::rules::Source;
use crate::slack;
use crate::store::{Location, SqlStore};
use crate::web::{self, Hook, HookAnswer, HookRequest, Site};

/// What is under way when the program is told to stop may take so long to finish.
const SHUTDOWN_MAX: Duration = Duration::from_secs(10);
/// What was chosen for a channel in another process is known after so long.
const CHANNELS_EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether something was given up.
const DEAD_EVERY: Duration = Duration::from_secs(60);
/// How often what is old expires.
const TIDY_EVERY: Duration = Duration::from_secs(3600);

/// Runs the bot until `stop` completes.
pub async fn run(settings: Settings, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
    let built_in = settings.rules.built_in.then_some(Source::BuiltIn);
    let sources: Vec<Source> =
        built_in.into_iter().chain(settings.rules.dirs.iter().cloned().map(Source::Dir)).collect();
    let (engine, lookup) = reload::load(&sources)?;
    if !settings.local.enabled && settings.discord.token.is_none() && !settings.slack.is_on() {
        anyhow::bail!("every platform is off\n  help: set local.enabled = true, or configure a platform");
    }
    // The address first: it tells soonest that another oktriage runs already.
    let listen = settings.local.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}: is another oktriage running?\n  help: stop it, or set OKTRIAGE__LOCAL__LISTEN=127.0.0.1:8081")
    })?;
    let address = listener.local_addr().context("the socket has no address")?;
    let store = Arc::new(SqlStore::open(&settings.storage.location()?).await?);
    let presence = store.enter().await?;
    info!(rules = engine.rules().len(), database = %store.location(), "started");

    let (stop_all, stopping) = watch::channel(false);
    let (engine, engines) = watch::channel(engine);
    let (lookup, lookups) = watch::channel(lookup);
    let wake = Arc::new(Notify::new());
    let local_channels = settings.local.channels.iter().filter(|_| settings.local.enabled).map(|channel| {
        let how =
            ChannelSettings { scope: channel.scope.into(), mode: Mode::Answer, support_role: None, cooldown: None };
        (local::channel_key(&channel.name), how)
    });
    let configured: HashMap<_, _> = local_channels
        .chain(discord::configured(&settings.discord))
        .chain(slack::configured(&settings.slack))
        .collect();
    let channels = Arc::new(Channels::load(Arc::clone(&store), configured).await?);
    let window = Duration::from_secs(settings.cooldown.window_seconds.into());
    let cooldowns = Cooldowns {
        author: Cooldown { answers: settings.cooldown.per_author, window },
        channel: Cooldown { answers: settings.cooldown.per_channel, window },
    };
    let commands = Arc::new(Commands::new(engines.clone(), lookups));
    let intake = Arc::new(Intake::new(
        engines,
        Arc::clone(&commands),
        Arc::clone(&store),
        Arc::clone(&channels),
        cooldowns,
        Arc::clone(&wake),
    ));
    let catch_up = Duration::from_secs(u64::from(settings.catch_up.max_age_hours) * 3600);
    let keeper = Keeper::new(Arc::clone(&store));
    let (dead, dead_letters) = watch::channel(0);
    let mut tasks = tokio::task::JoinSet::new();
    let mut pulses = Vec::new();
    let bot = |pulse| Bot {
        intake: Arc::clone(&intake),
        channels: Arc::clone(&channels),
        feedback: Feedback::new(Arc::clone(&store), Arc::clone(&wake)),
        commands: Arc::clone(&commands),
        store: Arc::clone(&store),
        keeper: keeper.clone(),
        pulse,
        catch_up,
    };

    if let Some(token) = &settings.discord.token {
        let pulse = Pulse::new(Platform::Discord);
        pulses.push(Arc::clone(&pulse));
        let (connection, courier) = discord::connect(&settings.discord, token, bot(pulse)).await?;
        tasks.spawn(Delivery::new(Arc::clone(&store), courier, Arc::clone(&wake)).run(stopping.clone()));
        tasks.spawn(connection.run(stopping.clone()));
    }

    let mut hooks = Vec::new();
    if settings.slack.is_on() {
        let pulse = Pulse::new(Platform::Slack);
        pulses.push(Arc::clone(&pulse));
        let slack::Connected { connection, courier, endpoint } = slack::connect(&settings.slack, bot(pulse)).await?;
        hooks.extend(endpoint.map(Arc::new).iter().flat_map(slack_hooks));
        tasks.spawn(Delivery::new(Arc::clone(&store), courier, Arc::clone(&wake)).run(stopping.clone()));
        tasks.spawn(connection.run(stopping.clone()));
    }

    let names: Vec<String> = settings.local.channels.iter().map(|channel| channel.name.clone()).collect();
    let chat = Arc::new(Chat::new(Arc::clone(&store), names));
    let site = Arc::new(Site {
        chat: Arc::clone(&chat),
        commands,
        channels: settings.local.channels.iter().map(|channel| (channel.name.clone(), channel.scope.into())).collect(),
        access_token: settings.local.access_token.clone(),
        pulses,
        dead: dead_letters,
        shutdown: stopping.clone(),
    });
    let look = {
        let (chat, wake) = (Arc::clone(&chat), Arc::clone(&wake));
        move || {
            chat.look();
            wake.notify_waiters();
        }
    };
    tasks.spawn(presence.follow(look, stopping.clone()));
    if matches!(store.location(), Location::Postgres(_)) {
        tasks.spawn(reload_channels(Arc::clone(&channels), stopping.clone()));
    }
    let retention = Duration::from_secs(u64::from(settings.storage.retention_days) * 24 * 3600);
    tasks.spawn(tidy(Arc::clone(&store), retention, stopping.clone()));
    tasks.spawn(count_dead(Arc::clone(&store), dead, stopping.clone()));
    if settings.local.enabled {
        let seen = store.last_change().await?;
        tasks.spawn(local::follow(Arc::clone(&chat), seen, stopping.clone()));
        let delivery = Delivery::new(Arc::clone(&store), LocalCourier::new(Arc::clone(&chat)), wake);
        tasks.spawn(local::run(chat, intake, Arc::clone(&store), catch_up, stopping.clone()));
        tasks.spawn(delivery.run(stopping.clone()));
    }
    tasks.spawn(reload::run(sources, InForce { engine, lookup }, stopping));
    let web = tokio::spawn(web::serve(listener, site, settings.local.enabled, hooks));
    match settings.local.enabled {
        true => info!("open http://{address} and paste an error"),
        false => info!("health is at http://{address}/healthz"),
    }

    stop.await;
    info!("stopping");
    // Everybody who listens stops; nobody may be left, which is fine.
    let _ = stop_all.send(true);
    let finished = tokio::time::timeout(SHUTDOWN_MAX, async {
        while tasks.join_next().await.is_some() {}
        web.await
    });
    match finished.await {
        Ok(served) => served.context("the web server ended unexpectedly")?.context("the web server failed")?,
        Err(_) => warn!("some work was not finished in time; it goes on after the next start"),
    }
    store.close().await;
    Ok(())
}

/// The paths at which Slack delivers events, interactions and commands.
fn slack_hooks(endpoint: &Arc<slack::Endpoint<SqlStore>>) -> impl Iterator<Item = Hook> {
    slack::PATHS.into_iter().map(|path| {
        let endpoint = Arc::clone(endpoint);
        Hook::new(path, move |request: HookRequest| {
            let endpoint = Arc::clone(&endpoint);
            let header = |name| request.header(name).map(str::to_owned);
            let request = slack::Request {
                path,
                signature: header("x-slack-signature"),
                timestamp: header("x-slack-request-timestamp"),
                retry: header("x-slack-retry-num"),
                retry_reason: header("x-slack-retry-reason"),
                body: request.body,
            };
            async move {
                let slack::Answer { status, body } = endpoint.take(request).await;
                HookAnswer { status, body }
            }
        })
    })
}

/// Learns what was chosen for channels in other processes.
async fn reload_channels(channels: Arc<Channels<SqlStore>>, mut shutdown: watch::Receiver<bool>) {
    while !*shutdown.borrow() {
        tokio::select! {
            () = tokio::time::sleep(CHANNELS_EVERY) => {}
            _ = shutdown.changed() => return,
        }
        if let Err(error) = channels.reload().await {
            warn!(error = %error, "what was chosen for channels in other processes is not known");
        }
    }
}

/// Lets expire what is old, every hour.
async fn tidy(store: Arc<SqlStore>, retention: Duration, mut shutdown: watch::Receiver<bool>) {
    while !*shutdown.borrow() {
        match store.expire(retention).await {
            Ok(0) => {}
            Ok(rows) => info!(rows, "expired"),
            Err(error) => warn!(error = %error, "what is old could not be deleted; trying again"),
        }
        tokio::select! {
            () = tokio::time::sleep(TIDY_EVERY) => {}
            _ = shutdown.changed() => {}
        }
    }
}

/// Tells of what could not be delivered.
async fn count_dead(store: Arc<SqlStore>, told: watch::Sender<i64>, mut shutdown: watch::Receiver<bool>) {
    while !*shutdown.borrow() {
        match store.count_dead().await {
            Ok(dead) if dead != *told.borrow() => {
                told.send_replace(dead);
                if dead > 0 {
                    warn!(replies = dead, "could not be delivered; see: oktriage db dead list");
                }
            }
            Ok(_) => {}
            Err(error) => warn!(error = %error, "what could not be delivered is not known"),
        }
        tokio::select! {
            () = tokio::time::sleep(DEAD_EVERY) => {}
            _ = shutdown.changed() => {}
        }
    }
}
