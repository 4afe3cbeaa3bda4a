//! Block Kit's limits, checked as Slack checks them: everything wrong is named in one refusal.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::web::Refusal;

const MESSAGE_BLOCKS_MAX: usize = 50;
const VIEW_BLOCKS_MAX: usize = 100;
/// Not documented; observed (slackapi/bolt-js#2509).
const TEXT_TOTAL_MAX: usize = 13_200;
/// Of all `markdown` blocks of a message together.
const MARKDOWN_TOTAL_MAX: usize = 12_000;
const TABLE_TEXT_MAX: usize = 10_000;
/// A view as JSON.
const VIEW_BYTES_MAX: usize = 250_000;

/// Where blocks stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Surface {
    Message,
    Modal,
    Home,
}

/// What is wrong, with a pointer to it.
#[derive(Default)]
struct Problems {
    all: Vec<(String, String)>,
    markdown: usize,
    tables: usize,
}

impl Problems {
    fn add(&mut self, at: &str, message: impl Into<String>) {
        self.all.push((at.to_owned(), message.into()));
    }

    /// A text of `min` to `max` characters; null and absence are fine unless `min` is above zero.
    fn text(&mut self, at: &str, of: &Value, name: &str, min: usize, max: usize) -> usize {
        match &of[name] {
            Value::Null if min == 0 => 0,
            Value::Null => {
                self.add(at, format!("missing required field: {name}"));
                0
            }
            Value::String(text) => {
                let length = text.chars().count();
                let at = format!("{at}/{name}");
                if length < min {
                    self.add(&at, format!("must be more than {} characters", min - 1));
                }
                if length > max {
                    self.add(&at, format!("must be less than {} characters", max + 1));
                }
                length
            }
            _ => {
                self.add(&format!("{at}/{name}"), "must provide a string");
                0
            }
        }
    }

    /// A text object; `plain` says that it must be one of plain text.
    fn text_object(&mut self, at: &str, of: &Value, name: &str, plain: bool, required: bool, max: usize) {
        let object = &of[name];
        if object.is_null() {
            if required {
                self.add(at, format!("missing required field: {name}"));
            }
            return;
        }
        let at = format!("{at}/{name}");
        match object["type"].as_str() {
            Some("plain_text") => self.fields(&at, object, &["type", "text", "emoji"]),
            Some("mrkdwn") if !plain => self.fields(&at, object, &["type", "text", "verbatim"]),
            Some(other) => self.add(&format!("{at}/type"), format!("unsupported type: {other}")),
            None => self.add(&at, "missing required field: type"),
        }
        self.text(&at, object, "text", 1, max);
    }

    /// A list of `min` to `max`.
    fn list<'a>(&mut self, at: &str, of: &'a Value, name: &str, min: usize, max: usize) -> &'a [Value] {
        match &of[name] {
            Value::Null if min == 0 => &[],
            Value::Null => {
                self.add(at, format!("missing required field: {name}"));
                &[]
            }
            Value::Array(list) => {
                let at = format!("{at}/{name}");
                if list.len() < min {
                    self.add(&at, format!("no fewer than {min} items required"));
                }
                if list.len() > max {
                    self.add(&at, format!("no more than {max} items allowed"));
                }
                list
            }
            _ => {
                self.add(&format!("{at}/{name}"), "must provide an array");
                &[]
            }
        }
    }

    /// Slack takes nothing that it does not know.
    fn fields(&mut self, at: &str, object: &Value, known: &[&str]) {
        for name in object.as_object().into_iter().flat_map(serde_json::Map::keys) {
            if !known.contains(&name.as_str()) {
                self.add(at, format!("invalid additional property: {name}"));
            }
        }
    }

    fn flag(&mut self, at: &str, of: &Value, name: &str) {
        if !of[name].is_null() && !of[name].is_boolean() {
            self.add(&format!("{at}/{name}"), "must provide a boolean");
        }
    }

    fn link(&mut self, at: &str, of: &Value, name: &str, required: bool) {
        self.text(at, of, name, usize::from(required), 3000);
        let url = of[name].as_str();
        if url.is_some_and(|url| !url.is_empty() && reqwest::Url::parse(url).is_err()) {
            self.add(&format!("{at}/{name}"), "must be a valid URL");
        }
    }

    /// Messages of the kind that `response_metadata` holds.
    fn said(&self) -> Vec<String> {
        self.all.iter().map(|(at, message)| format!("{message} [json-pointer:{at}]")).collect()
    }

    fn verdict(self, error: &str) -> Result<(), Refusal> {
        if self.all.is_empty() {
            return Ok(());
        }
        let said = self.said();
        let messages: Vec<String> = said.iter().map(|message| format!("[ERROR] {message}")).collect();
        Err(Refusal::with(error, json!({"errors": said, "response_metadata": {"messages": messages}})))
    }
}

