//! What somebody sees who writes a rule.

use std::fs;

use crate::program::{run, seen, temp};

/// A directory with these rule files, checked by itself.
fn check(files: &[(&str, &str)], arguments: &[&str]) -> String {
    let dir = temp();
    for (id, text) in files {
        let path = dir.path().join(format!("{id}.md"));
        fs::create_dir_all(path.parent().expect("a family")).expect("created");
        fs::write(path, text).expect("written");
    }
    let root = dir.path().to_str().expect("UTF-8");
    let output = run(&[&["rules", "check", "--no-built-in-rules", "--rules", root], arguments].concat(), "");
    seen(&output).replace(&format!("{root}/"), "")
}

const GOOD: &str = r#"+++
title = "Widgets: the licence has run out"
products = ["Widgets"]
fixed_by = "app-admin"
reviewed = 2026-11-22
sources = ["https://example.com/licences"]

[[match]]
message = "Automatic provisioning of user {user} to app {app} failed: the widget licence has run out"

[[example]]
text = '''Automatic provisioning of user dana@example.com to app Widgets failed: the widget licence has run out'''
captures = { user = "dana@example.com" }
+++

## Cause
The licence of Widgets has run out.

## Solution
1. Renew the licence, then retry the task of {user}.
"#;

#[test]
fn a_sound_rule_passes() {
    insta::assert_snapshot!(check(&[("provisioning/widgets-licence", GOOD)], &["--mutate"]), @"");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let bad = r#"+++
titel = "Widgets"
products = []
fixed_by = "nobody"
reviewed = "2026-11-22"
sources = ["http://example.com"]
related = ["provisioning/widgets-licences", "oops"]

[[match]]
message = "the widget {Licence} has run out"
fact.http_stat = 403

[[match]]
regex = "("

[[example]]
text = ""
+++

Hello.

## Cause
One {user} thing.

| a | b |

## Solution
- not numbered
"#;
    let weak = GOOD.replace("Automatic provisioning of user {user} to app {app} failed: the widget licence has run out\"", "run out {user}\"");
    insta::assert_snapshot!(check(&[("provisioning/bad", bad), ("provisioning/weak", &weak), ("provisioning/widgets-licence", GOOD)], &[]), @"");
}

#[test]
fn pages_that_no_platform_can_show_are_refused() {
    let long = GOOD.replace("Renew the licence, then", &"Renew the licence. ".repeat(60)).replace("Widgets: the", &"Widgets and ".repeat(10));
    insta::assert_snapshot!(check(&[("provisioning/long", &long)], &[]), @"");
}

#[test]
fn rules_that_get_in_each_others_way_are_told() {
    let twin = GOOD.replace("Widgets: the licence", "Widgets: the other licence");
    insta::assert_snapshot!(check(&[("provisioning/a", GOOD), ("provisioning/b", &twin)], &[]), @"");
}

#[test]
fn a_condition_that_nothing_tests_is_told() {
    let untested = GOOD.replace("run out\"\n", "run out\"\nwhere.app = \"Widgets\"\n");
    insta::assert_snapshot!(check(&[("provisioning/untested", &untested)], &["--mutate"]), @"");
}

#[test]
fn a_draft_checks_out_once_its_blanks_are_filled() {
    let dir = temp();
    let root = dir.path().to_str().expect("UTF-8");
    let paste = "Automatic provisioning of user dana@example.com to app Widgets failed: the widget licence 4711 has run out (SSWS 00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab)";
    let created = run(&["rules", "new", "provisioning/widgets", "--from", "-", "--into", root], paste);
    assert_eq!(created.status.code(), Some(0), "{}", seen(&created));
    let path = dir.path().join("provisioning/widgets.md");
    let draft = fs::read_to_string(&path).expect("written");
    insta::assert_snapshot!(draft, @"");
    let filled = draft.replace("TODO", "Widgets").replace("https://Widgets", "https://example.com");
    fs::write(&path, filled).expect("written");
    let checked = run(&["rules", "check", "--no-built-in-rules", "--rules", root], "");
    insta::assert_snapshot!(seen(&checked), @"");
    // Nothing is overwritten.
    let again = run(&["rules", "new", "provisioning/widgets", "--into", root], "");
    insta::assert_snapshot!(seen(&again).replace(root, "DIR"), @"");
}

#[test]
fn a_team_adds_replaces_and_disables_rules() {
    let dir = temp();
    let path = dir.path().join("provisioning/sharefile-invalid-credentials.md");
    fs::create_dir_all(path.parent().expect("a family")).expect("created");
    fs::write(&path, "+++\ndisabled = true\n+++\n").expect("written");
    let root = dir.path().to_str().expect("UTF-8");
    let listed = |arguments: &[&str]| seen(&run(&[&["rules", "list", "--no-built-in-rules", "--rules", "tests/rules"], arguments].concat(), ""));
    insta::assert_snapshot!(listed(&[]), @"");
    insta::assert_snapshot!(listed(&["--rules", root]), @"");
    insta::assert_snapshot!(listed(&["--status", "stable", "--product", "atlassian", "--format", "json"]), @"");
}

#[test]
fn a_rule_is_shown_as_people_read_it() {
    let show = |id: &str| seen(&run(&["rules", "show", id, "--no-built-in-rules", "--rules", "tests/rules"], ""));
    insta::assert_snapshot!(show("provisioning/sharefile-invalid-credential"), @"");
    insta::assert_snapshot!(show("provisioning/atlassian-cloud-forbidden"), @"");
}

#[test]
fn the_rule_set_exports_as_one_document() {
    let output = run(&["rules", "export", "--no-built-in-rules", "--rules", "tests/rules"], "");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["format"], "oktriage-rules");
    assert_eq!(document["rules"].as_array().map(Vec::len), Some(3));
    insta::assert_snapshot!(serde_json::to_string_pretty(&document["rules"][2]["match"]).expect("JSON"), @"");
}
