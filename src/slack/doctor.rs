//! What is right and what is wrong with the bot's place on Slack, by name, with what to do about it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::rest::{Api, CallError, code, http_client};
use crate::bot::{ChannelKey, Finding};
use crate::config::{SlackSettings, SlackWorkspace};

/// Scopes without which pastes are not answered.
const NEEDED: [&str; 3] = ["channels:history", "chat:write", "commands"];
/// Scopes without which something is missing: the scope, and what.
const OPTIONAL: [(&str, &str); 6] = [
    ("groups:history", "pastes in private channels are not answered"),
    ("im:history", "direct messages are not answered"),
    ("app_mentions:read", "mentions are not answered in channels that are not watched"),
    ("files:read", "snippets and text files are not read"),
    ("users:read", "only people in slack.managers may change channel settings, admins may not"),
    ("usergroups:read", "members of a support group may not close replies of others"),
];
const REINSTALL: &str = "https://api.slack.com/apps > your app > OAuth & Permissions > Scopes > Bot Token Scopes, then Reinstall to Workspace";
const BOT_TOKEN: &str = "https://api.slack.com/apps > your app > OAuth & Permissions > Bot User OAuth Token, then set OKTRIAGE__SLACK__BOT_TOKEN";
const APP_TOKEN: &str = "https://api.slack.com/apps > your app > Basic Information > App-Level Tokens: make one with connections:write, then set OKTRIAGE__SLACK__APP_TOKEN";
const SOCKET_MODE: &str = "https://api.slack.com/apps > your app > Socket Mode > Enable Socket Mode";

/// Looks at the tokens, their scopes, Socket Mode, and the watched channels of each workspace: those of
/// the settings, and those that people `chose`.
pub async fn examine(settings: &SlackSettings, chosen: &[ChannelKey]) -> anyhow::Result<Vec<Finding>> {
    let client = http_client()?;
    let mut findings = Vec::new();
    for workspace in settings.all_workspaces() {
        let Some(token) = &workspace.bot_token else { continue };
        let api = Api::new(client.clone(), &settings.api_base, token);
        let me = match api.get("auth.test", &[]).await {
            Ok(me) => me,
            Err(error) if error.is(&code::TOKEN) => {
                findings.push(Finding::bad(format!("Slack does not take a bot token: {error}"), BOT_TOKEN));
                continue;
            }
            Err(error) => {
                let help = format!("is {} reachable from here?", settings.api_base);
                findings.push(Finding::bad(format!("Slack does not answer: {error}"), help));
                continue;
            }
        };
        let team = text(&me["team_id"]);
        let name = format!("{} ({team})", text(&me["team"]));
        findings
            .push(Finding::good(format!("the bot token belongs to the bot {} of workspace {name}", text(&me["user"]))));
        findings.extend(scopes(&api.scopes(), &name));
        findings.extend(ways_in(settings, &workspace, &client, &name).await);
        let configured = settings.channels.iter().map(|channel| (channel.team.as_str(), channel.channel.as_str()));
        let chosen = chosen.iter().map(|key| (key.workspace.as_str(), key.channel.as_str()));
        let watched: BTreeSet<&str> =
            configured.chain(chosen).filter(|(of, _)| *of == team).map(|(_, channel)| channel).collect();
        for channel in &watched {
            findings.push(readable(&api, channel).await);
        }
        findings.extend(joined(&api).await);
        if watched.is_empty() {
            findings.push(Finding::good(match settings.joined_scope() {
                Some(_) => "no channel is watched: /invite the bot into the channels that it shall answer in",
                None => "no channel is watched: use /okta watch in the channels that the bot shall answer in",
            }));
        }
    }
    Ok(findings)
}

/// Which scopes are granted, and which are missing.
fn scopes(granted: &[String], name: &str) -> Vec<Finding> {
    if granted.is_empty() {
        return vec![Finding::good(format!("Slack does not say which scopes the token has in {name}"))];
    }
    let has = |scope: &str| granted.iter().any(|granted| granted == scope);
    let missing: Vec<&str> = NEEDED.into_iter().filter(|scope| !has(scope)).collect();
    let mut findings = vec![if missing.is_empty() {
        Finding::good(format!("scopes granted: {}", granted.join(", ")))
    } else {
        Finding::bad(format!("scopes missing: {} (granted: {})", missing.join(", "), granted.join(", ")), REINSTALL)
    }];
    let lacking = OPTIONAL.into_iter().filter(|(scope, _)| !has(scope));
    findings.extend(lacking.map(|(scope, so)| Finding::good(format!("without the scope {scope}, {so}"))));
    findings
}