/// The blocks of a message.
pub(super) fn message(blocks: &[Value]) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    all(&mut problems, blocks, Surface::Message, MESSAGE_BLOCKS_MAX, "/blocks");
    problems.verdict("invalid_blocks")?;
    if total(&Value::from(blocks.to_vec())) > TEXT_TOTAL_MAX {
        return Err("msg_blocks_too_long".into());
    }
    Ok(())
}

/// Characters in all texts.
fn total(value: &Value) -> usize {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(name, inside)| match inside {
                Value::String(text) if matches!(name.as_str(), "text" | "alt_text") => text.chars().count(),
                inside => total(inside),
            })
            .sum(),
        Value::Array(list) => list.iter().map(total).sum(),
        _ => 0,
    }
}

/// A modal or a Home tab, as `kind` says.
pub(super) fn view(view: &Value, kind: &str) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    let surface = if kind == "home" { Surface::Home } else { Surface::Modal };
    if view["type"] != kind {
        problems.add("/view/type", format!("must be {kind}"));
    }
    let mut known = vec!["type", "blocks", "private_metadata", "callback_id", "external_id"];
    if surface == Surface::Modal {
        known.extend(["title", "close", "submit", "clear_on_close", "notify_on_close", "submit_disabled"]);
        problems.text_object("/view", view, "title", true, true, 24);
        problems.text_object("/view", view, "close", true, false, 24);
        problems.text_object("/view", view, "submit", true, false, 24);
    }
    problems.fields("/view", view, &known);
    problems.text("/view", view, "private_metadata", 0, 3000);
    problems.text("/view", view, "callback_id", 0, 255);
    problems.text("/view", view, "external_id", 0, 255);
    let blocks = problems.list("/view", view, "blocks", 0, VIEW_BLOCKS_MAX).to_vec();
    if !view["blocks"].is_array() {
        problems.add("/view", "missing required field: blocks");
    }
    all(&mut problems, &blocks, surface, VIEW_BLOCKS_MAX, "/view/blocks");
    let inputs = blocks.iter().any(|block| block["type"] == "input");
    if inputs && surface == Surface::Modal && view["submit"].is_null() {
        problems.add("/view", "missing required field: submit");
    }
    if view.to_string().len() > VIEW_BYTES_MAX {
        return Err("view_too_large".into());
    }
    problems.verdict("invalid_arguments")
}

fn all(problems: &mut Problems, blocks: &[Value], surface: Surface, max: usize, root: &str) {
    if blocks.len() > max {
        problems.add(root, format!("no more than {max} items allowed"));
    }
    let mut ids = HashSet::new();
    let mut actions = HashSet::new();
    for (index, block) in blocks.iter().enumerate() {
        let at = format!("{root}/{index}");
        one(problems, block, surface, &at);
        let id = block["block_id"].as_str().filter(|id| !id.is_empty());
        if id.is_some_and(|id| !ids.insert(id.to_owned())) {
            problems.add(&format!("{at}/block_id"), "`block_id` already exists");
        }
        // Within a block an action's name is one of its own.
        actions.clear();
        unique_actions(problems, block, &mut actions, &at);
    }
    if problems.tables > 1 {
        problems.add(root, "only one table is allowed");
    }
    if problems.markdown > MARKDOWN_TOTAL_MAX {
        problems.add(root, format!("must be less than {} characters", MARKDOWN_TOTAL_MAX + 1));
    }
}

fn unique_actions(problems: &mut Problems, value: &Value, known: &mut HashSet<String>, at: &str) {
    match value {
        Value::Object(object) => {
            let action = object.get("action_id").and_then(Value::as_str).filter(|id| !id.is_empty());
            if action.is_some_and(|action| !known.insert(action.to_owned())) {
                problems.add(&format!("{at}/action_id"), "`action_id` already exists");
            }
            for (name, inside) in object {
                unique_actions(problems, inside, known, &format!("{at}/{name}"));
            }
        }
        Value::Array(list) => {
            for (index, inside) in list.iter().enumerate() {
                unique_actions(problems, inside, known, &format!("{at}/{index}"));
            }
        }
        _ => {}
    }
}

