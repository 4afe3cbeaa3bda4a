//! Replies as Slack messages and views: Block Kit within Slack's limits, with nothing live in it that
//! was captured. No network.
//!
//! What rules and pastes say stands in `rich_text` blocks rather than in `mrkdwn`: Slack shows their
//! words as they are, so nothing in them can mention, link or format, whatever it looks like; they
//! have real numbered lists, which a reader of the screen announces; and they are never folded behind
//! "See more" as sections are. `mrkdwn` is left for small print and for what only it has: mentions
//! and dates of the bot's own.

mod blocks;
mod budget;
mod components;
mod ids;
mod page;
mod rich;
#[cfg(test)]
mod tests;
mod views;

use serde::Serialize;

pub use blocks::{
    Block, ButtonElement, Confirm, DispatchConfig, Element, Inline, ListStyle, Rich, Style, Text, TextStyle,
};
pub use ids::{FORM, FORM_FIELD, Key, OPEN_FORM, Pressed, SEARCH, block_id, parse_block_id, pressed};
pub use views::{Home, diagnose_form, home, results_view};

use super::limits;
use super::text::cut;
use crate::reply::{Answer, Button, By, Post, Progress, Reply, TeamCall, words};
use budget::{Mark, Room, Stack};
use components::{actions, actions_about, button, read, remove, steps};
use ids::rules_value;
use page::Page;

/// The part of [`block_id`] for answers and suggestions.
const REPLY: &str = "reply";
/// The part of [`block_id`] for calls for the team.
const CALL: &str = "call";
/// Keeps signs apart that Slack would read as one.
const ZERO_WIDTH: char = '\u{200b}';
/// The warning about secrets is cut at so many bytes; it names each kind once.
const SECRETS_MAX: usize = 1_300;
/// A sentence of the bot's own is cut at so many bytes.
const NOTE_MAX: usize = 2_500;
/// So many answers are named in short below others …
const SHORT_MAX: usize = 4;
/// … each with this much of its title and of its cause.
const SHORT_TEXT_MAX: usize = 110;
/// Offers take at most so many bytes …
const OFFERS_MAX: usize = 4_000;
/// … each with this much of its title and of its id.
const OFFER_MAX: usize = 150;
/// Ids and titles of a call for the team take at most so many bytes.
const CALL_MAX: usize = 4_000;
/// One id is cut at this length; the longest that Okta makes are half of it.
const ID_MAX: usize = 100;
/// This much of the first step is read aloud …
const SPOKEN_STEP_MAX: usize = 200;
/// … and of everything; with each character escaped, it is still below what Slack recommends.
const SPOKEN_MAX: usize = limits::SLACK_TEXT / limits::ESCAPE_MAX - 1;
/// The last second that a date has here: the end of the year 9999.
const TIME_MAX: i64 = 253_402_300_799;

/// A message as Slack's API takes it, but for where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Payload {
    /// For notifications and readers of the screen: what it is about, without markup.
    pub text: String,
    /// What is seen.
    pub blocks: Vec<Block>,
    /// Whether Slack shows what is behind links: never.
    pub unfurl_links: bool,
    /// Whether Slack shows pictures and films behind links: never.
    pub unfurl_media: bool,
}

/// What the channel allows below a post.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The message that is answered.
    pub key: &'a Key,
    /// There is a team that can be called.
    pub may_call_team: bool,
}

/// What stands publicly for a message.
pub fn post(post: &Post, around: &Around<'_>) -> Payload {
    match post {
        Post::Answer { reply, progress } => public(reply, progress, around),
        Post::Suggestion { reply } => suggestion(reply, around),
        Post::Call(call) => team_call(call, around),
    }
}

/// An answer that only who asked sees, with a button that shares it if there is something to share.
/// What is shared are the pages of the rules: what somebody pasted for themselves stays theirs.
pub fn private(reply: &Reply, share: bool) -> Payload {
    let rule = |index: usize| rules_value(reply.answers.get(index).map(|answer| answer.rule.as_str()).into_iter());
    let buttons = |left_out: &[usize]| {
        let rules = rules_value(reply.answers.iter().map(|answer| answer.rule.as_str()));
        let shared = (share && !rules.is_empty())
            .then(|| button(Button::Share.to_string(), rules, words::SHARE, None))
            .flatten();
        let several = left_out.len() > 1;
        let steps = left_out
            .iter()
            .filter_map(|index| Some(rule(*index)).filter(|rule| !rule.is_empty()).map(|rule| (*index, rule)))
            .filter_map(|(index, rule)| steps(index, rule, several));
        actions(shared.into_iter().chain(steps).collect(), None)
    };
    message_of(reply, &offers(reply), buttons)
}

