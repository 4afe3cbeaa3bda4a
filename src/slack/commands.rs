//! The slash command `/okta`. What it says only the person reads who asked; **Share** shows it to all.

use std::sync::Arc;

use serde_json::{Value, json};
use tracing::{error, warn};

use super::catch_up::begin_with;
use super::handler::{Handler, Taken};
use super::team::Team;
use super::{channel_key, press};
use crate::bot::ports::Store;
use crate::bot::{ChannelKey, ChannelSettings, Cooldown, Mode, Platform};
use crate::render::slack as render;
use crate::reply::{Reply, words};
use crate::rules::{Keyword as _, Scope};

/// Where a command came from, and what it said.
struct Asked<'p> {
    channel: &'p str,
    user: &'p str,
    text: &'p str,
    response_url: &'p str,
    trigger: &'p str,
}

/// Answers a command.
pub(super) async fn run<S: Store>(handler: &Arc<Handler<S>>, team: &Arc<Team>, payload: &Value) -> Taken {
    let field = |name: &str| payload[name].as_str().unwrap_or_default();
    let asked = Asked {
        channel: field("channel_id"),
        user: field("user_id"),
        text: field("text").trim(),
        response_url: field("response_url"),
        trigger: field("trigger_id"),
    };
    let (command, argument) = asked.text.split_once(char::is_whitespace).unwrap_or((asked.text, ""));
    let argument = argument.trim();
    let commands = &handler.bot.commands;
    match command {
        "lookup" => private(&commands.page(argument).unwrap_or_else(|| commands.look_up(argument)), true),
        "diagnose" if argument.is_empty() => press::open(team, asked.trigger, render::diagnose_form("")),
        "diagnose" => private(&commands.diagnose(argument), true),
        "status" => status(handler, team).await,
        "watch" | "unwatch" => choose(handler, team, &asked, (command == "watch").then_some(argument)),
        _ => Taken::with(with_lines(words::slack::HELP, &words::slack::HELP_LINES)),
    }
}

/// A private answer, in the acknowledgement.
fn private(reply: &Reply, share: bool) -> Taken {
    Taken::with(ephemeral(&press::slack_words(reply.clone()), share))
}

/// A private answer to a command or a press.
pub(super) fn ephemeral(reply: &Reply, share: bool) -> Value {
    let mut answer = serde_json::to_value(render::private(reply, share)).unwrap_or_default();
    answer["response_type"] = "ephemeral".into();
    answer
}

/// A private answer with lines in Slack's own markup, made of ids and of the bot's words only.
fn with_lines(note: impl Into<String>, lines: &[impl AsRef<str>]) -> Value {
    let mut answer = ephemeral(&Reply::note(note), false);
    if let Some(blocks) = answer["blocks"].as_array_mut() {
        // A section takes 3,000 characters; a line has some hundred.
        let sections = lines.chunks(15).map(|lines| {
            let text = lines.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("\n");
            json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})
        });
        blocks.extend(sections);
        blocks.truncate(BLOCKS_MAX);
    }
    answer
}

/// Blocks of a message. <https://docs.slack.dev/reference/block-kit/blocks>
const BLOCKS_MAX: usize = 50;

async fn status<S: Store>(handler: &Handler<S>, team: &Team) -> Taken {
    let mut lines = Vec::new();
    for (key, settings) in watched(handler, team) {
        let shadowed = shadowed(handler, &key, &settings).await;
        lines.push(words::watched_channel(&format!("<#{}>", key.channel), &watched_as(&settings, shadowed)));
    }
    if lines.is_empty() {
        lines.push(words::slack::NO_CHANNEL.to_owned());
    }
    let status = handler.bot.commands.status("").note.unwrap_or_default();
    Taken::with(with_lines(status, &lines))
}

/// The watched channels of a workspace.
pub(super) fn watched<S: Store>(handler: &Handler<S>, team: &Team) -> Vec<(ChannelKey, ChannelSettings)> {
    let mut watched = handler.bot.channels.watched(Platform::Slack);
    watched.retain(|(key, _)| key.workspace == team.me.team);
    watched
}

/// How many messages would have been answered in a channel that is only observed.
pub(super) async fn shadowed<S: Store>(handler: &Handler<S>, key: &ChannelKey, settings: &ChannelSettings) -> u32 {
    match settings.mode {
        Mode::Shadow => handler.bot.store.shadowed(key).await.unwrap_or_else(|error| {
            error!(error = %error, "what would have been answered is not known");
            0
        }),
        Mode::Answer | Mode::Suggest => 0,
    }
}

/// How a channel is watched, in words.
pub(super) fn watched_as(settings: &ChannelSettings, shadowed: u32) -> words::WatchedAs<'static> {
    words::WatchedAs {
        scope: settings.scope,
        mode: settings.mode.as_str(),
        has_team: settings.support_role.is_some(),
        cooldown: settings.cooldown.map(|cooldown| (cooldown.answers, cooldown.window.as_secs() / 60)),
        shadowed,
    }
}

/// What was typed behind `/okta watch`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    scope: Scope,
    mode: Mode,
    cooldown: Option<Cooldown>,
    group: Option<String>,
}