fn one(problems: &mut Problems, block: &Value, surface: Surface, at: &str) {
    let Some(kind) = block["type"].as_str() else {
        return problems.add(at, "missing required field: type");
    };
    problems.text(at, block, "block_id", 0, 255);
    let (known, surfaces): (&[&str], &[Surface]) = match kind {
        "actions" => (&["elements"], &[Surface::Message, Surface::Modal, Surface::Home]),
        "context" => (&["elements"], &[Surface::Message, Surface::Modal, Surface::Home]),
        "context_actions" => (&["elements"], &[Surface::Message]),
        "divider" => (&[], &[Surface::Message, Surface::Modal, Surface::Home]),
        "header" => (&["text", "level"], &[Surface::Message, Surface::Modal, Surface::Home]),
        "image" => {
            (&["image_url", "slack_file", "alt_text", "title"], &[Surface::Message, Surface::Modal, Surface::Home])
        }
        "input" => (
            &["label", "element", "dispatch_action", "hint", "optional"],
            &[Surface::Message, Surface::Modal, Surface::Home],
        ),
        "markdown" => (&["text"], &[Surface::Message]),
        "rich_text" => (&["elements"], &[Surface::Message, Surface::Modal, Surface::Home]),
        "section" => (&["text", "fields", "accessory", "expand"], &[Surface::Message, Surface::Modal, Surface::Home]),
        "table" => (&["rows", "column_settings"], &[Surface::Message]),
        other => return problems.add(&format!("{at}/type"), format!("unsupported type: {other}")),
    };
    if !surfaces.contains(&surface) {
        return problems.add(&format!("{at}/type"), format!("unsupported type: {kind}"));
    }
    problems.fields(at, block, &[known, &["type", "block_id"]].concat());
    match kind {
        "actions" => {
            for (index, part) in problems.list(at, block, "elements", 1, 25).iter().enumerate() {
                let allowed = [BUTTONS, CHOICES, SELECTS, MULTI_SELECTS, TIMES].concat();
                element(problems, part, &allowed, &format!("{at}/elements/{index}"));
            }
        }
        "context" => {
            for (index, part) in problems.list(at, block, "elements", 1, 10).iter().enumerate() {
                let inside = format!("{at}/elements/{index}");
                if part["type"] == "image" {
                    image(problems, part, &inside);
                } else {
                    let holder = json!({"element": part});
                    problems.text_object(&inside, &holder, "element", false, true, 3000);
                }
            }
        }
        "context_actions" => {
            for (index, part) in problems.list(at, block, "elements", 1, 5).iter().enumerate() {
                element(problems, part, &["feedback_buttons", "icon_button"], &format!("{at}/elements/{index}"));
            }
        }
        "header" => problems.text_object(at, block, "text", true, true, 150),
        "image" => {
            image_source(problems, block, at);
            problems.text(at, block, "alt_text", 1, 2000);
            problems.text_object(at, block, "title", true, false, 2000);
        }
        "input" => input(problems, block, surface, at),
        "markdown" => problems.markdown += problems.text(at, block, "text", 1, MARKDOWN_TOTAL_MAX),
        "rich_text" => rich_text(problems, block, at),
        "section" => section(problems, block, at),
        "table" => table(problems, block, at),
        _ => {}
    }
}

fn section(problems: &mut Problems, block: &Value, at: &str) {
    if block["text"].is_null() && block["fields"].is_null() {
        problems.add(at, "missing required field: text");
    }
    problems.text_object(at, block, "text", false, false, 3000);
    let least = usize::from(!block["fields"].is_null());
    for (index, field) in problems.list(at, block, "fields", least, 10).iter().enumerate() {
        let holder = json!({"field": field});
        problems.text_object(&format!("{at}/fields/{index}"), &holder, "field", false, true, 2000);
    }
    problems.flag(at, block, "expand");
    if !block["accessory"].is_null() {
        let allowed = [BUTTONS, CHOICES, SELECTS, MULTI_SELECTS, &["datepicker", "timepicker", "image"]].concat();
        element(problems, &block["accessory"], &allowed, &format!("{at}/accessory"));
    }
}

