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
    insta::assert_snapshot!(server.answer_to(id).await, @"");
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
    server.wait_for("the new answer", |message| message["thread"] == id && message["html"].as_str().is_some_and(|html| html.contains("Atlassian"))).await;
    assert_eq!(server.answered("okta-support").await, [id]);

    server.edit(id, "never mind").await;
    server.wait_for("no answer", |message| message["thread"] == id && message["deleted"] == true).await;

    server.edit(id, SHAREFILE[0]).await;
    server.wait_for("the answer again", |message| message["thread"] == id && message["deleted"] == false && message["is_bot"] == true).await;
    server.delete(id).await;
    server.wait_for("the end", |message| message["thread"] == id && message["deleted"] == true).await;
    assert_eq!(server.answered("okta-support").await, [0i64; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_answer_who_asked() {
    let dir = temp();
    let server = Server::start_with(dir.path(), &["--no-built-in-rules", "--rules", "tests/rules"], &[]);
    insta::assert_snapshot!(server.command("/okta").await, @"");
    insta::assert_snapshot!(server.command("/okta status").await, @"");
    insta::assert_snapshot!(server.command("/okta lookup").await, @"");
    insta::assert_snapshot!(server.command("/okta lookup quantum flux").await, @"");
    insta::assert_snapshot!(server.command("/okta lookup atlasian forbiden").await, @"");
    insta::assert_snapshot!(server.command(&format!("/okta diagnose {}", SHAREFILE[3])).await.lines().next().unwrap_or_default(), @"");
    assert_eq!(server.history("okta-support").await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_secret_is_told_at_once_and_never_repeated() {
    let dir = temp();
    let server = Server::start(dir.path());
    let token = "00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab";
    let id = server.post("general", &format!("why does this not work? Authorization: SSWS {token}")).await;
    let answer = server.answer_to(id).await;
    insta::assert_snapshot!(answer, @"");
    assert!(!answer.contains(token));
}

#[tokio::test(flavor = "multi_thread")]
async fn history_survives_a_restart_and_a_team_rule_answers() {
    let dir = temp();
    let server = Server::start(dir.path());
    let known = server.post("okta-support", SHAREFILE[0]).await;
    server.answer_to(known).await;
    let unknown = server.post("okta-support", "WIDGET-42: the frobnicator of acme.okta.com ran out of widgets").await;
    server.settled("okta-support").await;
    assert!(server.stop().success());

    let rules = dir.path().join("rules/tools");
    std::fs::create_dir_all(&rules).expect("created");
    let rule = "+++\ntitle = \"Widgets have run out\"\nproducts = [\"Widgets\"]\nfixed_by = \"developer\"\nreviewed = 2026-11-22\nsources = [\"https://example.com\"]\n\n[[match]]\nmessage = \"WIDGET-42: the frobnicator of {host} ran out of widgets\"\n\n[[example]]\ntext = \"WIDGET-42: the frobnicator of acme.okta.com ran out of widgets\"\n+++\n\n## Cause\nToo few widgets.\n\n## Solution\n1. Order widgets for {host}.\n";
    std::fs::write(rules.join("widgets.md"), rule).expect("written");
    let server = Server::start_with(dir.path(), &["--rules", dir.path().join("rules").to_str().expect("UTF-8")], &[]);
    let texts = server.history("okta-support").await;
    assert!(texts.iter().any(|message| message["id"] == unknown) && texts.iter().any(|message| message["id"] == known));
    let again = server.post("okta-support", "WIDGET-42: the frobnicator of acme.okta.com ran out of widgets").await;
    insta::assert_snapshot!(server.answer_to(again).await, @"");
    assert_eq!(server.answered("okta-support").await, [known, again]);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_refused_in_words() {
    let dir = temp();
    let server = Server::start(dir.path());
    let messages = format!("{}/api/channels/okta-support/messages", server.url);
    let refused = async |body: String| {
        let response = server.http.post(&messages).header("content-type", "application/json").body(body).send().await.expect("sent");
        format!("{} {}", response.status().as_u16(), response.text().await.expect("text"))
    };
    insta::assert_snapshot!(refused(json!({"text": "  \n"}).to_string()).await, @"");
    insta::assert_snapshot!(refused("{\"text\":".to_owned()).await, @"");
    insta::assert_snapshot!(refused(json!({"text": "x", "colour": 1}).to_string()).await, @"");
    insta::assert_snapshot!(refused(json!({"text": "x".repeat(50_000)}).to_string()).await, @"");
    insta::assert_snapshot!(refused(json!({"text": "x".repeat(500_000)}).to_string()).await, @"");
    insta::assert_snapshot!(refused(json!({"text": "x", "thread": 4711}).to_string()).await, @"");
    let elsewhere = server.http.post(messages.replace("okta-support", "nowhere")).json(&json!({"text": "x"})).send().await.expect("sent");
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
    assert_eq!(status(server.http.post(&commands).json(&json!({"text": "/okta"})).header("origin", "https://evil.example.com")).await, 403);
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
    insta::assert_snapshot!(said, @"");
    assert_eq!(output.status.code(), Some(2));
}
