//! Says cheaply which of several patterns could match a text at all.
//!
//! Each pattern names anchors: literals of which any match contains at least one, whatever the case
//! of its letters. One pass of an automaton over the anchors of all patterns therefore tells which
//! patterns need not be tried. Ordinary chat has none of the anchors, so that looking for twenty
//! kinds of secrets costs as much as reading the text once.
//!
//! The anchors are compared without regard to the case of ASCII letters only. Two other characters
//! fold to ASCII letters (`ſ` to `s`, the Kelvin sign to `k`); a text with one of them is not judged.
//! Property tests hold that what is found is the same with all patterns tried.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;

/// Which patterns of a list may match, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open(u64);

impl Open {
    /// Every pattern.
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// No pattern.
    pub(crate) const NONE: Self = Self(0);

    /// Whether the pattern of this number may match.
    pub(crate) fn has(self, number: usize) -> bool {
        self.0 & (1 << number) != 0
    }
}

/// The anchors of a list of at most 64 patterns.
pub(crate) struct Gate {
    automaton: AhoCorasick,
    /// For each anchor, the patterns that it may belong to.
    owners: Vec<u64>,
    all: u64,
}

impl Gate {
    /// `anchors` has those of one pattern after the other.
    pub(crate) fn new<'a>(anchors: impl Iterator<Item = &'a [&'a str]>) -> Self {
        let mut literals: Vec<&str> = Vec::new();
        let mut owners: Vec<u64> = Vec::new();
        let mut all = 0;
        for (number, anchors) in anchors.enumerate() {
            all |= 1 << number;
            for anchor in anchors {
                match literals.iter().position(|known| known.eq_ignore_ascii_case(anchor)) {
                    Some(known) => owners[known] |= 1 << number,
                    None => {
                        literals.push(anchor);
                        owners.push(1 << number);
                    }
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals)
            .expect("a few short constant literals");
        Self { automaton, owners, all }
    }

    /// Which patterns may match the text.
    pub(crate) fn open(&self, text: &str) -> Open {
        if !text.is_ascii()
            && ["\u{17f}", "\u{212a}"].iter().any(|fold| memmem::find(text.as_bytes(), fold.as_bytes()).is_some())
        {
            return Open::ALL;
        }
        let mut open = 0;
        for anchor in self.automaton.find_overlapping_iter(text) {
            open |= self.owners[anchor.pattern().as_usize()];
            if open == self.all {
                break;
            }
        }
        Open(open)
    }
}
