//! Which occurrences are looked at where there are more than can be afforded.
//!
//! Every occurrence of an anchor may be a message, so each is verified. A text that repeats the words
//! that many rules share, thousands of times, would make that slow. Then each anchor gets the same
//! number of occurrences at most: the greatest with which the whole stays affordable. Rare anchors
//! are looked at everywhere, and common ones at the start, at the end and evenly between.

use super::SLOW;

/// What verifying everything in one text may cost, in checks of one pattern (some 50 ns each).
pub(super) const CHECKS_MAX: usize = 700_000;
/// An expression reads so many bytes in the time of one check …
const BYTES_PER_CHECK: usize = 16;
/// … and so many around one place.
const WINDOW: usize = 4_200;

/// What one occurrence costs.
#[derive(Debug, Clone, Default)]
pub(super) struct Cost {
    /// Patterns and parts of messages that are looked at.
    pub(super) checks: usize,
    /// Numbers of the expressions that may have to be looked for around it.
    pub(super) expressions: Vec<usize>,
}

/// How many occurrences of each source are looked at.
#[derive(Debug)]
pub(super) struct Plan {
    quota: usize,
    /// Occurrences of each source so far, and in all; empty where all are looked at.
    counts: Vec<(u32, u32)>,
}

impl Plan {
    /// Plans for sources of `costs`, each occurring as often as it stands in `sources`, in a text of
    /// `len` bytes. `weights` says how much more than usual each expression costs.
    pub(super) fn new(
        sources: impl Iterator<Item = usize> + Clone,
        costs: &[Cost],
        len: usize,
        weights: impl Fn() -> Vec<usize>,
    ) -> Self {
        let all = Self { quota: usize::MAX, counts: Vec::new() };
        // As if none of the windows overlapped, which is dear, but quickly said.
        let alone = |cost: &Cost| cost.checks + cost.expressions.len() * WINDOW / BYTES_PER_CHECK;
        // Most texts are far too short for more than this question.
        let most: usize = sources.clone().map(|source| alone(&costs[source])).sum();
        if most <= CHECKS_MAX / SLOW {
            return all;
        }
        let mut counts = vec![(0, 0); costs.len()];
        for source in sources {
            counts[source].1 += 1;
        }
        let weights = weights();
        let cost =
            |quota: usize| cost(counts.iter().map(|(_, count)| quota.min(*count as usize)), costs, &weights, len);
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

/// What so many occurrences of each source cost. Each expression reads windows that overlap only once.
fn cost(places: impl Iterator<Item = usize>, costs: &[Cost], weights: &[usize], len: usize) -> usize {
    let mut windows = vec![0; weights.len()];
    let mut checks = 0;
    for (places, cost) in places.zip(costs).filter(|(places, _)| *places > 0) {
        checks += places * cost.checks;
        cost.expressions.iter().for_each(|number| windows[*number] += places);
    }
    let read = |(places, weight): (usize, &usize)| (places * WINDOW).min(len + len / 4) * weight;
    let read: usize = windows.into_iter().zip(weights).map(read).sum();
    checks + read / BYTES_PER_CHECK
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CHECKS_MAX, Cost, Plan, cost};

    #[test]
    fn what_is_rare_is_looked_at_everywhere() {
        let costs = [Cost { checks: 30, expressions: (0..20).collect() }, Cost { checks: 1, expressions: Vec::new() }];
        let sources: Vec<usize> = (0..100_000).map(|at| usize::from(at == 51_234)).collect();
        let mut plan = Plan::new(sources.iter().copied(), &costs, 512 * 1024, || vec![1; 20]);
        let taken: Vec<usize> = (0..sources.len()).filter(|at| plan.takes(sources[*at])).collect();
        assert!(taken.len() < sources.len());
        assert!(taken.contains(&0) && taken.contains(&51_234) && taken.contains(&99_999));
        let gap = taken.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(gap < Some(2_000), "{gap:?}");
    }

    proptest! {
        #[test]
        fn a_plan_is_affordable(
            counts in prop::collection::vec((0usize..3_000, 1usize..60, 0usize..30), 1..30),
            len in 1usize..512 * 1024,
        ) {
            let costs: Vec<Cost> = counts
                .iter()
                .map(|(_, checks, expressions)| Cost { checks: *checks, expressions: (0..*expressions).collect() })
                .collect();
            let sources: Vec<usize> = counts.iter().enumerate().flat_map(|(source, (count, ..))| std::iter::repeat_n(source, *count)).collect();
            let mut plan = Plan::new(sources.iter().copied(), &costs, len, || vec![1; 30]);
            let mut taken = vec![0; costs.len()];
            for source in sources {
                taken[source] += usize::from(plan.takes(source));
            }
            let whole = cost(taken.iter().copied(), &costs, &[1; 30], len);
            // Each source is looked at once at least.
            let least = cost(taken.iter().map(|taken| usize::from(*taken > 0)), &costs, &[1; 30], len);
            prop_assert!(whole <= CHECKS_MAX + least, "{} {:?}", whole, taken);
            prop_assert!(counts.iter().zip(&taken).all(|((count, ..), taken)| (*count == 0) == (*taken == 0)));
        }
    }
}
