//! The HTTP side: the page of the local workspace and its API, health, and the paths at which platforms deliver.

mod api;
mod guard;
mod health;
mod hook;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, patch, post};
pub use hook::{Hook, HookAnswer, HookRequest};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::bot::Commands;
use crate::bot::health::Pulse;
use crate::local::{Chat, ChatLog, MESSAGE_MAX};
use crate::rules::Scope;

/// A request body larger than this is cut off, in bytes. Far more than a message may have, so that
/// whoever pastes too much is told in words.
const BODY_MAX: usize = 50 * MESSAGE_MAX;

/// What the routes need.
pub struct Site<L> {
    /// The chat that the page shows.
    pub chat: Arc<Chat<L>>,
    /// The channels with what they are about, in the order of the page.
    pub channels: Vec<(String, Scope)>,
    /// Answers slash commands.
    pub commands: Arc<Commands>,
    /// What a browser must know to get in; none on a loopback address.
    pub access_token: Option<SecretString>,
    /// The signs of life of the platforms.
    pub pulses: Vec<Arc<Pulse>>,
    /// How many replies were given up and wait for a person.
    pub dead: watch::Receiver<i64>,
    /// Ends the streams of updates when the program stops.
    pub shutdown: watch::Receiver<bool>,
}

/// All routes on one page; without the page of the local workspace, only health and the hooks are there.
pub fn router<L: ChatLog>(site: Arc<Site<L>>, with_page: bool, hooks: Vec<Hook>) -> Router {
    let mut health = Router::new().route("/healthz", get(health::healthz));
    for (path, route) in hooks.into_iter().map(Hook::route) {
        health = health.route(path, route);
    }
    if !with_page {
        return health.layer(middleware::map_response(guard::headers)).with_state(site);
    }
    let guarded = Router::new()
        .route("/", get(page::index))
        .route("/app.js", get(page::script))
        .route("/preview.js", get(page::preview_script))
        .route("/preview.css", get(page::preview_style))
        .route("/api/channels", get(api::channels))
        .route("/api/channels/{channel}/messages", get(api::history).post(api::post_message))
        .route("/api/messages/{id}", patch(api::edit_message).delete(api::delete_message))
        .route("/api/messages/{id}/preview", get(api::preview))
        .route("/api/commands", post(api::command))
        .route("/api/updates", get(api::updates))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), guard::check));
    Router::new()
        .route("/app.css", get(page::style))
        .route("/login", get(page::login).post(guard::log_in))
        .merge(guarded)
        .merge(health)
        .layer(middleware::map_response(guard::headers))
        .with_state(site)
}

/// Serves until told to stop; requests that are under way are finished.
pub async fn serve<L: ChatLog>(
    listener: TcpListener,
    site: Arc<Site<L>>,
    with_page: bool,
    hooks: Vec<Hook>,
) -> std::io::Result<()> {
    let mut shutdown = site.shutdown.clone();
    let stopped = async move {
        // The sender is only dropped when the program stops, too.
        let _ = shutdown.wait_for(|stop| *stop).await;
    };
    axum::serve(listener, router(site, with_page, hooks)).with_graceful_shutdown(stopped).await
}
