//! Refuses patterns that are too weak to be safe.

use super::problem;
use crate::diagnosis::pattern::{FACT_WEIGHT, Pattern};
use crate::rules::{ContextNeed, Problem, Rule};

/// What a match must be worth, in letters: a short sentence, or one Okta code.
const STRENGTH_MIN: usize = 20;
/// The same where Okta is known to be involved, and where the text must stand alone besides.
const STRENGTH_MIN_IN_CONTEXT: usize = 12;
const STRENGTH_MIN_STANDALONE: usize = 9;
/// Where the paste itself shows Okta, a fact is enough.
const STRENGTH_MIN_EVIDENT: usize = FACT_WEIGHT;
/// Below this many letters between two holes, a literal is no landmark.
const LANDMARK_MIN: usize = 6;

/// Reports the matches of a rule that could match by accident.
pub(super) fn check(rule: &Rule, problems: &mut Vec<Problem>) {
    for (number, spec) in rule.matches.iter().enumerate() {
        let pattern = Pattern::new(0, rule, number, spec);
        let needed = match (spec.needs_context, spec.standalone) {
            (ContextNeed::Evident, _) => STRENGTH_MIN_EVIDENT,
            (ContextNeed::Implied, true) => STRENGTH_MIN_STANDALONE,
            (ContextNeed::Implied, false) | (ContextNeed::None, true) => STRENGTH_MIN_IN_CONTEXT,
            (ContextNeed::None, false) => STRENGTH_MIN,
        };
        if pattern.weight < needed {
            problems.push(problem(
                rule,
                spec.place,
                format!("too weak to be safe: it says {} letters' worth, {needed} are needed", pattern.weight),
                "write more of the message; add `code`, `contains` or a fact; or demand `standalone` and `needs_context`",
            ));
        }
        let landmark = pattern.segments.iter().map(|segment| segment.bytes.len()).max();
        if landmark.is_some_and(|longest| longest < LANDMARK_MIN) {
            problems.push(problem(
                rule,
                spec.place,
                format!("no part of the message has {LANDMARK_MIN} letters or digits in a row"),
                "write more of the message between the holes",
            ));
        }
        if spec.message.is_some() && pattern.segments.is_empty() {
            problems.push(problem(
                rule,
                spec.place,
                "the message has no letters or digits",
                "write the words of the message",
            ));
        }
        if let Some(reason) = spec.regex.as_ref().and_then(|regex| regex.compile().err()) {
            problems.push(problem(rule, spec.place, format!("the regex cannot be used: {reason}"), "make it smaller"));
        }
        for code in spec
            .codes
            .iter()
            .filter(|code| code.len() < 5 || !code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
        {
            problems.push(problem(
                rule,
                spec.place,
                format!("`{code}` is no code that can be told from ordinary words"),
                "codes are words of at least five letters, digits and underscores; write others into the message",
            ));
        }
    }
}
