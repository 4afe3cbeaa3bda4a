//! The slash commands and the message menu.

use std::future::Future;
use std::sync::Arc;

use poise::serenity_prelude as serenity;
use serde_json::{Value, json};
use serenity::async_trait;
use serenity::http::Http;
use serenity::model::Permissions;
use serenity::model::id::GuildId;
use tracing::{error, info, warn};

use super::handler::Handler;
use super::respond::{Answer, Asked};
use super::{NEEDED, catch_up, channel_key, convert};
use crate::bot::ports::{Store, StoreError};
use crate::bot::{ChannelKey, ChannelSettings, Commands, Cooldown, Mode, Platform};
use crate::render::discord::{self as render, Payload};
use crate::reply::{Reply, words};
use crate::rules::Scope;

/// Choices that Discord takes for a completion. <https://docs.discord.com/developers/interactions/application-commands>
const CHOICES_MAX: usize = 25;
/// Characters of a choice's name, and of its value.
const CHOICE_LENGTH: usize = 100;
/// The id of the form to paste into, and of its field.
pub(super) const FORM: &str = "diagnose";
pub(super) const FORM_FIELD: &str = "paste";
/// Characters that a form's field takes. <https://docs.discord.com/developers/components/reference#text-input>
const FORM_LENGTH: u32 = 4_000;

/// What the commands need of the bot.
#[async_trait]
pub(super) trait Desk: Send + Sync {
    /// Answers questions.
    fn commands(&self) -> &Commands;
    /// How a channel is watched.
    fn settings(&self, channel: &ChannelKey) -> Option<ChannelSettings>;
    /// The watched channels of a guild.
    fn watched(&self, guild: &str) -> Vec<(ChannelKey, ChannelSettings)>;
    /// Watches a channel, or no longer.
    async fn choose(&self, channel: &ChannelKey, settings: Option<ChannelSettings>, by: &str)
    -> Result<(), StoreError>;
    /// Everything that a message shows, its files included.
    async fn text_of(&self, message: &serenity::Message) -> String;
    /// What would have been answered in a channel.
    async fn shadowed(&self, channel: &ChannelKey) -> Result<u32, StoreError>;
}

#[async_trait]
impl<S: Store> Desk for Handler<S> {
    fn commands(&self) -> &Commands {
        &self.bot.commands
    }

    fn settings(&self, channel: &ChannelKey) -> Option<ChannelSettings> {
        self.bot.channels.settings(channel)
    }

    fn watched(&self, guild: &str) -> Vec<(ChannelKey, ChannelSettings)> {
        let mut watched = self.bot.channels.watched(Platform::Discord);
        watched.retain(|(key, _)| key.workspace == guild);
        watched
    }

    async fn choose(
        &self,
        channel: &ChannelKey,
        settings: Option<ChannelSettings>,
        by: &str,
    ) -> Result<(), StoreError> {
        let watches = settings.is_some();
        self.bot.channels.choose(channel, settings, by).await?;
        if watches {
            catch_up::begin_with(self, channel).await;
        }
        Ok(())
    }

    async fn text_of(&self, message: &serenity::Message) -> String {
        convert::shown(message) + &self.attachments.text(convert::files(message)).await
    }

    async fn shadowed(&self, channel: &ChannelKey) -> Result<u32, StoreError> {
        self.bot.store.shadowed(channel).await
    }
}

type Data = Arc<dyn Desk>;
type Failure = anyhow::Error;
type Context<'a> = poise::ApplicationContext<'a, Data, Failure>;

/// The framework that dispatches commands.
pub(super) fn framework(desk: Data) -> poise::Framework<Data, Failure> {
    let options = poise::FrameworkOptions {
        commands: all(),
        on_error: |error| Box::pin(failed(error)),
        allowed_mentions: Some(serenity::CreateAllowedMentions::new()),
        ..Default::default()
    };
    poise::Framework::builder().options(options).setup(|_, _, _| Box::pin(async move { Ok(desk) })).build()
}

fn all() -> Vec<poise::Command<Data, Failure>> {
    vec![okta(), diagnose_menu()]
}

