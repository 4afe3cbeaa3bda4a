//! Buttons, and what they tell the bot.

use super::blocks::{Block, ButtonElement, Confirm, Element, Style, Text};
use super::ids::{Key, block_id, rules_value};
use crate::render::limits::{SLACK_ACTIONS, SLACK_BUTTON, SLACK_ID, SLACK_VALUE};
use crate::render::text::{cut, units};
use crate::reply::{Button, Offer, words};

/// A button; none if Slack could not carry what it is about.
pub(super) fn button(
    action_id: impl Into<String>,
    value: String,
    label: &str,
    style: Option<Style>,
) -> Option<ButtonElement> {
    let action_id = action_id.into();
    let fits = units(&action_id) <= SLACK_ID && units(&value) <= SLACK_VALUE;
    let text = Text::plain(cut(label, SLACK_BUTTON));
    fits.then_some(ButtonElement { text, action_id, value, style, confirm: None, accessibility_label: None })
}

/// Takes a reply away; asks first, because it is gone for everybody.
pub(super) fn remove(key: &Key) -> Option<ButtonElement> {
    let confirm = Confirm {
        title: Text::plain(words::slack::REMOVE_TITLE),
        text: Text::plain(words::slack::REMOVE_TEXT),
        confirm: Text::plain(words::REMOVE),
        deny: Text::plain(words::slack::KEEP),
        style: Style::Danger,
    };
    let button = button(Button::Remove.to_string(), key.to_string(), words::REMOVE, None)?;
    Some(ButtonElement { confirm: Some(confirm), ..button })
}

/// Reads everything of an answer that does not stand in full.
pub(super) fn steps(index: usize, value: String, several: bool) -> Option<ButtonElement> {
    let label = words::show_all_steps(several.then_some(index + 1));
    button(format!("{}:{index}", Button::Steps), value, &label, None)
}

/// Reads an offer; none if its rule has no sound id.
pub(super) fn read(index: usize, offer: &Offer) -> Option<ButtonElement> {
    let value = rules_value(std::iter::once(offer.rule.as_str()));
    let label = words::slack::READ;
    let button = (!value.is_empty()).then(|| button(format!("{}:{index}", Button::Show), value, label, None))??;
    let spoken = cut(&format!("{label}: {}", offer.title), SLACK_BUTTON);
    Some(ButtonElement { accessibility_label: Some(spoken), ..button })
}

/// Buttons below a post about a message, by which the post is found again.
pub(super) fn actions_about(part: &str, key: &Key, buttons: Vec<ButtonElement>) -> Option<Block> {
    let id = block_id(part, key);
    actions(buttons, (units(&id) <= SLACK_ID).then_some(id))
}

/// Buttons; nothing without any.
pub(super) fn actions(mut buttons: Vec<ButtonElement>, block_id: Option<String>) -> Option<Block> {
    buttons.truncate(SLACK_ACTIONS);
    let elements: Vec<Element> = buttons.into_iter().map(Element::Button).collect();
    (!elements.is_empty()).then_some(Block::Actions { block_id, elements })
}
