//! What people do with the parts of blocks: press, choose, fill in.

use serde_json::{Value, json};

use super::read::text_of;

/// A block and the element in it that fits.
pub(super) fn find_part(blocks: &[Value], fits: &dyn Fn(&Value) -> bool) -> Option<(Value, Value)> {
    for block in blocks {
        let elements = block["elements"].as_array().into_iter().flatten();
        let parts = elements.chain(block.get("accessory")).chain(block.get("element"));
        let found = parts.into_iter().find(|part| part.is_object() && fits(part));
        if let Some(part) = found {
            return Some((block.clone(), part.clone()));
        }
    }
    None
}

pub(super) fn has_label(part: &Value, label: &str) -> bool {
    let labelled = |text: &Value| text["text"] == label;
    labelled(&part["text"])
        || labelled(&part["positive_button"]["text"])
        || labelled(&part["negative_button"]["text"])
        || part["options"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|it| part["type"] == "overflow" && labelled(&it["text"]))
}

pub(super) fn pressed_action(block: &Value, part: &Value, label: &str) -> Value {
    let mut action = json!({
        "type": part["type"], "action_id": part["action_id"], "block_id": block["block_id"], "text": part["text"],
    });
    match part["type"].as_str() {
        Some("overflow") => {
            let options = part["options"].as_array().into_iter().flatten();
            let chosen = options.into_iter().find(|option| option["text"]["text"] == label);
            action["selected_option"] = chosen.cloned().unwrap_or_default();
        }
        Some("feedback_buttons") => {
            let positive = part["positive_button"]["text"]["text"] == label;
            let pressed = &part[if positive { "positive_button" } else { "negative_button" }];
            (action["text"], action["value"]) = (pressed["text"].clone(), pressed["value"].clone());
        }
        _ => {
            for name in ["value", "style", "url"] {
                if part[name].is_string() {
                    action[name] = part[name].clone();
                }
            }
        }
    }
    if action["action_id"].is_null() {
        // Slack names what the app left unnamed.
        action["action_id"] = "unnamed".into();
    }
    action.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    action
}

fn options(part: &Value) -> Vec<Value> {
    let groups = part["option_groups"].as_array().into_iter().flatten();
    let grouped = groups.flat_map(|group| group["options"].as_array().cloned().unwrap_or_default());
    part["options"].as_array().cloned().unwrap_or_default().into_iter().chain(grouped).collect()
}

fn option(part: &Value, value: &str) -> Value {
    let found = options(part).into_iter().find(|option| option["value"] == value);
    found.unwrap_or_else(|| panic!("no option {value} in {part}"))
}

/// The values of a modal's inputs: those that were filled in, and those that were there.
pub(super) fn filled(view: &Value, values: &Value) -> Value {
    let mut all = json!({});
    for block in view["blocks"].as_array().into_iter().flatten() {
        let parts = block["elements"].as_array().into_iter().flatten();
        let parts = parts.chain(block.get("element")).chain(block.get("accessory"));
        for part in parts.filter(|part| part["type"] != "button" && part["action_id"].is_string()) {
            let id = text_of(&part["action_id"]);
            let given = values.get(&id);
            let required = block["type"] == "input" && block["optional"] != true;
            let mut value = json!({"type": part["type"]});
            let kind = text_of(&part["type"]);
            let empty = match kind.as_str() {
                "plain_text_input" | "email_text_input" | "url_text_input" | "number_input" => {
                    let text = given.map_or_else(|| text_of(&part["initial_value"]), text_of);
                    let length = text.chars().count() as u64;
                    assert!(length <= part["max_length"].as_u64().unwrap_or(3000), "{id} is too long for the modal");
                    let min = part["min_length"].as_u64().unwrap_or(0);
                    assert!(text.is_empty() || length >= min, "{id} is too short for the modal");
                    value["value"] = if text.is_empty() { Value::Null } else { text.clone().into() };
                    text.is_empty()
                }
                "checkboxes" | "multi_static_select" => {
                    let given = given.and_then(Value::as_array);
                    let chosen = given.map(|list| list.iter().map(|it| option(part, &text_of(it))).collect::<Vec<_>>());
                    let chosen =
                        chosen.unwrap_or_else(|| part["initial_options"].as_array().cloned().unwrap_or_default());
                    value["selected_options"] = chosen.clone().into();
                    chosen.is_empty()
                }
                "static_select" | "radio_buttons" => {
                    let chosen = given.map(|it| option(part, &text_of(it)));
                    let chosen = chosen.unwrap_or_else(|| part["initial_option"].clone());
                    value["selected_option"] = chosen.clone();
                    chosen.is_null()
                }
                other => {
                    let what = other.trim_end_matches("_select").trim_start_matches("multi_").trim_end_matches('s');
                    let name = if other.starts_with("multi_") {
                        format!("selected_{what}s")
                    } else {
                        format!("selected_{what}")
                    };
                    let initial = part[name.replacen("selected", "initial", 1)].clone();
                    value[&name] = given.cloned().unwrap_or(initial);
                    value[&name].is_null()
                }
            };
            assert!(!(required && empty), "{id} is required");
            all[text_of(&block["block_id"])][&id] = value;
        }
    }
    for name in values.as_object().into_iter().flat_map(serde_json::Map::keys) {
        let there = all.as_object().into_iter().flatten().any(|(_, inside)| !inside[name].is_null());
        assert!(there, "the modal has no {name}");
    }
    all
}