/// Makes the commands known to Discord, in one call and only where they differ from what it knows.
pub(super) async fn register(http: &Http, guilds: &[String]) {
    let commands = poise::builtins::create_application_commands(&all());
    let wanted = serde_json::to_value(&commands).unwrap_or_default();
    if guilds.is_empty() {
        let known = http.get_global_commands().await.map(|known| serde_json::to_value(known).unwrap_or_default());
        match known {
            Ok(known) if same_commands(&wanted, &known) => info!("Discord knows the commands already"),
            _ => match http.create_global_commands(&commands).await {
                Ok(_) => info!("commands registered on Discord"),
                Err(error) => {
                    error!(error = %error, "the commands cannot be registered; those known before go on working")
                }
            },
        }
    }
    for guild in guilds.iter().filter_map(|guild| guild.parse().ok()).map(GuildId::new) {
        let known = http.get_guild_commands(guild).await.map(|known| serde_json::to_value(known).unwrap_or_default());
        match known {
            Ok(known) if same_commands(&wanted, &known) => info!(guild = %guild, "Discord knows the commands already"),
            _ => match http.create_guild_commands(guild, &commands).await {
                Ok(_) => info!(guild = %guild, "commands registered on Discord"),
                Err(error) => error!(guild = %guild, error = %error, "the commands cannot be registered"),
            },
        }
    }
}

/// Whether Discord knows exactly these commands. It adds ids and defaults, which do not count.
fn same_commands(wanted: &Value, known: &Value) -> bool {
    match (wanted, known) {
        (Value::Array(wanted), Value::Array(known)) => {
            let named = |command: &Value| {
                let found = known.iter().find(|known| known["name"] == command["name"] && command["name"].is_string());
                found.is_some_and(|found| covers(command, found))
            };
            wanted.len() == known.len() && wanted.iter().all(named)
        }
        _ => false,
    }
}

fn covers(wanted: &Value, known: &Value) -> bool {
    let is_default = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match (wanted, known) {
        (Value::Object(wanted), Value::Object(known)) => wanted.iter().all(|(key, value)| {
            let known = known.get(key).unwrap_or(&Value::Null);
            (is_default(value) && is_default(known)) || covers(value, known)
        }),
        (Value::Array(wanted), Value::Array(known)) => {
            wanted.len() == known.len() && wanted.iter().zip(known).all(|(wanted, known)| covers(wanted, known))
        }
        // Permissions are written as text, and Discord may answer a number.
        (Value::String(text), Value::Number(number)) => *text == number.to_string(),
        (Value::Number(number), Value::String(text)) => *text == number.to_string(),
        _ => wanted == known,
    }
}

async fn failed(error: poise::FrameworkError<'_, Data, Failure>) {
    match error {
        poise::FrameworkError::Command { error, ctx, .. } => {
            warn!(command = %ctx.command().qualified_name, error = %error, "a command could not be answered");
        }
        error => warn!(error = %error, "a command could not be dispatched"),
    }
}

/// Answers privately with what the work comes to.
async fn answer(ctx: Context<'_>, work: impl Future<Output = Result<Payload, Failure>>) {
    let interaction = ctx.interaction;
    let http = &ctx.serenity_context().http;
    let asked = Asked { http, id: interaction.id, token: &interaction.token, is_button: false };
    asked
        .answer(async {
            match work.await {
                Ok(payload) => Answer::Privately(vec![payload]),
                Err(error) => {
                    error!(command = %interaction.data.name, error = %error, "a command failed");
                    Answer::note(words::FAILED)
                }
            }
        })
        .await;
}

/// Answers privately, with a button to share it.
async fn say(ctx: Context<'_>, reply: &Reply) -> Result<(), Failure> {
    answer(ctx, async { Ok(render::private(reply, true)) }).await;
    Ok(())
}

/// Look up Okta errors and choose where the bot answers
#[poise::command(
    slash_command,
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel",
    subcommands("lookup", "diagnose", "status", "watch", "unwatch", "help")
)]
async fn okta(ctx: Context<'_>) -> Result<(), Failure> {
    say(ctx, &Reply::note(words::HELP)).await
}

/// Find the cause and the fix of an error by its code or by words
#[poise::command(slash_command)]
async fn lookup(
    ctx: Context<'_>,
    #[description = "An error code, a rule or a few words"]
    #[autocomplete = "complete"]
    #[max_length = 200]
    query: String,
) -> Result<(), Failure> {
    let commands = ctx.data().commands();
    let reply = commands.page(&query).unwrap_or_else(|| commands.look_up(&query));
    say(ctx, &reply).await
}

