//! `oktriage doctor`: what is wrong, and how to fix it.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::{EXIT_BAD, EXIT_OK, RuleArgs, output};
use crate::bot::ports::Store as _;
use crate::bot::{ChannelKey, Finding, Platform};
use crate::config::Settings;
use crate::rules::Source;
use crate::store::SqlStore;
use crate::{discord, slack};

/// Check settings, rules, database and platforms: what is wrong and how to fix it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Settings file (see `oktriage config example`)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(args: &Args, rules: &RuleArgs) -> anyhow::Result<u8> {
    let mut settings = Settings::load(args.config.as_deref())?;
    settings.rules.dirs.extend(rules.dirs.iter().cloned());
    settings.rules.built_in &= !rules.no_built_in_rules;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let findings = runtime.block_on(examine(&settings))?;
    let mut out = output::stdout();
    for Finding { what, help } in &findings {
        match help {
            None => writeln!(out, "ok    {what}")?,
            Some(help) => writeln!(out, "wrong {what}\n      help: {help}")?,
        }
    }
    Ok(if findings.iter().all(|finding| finding.help.is_none()) { EXIT_OK } else { EXIT_BAD })
}

async fn examine(settings: &Settings) -> anyhow::Result<Vec<Finding>> {
    let mut findings = vec![Finding::good("the settings can be read")];
    let built_in = settings.rules.built_in.then_some(Source::BuiltIn);
    let sources: Vec<Source> =
        built_in.into_iter().chain(settings.rules.dirs.iter().cloned().map(Source::Dir)).collect();
    findings.push(match crate::diagnosis::Engine::load(&sources) {
        Ok(engine) => Finding::good(format!("{} rules", engine.rules().len())),
        Err(broken) => Finding::bad(broken.to_string(), "mend these rules, or leave their directory out"),
    });
    let mut chosen = Vec::new();
    let location = settings.storage.location()?;
    match SqlStore::open(&location).await {
        Ok(store) => {
            findings.push(Finding::good(format!("the database {location} can be written")));
            findings.push(match store.count_dead().await {
                Ok(0) => Finding::good("no reply was given up"),
                Ok(dead) => Finding::bad(format!("{dead} replies could not be delivered"), "oktriage db dead list"),
                Err(error) => Finding::bad(error.to_string(), "see above"),
            });
            let watched = store.chosen_channels().await?;
            chosen.extend(watched.into_iter().filter(|(_, settings)| settings.is_some()).map(|(channel, _)| channel));
            store.close().await;
        }
        Err(error) => findings.push(Finding::bad(error.to_string(), "see above")),
    }
    match &settings.discord.token {
        Some(token) => findings.extend(discord::examine(&settings.discord, token).await?),
        None => findings.push(Finding::good("Discord is off: there is no token")),
    }
    match settings.slack.is_on() {
        true => {
            chosen.retain(|channel: &ChannelKey| channel.platform == Platform::Slack);
            findings.extend(slack::examine(&settings.slack, &chosen).await?);
        }
        false => findings.push(Finding::good("Slack is off: there is no bot token")),
    }
    if !settings.local.enabled && settings.discord.token.is_none() && !settings.slack.is_on() {
        findings.push(Finding::bad("every platform is off", "set local.enabled = true, or give a platform's token"));
    }
    Ok(findings)
}
