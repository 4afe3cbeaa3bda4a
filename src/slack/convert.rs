//! What Slack tells about messages, in the bot's words.

use serde::Deserialize;
use serde_json::Value;

use super::files::File;
use super::{channel_key, micros};
use crate::bot::{self, MessageKey};

/// Subtypes of messages that people write. <https://docs.slack.dev/reference/events/message>
const WRITTEN: [&str; 3] = ["file_share", "thread_broadcast", "me_message"];
/// Slack's own voice.
const SLACKBOT: &str = "USLACKBOT";
/// `edited.ts` counts whole seconds; an edit that is known by it alone counts as the last in its second.
const SECOND_END: i64 = 999_999;

/// A message, as events and the history have it. Only what is used: what else stands there may change.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    pub(super) subtype: Option<String>,
    pub(super) channel: Option<String>,
    channel_type: Option<String>,
    pub(super) ts: String,
    event_ts: Option<String>,
    pub(super) thread_ts: Option<String>,
    user: Option<String>,
    bot_id: Option<String>,
    text: Option<String>,
    files: Option<Vec<File>>,
    attachments: Option<Vec<Attachment>>,
    pub(super) edited: Option<Edited>,
    pub(super) message: Option<Box<Message>>,
    previous_message: Option<Box<Message>>,
    deleted_ts: Option<String>,
    pub(super) latest_reply: Option<String>,
    pub(super) blocks: Option<Value>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Edited {
    ts: String,
}

/// A quoted or forwarded message, the preview of a link, or what an integration has to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Attachment {
    /// A message that somebody forwarded.
    is_share: bool,
    text: Option<String>,
    fallback: Option<String>,
}

/// The conversation in which a message stands.
struct Place {
    channel: String,
    direct: bool,
    may_opt_in: bool,
}

/// Something that happened to a message.
#[derive(Debug, Clone)]
pub(super) enum Happened {
    /// It was posted or edited.
    Said(Said),
    /// It is gone.
    Gone(String),
}

/// What a message says, as posted or as edited.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) channel: String,
    /// Whether this is a conversation with the bot alone.
    pub(super) direct: bool,
    /// Whether this is a channel, which the bot was invited to.
    pub(super) may_opt_in: bool,
    pub(super) ts: String,
    pub(super) thread: Option<String>,
    author: String,
    text: String,
    pub(super) files: Vec<File>,
    version: i64,
    pub(super) edited: bool,
}

/// Who the bot is in a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Me {
    pub(super) team: String,
    pub(super) user: String,
    pub(super) bot: Option<String>,
}

impl Message {
    /// What an event of the type `message` or `app_mention` is about; `None` when it is nothing to the bot.
    pub(super) fn happened(self, me: &Me) -> Option<Happened> {
        let channel = self.channel.clone()?;
        let place = Place {
            direct: self.channel_type.as_deref() == Some("im") || channel.starts_with('D'),
            may_opt_in: matches!(self.channel_type.as_deref(), Some("channel" | "group")),
            channel,
        };
        match self.subtype.as_deref() {
            Some("message_changed") => {
                let happened = micros(self.event_ts.as_deref().unwrap_or(&self.ts));
                let message = *self.message?;
                if message.subtype.as_deref() == Some("tombstone") {
                    // A deleted message that a thread hangs on.
                    return Some(Happened::Gone(message.ts));
                }
                if self.previous_message.is_some_and(|previous| previous.same_words(&message)) {
                    // Slack added the preview of a link, or counted replies.
                    return None;
                }
                let version = happened.or_else(|| message.last_edit())?;
                message.said(place, me, version, true).map(Happened::Said)
            }
            Some("message_deleted") => self.deleted_ts.map(Happened::Gone),
            _ => {
                let edited = self.edited.is_some();
                let version =
                    if edited { micros(self.event_ts.as_deref().unwrap_or(&self.ts)) } else { micros(&self.ts) };
                self.said(place, me, version?, edited).map(Happened::Said)
            }
        }
    }

    /// What the history says about a message of a channel.
    pub(super) fn remembered(self, channel: &str, me: &Me) -> Option<Happened> {
        if self.subtype.as_deref() == Some("tombstone") {
            return Some(Happened::Gone(self.ts));
        }
        let edit = self.last_edit();
        let version = edit.or_else(|| micros(&self.ts))?;
        let place = Place { direct: channel.starts_with('D'), may_opt_in: false, channel: channel.to_owned() };
        self.said(place, me, version, edit.is_some()).map(Happened::Said)
    }

