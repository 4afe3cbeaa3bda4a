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
    insta::assert_snapshot!(check(&[("provisioning/widgets-licence", GOOD)], &["--mutate"]), @"
    1 rules, no problems
    --- exit 0
    ");
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
    let weak = GOOD.replace(
        "Automatic provisioning of user {user} to app {app} failed: the widget licence has run out\"",
        "run out {user}\"",
    );
    insta::assert_snapshot!(check(&[("provisioning/bad", bad), ("provisioning/weak", &weak), ("provisioning/widgets-licence", GOOD)], &[]), @r#"
    provisioning/bad.md:1:4: no `[[example]]`
      help: add a paste that this rule must answer
    provisioning/bad.md:1:4: no `products`
      help: add products = ["Provisioning", …]
    provisioning/bad.md:1:4: no `title`
      help: add title = "…": a title that names the problem
    provisioning/bad.md:2:1: unknown key `titel` in a rule
      help: did you mean `title`?
    provisioning/bad.md:4:12: unknown word `nobody`
      help: one of: end-user, okta-admin, app-admin, developer
    provisioning/bad.md:5:12: expected a date such as 2026-11-22, without quotes, found string
      help: see responses/README.md for the format
    provisioning/bad.md:6:11: `http://example.com` is not an https:// address
      help: list pages that a reader can open
    provisioning/bad.md:7:11: `oops` is not a rule id
      help: write family/slug
    provisioning/bad.md:9:1: nothing in this match says where to look
      help: add `message`, `code`, `fact.…` or `contains`; `regex` and `absent` only narrow those
    provisioning/bad.md:10:23: a brace that neither opens nor closes a hole
      help: holes look like {user} or {_}; for a brace write {{ or }}
    provisioning/bad.md:11:18: unknown fact `http_stat`
      help: did you mean `fact.http_status`?
    provisioning/bad.md:13:1: nothing in this match says where to look
      help: add `message`, `code`, `fact.…` or `contains`; `regex` and `absent` only narrow those
    provisioning/bad.md:14:9: not a regex: unclosed group
      help: the syntax is that of https://docs.rs/regex
    provisioning/bad.md:17:8: an empty text
      help: fill it in or remove the key
    provisioning/bad.md:20:1: text before the first section
      help: start the page with `## Cause`
    provisioning/bad.md:23:1: unknown capture `{user}`
      help: no match captures `user`; for a literal brace write `{{`
    provisioning/bad.md:25:1: a second paragraph of the cause
      help: keep the cause to one paragraph; the rest belongs under `## Check`
    provisioning/bad.md:28:1: the wrong kind of list under `## Solution`
      help: number the steps of the solution (`1. …`); start other items with `- `
    provisioning/weak.md:8:1: too weak to be safe: it says 6 letters' worth, 20 are needed
      help: write more of the message; add `code`, `contains` or a fact; or demand `standalone` and `needs_context`
    provisioning/weak.md:11:1: the example `Automatic provisioning of user dana@example.com to app Widge…` is answered by `provisioning/widgets-licence`
      help: make this rule's match say more than the other's, merge the rules, or mark a catch-all as `generic`
    2 rules, 20 problems
    --- exit 2
    "#);
}

#[test]
fn pages_that_no_platform_can_show_are_refused() {
    let long = GOOD
        .replace("Renew the licence, then", &"Renew the licence. ".repeat(60))
        .replace("Widgets: the", &"Widgets and ".repeat(10));
    insta::assert_snapshot!(check(&[("provisioning/long", &long)], &[]), @"
    provisioning/long.md:1:1: an item has 1168 characters and 1 captures: `Renew the licence. Renew the licence. Re…`
      help: keep below 900 characters, and 3000 with the longest captures (Slack section)
    provisioning/long.md:1:1: the title has 140 characters, a thread name 100 (Discord)
      help: shorten the title
    1 rules, 2 problems
    --- exit 2
    ");
}

#[test]
fn rules_that_get_in_each_others_way_are_told() {
    let twin = GOOD.replace("Widgets: the licence", "Widgets: the other licence");
    insta::assert_snapshot!(check(&[("provisioning/a", GOOD), ("provisioning/b", &twin)], &[]), @"
    provisioning/b.md:8:1: the same match as one of `provisioning/a`
      help: merge the rules, or say what tells the errors apart
    provisioning/b.md:11:1: the example `Automatic provisioning of user dana@example.com to app Widge…` is answered by `provisioning/a`
      help: make this rule's match say more than the other's, merge the rules, or mark a catch-all as `generic`
    2 rules, 2 problems
    --- exit 2
    ");
}

#[test]
fn a_condition_that_nothing_tests_is_told() {
    let untested = GOOD.replace("run out\"\n", "run out\"\nwhere.app = \"Widgets\"\n");
    insta::assert_snapshot!(check(&[("provisioning/untested", &untested)], &["--mutate"]), @"
    provisioning/untested.md:3:1: unknown key `where` in a rule
      help: a rule has: disabled, title, products, engines, fixed_by, reviewed, sources, related, status, generic, match, example, counterexample
    0 rules, 1 problems
    --- exit 2
    ");
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
    insta::assert_snapshot!(draft, @r#"
    +++
    title = "TODO: the problem as the reader sees it"
    products = ["TODO"]
    fixed_by = "okta-admin"  # end-user, okta-admin, app-admin or developer
    reviewed = 2026-01-01  # TODO: the date on which you checked the facts
    sources = ["https://TODO"]
    status = "preview"  # stable once somebody else has read it

    [[match]]
    message = '''Automatic provisioning of user {email} to app {app} failed: the widget licence {number} has run out (SSWS [secret removed])'''

    [[example]]
    text = '''
    Automatic provisioning of user dana@example.com to app Widgets failed: the widget licence 4711 has run out (SSWS [secret removed])'''
    +++

    ## Cause
    TODO: why it happens, in one short paragraph.

    ## Check
    - TODO: how to confirm it, or remove this section.

    ## For the user
    - TODO: what the person who hit it can do now, or remove this section.

    ## Solution
    1. TODO: the first step of widgets, with the full console path in bold.
    "#);
    let filled = draft.replace("TODO", "Widgets").replace("https://Widgets", "https://example.com");
    fs::write(&path, filled).expect("written");
    let checked = run(&["rules", "check", "--no-built-in-rules", "--rules", root], "");
    insta::assert_snapshot!(seen(&checked), @"
    1 rules, no problems
    --- exit 0
    ");
    // Nothing is overwritten.
    let again = run(&["rules", "new", "provisioning/widgets", "--into", root], "");
    insta::assert_snapshot!(seen(&again).replace(root, "DIR"), @"
    --- stderr
    oktriage: DIR/provisioning/widgets.md exists already; edit it, or choose another id
    --- exit 2
    ");
}

#[test]
fn a_team_adds_replaces_and_disables_rules() {
    let dir = temp();
    let path = dir.path().join("provisioning/sharefile-invalid-credentials.md");
    fs::create_dir_all(path.parent().expect("a family")).expect("created");
    fs::write(&path, "+++\ndisabled = true\n+++\n").expect("written");
    let root = dir.path().to_str().expect("UTF-8");
    let listed = |arguments: &[&str]| {
        seen(&run(&[&["rules", "list", "--no-built-in-rules", "--rules", "tests/rules"], arguments].concat(), ""))
    };
    insta::assert_snapshot!(listed(&[]), @"
    api/e0000011-invalid-token                           The API token is not valid (E0000011)
    provisioning/atlassian-cloud-forbidden               Atlassian Cloud API integration: authentication is forbidden (403)
    provisioning/sharefile-invalid-credentials           ShareFile provisioning: the API credentials are invalid
    --- exit 0
    ");
    insta::assert_snapshot!(listed(&["--rules", root]), @"
    api/e0000011-invalid-token                           The API token is not valid (E0000011)
    provisioning/atlassian-cloud-forbidden               Atlassian Cloud API integration: authentication is forbidden (403)
    --- exit 0
    ");
    insta::assert_snapshot!(listed(&["--status", "stable", "--product", "atlassian", "--format", "json"]), @r#"
    [
      {
        "family": "provisioning",
        "id": "provisioning/atlassian-cloud-forbidden",
        "products": [
          "Atlassian Cloud",
          "Provisioning"
        ],
        "reviewed": "2026-11-22",
        "status": "stable",
        "title": "Atlassian Cloud API integration: authentication is forbidden (403)"
      }
    ]
    --- exit 0
    "#);
}

#[test]
fn a_rule_is_shown_as_people_read_it() {
    let show = |id: &str| seen(&run(&["rules", "show", id, "--no-built-in-rules", "--rules", "tests/rules"], ""));
    insta::assert_snapshot!(show("provisioning/sharefile-invalid-credential"), @"
    --- stderr
    oktriage: no rule `provisioning/sharefile-invalid-credential`; did you mean provisioning/sharefile-invalid-credentials?
    --- exit 2
    ");
    insta::assert_snapshot!(show("provisioning/atlassian-cloud-forbidden"), @"
    Atlassian Cloud API integration: authentication is forbidden (403)

    Cause
    Atlassian answered HTTP 403 when Okta tried to authenticate at the SCIM base
    URL you entered: the API token (API key) is invalid for that base URL. It
    was mistyped, regenerated or revoked in Atlassian, or it belongs to another
    Atlassian directory than the base URL. Only the key from the user-provisioning
    set-up works; an ordinary Atlassian API token or an organization API key does
    not.

    Solution
    1. Sign in at admin.atlassian.com as an organization admin and select the
       organization if there is more than one.
    2. Go to Security > Identity providers and select the directory that belongs
       to Okta.
    3. Select Set up user provisioning. If it is set up already, use Regenerate
       API key in the menu of its User provisioning section; the old key then stops
       working everywhere.
    4. Copy the SCIM base URL and the API key. They are shown only once, so store
       them in a safe place, then save the SCIM configuration in Atlassian.
    5. In the Okta Admin Console (application administrator or super administrator)
       go to Applications > Applications > Atlassian Cloud > Provisioning >
       Integration and select Edit.
    6. Enter the new SCIM base URL and API key, select Test API Credentials, wait
       for the message that the credentials were verified, then select Save.
    7. If it persists, contact Atlassian support: they can see whether the directory
       and its Atlassian Guard subscription allow SCIM. The Atlassian part of these
       steps follows Atlassian's own pages as of 2026-11-22 and may change; if the
       menus look different, check the Atlassian documentation.

    Check
    • The error appears in the integration dialog, on Test API Credentials, before
      any user is sent.
    • Compare the directory ID inside the SCIM base URL in Okta with the directory
      shown in Atlassian under Security > Identity providers.
    • If the message came from another app, not from Atlassian Cloud, the 403 means
      the same for that vendor: wrong token for this URL, or a token without the
      rights for SCIM.

    an Okta admin can fix this · provisioning/atlassian-cloud-forbidden · reviewed 2026-11-22
    https://support.okta.com/help/s/article/Atlassian-Cloud-API-Integration-errorError-authenticating-Forbidden-Errors-reported-by-remote-server
    https://support.okta.com/help/s/article/How-to-get-the-API-Key-and-Directory-ID-needed-to-authorize-the-Atlassian-Admin-Workflows-Connector

    --- exit 0
    ");
}

#[test]
fn the_rule_set_exports_as_one_document() {
    let output = run(&["rules", "export", "--no-built-in-rules", "--rules", "tests/rules"], "");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["format"], "oktriage-rules");
    assert_eq!(document["rules"].as_array().map(Vec::len), Some(3));
    insta::assert_snapshot!(serde_json::to_string_pretty(&document["rules"][2]["match"]).expect("JSON"), @r#"
    [
      {
        "message": "Automatic {_} of user {user} to app {app} failed: {_} credentials used to connect to the API were invalid",
        "where": {
          "app": [
            "*ShareFile*"
          ]
        }
      },
      {
        "contains": [
          "ShareFile"
        ],
        "message": "Error creating authenticated session to app"
      }
    ]
    "#);
}
