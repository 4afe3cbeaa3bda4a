//! Discord's limits, checked as Discord checks them: everything wrong is named in one refusal.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::rest::Refusal;

/// What is wrong with a request, by the path of the field.
#[derive(Default)]
struct Problems(Vec<(String, &'static str, String)>);

impl Problems {
    fn add(&mut self, path: impl Into<String>, code: &'static str, message: impl Into<String>) {
        self.0.push((path.into(), code, message.into()));
    }

    /// A text of `min` to `max` characters; null and absence are fine unless `min` is above zero.
    fn text(&mut self, path: impl Into<String>, value: &Value, min: usize, max: usize) -> usize {
        let path = path.into();
        match value {
            Value::Null if min == 0 => 0,
            Value::Null => {
                self.add(path, "BASE_TYPE_REQUIRED", "This field is required");
                0
            }
            Value::String(text) => {
                let length = text.chars().count();
                if length < min || length > max {
                    let message = format!("Must be between {min} and {max} in length.");
                    self.add(path, "BASE_TYPE_BAD_LENGTH", message);
                }
                length
            }
            _ => {
                self.add(path, "STRING_TYPE_CONVERT", "Could not interpret the value as string.");
                0
            }
        }
    }

    /// A list of at most `max`; null and absence are an empty one.
    fn list<'a>(&mut self, path: impl Into<String>, value: &'a Value, max: usize) -> &'a [Value] {
        let path = path.into();
        match value {
            Value::Null => &[],
            Value::Array(list) => {
                if list.len() > max {
                    self.add(path, "BASE_TYPE_MAX_LENGTH", format!("Must be {max} or fewer in length."));
                }
                list
            }
            _ => {
                self.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType");
                &[]
            }
        }
    }

    fn verdict(self) -> Result<(), Refusal> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut errors = json!({});
        for (path, code, message) in self.0 {
            let mut at = &mut errors;
            for part in path.split('.') {
                at = at.as_object_mut().expect("an object").entry(part).or_insert_with(|| Value::Object(Map::new()));
            }
            let list = at.as_object_mut().expect("an object").entry("_errors").or_insert_with(|| json!([]));
            list.as_array_mut().expect("a list").push(json!({"code": code, "message": message}));
        }
        Err(Refusal { errors: Some(errors), ..Refusal::new(400, 50035, "Invalid Form Body") })
    }
}

/// One wrong field.
pub(super) fn wrong(path: &str, code: &'static str, message: &str) -> Refusal {
    let mut problems = Problems::default();
    problems.add(path, code, message);
    problems.verdict().expect_err("a problem")
}

/// The body of a message, new or edited, without the question whether it is empty.
pub(super) fn message(body: &Value, allowed_flags: u64) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    if !body.is_object() {
        return Err(Refusal::new(400, 50109, "The request body contains invalid JSON."));
    }
    problems.text("content", &body["content"], 0, 2000);
    embeds(&mut problems, &body["embeds"]);
    components(&mut problems, &body["components"]);
    match &body["nonce"] {
        Value::Null => {}
        Value::String(nonce) if nonce.chars().count() <= 25 => {}
        Value::Number(nonce) if nonce.is_i64() || nonce.is_u64() => {}
        _ => problems.add("nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length."),
    }
    let flags = body["flags"].as_u64().unwrap_or_default();
    if flags & !allowed_flags != 0 {
        problems.add("flags", "MESSAGE_FLAGS_INVALID", format!("Flags {flags} may not be set here."));
    }
    allowed_mentions(&mut problems, &body["allowed_mentions"]);
    problems.verdict()
}

