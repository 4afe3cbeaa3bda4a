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
/// Blocks of a Slack message. <https://docs.slack.dev/reference/block-kit/blocks>
pub const SLACK_BLOCKS: usize = 50;
/// All blocks of a Slack message together, in bytes of their JSON. Slack has no documented number; it
/// refuses with `msg_blocks_too_long` from about 13,200 on, the containers counted in:
/// <https://github.com/slackapi/bolt-js/issues/2509>, <https://github.com/slackapi/bolt-js/issues/2867>.
pub const SLACK_BLOCKS_TOTAL: usize = 12_000;
/// The text of a Slack message, as Slack recommends it. <https://docs.slack.dev/reference/methods/chat.postMessage>
pub const SLACK_TEXT: usize = 4_000;
/// The text of a Slack header block. <https://docs.slack.dev/reference/block-kit/blocks/header-block>
pub const SLACK_HEADER: usize = 150;
/// Texts side by side in a Slack context block. <https://docs.slack.dev/reference/block-kit/blocks/context-block>
pub const SLACK_CONTEXT: usize = 10;
/// Any text object on Slack. <https://docs.slack.dev/reference/block-kit/composition-objects/text-object>
pub const SLACK_TEXT_OBJECT: usize = 3_000;
/// Buttons in a Slack actions block. <https://docs.slack.dev/reference/block-kit/blocks/actions-block>
pub const SLACK_ACTIONS: usize = 25;
/// The words on a Slack button. <https://docs.slack.dev/reference/block-kit/block-elements/button-element>
pub const SLACK_BUTTON: usize = 75;
/// What a Slack button tells the bot when it is pressed.
pub const SLACK_VALUE: usize = 2_000;
/// An `action_id`, a `block_id` or a `callback_id` on Slack.
pub const SLACK_ID: usize = 255;
/// An address on Slack.
pub const SLACK_URL: usize = 3_000;
/// The title of a question before a press on Slack. <https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object>
pub const SLACK_CONFIRM_TITLE: usize = 100;
/// The text of a question before a press on Slack.
pub const SLACK_CONFIRM_TEXT: usize = 300;
/// The buttons of a question before a press on Slack.
pub const SLACK_CONFIRM_BUTTON: usize = 30;
/// What a Slack text field takes. <https://docs.slack.dev/reference/block-kit/block-elements/plain-text-input-element>
pub const SLACK_INPUT: usize = 3_000;
/// What stands in an empty Slack text field.
pub const SLACK_PLACEHOLDER: usize = 150;
/// The label and the hint of a Slack field. <https://docs.slack.dev/reference/block-kit/blocks/input-block>
pub const SLACK_INPUT_LABEL: usize = 2_000;
/// Blocks of a Slack view. <https://docs.slack.dev/reference/views>
pub const SLACK_VIEW_BLOCKS: usize = 100;
/// A whole Slack view, in bytes of its JSON. <https://docs.slack.dev/reference/methods/views.publish>
pub const SLACK_VIEW_TOTAL: usize = 250_000;
/// The title of a Slack window, and the words on its buttons.
pub const SLACK_VIEW_TITLE: usize = 24;
/// What a Slack view remembers for the bot.
pub const SLACK_METADATA: usize = 3_000;
/// The longest escape of one captured character: `&amp;` on Slack.
pub const ESCAPE_MAX: usize = 5;
