//! The command line as people and scripts use it.

use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::cases::{ATLASSIAN, CHATTER, GMAIL, SHAREFILE};
use crate::program::{oktriage, run, seen, temp};

/// Rules of the tests' own, so that what is shown here changes only when the program does.
const RULES: &[&str] = &["--no-built-in-rules", "--rules", "tests/rules"];

fn with_rules(arguments: &[&str], input: &str) -> String {
    seen(&run(&[arguments, RULES].concat(), input))
}

#[test]
fn a_paste_is_diagnosed_for_people() {
    insta::assert_snapshot!(with_rules(&["diagnose"], SHAREFILE[1]), @r#"
    ShareFile provisioning: the API credentials are invalid

    Recognised
    │ Automatic provisioning of user dana@example.com to app ShareFile failed: Error
    │ creating authenticated session to app The cred- entials used to connect to the
    │ API were invalid
    by its message

    Cause
    ShareFile refuses the credentials stored behind the API connection in Okta: the
    OAuth consumer key or secret, or the ShareFile admin account that authorised
    the connection, is no longer valid. Okta therefore cannot open a session to
    ShareFile and creates nobody. It is not about the single user named in the
    message.

    For you
    • There is nothing you can repair yourself: send the complete message, your
      username and the time to your Okta admin. Signing in to the app may still work
      while the account sync fails.

    Solution
    1. In the Okta Admin Console (application administrator or super administrator)
       go to Applications > Applications > ShareFile > Provisioning > Integration
       and select Edit.
    2. Enter a valid ShareFile OAuth Consumer Key and OAuth Consumer Secret (a
       ShareFile admin creates them as an API key: client ID and client secret),
       then select Re-authenticate with ShareFile.
    3. When asked for the subdomain, enter only the first part of your ShareFile
       address: for mycompany.sharefile.com enter mycompany.
    4. Sign in with the e-mail address and password of a ShareFile admin account and
       allow the access.
    5. Back on the Okta page wait for the message that authentication succeeded,
       then select Save.
    6. Go to Dashboard > Tasks, select the failed assignment of dana@example.com
       and choose Retry Selected. The task leaves the list and the account appears
       in ShareFile.
    7. If it fails again with the same text, create a new key and secret in
       ShareFile and repeat from step 2; then ask Okta Support or ShareFile support.

    Check
    • If every ShareFile assignment fails since the same time, it is the connection;
      a wrong attribute would hit single users only.
    • Reports > System Log, search eventType sw "application.provision.user" and
      outcome.result eq "FAILURE": every failed attempt is listed with its full
      reason.
    • Sign in to mycompany.sharefile.com directly with the ShareFile admin account
      used for the integration: if that fails, reset its password there first.

    an Okta admin can fix this · provisioning/sharefile-invalid-credentials · reviewed 2026-11-22 · confidence high
    https://support.okta.com/help/s/article/ShareFile-Provisioning-Error-Automatic-provisioning-of-user-to-app-ShareFile-failed-Error-creating-authenticated-session-to-app-The-credentials-used-to-connect-to-the-API-were-invalid
    https://help.okta.com/en-us/Content/Topics/Miscellaneous/REST-API-Templ.htm

    --- exit 0
    "#);
}

#[test]
fn nothing_known_is_said_plainly() {
    insta::assert_snapshot!(with_rules(&["diagnose"], "good morning"), @"
    No rule knows this. If it is an error that others may paste too, please add a
    rule for it.
    --- exit 1
    ");
}

#[test]
fn a_paste_is_diagnosed_for_scripts() {
    let output = run(&[&["diagnose", "--format", "json"], RULES].concat(), SHAREFILE[0]);
    let object: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    insta::assert_snapshot!(serde_json::to_string_pretty(&object).expect("JSON"), @r#"
    {
      "answered": true,
      "cut": false,
      "diagnoses": [
        {
          "captures": {
            "app": "ShareFile",
            "user": "dana@example.com"
          },
          "cause": "ShareFile refuses the credentials stored behind the API connection in Okta: the OAuth consumer key or secret, or the ShareFile admin account that authorised the connection, is no longer valid. Okta therefore cannot open a session to ShareFile and creates nobody. It is not about the single user named in the message.",
          "checks": [
            "If every ShareFile assignment fails since the same time, it is the connection; a wrong attribute would hit single users only.",
            "Reports > System Log, search eventType sw \"application.provision.user\" and outcome.result eq \"FAILURE\": every failed attempt is listed with its full reason.",
            "Sign in to mycompany.sharefile.com directly with the ShareFile admin account used for the integration: if that fails, reset its password there first."
          ],
          "confidence": "high",
          "count": 1,
          "engines": [
            "classic",
            "identity"
          ],
          "evidence": [
            "its message"
          ],
          "fixed_by": "okta-admin",
          "for_user": [
            "There is nothing you can repair yourself: send the complete message, your username and the time to your Okta admin. Signing in to the app may still work while the account sync fails."
          ],
          "preview": false,
          "quote": "Automatic provisioning of user dana@example.com to app ShareFile failed: Error creating authenticated session to app The credentials used to connect to the API were invalid",
          "reviewed": "2026-11-22",
          "rule": "provisioning/sharefile-invalid-credentials",
          "sources": [
            "https://support.okta.com/help/s/article/ShareFile-Provisioning-Error-Automatic-provisioning-of-user-to-app-ShareFile-failed-Error-creating-authenticated-session-to-app-The-credentials-used-to-connect-to-the-API-were-invalid",
            "https://help.okta.com/en-us/Content/Topics/Miscellaneous/REST-API-Templ.htm"
          ],
          "spans": [
            [
              0,
              172
            ]
          ],
          "steps": [
            "In the Okta Admin Console (application administrator or super administrator) go to Applications > Applications > ShareFile > Provisioning > Integration and select Edit.",
            "Enter a valid ShareFile OAuth Consumer Key and OAuth Consumer Secret (a ShareFile admin creates them as an API key: client ID and client secret), then select Re-authenticate with ShareFile.",
            "When asked for the subdomain, enter only the first part of your ShareFile address: for mycompany.sharefile.com enter mycompany.",
            "Sign in with the e-mail address and password of a ShareFile admin account and allow the access.",
            "Back on the Okta page wait for the message that authentication succeeded, then select Save.",
            "Go to Dashboard > Tasks, select the failed assignment of dana@example.com and choose Retry Selected. The task leaves the list and the account appears in ShareFile.",
            "If it fails again with the same text, create a new key and secret in ShareFile and repeat from step 2; then ask Okta Support or ShareFile support."
          ],
          "title": "ShareFile provisioning: the API credentials are invalid"
        }
      ],
      "facts": {
        "error_codes": [],
        "error_ids": [],
        "http_status": null
      },
      "near": [],
      "secrets": []
    }
    "#);
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
    insta::assert_snapshot!(lines.join("\n"), @r#"
    1 false null
    "b" true "provisioning/atlassian-cloud-forbidden"
    "#);
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stderr), @r#"oktriage: -:3: not a line {"id":…,"text":…}: expected ident at line 1 column 2"#);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_three_cases_are_answered_however_they_are_pasted() {
    let cases = [
        (&SHAREFILE[..], "provisioning/sharefile-invalid-credentials"),
        (&GMAIL[..], "workflows/gmail-reauthentication"),
        (&ATLASSIAN[..], "provisioning/atlassian-cloud-forbidden"),
    ];
    let wanted: Vec<(&str, Value)> = cases
        .iter()
        .flat_map(|(pastes, rule)| pastes.iter().map(move |paste| (*paste, json!(rule))))
        .chain(CHATTER.iter().map(|chatter| (*chatter, Value::Null)))
        .collect();
    let lines: Vec<String> = wanted.iter().map(|(paste, _)| json!({"id": 0, "text": paste}).to_string()).collect();
    let output = run(&["diagnose", "--jsonl"], lines.join("\n"));
    let answers = String::from_utf8_lossy(&output.stdout).into_owned();
    for ((paste, rule), answer) in wanted.iter().zip(answers.lines()) {
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        let first = if answer["answered"] == true { &answer["diagnoses"][0]["rule"] } else { &Value::Null };
        assert_eq!(first, rule, "{paste}");
    }
    assert_eq!(answers.lines().count(), wanted.len());
}

#[test]
fn secrets_never_come_out() {
    let token = "00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab";
    let paste = format!(
        "Error authenticating: Forbidden. Errors reported by remote server: curl -H 'Authorization: SSWS {token}'"
    );
    let text = with_rules(&["diagnose"], &paste);
    assert!(!text.contains(token), "{text}");
    let warning = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        warning.starts_with("⚠ This message contains an Okta API token (revoke under Security > API > Tokens)."),
        "{text}"
    );
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
    let forced =
        oktriage().args(["rules", "list"]).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").output().expect("runs");
    assert!(!escape(&forced));
}

#[test]
fn a_reader_may_leave_early() {
    let mut child =
        oktriage().args(["rules", "export"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut start = [0; 10];
    child.stdout.take().expect("piped").read_exact(&mut start).expect("some output");
    let output = child.wait_with_output().expect("ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn missing_files_are_named() {
    insta::assert_snapshot!(with_rules(&["diagnose", "no/such/file"], ""), @"
    --- stderr
    oktriage: cannot open no/such/file: No such file or directory (os error 2)
    --- exit 2
    ");
}

#[test]
fn look_ups_forgive_typos() {
    let top = |question: &[&str]| {
        let output = run(&[&["lookup"], question, RULES].concat(), "");
        String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
    };
    for question in [
        &["shrefile credentails"][..],
        &["provisioning/sharefile-invalid-credentials"],
        &["ShareFile"],
        &["sharefile", "api", "invalid"],
    ] {
        assert_eq!(top(question), "ShareFile provisioning: the API credentials are invalid", "{question:?}");
    }
    assert_eq!(top(&["E0000011"]), "The API token is not valid (E0000011)");
    insta::assert_snapshot!(with_rules(&["lookup", "quantum", "flux"], ""), @"
    No rule knows this. If it is an error that others may paste too, please add a
    rule for it.
    --- exit 1
    ");
}

#[test]
fn a_corpus_is_measured() {
    let dir = temp();
    let corpus = dir.path().join("corpus.jsonl");
    let lines = [
        format!(
            r#"{{"id":"a","family":"provisioning","text":{:?},"expect":{{"any_of":[],"cause":["credential"],"fix":["re-?authenticate"]}}}}"#,
            SHAREFILE[0]
        ),
        format!(
            r#"{{"id":"b","family":"provisioning","text":{:?},"expect":{{"any_of":[],"cause":["martians"],"fix":[]}}}}"#,
            SHAREFILE[0]
        ),
        r#"{"id":"c","family":"saml","text":"Audience Invalid","expect":{"any_of":[],"cause":["audience"],"fix":[]}}"#
            .to_owned(),
        r#"{"id":"d","kind":"chat","text":"hello","expect":null}"#.to_owned(),
    ];
    std::fs::write(&corpus, lines.join("\n")).expect("written");
    insta::assert_snapshot!(with_rules(&["eval", "--misses", corpus.to_str().expect("UTF-8")], ""), @"
    family            pastes  answered   right   recall  precision
    provisioning           2         2       1    50.0%      50.0%
    saml                   1         0       0     0.0%     100.0%
    all                    3         2       1    33.3%      50.0%

    silence           pastes  answered
    chat                   1         0
    all                    1         0

    b: provisioning/sharefile-invalid-credentials does not say its cause: martians
    c: silent
    --- exit 1
    ");
}

#[test]
fn settings_are_checked() {
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    std::fs::write(&file, "[local]\nlisten = \"0.0.0.0:8080\"\n").expect("written");
    let output = run(&["serve", "--config", file.to_str().expect("UTF-8")], "");
    insta::assert_snapshot!(seen(&output), @r#"
    --- stderr
    oktriage: local.listen = "0.0.0.0:8080" can be reached from other machines, and there is no access token
      help: set OKTRIAGE__LOCAL__ACCESS_TOKEN or local.access_token_file, or listen on 127.0.0.1
    --- exit 2
    "#);
    // Without a subcommand the bot runs, too.
    let output = run(&["--config", file.to_str().expect("UTF-8")], "");
    assert!(seen(&output).contains("there is no access token"), "{}", seen(&output));
    let output = oktriage().args(["config", "check"]).env("OKTRIAGE__LOCAL__LISTEN", "nowhere").output().expect("runs");
    insta::assert_snapshot!(seen(&output), @"
    --- stderr
    oktriage: the environment variables OKTRIAGE__… : invalid socket address syntax for key `local.listen`
      help: variables are named after section and key, e.g. OKTRIAGE__LOCAL__LISTEN=127.0.0.1:9000
    --- exit 2
    ");
    assert_eq!(
        run(&["config", "example"], "").stdout,
        std::fs::read("config/oktriage.example.toml").expect("readable")
    );
    assert_eq!(
        String::from_utf8_lossy(&run(&["config", "schema"], "").stdout),
        std::fs::read_to_string("config/oktriage.schema.json").expect("readable"),
        "run: oktriage config schema > config/oktriage.schema.json"
    );
}

#[test]
fn shells_can_complete() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(String::from_utf8_lossy(&run(&["completions", shell], "").stdout).contains("diagnose"));
    }
}
