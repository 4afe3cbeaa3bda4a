//! What stands near a place, found by passing over the text once for each thing that is looked for.
//!
//! The further conditions of a pattern hold within some distance of its message. Where the message
//! stands on every line of a long log, these windows overlap, and searching each of them anew would
//! read the same text a hundred times. A [`Search`] remembers what it has read, so that the next
//! window only costs what is new in it.

use std::ops::Range;

use memchr::memmem::Finder;

use crate::diagnosis::squeeze::Squeezed;
use crate::rules::RuleRegex;

/// Where a window overlaps the one before, a search reads so far ahead, in bytes, so that the next ones
/// are read together.
const STRIDE: usize = 8 * 1024;
/// A match of an expression is found across two reads up to this length, in bytes.
const EXPRESSION_MAX: usize = 2_000;

/// Something that is looked for in one text.
pub(super) trait Sought {
    /// The first occurrence that begins at or behind `from` and ends at or before `end`.
    fn first(&self, from: usize, end: usize) -> Option<Range<usize>>;
    /// How far the search for this first occurrence before `end` read.
    fn read_to(&self, first: Option<&Range<usize>>, end: usize) -> usize;
    /// How far an occurrence can reach, less one byte.
    fn reach(&self) -> usize;
    /// The length of the text.
    fn end(&self) -> usize;
    /// The place itself, or one shortly before it where a search may start or stop.
    fn floor(&self, at: usize) -> usize;
}

/// Bytes that are looked for.
pub(super) struct Literal<'s> {
    pub(super) finder: &'s Finder<'static>,
    pub(super) text: &'s [u8],
    /// Neither a letter, a digit nor an underscore may touch it.
    pub(super) whole_word: bool,
    /// It must start where a word starts in this text.
    pub(super) word_start: Option<&'s Squeezed>,
}

impl Sought for Literal<'_> {
    fn first(&self, from: usize, end: usize) -> Option<Range<usize>> {
        let len = self.finder.needle().len();
        let mut places = self.finder.find_iter(&self.text[from..end]).map(|at| from + at..from + at + len);
        if let Some(squeezed) = self.word_start {
            return places.find(|at| squeezed.boundary(at.start));
        }
        if !self.whole_word {
            return places.next();
        }
        let word = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        places.find(|at| {
            let before = at.start.checked_sub(1).and_then(|before| self.text.get(before));
            !word(before) && !word(self.text.get(at.end))
        })
    }

    fn read_to(&self, first: Option<&Range<usize>>, end: usize) -> usize {
        first.map_or(end, |first| first.end)
    }

    fn reach(&self) -> usize {
        self.finder.needle().len().saturating_sub(1)
    }

    fn end(&self) -> usize {
        self.text.len()
    }

    fn floor(&self, at: usize) -> usize {
        at
    }
}

/// A rule's expression that is looked for.
pub(super) struct Expression<'s> {
    pub(super) regex: &'s RuleRegex,
    pub(super) text: &'s str,
}

impl Sought for Expression<'_> {
    fn first(&self, from: usize, end: usize) -> Option<Range<usize>> {
        self.regex.find_at(&self.text[..end], from)
    }

    /// Behind what it found, an expression may look for something longer.
    fn read_to(&self, _: Option<&Range<usize>>, end: usize) -> usize {
        end
    }

    fn reach(&self) -> usize {
        EXPRESSION_MAX
    }

    fn end(&self) -> usize {
        self.text.len()
    }

    fn floor(&self, at: usize) -> usize {
        super::floor(self.text, at)
    }
}

/// What is known about where something stands: nothing begins within `from..to`, and at `to` begins
/// what ends at `found`, unless that is 0. The last read ended at `read`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Search {
    from: u32,
    to: u32,
    found: u32,
    read: u32,
}