/// How events come in, and whether they can.
async fn ways_in(
    settings: &SlackSettings,
    workspace: &SlackWorkspace,
    client: &reqwest::Client,
    name: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(token) = &workspace.app_token {
        let app = Api::new(client.clone(), &settings.api_base, token);
        // Nobody connects to what this opens; Slack forgets it within half a minute.
        findings.push(match app.post("apps.connections.open", &json!({})).await {
            Ok(_) => Finding::good(format!("Socket Mode can connect for {name}")),
            Err(error) if error.is(&code::TOKEN) || error.is(&[code::MISSING_SCOPE]) => {
                Finding::bad(format!("the app-level token is not taken: {error}"), APP_TOKEN)
            }
            Err(error @ CallError::Refused(_)) => {
                Finding::bad(format!("Socket Mode does not connect: {error}"), SOCKET_MODE)
            }
            Err(error) => Finding::bad(format!("Socket Mode does not connect: {error}"), "try again in a minute"),
        });
    }
    if workspace.signing_secret.is_some() {
        findings.push(Finding::good(format!(
            "events over HTTP are taken at {} of the address in [local] listen; give Slack the public https address in front of it",
            super::PATHS.join(", ")
        )));
    }
    findings
}

/// Whether the bot can read a configured channel.
async fn readable(api: &Api, channel: &str) -> Finding {
    match api.get("conversations.history", &[("channel", channel), ("limit", "1")]).await {
        Ok(_) => Finding::good(format!("channel {channel} can be read")),
        Err(error) if error.is(&["not_in_channel", "channel_not_found"]) => Finding::bad(
            format!("channel {channel} cannot be read: {error}"),
            "open the channel and type /invite @oktriage; for a private channel this is the only way",
        ),
        Err(error) if error.is(&[code::MISSING_SCOPE]) => {
            Finding::bad(format!("channel {channel} cannot be read: a scope is missing"), REINSTALL)
        }
        Err(error) => Finding::bad(format!("channel {channel} cannot be read: {error}"), "try again in a minute"),
    }
}

/// The channels that the bot is in, of the kinds that it may know of. The scopes for that are not asked
/// for: nothing else needs them.
async fn joined(api: &Api) -> Option<Finding> {
    let granted = api.scopes();
    let kinds = [("channels:read", "public_channel"), ("groups:read", "private_channel")];
    let kinds = kinds.into_iter().filter(|(scope, _)| granted.iter().any(|granted| granted == scope));
    let kinds: Vec<&str> = kinds.map(|(_, kind)| kind).collect();
    let types = kinds.join(",");
    let query = [("types", types.as_str()), ("limit", "200"), ("exclude_archived", "true")];
    let told = if kinds.is_empty() { None } else { api.get("users.conversations", &query).await.ok() }?;
    let channels = told["channels"].as_array().into_iter().flatten();
    let names: Vec<String> =
        channels.map(|channel| format!("#{} ({})", text(&channel["name"]), text(&channel["id"]))).collect();
    Some(match names.is_empty() {
        true => Finding::bad("the bot is in no channel", "open a channel and type /invite @oktriage"),
        false => Finding::good(format!("the bot is in {}", names.join(", "))),
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{NEEDED, OPTIONAL};

    #[test]
    fn the_manifest_asks_for_what_is_used_and_no_more() {
        let manifest = include_str!("../../config/slack-manifest.yaml");
        let (_, scopes) = manifest.split_once("    bot:\n").unwrap();
        let (scopes, _) = scopes.split_once("settings:").unwrap();
        let asked: Vec<&str> = scopes.lines().filter_map(|line| line.trim().strip_prefix("- ")).collect();
        let used: Vec<&str> = NEEDED.into_iter().chain(OPTIONAL.map(|(scope, _)| scope)).collect();
        assert_eq!(asked, used);
        let (_, long) = manifest.split_once("long_description: >-\n").unwrap();
        let (long, _) = long.split_once("  background_color").unwrap();
        let words: usize = long.split_whitespace().map(|word| word.chars().count() + 1).sum();
        // Slack takes 174 to 4,000 characters.
        assert!((175..4_000).contains(&words), "{words}");
        // <https://docs.slack.dev/reference/app-manifest>: so many characters at most.
        let values = |key: &str| -> Vec<&str> {
            manifest.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key)).collect()
        };
        for (key, count, max) in [
            ("name: ", 3, 24),
            ("description: ", 4, 140),
            ("command: ", 1, 32),
            ("usage_hint: ", 1, 1_000),
            ("callback_id: ", 2, 255),
        ] {
            let found = values(key);
            assert!(found.len() == count && found.iter().all(|value| value.chars().count() <= max), "{key}{found:?}");
        }
    }
}
