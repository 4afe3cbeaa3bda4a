//! Refuses what Slack would refuse, and what would be live although it was captured.
//!
//! Written from Slack's reference of blocks, elements and composition objects, independently of the
//! renderer: it reads JSON only and has its own numbers.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::Payload;

/// What Slack takes of all blocks of a message, as people measured it.
const BLOCKS_TOTAL: usize = 13_200;

/// A message that can be posted and that mentions nobody but its own people.
pub(super) fn check(payload: &Payload) {
    let json = json!(payload);
    let object = fields(&json, &["text", "blocks", "unfurl_links", "unfurl_media"], &[]);
    assert!(object["unfurl_links"] == false && object["unfurl_media"] == false);
    let text = object["text"].as_str().expect("a text");
    assert!(!text.trim().is_empty() && characters(text) <= 4_000, "{text}");
    markup(text, true);
    assert!(!text.contains(['*', '~', '`', '\n']) && !text.contains("://"), "{text}");
    for mention in ["@here", "@channel", "@everyone", "#general", "evil.example"] {
        assert!(!text.contains(mention), "{text}");
    }
    blocks(&json["blocks"], 50, false);
    let total = json["blocks"].to_string().len();
    assert!(total <= BLOCKS_TOTAL, "{total}");
}

/// A view that can be opened or published.
pub(super) fn check_view(view: &Value) {
    let modal = view["type"] == "modal";
    if modal {
        fields(view, &["type", "title", "close", "blocks"], &["callback_id", "submit", "private_metadata"]);
        plain(&view["title"], 24);
        plain(&view["close"], 24);
    } else {
        assert_eq!(view["type"], "home");
        fields(view, &["type", "blocks"], &["callback_id", "private_metadata"]);
    }
    if view.get("submit").is_some() {
        plain(&view["submit"], 24);
    }
    let inputs = list(&view["blocks"]).iter().any(|block| block["type"] == "input");
    assert!(!modal || !inputs || view.get("submit").is_some(), "a window with fields needs a button that sends them");
    assert!(characters(view["private_metadata"].as_str().unwrap_or_default()) <= 3_000);
    assert!(characters(view["callback_id"].as_str().unwrap_or_default()) <= 255);
    blocks(&view["blocks"], 100, true);
    assert!(view.to_string().len() <= 250_000);
}

/// Every inline element of rich text, with `preformatted` added where it is.
pub(super) fn inlines(blocks: &Value) -> Vec<Value> {
    fn walk(part: &Value, preformatted: bool, found: &mut Vec<Value>) {
        for element in list(&part["elements"]) {
            if element["elements"].is_array() {
                walk(element, element["type"] == "rich_text_preformatted", found);
            } else {
                let mut element = element.clone();
                element["preformatted"] = json!(preformatted);
                found.push(element);
            }
        }
    }
    let mut found = Vec::new();
    for block in list(blocks).iter().filter(|block| block["type"] == "rich_text") {
        walk(block, false, &mut found);
    }
    found
}

