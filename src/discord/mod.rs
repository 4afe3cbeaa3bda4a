//! The bot on Discord. serenity and poise are named in this room only.
//!
//! Each shard of the gateway is connected by the process that holds it (`gateway`; `starts` counts sessions). Events
//! wait for their turn (`handler`, `waiting`), become the bot's own (`convert`, with the text of `attachments` and
//! where they stand, `places`) and go through [`crate::bot::Intake`]. What was missed is read by `catch_up`. Replies
//! come back through the outbox by the `courier`, over `rest`. Slash commands and the message menu are in
//! `commands`, buttons and the form to paste into in `press`, answered in time by `respond`; `permissions` knows what
//! the bot may do, and `doctor` says what is missing.

mod attachments;
mod catch_up;
mod commands;
mod convert;
mod courier;
mod doctor;
mod gateway;
mod handler;
mod permissions;
mod places;
mod press;
mod respond;
mod rest;
mod starts;
mod waiting;

pub use courier::DiscordCourier;
pub use doctor::examine;
pub use gateway::{Connection, connect};
pub use rest::Rest;

use serenity::model::Permissions;

use crate::bot::{ChannelKey, ChannelSettings, Cooldown, Mode, Platform};
use crate::config::DiscordSettings;
use crate::rules::Keyword as _;

/// What the bot needs in a channel, no more.
const NEEDED: Permissions = Permissions::VIEW_CHANNEL
    .union(Permissions::SEND_MESSAGES)
    .union(Permissions::SEND_MESSAGES_IN_THREADS)
    .union(Permissions::CREATE_PUBLIC_THREADS)
    .union(Permissions::READ_MESSAGE_HISTORY)
    .union(Permissions::EMBED_LINKS);
/// Stands for the guild of direct messages.
const DIRECT: &str = "direct";

/// The key of a channel.
fn channel_key(guild: Option<u64>, channel: u64) -> ChannelKey {
    let workspace = guild.map_or_else(|| DIRECT.to_owned(), |guild| guild.to_string());
    ChannelKey { platform: Platform::Discord, workspace, channel: channel.to_string() }
}

/// The channels that the settings watch.
pub fn configured(settings: &DiscordSettings) -> Vec<(ChannelKey, ChannelSettings)> {
    let channel = |channel: &crate::config::DiscordChannel| {
        let key = ChannelKey {
            platform: Platform::Discord,
            workspace: channel.guild.clone(),
            channel: channel.channel.clone(),
        };
        let settings = ChannelSettings {
            scope: channel.scope.into(),
            mode: Mode::from_word(&channel.mode).unwrap_or(Mode::Answer),
            support_role: channel.support_role.clone(),
            cooldown: channel.cooldown.as_deref().and_then(Cooldown::parse),
        };
        (key, settings)
    };
    settings.channels.iter().map(channel).collect()
}
