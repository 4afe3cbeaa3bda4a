//! What of an answer did not fit into a message.

use crate::reply::words;

/// What a text is to somebody who counts what is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Step,
    Point,
    Other,
}

/// What of an answer did not fit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LeftOut {
    steps: usize,
    points: usize,
    /// Something that is not counted.
    more: bool,
    /// An item ends early.
    cut: bool,
}

impl LeftOut {
    /// Nothing is missing; an item may have been `cut`.
    pub(super) fn only_cut(cut: bool) -> Self {
        Self { cut, ..Self::default() }
    }

    pub(super) fn is_nothing(self) -> bool {
        !self.is_missing() && !self.cut
    }

    pub(super) fn is_missing(self) -> bool {
        self.steps + self.points > 0 || self.more
    }

    /// One more does not fit.
    pub(super) fn add(&mut self, kind: Kind) {
        match kind {
            Kind::Step => self.steps += 1,
            Kind::Point => self.points += 1,
            Kind::Other => self.more = true,
        }
    }

    /// The line that says it.
    pub(super) fn line(self) -> String {
        words::left_out(self.steps, self.points)
    }
}
