//! Buttons below a message, and what they tell the bot.

use serde::Serialize;

use super::markdown::{clean, units};
use crate::render::limits::{DISCORD_CUSTOM_ID, DISCORD_LABEL, DISCORD_ROW};
use crate::reply::Button;

/// Buttons side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionRow {
    /// Discord's number for a row.
    #[serde(rename = "type")]
    pub kind: u8,
    /// From left to right.
    pub components: Vec<ButtonComponent>,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ButtonComponent {
    /// Discord's number for a button.
    #[serde(rename = "type")]
    pub kind: u8,
    /// Discord's number for its colour.
    pub style: u8,
    /// The words on it.
    pub label: String,
    /// What comes back when it is pressed: the [`Button`]'s word, then `:` and what it is about.
    pub custom_id: String,
}

/// How much a button asks to be pressed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    Primary = 1,
    Secondary = 2,
    Success = 3,
    Danger = 4,
}

/// A button about something; none if Discord could not carry what it is about.
pub(super) fn button(button: Button, about: &str, label: &str, style: Style) -> Option<ButtonComponent> {
    let custom_id = if about.is_empty() { button.to_string() } else { format!("{button}:{about}") };
    let label = clean(label);
    (units(&custom_id) <= DISCORD_CUSTOM_ID && units(&label) <= DISCORD_LABEL).then_some(ButtonComponent {
        kind: 2,
        style: style as u8,
        label,
        custom_id,
    })
}

/// Buttons in rows; each group starts its own, and no button comes twice.
pub(super) fn rows(groups: [Vec<ButtonComponent>; 2]) -> Vec<ActionRow> {
    let mut seen = std::collections::BTreeSet::new();
    let mut rows = Vec::new();
    for mut group in groups {
        group.retain(|button| seen.insert(button.custom_id.clone()));
        group.truncate(DISCORD_ROW);
        if !group.is_empty() {
            rows.push(ActionRow { kind: 1, components: group });
        }
    }
    rows
}