fn blocks(blocks: &Value, max: usize, view: bool) {
    let blocks = list(blocks);
    assert!((1..=max).contains(&blocks.len()), "{} blocks", blocks.len());
    let mut ids = BTreeSet::new();
    for block in blocks {
        if let Some(id) = block.get("block_id") {
            let id = id.as_str().expect("text");
            assert!((1..=255).contains(&characters(id)) && ids.insert(id), "{id}");
        }
        match block["type"].as_str().expect("a type") {
            "header" => {
                fields(block, &["type", "text"], &["block_id"]);
                plain(&block["text"], 150);
            }
            "section" => {
                fields(block, &["type", "text"], &["block_id", "accessory"]);
                text(&block["text"], 3_000);
                if block.get("accessory").is_some() {
                    button(&block["accessory"]);
                }
            }
            "context" => {
                fields(block, &["type", "elements"], &["block_id"]);
                let elements = list(&block["elements"]);
                assert!((1..=10).contains(&elements.len()));
                elements.iter().for_each(|element| text(element, 3_000));
            }
            "actions" => {
                fields(block, &["type", "elements"], &["block_id"]);
                let elements = list(&block["elements"]);
                assert!((1..=25).contains(&elements.len()));
                let mut actions = BTreeSet::new();
                for element in elements {
                    button(element);
                    assert!(actions.insert(element["action_id"].to_string()), "{element}");
                }
            }
            "rich_text" => {
                fields(block, &["type", "elements"], &["block_id"]);
                let elements = list(&block["elements"]);
                assert!(!elements.is_empty());
                elements.iter().for_each(rich);
            }
            "divider" => {
                fields(block, &["type"], &["block_id"]);
            }
            "input" => {
                assert!(view, "fields stand in views only here");
                fields(block, &["type", "label", "element", "block_id"], &["hint", "dispatch_action", "optional"]);
                plain(&block["label"], 2_000);
                if block.get("hint").is_some() {
                    plain(&block["hint"], 2_000);
                }
                field(&block["element"]);
            }
            other => panic!("no such block: {other}"),
        }
    }
}

fn rich(part: &Value) {
    match part["type"].as_str().expect("a type") {
        "rich_text_section" => {
            fields(part, &["type", "elements"], &[]);
            assert!(!list(&part["elements"]).is_empty());
            list(&part["elements"]).iter().for_each(|element| inline(element, true));
        }
        "rich_text_list" => {
            fields(part, &["type", "style", "elements"], &["offset", "indent", "border"]);
            assert!(part["style"] == "bullet" || part["style"] == "ordered");
            assert!(part.get("offset").is_none_or(|offset| offset.as_u64().is_some_and(|offset| offset < 10_000)));
            assert!(!list(&part["elements"]).is_empty());
            for item in list(&part["elements"]) {
                assert_eq!(item["type"], "rich_text_section");
                rich(item);
            }
        }
        "rich_text_preformatted" => {
            fields(part, &["type", "elements"], &["border"]);
            assert!(!list(&part["elements"]).is_empty());
            list(&part["elements"]).iter().for_each(|element| inline(element, false));
        }
        other => panic!("no such rich text: {other}"),
    }
}

/// Words, or a link of the rule's. There are elements for mentions, pictures and dates: none is used.
fn inline(element: &Value, styled: bool) {
    let optional: &[&str] = if styled { &["style"] } else { &[] };
    match element["type"].as_str().expect("a type") {
        "text" => {
            fields(element, &["type", "text"], optional);
        }
        "link" => {
            fields(element, &["type", "url", "text"], optional);
            let url = element["url"].as_str().expect("text");
            assert!(url.starts_with("https://example.com/") || !url.contains("evil"), "{url}");
            assert!(url.starts_with("http") && characters(url) <= 3_000 && !url.contains([' ', '<', '>', '|', '"']));
        }
        other => panic!("no such element here: {other}"),
    }
    let text = element["text"].as_str().expect("text");
    assert!((1..=3_000).contains(&characters(text)), "{} characters", characters(text));
    seen(text);
    if let Some(style) = element.get("style") {
        let style = fields(style, &[], &["bold", "italic", "strike", "code"]);
        assert!(!style.is_empty() && style.values().all(|value| *value == true));
    }
}

fn button(element: &Value) {
    fields(element, &["type", "text", "action_id"], &["value", "style", "confirm", "accessibility_label", "url"]);
    assert_eq!(element["type"], "button");
    plain(&element["text"], 75);
    assert!((1..=255).contains(&characters(element["action_id"].as_str().expect("text"))));
    if let Some(value) = element.get("value") {
        assert!((1..=2_000).contains(&characters(value.as_str().expect("text"))));
    }
    if let Some(label) = element.get("accessibility_label") {
        assert!((1..=75).contains(&characters(label.as_str().expect("text"))));
    }
    if let Some(style) = element.get("style") {
        assert!(style == "primary" || style == "danger");
    }
    if let Some(confirm) = element.get("confirm") {
        fields(confirm, &["title", "text", "confirm", "deny"], &["style"]);
        plain(&confirm["title"], 100);
        plain(&confirm["text"], 300);
        plain(&confirm["confirm"], 30);
        plain(&confirm["deny"], 30);
    }
}