fn allowed_mentions(problems: &mut Problems, allowed: &Value) {
    for (index, kind) in problems.list("allowed_mentions.parse", &allowed["parse"], 3).iter().enumerate() {
        let Some(kind @ ("roles" | "users" | "everyone")) = kind.as_str() else {
            problems.add(format!("allowed_mentions.parse.{index}"), "BASE_TYPE_CHOICES", "Value must be one of these.");
            continue;
        };
        if allowed[kind].as_array().is_some_and(|list| !list.is_empty()) {
            let message = format!("parse:[\"{kind}\"] and {kind}: [ids...] are mutually exclusive.");
            problems.add("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message);
        }
    }
    problems.list("allowed_mentions.users", &allowed["users"], 100);
    problems.list("allowed_mentions.roles", &allowed["roles"], 100);
}

fn embeds(problems: &mut Problems, embeds: &Value) {
    let mut total = 0;
    for (index, embed) in problems.list("embeds", embeds, 10).iter().enumerate() {
        let at = format!("embeds.{index}");
        total += problems.text(format!("{at}.title"), &embed["title"], 0, 256);
        total += problems.text(format!("{at}.description"), &embed["description"], 0, 4096);
        total += problems.text(format!("{at}.footer.text"), &embed["footer"]["text"], 0, 2048);
        total += problems.text(format!("{at}.author.name"), &embed["author"]["name"], 0, 256);
        for (index, field) in problems.list(format!("{at}.fields"), &embed["fields"], 25).iter().enumerate() {
            total += problems.text(format!("{at}.fields.{index}.name"), &field["name"], 1, 256);
            total += problems.text(format!("{at}.fields.{index}.value"), &field["value"], 1, 1024);
        }
        link(problems, format!("{at}.url"), &embed["url"]);
        if embed["color"].as_u64().is_some_and(|colour| colour > 0xff_ff_ff) {
            problems.add(format!("{at}.color"), "NUMBER_TYPE_MAX", "int value should be <= 16777215.");
        }
    }
    if total > 6000 {
        problems.add("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000");
    }
}

fn link(problems: &mut Problems, path: String, url: &Value) {
    if url.as_str().is_some_and(|url| !["http://", "https://", "discord://"].iter().any(|it| url.starts_with(it))) {
        problems.add(path, "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https').");
    }
}

fn components(problems: &mut Problems, rows: &Value) {
    let mut known = HashSet::new();
    for (index, row) in problems.list("components", rows, 5).iter().enumerate() {
        let at = format!("components.{index}");
        if row["type"] != 1 {
            problems.add(format!("{at}.type"), "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).");
            continue;
        }
        let inside = problems.list(format!("{at}.components"), &row["components"], 5);
        if inside.is_empty() {
            problems.add(format!("{at}.components"), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.");
        }
        for (index, part) in inside.iter().enumerate() {
            let at = format!("{at}.components.{index}");
            match part["type"].as_u64() {
                Some(2) => button(problems, &at, part),
                Some(3 | 5..=8) if inside.len() == 1 => select(problems, &at, part),
                _ => problems.add(format!("{at}.type"), "UNION_TYPE_CHOICES", "This component may not stand here."),
            }
            if let Some(id) = part["custom_id"].as_str()
                && !known.insert(id.to_owned())
            {
                let message = "Component custom id cannot be duplicated";
                problems.add(format!("{at}.custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message);
            }
        }
    }
}

fn button(problems: &mut Problems, at: &str, button: &Value) {
    problems.text(format!("{at}.label"), &button["label"], 0, 80);
    if button["label"].as_str().is_none_or(str::is_empty) && button["emoji"].is_null() {
        problems.add(at, "BUTTON_COMPONENT_INVALID", "A button needs a label or an emoji.");
    }
    match button["style"].as_u64() {
        Some(1..=4) => {
            problems.text(format!("{at}.custom_id"), &button["custom_id"], 1, 100);
            if !button["url"].is_null() {
                problems.add(at, "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE", "A custom id and url cannot both be set.");
            }
        }
        Some(5) => {
            problems.text(format!("{at}.url"), &button["url"], 1, 512);
            link(problems, format!("{at}.url"), &button["url"]);
            if !button["custom_id"].is_null() {
                problems.add(at, "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE", "A custom id and url cannot both be set.");
            }
        }
        _ => problems.add(format!("{at}.style"), "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5)."),
    }
}

fn select(problems: &mut Problems, at: &str, select: &Value) {
    problems.text(format!("{at}.custom_id"), &select["custom_id"], 1, 100);
    problems.text(format!("{at}.placeholder"), &select["placeholder"], 0, 150);
    for (index, option) in problems.list(format!("{at}.options"), &select["options"], 25).iter().enumerate() {
        problems.text(format!("{at}.options.{index}.label"), &option["label"], 1, 100);
        problems.text(format!("{at}.options.{index}.value"), &option["value"], 1, 100);
        problems.text(format!("{at}.options.{index}.description"), &option["description"], 0, 100);
    }
}

/// A window with text fields.
pub(super) fn modal(data: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    let mut known = HashSet::new();
    problems.text("data.custom_id", &data["custom_id"], 1, 100);
    problems.text("data.title", &data["title"], 1, 45);
    let rows = problems.list("data.components", &data["components"], 5);
    if rows.is_empty() {
        problems.add("data.components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.");
    }
    for (index, row) in rows.iter().enumerate() {
        let at = format!("data.components.{index}.components.0");
        let input = &row["components"][0];
        if row["type"] != 1 || input["type"] != 4 || row["components"].as_array().is_none_or(|all| all.len() != 1) {
            problems.add(at, "UNION_TYPE_CHOICES", "A row of a modal holds one text input.");
            continue;
        }
        problems.text(format!("{at}.custom_id"), &input["custom_id"], 1, 100);
        problems.text(format!("{at}.label"), &input["label"], 1, 45);
        problems.text(format!("{at}.placeholder"), &input["placeholder"], 0, 100);
        problems.text(format!("{at}.value"), &input["value"], 0, 4000);
        if !matches!(input["style"].as_u64(), Some(1 | 2)) {
            problems.add(format!("{at}.style"), "BASE_TYPE_CHOICES", "Value must be one of (1, 2).");
        }
        if input["max_length"].as_u64().is_some_and(|max| !(1..=4000).contains(&max)) {
            problems.add(format!("{at}.max_length"), "NUMBER_TYPE_MAX", "int value should be 1 to 4000.");
        }
        if !known.insert(input["custom_id"].clone()) {
            problems.add(format!("{at}.custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", "Custom id is duplicated");
        }
    }
    problems.verdict()
}

/// What autocompletion offers.
pub(super) fn choices(data: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    if !data["choices"].is_array() {
        problems.add("data.choices", "BASE_TYPE_REQUIRED", "This field is required");
    }
    for (index, choice) in problems.list("data.choices", &data["choices"], 25).iter().enumerate() {
        problems.text(format!("data.choices.{index}.name"), &choice["name"], 1, 100);
        if !choice["value"].is_number() {
            problems.text(format!("data.choices.{index}.value"), &choice["value"], 1, 100);
        }
    }
    problems.verdict()
}

/// The wish for a thread.
pub(super) fn thread(body: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    problems.text("name", &body["name"], 1, 100);
    let durations = [60, 1440, 4320, 10080];
    if !body["auto_archive_duration"].is_null()
        && !body["auto_archive_duration"].as_u64().is_some_and(|minutes| durations.contains(&minutes))
    {
        let message = "Value must be one of (60, 1440, 4320, 10080).";
        problems.add("auto_archive_duration", "BASE_TYPE_CHOICES", message);
    }
    problems.verdict()
}

/// A whole set of commands.
pub(super) fn commands(body: &Value) -> Result<(), Refusal> {
    let mut problems = Problems::default();
    let mut known = HashSet::new();
    let Some(commands) = body.as_array() else {
        return Err(wrong("commands", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"));
    };
    for (index, command) in commands.iter().enumerate() {
        let at = index.to_string();
        let kind = command["type"].as_u64().unwrap_or(1);
        problems.text(format!("{at}.name"), &command["name"], 1, 32);
        if !known.insert((kind, command["name"].to_string())) {
            let message = "Application command names must be unique";
            problems.add(&at, "APPLICATION_COMMANDS_DUPLICATE_NAME", message);
        }
        if kind == 1 {
            named(&mut problems, &at, command);
            options(&mut problems, &at, &command["options"], 0);
        } else if command["description"].as_str().is_some_and(|text| !text.is_empty()) {
            let message = "Context menu commands cannot have description";
            problems.add(&at, "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", message);
        }
    }
    for (kind, max) in [(1, 100), (2, 15), (3, 15)] {
        if known.iter().filter(|(of, _)| *of == kind).count() > max {
            return Err(Refusal::new(400, 30032, "Maximum number of application commands reached"));
        }
    }
    problems.verdict()
}

fn named(problems: &mut Problems, at: &str, command: &Value) {
    problems.text(format!("{at}.name"), &command["name"], 1, 32);
    problems.text(format!("{at}.description"), &command["description"], 1, 100);
    let fine = |char: char| char == '-' || char == '_' || (char.is_alphanumeric() && !char.is_uppercase());
    if command["name"].as_str().is_some_and(|name| !name.chars().all(fine)) {
        problems.add(format!("{at}.name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid");
    }
}

fn options(problems: &mut Problems, at: &str, list: &Value, depth: usize) {
    let mut optional = false;
    for (index, option) in problems.list(format!("{at}.options"), list, 25).iter().enumerate() {
        let at = format!("{at}.options.{index}");
        named(problems, &at, option);
        let kind = option["type"].as_u64().unwrap_or_default();
        match kind {
            1 | 2 if depth < 2 => options(problems, &at, &option["options"], depth + 1),
            3..=11 => {}
            _ => problems.add(format!("{at}.type"), "BASE_TYPE_CHOICES", "This kind of option may not stand here."),
        }
        let required = option["required"] == true;
        if required && optional {
            let message = "Required options must be placed before non-required options";
            problems.add(&at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message);
        }
        optional |= kind > 2 && !required;
        let choices = problems.list(format!("{at}.choices"), &option["choices"], 25);
        if !choices.is_empty() && option["autocomplete"] == true {
            problems.add(
                &at,
                "APPLICATION_COMMAND_AUTOCOMPLETE_CHOICES",
                "Choices and autocomplete exclude each other",
            );
        }
        for (index, choice) in choices.iter().enumerate() {
            problems.text(format!("{at}.choices.{index}.name"), &choice["name"], 1, 100);
        }
    }
}
