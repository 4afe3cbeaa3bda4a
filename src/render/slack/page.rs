//! One answer as a sequence of texts, and how it is laid into the blocks of a message.

use super::blocks::{Block, Inline, Rich, Text};
use super::budget::{self, Mark, Room, Stack};
use super::{limits, rich};
use crate::render::left_out::{Kind, LeftOut};
use crate::render::text::{address, clean, cut, units};
use crate::reply::{Answer, Look, RichText, Span, words};
use crate::rules::{FixedBy, Keyword};

/// An item is cut at this length; no item of a sound rule reaches it. Slack names no limit for a rich
/// text, so it has that of every other text.
const ITEM_MAX: usize = limits::SLACK_TEXT_OBJECT;
/// A cause is cut at this length, so that it leaves room for steps.
const CAUSE_MAX: usize = 1_800;
/// A quotation is shown up to this length.
const QUOTE_MAX: usize = 500;
/// What a diagnosis rests on is shown up to this length.
const EVIDENCE_MAX: usize = 250;
/// A line of sources takes at most this much, in bytes.
const SOURCES_MAX: usize = 1_200;
/// The small print is cut here, in bytes.
const FOOTER_MAX: usize = 400;
/// What the line that says what was left out takes.
const LEFT_OUT_LINE: Room = Room { blocks: 1, bytes: 200 };

enum Part {
    Block(Box<Block>),
    Text { heading: &'static str, mark: Mark, text: Vec<Inline>, kind: Kind },
}

/// An answer in parts that each fit a message.
pub(super) struct Page {
    parts: Vec<Part>,
    tail: Vec<Block>,
    /// Some item was too long.
    cut: bool,
    /// Whether long items go on rather than being cut.
    whole: bool,
}

impl Page {
    /// An answer for one message (items are cut when they are too long), or whole.
    pub(super) fn new(answer: &Answer, whole: bool) -> Self {
        let mut page = Self { parts: Vec::new(), tail: Vec::new(), cut: false, whole };
        page.block(Block::Header { text: Text::plain(title(answer)) });
        if answer.preview {
            let remark = Rich::RichTextSection { elements: vec![rich::italic(words::PREVIEW)] };
            page.block(Block::RichText { elements: vec![remark] });
        }
        if let Some(quotation) = quotation(answer) {
            page.block(quotation);
        }
        page.items(words::CAUSE, std::slice::from_ref(&answer.cause), |_| Mark::None, Kind::Other);
        page.items(words::FOR_USER, &answer.for_user, |_| Mark::Point, Kind::Point);
        page.items(words::SOLUTION, &answer.steps, |index| Mark::Number(index + 1), Kind::Step);
        page.items(words::CHECK, &answer.checks, |_| Mark::Point, Kind::Point);
        let mut sources = sources(answer);
        if !whole {
            page.cut |= sources.len() > 1;
            sources.truncate(1);
        }
        let small = |text| Block::Context { block_id: None, elements: vec![text] };
        page.tail = sources.into_iter().map(Text::mrkdwn).chain([Text::plain(footer(answer))]).map(small).collect();
        page
    }

    fn block(&mut self, block: Block) {
        self.parts.push(Part::Block(Box::new(block)));
    }

    fn items(&mut self, heading: &'static str, items: &[RichText], mark: impl Fn(usize) -> Mark, kind: Kind) {
        let max = if kind == Kind::Other && !self.whole { CAUSE_MAX } else { ITEM_MAX };
        for (index, item) in items.iter().enumerate() {
            let mut pieces = rich::pieces(item, max).into_iter();
            let first = match pieces.next() {
                Some(text) => text,
                None if kind == Kind::Other => continue,
                // A number is not skipped because what it says cannot be shown.
                None => vec![rich::words("…")],
            };
            self.parts.push(Part::Text { heading, mark: mark(index), text: first, kind });
            for more in pieces {
                if !self.whole {
                    self.cut = true;
                    break;
                }
                let text = [rich::words("…")].into_iter().chain(more).collect();
                self.parts.push(Part::Text { heading, mark: Mark::None, text, kind: Kind::Other });
            }
        }
    }

    /// Lays as much as fits onto `stack`, of which `keep` stays free.
    pub(super) fn lay(&self, stack: &mut Stack, keep: Room) -> LeftOut {
        let tail = Room::of(&self.tail) + keep;
        let mut laid = stack.clone();
        let mut left = self.fill(&mut laid, tail);
        if left.is_missing() {
            laid = stack.clone();
            left = self.fill(&mut laid, tail + LEFT_OUT_LINE);
            let line = Text::plain(left.line());
            laid.push(Block::Context { block_id: None, elements: vec![line] }, tail);
        }
        for block in &self.tail {
            if !laid.push(block.clone(), keep) {
                left.add(Kind::Other);
            }
        }
        *stack = laid;
        left
    }

    fn fill(&self, stack: &mut Stack, keep: Room) -> LeftOut {
        let mut left = LeftOut::only_cut(self.cut);
        for part in &self.parts {
            if !left.is_missing() && put(stack, part, keep) {
                continue;
            }
            left.add(match part {
                Part::Text { kind, .. } => *kind,
                Part::Block(_) => Kind::Other,
            });
        }
        left
    }

