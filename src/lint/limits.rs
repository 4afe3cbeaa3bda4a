//! Refuses pages that a platform could not show, however long the captures are.

use super::problem;
use crate::render::limits::{DISCORD_EMBEDS_TOTAL, DISCORD_THREAD_NAME, ESCAPE_MAX, SLACK_SECTION};
use crate::reply::CAPTURE_SHOWN_MAX;
use crate::rules::{Piece, Place, Problem, Rule, Text};

/// A paragraph or item stays readable up to this many characters of the rule's own.
const ITEM_MAX: usize = 900;
/// Characters of a message besides the page: quotation, headings, sources, footer.
const AROUND_PAGE: usize = 1_000;
/// Numbered list marks and line breaks around an item.
const AROUND_ITEM: usize = 8;

/// Reports what is too long in a rule.
pub(super) fn check(rule: &Rule, problems: &mut Vec<Problem>) {
    let top = Place { line: 1, column: 1 };
    let title = rule.title.chars().count();
    if title > DISCORD_THREAD_NAME {
        problems.push(problem(
            rule,
            top,
            format!("the title has {title} characters, a thread name {DISCORD_THREAD_NAME} (Discord)"),
            "shorten the title",
        ));
    }
    let mut total = title;
    for text in rule.page.texts() {
        let (own, captures) = measure(text);
        let largest = own + captures * CAPTURE_SHOWN_MAX * ESCAPE_MAX;
        total += own + captures * CAPTURE_SHOWN_MAX + AROUND_ITEM;
        if own > ITEM_MAX || largest > SLACK_SECTION {
            problems.push(problem(
                rule,
                top,
                format!("an item has {own} characters and {captures} captures: `{}…`", start(text)),
                format!(
                    "keep below {ITEM_MAX} characters, and {SLACK_SECTION} with the longest captures (Slack section)"
                ),
            ));
        }
    }
    let sources: usize = rule.sources.iter().map(|source| source.chars().count() + AROUND_ITEM).sum();
    total += sources + AROUND_PAGE;
    if total > DISCORD_EMBEDS_TOTAL {
        problems.push(problem(
            rule,
            top,
            format!("the page can need {total} characters, a message has {DISCORD_EMBEDS_TOTAL} (Discord embeds)"),
            "shorten the steps, or split the rule by cause",
        ));
    }
}

/// Characters of the rule's own, with markup, and the number of captures.
fn measure(text: &Text) -> (usize, usize) {
    const MARKUP: usize = 4;
    let mut own = 0;
    let mut captures = 0;
    for piece in text.pieces() {
        match piece {
            Piece::Literal(text) => own += text.chars().count() + MARKUP,
            Piece::Capture { .. } => captures += 1,
        }
    }
    (own, captures)
}

fn start(text: &Text) -> String {
    text.pieces()
        .into_iter()
        .filter_map(|piece| if let Piece::Literal(text) = piece { Some(text.as_str()) } else { None })
        .flat_map(str::chars)
        .take(40)
        .collect()
}
