//! The local workspace over real HTTP, with its real database.

use reqwest::StatusCode;
use serde_json::json;

use crate::cases::{ATLASSIAN, CHATTER, GMAIL, SHAREFILE};
use crate::program::{Server, temp};

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_is_answered_in_its_thread() {
    let dir = temp();
    let server = Server::start(dir.path());
    let id = server.post("okta-support", SHAREFILE[1]).await;
    insta::assert_snapshot!(server.answer_to(id).await, @r#"
    ShareFile provisioning: the API credentials are invalid
    Automatic provisioning of user dana@example.com to app ShareFile failed: Error creating authenticated session to app The cred- entials used to connect to the API were invalid
    Cause
    ShareFile refuses the credentials stored behind the API connection in Okta: the OAuth consumer key or secret, or the ShareFile admin account that authorised the connection, is no longer valid. Okta therefore cannot open a session to ShareFile and creates nobody. It is not about the single user named in the message.
    For you
    There is nothing you can repair yourself: send the complete message, your username and the time to your Okta admin. Signing in to the app may still work while the account sync fails.
    Solution
    In the Okta Admin Console (application administrator or super administrator) go to Applications > Applications > ShareFile > Provisioning > Integration and select Edit.
    Enter a valid ShareFile OAuth Consumer Key and OAuth Consumer Secret (a ShareFile admin creates them as an API key: client ID and client secret), then select Re-authenticate with ShareFile.
    When asked for the subdomain, enter only the first part of your ShareFile address: for mycompany.sharefile.com enter mycompany.
    Sign in with the e-mail address and password of a ShareFile admin account and allow the access.
    Back on the Okta page wait for the message that authentication succeeded, then select Save.
    Go to Dashboard > Tasks, select the failed assignment of dana@example.com and choose Retry Selected. The task leaves the list and the account appears in ShareFile.
    If it fails again with the same text, create a new key and secret in ShareFile and repeat from step 2; then ask Okta Support or ShareFile support.
    Check
    If every ShareFile assignment fails since the same time, it is the connection; a wrong attribute would hit single users only.
    Reports > System Log, search eventType sw "application.provision.user" and outcome.result eq "FAILURE": every failed attempt is listed with its full reason.
    Sign in to mycompany.sharefile.com directly with the ShareFile admin account used for the integration: if that fails, reset its password there first.
    an Okta admin can fix this
    provisioning/sharefile-invalid-credentials
    reviewed 2026-11-22
    confidence high
    Independent of Okta
    Sources
    https://support.okta.com/help/s/article/ShareFile-Provisioning-Error-Automatic-provisioning-of-user-to-app-ShareFile-failed-Error-creating-authenticated-session-to-app-The-credentials-used-to-connect-to-the-API-were-invalid
    https://help.okta.com/en-us/Content/Topics/Miscellaneous/REST-API-Templ.htm
    "#);
    for paste in GMAIL.iter().chain(&ATLASSIAN) {
        let id = server.post("okta-support", paste).await;
        server.answer_to(id).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chatter_is_left_alone() {
    let dir = temp();
    let server = Server::start(dir.path());
    for text in CHATTER {
        server.post("okta-support", text).await;
        server.post("general", text).await;
    }
    // Outside of an Okta channel, Okta must be evident from the paste.
    server.post("general", GMAIL[0]).await;
    server.settled("okta-support").await;
    server.settled("general").await;
    assert_eq!(server.answered("okta-support").await, [0i64; 0]);
    assert_eq!(server.answered("general").await, [0i64; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_told_the_same_thing_once() {
    let dir = temp();
    let server = Server::start(dir.path());
    let root = server.post("okta-support", SHAREFILE[0]).await;
    server.answer_to(root).await;
    server.post_in("okta-support", Some(root), "still the same:\n".to_owned().as_str()).await;
    server.post_in("okta-support", Some(root), SHAREFILE[0]).await;
    server.post_in("okta-support", Some(root), ATLASSIAN[1]).await;
    server
        .wait_for("the second error's answer", |message| {
            message["thread"] == root && message["html"].as_str().is_some_and(|html| html.contains("Atlassian"))
        })
        .await;
    server.settled("okta-support").await;
    assert_eq!(server.answered("okta-support").await, [root, root]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_follows_edits_and_goes_with_its_message() {
    let dir = temp();
    let server = Server::start(dir.path());
    let id = server.post("okta-support", SHAREFILE[0]).await;
    assert!(server.answer_to(id).await.contains("ShareFile"));

    server.edit(id, ATLASSIAN[1]).await;
    server
        .wait_for("the new answer", |message| {
            message["thread"] == id && message["html"].as_str().is_some_and(|html| html.contains("Atlassian"))
        })
        .await;
    assert_eq!(server.answered("okta-support").await, [id]);

    server.edit(id, "never mind").await;
    server.wait_for("no answer", |message| message["thread"] == id && message["deleted"] == true).await;

    server.edit(id, SHAREFILE[0]).await;
    server
        .wait_for("the answer again", |message| {
            message["thread"] == id && message["deleted"] == false && message["is_bot"] == true
        })
        .await;
    server.delete(id).await;
    server.wait_for("the end", |message| message["thread"] == id && message["deleted"] == true).await;
    assert_eq!(server.answered("okta-support").await, [0i64; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_answer_who_asked() {
    let dir = temp();
    let server = Server::start_with(dir.path(), &["--no-built-in-rules", "--rules", "tests/rules"], &[]);
    insta::assert_snapshot!(server.command("/okta").await, @"Commands: /okta lookup <code, id or words> · /okta diagnose <pasted error> · /okta status · /okta help");
    insta::assert_snapshot!(server.command("/okta status").await, @"oktriage 0.1.0 is watching #okta-support, #general. 3 rules.");
    insta::assert_snapshot!(server.command("/okta lookup").await, @"Write what to look up: an error code, a rule id or a few words. Example: /okta lookup E0000014");
    insta::assert_snapshot!(server.command("/okta lookup quantum flux").await, @"No rule knows this. If it is an error that others may paste too, please add a rule for it.");
    insta::assert_snapshot!(server.command("/okta lookup atlasian forbiden").await, @"
    Atlassian Cloud API integration: authentication is forbidden (403)
    Cause
    Atlassian answered HTTP 403 when Okta tried to authenticate at the SCIM base URL you entered: the API token (API key) is invalid for that base URL. It was mistyped, regenerated or revoked in Atlassian, or it belongs to another Atlassian directory than the base URL. Only the key from the user-provisioning set-up works; an ordinary Atlassian API token or an organization API key does not.
    Solution
    Sign in at admin.atlassian.com as an organization admin and select the organization if there is more than one.
    Go to Security > Identity providers and select the directory that belongs to Okta.
    Select Set up user provisioning. If it is set up already, use Regenerate API key in the menu of its User provisioning section; the old key then stops working everywhere.
    Copy the SCIM base URL and the API key. They are shown only once, so store them in a safe place, then save the SCIM configuration in Atlassian.
    In the Okta Admin Console (application administrator or super administrator) go to Applications > Applications > Atlassian Cloud > Provisioning > Integration and select Edit.
    Enter the new SCIM base URL and API key, select Test API Credentials, wait for the message that the credentials were verified, then select Save.
    If it persists, contact Atlassian support: they can see whether the directory and its Atlassian Guard subscription allow SCIM. The Atlassian part of these steps follows Atlassian's own pages as of 2026-11-22 and may change; if the menus look different, check the Atlassian documentation.
    Check
    The error appears in the integration dialog, on Test API Credentials, before any user is sent.
    Compare the directory ID inside the SCIM base URL in Okta with the directory shown in Atlassian under Security > Identity providers.
    If the message came from another app, not from Atlassian Cloud, the 403 means the same for that vendor: wrong token for this URL, or a token without the rights for SCIM.
    an Okta admin can fix this
    provisioning/atlassian-cloud-forbidden
    reviewed 2026-11-22
    Independent of Okta
    Sources
    https://support.okta.com/help/s/article/Atlassian-Cloud-API-Integration-errorError-authenticating-Forbidden-Errors-reported-by-remote-server
    https://support.okta.com/help/s/article/How-to-get-the-API-Key-and-Directory-ID-needed-to-authorize-the-Atlassian-Admin-Workflows-Connector
    ");
    insta::assert_snapshot!(server.command(&format!("/okta diagnose {}", SHAREFILE[3])).await.lines().next().unwrap_or_default(), @"ShareFile provisioning: the API credentials are invalid");
    assert_eq!(server.history("okta-support").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_secret_is_told_at_once_and_never_repeated() {
    let dir = temp();
    let server = Server::start(dir.path());
    let token = "00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab";
    let id = server.post("general", &format!("why does this not work? Authorization: SSWS {token}")).await;
    let answer = server.answer_to(id).await;
    insta::assert_snapshot!(answer, @"⚠ This message contains an Okta API token (revoke under Security > API > Tokens). Treat it as known to others: delete the message and revoke it.");
    assert!(!answer.contains(token));
}

const WIDGETS: &str = "WIDGET-42: the frobnicator of acme.okta.com ran out of widgets";

/// A rule of a team's own.
fn write_widget_rule(dir: &std::path::Path, cause: &str) {
    let rule = format!(
        "+++\ntitle = \"Widgets have run out\"\nproducts = [\"Widgets\"]\nfixed_by = \"developer\"\nreviewed = 2026-11-22\nsources = [\"https://example.com\"]\n\n[[match]]\nmessage = \"WIDGET-42: the frobnicator of {{host}} ran out of widgets\"\n\n[[example]]\ntext = \"{WIDGETS}\"\n+++\n\n## Cause\n{cause}\n\n## Solution\n1. Order widgets for {{host}}.\n"
    );
    std::fs::create_dir_all(dir.join("tools")).expect("created");
    std::fs::write(dir.join("tools/widgets.md"), rule).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_survives_a_restart_and_a_team_rule_answers() {
    let dir = temp();
    let server = Server::start(dir.path());
    let known = server.post("okta-support", SHAREFILE[0]).await;
    server.answer_to(known).await;
    let unknown = server.post("okta-support", WIDGETS).await;
    server.settled("okta-support").await;
    assert!(server.stop().success());

    let rules = dir.path().join("rules");
    write_widget_rule(&rules, "Too few widgets.");
    let server = Server::start_with(dir.path(), &["--rules", rules.to_str().expect("UTF-8")], &[]);
    let ids: Vec<_> =
        server.history("okta-support").await.iter().filter_map(|message| message["id"].as_i64()).collect();
    assert!(ids.contains(&unknown) && ids.contains(&known));
    let again = server.post("okta-support", WIDGETS).await;
    insta::assert_snapshot!(server.answer_to(again).await, @"
    Widgets have run out
    WIDGET-42: the frobnicator of acme.okta.com ran out of widgets
    Cause
    Too few widgets.
    Solution
    Order widgets for acme.okta.com.
    a developer can fix this
    tools/widgets
    reviewed 2026-11-22
    confidence high
    Independent of Okta
    Sources
    https://example.com
    ");
    assert_eq!(server.answered("okta-support").await, [known, again]);
}

#[tokio::test(flavor = "multi_thread")]
async fn edited_rules_are_used_at_once_and_broken_ones_are_not() {
    let dir = temp();
    let rules = dir.path().join("rules");
    write_widget_rule(&rules, "Too few widgets.");
    let server =
        Server::start_with(dir.path(), &["--no-built-in-rules", "--rules", rules.to_str().expect("UTF-8")], &[]);
    assert!(server.command("/okta lookup widgets").await.contains("Too few widgets."));

    write_widget_rule(&rules, "Far too few widgets.");
    server.wait_for_log("rules reloaded");
    assert!(server.command("/okta lookup widgets").await.contains("Far too few widgets."));

    std::fs::write(rules.join("tools/broken.md"), "no front matter").expect("written");
    server.wait_for_log("the last good ones are");
    assert!(server.command("/okta lookup widgets").await.contains("Far too few widgets."));
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_refused_in_words() {
    let dir = temp();
    let server = Server::start(dir.path());
    let messages = format!("{}/api/channels/okta-support/messages", server.url);
    let refused = async |body: String| {
        let response = server
            .http
            .post(&messages)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .expect("sent");
        format!("{} {}", response.status().as_u16(), response.text().await.expect("text"))
    };
    insta::assert_snapshot!(refused(json!({"text": "  \n"}).to_string()).await, @r#"422 {"error":"the message is empty"}"#);
    insta::assert_snapshot!(refused("{\"text\":".to_owned()).await, @r#"400 {"error":"Failed to parse the request body as JSON: text: EOF while parsing a value at line 1 column 8"}"#);
    insta::assert_snapshot!(refused(json!({"text": "x", "colour": 1}).to_string()).await, @r#"422 {"error":"Failed to deserialize the JSON body into the target type: colour: unknown field `colour`, expected one of `text`, `author`, `thread` at line 1 column 9"}"#);
    insta::assert_snapshot!(refused(json!({"text": "x".repeat(50_000)}).to_string()).await, @r#"413 {"error":"the message is longer than 40000 bytes; paste the part around the error"}"#);
    insta::assert_snapshot!(refused(json!({"text": "x".repeat(500_000)}).to_string()).await, @r#"413 {"error":"the message is longer than 40000 bytes; paste the part around the error"}"#);
    insta::assert_snapshot!(refused(json!({"text": "x", "thread": 4711}).to_string()).await, @r#"404 {"error":"this message is gone, or not yours to change"}"#);
    let elsewhere = server
        .http
        .post(messages.replace("okta-support", "nowhere"))
        .json(&json!({"text": "x"}))
        .send()
        .await
        .expect("sent");
    assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_and_strangers_are_kept_out() {
    let dir = temp();
    let server = Server::start(dir.path());
    let page = format!("{}/", server.url);
    let status = async |request: reqwest::RequestBuilder| request.send().await.expect("sent").status().as_u16();
    assert_eq!(status(server.http.get(&page)).await, 200);
    assert_eq!(status(server.http.get(&page).header("host", "evil.example.com")).await, 403);
    let commands = format!("{}/api/commands", server.url);
    assert_eq!(
        status(
            server.http.post(&commands).json(&json!({"text": "/okta"})).header("origin", "https://evil.example.com")
        )
        .await,
        403
    );
    assert_eq!(status(server.http.get(format!("{}/healthz", server.url))).await, 200);
    drop(server);

    let token = "correct-horse-battery";
    let server = Server::start_with(dir.path(), &[], &[("OKTRIAGE__LOCAL__ACCESS_TOKEN", token)]);
    let channels = format!("{}/api/channels", server.url);
    assert_eq!(status(server.http.get(&channels)).await, 401);
    assert_eq!(status(server.http.get(&channels).bearer_auth("wrong-horse-battery!")).await, 401);
    assert_eq!(status(server.http.get(&channels).bearer_auth(token)).await, 200);
    assert_eq!(status(server.http.post(format!("{}/login", server.url)).form(&[("token", "wrong")])).await, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_bot_on_the_same_address_says_so() {
    let dir = temp();
    let server = Server::start(dir.path());
    let address = server.url.trim_start_matches("http://").to_owned();
    let output = crate::program::oktriage()
        .arg("serve")
        .env("OKTRIAGE__LOCAL__LISTEN", &address)
        .env("OKTRIAGE__STORAGE__PATH", dir.path().join("other.db"))
        .output()
        .expect("ends");
    let said = String::from_utf8_lossy(&output.stderr).replace(&address, "ADDRESS");
    insta::assert_snapshot!(said, @"
    oktriage: cannot listen on ADDRESS: is another oktriage running?
      help: stop it, or set OKTRIAGE__LOCAL__LISTEN=127.0.0.1:8081: Address already in use (os error 98)
    ");
    assert_eq!(output.status.code(), Some(2));
}
