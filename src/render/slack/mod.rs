//! Replies as Slack messages and views: Block Kit within Slack's limits, with nothing live in it that
//! was captured. No network.
//!
//! What rules and pastes say stands in `rich_text` blocks rather than in `mrkdwn`: Slack shows their
//! words as they are, so nothing in them can mention, link or format, whatever it looks like; they
//! have real numbered lists, which a reader of the screen announces; and they are never folded behind
//! "See more" as sections are. `mrkdwn` is left for small print and for what only it has: mentions
//! and dates of the bot's own.

mod blocks;
mod ids;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

pub use blocks::{
    Block, ButtonElement, Confirm, DispatchConfig, Element, Inline, ListStyle, Rich, Style, Text, TextStyle,
};
pub use ids::{FORM, FORM_FIELD, Key, OPEN_FORM, Pressed, SEARCH, block_id, parse_block_id, pressed};

use crate::reply::words::WatchedAs;
use crate::reply::{Answer, Post, Reply};

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

/// What stands publicly for a message.
pub fn post(post: &Post, around: &Around<'_>) -> Payload {
    let _ = (post, around);
    Payload::default()
}

/// An answer that only who asked sees, with a button that shares it if there is something to share.
/// What is shared are the pages of the rules: what somebody pasted for themselves stays theirs.
pub fn private(reply: &Reply, share: bool) -> Payload {
    let _ = (reply, share);
    Payload::default()
}

/// Everything of one answer, only for who asked, over as many messages as it needs.
pub fn all_steps(answer: &Answer) -> Vec<Payload> {
    let _ = answer;
    Vec::new()
}

/// The App Home view, for `views.publish`.
pub fn home(home: &Home<'_>) -> Value {
    let _ = home;
    Value::Null
}

/// The form to paste into, for `views.open`. `metadata` comes back with what is submitted; it is left
/// out where Slack would not take it.
pub fn diagnose_form(metadata: &str) -> Value {
    let _ = metadata;
    Value::Null
}

/// A reply in a window of its own, for `views.open`, `views.push`, `views.update` and as the answer to
/// a submitted form.
pub fn results_view(reply: &Reply) -> Value {
    let _ = reply;
    Value::Null
}