async fn complete(ctx: Context<'_>, begun: &str) -> serenity::CreateAutocompleteResponse {
    let found = ctx.data().commands().completions(begun, CHOICES_MAX);
    let fits = |text: &str| text.chars().count() <= CHOICE_LENGTH;
    let choices = found.into_iter().filter(|offer| fits(&offer.rule)).map(|offer| {
        let title: String = offer.title.chars().take(CHOICE_LENGTH).collect();
        serenity::AutocompleteChoice::new(title, offer.rule)
    });
    serenity::CreateAutocompleteResponse::new().set_choices(choices.collect())
}

/// Paste an error; only you see the answer
#[poise::command(slash_command)]
async fn diagnose(ctx: Context<'_>) -> Result<(), Failure> {
    // 9: a form. Its answer arrives as an interaction of its own, so that no state is kept meanwhile.
    let body = json!({"type": 9, "data": {"custom_id": FORM, "title": words::FORM_TITLE, "components": [{"type": 1, "components": [
        {"type": 4, "custom_id": FORM_FIELD, "style": 2, "label": words::FORM_LABEL, "max_length": FORM_LENGTH, "required": true}
    ]}]}});
    let interaction = ctx.interaction;
    let http = &ctx.serenity_context().http;
    Asked { http, id: interaction.id, token: &interaction.token, is_button: false }.first(&body).await;
    Ok(())
}

/// Where the bot answers, and how many errors it knows
#[poise::command(slash_command)]
async fn status(ctx: Context<'_>) -> Result<(), Failure> {
    let desk = ctx.data();
    let work = async {
        let mut lines = Vec::new();
        if let Some(guild) = ctx.interaction.guild_id {
            for (key, settings) in desk.watched(&guild.to_string()) {
                let shadowed = match settings.mode {
                    Mode::Shadow => desk.shadowed(&key).await?,
                    Mode::Answer | Mode::Suggest => 0,
                };
                lines.push(watched(&key, &settings, shadowed));
            }
        }
        let watching = if lines.is_empty() { words::NO_CHANNEL.to_owned() } else { lines.join("\n") };
        let mut payload = render::private(&desk.commands().status(""), false);
        payload.content = Some(format!("{}\n{watching}", payload.content.unwrap_or_default()));
        Ok(payload)
    };
    answer(ctx, work).await;
    Ok(())
}

/// What a channel is about.
#[derive(poise::ChoiceParameter, Clone, Copy)]
enum ScopeChoice {
    #[name = "okta: a dedicated Okta support channel"]
    Okta,
    #[name = "mixed: Okta must be evident from the paste"]
    Mixed,
}

/// What is done about a recognised error.
#[derive(poise::ChoiceParameter, Clone, Copy)]
enum ModeChoice {
    #[name = "answer: in a thread, for everybody"]
    Answer,
    #[name = "suggest: to the poster, behind a button"]
    Suggest,
    #[name = "shadow: post nothing, only count"]
    Shadow,
}

/// Watch a channel or forum (for members who may manage the server)
#[poise::command(slash_command, guild_only)]
async fn watch(
    ctx: Context<'_>,
    #[description = "What the channel is about"] scope: ScopeChoice,
    #[description = "What to do about a recognised error; answer if left out"] mode: Option<ModeChoice>,
    #[description = "The role that Ask the team calls"] support_role: Option<serenity::RoleId>,
    #[description = "The channel or forum, if not this one"]
    #[channel_types("Text", "News", "Forum", "PublicThread", "PrivateThread")]
    channel: Option<serenity::ChannelId>,
    #[description = "At most so many answers in so long, such as 10/5m or 100/2h"]
    #[max_length = 10]
    cooldown: Option<String>,
) -> Result<(), Failure> {
    let is_here = channel.is_none_or(|channel| channel == ctx.interaction.channel_id);
    let Some(channel) = managed_channel(ctx, channel) else {
        return say(ctx, &Reply::note(words::ONLY_MANAGERS)).await;
    };
    let cooldown = cooldown.as_deref().map(|typed| Cooldown::parse(typed.trim()));
    if cooldown == Some(None) {
        return say(ctx, &Reply::note(words::COOLDOWN_USAGE)).await;
    }
    let before = ctx.data().settings(&channel).map(|settings| (settings.support_role, settings.cooldown));
    let (role_before, cooldown_before) = before.unzip();
    let settings = ChannelSettings {
        scope: match scope {
            ScopeChoice::Okta => Scope::Okta,
            ScopeChoice::Mixed => Scope::Mixed,
        },
        mode: match mode {
            None | Some(ModeChoice::Answer) => Mode::Answer,
            Some(ModeChoice::Suggest) => Mode::Suggest,
            Some(ModeChoice::Shadow) => Mode::Shadow,
        },
        support_role: support_role.map(|role| role.to_string()).or(role_before.flatten()),
        cooldown: cooldown.flatten().or(cooldown_before.flatten()),
    };
    let mut said = watched(&channel, &settings, 0);
    // Discord tells the permissions of the channel where the command was given.
    let missing = NEEDED.difference(ctx.interaction.app_permissions.unwrap_or(NEEDED));
    if is_here && !missing.is_empty() {
        said.push('\n');
        said.push_str(&words::missing_permissions(&missing.get_permission_names().join(", ")));
    }
    let by = ctx.interaction.user.id.to_string();
    let desk = ctx.data();
    let work = async {
        desk.choose(&channel, Some(settings), &by).await?;
        let mut payload = render::private(&Reply::default(), false);
        payload.content = Some(said);
        Ok(payload)
    };
    answer(ctx, work).await;
    Ok(())
}

