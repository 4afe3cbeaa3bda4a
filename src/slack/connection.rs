//! The bot in its workspaces: found, connected, caught up with, and given up when it cannot work.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::courier::SlackCourier;
use super::files::Files;
use super::handler::Handler;
use super::http::Endpoint;
use super::rest::{Api, CallError, code, http_client};
use super::team::Team;
use super::{catch_up, socket};
use crate::bot::Bot;
use crate::bot::catch_up::{RETRY_FIRST, RETRY_MAX};
use crate::bot::ports::{Leases, Store};
use crate::config::SlackSettings;

/// Where events come over HTTP, a quiet workspace says nothing by itself: Slack is asked this often.
const ASK_EVERY: Duration = Duration::from_secs(20);
/// What to do about a bot token that Slack does not take.
const BOT_TOKEN: &str = "https://api.slack.com/apps > your app > OAuth & Permissions > Reinstall to Workspace, then set OKTRIAGE__SLACK__BOT_TOKEN";

/// A workspace that was not found yet.
struct Wanted {
    api: Api,
    app_token: Option<SecretString>,
    signing_secret: Option<SecretString>,
}

/// The bot on Slack, ready to connect.
pub struct Connection<S> {
    handler: Arc<Handler<S>>,
    wanted: Vec<Wanted>,
    client: reqwest::Client,
    api_base: String,
}

/// What belongs to the bot on Slack.
pub struct Connected<S> {
    /// Takes events and keeps connections up.
    pub connection: Connection<S>,
    /// Brings posts to Slack.
    pub courier: SlackCourier<S>,
    /// Takes events over HTTP; there where a signing secret is.
    pub endpoint: Option<Endpoint<S>>,
}

/// Prepares everything.
pub async fn connect<S: Store>(settings: &SlackSettings, bot: Bot<S>) -> anyhow::Result<Connected<S>> {
    let client = http_client()?;
    let files = Files::new(client.clone(), settings.file_hosts.clone());
    let channels = Arc::clone(&bot.channels);
    let joined = settings.joined_scope().map(Into::into);
    let handler = Handler::new(bot, files, joined, settings.managers.clone());
    catch_up::begin(&handler).await;
    let workspaces = settings.all_workspaces();
    let mut secrets: Vec<SecretString> = Vec::new();
    for secret in workspaces.iter().filter_map(|workspace| workspace.signing_secret.as_ref()) {
        if !secrets.iter().any(|known| known.expose_secret() == secret.expose_secret()) {
            secrets.push(secret.clone());
        }
    }
    let wanted = workspaces.into_iter().filter_map(|workspace| {
        let api = Api::new(client.clone(), &settings.api_base, workspace.bot_token.as_ref()?);
        Some(Wanted { api, app_token: workspace.app_token, signing_secret: workspace.signing_secret })
    });
    let endpoint = (!secrets.is_empty()).then(|| Endpoint::new(Arc::clone(&handler), secrets));
    let courier = SlackCourier::new(handler.teams.clone(), channels);
    let wanted = wanted.collect();
    let connection = Connection { handler, wanted, client, api_base: settings.api_base.clone() };
    Ok(Connected { connection, courier, endpoint })
}

impl<S: Store + Leases> Connection<S> {
    /// Stays connected until told to stop, or until Slack says that it cannot work.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let Self { handler, wanted, client, api_base } = self;
        let found = tokio::select! {
            found = find(&handler, wanted) => found,
            () = stopped(&mut shutdown) => return,
        };
        if found.is_empty() {
            handler.bot.pulse.stop(format!("Slack takes no bot token; {BOT_TOKEN}"));
            stopped(&mut shutdown).await;
            return;
        }
        let (done, finished) = watch::channel(false);
        let noting = tokio::spawn({
            let handler = Arc::clone(&handler);
            async move { handler.marks.note(finished).await }
        });
        // Workspaces that share an app share its connection.
        let mut apps: HashMap<String, Vec<Arc<Team>>> = HashMap::new();
        let mut over_http = Vec::new();
        for (team, app_token) in found {
            match app_token {
                Some(token) => apps.entry(token.expose_secret().to_owned()).or_default().push(team),
                None => over_http.push(team),
            }
        }
        let mut tasks = JoinSet::new();
        for (token, teams) in apps {
            let app = Api::new(client.clone(), &api_base, &SecretString::from(token));
            tasks.spawn(hold(Arc::clone(&handler), app, teams, shutdown.clone()));
        }
        if !over_http.is_empty() {
            tasks.spawn(ask_every_now_and_then(Arc::clone(&handler), over_http, shutdown.clone()));
        }
        while tasks.join_next().await.is_some() {}
        stopped(&mut shutdown).await;
        handler.finish().await;
        // Nobody may listen any more, which is fine.
        let _ = done.send(true);
        if let Err(error) = noting.await {
            error!(error = %error, "how far Slack was read could not be noted");
        }
    }
}