fn field(element: &Value) {
    fields(element, &["type", "action_id"], &["multiline", "max_length", "placeholder", "dispatch_action_config"]);
    assert_eq!(element["type"], "plain_text_input");
    assert!((1..=3_000).contains(&element["max_length"].as_u64().expect("a number")));
    plain(&element["placeholder"], 150);
    if let Some(config) = element.get("dispatch_action_config") {
        fields(config, &["trigger_actions_on"], &[]);
        let occasions = list(&config["trigger_actions_on"]);
        assert!(occasions.iter().all(|on| on == "on_enter_pressed" || on == "on_character_entered"));
    }
}

fn plain(value: &Value, max: usize) {
    assert_eq!(value["type"], "plain_text", "{value}");
    text(value, max);
}

fn text(value: &Value, max: usize) {
    let words = value["text"].as_str().expect("text");
    assert!(!words.trim().is_empty() && characters(words) <= max, "{words}");
    seen(words);
    if value["type"] == "plain_text" {
        fields(value, &["type", "text"], &["emoji"]);
        assert_eq!(value["emoji"], false, "{value}");
    } else {
        assert_eq!(value["type"], "mrkdwn");
        fields(value, &["type", "text"], &["verbatim"]);
        assert_eq!(value["verbatim"], true, "{value}");
        markup(words, false);
    }
}

/// Nothing is live but what the renderer makes: its links, its people, its team, its dates, its channels.
fn markup(text: &str, team_only: bool) {
    let mut rest = text;
    let mut plain = String::new();
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let (inside, after) = after.split_once('>').unwrap_or_else(|| panic!("an open bracket: {text}"));
        let own = match inside.split_once('|') {
            _ if inside == "!subteam^S077" || inside == "!subteam^S0SUPPORT" || inside == "@U042" => true,
            _ if team_only => false,
            Some((url, label)) if url.starts_with("http") => {
                !url.contains("evil") && !label.contains(['<', '&', '*', '_', '`']) && !url.contains([' ', '|'])
            }
            Some((date, _)) => date == "!date^1795000000^{date_short_pretty} at {time}",
            None => inside
                .strip_prefix("#")
                .is_some_and(|id| id.starts_with(['C', 'G']) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())),
        };
        assert!(own, "<{inside}> is live in {text}");
        rest = after;
    }
    plain.push_str(rest);
    assert!(!plain.contains('>'), "{text}");
    let without_entities = plain.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    assert!(!without_entities.contains('&'), "{text}");
    if !team_only {
        assert!(!plain.contains(['*', '_', '~', '`']) && !plain.contains("evil"), "{text}");
    }
}

fn seen(text: &str) {
    let hidden = ['\u{202e}', '\u{200d}', '\u{200b}', '\u{7}', '\r'];
    assert!(!text.contains(hidden), "{text:?}");
}

/// The fields of an object: all that it must have, and no other than it may have.
fn fields<'v>(value: &'v Value, required: &[&str], optional: &[&str]) -> &'v Map<String, Value> {
    let object = value.as_object().unwrap_or_else(|| panic!("no object: {value}"));
    for name in required {
        assert!(object.contains_key(*name), "{name} is missing in {value}");
    }
    for name in object.keys() {
        assert!(required.contains(&name.as_str()) || optional.contains(&name.as_str()), "{name} in {value}");
    }
    object
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// As JavaScript counts them, which is never less than characters.
fn characters(text: &str) -> usize {
    text.encode_utf16().count()
}
