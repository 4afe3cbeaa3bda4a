//! Text reduced to what is compared: lower-case letters and digits.
//!
//! Spaces, line wraps (even inside a word), punctuation, quotes and chat markup disappear, so that
//! none of them can keep a message from being recognised. Where words began is remembered, so that
//! a match cannot start or end inside one.

use std::ops::Range;

/// The letters and digits of a text, with the way back.
#[derive(Debug, Clone)]
pub struct Squeezed {
    bytes: Vec<u8>,
    /// For each byte, where its character starts in the text.
    starts: Vec<u32>,
    /// For each byte, whether something that was dropped stands before it.
    gaps: Vec<bool>,
    /// The length of the text.
    end: usize,
}

impl Squeezed {
    /// Squeezes `text`, leaving out `hidden` spans, which must be sorted and apart.
    pub fn new(text: &str, hidden: &[Range<usize>]) -> Self {
        let mut squeezed = Self {
            bytes: Vec::with_capacity(text.len()),
            starts: Vec::with_capacity(text.len()),
            gaps: Vec::with_capacity(text.len()),
            end: text.len(),
        };
        let mut hidden = hidden.iter().peekable();
        let mut gap = true;
        for (at, char) in text.char_indices() {
            while hidden.next_if(|span| span.end <= at).is_some() {}
            if hidden.peek().is_some_and(|span| span.contains(&at)) || !char.is_alphanumeric() {
                gap = true;
                continue;
            }
            if char.is_ascii() {
                squeezed.push(char.to_ascii_lowercase() as u8, at, gap);
            } else {
                let mut buffer = [0; 4];
                for lower in char.to_lowercase() {
                    for &byte in lower.encode_utf8(&mut buffer).as_bytes() {
                        squeezed.push(byte, at, gap);
                        gap = false;
                    }
                }
            }
            gap = false;
        }
        squeezed
    }

    fn push(&mut self, byte: u8, start: usize, gap: bool) {
        self.bytes.push(byte);
        self.starts.push(start as u32);
        self.gaps.push(gap);
    }

    /// The letters and digits, lower-case, as UTF-8.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a word may start, or have ended, before byte `index`.
    pub fn boundary(&self, index: usize) -> bool {
        self.gaps.get(index).copied().unwrap_or(true)
    }

    /// Where the text has the character of byte `index`; its end for the index behind the last byte.
    pub fn text_start(&self, index: usize) -> usize {
        self.starts.get(index).map_or(self.end, |start| *start as usize)
    }

    /// The span of the text from the first to the last character of `span`.
    pub fn text_span(&self, text: &str, span: &Range<usize>) -> Range<usize> {
        if span.is_empty() {
            let start = self.text_start(span.start);
            return start..start;
        }
        let last = self.text_start(span.end - 1);
        let last_len = text[last..].chars().next().map_or(0, char::len_utf8);
        self.text_start(span.start)..last + last_len
    }

    /// The first byte whose character starts at or behind `at` in the text.
    pub fn index_at(&self, at: usize) -> usize {
        self.starts.partition_point(|start| (*start as usize) < at)
    }
}

/// A text on one line, without the marks that quoting put at the start of its lines.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for part in text.lines() {
        for word in part.trim_start_matches(['>', '|', ' ', '\t']).split_whitespace() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    line
}

/// The letters and digits of a literal, as they are compared.
pub fn squeeze(literal: &str) -> Vec<u8> {
    Squeezed::new(literal, &[]).bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Squeezed, squeeze};

    #[test]
    fn only_letters_and_digits_remain() {
        assert_eq!(squeeze("The 'redirect_uri'\n> para-\nmeter!"), b"theredirecturiparameter");
        assert_eq!(squeeze("ÄÖ 12"), "äö12".as_bytes());
    }

    #[test]
    fn words_are_remembered() {
        let squeezed = Squeezed::new("an error", &[]);
        let boundaries: Vec<_> = (0..=squeezed.bytes().len()).filter(|&index| squeezed.boundary(index)).collect();
        assert_eq!(boundaries, [0, 2, 7]);
    }

    #[test]
    fn hidden_spans_disappear() {
        assert_eq!(Squeezed::new("token abc123 end", std::slice::from_ref(&(6..12))).bytes(), b"tokenend");
    }

    proptest! {
        #[test]
        fn spans_lead_back_into_the_text(text in "\\PC{0,80}", from in 0usize..80, len in 0usize..80) {
            let squeezed = Squeezed::new(&text, &[]);
            let start = from.min(squeezed.bytes().len());
            let end = (start + len).min(squeezed.bytes().len());
            let span = squeezed.text_span(&text, &(start..end));
            prop_assert!(text.get(span).is_some());
            prop_assert_eq!(squeezed.index_at(squeezed.text_start(start)) <= start, true);
        }
    }
}
