//! Messages and views as a person sees them.

use serde_json::Value;

use super::state::Message;
use super::typed::unescape;

pub(super) fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Slack's signs as they are shown: mentions with an at, links by their words and where they lead.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        shown.push_str(before);
        let Some((inside, after)) = after.split_once('>') else {
            shown.push('<');
            rest = after;
            continue;
        };
        let (target, label) = inside.split_once('|').map_or((inside, None), |(target, label)| (target, Some(label)));
        match (target.chars().next(), label) {
            (Some('@'), None) => shown.push_str(target),
            (Some('!'), None) => shown.push_str(&target.replacen('!', "@", 1)),
            (Some('@' | '#' | '!'), Some(label)) => shown.push_str(label),
            (_, Some(label)) if label != target => shown.push_str(&format!("{label} ({target})")),
            _ => shown.push_str(target),
        }
        rest = after;
    }
    shown.push_str(rest);
    unescape(&shown)
}

/// A text object, of which only the mrkdwn kind has signs.
fn object(text: &Value) -> String {
    let inside = text_of(&text["text"]);
    if text["type"] == "mrkdwn" { shown(&inside) } else { inside }
}

fn part(element: &Value) -> String {
    match element["type"].as_str().unwrap_or_default() {
        "button" | "icon_button" | "workflow_button" => format!("[{}]", object(&element["text"])),
        "feedback_buttons" => {
            let label = |name: &str| format!("[{}]", object(&element[name]["text"]));
            format!("{} {}", label("positive_button"), label("negative_button"))
        }
        "overflow" => "[…]".to_owned(),
        "image" => format!("({})", text_of(&element["alt_text"])),
        "plain_text" | "mrkdwn" => object(element),
        "plain_text_input" | "email_text_input" | "url_text_input" | "number_input" => {
            text_of(&element["initial_value"])
        }
        "checkboxes" | "radio_buttons" => {
            let initial =
                element["initial_options"].as_array().into_iter().flatten().chain(element.get("initial_option"));
            let chosen: Vec<&Value> = initial.collect();
            let options = element["options"].as_array().into_iter().flatten().map(|option| {
                format!("[{}] {}", if chosen.contains(&option) { "x" } else { " " }, object(&option["text"]))
            });
            options.collect::<Vec<_>>().join(" ")
        }
        _ => {
            let chosen = object(&element["initial_option"]["text"]);
            let label = if chosen.is_empty() { object(&element["placeholder"]) } else { chosen };
            format!("[{label} ▾]")
        }
    }
}

fn rich(element: &Value) -> String {
    let inside = || element["elements"].as_array().into_iter().flatten().map(rich).collect::<Vec<_>>();
    match element["type"].as_str().unwrap_or_default() {
        "link" if element["text"].is_string() => text_of(&element["text"]),
        "link" => text_of(&element["url"]),
        "user" => format!("@{}", text_of(&element["user_id"])),
        "usergroup" => format!("@{}", text_of(&element["usergroup_id"])),
        "channel" => format!("#{}", text_of(&element["channel_id"])),
        "broadcast" => format!("@{}", text_of(&element["range"])),
        "emoji" => format!(":{}:", text_of(&element["name"])),
        "rich_text_list" => {
            let first = element["offset"].as_u64().unwrap_or_default() + 1;
            let mark = |at: u64| if element["style"] == "ordered" { format!("{at}. ") } else { "• ".to_owned() };
            let items = inside().into_iter().zip(first..).map(|(item, at)| mark(at) + &item);
            items.collect::<Vec<_>>().join("\n")
        }
        "rich_text_preformatted" => {
            let code = inside().concat();
            code.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
        }
        "text" if element["style"]["code"] == true => format!("`{}`", text_of(&element["text"])),
        "text" => text_of(&element["text"]),
        _ => inside().concat(),
    }
}

fn block(block: &Value) -> String {
    let all = |name: &str, each: &dyn Fn(&Value) -> String, between: &str| {
        block[name].as_array().into_iter().flatten().map(each).collect::<Vec<_>>().join(between)
    };
    match block["type"].as_str().unwrap_or_default() {
        "divider" => "---".to_owned(),
        "section" => {
            let mut lines = vec![object(&block["text"]), all("fields", &object, "\n")];
            if block["accessory"].is_object() {
                lines.push(part(&block["accessory"]));
            }
            lines.retain(|line| !line.is_empty());
            lines.join("\n")
        }
        "actions" | "context_actions" => all("elements", &part, " "),
        "context" => all("elements", &part, "\n"),
        "input" => format!("{}: {}", object(&block["label"]), part(&block["element"])).trim_end().to_owned(),
        "markdown" => text_of(&block["text"]),
        "image" => part(block),
        "rich_text" => all("elements", &rich, "\n"),
        "table" => all(
            "rows",
            &|row| {
                let cells = row.as_array().into_iter().flatten();
                let cells =
                    cells.map(|cell| if cell["type"] == "raw_text" { text_of(&cell["text"]) } else { rich(cell) });
                cells.collect::<Vec<_>>().join(" | ")
            },
            "\n",
        ),
        _ => object(&block["text"]),
    }
}

/// A message as a person reads it: its blocks, or its text when it has none.
pub(crate) fn readable(message: &Message) -> String {
    let mut lines = Vec::new();
    if message.blocks.is_empty() {
        lines.push(shown(&message.text));
    }
    lines.extend(message.blocks.iter().map(block));
    for attachment in &message.attachments {
        lines.push(text_of(&attachment["title"]));
        lines.push(shown(&text_of(&attachment["text"])));
        lines.extend(attachment["blocks"].as_array().into_iter().flatten().map(block));
    }
    lines.extend(message.files.iter().map(|file| format!("({})", text_of(&file["name"]))));
    if message.is_ephemeral() {
        lines.push("(only you see this)".to_owned());
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// What a notification of a message says.
pub(crate) fn readable_text(message: &Message) -> String {
    shown(&message.text)
}

/// A modal or Home tab as a person sees it.
pub(crate) fn readable_view(view: &Value) -> String {
    let mut lines = Vec::new();
    if view["type"] == "modal" {
        lines.push(object(&view["title"]));
    }
    lines.extend(view["blocks"].as_array().into_iter().flatten().map(block));
    let buttons = ["submit", "close"].map(|name| object(&view[name]));
    lines.push(
        buttons
            .iter()
            .filter(|label| !label.is_empty())
            .map(|label| format!("[{label}]"))
            .collect::<Vec<_>>()
            .join(" "),
    );
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}