fn input(problems: &mut Problems, block: &Value, surface: Surface, at: &str) {
    problems.text_object(at, block, "label", true, true, 2000);
    problems.text_object(at, block, "hint", true, false, 2000);
    problems.flag(at, block, "dispatch_action");
    problems.flag(at, block, "optional");
    if block["element"].is_null() {
        return problems.add(at, "missing required field: element");
    }
    let mut allowed = [INPUTS, CHOICES, SELECTS, MULTI_SELECTS, TIMES].concat();
    allowed.retain(|kind| *kind != "overflow" && (surface == Surface::Modal || *kind != "file_input"));
    element(problems, &block["element"], &allowed, &format!("{at}/element"));
}

fn image_source(problems: &mut Problems, image: &Value, at: &str) {
    if image["image_url"].is_null() == image["slack_file"].is_null() {
        problems.add(at, "exactly one of image_url and slack_file is required");
    }
    problems.link(at, image, "image_url", false);
}

fn image(problems: &mut Problems, image: &Value, at: &str) {
    problems.fields(at, image, &["type", "image_url", "slack_file", "alt_text"]);
    image_source(problems, image, at);
    problems.text(at, image, "alt_text", 1, 2000);
}

fn rich_text(problems: &mut Problems, block: &Value, at: &str) {
    for (index, part) in problems.list(at, block, "elements", 0, 1000).iter().enumerate() {
        let inside = format!("{at}/elements/{index}");
        let kinds = ["rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"];
        if !kinds.iter().any(|kind| part["type"] == *kind) {
            problems.add(&format!("{inside}/type"), "unsupported type");
            continue;
        }
        let leaves: Vec<&Value> = part["elements"].as_array().into_iter().flatten().collect();
        for (index, leaf) in leaves.into_iter().enumerate() {
            if part["type"] == "rich_text_list" {
                continue;
            }
            let kinds = ["text", "link", "user", "usergroup", "channel", "emoji", "broadcast", "color", "date"];
            if !kinds.iter().any(|kind| leaf["type"] == *kind) {
                problems.add(&format!("{inside}/elements/{index}/type"), "unsupported type");
            }
            if leaf["type"] == "text" {
                problems.text(&format!("{inside}/elements/{index}"), leaf, "text", 1, TEXT_TOTAL_MAX);
            }
        }
    }
    if !block["elements"].is_array() {
        problems.add(at, "missing required field: elements");
    }
}

fn table(problems: &mut Problems, block: &Value, at: &str) {
    problems.tables += 1;
    problems.list(at, block, "column_settings", 0, 20);
    if total(block) > TABLE_TEXT_MAX {
        problems.add(at, format!("must be less than {} characters", TABLE_TEXT_MAX + 1));
    }
    for (row, cells) in problems.list(at, block, "rows", 1, 100).iter().enumerate() {
        let inside = format!("{at}/rows/{row}");
        let Some(cells) = cells.as_array() else {
            problems.add(&inside, "must provide an array");
            continue;
        };
        if cells.is_empty() || cells.len() > 20 {
            problems.add(&inside, "must have 1 to 20 cells");
        }
        for (index, cell) in cells.iter().enumerate() {
            match cell["type"].as_str() {
                Some("raw_text") => {
                    problems.text(&format!("{inside}/{index}"), cell, "text", 1, TABLE_TEXT_MAX);
                }
                Some("rich_text") => rich_text(problems, cell, &format!("{inside}/{index}")),
                _ => problems.add(&format!("{inside}/{index}/type"), "unsupported type"),
            }
        }
    }
}

const BUTTONS: &[&str] = &["button", "overflow", "workflow_button"];
const CHOICES: &[&str] = &["checkboxes", "radio_buttons"];
const SELECTS: &[&str] =
    &["static_select", "external_select", "users_select", "conversations_select", "channels_select"];
const MULTI_SELECTS: &[&str] = &[
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
];
const TIMES: &[&str] = &["datepicker", "timepicker", "datetimepicker"];
const INPUTS: &[&str] =
    &["plain_text_input", "rich_text_input", "email_text_input", "url_text_input", "number_input", "file_input"];