/// Everything of one answer, only for who asked, over as many messages as it needs.
pub fn all_steps(answer: &Answer) -> Vec<Payload> {
    let text = spoken(&page::summary(answer, SPOKEN_STEP_MAX));
    Page::new(answer, true).spread().into_iter().map(|blocks| payload(text.clone(), blocks)).collect()
}

fn payload(text: String, blocks: Vec<Block>) -> Payload {
    // A title of nothing but marks has nothing to be read aloud; a message must have a text.
    let text = if says(&text) { text } else { "…".to_owned() };
    Payload { text, blocks, unfurl_links: false, unfurl_media: false }
}

fn public(reply: &Reply, progress: &Progress, around: &Around<'_>) -> Payload {
    let said = [
        (&progress.asked, words::asked as fn(&str, &str) -> String),
        (&progress.fixed, words::fixed),
        (&progress.not_mine, words::not_mine),
    ];
    let lines = said
        .into_iter()
        .filter_map(|(by, say)| by.as_ref().map(|by| Text::mrkdwn(say(&person(&by.person), &when(by)))))
        .map(|line| Block::Context { block_id: None, elements: vec![line] });
    let open = !reply.answers.is_empty() && !progress.is_closed();
    let ask = open && around.may_call_team && progress.asked.is_none();
    let key = around.key.to_string();
    let buttons = |left_out: &[usize]| {
        let shown = [
            (open, Button::Fixed, words::FIXED_IT, Some(Style::Primary)),
            (open, Button::NotMine, words::NOT_MY_PROBLEM, None),
            (ask, Button::AskTeam, words::ASK_TEAM, None),
        ];
        let shown = shown.into_iter().filter(|(shown, ..)| *shown);
        let several = left_out.len() > 1;
        let buttons = shown
            .filter_map(|(_, what, label, style)| button(what.to_string(), key.clone(), label, style))
            .chain(left_out.iter().filter_map(|index| steps(*index, key.clone(), several)))
            .chain(remove(around.key));
        actions_about(REPLY, around.key, buttons.collect())
    };
    message_of(reply, &lines.collect::<Vec<_>>(), buttons)
}

fn suggestion(reply: &Reply, around: &Around<'_>) -> Payload {
    let mut stack = message();
    // A secret concerns everybody who can read the message; the answer does not.
    if let Some(warning) = warning(reply) {
        stack.push(warning, Room::default());
    }
    stack.push(page::paragraph(words::SUGGESTION), Room::default());
    let show = button(Button::Show.to_string(), around.key.to_string(), words::SHOW_ANSWER, Some(Style::Primary));
    if let Some(buttons) = actions_about(REPLY, around.key, show.into_iter().chain(remove(around.key)).collect()) {
        stack.push(buttons, Room::default());
    }
    let warned = (!reply.secrets.is_empty()).then(|| words::secret_warning(&reply.secrets));
    let said: Vec<String> = warned.into_iter().chain([words::SUGGESTION.to_owned()]).collect();
    payload(spoken(&said.join(" ")), stack.take())
}

fn team_call(call: &TeamCall, around: &Around<'_>) -> Payload {
    let team = team(&call.role);
    let line = words::call(&team, &person(&call.asked.person), &when(&call.asked));
    let small = Text::plain(words::INDEPENDENT);
    let last = Block::Context { block_id: Some(block_id(CALL, around.key)), elements: vec![small] };
    let keep = Room::of(std::slice::from_ref(&last));
    let mut stack = Stack::new(limits::SLACK_BLOCKS, CALL_MAX);
    stack.push(Block::Section { text: Text::mrkdwn(line), accessory: None }, keep);
    let ids = call.ids.iter().map(|id| vec![rich::code(cut(id, ID_MAX).trim())]);
    listed(&mut stack, words::IDS, ids, keep);
    let titles = call.about.iter().map(|title| vec![rich::words(cut(title, limits::SLACK_HEADER).trim())]);
    listed(&mut stack, words::ABOUT, titles, keep);
    stack.push(last, Room::default());
    let about = call.about.first().map(|title| cut(title, limits::SLACK_HEADER));
    let about = about.map(|title| format!(" – {}", spoken(&title))).unwrap_or_default();
    payload(words::call(&team, words::SOMEBODY, "").trim_end().to_owned() + &about, stack.take())
}

