//! One answer as a sequence of texts, and how it is laid into the embeds of a message.

use super::budget::{Budget, Cards};
use super::markdown::{self, units};
use super::{CALM, limits};
use crate::render::left_out::{Kind, LeftOut};
use crate::reply::{Answer, RichText, words};
use crate::rules::{FixedBy, Keyword};

/// An item is cut at this length; no item of a sound rule reaches it, and it fits an embed with its heading.
const ITEM_MAX: usize = 3_500;
/// A cause is cut at this length, so that it leaves room for steps.
const CAUSE_MAX: usize = 1_800;
/// A quotation is shown up to this length.
const QUOTE_MAX: usize = 500;
/// What a diagnosis rests on is shown up to this length.
const EVIDENCE_MAX: usize = 250;
/// The sources take at most this much of a message.
const SOURCES_MAX: usize = 1_000;
/// The small print is cut at this length, far below what Discord takes: all embeds share one limit.
const FOOTER_MAX: usize = 300;
/// The line that says what was left out is not longer.
const LEFT_OUT_LINE: usize = 60;

enum Part {
    Card(String),
    Text { gap: &'static str, text: String, kind: Kind },
}

/// An answer in texts that each fit an embed.
pub(super) struct Page {
    parts: Vec<Part>,
    sources: Vec<String>,
    footer: String,
    /// Some item was too long.
    cut: bool,
    /// Whether long items go on rather than being cut.
    whole: bool,
}

impl Page {
    /// An answer for one message (items are cut when they are too long), or whole.
    pub(super) fn new(answer: &Answer, whole: bool) -> Self {
        let mut page = Self { parts: Vec::new(), sources: sources(answer), footer: footer(answer), cut: false, whole };
        page.parts.push(Part::Card(title(answer)));
        if answer.preview {
            page.say(format!("*{}*", words::PREVIEW), Kind::Other);
        }
        if let Some(quote) = &answer.quote {
            page.quotation(answer, quote);
        }
        page.items(words::CAUSE, std::slice::from_ref(&answer.cause), |_| String::new(), Kind::Other);
        page.items(words::FOR_USER, &answer.for_user, |_| "- ".to_owned(), Kind::Point);
        if !answer.steps.is_empty() {
            page.parts.push(Part::Card(words::SOLUTION.to_owned()));
            page.items("", &answer.steps, |index| format!("{}. ", index + 1), Kind::Step);
        }
        page.items(words::CHECK, &answer.checks, |_| "- ".to_owned(), Kind::Point);
        if !whole {
            page.cut |= page.sources.len() > 1;
            page.sources.truncate(1);
        }
        page
    }

    fn say(&mut self, text: String, kind: Kind) {
        self.parts.push(Part::Text { gap: "\n\n", text, kind });
    }

    fn quotation(&mut self, answer: &Answer, quote: &str) {
        let mut text = format!("**{}**", words::RECOGNISED);
        if !answer.evidence.is_empty() {
            text.push(' ');
            text.push_str(&markdown::captured(&words::recognised_by(&answer.evidence), EVIDENCE_MAX));
        }
        if answer.count > 1 {
            text.push_str(&format!(" ({})", words::seen(answer.count)));
        }
        let quote = markdown::code_within(quote, QUOTE_MAX);
        if !quote.is_empty() {
            text.push_str(&format!("\n> {quote}"));
        }
        self.say(text, Kind::Other);
    }

    /// A section: its heading stands with its first item.
    fn items(&mut self, heading: &str, items: &[RichText], mark: impl Fn(usize) -> String, kind: Kind) {
        let max = if heading == words::CAUSE && !self.whole { CAUSE_MAX } else { ITEM_MAX };
        let mut heading = if heading.is_empty() { String::new() } else { format!("**{heading}**\n") };
        for (index, item) in items.iter().enumerate() {
            let mut pieces = markdown::pieces(item, max, if self.whole { usize::MAX } else { 2 }).into_iter();
            let first = pieces.next().unwrap_or_default();
            if first.trim().is_empty() && kind == Kind::Other {
                continue;
            }
            let gap = if heading.is_empty() { "\n" } else { "\n\n" };
            let text = format!("{}{}{first}", std::mem::take(&mut heading), mark(index));
            self.parts.push(Part::Text { gap, text, kind });
            for more in pieces {
                if self.whole {
                    self.parts.push(Part::Text { gap: "\n", text: format!("…{more}"), kind: Kind::Other });
                } else {
                    self.cut = true;
                }
            }
        }
    }

