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

/// The lines of every `*.jsonl` file in a directory, with the file they are from.
fn lines(dir: &str) -> Vec<(String, Value)> {
    let mut files: Vec<_> = fs::read_dir(dir).expect("readable").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut lines = Vec::new();
    for path in files {
        let text = fs::read_to_string(&path).expect("readable");
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = format!("{}:{}", path.display(), number + 1);
            let line = serde_json::from_str(line).unwrap_or_else(|error| panic!("{place}: {error}"));
            lines.push((place, line));
        }
    }
    lines
}

#[test]
fn pastes_are_answered_by_their_rules() {
    let engine = engine();
    let mut wrong = Vec::new();
    let made_up = lines("tests/corpus/pastes");
    assert!(made_up.len() >= 1_000);
    for (place, line) in made_up.iter().chain(&lines("tests/corpus/real")) {
        let outcome = engine.diagnose(line["text"].as_str().expect("a text"), Scope::Okta);
        let rule = outcome.diagnoses.first().filter(|_| outcome.answered).map(|diagnosis| diagnosis.rule.as_str());
        if !line["rules"].as_array().expect("rules").iter().any(|known| known.as_str() == rule) {
            wrong.push(format!("{place} {}: {}, expected {}", line["id"], rule.unwrap_or("silent"), line["rules"]));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn ordinary_talk_and_other_systems_get_no_answer() {
    let engine = engine();
    let mut wrong = Vec::new();
    let corpus = lines("tests/corpus/silence");
    for (place, line) in &corpus {
        let text = line["text"].as_str().expect("a text");
        for scope in [Scope::Okta, Scope::Mixed] {
            let outcome = engine.diagnose(text, scope);
            if outcome.answered {
                wrong.push(format!("{place} {} ({scope}): {}", line["id"], outcome.diagnoses[0].rule));
            }
        }
    }
    assert!(corpus.len() >= 1_000);
    assert!(wrong.is_empty(), "{} false answers:\n{}", wrong.len(), wrong.join("\n"));
}
