//! `oktriage serve`: runs the bot.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{EXIT_OK, RuleArgs};
use crate::app;
use crate::config::Settings;
use crate::telemetry;

/// Run the bot; with nothing configured, the local workspace on http://127.0.0.1:8080
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Settings file (see `oktriage config example`)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args, rules: &RuleArgs) -> anyhow::Result<u8> {
    let mut settings = Settings::load(args.config.as_deref())?;
    settings.rules.built_in &= !rules.no_built_in_rules;
    settings.rules.dirs.extend(rules.dirs.iter().cloned());
    telemetry::init(&settings.log)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(app::run(settings, stop_signal()))?;
    Ok(EXIT_OK)
}

/// Completes on Ctrl-C and on SIGTERM.
async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the program runs until it is killed, which it survives.
    if interrupt.await.is_err() {
        std::future::pending::<()>().await;
    }
}
