//! What is right and what is wrong with the bot's place on Discord, by name, with what to do about it.

use std::num::NonZeroU64;

use secrecy::SecretString;
use serde_json::Value;
use serenity::http::{LightMethod, Route};
use serenity::model::Permissions;
use serenity::model::id::{ChannelId, GuildId};

use super::NEEDED;
use super::gateway::http;
use super::permissions::{self, Unseen};
use super::rest::{Rest, http_client};
use crate::bot::Finding;
use crate::config::DiscordSettings;

/// Flags of an application that has the message content intent, reviewed or not.
const MESSAGE_CONTENT: u64 = (1 << 18) | (1 << 19);

/// Looks at token, application, intents, session starts, commands and the permissions in each of
/// the configured channels.
pub async fn examine(settings: &DiscordSettings, token: &SecretString) -> anyhow::Result<Vec<Finding>> {
    let rest = Rest::new(http_client()?, settings, token);
    let mut findings = Vec::new();
    let get = |route| rest.call(LightMethod::Get, route, None::<&()>, &[]);
    let me = match get(Route::UserMe).await {
        Ok(me) => me,
        Err(error) => {
            findings.push(Finding::bad(
                format!("Discord does not take the token: {error}"),
                "Discord Developer Portal > your application > Bot > Reset Token, then set OKTRIAGE__DISCORD__TOKEN",
            ));
            return Ok(findings);
        }
    };
    findings.push(Finding::good(format!("the token belongs to the bot {}", text(&me["username"]))));
    let application = get(Route::Oauth2ApplicationCurrent).await.unwrap_or_default();
    let id = text(&application["id"]).to_owned();
    let reads = application["flags"].as_u64().unwrap_or_default() & MESSAGE_CONTENT != 0;
    findings.push(match (reads, settings.message_content) {
        (true, true) => Finding::good("the message content intent is on: pasted errors are read"),
        (_, false) => Finding::good("discord.message_content = false: only commands, the message menu, mentions and direct messages are answered"),
        (false, true) => Finding::bad(
            "the message content intent is off: pasted errors cannot be read",
            "Discord Developer Portal > your application > Bot > Privileged Gateway Intents > Message Content Intent; or set discord.message_content = false",
        ),
    });
    let gateway = get(Route::GatewayBot).await.unwrap_or_default();
    let limit = &gateway["session_start_limit"];
    let left = limit["remaining"].as_u64().unwrap_or_default();
    let what = format!("{left} of {} session starts are left for today", limit["total"]);
    findings.push(match left {
        0..=20 => Finding::bad(
            what,
            "something restarts the bot over and over: look at its log before Discord resets the token",
        ),
        _ => Finding::good(what),
    });
    let http = http(settings, token);
    if let Ok(id) = id.parse::<u64>()
        && id != 0
    {
        http.set_application_id(id.into());
        let commands = http.get_global_commands().await.map(|commands| commands.len()).unwrap_or_default();
        findings.push(match commands {
            0 if settings.command_guilds.is_empty() => {
                Finding::bad("no commands are registered", "start the bot once: it registers them")
            }
            count => Finding::good(format!("{count} commands are registered everywhere")),
        });
    }
    for channel in &settings.channels {
        findings.push(self::channel(&rest, channel).await);
    }
    if settings.channels.is_empty() {
        findings.push(Finding::good(
            "no channel is configured: use /okta watch in the channels that the bot shall answer in",
        ));
    }
    findings.push(Finding::good(format!(
        "invite the bot with the least permissions: https://discord.com/oauth2/authorize?client_id={id}&scope=bot+applications.commands&permissions={}",
        NEEDED.bits()
    )));
    findings.push(Finding::good(format!(
        "people add it to their own account by https://discord.com/oauth2/authorize?client_id={id}&integration_type=1&scope=applications.commands"
    )));
    Ok(findings)
}

/// Which of the needed permissions the bot has and lacks in a channel, by name.
async fn channel(rest: &Rest, settings: &crate::config::DiscordChannel) -> Finding {
    let name = format!("channel {} of server {}", settings.channel, settings.guild);
    let (Ok(guild), Ok(channel)) = (settings.guild.parse::<NonZeroU64>(), settings.channel.parse::<NonZeroU64>())
    else {
        return Finding::bad(format!("{name}: no ids of Discord"), "copy the ids in Discord's developer mode");
    };
    let (channel, has) = match permissions::own(rest, GuildId::from(guild), ChannelId::from(channel)).await {
        Ok(own) => own,
        Err(Unseen::Guild) => {
            return Finding::bad(format!("{name}: the bot is not on this server"), "invite it with the link below");
        }
        Err(Unseen::Channel) => {
            return Finding::bad(
                format!("{name}: the bot does not see this channel"),
                "Edit Channel > Permissions: give the bot's role View Channel",
            );
        }
    };
    let missing = NEEDED.difference(has);
    let names = |permissions: Permissions| permissions.get_permission_names().join(", ");
    if missing.is_empty() {
        return Finding::good(format!("#{}: all of {} are there", channel.name, names(NEEDED)));
    }
    Finding::bad(
        format!("#{}: missing {} (needed: {})", channel.name, names(missing), names(NEEDED)),
        "Edit Channel > Permissions: switch these on for the bot's role",
    )
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
