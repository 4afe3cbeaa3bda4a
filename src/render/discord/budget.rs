//! How much a message still takes, and the embeds that fill it.

use serde::Serialize;

use super::markdown::units;
use crate::render::limits::{DISCORD_DESCRIPTION, DISCORD_EMBEDS, DISCORD_EMBEDS_TOTAL};

/// A card with a coloured edge.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Embed {
    /// Names it, in Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What it says, in Markdown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The colour of its edge.
    pub color: u32,
    /// Small print.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<Footer>,
}

/// The small print of an embed, without any Markdown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Footer {
    /// Its words.
    pub text: String,
}

/// An amount of what a message takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Budget {
    pub(super) embeds: usize,
    pub(super) units: usize,
}

impl std::ops::Add for Budget {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { embeds: self.embeds + other.embeds, units: self.units + other.units }
    }
}

const MESSAGE: Budget = Budget { embeds: DISCORD_EMBEDS, units: DISCORD_EMBEDS_TOTAL };

/// The embeds of one message while they are filled.
#[derive(Debug, Clone)]
pub(super) struct Cards {
    embeds: Vec<Embed>,
    left: Budget,
    color: u32,
    /// The title of an embed that starts with the next text.
    next: Option<String>,
}

impl Cards {
    pub(super) fn new() -> Self {
        Self { embeds: Vec::new(), left: MESSAGE, color: 0, next: None }
    }

    /// The next text starts an embed.
    pub(super) fn card(&mut self, title: String, color: u32) {
        self.next = Some(title);
        self.color = color;
    }

    /// No text came since the embed was announced.
    pub(super) fn is_waiting(&self) -> bool {
        self.next.is_some()
    }

    /// Adds a text, in an embed of its own if need be, unless less than `keep` would be left.
    pub(super) fn text(&mut self, gap: &str, text: &str, keep: Budget) -> bool {
        let cost = units(gap) + units(text);
        if self.next.is_none()
            && let Some(last) = self.embeds.last_mut()
            && units(&last.description) + cost <= DISCORD_DESCRIPTION
        {
            let fits = cost + keep.units <= self.left.units;
            if fits {
                last.description.push_str(gap);
                last.description.push_str(text);
                self.left.units -= cost;
            }
            return fits;
        }
        let cost = self.next.as_deref().map_or(0, units) + units(text);
        let fits = units(text) <= DISCORD_DESCRIPTION
            && keep.embeds < self.left.embeds
            && cost + keep.units <= self.left.units;
        if fits {
            let title = self.next.take().unwrap_or_default();
            self.embeds.push(Embed { title, description: text.to_owned(), color: self.color, footer: None });
            self.left = Budget { embeds: self.left.embeds - 1, units: self.left.units - cost };
        }
        fits
    }

    /// Puts the small print below what was said last; who calls kept its units.
    pub(super) fn footer(&mut self, text: &str) {
        if let Some(last) = self.embeds.last_mut().filter(|last| last.footer.is_none())
            && units(text) <= self.left.units
        {
            last.footer = Some(Footer { text: text.to_owned() });
            self.left.units -= units(text);
        }
    }

    /// Takes the embeds; what comes next is in another message.
    pub(super) fn take(&mut self) -> Vec<Embed> {
        self.left = MESSAGE;
        std::mem::take(&mut self.embeds)
    }
}