/// Keeps an app's connection up whenever no other process does. Slack would let several processes connect and
/// deal events out among them, and each would have to catch up with what the others missed.
async fn hold<S: Store + Leases>(
    handler: Arc<Handler<S>>,
    app: Api,
    teams: Vec<Arc<Team>>,
    shutdown: watch::Receiver<bool>,
) {
    let Bot { keeper, pulse, .. } = &handler.bot;
    // Its user in a workspace tells an app from others there.
    let mut names: Vec<String> = teams.iter().map(|team| format!("{}.{}", team.me.team, team.me.user)).collect();
    names.sort_unstable();
    let name = format!("slack/{}", names.first().map_or("", String::as_str));
    let work = |_| async {
        let _kept = pulse.connection();
        socket::run(&handler, &app, &teams, shutdown.clone()).await;
    };
    keeper.hold(&name, shutdown.clone(), || pulse.beside(), work).await;
}

/// Completes when the program is to stop.
pub(super) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // The sender is only dropped when the program stops, too.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

/// Finds out which workspaces the tokens belong to; again and again while Slack does not answer.
async fn find<S: Store>(handler: &Handler<S>, mut wanted: Vec<Wanted>) -> Vec<(Arc<Team>, Option<SecretString>)> {
    let mut found = Vec::new();
    let mut pause = RETRY_FIRST;
    loop {
        let mut missing = Vec::new();
        for Wanted { api, app_token, signing_secret } in wanted {
            match Team::find(api, signing_secret.clone()).await {
                Ok(team) => {
                    info!(team = team.me.team, name = team.name, "in a workspace of Slack");
                    handler.bot.pulse.beat();
                    let id = team.me.team.clone();
                    handler.teams.add(team);
                    found.extend(handler.teams.get(&id).map(|team| (team, app_token)));
                }
                Err((_, error)) if error.is(&code::TOKEN) => {
                    error!("Slack does not take a bot token: {error}\n  help: {BOT_TOKEN}");
                }
                Err((api, error)) => {
                    warn!(error = %error, retry_seconds = pause.as_secs(), "Slack: not connected; trying again");
                    if let CallError::Limited { after } = error {
                        pause = pause.max(after);
                    }
                    missing.push(Wanted { api, app_token, signing_secret });
                }
            }
        }
        if missing.is_empty() {
            return found;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RETRY_MAX);
        wanted = missing;
    }
}

/// Catches up, now and after the store failed; beside that feels whether Slack is still there and takes the tokens.
async fn ask_every_now_and_then<S: Store>(
    handler: Arc<Handler<S>>,
    teams: Vec<Arc<Team>>,
    mut shutdown: watch::Receiver<bool>,
) {
    let reading = async {
        loop {
            catch_up::run(&handler, &teams).await;
            while !handler.is_behind() {
                tokio::time::sleep(ASK_EVERY).await;
            }
        }
    };
    let asking = async {
        loop {
            for team in &teams {
                match team.api.get("auth.test", &[]).await {
                    Ok(_) => handler.bot.pulse.beat(),
                    Err(error) => warn!(team = team.me.team, error = %error, "Slack does not answer"),
                }
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    };
    tokio::select! {
        () = reading => {}
        () = asking => {}
        () = stopped(&mut shutdown) => {}
    }
}
