//! From pattern hits to diagnoses: which rule explains which error, and how sure that is.

use std::cmp::Reverse;
use std::ops::Range;

use super::bearing::Bearing;
use super::context::Context;
use super::matcher::Hit;
use super::pattern::Pattern;
use crate::rules::{Confidence, ContextNeed, Scope};

/// Weight from which a match is as good as a text can tell, in letters.
const STRONG: usize = 20;
/// A cut-off message is good enough to answer from this share of its letters …
const CUT_SHARE_GOOD: f64 = 0.55;
/// … or this many letters.
const CUT_LITERAL_GOOD: f64 = 30.0;
/// Hits further apart than this belong to different errors, in bytes of decoded text.
const SAME_ERROR: usize = 600;

/// The rules that explain a paste.
#[derive(Debug, Default)]
pub struct Ranking {
    /// One for each error, best first.
    pub best: Vec<Ranked>,
    /// Rules that may matter but are not good enough to post, best first, each once.
    pub near: Vec<usize>,
}

/// One error with the rule that explains it.
#[derive(Debug)]
pub struct Ranked {
    /// Index of the rule.
    pub rule: usize,
    /// How sure that is.
    pub confidence: Confidence,
    /// The hit, with its captures.
    pub hit: Hit,
    /// How often the rule explains an error of the paste.
    pub count: usize,
}

struct Candidate {
    hit: Hit,
    rule: usize,
    generic: bool,
    /// How specific the match is, in letters that are really there.
    weight: usize,
    confidence: Confidence,
}

/// Ranks the hits of a paste. `eligible` says which rules may be diagnosed at all.
pub fn rank(
    hits: &[Hit],
    patterns: &[Pattern],
    context: Context,
    scope: Scope,
    eligible: impl Fn(usize) -> bool,
    text: &str,
) -> Ranking {
    let mut candidates: Vec<Candidate> = hits
        .iter()
        .map(|hit| {
            let pattern = &patterns[hit.pattern];
            Candidate {
                rule: pattern.rule,
                generic: pattern.generic,
                weight: (pattern.weight as f64 * hit.coverage) as usize,
                confidence: confidence(hit, pattern, context, scope),
                hit: hit.clone(),
            }
        })
        .collect();
    doubt_ambiguous_cuts(&mut candidates);
    candidates.sort_by_key(|candidate| {
        (
            candidate.confidence == Confidence::Low,
            candidate.generic,
            Reverse(candidate.weight),
            candidate.hit.hull.start,
            candidate.rule,
        )
    });

    let mut ranking = Ranking::default();
    let mut open: Vec<&Candidate> = candidates
        .iter()
        .filter(|candidate| candidate.confidence > Confidence::Low && eligible(candidate.rule))
        .collect();
    while !open.is_empty() {
        let winner = innermost(&open);
        let is_another = ranking.best.is_empty() || (!winner.generic && winner.confidence == Confidence::High);
        if is_another {
            ranking.best.push(Ranked {
                rule: winner.rule,
                confidence: winner.confidence,
                hit: winner.hit.clone(),
                count: 1,
            });
        }
        let (rule, hull) = (winner.rule, winner.hit.hull.clone());
        open.retain(|candidate| {
            if candidate.rule == rule {
                return false;
            }
            !candidate.generic && !same_error(&candidate.hit.hull, &hull, text) && !wraps(candidate, &hull)
        });
    }
    for ranked in &mut ranking.best {
        let of_rule = candidates.iter().filter(|candidate| candidate.rule == ranked.rule);
        let mut hulls: Vec<_> = of_rule.map(|candidate| &candidate.hit.hull).collect();
        hulls.sort_by_key(|hull| hull.start);
        hulls.dedup_by(|next, hull| next.start < hull.end || same_error(next, hull, text));
        ranked.count = hulls.len().max(1);
    }
    for candidate in &candidates {
        let known =
            ranking.best.iter().any(|ranked| ranked.rule == candidate.rule) || ranking.near.contains(&candidate.rule);
        if !known {
            ranking.near.push(candidate.rule);
        }
    }
    ranking
}