fn element(problems: &mut Problems, part: &Value, allowed: &[&str], at: &str) {
    let Some(kind) = part["type"].as_str() else {
        return problems.add(at, "missing required field: type");
    };
    if !allowed.contains(&kind) {
        return problems.add(&format!("{at}/type"), format!("unsupported type: {kind}"));
    }
    if kind == "image" {
        return image(problems, part, at);
    }
    problems.text(at, part, "action_id", 0, 255);
    if part["action_id"] == "" {
        problems.add(&format!("{at}/action_id"), "must be more than 0 characters");
    }
    problems.text_object(at, part, "placeholder", true, false, 150);
    problems.flag(at, part, "focus_on_load");
    confirmation(problems, &part["confirm"], at);
    match kind {
        "button" => {
            let known = ["type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label"];
            problems.fields(at, part, &known);
            problems.text_object(at, part, "text", true, true, 75);
            problems.link(at, part, "url", false);
            problems.text(at, part, "value", 0, 2000);
            problems.text(at, part, "accessibility_label", 0, 75);
            style(problems, part, at);
        }
        "overflow" => {
            problems.fields(at, part, &["type", "action_id", "options", "confirm"]);
            options(problems, part, "options", at, 1, 5);
        }
        "checkboxes" | "radio_buttons" => {
            let initial = if kind == "checkboxes" { "initial_options" } else { "initial_option" };
            problems.fields(at, part, &["type", "action_id", "options", initial, "confirm", "focus_on_load"]);
            options(problems, part, "options", at, 1, 10);
            initially(problems, part, at);
        }
        "static_select" | "multi_static_select" => {
            problems.fields(
                at,
                part,
                &[
                    "type",
                    "placeholder",
                    "action_id",
                    "options",
                    "option_groups",
                    "initial_option",
                    "initial_options",
                    "confirm",
                    "focus_on_load",
                    "max_selected_items",
                ],
            );
            if part["options"].is_null() == part["option_groups"].is_null() {
                problems.add(at, "exactly one of options and option_groups is required");
            }
            if !part["options"].is_null() {
                options(problems, part, "options", at, 1, 100);
            }
            for (index, group) in problems.list(at, part, "option_groups", 0, 100).iter().enumerate() {
                let inside = format!("{at}/option_groups/{index}");
                problems.fields(&inside, group, &["label", "options"]);
                problems.text_object(&inside, group, "label", true, true, 75);
                options(problems, group, "options", &inside, 1, 100);
            }
            initially(problems, part, at);
        }
        "plain_text_input" => {
            problems.fields(
                at,
                part,
                &[
                    "type",
                    "action_id",
                    "initial_value",
                    "multiline",
                    "min_length",
                    "max_length",
                    "dispatch_action_config",
                    "focus_on_load",
                    "placeholder",
                ],
            );
            let max = part["max_length"].as_u64().unwrap_or(3000);
            if !part["max_length"].is_null() && !(1..=3000).contains(&max) {
                problems.add(&format!("{at}/max_length"), "must be between 1 and 3000");
            }
            if part["min_length"].as_u64().is_some_and(|min| min > max) {
                problems.add(&format!("{at}/min_length"), "must be less than max_length");
            }
            problems.text(at, part, "initial_value", 0, max as usize);
            problems.flag(at, part, "multiline");
        }
        "feedback_buttons" => {
            problems.fields(at, part, &["type", "action_id", "positive_button", "negative_button"]);
            for name in ["positive_button", "negative_button"] {
                if part[name].is_null() {
                    problems.add(at, format!("missing required field: {name}"));
                    continue;
                }
                let inside = format!("{at}/{name}");
                problems.fields(&inside, &part[name], &["text", "value", "accessibility_label"]);
                problems.text_object(&inside, &part[name], "text", true, true, 75);
                problems.text(&inside, &part[name], "value", 1, 2000);
                problems.text(&inside, &part[name], "accessibility_label", 0, 75);
            }
        }
        "icon_button" => {
            let known =
                ["type", "icon", "text", "action_id", "value", "confirm", "accessibility_label", "visible_to_user_ids"];
            problems.fields(at, part, &known);
            problems.text_object(at, part, "text", true, true, 75);
            if part["icon"] != "trash" {
                problems.add(&format!("{at}/icon"), "must be trash");
            }
            problems.text(at, part, "value", 0, 2000);
        }
        _ => {}
    }
}

fn style(problems: &mut Problems, of: &Value, at: &str) {
    if !of["style"].is_null() && of["style"] != "primary" && of["style"] != "danger" {
        problems.add(&format!("{at}/style"), "must be primary or danger");
    }
}

fn confirmation(problems: &mut Problems, confirm: &Value, at: &str) {
    if confirm.is_null() {
        return;
    }
    let at = format!("{at}/confirm");
    problems.fields(&at, confirm, &["title", "text", "confirm", "deny", "style"]);
    problems.text_object(&at, confirm, "title", true, true, 100);
    problems.text_object(&at, confirm, "text", false, true, 300);
    problems.text_object(&at, confirm, "confirm", true, true, 30);
    problems.text_object(&at, confirm, "deny", true, true, 30);
    style(problems, confirm, &at);
}

