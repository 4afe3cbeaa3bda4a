//! What the platforms accept, in characters.

/// Discord thread name: 1 to 100. <https://docs.discord.com/developers/topics/threads>
pub const DISCORD_THREAD_NAME: usize = 100;
/// All embeds of a Discord message together. <https://docs.discord.com/developers/resources/message#embed-object-embed-limits>
pub const DISCORD_EMBEDS_TOTAL: usize = 6_000;
/// The text of a Slack section block. <https://docs.slack.dev/reference/block-kit/blocks/section-block>
pub const SLACK_SECTION: usize = 3_000;
/// The longest escape of one captured character: `&amp;` on Slack.
pub const ESCAPE_MAX: usize = 5;