impl Search {
    /// The first occurrence within a window. Windows may come in any order; those that move forwards
    /// cost little. `read` grows by the bytes that were read.
    pub(super) fn within(
        &mut self,
        sought: &impl Sought,
        window: &Range<usize>,
        read: &mut usize,
    ) -> Option<Range<usize>> {
        let (mut from, mut to, mut found) = (self.from as usize, self.to as usize, self.found as usize);
        if window.start < from {
            // What is known stays true; only what lies before it is new.
            let end = sought.floor((from + sought.reach()).min(sought.end()));
            let first = sought.first(window.start, end);
            *read += sought.read_to(first.as_ref(), end) - window.start;
            if let Some(new) = first.filter(|new| new.start < from) {
                (to, found) = (new.start, new.end);
            }
            from = window.start;
        }
        if to < window.start {
            (from, to, found) = (window.start, window.start, 0);
        }
        let mut last = self.read as usize;
        while found == 0 && to < window.end {
            let ahead = if window.start < last { STRIDE } else { 0 };
            let end = sought.floor(window.end.max(to + ahead).min(sought.end()));
            let first = sought.first(to, end);
            *read += sought.read_to(first.as_ref(), end) - to;
            last = end;
            match first {
                // What touches the end of a read may look different with the text behind it.
                Some(new) if new.end == end && end < sought.end() && new.start > to => to = new.start,
                Some(new) => (to, found) = (new.start, new.end),
                None => {
                    to = if end == sought.end() {
                        end
                    } else {
                        sought.floor(end.saturating_sub(sought.reach()).max(to))
                    };
                    break;
                }
            }
        }
        *self = Self { from: from as u32, to: to as u32, found: found as u32, read: last as u32 };
        if found == 0 || to >= window.end {
            return None;
        }
        if found <= window.end {
            return Some(to..found);
        }
        // It begins in the window and ends behind it; a shorter one may end in it.
        let shorter = sought.first(to, window.end);
        *read += sought.read_to(shorter.as_ref(), window.end) - to;
        shorter
    }
}

#[cfg(test)]
mod tests {
    use memchr::memmem::Finder;
    use proptest::prelude::*;

    use super::{Expression, Literal, STRIDE, Search, Sought};
    use crate::rules::RuleRegex;

    /// Windows of a text, mostly moving forwards.
    fn windows() -> impl Strategy<Value = Vec<(usize, usize)>> {
        prop::collection::vec((0usize..3 * STRIDE, 0usize..400), 1..40)
    }

    proptest! {
        #[test]
        fn a_window_is_searched_as_if_alone(
            text in prop::collection::vec(prop_oneof![Just("ab"), Just("a"), Just("é"), Just(" b "), Just("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")], 0..1500),
            windows in windows(),
            sorted: bool,
        ) {
            let text = text.concat();
            let mut windows = windows;
            if sorted {
                windows.sort_unstable();
            }
            let finder = Finder::new("ab").into_owned();
            let literal = Literal { finder: &finder, text: text.as_bytes(), whole_word: false, word_start: None };
            let regex = RuleRegex::new("a[^b]{0,3}b").expect("sound");
            let expression = Expression { regex: &regex, text: &text };
            let (mut by_literal, mut by_regex, mut read) = (Search::default(), Search::default(), 0);
            for (start, len) in windows {
                let start = expression.floor(start.min(text.len()));
                let end = expression.floor((start + len).min(text.len()));
                let alone = text[start..end].find("ab").map(|at| start + at..start + at + 2);
                prop_assert_eq!(by_literal.within(&literal, &(start..end), &mut read), alone);
                let alone = regex.find_at(&text[start..end], 0).is_some();
                prop_assert_eq!(by_regex.within(&expression, &(start..end), &mut read).is_some(), alone);
            }
        }

        #[test]
        fn windows_that_move_forwards_read_a_text_once(step in 20usize..300, count in 100usize..1000) {
            let text = "not what is looked for, ".repeat((step * count + 4_000) / 24 + 1);
            let finder = Finder::new("needle").into_owned();
            let literal = Literal { finder: &finder, text: text.as_bytes(), whole_word: false, word_start: None };
            let (mut search, mut read) = (Search::default(), 0);
            for place in 0..count {
                let start = place * step;
                prop_assert_eq!(search.within(&literal, &(start..start + 4_000), &mut read), None);
            }
            prop_assert!(read <= text.len() + text.len() / 100 + STRIDE, "{} of {}", read, text.len());
        }
    }
}