impl Choice {
    /// `okta` or `mixed`, then a mode, a cooldown and whom to call, in any order; `None` if something else stands there.
    fn parse(typed: &str) -> Option<Self> {
        let mut words = typed.split_whitespace();
        let scope = Scope::from_word(words.next()?)?;
        let mut choice = Self { scope, mode: Mode::Answer, cooldown: None, group: None };
        for word in words {
            if let Some(mode) = Mode::from_word(word) {
                choice.mode = mode;
            } else if let Some(cooldown) = Cooldown::parse(word) {
                choice.cooldown = Some(cooldown);
            } else {
                choice.group = Some(group(word)?);
            }
        }
        Some(choice)
    }
}

/// A user group or person as Slack writes them (`<!subteam^S0123|@support>`, `<@U0123|robin>`), or by id.
fn group(word: &str) -> Option<String> {
    let inside = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')).unwrap_or(word);
    let named = inside.strip_prefix("!subteam^").or_else(|| inside.strip_prefix('@')).unwrap_or(inside);
    let id = named.split('|').next()?;
    let sound = id.len() > 1 && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    (sound && id.starts_with(['S', 'U', 'W'])).then(|| id.to_owned())
}

/// Watches the channel of the command as typed, or no longer where that is `None`; for those who may.
fn choose<S: Store>(handler: &Arc<Handler<S>>, team: &Arc<Team>, asked: &Asked<'_>, typed: Option<&str>) -> Taken {
    let choice = match typed.map(Choice::parse) {
        Some(None) => return Taken::with(with_lines(words::slack::WATCH_USAGE, &words::slack::WATCH_LINES)),
        Some(choice) => choice,
        None => None,
    };
    if !asked.channel.starts_with(['C', 'G']) {
        return private(&Reply::note(words::slack::NOT_A_CHANNEL), false);
    }
    let key = channel_key(&team.me.team, asked.channel);
    let (handler, team) = (Arc::clone(handler), Arc::clone(team));
    let (user, response_url) = (asked.user.to_owned(), asked.response_url.to_owned());
    // Slack is asked who this is, which may take longer than an acknowledgement may.
    Taken::then(async move {
        let answer = if handler.manages(&team, &user).await {
            chosen(&handler, &key, choice, &user).await
        } else {
            ephemeral(&Reply::note(words::slack::ONLY_MANAGERS), false)
        };
        if let Err(error) = team.api.respond(&response_url, &answer).await {
            warn!(error = %error, "a command could not be answered");
        }
    })
}

async fn chosen<S: Store>(handler: &Handler<S>, key: &ChannelKey, choice: Option<Choice>, by: &str) -> Value {
    let before = handler.bot.channels.settings(key);
    let is_new = before.is_none();
    let (group_before, cooldown_before) = before.map(|before| (before.support_role, before.cooldown)).unzip();
    let settings = choice.map(|Choice { scope, mode, cooldown, group }| ChannelSettings {
        scope,
        mode,
        support_role: group.or(group_before.flatten()),
        cooldown: cooldown.or(cooldown_before.flatten()),
    });
    if let Err(error) = handler.bot.channels.choose(key, settings.clone(), by).await {
        error!(error = %error, "what was chosen for a channel could not be noted");
        return ephemeral(&Reply::note(words::FAILED), false);
    }
    let Some(settings) = settings else { return ephemeral(&Reply::note(words::NOT_WATCHED_ANY_MORE), false) };
    if is_new {
        begin_with(handler, key).await;
    }
    let shadowed = shadowed(handler, key, &settings).await;
    let line = words::watched_channel(&format!("<#{}>", key.channel), &watched_as(&settings, shadowed));
    with_lines(words::slack::WATCHED_NOW, &[line])
}

#[cfg(test)]
mod tests {
    use super::{Choice, group};
    use crate::bot::{Cooldown, Mode};
    use crate::rules::Scope;

    #[test]
    fn what_is_typed_behind_watch() {
        let choice = |mode, group: Option<&str>| {
            Some(Choice { scope: Scope::Okta, mode, cooldown: None, group: group.map(str::to_owned) })
        };
        assert_eq!(Choice::parse("okta"), choice(Mode::Answer, None));
        assert_eq!(Choice::parse("okta shadow"), choice(Mode::Shadow, None));
        assert_eq!(Choice::parse("okta <!subteam^S0123|@help> suggest"), choice(Mode::Suggest, Some("S0123")));
        assert_eq!(Choice::parse("mixed").map(|choice| choice.scope), Some(Scope::Mixed));
        let often = Choice::parse("okta 10/5m shadow").unwrap();
        assert_eq!((often.mode, often.cooldown), (Mode::Shadow, Cooldown::parse("10/5m")));
        for wrong in
            ["", "everything", "okta loudly", "okta 10", "okta 0/5m", "okta <!everyone>", "okta @support", "okta S"]
        {
            assert_eq!(Choice::parse(wrong), None, "{wrong}");
        }
        assert_eq!(group("<@U0123|robin>").as_deref(), Some("U0123"));
        assert_eq!(group("S0123").as_deref(), Some("S0123"));
    }
}
