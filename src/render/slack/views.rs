//! Views: App Home and windows.

use serde::Serialize;
use serde_json::Value;

use super::blocks::{Block, DispatchConfig, Element, Text};
use super::budget::{Mark, Room, Stack};
use super::components::{actions, button};
use super::ids::{FORM, FORM_FIELD, OPEN_FORM, SEARCH};
use super::{is_id, lay, limits, offers, page, rich};
use crate::render::text::{cut, units};
use crate::reply::words::WatchedAs;
use crate::reply::{Reply, words};

/// The field of the search; no error code or id is longer.
const SEARCH_MAX: usize = 200;
/// Channels that App Home lists; more would push everything else out of sight.
const CHANNELS_MAX: usize = 30;
/// What follows the results of a search in App Home takes at most this much.
const HOME_REST: Room = Room { blocks: 20, bytes: 40_000 };
/// One line of a channel is cut here.
const CHANNEL_MAX: usize = 300;

/// What App Home shows.
#[derive(Debug, Clone, Copy)]
pub struct Home<'a> {
    /// How many rules are in force.
    pub rules: usize,
    /// How many of them are previews.
    pub previews: usize,
    /// Names the rule set, so that two people can tell whether they have the same.
    pub version: &'a str,
    /// Channels of this workspace by id, and how they are watched.
    pub channels: &'a [(String, WatchedAs<'a>)],
    /// What was searched for, and what was found.
    pub search: Option<(&'a str, &'a Reply)>,
}

#[derive(Serialize)]
struct View {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    callback_id: Option<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    private_metadata: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submit: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<Text>,
    blocks: Vec<Block>,
}

impl View {
    fn json(self) -> Value {
        // Nothing in a view fails to serialise.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// The App Home view, for `views.publish`.
pub fn home(home: &Home<'_>) -> Value {
    let mut stack = view();
    let none = Room::default();
    let heading = |text: &str| Block::Header { text: Text::plain(text) };
    stack.push(heading(words::slack::HOME_SEARCH), none);
    stack.push(search(), none);
    stack.extend(actions(button(OPEN_FORM, String::new(), words::slack::OPEN_FORM, None).into_iter().collect(), None));
    if let Some((question, found)) = home.search {
        stack.push(Block::Divider {}, none);
        let question = cut(question.trim(), limits::SLACK_HEADER / 2);
        stack.push(heading(&cut(&words::slack::found_for(&question), limits::SLACK_HEADER)), none);
        reply(&mut stack, found, HOME_REST);
        stack.push(Block::Divider {}, none);
    }
    stack.push(heading(words::slack::HOME_WATCHED), none);
    if home.channels.is_empty() {
        stack.push(page::paragraph(words::slack::NO_CHANNEL), none);
    }
    let lines = home.channels.iter().take(CHANNELS_MAX).map(|(channel, watched)| {
        let sound = channel.starts_with(['C', 'G']) && is_id(channel);
        let name = if sound { format!("<#{channel}>") } else { words::slack::A_CHANNEL.to_owned() };
        cut(&words::watched_channel(&name, watched), CHANNEL_MAX)
    });
    let mut lines: Vec<String> = lines.map(|line| format!("• {line}")).collect();
    let more = home.channels.len().saturating_sub(CHANNELS_MAX);
    lines.extend((more > 0).then(|| words::others(more)));
    // A section takes some lines of this length.
    for lines in lines.chunks(limits::SLACK_SECTION / (CHANNEL_MAX + 4)) {
        stack.push(Block::Section { text: Text::mrkdwn(lines.join("\n")), accessory: None }, none);
    }
    stack.push(heading(words::slack::HOME_USE), none);
    for way in words::slack::HOME_WAYS {
        stack.say("", Mark::Point, &[rich::words(way)], none);
    }
    let version = cut(home.version, limits::SLACK_HEADER);
    let rules = words::slack::home_rules(home.rules, home.previews, version.trim(), env!("CARGO_PKG_VERSION"));
    let small = [Text::plain(rules), Text::plain(words::INDEPENDENT)];
    stack.push(Block::Context { block_id: None, elements: small.into() }, none);
    View {
        kind: "home",
        callback_id: None,
        private_metadata: String::new(),
        title: None,
        submit: None,
        close: None,
        blocks: stack.take(),
    }
    .json()
}

/// The form to paste into, for `views.open`. `metadata` comes back with what is submitted; it is left
/// out where Slack would not take it.
pub fn diagnose_form(metadata: &str) -> Value {
    let element = Element::PlainTextInput {
        action_id: FORM_FIELD.to_owned(),
        multiline: true,
        max_length: limits::SLACK_INPUT,
        placeholder: Text::plain(words::slack::FORM_PLACEHOLDER),
        dispatch_action_config: None,
    };
    let field = Block::Input {
        block_id: FORM_FIELD.to_owned(),
        dispatch_action: false,
        label: Text::plain(words::FORM_LABEL),
        element,
        hint: Some(Text::plain(words::slack::FORM_HINT)),
    };
    let fits = units(metadata) <= limits::SLACK_METADATA;
    View {
        kind: "modal",
        callback_id: Some(FORM),
        private_metadata: if fits { metadata.to_owned() } else { String::new() },
        title: Some(Text::plain(words::slack::FORM_TITLE)),
        submit: Some(Text::plain(words::slack::FORM_SUBMIT)),
        close: Some(Text::plain(words::slack::CLOSE)),
        blocks: vec![field],
    }
    .json()
}

/// A reply in a window of its own, for `views.open`, `views.push`, `views.update` and as the answer to
/// a submitted form.
pub fn results_view(found: &Reply) -> Value {
    let mut stack = view();
    reply(&mut stack, found, Room::default());
    View {
        kind: "modal",
        callback_id: None,
        private_metadata: String::new(),
        title: Some(Text::plain(words::slack::RESULT_TITLE)),
        submit: None,
        close: Some(Text::plain(words::slack::CLOSE)),
        blocks: stack.take(),
    }
    .json()
}

/// An empty view: a tenth of it stays free for what stands around its blocks.
fn view() -> Stack {
    Stack::new(limits::SLACK_VIEW_BLOCKS, limits::SLACK_VIEW_TOTAL / 10 * 9)
}

/// A reply in full, then what comes near.
fn reply(stack: &mut Stack, found: &Reply, keep: Room) {
    let near = offers(found);
    let before = stack.left();
    lay(stack, found, true, keep + Room::of(&near));
    for block in near {
        stack.push(block, keep);
    }
    if stack.left() == before {
        stack.push(page::paragraph(words::NOTHING_KNOWN), keep);
    }
}

fn search() -> Block {
    let config = DispatchConfig { trigger_actions_on: vec!["on_enter_pressed".to_owned()] };
    Block::Input {
        block_id: SEARCH.to_owned(),
        dispatch_action: true,
        label: Text::plain(words::slack::SEARCH_LABEL),
        element: Element::PlainTextInput {
            action_id: SEARCH.to_owned(),
            multiline: false,
            max_length: SEARCH_MAX,
            placeholder: Text::plain(words::slack::SEARCH_PLACEHOLDER),
            dispatch_action_config: Some(config),
        },
        hint: None,
    }
}
