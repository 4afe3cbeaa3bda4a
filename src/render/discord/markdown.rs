//! Text as Discord's Markdown, so that it looks as written and nothing captured is live.

use crate::render::text::split;
pub(super) use crate::render::text::{address, clean, units};
use crate::reply::{Look, Span};

/// Keeps marks apart that Discord would read as one.
const ZERO_WIDTH: char = '\u{200b}';
/// A cut goes back to a space if one is this near.
const CUT_BACK: usize = 40;

/// Words of the bot's or of a rule, escaped.
pub(super) fn own(text: &str, max: usize) -> String {
    first(&[span(text, false)], max).0
}

/// Text that somebody else may have written, escaped.
pub(super) fn captured(text: &str, max: usize) -> String {
    first(&[span(text, true)], max).0
}

/// Text in a code span; nothing if it is blank.
pub(super) fn code_within(text: &str, max: usize) -> String {
    first(&[Span { look: Look::Code, ..span(text, true) }], max).0
}

fn span(text: &str, captured: bool) -> Span {
    Span { text: clean(text).trim().to_owned(), look: Look::Plain, link: None, captured }
}

/// A paragraph cut at `max` units, and whether it was cut.
pub(super) fn first(text: &[Span], max: usize) -> (String, bool) {
    let mut pieces = pieces(text, max, 2).into_iter();
    (pieces.next().unwrap_or_default(), pieces.next().is_some())
}

/// A paragraph in pieces of at most `max` units; no more than `limit` pieces are made.
pub(super) fn pieces(text: &[Span], max: usize, limit: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.to_vec();
    while pieces.len() < limit {
        let total: usize = rest.iter().map(|span| span.text.chars().count()).sum();
        let whole = (total <= max).then(|| rich(&rest)).filter(|whole| units(whole) <= max);
        if let Some(whole) = whole {
            pieces.push(whole);
            break;
        }
        let fits = |count: usize| units(&rich(&split(&rest, count).0)) < max;
        let (mut low, mut high) = (1, total.min(max).max(1));
        while low < high {
            let middle = (low + high).div_ceil(2);
            if fits(middle) { low = middle } else { high = middle - 1 }
        }
        while low > 1 && !fits(low) {
            low -= 1;
        }
        let start: Vec<char> = rest.iter().flat_map(|span| span.text.chars()).take(low).collect();
        let back = (low.saturating_sub(CUT_BACK)..low).rev().find(|at| *at > 0 && start[*at] == ' ');
        let (head, tail) = split(&rest, back.map_or(low, |at| at + 1));
        pieces.push(rich(&head) + "…");
        rest = tail;
    }
    pieces
}

/// A paragraph or item in its look, from the start of a line.
pub(super) fn rich(text: &[Span]) -> String {
    let mut line = Line { out: String::new(), start: Start::Blank };
    for group in text.chunk_by(|a, b| a.link == b.link) {
        match group.first().and_then(|span| span.link.as_deref()).and_then(address) {
            Some(url) => line.link(group, &url),
            None => line.runs(group, false),
        }
    }
    line.out
}

/// Where a line has got to: some marks have a meaning only at its start.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Blank,
    Digits,
    Over,
}

struct Line {
    out: String,
    start: Start,
}

impl Line {
    fn link(&mut self, group: &[Span], url: &str) {
        let shown: String = group.iter().map(|span| span.text.as_str()).collect();
        // Discord shows no link under a text that is an address itself.
        if shown.contains("://") || clean(&shown).trim().is_empty() {
            self.out.push_str(&format!("<{url}>"));
        } else {
            self.out.push('[');
            self.runs(group, true);
            self.out.push_str(&format!("]({url})"));
        }
        self.start = Start::Over;
    }

    /// Runs of one look each. A label may hold no brackets: Discord counts them even when escaped.
    fn runs(&mut self, group: &[Span], label: bool) {
        for run in group.chunk_by(|a, b| a.look == b.look) {
            let text: String = run.iter().map(|span| span.text.as_str()).collect();
            let look = run.first().map_or(Look::Plain, |span| span.look);
            match look {
                Look::Code if !(label && text.contains(['[', ']'])) => self.marked(&code(&text), "", '`'),
                Look::Plain | Look::Code => {
                    for span in run {
                        self.escape(&span.text, span.captured, label);
                    }
                }
                Look::Strong | Look::Emphasis => {
                    let at = self.out.len();
                    for span in run {
                        self.escape(&span.text, span.captured, label);
                    }
                    let body = self.out.split_off(at);
                    self.marked(&body, if look == Look::Strong { "**" } else { "*" }, '*');
                }
            }
        }
    }

    /// A body between marks, its outer spaces outside of them.
    fn marked(&mut self, body: &str, mark: &str, edge: char) {
        let inner = body.trim();
        if inner.is_empty() {
            self.out.push_str(body);
            return;
        }
        let before = &body[..body.len() - body.trim_start().len()];
        let after = &body[body.trim_end().len()..];
        self.out.push_str(before);
        if self.out.ends_with(edge) {
            self.out.push(ZERO_WIDTH);
        }
        self.out.push_str(&format!("{mark}{inner}{mark}{after}"));
        self.start = Start::Over;
    }

    fn escape(&mut self, text: &str, captured: bool, label: bool) {
        let text = clean(text);
        for (at, char) in text.char_indices() {
            let after = &text[at + char.len_utf8()..];
            let char = match char {
                '[' if label => '(',
                ']' if label => ')',
                other => other,
            };
            let live = match char {
                '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '[' | ']' => true,
                '@' => captured || pings(after),
                // Before a word it may start an address or an emoji.
                ':' => !after.starts_with(' '),
                // Invitations are links without a scheme.
                '/' => captured || self.out.ends_with(".gg") || self.out.ends_with("/invite"),
                '>' | '#' => captured || self.start == Start::Blank,
                '-' | '+' => self.start == Start::Blank,
                '.' | ')' => self.start == Start::Digits,
                _ => false,
            };
            if live {
                self.out.push('\\');
            }
            self.out.push(char);
            if char == '@' && pings(after) {
                self.out.push(ZERO_WIDTH);
            }
            self.start = match self.start {
                Start::Blank if char == ' ' => Start::Blank,
                Start::Blank | Start::Digits if char.is_ascii_digit() => Start::Digits,
                _ => Start::Over,
            };
        }
    }
}

/// Discord's servers look for these words whatever stands before the `@`.
fn pings(after: &str) -> bool {
    let starts = |word: &str| after.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    after.is_empty() || starts("everyone") || starts("here")
}

/// A code span that its content cannot close: backticks inside are single, the fence is double.
fn code(text: &str) -> String {
    let mut inner = String::new();
    for char in clean(text).chars() {
        if char == '`' && inner.ends_with('`') {
            inner.push(ZERO_WIDTH);
        }
        inner.push(char);
    }
    let inner = inner.trim();
    if inner.is_empty() {
        return String::new();
    }
    if !inner.contains('`') {
        return format!("`{inner}`");
    }
    let before = if inner.starts_with('`') { " " } else { "" };
    let after = if inner.ends_with('`') { " " } else { "" };
    format!("``{before}{inner}{after}``")
}
