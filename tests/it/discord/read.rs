//! Messages as a person sees them.

use serde_json::Value;

use super::state::Message;

pub(super) fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The parts of a message that can be used.
pub(super) fn parts(message: &Message) -> impl Iterator<Item = &Value> {
    message.components.iter().flat_map(|row| row["components"].as_array().into_iter().flatten())
}

/// A message as a person reads it.
pub(crate) fn readable(message: &Message) -> String {
    let mut lines = vec![message.content.clone()];
    for embed in &message.embeds {
        lines.push(text_of(&embed["title"]));
        lines.push(text_of(&embed["description"]));
        for field in embed["fields"].as_array().into_iter().flatten() {
            lines.push(text_of(&field["name"]));
            lines.push(text_of(&field["value"]));
        }
        lines.push(text_of(&embed["footer"]["text"]));
    }
    for row in &message.components {
        let labels = row["components"].as_array().into_iter().flatten().map(|part| {
            let label = if part["type"] == 2 { &part["label"] } else { &part["placeholder"] };
            let off = if part["disabled"] == true { " (off)" } else { "" };
            format!("[{}]{off}", text_of(label))
        });
        lines.push(labels.collect::<Vec<_>>().join(" "));
    }
    if message.is_ephemeral() {
        lines.push("(only you see this)".to_owned());
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}