    /// When it was edited last, in microseconds since 1970.
    pub(super) fn last_edit(&self) -> Option<i64> {
        let edited = micros(&self.edited.as_ref()?.ts)?;
        let end = if edited % 1_000_000 == 0 { edited + SECOND_END } else { edited };
        Some(end.max(micros(&self.ts)?.saturating_add(1)))
    }

    /// Whether this bot wrote it.
    pub(super) fn is_own(&self, me: &Me) -> bool {
        self.user.as_deref() == Some(me.user.as_str()) || (self.bot_id.is_some() && self.bot_id == me.bot)
    }

    fn said(self, place: Place, me: &Me, version: i64, edited: bool) -> Option<Said> {
        let written = self.subtype.as_deref().is_none_or(|subtype| WRITTEN.contains(&subtype));
        if !written || self.bot_id.is_some() || self.is_own(me) {
            return None;
        }
        let author = self.user.filter(|user| user != SLACKBOT)?;
        let mut text = self.text.unwrap_or_default();
        for forwarded in self.attachments.unwrap_or_default().into_iter().filter(|attachment| attachment.is_share) {
            text.push_str("\n\n");
            text.push_str(&forwarded.text.or(forwarded.fallback).unwrap_or_default());
        }
        let Place { channel, direct, may_opt_in } = place;
        Some(Said {
            channel,
            direct,
            may_opt_in,
            thread: self.thread_ts.filter(|thread| *thread != self.ts),
            ts: self.ts,
            author,
            text,
            files: self.files.unwrap_or_default(),
            version,
            edited,
        })
    }

    fn same_words(&self, other: &Self) -> bool {
        let files =
            |message: &Self| -> Vec<String> { message.files.iter().flatten().map(|file| file.id.clone()).collect() };
        self.text == other.text && files(self) == files(other)
    }

    /// Everything readable in a message of whomever, also of another program.
    pub(super) fn all_text(&self) -> String {
        let mut text = self.text.clone().unwrap_or_default();
        let mut add = |more: &str| {
            if !more.is_empty() && !text.contains(more) {
                text.push_str("\n\n");
                text.push_str(more);
            }
        };
        for attachment in self.attachments.iter().flatten() {
            add(attachment.text.as_deref().or(attachment.fallback.as_deref()).unwrap_or_default());
        }
        if self.text.as_deref().unwrap_or_default().is_empty() || self.bot_id.is_some() {
            let mut words = String::new();
            gather(self.blocks.as_ref().unwrap_or(&Value::Null), 0, &mut words);
            add(words.trim());
        }
        text
    }

    /// The files of a message.
    pub(super) fn files(&self) -> &[File] {
        self.files.as_deref().unwrap_or_default()
    }
}

/// Blocks are nested so deep at most.
const DEPTH_MAX: usize = 12;

/// The texts of blocks, one below the other.
fn gather(value: &Value, depth: usize, words: &mut String) {
    match value {
        _ if depth > DEPTH_MAX => {}
        Value::Array(values) => values.iter().for_each(|value| gather(value, depth + 1, words)),
        Value::Object(fields) => {
            if let Some(text) = fields.get("text").and_then(Value::as_str) {
                words.push_str(text);
                words.push('\n');
            }
            for name in ["text", "elements", "fields"] {
                gather(fields.get(name).unwrap_or(&Value::Null), depth + 1, words);
            }
        }
        _ => {}
    }
}

impl Said {
    /// Whether it is addressed to the bot.
    pub(super) fn asks(&self, me: &Me) -> bool {
        self.direct || self.mentions(me)
    }

    /// Whether its words name the bot.
    pub(super) fn mentions(&self, me: &Me) -> bool {
        !me.user.is_empty()
            && (self.text.contains(&format!("<@{}>", me.user)) || self.text.contains(&format!("<@{}|", me.user)))
    }

    /// The message in the bot's words; `more` is text that belongs to it: files, or what it asks about.
    pub(super) fn into_message(self, me: &Me, more: &str) -> bot::Message {
        let asked = self.asks(me);
        let mut text = without_mention(&self.text, &me.user);
        text.push_str(more);
        bot::Message {
            key: MessageKey { channel: channel_key(&me.team, &self.channel), message: self.ts.clone() },
            thread: self.thread,
            author: bot::Author { id: self.author, is_bot: false },
            text: text.trim().to_owned(),
            posted_at: micros(&self.ts).unwrap_or_default() / 1_000,
            version: self.version,
            asked,
        }
    }
}

