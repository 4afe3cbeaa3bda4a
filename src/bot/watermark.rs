//! How far a channel has been read when its messages are worked on side by side: the cursor may not
//! pass a message that is still under way, or a crash would lose it.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::Cursor;

/// The progress of one channel.
#[derive(Debug, Default)]
pub struct Watermark {
    /// Places that are under way, with how often.
    under_way: BTreeMap<Cursor, u32>,
    /// Places whose work failed, and is to be done later.
    left: BTreeSet<Cursor>,
    furthest: Cursor,
}

impl Watermark {
    /// Work on a place begins.
    pub fn begin(&mut self, place: Cursor) {
        *self.under_way.entry(place).or_default() += 1;
    }

    /// Work begins on everything from a place on: what was left there is part of it.
    pub fn resume(&mut self, place: Cursor) {
        self.left.split_off(&place);
        self.begin(place);
    }

    /// Work on a place is done, also for those that left it.
    pub fn end(&mut self, place: Cursor) {
        self.rest(place);
        self.left.remove(&place);
        self.furthest = self.furthest.max(place);
    }

    /// Work on a place failed. It counts as not done until somebody else has done it.
    pub fn leave(&mut self, place: Cursor) {
        self.rest(place);
        self.left.insert(place);
    }

    /// Everything up to here, this place included, is done.
    pub fn done(&self) -> Cursor {
        let first = self.under_way.keys().next().into_iter().chain(self.left.first()).min();
        first.map_or(self.furthest, |first| self.furthest.min(first - 1))
    }

    fn rest(&mut self, place: Cursor) {
        if let Some(count) = self.under_way.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Watermark;

    #[test]
    fn what_is_under_way_is_not_passed() {
        let mut mark = Watermark::default();
        mark.begin(5);
        mark.begin(7);
        mark.end(7);
        assert_eq!(mark.done(), 4);
        mark.end(5);
        assert_eq!(mark.done(), 7);
    }

    #[test]
    fn what_was_left_is_not_passed_until_somebody_does_it() {
        let mut mark = Watermark::default();
        mark.begin(5);
        mark.leave(5);
        mark.begin(7);
        mark.end(7);
        assert_eq!(mark.done(), 4);
        mark.begin(5);
        assert_eq!(mark.done(), 4);
        mark.end(5);
        assert_eq!(mark.done(), 7);
    }

    #[test]
    fn who_reads_everything_from_a_place_on_does_what_was_left_there() {
        let mut mark = Watermark::default();
        for place in [3, 5, 7] {
            mark.begin(place);
            mark.leave(place);
        }
        mark.resume(4);
        // One of them fails again.
        mark.begin(5);
        mark.leave(5);
        mark.end(4);
        mark.end(9);
        mark.end(3);
        assert_eq!(mark.done(), 4);
        mark.end(5);
        assert_eq!(mark.done(), 9);
    }

    proptest! {
        #[test]
        fn nothing_under_way_is_ever_below_the_mark(places in prop::collection::vec((1i64..50, 0..4), 0..60)) {
            let mut mark = Watermark::default();
            let (mut open, mut left) = (Vec::new(), Vec::new());
            for (place, what) in places {
                if what < 2 {
                    mark.begin(place);
                    open.push(place);
                } else if let Some(place) = open.pop() {
                    if what == 2 {
                        mark.end(place);
                        left.retain(|other| *other != place);
                    } else {
                        mark.leave(place);
                        left.push(place);
                    }
                }
                prop_assert!(open.iter().chain(&left).all(|place| *place > mark.done()));
            }
        }
    }
}