fn confidence(hit: &Hit, pattern: &Pattern, context: Context, scope: Scope) -> Confidence {
    // What says that a message is Okta's may have stood in the beginning that is missing.
    let need = match pattern.needs_context {
        ContextNeed::None if hit.headless => ContextNeed::Implied,
        need => need,
    };
    if hit.bearing != Bearing::Reported || !context.meets(need, scope) {
        return Confidence::Low;
    }
    if hit.coverage < 1.0 {
        let literal = pattern.literal as f64 * hit.coverage;
        return if hit.headless || hit.coverage >= CUT_SHARE_GOOD || literal >= CUT_LITERAL_GOOD {
            Confidence::Medium
        } else {
            Confidence::Low
        };
    }
    let implied = pattern.needs_context == ContextNeed::Implied && !context.okta_evident;
    if implied || pattern.weight < STRONG { Confidence::Medium } else { Confidence::High }
}

/// Where a cut-off message could have been any of several, it says too little about each; and where another
/// that is there as a whole runs over its start, no beginning is missing.
fn doubt_ambiguous_cuts(candidates: &mut [Candidate]) {
    let wholes: Vec<Range<usize>> = candidates
        .iter()
        .filter(|candidate| candidate.hit.coverage == 1.0 && candidate.confidence > Confidence::Low)
        .map(|candidate| candidate.hit.hull.clone())
        .collect();
    let cuts: Vec<(usize, Range<usize>)> = candidates
        .iter()
        .filter(|candidate| candidate.hit.coverage < 1.0)
        .map(|candidate| (candidate.rule, candidate.hit.hull.clone()))
        .collect();
    for candidate in candidates.iter_mut().filter(|candidate| candidate.hit.coverage < 1.0) {
        let rivals = cuts.iter().filter(|(rule, hull)| *rule != candidate.rule && *hull == candidate.hit.hull);
        let hull = &candidate.hit.hull;
        let covered =
            candidate.hit.headless && wholes.iter().any(|whole| whole.start <= hull.start && hull.start < whole.end);
        if rivals.count() > 0 || covered {
            candidate.confidence = Confidence::Low;
        }
    }
}

/// The best candidate, or what stands in its holes: an inner cause beats its wrapper.
fn innermost<'c>(open: &[&'c Candidate]) -> &'c Candidate {
    let mut winner = open[0];
    // Each round goes deeper into the text, so this ends; the bound is a seat belt.
    for _ in 0..open.len() {
        let inner = open.iter().find(|candidate| {
            !candidate.generic
                && candidate.rule != winner.rule
                && wraps(winner, &candidate.hit.hull)
                && !wraps(candidate, &winner.hit.hull)
        });
        match inner {
            Some(inner) => winner = inner,
            None => break,
        }
    }
    winner
}

/// Whether `hull` stands inside a hole of the candidate.
fn wraps(candidate: &Candidate, hull: &Range<usize>) -> bool {
    candidate.hit.holes.iter().any(|hole| hole.start <= hull.start && hull.end <= hole.end)
}

/// Whether two hits speak about the same error: they overlap, or nothing that separates errors
/// stands between them.
fn same_error(a: &Range<usize>, b: &Range<usize>, text: &str) -> bool {
    let (first, second) = if a.start <= b.start { (a, b) } else { (b, a) };
    if second.start <= first.end {
        return true;
    }
    let between = &text[first.end..second.start];
    if between.len() > SAME_ERROR {
        return false;
    }
    let blank_line = between.split('\n').skip(1).any(|line| line.trim_matches(['>', '|', ' ', '\t', '\r']).is_empty())
        && between.matches('\n').count() > 1;
    let new_object = between.contains("}\n{") || between.contains("} {") || between.matches("errorCode").count() > 1;
    !blank_line && !new_object
}