/// As many items as fit, and how many do not.
fn listed(stack: &mut Stack, heading: &'static str, items: impl Iterator<Item = Vec<Inline>>, keep: Room) {
    const MORE_LINE: Room = Room { blocks: 1, bytes: 150 };
    let says = |inline: &Inline| matches!(inline, Inline::Text { text, .. } if !text.is_empty());
    let items: Vec<_> = items.filter(|item| item.iter().all(says)).collect();
    for (index, item) in items.iter().enumerate() {
        if !stack.say(heading, Mark::Point, item, keep + MORE_LINE) {
            let more = Text::plain(words::others(items.len() - index));
            stack.push(Block::Context { block_id: None, elements: vec![more] }, keep);
            break;
        }
    }
}

/// An empty message.
fn message() -> Stack {
    Stack::new(limits::SLACK_BLOCKS, limits::SLACK_BLOCKS_TOTAL)
}

/// A reply as a message: what [`lay`] lays, then `after`, then the buttons for the answers that do not
/// stand in full.
fn message_of(reply: &Reply, after: &[Block], buttons: impl Fn(&[usize]) -> Option<Block>) -> Payload {
    let all: Vec<usize> = (0..reply.answers.len().min(SHORT_MAX + 1)).collect();
    let reserve = buttons(&all).map(|block| Room::of(&[block])).unwrap_or_default();
    let mut stack = message();
    let left_out = lay(&mut stack, reply, false, Room::of(after) + reserve);
    for block in after {
        stack.push(block.clone(), reserve);
    }
    if stack.is_empty() {
        stack.push(page::paragraph(words::NOTHING_KNOWN), reserve);
    }
    if let Some(buttons) = buttons(&left_out) {
        stack.push(buttons, Room::default());
    }
    payload(summary(reply), stack.take())
}

/// Lays the warning, the note, the answers and the answers that are only named; returns the numbers of
/// those that do not stand in full and can be read one by one.
fn lay(stack: &mut Stack, reply: &Reply, whole: bool, after: Room) -> Vec<usize> {
    let mut left_out = Vec::new();
    if let Some(warning) = warning(reply) {
        stack.push(warning, after);
    }
    if let Some(note) = reply.note.as_deref().map(|note| budget::cut(note, NOTE_MAX)).filter(|note| says(note)) {
        stack.push(page::paragraph(&note), after);
    }
    let mut named = Vec::new();
    let mut unnamed = 0;
    for (index, answer) in reply.answers.iter().enumerate() {
        let next = reply.answers.iter().enumerate().skip(index + 1).take(SHORT_MAX - named.len());
        let next = next.map(|(index, answer)| page::short(index, answer, SHORT_TEXT_MAX));
        let names: Vec<_> = named.iter().cloned().chain(next).collect();
        let keep = after + names_room(&names);
        let mut laid = stack.clone();
        let separated = index == 0 || laid.push(Block::Divider {}, keep);
        let left = Page::new(answer, whole).lay(&mut laid, keep);
        if index == 0 || (left.is_nothing() && separated) {
            *stack = laid;
            if !left.is_nothing() {
                left_out.push(index);
            }
        } else if named.len() < SHORT_MAX {
            named.push(page::short(index, answer, SHORT_TEXT_MAX));
            left_out.push(index);
        } else {
            unnamed += 1;
        }
    }
    for name in &named {
        stack.say(words::ALSO, Mark::Point, name, after);
    }
    if unnamed > 0 {
        stack.say(words::ALSO, Mark::None, &[rich::words(&words::others(unnamed))], after);
    }
    left_out
}

/// What naming answers takes, with the line that counts those which are not even named.
fn names_room(names: &[Vec<Inline>]) -> Room {
    const COUNT_LINE: usize = 120;
    if names.is_empty() {
        return Room::default();
    }
    let mut named = message();
    for name in names {
        named.say(words::ALSO, Mark::Point, name, Room::default());
    }
    Room::of(&named.take()) + Room { blocks: 0, bytes: COUNT_LINE }
}