    /// The whole answer over as many messages as it needs.
    pub(super) fn spread(&self) -> Vec<Vec<Block>> {
        let mut stack = super::message();
        let mut messages = Vec::new();
        let tail: Vec<Part> = self.tail.iter().cloned().map(|block| Part::Block(Box::new(block))).collect();
        for part in self.parts.iter().chain(&tail) {
            if !put(&mut stack, part, Room::default()) {
                messages.push(stack.take());
                put(&mut stack, part, Room::default());
            }
        }
        messages.push(stack.take());
        messages
    }
}

fn put(stack: &mut Stack, part: &Part, keep: Room) -> bool {
    match part {
        Part::Block(block) => stack.push(Block::clone(block), keep),
        Part::Text { heading, mark, text, .. } => stack.say(heading, *mark, text, keep),
    }
}

/// The title, never blank.
pub(super) fn title(answer: &Answer) -> String {
    [&answer.title, &answer.rule]
        .into_iter()
        .map(|text| cut(text.trim(), limits::SLACK_HEADER).trim().to_owned())
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| "…".to_owned())
}

/// What was recognised, letter by letter, and by what.
fn quotation(answer: &Answer) -> Option<Block> {
    let quote = cut(answer.quote.as_deref()?, QUOTE_MAX);
    let mut heading = vec![rich::bold(words::RECOGNISED)];
    if !answer.evidence.is_empty() {
        let mut by = vec![own(&words::recognised_by(&[]))];
        for (index, evidence) in answer.evidence.iter().enumerate() {
            by.extend((index > 0).then(|| own(", ")));
            // An address is never live, not even to a client that looks for some by itself.
            by.push(Span { captured: evidence.contains("://"), ..own(evidence) });
        }
        heading.push(rich::words(" "));
        heading.extend(rich::first(&by, EVIDENCE_MAX).0);
    }
    if answer.count > 1 {
        heading.push(rich::words(&format!(" ({})", words::seen(answer.count))));
    }
    let mut elements = vec![Rich::RichTextSection { elements: heading }];
    if !quote.trim().is_empty() {
        elements.push(Rich::RichTextPreformatted { elements: vec![rich::words(quote.trim())] });
    }
    Some(Block::RichText { elements })
}

fn footer(answer: &Answer) -> String {
    let mut parts = vec![answer.rule.clone(), words::reviewed(&answer.reviewed)];
    parts.extend(answer.confidence.as_deref().map(words::confidence));
    parts.push(words::INDEPENDENT.to_owned());
    budget::cut(&parts.join(" · "), FOOTER_MAX)
}

/// Who can fix it and the sources as links, in Slack's markup and lines of a bearable length.
fn sources(answer: &Answer) -> Vec<String> {
    let mut lines: Vec<String> =
        FixedBy::from_word(&answer.fixed_by).map(words::fixed_by).map(str::to_owned).into_iter().collect();
    let mut seen: Vec<String> = Vec::new();
    for url in answer.sources.iter().filter_map(|source| address(source)) {
        let host = host(&url);
        seen.push(host.clone());
        let label = match seen.iter().filter(|other| **other == host).count() {
            1 => host,
            again => format!("{host} ({again})"),
        };
        let link = format!("<{}|{label}>", url.replace('&', "&amp;"));
        let first = seen.len() == 1;
        match lines.last_mut().filter(|line| units(line) + units(&link) < SOURCES_MAX) {
            Some(line) if first => line.push_str(&format!(" · {}: {link}", words::SOURCES)),
            Some(line) => line.push_str(&format!(", {link}")),
            None => lines.push(format!("{}: {link}", words::SOURCES)),
        }
    }
    lines
}

/// The host of an address, for a label; only characters that a host has.
fn host(url: &str) -> String {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split(['/', '?', '#']).next().unwrap_or(url);
    let host: String =
        authority.chars().filter(|char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-')).take(100).collect();
    if host.is_empty() { words::SOURCES.to_owned() } else { host }
}

/// For readers who hear the text or see it in a notification: the title and the first step in short.
pub(super) fn summary(answer: &Answer, step_max: usize) -> String {
    let title = title(answer);
    let step = answer.steps.first().map(|step| cut(spoken(step).trim(), step_max)).unwrap_or_default();
    if step.is_empty() { title } else { format!("{title} – {step}") }
}

fn spoken(text: &[Span]) -> String {
    text.iter().map(|span| clean(&span.text)).collect()
}

/// A further answer that does not fit: its title and the start of its cause.
pub(super) fn short(index: usize, answer: &Answer, max: usize) -> Vec<Inline> {
    let mut line = vec![rich::bold(&cut(&format!("{}. {}", index + 1, title(answer)), max))];
    let (cause, _) = rich::first(&answer.cause, max);
    if !cause.is_empty() {
        line.push(rich::words("\n"));
        line.extend(cause);
    }
    line
}

/// A paragraph of the bot's own, which may repeat what somebody wrote.
pub(super) fn paragraph(text: &str) -> Block {
    let (elements, _) = rich::first(&[own(text)], ITEM_MAX);
    Block::RichText { elements: vec![Rich::RichTextSection { elements }] }
}

/// Plain words of a rule or of the bot.
fn own(text: &str) -> Span {
    Span { text: text.to_owned(), look: Look::Plain, link: None, captured: false }
}
