//! Words of rules and pastes as rich text. Slack shows them as they are, so nothing is escaped here;
//! what was captured stands as code, which also tells a reader what comes from the paste.

use super::blocks::{Inline, TextStyle};
use crate::render::text::{address, clean, split, units};
use crate::reply::{Look, Span};

/// A cut goes back to a space if one is this near, in characters.
const CUT_BACK: usize = 40;

const BOLD: TextStyle = TextStyle { bold: true, italic: false, code: false };
const ITALIC: TextStyle = TextStyle { bold: false, italic: true, code: false };
const CODE: TextStyle = TextStyle { bold: false, italic: false, code: true };

/// Words of the bot's own.
pub(super) fn words(text: &str) -> Inline {
    Inline::Text { text: text.to_owned(), style: None }
}

/// A heading or a title.
pub(super) fn bold(text: &str) -> Inline {
    Inline::Text { text: text.to_owned(), style: Some(BOLD) }
}

/// A remark.
pub(super) fn italic(text: &str) -> Inline {
    Inline::Text { text: text.to_owned(), style: Some(ITALIC) }
}

/// Something to compare literally.
pub(super) fn code(text: &str) -> Inline {
    Inline::Text { text: text.to_owned(), style: Some(CODE) }
}

/// A paragraph in pieces of at most `max` units each; none if it says nothing.
pub(super) fn pieces(text: &[Span], max: usize) -> Vec<Vec<Inline>> {
    let mut pieces = Vec::new();
    let mut rest: Vec<Span> = text.iter().map(|span| Span { text: clean(&span.text), ..span.clone() }).collect();
    loop {
        let total: usize = rest.iter().map(|span| units(&span.text)).sum();
        if total <= max {
            pieces.extend(Some(inlines(&rest)).filter(|piece| !piece.is_empty()));
            return pieces;
        }
        let (mut head, tail) = split(&rest, place_to_cut(&rest, max - 1));
        head.push(Span { text: "…".to_owned(), look: Look::Plain, link: None, captured: false });
        pieces.push(inlines(&head));
        rest = tail;
    }
}

/// A paragraph cut at `max` units, and whether it was cut.
pub(super) fn first(text: &[Span], max: usize) -> (Vec<Inline>, bool) {
    let mut pieces = pieces(text, max).into_iter();
    (pieces.next().unwrap_or_default(), pieces.next().is_some())
}

/// After how many characters to cut, so that at most `max` units stand before: behind a space if one
/// is near.
fn place_to_cut(text: &[Span], max: usize) -> usize {
    let (mut used, mut count, mut space) = (0, 0, 0);
    for char in text.iter().flat_map(|span| span.text.chars()) {
        used += char.len_utf16();
        if used > max {
            break;
        }
        count += 1;
        if char == ' ' {
            space = count;
        }
    }
    if count - space <= CUT_BACK && space > 0 { space } else { count.max(1) }
}

/// Clean spans as inline elements, without space around them; none if they say nothing.
fn inlines(text: &[Span]) -> Vec<Inline> {
    let mut inlines: Vec<Inline> = Vec::new();
    for span in text {
        let text = if inlines.is_empty() { span.text.trim_start() } else { &span.text };
        if text.is_empty() {
            continue;
        }
        let style = style(span);
        match span.link.as_deref().and_then(address) {
            Some(url) => match inlines.last_mut() {
                Some(Inline::Link { url: before, text: shown, style: look }) if *before == url && *look == style => {
                    shown.push_str(text);
                }
                _ => inlines.push(Inline::Link { url, text: text.to_owned(), style }),
            },
            None => match inlines.last_mut() {
                Some(Inline::Text { text: before, style: look }) if *look == style => before.push_str(text),
                _ => inlines.push(Inline::Text { text: text.to_owned(), style }),
            },
        }
    }
    while let Some(Inline::Text { text, .. } | Inline::Link { text, .. }) = inlines.last_mut() {
        text.truncate(text.trim_end().len());
        if !text.is_empty() {
            break;
        }
        inlines.pop();
    }
    inlines
}

fn style(span: &Span) -> Option<TextStyle> {
    let blank = span.text.trim().is_empty();
    let style = TextStyle {
        bold: span.look == Look::Strong,
        italic: span.look == Look::Emphasis,
        code: span.look == Look::Code || (span.captured && !blank),
    };
    (style != TextStyle::default()).then_some(style)
}
