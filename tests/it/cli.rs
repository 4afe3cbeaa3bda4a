//! The command line as people and scripts use it.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::cases::{ATLASSIAN, CHATTER, GMAIL, SHAREFILE};
use crate::program::{oktriage, run, seen, temp};

/// Rules of the tests' own, so that what is shown here changes only when the program does.
const RULES: &[&str] = &["--no-built-in-rules", "--rules", "tests/rules"];

fn with_rules(arguments: &[&str], input: &str) -> String {
    seen(&run(&[arguments, RULES].concat(), input))
}

#[test]
fn a_paste_is_diagnosed_for_people() {
    insta::assert_snapshot!(with_rules(&["diagnose"], SHAREFILE[1]), @"");
}

#[test]
fn nothing_known_is_said_plainly() {
    insta::assert_snapshot!(with_rules(&["diagnose"], "good morning"), @"");
}

#[test]
fn a_paste_is_diagnosed_for_scripts() {
    let output = run(&[&["diagnose", "--format", "json"], RULES].concat(), SHAREFILE[0]);
    let object: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&object).expect("JSON"), @"");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn lines_are_answered_in_order_and_bad_ones_reported() {
    let input = "{\"id\":1,\"text\":\"hello\"}\n\nnot json\n{\"id\":\"b\",\"text\":\"Error authenticating: Forbidden. Errors reported by remote server:\"}\n";
    let output = run(&[&["diagnose", "--jsonl"], RULES].concat(), input);
    let lines: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| {
            let object: Value = serde_json::from_str(line).expect("JSON");
            format!("{} {} {}", object["id"], object["answered"], object["diagnoses"][0]["rule"])
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"");
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_three_cases_are_answered_however_they_are_pasted() {
    for (pastes, rule) in [
        (&SHAREFILE[..], "provisioning/sharefile-invalid-credentials"),
        (&GMAIL[..], "workflows/gmail-reauthentication"),
        (&ATLASSIAN[..], "provisioning/atlassian-cloud-forbidden"),
    ] {
        for paste in pastes {
            let output = run(&["diagnose", "--format", "json"], paste);
            let object: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(object["diagnoses"][0]["rule"], rule, "{paste}");
            assert_eq!(output.status.code(), Some(0), "{paste}");
        }
    }
    for paste in CHATTER {
        assert_eq!(run(&["diagnose", "--format", "json"], paste).status.code(), Some(1), "{paste}");
    }
}

#[test]
fn secrets_never_come_out() {
    let token = "00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab";
    let paste = format!("Error authenticating: Forbidden. Errors reported by remote server: curl -H 'Authorization: SSWS {token}'");
    let text = with_rules(&["diagnose"], &paste);
    assert!(!text.contains(token), "{text}");
    assert!(text.starts_with("⚠ This message contains an Okta API token (revoke under Security > API > Tokens)."), "{text}");
    let json = with_rules(&["diagnose", "--format", "json"], &paste);
    assert!(!json.contains(token), "{json}");
    assert!(json.contains(r#""kind":"okta-api-token""#), "{json}");
}

#[test]
fn bytes_that_are_no_text_are_tolerated() {
    let mut paste = b"\xff\xfe caf\xe9: ".to_vec();
    paste.extend_from_slice(SHAREFILE[0].as_bytes());
    assert_eq!(run(&["diagnose"], paste).status.code(), Some(0));
}

#[test]
fn colours_go_to_terminals_only() {
    let escape = |output: &std::process::Output| output.stdout.contains(&0x1b);
    assert!(!escape(&run(&["diagnose"], SHAREFILE[0])));
    let forced = oktriage().args(["rules", "list"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output().expect("runs");
    assert!(!escape(&forced));
}

#[test]
fn a_reader_may_leave_early() {
    let mut child = oktriage().args(["rules", "export"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut start = [0; 10];
    child.stdout.take().expect("piped").read_exact(&mut start).expect("some output");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn missing_files_are_named() {
    insta::assert_snapshot!(with_rules(&["diagnose", "no/such/file"], ""), @"");
}

#[test]
fn look_ups_forgive_typos() {
    let top = |question: &[&str]| {
        let output = run(&[&["lookup"], question, RULES].concat(), "");
        String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
    };
    for question in [&["shrefile credentails"][..], &["provisioning/sharefile-invalid-credentials"], &["ShareFile"], &["sharefile", "api", "invalid"]] {
        assert_eq!(top(question), "ShareFile provisioning: the API credentials are invalid", "{question:?}");
    }
    assert_eq!(top(&["E0000011"]), "The API token is not valid (E0000011)");
    insta::assert_snapshot!(with_rules(&["lookup", "quantum", "flux"], ""), @"");
}

#[test]
fn a_corpus_is_measured() {
    let dir = temp();
    let corpus = dir.path().join("corpus.jsonl");
    let lines = [
        format!(r#"{{"id":"a","family":"provisioning","text":{:?},"expect":{{"any_of":[],"cause":["credential"],"fix":["re-?authenticate"]}}}}"#, SHAREFILE[0]),
        format!(r#"{{"id":"b","family":"provisioning","text":{:?},"expect":{{"any_of":[],"cause":["martians"],"fix":[]}}}}"#, SHAREFILE[0]),
        r#"{"id":"c","family":"saml","text":"Audience Invalid","expect":{"any_of":[],"cause":["audience"],"fix":[]}}"#.to_owned(),
        r#"{"id":"d","kind":"chat","text":"hello","expect":null}"#.to_owned(),
    ];
    std::fs::write(&corpus, lines.join("\n")).expect("written");
    insta::assert_snapshot!(with_rules(&["eval", "--misses", corpus.to_str().expect("UTF-8")], ""), @"");
}

#[test]
fn settings_are_checked() {
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    std::fs::write(&file, "[local]\nlisten = \"0.0.0.0:8080\"\n").expect("written");
    let output = run(&["serve", "--config", file.to_str().expect("UTF-8")], "");
    insta::assert_snapshot!(seen(&output), @"");
    let output = oktriage().args(["config", "check"]).env("OKTRIAGE__LOCAL__LISTEN", "nowhere").output().expect("runs");
    insta::assert_snapshot!(seen(&output), @"");
    assert_eq!(run(&["config", "example"], "").stdout, std::fs::read("config/oktriage.example.toml").expect("readable"));
    assert_eq!(String::from_utf8_lossy(&run(&["config", "schema"], "").stdout), std::fs::read_to_string("config/oktriage.schema.json").expect("readable"), "run: oktriage config schema > config/oktriage.schema.json");
}

#[test]
fn shells_can_complete() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(String::from_utf8_lossy(&run(&["completions", shell], "").stdout).contains("diagnose"));
    }
}
