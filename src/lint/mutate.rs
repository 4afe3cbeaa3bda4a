//! Removes every condition of every rule in turn: an example or a counterexample must notice.

use std::sync::Arc;

use super::problem;
use crate::diagnosis::{Diagnosis, Engine, Evidence};
use crate::rules::{Confidence, ContextNeed, MatchSpec, Part, Problem, Rule, RuleSet, Template};

/// Reports conditions that none of the rule's own examples and counterexamples tests.
pub fn mutate(rules: &RuleSet) -> Vec<Problem> {
    rules.iter().flat_map(mutate_rule).collect()
}

fn mutate_rule(rule: &Rule) -> Vec<Problem> {
    // Every counterexample that another rule's hit keeps away would hide a mutation: the rule is tried alone.
    let engine = |matches: Vec<MatchSpec>| {
        let mut mutant = rule.clone();
        mutant.matches = matches;
        mutant.generic = false;
        Engine::new(Arc::new(RuleSet::of(vec![mutant])))
    };
    let certainty = |engine: &Engine, text: &str, scope| {
        let whole = |diagnosis: &Diagnosis| !matches!(diagnosis.evidence.first(), Some(Evidence::CutMessage(_)));
        let outcome = engine.diagnose(text, scope);
        outcome.diagnoses.iter().map(|diagnosis| (diagnosis.confidence, whole(diagnosis))).max()
    };
    let alive = |matches: Vec<MatchSpec>| -> bool {
        let engine = engine(matches);
        let matches = |text: &str, scope| {
            certainty(&engine, text, scope).is_some_and(|(confidence, _)| confidence > Confidence::Low)
        };
        rule.examples.iter().all(|example| matches(&example.text, example.scope))
            && !rule.counterexamples.iter().any(|example| matches(&example.text, example.scope))
    };
    let whole = engine(rule.matches.clone());
    // Another match often recognises an example as a message of its own without its beginning, but is less sure.
    let as_sure = |matches: Vec<MatchSpec>| -> bool {
        let engine = engine(matches);
        rule.examples.iter().all(|example| {
            certainty(&engine, &example.text, example.scope) >= certainty(&whole, &example.text, example.scope)
        })
    };
    let mut problems = Vec::new();
    if !alive(rule.matches.clone()) {
        // Some counterexample is kept away by another rule only; mutations cannot be told then.
        return problems;
    }
    for (index, spec) in rule.matches.iter().enumerate() {
        if rule.matches.len() > 1 {
            let mut without = rule.matches.clone();
            without.remove(index);
            if alive(without.clone()) && as_sure(without) {
                problems.push(problem(
                    rule,
                    spec.place,
                    "no example needs this match",
                    "add an [[example]] that only it recognises, or remove it",
                ));
                continue;
            }
        }
        for (what, weaker) in weaker(spec) {
            let mut matches = rule.matches.clone();
            matches[index] = weaker;
            if alive(matches) {
                problems.push(problem(
                    rule,
                    spec.place,
                    format!("nothing tests {what}"),
                    "add a [[counterexample]] that matches without it, or remove the condition",
                ));
            }
        }
    }
    problems
}

/// The match without each of its conditions, as far as something to look for remains.
fn weaker(spec: &MatchSpec) -> Vec<(String, MatchSpec)> {
    let mut variants = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut MatchSpec)| {
        let mut weaker = spec.clone();
        change(&mut weaker);
        variants.push((what, weaker));
    };
    let places = usize::from(spec.message.is_some())
        + usize::from(!spec.codes.is_empty())
        + usize::from(!spec.facts.is_empty())
        + usize::from(!spec.contains.is_empty());
    if places > 1 {
        if spec.message.is_some() {
            add("`message`".to_owned(), &|weaker| {
                weaker.message = None;
                weaker.captures_like.clear();
                weaker.standalone = false;
            });
        }
        if !spec.codes.is_empty() {
            add("`code`".to_owned(), &|weaker| weaker.codes.clear());
        }
    }
    for index in 0..spec.facts.len() {
        if places > 1 || spec.facts.len() > 1 {
            add(format!("`fact.{}`", spec.facts[index].0), &|weaker| {
                weaker.facts.remove(index);
            });
        }
    }
    for index in 0..spec.contains.len() {
        if places > 1 || spec.contains.len() > 1 {
            add(format!("`contains = \"{}\"`", spec.contains[index]), &|weaker| {
                weaker.contains.remove(index);
            });
        }
    }
    // The texts of `absent` say the same thing in several ways: one counterexample stands for all.
    if !spec.absent.is_empty() {
        add("`absent`".to_owned(), &|weaker| weaker.absent.clear());
    }
    for index in 0..spec.captures_like.len() {
        add(format!("`where.{}`", spec.captures_like[index].0), &|weaker| {
            weaker.captures_like.remove(index);
        });
    }
    if spec.regex.is_some() {
        add("`regex`".to_owned(), &|weaker| weaker.regex = None);
    }
    if spec.standalone {
        add("`standalone`".to_owned(), &|weaker| weaker.standalone = false);
    }
    if spec.needs_context != ContextNeed::None {
        add("`needs_context`".to_owned(), &|weaker| weaker.needs_context = ContextNeed::None);
    }
    variants
}

/// Everything that a match demands, in a comparable form.
pub(super) fn conditions_key(spec: &MatchSpec) -> String {
    let squeezed = |text: &str| String::from_utf8_lossy(&crate::diagnosis::squeeze::squeeze(text)).into_owned();
    let message = spec.message.as_ref().map(|Template { parts }| {
        parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => squeezed(text),
                Part::Hole(_) => "{}".to_owned(),
            })
            .collect::<String>()
    });
    let mut contains: Vec<_> = spec.contains.iter().map(|text| squeezed(text)).collect();
    contains.sort();
    format!(
        "{message:?} {:?} {:?} {contains:?} {:?} {:?} {:?} {} {}",
        spec.codes,
        spec.facts,
        spec.absent,
        spec.regex.as_ref().map(crate::rules::RuleRegex::as_str),
        spec.captures_like,
        spec.standalone,
        spec.needs_context
    )
}
