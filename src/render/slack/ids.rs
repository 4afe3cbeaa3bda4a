//! What stands in the ids of blocks and buttons. They are all that the bot needs to find its posts
//! again and to act on a press, so that those of old messages go on working after a restart.

use std::fmt;

use crate::render::limits::SLACK_VALUE;
use crate::reply::Button;
use crate::rules::Keyword as _;

/// Begins the id of the block by which a post is found again.
const MARK: &str = "oktriage";
/// The `callback_id` of the form to paste into.
pub const FORM: &str = "diagnose";
/// The `block_id` and the `action_id` of the form's field.
pub const FORM_FIELD: &str = "paste";
/// The `action_id` of the search field in App Home.
pub const SEARCH: &str = "search";
/// The `action_id` of the button that opens the form.
pub const OPEN_FORM: &str = "open-form";

/// A message on Slack, as ids name it: `team:channel:ts`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The workspace, e.g. `T0123`.
    pub team: String,
    /// The channel, e.g. `C0123`.
    pub channel: String,
    /// The message in it, e.g. `1795000000.000100`.
    pub ts: String,
}

impl Key {
    /// Reads what [`fmt::Display`] writes; `None` if something is missing or too much.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':').filter(|part| !part.is_empty());
        let key =
            Self { team: parts.next()?.to_owned(), channel: parts.next()?.to_owned(), ts: parts.next()?.to_owned() };
        (key.to_string() == text).then_some(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.team, self.channel, self.ts)
    }
}

/// The id of the block by which the post about a message is found again; `part` is `reply` or `call`.
pub fn block_id(part: &str, key: &Key) -> String {
    format!("{MARK}:{part}:{key}")
}

/// Which part about which message a block belongs to; `None` for a block that says nothing about that.
pub fn parse_block_id(block_id: &str) -> Option<(&str, Key)> {
    let (part, key) = block_id.strip_prefix(MARK)?.strip_prefix(':')?.split_once(':')?;
    Some((part, Key::parse(key)?))
}

/// What a press asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pressed {
    /// A button below the post about a message; `answer` counts from 0 and matters for [`Button::Steps`].
    OnPost {
        /// Which button.
        button: Button,
        /// The message that was answered.
        key: Key,
        /// Which of its answers.
        answer: usize,
    },
    /// The page of a rule, by its id: an offer.
    Page(String),
    /// Everything that a rule says, by its id: below a private answer that did not fit.
    Steps(String),
    /// The pages of these rules, for everybody.
    Share(Vec<String>),
    /// Rules for what was typed into the search field.
    Search(String),
    /// The form to paste into.
    Form,
}

/// Reads the `action_id` and `value` of something that was pressed; `None` if it is not this bot's.
pub fn pressed(action_id: &str, value: &str) -> Option<Pressed> {
    match action_id {
        SEARCH => return Some(Pressed::Search(value.to_owned())),
        OPEN_FORM => return Some(Pressed::Form),
        _ => {}
    }
    let (word, index) = action_id.split_once(':').unwrap_or((action_id, "0"));
    let button = Button::from_word(word)?;
    let answer = index.parse().ok()?;
    if let Some(key) = Key::parse(value) {
        return Some(Pressed::OnPost { button, key, answer });
    }
    let rules = || value.split(',').filter(|rule| !rule.is_empty()).map(str::to_owned);
    match button {
        Button::Show => rules().next().map(Pressed::Page),
        Button::Steps => rules().next().map(Pressed::Steps),
        Button::Share => Some(Pressed::Share(rules().collect())),
        _ => None,
    }
}

/// The value of a button about rules: as many as fit, the first ones first.
pub(super) fn rules_value<'r>(rules: impl Iterator<Item = &'r str>) -> String {
    let mut value = String::new();
    for rule in rules.filter(|rule| !rule.is_empty() && !rule.contains([',', ':'])) {
        if value.len() + rule.len() + 1 > SLACK_VALUE {
            break;
        }
        if !value.is_empty() {
            value.push(',');
        }
        value.push_str(rule);
    }
    value
}