/// The words without `<@U…>` or `<@U…|name>` of a person.
fn without_mention(text: &str, user: &str) -> String {
    let mark = format!("<@{user}");
    let mut rest = text;
    let mut kept = String::with_capacity(text.len());
    while let Some((before, after)) = rest.split_once(&mark) {
        kept.push_str(before);
        let end = after.find('>').filter(|end| *end == 0 || after.starts_with('|'));
        match end {
            Some(end) if !user.is_empty() => {
                kept.push(' ');
                rest = &after[end + 1..];
            }
            _ => {
                kept.push_str(&mark);
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Happened, Me, Message, without_mention};

    fn me() -> Me {
        Me { team: "T1".into(), user: "UBOT".into(), bot: Some("B1".into()) }
    }

    fn happened(event: serde_json::Value) -> String {
        let message: Message = serde_json::from_value(event).unwrap();
        match message.happened(&me()) {
            None => "nothing".to_owned(),
            Some(Happened::Gone(ts)) => format!("{ts} is gone"),
            Some(Happened::Said(said)) => {
                let edited = said.edited;
                let message = said.into_message(&me(), "");
                let asked = if message.asked { " asks" } else { " says" };
                let state = if edited { "edited " } else { "" };
                format!("{state}{}{asked} {:?} v{}", message.author.id, message.text, message.version)
            }
        }
    }

    #[test]
    fn events_of_messages() {
        let base =
            json!({"type": "message", "channel": "C1", "user": "U1", "ts": "1700000000.000100", "text": "E0000011"});
        let with = |more: serde_json::Value| {
            let mut event = base.clone();
            event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            happened(event)
        };
        assert_eq!(with(json!({})), "U1 says \"E0000011\" v1700000000000100");
        assert_eq!(with(json!({"subtype": "file_share"})), "U1 says \"E0000011\" v1700000000000100");
        assert_eq!(with(json!({"subtype": "channel_join"})), "nothing");
        assert_eq!(with(json!({"bot_id": "B9"})), "nothing");
        assert_eq!(with(json!({"user": "UBOT"})), "nothing");
        assert_eq!(with(json!({"text": "<@UBOT> E0000011"})), "U1 asks \"E0000011\" v1700000000000100");
        assert_eq!(with(json!({"channel": "D1", "channel_type": "im"})), "U1 asks \"E0000011\" v1700000000000100");
        let shared =
            json!({"attachments": [{"is_share": true, "text": "forwarded"}, {"text": "a preview"}], "text": null});
        assert_eq!(with(shared), "U1 says \"forwarded\" v1700000000000100");
    }

    #[test]
    fn edits_previews_and_deletions() {
        let changed = |text: &str, subtype: Option<&str>| {
            happened(json!({
                "type": "message", "subtype": "message_changed", "channel": "C1", "ts": "1700000009.000200", "event_ts": "1700000009.000200",
                "message": {"user": "U1", "ts": "1700000000.000100", "text": text, "subtype": subtype, "edited": {"user": "U1", "ts": "1700000009.000000"}},
                "previous_message": {"user": "U1", "ts": "1700000000.000100", "text": "before"}
            }))
        };
        assert_eq!(changed("after", None), "edited U1 says \"after\" v1700000009000200");
        assert_eq!(changed("before", None), "nothing");
        assert_eq!(changed("This message was deleted.", Some("tombstone")), "1700000000.000100 is gone");
        let deleted = json!({"subtype": "message_deleted", "channel": "C1", "deleted_ts": "1700000000.000100", "ts": "1700000010.0"});
        assert_eq!(happened(deleted), "1700000000.000100 is gone");
    }

    #[test]
    fn edits_in_the_second_of_the_posting_are_later() {
        let message: Message =
            serde_json::from_value(json!({"ts": "1700000000.500000", "edited": {"ts": "1700000000.000000"}})).unwrap();
        assert_eq!(message.last_edit(), Some(1_700_000_000_999_999));
    }

    #[test]
    fn only_the_bots_own_mention_is_taken_out() {
        assert_eq!(without_mention("<@UBOT> a <@UBOT|oktriage> b <@UBOTTLE>", "UBOT"), "  a   b <@UBOTTLE>");
        assert_eq!(without_mention("<@UBOT", "UBOT"), "<@UBOT");
        assert_eq!(without_mention("<@>", ""), "<@>");
    }
}
