//! Block Kit: the parts of messages and views that this bot uses, as Slack's API takes them.

use serde::Serialize;

/// A block of a message or view. <https://docs.slack.dev/reference/block-kit/blocks>
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// Large and bold.
    Header {
        /// Plain text only.
        text: Text,
    },
    /// A paragraph, with a button at its right where there is one.
    Section {
        /// What it says.
        text: Text,
        /// The button.
        #[serde(skip_serializing_if = "Option::is_none")]
        accessory: Option<Element>,
    },
    /// Small print.
    Context {
        /// Names it, where the bot wants to find it again.
        #[serde(skip_serializing_if = "Option::is_none")]
        block_id: Option<String>,
        /// From left to right.
        elements: Vec<Text>,
    },
    /// Buttons.
    Actions {
        /// Names it, where the bot wants to find it again.
        #[serde(skip_serializing_if = "Option::is_none")]
        block_id: Option<String>,
        /// From left to right.
        elements: Vec<Element>,
    },
    /// Paragraphs, lists, quotations: text with structure, which Slack never parses.
    RichText {
        /// From top to bottom.
        elements: Vec<Rich>,
    },
    /// A line across.
    Divider {},
    /// A field to write into.
    Input {
        /// Names it in what is submitted.
        block_id: String,
        /// Tells when Enter is pressed in it rather than with the whole form.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        dispatch_action: bool,
        /// Above the field.
        label: Text,
        /// The field.
        element: Element,
        /// Below the field.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<Text>,
    },
}

/// A short text. <https://docs.slack.dev/reference/block-kit/composition-objects/text-object>
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Text {
    /// Shown as it is.
    PlainText {
        /// The words.
        text: String,
        /// Whether `:words:` between colons become pictures: never.
        emoji: bool,
    },
    /// In Slack's own markup.
    Mrkdwn {
        /// The words.
        text: String,
        /// Whether Slack leaves addresses and names of channels alone: always.
        verbatim: bool,
    },
}

impl Text {
    /// Text that is shown as it is.
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::PlainText { text: text.into(), emoji: false }
    }

    /// Text in Slack's markup, escaped by who made it.
    pub(super) fn mrkdwn(text: impl Into<String>) -> Self {
        Self::Mrkdwn { text: text.into(), verbatim: true }
    }
}

/// Something to press or to write into. <https://docs.slack.dev/reference/block-kit/block-elements>
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Element {
    /// A button.
    Button(ButtonElement),
    /// A field for text.
    PlainTextInput {
        /// What it is for.
        action_id: String,
        /// Several lines high.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        multiline: bool,
        /// The longest text that it takes.
        max_length: usize,
        /// Shown while it is empty.
        placeholder: Text,
        /// When the bot is told, where it is not with the whole form.
        #[serde(skip_serializing_if = "Option::is_none")]
        dispatch_action_config: Option<DispatchConfig>,
    },
}

/// When a field tells what stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DispatchConfig {
    /// Slack's words for the occasions.
    pub trigger_actions_on: Vec<String>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ButtonElement {
    /// The words on it.
    pub text: Text,
    /// What it does; see [`super::pressed`].
    pub action_id: String,
    /// What it is about; see [`super::pressed`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// `primary` or `danger`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
    /// Asked before it does anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// Read aloud instead of the words on it, where those need what stands beside them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accessibility_label: Option<String>,
}

/// How much a button asks to be pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Green.
    Primary,
    /// Red.
    Danger,
}

/// A question before something is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confirm {
    /// The question in short.
    pub title: Text,
    /// What will happen.
    pub text: Text,
    /// The button that does it.
    pub confirm: Text,
    /// The button that does not.
    pub deny: Text,
    /// The look of the button that does it.
    pub style: Style,
}

/// A part of a rich text. <https://docs.slack.dev/reference/block-kit/blocks/rich-text-block>
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Rich {
    /// A paragraph.
    RichTextSection {
        /// Its words.
        elements: Vec<Inline>,
    },
    /// A list.
    RichTextList {
        /// `bullet` or `ordered`.
        style: ListStyle,
        /// How many numbers the first item is ahead of 1.
        #[serde(skip_serializing_if = "is_zero")]
        offset: usize,
        /// Items: each a [`Rich::RichTextSection`].
        elements: Vec<Rich>,
    },
    /// Text to be compared letter by letter.
    RichTextPreformatted {
        /// Its words.
        elements: Vec<Inline>,
    },
}

/// The marks of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ListStyle {
    /// Points.
    Bullet,
    /// Numbers.
    Ordered,
}

/// Words of a rich text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Inline {
    /// Words with one look.
    Text {
        /// The words; Slack shows them as they are.
        text: String,
        /// Their look.
        #[serde(skip_serializing_if = "Option::is_none")]
        style: Option<TextStyle>,
    },
    /// Words that lead somewhere.
    Link {
        /// Where.
        url: String,
        /// The words.
        text: String,
        /// Their look.
        #[serde(skip_serializing_if = "Option::is_none")]
        style: Option<TextStyle>,
    },
}

/// The look of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TextStyle {
    /// Console paths, names of buttons.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bold: bool,
    /// Stressed words.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub italic: bool,
    /// To be typed or compared literally.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub code: bool,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}
