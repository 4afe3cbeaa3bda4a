//! What the bot may do in a channel.

use serenity::http::{LightMethod, Route};
use serenity::model::Permissions;
use serenity::model::channel::GuildChannel;
use serenity::model::guild::{Member, PartialGuild};
use serenity::model::id::{ChannelId, GuildId};

use super::rest::{CallError, Rest};

/// Why it cannot be told what the bot may do.
pub(super) enum Unseen {
    /// The bot is not on the server, or the server cannot be read.
    Guild,
    /// The bot does not see the channel.
    Channel,
}

/// A channel with what the bot may do in it.
pub(super) async fn own(
    rest: &Rest,
    guild_id: GuildId,
    channel_id: ChannelId,
) -> Result<(GuildChannel, Permissions), Unseen> {
    let get = |route| rest.call(LightMethod::Get, route, None::<&()>, &[]);
    let guild = get(Route::Guild { guild_id }).await.map_err(|_| Unseen::Guild)?;
    let guild: PartialGuild = serde_json::from_value(guild).map_err(|_| Unseen::Guild)?;
    let channel = get(Route::Channel { channel_id }).await.map_err(|_| Unseen::Channel)?;
    let channel: GuildChannel = serde_json::from_value(channel).map_err(|_| Unseen::Channel)?;
    let member = member(rest, guild_id).await.map_err(|_| Unseen::Channel)?;
    let may = guild.user_permissions_in(&channel, &member);
    Ok((channel, may))
}

/// The bot as a member of a server.
async fn member(rest: &Rest, guild_id: GuildId) -> Result<Member, CallError> {
    let user_id = rest.me().await?;
    let mut member = rest.call(LightMethod::Get, Route::GuildMember { guild_id, user_id }, None::<&()>, &[]).await?;
    // Discord does not repeat it, and serenity needs it.
    member["guild_id"] = guild_id.to_string().into();
    serde_json::from_value(member).map_err(|error| CallError::Unreachable(format!("an odd member: {error}")))
}