fn options(problems: &mut Problems, of: &Value, name: &str, at: &str, min: usize, max: usize) {
    for (index, option) in problems.list(at, of, name, min, max).iter().enumerate() {
        let inside = format!("{at}/{name}/{index}");
        let marked = of["type"] == "checkboxes" || of["type"] == "radio_buttons";
        problems.fields(&inside, option, &["text", "value", "description", "url"]);
        problems.text_object(&inside, option, "text", !marked, true, 75);
        problems.text(&inside, option, "value", 1, 150);
        problems.text_object(&inside, option, "description", !marked, false, 75);
        problems.link(&inside, option, "url", false);
    }
}

/// What is chosen from the start must be one of the options, in every field.
fn initially(problems: &mut Problems, part: &Value, at: &str) {
    let groups = part["option_groups"].as_array().into_iter().flatten();
    let grouped = groups.flat_map(|group| group["options"].as_array().into_iter().flatten());
    let known: Vec<&Value> = part["options"].as_array().into_iter().flatten().chain(grouped).collect();
    let chosen = part["initial_options"].as_array().into_iter().flatten().chain(part.get("initial_option"));
    for option in chosen.filter(|option| !option.is_null()) {
        if !known.contains(&option) {
            problems.add(at, "initial_option must match one of the options");
        }
    }
}

#[test]
fn slack_takes_no_block_that_is_too_much_or_too_little() {
    let section = |text: &str| json!({"type": "section", "text": {"type": "mrkdwn", "text": text}});
    let button =
        |id: &str| json!({"type": "button", "text": {"type": "plain_text", "text": "Solved"}, "action_id": id});
    let actions = |elements: Vec<Value>| json!({"type": "actions", "elements": elements});
    for (blocks, wrong) in [
        (vec![section(&"x".repeat(3000))], ""),
        (vec![section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        (vec![section(&"x".repeat(3001))], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        (vec![json!({"type": "section"})], "missing required field: text [json-pointer:/blocks/0]"),
        (vec![json!({"type": "paragraph"})], "unsupported type: paragraph [json-pointer:/blocks/0/type]"),
        (vec![json!({"type": "divider", "text": "x"})], "invalid additional property: text [json-pointer:/blocks/0]"),
        (
            vec![json!({"type": "header", "text": {"type": "mrkdwn", "text": "x"}})],
            "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
        ),
        (
            vec![json!({"type": "header", "text": {"type": "plain_text", "text": "x".repeat(151)}})],
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (vec![actions(vec![])], "no fewer than 1 items required [json-pointer:/blocks/0/elements]"),
        (vec![actions(vec![button("a"), button("b")])], ""),
        (
            vec![actions(vec![button("a"), button("a")])],
            "`action_id` already exists [json-pointer:/blocks/0/elements/1/action_id]",
        ),
        (vec![actions(vec![button("a")]), actions(vec![button("a")])], ""),
        (
            vec![json!({"type": "divider", "block_id": "k"}), json!({"type": "divider", "block_id": "k"})],
            "`block_id` already exists [json-pointer:/blocks/1/block_id]",
        ),
        (vec![json!({"type": "divider"}); 51], "no more than 50 items allowed [json-pointer:/blocks]"),
        (
            vec![json!({"type": "context", "elements": vec![json!({"type": "mrkdwn", "text": "x"}); 11]})],
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
        ),
    ] {
        let verdict = message(&blocks);
        let first = verdict.as_ref().err().map_or("", |refusal| refusal.more["errors"][0].as_str().unwrap_or_default());
        assert_eq!(first, wrong, "{blocks:?}");
    }
    let long = message(&vec![section(&"x".repeat(2700)); 5]).expect_err("too long");
    assert_eq!(long.error, "msg_blocks_too_long");
    let modal = json!({
        "type": "modal", "title": {"type": "plain_text", "text": "A title that is far too long"},
        "blocks": [{
            "type": "input", "label": {"type": "plain_text", "text": "Error"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }],
    });
    let refused = view(&modal, "modal").expect_err("two problems");
    assert_eq!(
        refused.more["response_metadata"]["messages"],
        json!([
            "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]",
            "[ERROR] missing required field: submit [json-pointer:/view]",
        ])
    );
}
