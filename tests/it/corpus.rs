//! Corpora of pastes: what must be answered, and what must not be.

use std::fs;
use std::sync::Arc;

use oktriage::diagnosis::Engine;
use oktriage::lint;
use oktriage::rules::{RuleSet, Scope, Source};
use serde_json::Value;

fn engine() -> Engine {
    let (rules, problems) = RuleSet::load(&[Source::BuiltIn]);
    assert!(problems.is_empty(), "{}", problems[0]);
    Engine::new(Arc::new(rules))
}

#[test]
fn the_rule_set_checks_out() {
    let (rules, problems) = lint::check(&[Source::BuiltIn]);
    let listed: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{}", listed.join("\n"));
    let untested: Vec<_> = lint::mutate(&rules).iter().map(ToString::to_string).collect();
    assert!(untested.is_empty(), "{}", untested.join("\n"));
}

#[test]
fn unseen_pastes_are_answered_by_their_rules() {
    let engine = engine();
    let corpus = fs::read_to_string("tests/corpus/pastes.jsonl").expect("readable");
    let mut wrong = Vec::new();
    for line in corpus.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let outcome = engine.diagnose(line["text"].as_str().expect("a text"), Scope::Okta);
        let rule = outcome.diagnoses.first().filter(|_| outcome.answered).map(|diagnosis| diagnosis.rule.as_str());
        if !line["rules"].as_array().expect("rules").iter().any(|known| known.as_str() == rule) {
            wrong.push(format!("{}: {}, expected {}", line["id"], rule.unwrap_or("silent"), line["rules"]));
        }
    }
    assert!(corpus.lines().count() >= 1_000);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn ordinary_talk_and_other_systems_get_no_answer() {
    let engine = engine();
    let corpus = fs::read_to_string("tests/corpus/silence.jsonl").expect("readable");
    let mut wrong = Vec::new();
    for line in corpus.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        let text = line["text"].as_str().expect("a text");
        for scope in [Scope::Okta, Scope::Mixed] {
            let outcome = engine.diagnose(text, scope);
            if outcome.answered {
                wrong.push(format!("{} ({scope}): {}", line["id"], outcome.diagnoses[0].rule));
            }
        }
    }
    assert!(corpus.lines().count() >= 1_000);
    assert!(wrong.is_empty(), "{} false answers:\n{}", wrong.len(), wrong.join("\n"));
}