    fn tail(&self) -> Budget {
        let sources: usize = self.sources.iter().map(|line| units(line) + 2).sum();
        Budget { embeds: 1, units: sources + units(&self.footer) }
    }

    /// Lays as much as fits into `cards`, of which `keep` stays free.
    pub(super) fn lay(&self, cards: &mut Cards, keep: Budget) -> LeftOut {
        let tail = self.tail() + keep;
        let mut laid = cards.clone();
        let mut left = self.fill(&mut laid, tail);
        if left.is_missing() {
            laid = cards.clone();
            left = self.fill(&mut laid, tail + Budget { embeds: 0, units: LEFT_OUT_LINE });
            laid.text("\n", &left.line(), Budget { embeds: 0, ..tail } + keep_embeds(keep));
        }
        *cards = laid;
        self.finish(cards, keep);
        left
    }

    fn fill(&self, cards: &mut Cards, keep: Budget) -> LeftOut {
        let mut left = LeftOut::only_cut(self.cut);
        for part in &self.parts {
            match part {
                Part::Card(title) if !left.is_missing() => cards.card(title.clone(), CALM),
                Part::Card(_) => {}
                Part::Text { gap, text, kind } => {
                    if !left.is_missing() && cards.text(gap, text, keep) {
                        continue;
                    }
                    left.add(*kind);
                }
            }
        }
        left
    }

    fn finish(&self, cards: &mut Cards, keep: Budget) {
        let footer = Budget { embeds: 0, units: units(&self.footer) } + keep;
        for line in &self.sources {
            cards.text("\n\n", line, footer);
        }
        if cards.is_waiting() {
            cards.text("", "", footer);
        }
        cards.footer(&self.footer);
    }

    /// The whole answer over as many messages as it needs.
    pub(super) fn spread(&self) -> Vec<Vec<super::Embed>> {
        let mut cards = Cards::new();
        let mut messages = Vec::new();
        let keep = Budget { embeds: 0, units: units(&self.footer) };
        let sources = self.sources.iter().map(|line| ("\n\n", line));
        let mut say = |cards: &mut Cards, gap: &str, text: &str| {
            if !cards.text(gap, text, keep) {
                messages.push(cards.take());
                cards.text(gap, text, keep);
            }
        };
        for part in &self.parts {
            match part {
                Part::Card(title) => cards.card(title.clone(), CALM),
                Part::Text { gap, text, .. } => say(&mut cards, gap, text),
            }
        }
        for (gap, line) in sources {
            say(&mut cards, gap, line);
        }
        if cards.is_waiting() {
            say(&mut cards, "", "");
        }
        cards.footer(&self.footer);
        messages.push(cards.take());
        messages
    }
}

fn keep_embeds(keep: Budget) -> Budget {
    Budget { embeds: keep.embeds, units: 0 }
}

/// The title as Markdown, never blank.
pub(super) fn title(answer: &Answer) -> String {
    [&answer.title, &answer.rule]
        .into_iter()
        .map(|text| markdown::own(text, limits::DISCORD_TITLE))
        .find(|text| !text.trim().is_empty())
        .unwrap_or_else(|| "…".to_owned())
}

fn footer(answer: &Answer) -> String {
    let mut parts: Vec<String> =
        FixedBy::from_word(&answer.fixed_by).map(words::fixed_by).map(str::to_owned).into_iter().collect();
    parts.push(answer.rule.clone());
    parts.push(words::reviewed(&answer.reviewed));
    parts.extend(answer.confidence.as_deref().map(words::confidence));
    parts.push(words::INDEPENDENT.to_owned());
    super::cut(&parts.join(" · "), FOOTER_MAX)
}

/// The sources as numbered links, in lines of a bearable length.
fn sources(answer: &Answer) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (index, url) in answer.sources.iter().filter_map(|source| markdown::address(source)).enumerate() {
        let link = format!("[{}]({url})", index + 1);
        match lines.last_mut().filter(|line| units(line) + units(&link) < SOURCES_MAX) {
            Some(line) => line.push_str(&format!(" {link}")),
            None => lines.push(format!("{}: {link}", words::SOURCES)),
        }
    }
    lines
}
