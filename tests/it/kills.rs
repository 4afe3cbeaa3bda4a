//! The program is killed at random moments, in the local workspace, on Discord and on Slack; while the platform does
//! what platforms do, too. In the end every message has the reply it deserves, once.
//!
//! `KILLS` is how often (12 by default), `SEED` repeats a run.

use std::time::Duration;

use crate::discord::Discord;
use crate::discord::state::Failure as DiscordFailure;
use crate::postgres::Cluster;
use crate::program::{Server, temp};
use crate::slack::Slack;
use crate::slack::state::Failure as SlackFailure;
use crate::story::{Dice, Story, a_moment, number};
use crate::{discord_bot, slack_bot};

/// How long a program of the local workspace lives after it is asked; it works within milliseconds.
const LOCAL_MOMENT: Duration = Duration::from_millis(20);
/// On a platform it has to connect first, and to catch up; every other time, it is connected before something happens.
const PLATFORM_MOMENT: Duration = Duration::from_millis(900);

/// After so many kills, everything has to become well, whatever trouble is left: what is left to say must not grow with
/// the number of kills.
const CHAPTER: u64 = 12;
/// A kind of call of which so many are to fail yet gets no further trouble: pauses that double make an outage of more
/// calls longer than anybody waits here.
const TROUBLE: u32 = 4;

/// The numbers of kills after which everything has to become well.
fn chapters() -> impl Iterator<Item = u64> {
    let kills = number("KILLS").unwrap_or(CHAPTER);
    (0..kills.div_ceil(CHAPTER)).map(move |chapter| CHAPTER.min(kills - chapter * CHAPTER))
}

async fn in_the_local_workspace(environment: &[(&str, &str)]) {
    let mut dice = Dice::new();
    let dir = temp();
    let mut story = Story::default();
    for kills in chapters() {
        for _ in 0..kills {
            let server = Server::start_with(dir.path(), &[], environment);
            for _ in 0..4 {
                story.goes_on(&server, &mut dice).await;
            }
            a_moment(&mut dice, LOCAL_MOMENT).await;
            server.kill();
        }
        let server = Server::start_with(dir.path(), &[], environment);
        story.ends_well(&server).await;
        server.kill();
    }
}

/// Discord loses answers, limits, fails, repeats itself and cuts connections.
fn disturb_discord(discord: &Discord, dice: &mut Dice) {
    let failure = match dice.below(10) {
        0 | 1 => DiscordFailure::LostAnswer,
        2 => DiscordFailure::Status(502),
        3 => DiscordFailure::Status(500),
        4 => DiscordFailure::RateLimited { retry_after: 0.3, global: dice.below(2) == 0 },
        5 => DiscordFailure::Slow(Duration::from_millis(300)),
        6 => return discord.disconnect(0),
        7 => return discord.disconnect(4000),
        8 => {
            // An event that comes twice, and after later ones.
            let told = discord.look(|state| {
                let nth = dice.below(state.messages.len().max(1) as u64) as usize;
                let people = state.messages.values().filter(|it| it.author != state.bot && !it.deleted);
                people.map(|it| it.id).nth(nth / 2)
            });
            if let Some(told) = told {
                discord.tell_again(told);
            }
            return;
        }
        _ => return,
    };
    let what = ["POST /channels", "PATCH /channels", "DELETE /channels", "GET /channels"][dice.below(4) as usize];
    if discord.look(|state| state.trouble(what)) < TROUBLE {
        discord.fail(what, 1 + dice.below(2) as u32, failure);
    }
}

fn disturb_slack(slack: &Slack, dice: &mut Dice) {
    let failure = match dice.below(9) {
        0 | 1 => SlackFailure::LostAnswer,
        2 => SlackFailure::Status(502),
        3 => SlackFailure::Error("internal_error"),
        4 => SlackFailure::RateLimited { retry_after: 1 },
        5 => return slack.cut(),
        6 => return slack.disconnect("refresh_requested"),
        7 => {
            let newest = slack.look(|state| {
                let bot = &state.teams[0].bot_user;
                state.messages.values().rev().find(|it| it.user != *bot && !it.deleted).map(|it| it.id)
            });
            if let Some(newest) = newest {
                slack.send_again(newest);
            }
            return;
        }
        _ => return,
    };
    let what = ["chat.postMessage", "chat.update", "chat.delete", "conversations."][dice.below(4) as usize];
    if slack.look(|state| state.trouble(what)) < TROUBLE {
        slack.fail(what, 1 + dice.below(2) as u32, failure);
    }
}

async fn on_discord(environment: &[(&str, &str)], disturb: bool) {
    let mut dice = Dice::new();
    let (discord, dir) = (Discord::start().await, temp());
    let settings = discord_bot::settings(&discord, "scope = \"okta\"", "");
    let mut story = Story::default();
    for kills in chapters() {
        for _ in 0..kills {
            let server = discord_bot::begin(&discord, dir.path(), &settings, environment);
            if dice.below(2) == 0 {
                discord.connected().await;
            }
            for _ in 0..4 {
                if disturb {
                    disturb_discord(&discord, &mut dice);
                }
                story.goes_on(&discord, &mut dice).await;
                a_moment(&mut dice, PLATFORM_MOMENT / 4).await;
            }
            server.kill();
        }
        let server = discord_bot::begin(&discord, dir.path(), &settings, environment);
        story.ends_well(&discord).await;
        server.kill();
    }
}

async fn on_slack(environment: &[(&str, &str)], disturb: bool) {
    let mut dice = Dice::new();
    let (slack, dir) = (Slack::start().await, temp());
    let mut story = Story::default();
    for kills in chapters() {
        for _ in 0..kills {
            let server = slack_bot::begin(&slack, dir.path(), environment);
            if dice.below(2) == 0 {
                slack.connected().await;
            }
            for _ in 0..4 {
                if disturb {
                    disturb_slack(&slack, &mut dice);
                }
                story.goes_on(&slack, &mut dice).await;
                a_moment(&mut dice, PLATFORM_MOMENT / 4).await;
            }
            server.kill();
        }
        let server = slack_bot::begin(&slack, dir.path(), environment);
        story.ends_well(&slack).await;
        server.kill();
    }
}

async fn postgres() -> String {
    Cluster::shared().database().await
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_in_the_local_workspace_on_sqlite() {
    in_the_local_workspace(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_in_the_local_workspace_on_postgres() {
    in_the_local_workspace(&[("OKTRIAGE__STORAGE__URL", &postgres().await)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_on_discord_on_sqlite() {
    on_discord(&[], false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_on_a_discord_in_trouble_on_postgres() {
    on_discord(&[("OKTRIAGE__STORAGE__URL", &postgres().await)], true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_on_slack_on_postgres() {
    on_slack(&[("OKTRIAGE__STORAGE__URL", &postgres().await)], false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_on_a_slack_in_trouble_on_sqlite() {
    on_slack(&[], true).await;
}