/// Told first when a paste holds live secrets.
fn warning(reply: &Reply) -> Option<Block> {
    let warning = budget::cut(&words::secret_warning(&reply.secrets), SECRETS_MAX);
    let line = Rich::RichTextSection { elements: vec![rich::bold(warning.trim())] };
    (!reply.secrets.is_empty()).then_some(Block::RichText { elements: vec![line] })
}

/// The rules that come near, each with a button that reads it.
fn offers(reply: &Reply) -> Vec<Block> {
    let mut stack = Stack::new(limits::SLACK_BLOCKS, OFFERS_MAX);
    let more_line = Room { blocks: 1, bytes: 150 };
    for (index, offer) in reply.offers.iter().enumerate() {
        let lines = [&offer.title, &offer.rule].map(|line| cut(line.trim(), OFFER_MAX));
        let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            continue;
        }
        if stack.is_empty() {
            let heading = Rich::RichTextSection { elements: vec![rich::bold(words::NEAR)] };
            stack.push(Block::RichText { elements: vec![heading] }, Room::default());
        }
        let accessory = read(index, offer).map(Element::Button);
        if !stack.push(Block::Section { text: Text::plain(lines.join("\n")), accessory }, more_line) {
            let more = Text::plain(words::others(reply.offers.len() - index));
            stack.push(Block::Context { block_id: None, elements: vec![more] }, Room::default());
            break;
        }
    }
    stack.take()
}

/// What a notification shows and a screen reader says: no markup, and nothing live.
fn summary(reply: &Reply) -> String {
    let mut said = Vec::new();
    if !reply.secrets.is_empty() {
        said.push(words::secret_warning(&reply.secrets));
    }
    said.extend(reply.note.clone().filter(|note| says(note)));
    said.extend(reply.answers.first().map(|answer| page::summary(answer, SPOKEN_STEP_MAX)));
    if said.is_empty() {
        said.push(words::NOTHING_KNOWN.to_owned());
    }
    spoken(said.join(" ").trim())
}

/// Text for the `text` of a message, which Slack parses as its markup, addresses included.
fn spoken(text: &str) -> String {
    let text = cut(text, SPOKEN_MAX);
    let mut spoken = String::new();
    for (at, char) in text.char_indices() {
        let next = text[at + char.len_utf8()..].chars().next();
        match char {
            '&' => spoken.push_str("&amp;"),
            '<' => spoken.push_str("&lt;"),
            '>' => spoken.push_str("&gt;"),
            '*' | '~' | '`' => {}
            // Inside of words it is a letter, elsewhere a mark.
            '_' if !(spoken.ends_with(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric)) => {}
            _ => {
                spoken.push(char);
                let opens = match char {
                    '@' | '#' => next.is_some(),
                    ':' | '.' => next.is_some_and(|next| next != ' '),
                    _ => false,
                };
                if opens {
                    spoken.push(ZERO_WIDTH);
                }
            }
        }
    }
    spoken
}

fn says(text: &str) -> bool {
    !text.trim().is_empty()
}

/// The team in Slack's markup: a user group, or a single person.
fn team(role: &str) -> String {
    match role.chars().next() {
        Some('S') if is_id(role) => format!("<!subteam^{role}>"),
        Some('U' | 'W') if is_id(role) => format!("<@{role}>"),
        _ => words::TEAM.to_owned(),
    }
}

/// A person by name. Only those are named who pressed a button, in the thread where they pressed it.
fn person(id: &str) -> String {
    if id.starts_with(['U', 'W']) && is_id(id) { format!("<@{id}>") } else { words::SOMEBODY.to_owned() }
}

fn is_id(id: &str) -> bool {
    (2..=30).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// When, in the reader's time zone; in UTC where Slack cannot say it.
fn when(by: &By) -> String {
    let at = by.at.clamp(0, TIME_MAX);
    format!("<!date^{at}^{{date_short_pretty}} at {{time}}|{}>", utc(at))
}

/// A second since 1970 as a date and time, at most [`TIME_MAX`].
fn utc(at: i64) -> String {
    let (mut year, mut day) = (1970, at / 86_400);
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    loop {
        let days = if is_leap(year) { 366 } else { 365 };
        if day < days {
            break;
        }
        day -= days;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    let (hour, minute) = (at % 86_400 / 3_600, at % 3_600 / 60);
    format!("{year:04}-{month:02}-{:02} {hour:02}:{minute:02} UTC", day + 1)
}
