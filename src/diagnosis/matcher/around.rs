//! The text around a message: where it was cut off, whether it stands alone, how far its holes reach.

use std::ops::Range;

use memchr::memmem;

use super::{CUTS_MAX, HOLE_MAX, NEAR, floor};
use crate::diagnosis::squeeze::one_line;

/// How far before a word it is looked at what leads to it, in bytes.
const GAP_MAX: usize = 24;

/// Where text was left out: `…`, `...`, `[truncated]`.
pub(super) fn ellipses(text: &str) -> impl Iterator<Item = usize> {
    let marks = [
        memmem::Finder::new("…"),
        memmem::Finder::new("..."),
        memmem::Finder::new("[truncated"),
        memmem::Finder::new("(truncated"),
    ];
    let mut places: Vec<usize> =
        marks.iter().flat_map(|mark| mark.find_iter(text.as_bytes()).take(CUTS_MAX).collect::<Vec<_>>()).collect();
    places.sort_unstable();
    places.into_iter()
}

/// How a text starts somewhere that is not the start of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Abrupt {
    /// An ellipsis says that something was left out.
    Ellipsis,
    /// A line, a quotation or the whole text starts.
    Start,
}

/// What says that a message may have lost its beginning before `at`, the start of a word.
pub(super) fn abruptness(text: &str, at: usize) -> Option<Abrupt> {
    let from = floor(text, at.saturating_sub(GAP_MAX));
    let before = &text[from..at];
    let word = before.char_indices().rev().find(|(_, char)| char.is_alphanumeric());
    let gap = word.map_or(before, |(index, char)| &before[index + char.len_utf8()..]);
    if gap.contains('…') || gap.contains("...") {
        return Some(Abrupt::Ellipsis);
    }
    let starts = word.is_none() && from == 0;
    let quoted = gap.trim_end_matches(['"', '\'', '`', '“', '‘', '«', '„']);
    let opens = quoted.len() < gap.len() && quoted.ends_with([' ', ':', '(', '=', '\t', '>']);
    (starts || opens || gap.contains('\n')).then_some(Abrupt::Start)
}

/// Whether the sentence goes on behind `at`, the end of a word.
pub(super) fn goes_on(text: &str, at: usize) -> bool {
    text[at..].trim_start_matches([' ', '\t']).starts_with(char::is_alphanumeric)
}

/// What may follow a text that somebody reports behind `okta:`.
const ADVERBIALS: [&str; 14] = [
    "since ", "again", "for ", "after ", "on ", "when ", "in ", "help", "pls", "please", "any ", "<@", "http", "every",
];

/// Whether a text on a screen was pasted by itself: alone on its line or in its cell, between quotes or emphasis,
/// or behind a colon.
pub(super) fn stands_alone(text: &str, hull: &Range<usize>) -> bool {
    let (from, to) = (floor(text, hull.start.saturating_sub(NEAR)), floor(text, (hull.end + NEAR).min(text.len())));
    let line_start = text[from..hull.start].rfind('\n').map_or(from, |newline| from + newline + 1);
    let line_end = text[hull.end..to].find('\n').map_or(to, |newline| hull.end + newline);
    let quote = ['"', '\'', '`', '*', '_', '~', '|', '(', '[', '{', '>'];
    let before = text[line_start..hull.start].trim_end();
    let alone_before = before.trim_start_matches(['>', '-', '#', ' ', '\t', '│', '|', '+']).is_empty()
        || before.ends_with(quote)
        || before.ends_with([':', '=', '-', '→', ']'])
        || before.ends_with("=>")
        || ends_with_http_status(before)
        || before.trim_start_matches(|char: char| !char.is_alphabetic()).is_empty();
    let after = text[hull.end..line_end].trim_start();
    let alone_before = alone_before || text[..hull.start].ends_with('\t');
    let of_okta = || before.ends_with(':') && before.to_ascii_lowercase().contains("okta");
    let alone_after = after.is_empty()
        || text[hull.end..].starts_with('\t')
        || (ADVERBIALS.iter().any(|adverbial| after.starts_with(adverbial)) && of_okta())
        || after.starts_with([
            '"', '\'', '`', '*', '_', '~', '|', ')', ']', '}', '<', '.', '!', '?', ';', ':', '…', '(', '[', '-', '→',
            '—', '–',
        ]);
    alone_before && alone_after
}

/// `… 400`, as in `DELETE /api/v1/realms/1 -> 400 This realm cannot be deleted`.
fn ends_with_http_status(text: &str) -> bool {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits == 3 && matches!(text.as_bytes()[text.len() - 3], b'4' | b'5')
}

/// The end of what follows a message: its line, or the string that it stands in.
pub(super) fn trailing_end(text: &str, start: usize) -> usize {
    let mut end = start;
    for (offset, char) in text[start..].char_indices() {
        if offset > HOLE_MAX {
            break;
        }
        let rest = &text[start + offset + char.len_utf8()..];
        match char {
            '"' | '\'' if offset > 2 && rest.trim_start().starts_with([',', '}', ']', ')']) => break,
            // A wrapped line goes on in lower case or with a quote mark; anything else is a new one.
            '\n' => {
                let next = rest.trim_start_matches(['>', ' ', '\t']).chars().next();
                if offset > 2 && !next.is_some_and(|next| next.is_lowercase()) {
                    break;
                }
            }
            _ => {}
        }
        end = start + offset + char.len_utf8();
    }
    end
}

/// The start of what precedes a message on its line.
pub(super) fn leading_start(text: &str, end: usize) -> usize {
    let from = floor(text, end.saturating_sub(HOLE_MAX / 2));
    let before = &text[from..end];
    let line = before.rfind(['\n', '"', '\'', '>', ':', '.']).filter(|at| !before[at + 1..].trim().is_empty());
    line.map_or(from, |at| from + at + 1)
}

/// A captured value as a person would write it: one line, without the markup around it.
pub(super) fn clean(value: &str) -> String {
    let cleaned = one_line(value);
    let trimmed = cleaned.trim_matches(|char: char| char.is_whitespace() || "\"'`*_:,;<>[]{}=|\\".contains(char));
    let trimmed = trimmed.trim_end_matches(['.', '(', '-']).trim_start_matches([')', '-', '.']).trim();
    trimmed.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Abrupt, abruptness, goes_on};

    #[test]
    fn a_beginning_may_be_missing_where_something_starts() {
        use Abrupt::{Ellipsis, Start};
        for (text, expected) in [
            ("rest", Some(Start)),
            ("> rest", Some(Start)),
            ("we get\nrest", Some(Start)),
            ("it says \"rest", Some(Start)),
            ("it says: 'rest", Some(Start)),
            ("it says …rest", Some(Ellipsis)),
            ("it says \"... rest", Some(Ellipsis)),
            ("it says rest", None),
            ("the user's rest", None),
            ("the 'user' rest", None),
        ] {
            let at = text.find("rest").expect("a place");
            assert_eq!(abruptness(text, at), expected, "{text}");
        }
    }

    #[test]
    fn a_sentence_goes_on_with_a_word() {
        assert!(goes_on("end of it", 3));
        assert!(!goes_on("end. It", 3) && !goes_on("end", 3) && !goes_on("end\nIt", 3));
    }
}
