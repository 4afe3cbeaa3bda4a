//! Text as chat platforms take it: on one line, measured as they measure it, with addresses that lead
//! somewhere.

use crate::reply::Span;

/// An address longer than this is shown as text only: it would take the room of the answer.
const URL_MAX: usize = 1_000;

/// The length of a text as platforms count it: UTF-16 units, which is never less than characters.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// One line without characters that are invisible or turn the direction of reading.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_whitespace() { ' ' } else { char })
        .filter(|char| !char.is_control() && !is_invisible(*char))
        .collect()
}

/// Text without markup, cut at `max` units.
pub(super) fn cut(text: &str, max: usize) -> String {
    let text = clean(text);
    if units(&text) <= max {
        return text;
    }
    let mut cut = String::new();
    let mut left = max - 1;
    for char in text.chars() {
        if char.len_utf16() > left {
            break;
        }
        left -= char.len_utf16();
        cut.push(char);
    }
    cut + "…"
}

/// The first `count` characters, and the others.
pub(super) fn split(text: &[Span], mut count: usize) -> (Vec<Span>, Vec<Span>) {
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    for span in text {
        let at = span.text.char_indices().nth(count).map_or(span.text.len(), |(at, _)| at);
        count -= span.text[..at].chars().count();
        for (half, text) in [(&mut head, &span.text[..at]), (&mut tail, &span.text[at..])] {
            if !text.is_empty() {
                half.push(Span { text: text.to_owned(), ..span.clone() });
            }
        }
    }
    (head, tail)
}

/// An address that can stand between parentheses or angle brackets; none if it leads nowhere.
pub(super) fn address(url: &str) -> Option<String> {
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return None;
    }
    let mut safe = String::new();
    for byte in url.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' | b':' | b'/' | b'?' | b'#' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'+' | b','
            | b';' | b'=' | b'%' => safe.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => safe.push(char::from(byte)),
            _ => safe.push_str(&format!("%{byte:02X}")),
        }
    }
    (safe.len() <= URL_MAX).then_some(safe)
}

fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
