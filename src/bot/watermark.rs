//! How far a channel has been read when its messages are worked on side by side: the cursor may not
//! pass a message that is still under way, or a crash would lose it.

use std::collections::BTreeMap;

use super::ports::Cursor;

/// The progress of one channel.
#[derive(Debug, Default)]
pub struct Watermark {
    /// Places that are under way, with how often.
    under_way: BTreeMap<Cursor, u32>,
    furthest: Cursor,
}

impl Watermark {
    /// Work on a place begins.
    pub fn begin(&mut self, place: Cursor) {
        *self.under_way.entry(place).or_default() += 1;
    }

    /// Work on a place is done.
    pub fn end(&mut self, place: Cursor) {
        if let Some(count) = self.under_way.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.under_way.remove(&place);
            }
        }
        self.furthest = self.furthest.max(place);
    }

    /// Everything up to here, this place included, is done.
    pub fn done(&self) -> Cursor {
        match self.under_way.first_key_value() {
            Some((first, _)) => self.furthest.min(first - 1),
            None => self.furthest,
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

    proptest! {
        #[test]
        fn nothing_under_way_is_ever_below_the_mark(places in prop::collection::vec((1i64..50, any::<bool>()), 0..60)) {
            let mut mark = Watermark::default();
            let mut open = Vec::new();
            for (place, begin) in places {
                if begin {
                    mark.begin(place);
                    open.push(place);
                } else if let Some(place) = open.pop() {
                    mark.end(place);
                }
                prop_assert!(open.iter().all(|place| *place > mark.done()));
            }
        }
    }
}
