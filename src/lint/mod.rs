//! Checks a whole rule set: what a single file cannot say about itself.
//!
//! Everything that is wrong is reported at once. The mutation check (`--mutate`) removes every
//! condition of every rule in turn and reports those that no example or counterexample misses.

mod limits;
mod mutate;
mod strength;

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnosis::{Engine, Outcome};
use crate::rules::{Confidence, Example, Place, Problem, Rule, RuleSet, Source, Status};

pub use mutate::mutate;

/// The example of a rule, as a problem names it, is shortened to this many characters.
const SHOWN_MAX: usize = 60;

/// Loads the sources and reports every problem of files and of the set as a whole.
pub fn check(sources: &[Source]) -> (Arc<RuleSet>, Vec<Problem>) {
    let (rules, mut problems) = RuleSet::load(sources);
    let rules = Arc::new(rules);
    problems.extend(check_set(&rules));
    problems.sort();
    (rules, problems)
}

/// Reports the problems of a loaded set.
pub fn check_set(rules: &Arc<RuleSet>) -> Vec<Problem> {
    let mut problems = rules.dead_links();
    for rule in rules.iter() {
        strength::check(rule, &mut problems);
        limits::check(rule, &mut problems);
    }
    duplicates(rules, &mut problems);
    let engine = Engine::new(Arc::clone(rules));
    for rule in rules.iter() {
        for example in &rule.examples {
            check_example(&engine, rule, example, &mut problems);
        }
        for counterexample in &rule.counterexamples {
            check_counterexample(&engine, rule, counterexample, &mut problems);
        }
    }
    problems
}

fn problem(rule: &Rule, place: Place, message: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem { file: rule.file.shown.clone(), place, message: message.into(), help: help.into() }
}

fn check_example(engine: &Engine, rule: &Rule, example: &Example, problems: &mut Vec<Problem>) {
    let outcome = engine.diagnose(&example.text, example.scope);
    let mut report = |message: String, help: &str| problems.push(problem(rule, example.place, message, help));
    let shown = shown(&example.text);
    match outcome.diagnoses.first() {
        None => {
            let why = if outcome.near.contains(&rule.id) {
                "the rule matches, but not surely enough: the text is talk or source code, is cut off too early, or needs context"
            } else {
                "no [[match]] of the rule holds in it"
            };
            report(
                format!("the example `{shown}` is not answered: {why}"),
                "`oktriage diagnose` shows what a text is recognised by",
            );
        }
        Some(best) if best.rule != rule.id => report(
            format!("the example `{shown}` is answered by `{}`", best.rule),
            "make this rule's match say more than the other's, merge the rules, or mark a catch-all as `generic`",
        ),
        Some(best) => {
            if rule.status == Status::Stable && !outcome.answered {
                report(format!("the example `{shown}` would not be posted"), "see `oktriage diagnose`");
            }
            for (name, expected) in &example.captures {
                let found = best.captures.get(name);
                if found != Some(expected) {
                    let found = found.map_or_else(|| "nothing".to_owned(), |found| format!("`{found}`"));
                    report(
                        format!("the example `{shown}` captures {found} as `{name}`, expected `{expected}`"),
                        "correct the expectation, or the text around the hole",
                    );
                }
            }
        }
    }
}

fn check_counterexample(engine: &Engine, rule: &Rule, counterexample: &Example, problems: &mut Vec<Problem>) {
    let outcome = engine.diagnose(&counterexample.text, counterexample.scope);
    if matched(&outcome, rule) {
        problems.push(problem(
            rule,
            counterexample.place,
            format!("the counterexample `{}` is matched", shown(&counterexample.text)),
            "narrow the match: more of the message, `absent`, `where`, `standalone` or `needs_context`",
        ));
    }
}

/// Whether the rule is among the diagnoses, sure or not.
fn matched(outcome: &Outcome, rule: &Rule) -> bool {
    outcome.diagnoses.iter().any(|diagnosis| diagnosis.rule == rule.id && diagnosis.confidence > Confidence::Low)
}

/// Two rules that are recognised by the same thing.
fn duplicates(rules: &RuleSet, problems: &mut Vec<Problem>) {
    let mut known: HashMap<String, &Rule> = HashMap::new();
    for rule in rules.iter().filter(|rule| rule.status != Status::Deprecated) {
        for spec in &rule.matches {
            let conditions = mutate::conditions_key(spec);
            match known.get(&conditions) {
                Some(other) if other.id == rule.id => problems.push(problem(
                    rule,
                    spec.place,
                    "the same match as another one of this rule",
                    "remove one of them",
                )),
                Some(other) => problems.push(problem(
                    rule,
                    spec.place,
                    format!("the same match as one of `{}`", other.id),
                    "merge the rules, or say what tells the errors apart",
                )),
                None => {
                    known.insert(conditions, rule);
                }
            }
        }
    }
}

fn shown(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= SHOWN_MAX {
        return line;
    }
    let start: String = line.chars().take(SHOWN_MAX).collect();
    format!("{start}…")
}
