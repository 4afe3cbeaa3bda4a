//! What the bot says, independent of where it is said.
//!
//! A [`Reply`] holds the sentences of rules with captured values filled in, and the bot's own words
//! from [`words`]. Captured values stay marked as such, so that every renderer can escape them:
//! nothing taken from a paste can mention, link or format.

mod compose;
mod post;
pub mod words;

use serde::{Deserialize, Serialize};

pub use compose::{CAPTURE_SHOWN_MAX, Composer, fill};
pub use post::{Button, By, Post, Progress, TeamCall};

/// Everything the bot says about one message or question.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reply {
    /// Kinds of live secrets in the paste, in words; said first.
    pub secrets: Vec<String>,
    /// One for each error that was recognised, best first.
    pub answers: Vec<Answer>,
    /// Rules that come near, offered only to who asked.
    pub offers: Vec<Offer>,
    /// A sentence of the bot's own, e.g. that nothing is known.
    pub note: Option<String>,
    /// Error and request ids of the paste, for who has to look the event up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

impl Reply {
    /// A sentence of the bot's own and nothing else.
    pub fn note(text: impl Into<String>) -> Self {
        Self { note: Some(text.into()), ..Self::default() }
    }
}

/// A rule's page, filled with what the paste holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The rule's id.
    pub rule: String,
    /// Names the problem.
    pub title: String,
    /// How sure the diagnosis is; empty for a look-up.
    pub confidence: Option<String>,
    /// What was recognised, quoted from the paste; none for a look-up.
    pub quote: Option<String>,
    /// What it was recognised by, in words.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// How often the paste has it.
    pub count: usize,
    /// Why it happens.
    pub cause: RichText,
    /// How to confirm it.
    pub checks: Vec<RichText>,
    /// What the person who hit it can do.
    pub for_user: Vec<RichText>,
    /// What fixes it, in order.
    pub steps: Vec<RichText>,
    /// Who can fix it, as the rule file has it.
    pub fixed_by: String,
    /// The engines it applies to, as the rule file has them.
    pub engines: Vec<String>,
    /// Pages that support it.
    pub sources: Vec<String>,
    /// Date of the last check of the facts.
    pub reviewed: String,
    /// The rule is a preview: its facts are not confirmed yet.
    pub preview: bool,
}

/// A rule that may be what somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The rule's id.
    pub rule: String,
    /// The rule's title.
    pub title: String,
}

/// A paragraph in runs of one look.
pub type RichText = Vec<Span>;

/// A run of text with one look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The text, unescaped.
    pub text: String,
    /// How it looks.
    #[serde(default, skip_serializing_if = "Look::is_plain")]
    pub look: Look,
    /// Where it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Taken from the paste rather than from the rule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub captured: bool,
}

/// The look of a [`Span`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// Ordinary words.
    #[default]
    Plain,
    /// Console paths, names of buttons.
    Strong,
    /// Stressed words.
    Emphasis,
    /// To be typed or compared literally.
    Code,
}

impl Look {
    fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

/// The text of a paragraph without its look.
pub fn plain(text: &[Span]) -> String {
    text.iter().map(|span| span.text.as_str()).collect()
}
