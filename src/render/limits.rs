//! What the platforms accept, in characters.

/// Discord thread name: 1 to 100. <https://docs.discord.com/developers/topics/threads>
pub const DISCORD_THREAD_NAME: usize = 100;
/// All embeds of a Discord message together. <https://docs.discord.com/developers/resources/message#embed-object-embed-limits>
pub const DISCORD_EMBEDS_TOTAL: usize = 6_000;
/// The words of a Discord message. <https://docs.discord.com/developers/resources/message#create-message>
pub const DISCORD_CONTENT: usize = 2_000;
/// Embeds of a Discord message.
pub const DISCORD_EMBEDS: usize = 10;
/// The title of a Discord embed.
pub const DISCORD_TITLE: usize = 256;
/// The description of a Discord embed.
pub const DISCORD_DESCRIPTION: usize = 4_096;
/// Buttons side by side on Discord. <https://docs.discord.com/developers/components/reference>
pub const DISCORD_ROW: usize = 5;
/// The words on a Discord button.
pub const DISCORD_LABEL: usize = 80;
/// What a Discord button tells the bot when it is pressed.
pub const DISCORD_CUSTOM_ID: usize = 100;
/// The text of a Slack section block. <https://docs.slack.dev/reference/block-kit/blocks/section-block>
pub const SLACK_SECTION: usize = 3_000;
/// The longest escape of one captured character: `&amp;` on Slack.
pub const ESCAPE_MAX: usize = 5;
