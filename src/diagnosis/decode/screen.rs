//! What screens leave in copied text: terminal colours, frames, HTML tags, typography, invisible characters.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::char::decompose_compatible;

use super::{Decoded, Output};

/// ANSI control sequences, also with the escape character lost in copying, and HTML tags. Only
/// the names of common tags count: `<username>` is a placeholder.
static MARKUP: LazyLock<Regex> = LazyLock::new(|| {
    let ansi = r"(?P<ansi>\x1b\[[0-9;?]{0,20}[A-Za-z]|\x1b\][^\x07\x1b\n]*\x07?|\^?\[[0-9]{1,2}(?:;[0-9]{1,3}){0,4}m)";
    let block = r"(?P<block>(?i)</?(?:br|p|div|tr|li|ul|ol|table|tbody|h[1-6]|pre|html|head|body|title|blockquote|section)(?:\s[^<>]*)?/?>)";
    let inline = r"(?P<inline>(?i)</?(?:a|b|i|u|em|strong|span|code|td|th|font|small|tt|label|mark)(?:\s[^<>]*)?/?>)";
    Regex::new(&[ansi, block, inline].join("|")).expect("a constant pattern")
});

/// Takes markup out and folds typography to what was meant.
pub(super) fn pass(input: &Decoded) -> Option<Decoded> {
    let bytes = input.text.as_bytes();
    let has_markup = memchr::memchr3(b'<', b'[', 0x1b, bytes).is_some() && MARKUP.is_match(&input.text);
    let plain = |byte: &u8| matches!(byte, b'\n' | b'\t' | b' '..=b'~');
    if !has_markup && bytes.iter().all(plain) {
        return None;
    }
    let mut out = Output::with_capacity(input.text.len());
    let mut copied = 0;
    if has_markup {
        for found in MARKUP.captures_iter(&input.text) {
            let Some(whole) = found.get(0) else { continue };
            fold(input, copied..whole.start(), &mut out);
            copied = whole.end();
            if found.name("block").is_some() {
                out.push('\n', input.source_at(whole.start()));
            }
        }
    }
    fold(input, copied..input.text.len(), &mut out);
    Some(out.finish())
}

fn fold(input: &Decoded, span: std::ops::Range<usize>, out: &mut Output) {
    let start = span.start;
    for (index, char) in input.text[span].char_indices() {
        let source = input.source_at(start + index);
        match char {
            '\n' | '\t' | ' '..='~' => out.push(char, source),
            '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{b4}' => out.push('\'', source),
            '\u{201c}'..='\u{201f}' | '\u{ab}' | '\u{bb}' | '\u{2033}' => out.push('"', source),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => out.push('-', source),
            '\u{2026}' => out.push(char, source),
            // Frames and bars of terminal output.
            '\u{2500}'..='\u{259f}' => out.push(' ', source),
            // Zero-width characters, soft hyphen, byte order mark, directional marks.
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' => {}
            '\r' => {}
            _ if char.is_whitespace() || char.is_control() => out.push(' ', source),
            // Full-width forms and ligatures; letters with accents stay as they are.
            _ => {
                let mut parts = 0;
                let mut folded = ' ';
                decompose_compatible(char, |part| {
                    parts += 1;
                    folded = part;
                });
                out.push(if parts == 1 { folded } else { char }, source);
            }
        }
    }
}