/// Stop watching a channel or forum (for members who may manage the server)
#[poise::command(slash_command, guild_only)]
async fn unwatch(
    ctx: Context<'_>,
    #[description = "The channel or forum, if not this one"]
    #[channel_types("Text", "News", "Forum", "PublicThread", "PrivateThread")]
    channel: Option<serenity::ChannelId>,
) -> Result<(), Failure> {
    let Some(channel) = managed_channel(ctx, channel) else {
        return say(ctx, &Reply::note(words::ONLY_MANAGERS)).await;
    };
    let by = ctx.interaction.user.id.to_string();
    let desk = ctx.data();
    let work = async {
        desk.choose(&channel, None, &by).await?;
        Ok(render::private(&Reply::note(words::NOT_WATCHED_ANY_MORE), false))
    };
    answer(ctx, work).await;
    Ok(())
}

/// What the bot can do
#[poise::command(slash_command)]
async fn help(ctx: Context<'_>) -> Result<(), Failure> {
    say(ctx, &Reply::note(words::HELP)).await
}

/// Diagnose the error in a message; only you see the answer
#[poise::command(
    context_menu_command = "Diagnose Okta error",
    install_context = "Guild|User",
    interaction_context = "Guild|BotDm|PrivateChannel"
)]
async fn diagnose_menu(ctx: Context<'_>, message: serenity::Message) -> Result<(), Failure> {
    let desk = ctx.data();
    let work = async { Ok(render::private(&desk.commands().asked(&desk.text_of(&message).await), true)) };
    answer(ctx, work).await;
    Ok(())
}

fn watched(key: &ChannelKey, settings: &ChannelSettings, shadowed: u32) -> String {
    let how = words::WatchedAs {
        scope: settings.scope,
        mode: settings.mode.as_str(),
        has_team: settings.support_role.is_some(),
        cooldown: settings.cooldown.map(|cooldown| (cooldown.answers, cooldown.window.as_secs() / 60)),
        shadowed,
    };
    words::watched_channel(&format!("<#{}>", key.channel), &how)
}

/// The channel that a command is about, else the one that it was given in, where its author may manage the server.
fn managed_channel(ctx: Context<'_>, about: Option<serenity::ChannelId>) -> Option<ChannelKey> {
    let interaction = ctx.interaction;
    let permissions = interaction.member.as_ref().and_then(|member| member.permissions)?;
    let manages = permissions.intersects(Permissions::MANAGE_GUILD | Permissions::ADMINISTRATOR);
    let channel = about.unwrap_or(interaction.channel_id);
    manages.then(|| channel_key(interaction.guild_id.map(GuildId::get), channel.get()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{all, same_commands};

    #[test]
    fn commands_are_registered_only_when_they_changed() {
        let wanted = serde_json::to_value(poise::builtins::create_application_commands(&all())).unwrap();
        assert_eq!(wanted.as_array().unwrap().len(), 2);
        let mut known = wanted.clone();
        for command in known.as_array_mut().unwrap() {
            command["id"] = json!("1");
            command["nsfw"] = json!(false);
        }
        assert!(same_commands(&wanted, &known));
        known[0]["description"] = json!("something else");
        assert!(!same_commands(&wanted, &known));
        assert!(!same_commands(&wanted, &json!([])));
    }
}
