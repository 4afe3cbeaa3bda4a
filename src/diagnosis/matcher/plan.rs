//! Which occurrences are looked at where there are more than can be afforded.
//!
//! Every occurrence of an anchor may be a message, so each is verified. A text that repeats the words
//! that many rules share, thousands of times, would make that slow. Then each anchor gets the same
//! number of occurrences at most: the greatest with which the whole stays affordable. Rare anchors
//! are looked at everywhere, and common ones at the start, at the end and evenly between.

/// What verifying everything in one text may cost, in checks of one pattern (some 50 ns each).
pub(super) const CHECKS_MAX: usize = 1_000_000;
/// An expression reads so many bytes in the time of one check …
const BYTES_PER_CHECK: usize = 16;
/// … and so many around one place.
const WINDOW: usize = 4_200;

/// What one occurrence costs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cost {
    /// Patterns and parts of messages that are looked at.
    pub(super) checks: usize,
    /// Expressions that may have to be looked for around it.
    pub(super) expressions: usize,
}

impl Cost {
    /// What `places` occurrences cost in a text of `len` bytes: windows that overlap are read together.
    fn of(self, places: usize, len: usize) -> usize {
        let read = (places * WINDOW).min(len + len / 4) / BYTES_PER_CHECK;
        self.checks * places + self.expressions * read
    }
}

/// How many occurrences of each source are looked at.
#[derive(Debug)]
pub(super) struct Plan {
    quota: usize,
    /// Occurrences of each source so far, and in all; empty where all are looked at.
    counts: Vec<(u32, u32)>,
}

impl Plan {
    /// Plans for sources of `costs`, each occurring as often as it stands in `sources`, in a text of `len` bytes.
    pub(super) fn new(sources: impl Iterator<Item = usize> + Clone, costs: &[Cost], len: usize) -> Self {
        let all = Self { quota: usize::MAX, counts: Vec::new() };
        // As if none of the windows overlapped, which is dear, but quickly said.
        let most: usize = sources.clone().map(|source| costs[source].of(1, WINDOW)).sum();
        if most <= CHECKS_MAX {
            return all;
        }
        let mut counts = vec![(0, 0); costs.len()];
        for source in sources {
            counts[source].1 += 1;
        }
        let cost = |quota: usize| -> usize {
            let each = counts.iter().zip(costs).filter(|((_, count), _)| *count > 0);
            each.map(|((_, count), cost)| cost.of(quota.min(*count as usize), len)).sum()
        };
        let (mut low, mut high) = (1, counts.iter().map(|(_, count)| *count as usize).max().unwrap_or(1) + 1);
        if cost(high) <= CHECKS_MAX {
            return all;
        }
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if cost(middle) <= CHECKS_MAX { low = middle } else { high = middle }
        }
        Self { quota: low, counts }
    }

    /// Whether the next occurrence of a source is looked at. Asked once for each, in the order of the text.
    pub(super) fn takes(&mut self, source: usize) -> bool {
        let Some((so_far, count)) = self.counts.get_mut(source) else { return true };
        let (at, count) = (*so_far as usize, *count as usize);
        *so_far += 1;
        let edge = self.quota / 4;
        if count <= self.quota || at < edge.max(1) || at + edge >= count {
            return true;
        }
        let between = self.quota.saturating_sub(2 * edge + 1);
        at * between / count != (at + 1) * between / count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CHECKS_MAX, Cost, Plan};

    #[test]
    fn what_is_rare_is_looked_at_everywhere() {
        let costs = [Cost { checks: 30, expressions: 20 }, Cost { checks: 1, expressions: 0 }];
        let sources: Vec<usize> = (0..100_000).map(|at| usize::from(at == 51_234)).collect();
        let mut plan = Plan::new(sources.iter().copied(), &costs, 512 * 1024);
        let taken: Vec<usize> = (0..sources.len()).filter(|at| plan.takes(sources[*at])).collect();
        assert!(taken.len() < sources.len());
        assert!(taken.contains(&0) && taken.contains(&51_234) && taken.contains(&99_999));
        let gap = taken.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(gap < Some(1_500), "{gap:?}");
    }

    proptest! {
        #[test]
        fn a_plan_is_affordable(
            counts in prop::collection::vec((0usize..3_000, 1usize..60, 0usize..30), 1..30),
            len in 1usize..512 * 1024,
        ) {
            let costs: Vec<Cost> = counts.iter().map(|(_, checks, expressions)| Cost { checks: *checks, expressions: *expressions }).collect();
            let sources: Vec<usize> = counts.iter().enumerate().flat_map(|(source, (count, ..))| std::iter::repeat_n(source, *count)).collect();
            let mut plan = Plan::new(sources.iter().copied(), &costs, len);
            let mut taken = vec![0; costs.len()];
            for source in sources {
                taken[source] += usize::from(plan.takes(source));
            }
            let cost: usize = costs.iter().zip(&taken).map(|(cost, taken)| cost.of(*taken, len)).sum();
            // Each source is looked at once at least.
            let least: usize = costs.iter().map(|cost| cost.of(1, len)).sum();
            prop_assert!(cost <= CHECKS_MAX + least, "{} {:?}", cost, taken);
            prop_assert!(counts.iter().zip(&taken).all(|((count, ..), taken)| (*count == 0) == (*taken == 0)));
        }
    }
}
