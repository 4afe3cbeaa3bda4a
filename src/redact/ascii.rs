//! A text in ASCII that is as long as another, for looking for expressions in it.
//!
//! Word boundaries are decided by a table of all the world's letters, which the fast engine of the
//! `regex` crate leaves to one that is a hundred times slower as soon as a text has a letter outside ASCII. What is looked
//! for here is ASCII itself, and only where its words begin and end depends on what is around it.

use std::borrow::Cow;
use std::iter;

/// The text itself, or with a letter, a space or a control character for every byte of what is not ASCII.
pub(crate) fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut ascii = String::with_capacity(text.len());
    for char in text.chars() {
        let stand_in = match char {
            char if char.is_ascii() => char,
            char if char.is_alphanumeric() => 'x',
            char if char.is_whitespace() => ' ',
            _ => '\u{1}',
        };
        ascii.extend(iter::repeat_n(stand_in, char.len_utf8()));
    }
    Cow::Owned(ascii)
}

/// A span of a text that may begin or end inside a character, widened to whole ones.
pub(crate) fn whole(text: &str, span: std::ops::Range<usize>) -> std::ops::Range<usize> {
    text.floor_char_boundary(span.start)..text.ceil_char_boundary(span.end)
}
