//! Events over HTTP.

use serde_json::{Value, json};

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Way, Workspace, serve, settings};
use crate::cases::{ATLASSIAN, SHAREFILE};
use crate::program::temp;
use crate::slack::{Forgery, Slack};

#[tokio::test(flavor = "multi_thread")]
async fn over_http_events_commands_and_buttons_work() {
    let workspace = Workspace::open_with(Way::Http, "scope = \"okta\"", &[]).await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.edit(paste, ATLASSIAN[1]);
    slack.reply_to(paste, ATLASSIAN_TITLE).await;
    slack.press("dana", reply.id, "Fixed it").await.acknowledged().await;
    slack.reply_to(paste, "✅ Fixed, says").await;
    let found = slack.slash("dana", "general", "/okta lookup E0000011").await.response().await.text();
    assert!(found.contains("only you see this"), "{found}");
    let form = slack.global_shortcut("dana", "diagnose").await.response().await.view.expect("a form");
    let sent = slack.submit_modal("dana", &form, json!({"paste": SHAREFILE[1]})).await.response().await;
    assert!(sent.text().contains(SHAREFILE_TITLE), "{}", sent.text());
    let health = workspace.server.http.get(format!("{}/healthz", workspace.server.url)).send().await.expect("sent");
    assert_eq!(health.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_late_replayed_and_truncated_requests_are_refused_and_counted() {
    let workspace = Workspace::open_with(Way::Http, "scope = \"okta\"", &[]).await;
    let slack = &workspace.slack;
    let events = format!("{}/slack/events", workspace.server.url);
    let (channel, dana) =
        slack.look(|state| (state.channel_named("okta-support").id.clone(), state.user("dana").id.clone()));
    let event = |ts: &str| json!({"type": "message", "channel": channel, "channel_type": "channel", "user": dana, "ts": ts, "event_ts": ts, "text": SHAREFILE[0]});
    let forged = slack.payload(event("1700000000.000100"));
    for forgery in [
        Forgery::WrongSecret,
        Forgery::NoSignature,
        Forgery::NoTimestamp,
        Forgery::WrongVersion,
        Forgery::Late(301),
        Forgery::Late(-301),
        Forgery::Changed,
        Forgery::Truncated,
    ] {
        let (status, body) = slack.deliver(&events, "events_api", &forged, forgery).await;
        assert_eq!(status, 401, "{forgery:?}: {body}");
    }
    slack.cut_off(&events, &forged).await;
    workspace.server.wait_for_log("refused=9");
    for kind in ["interactive", "slash_commands"] {
        let path = if kind == "interactive" { "interactions" } else { "commands" };
        let url = format!("{}/slack/{path}", workspace.server.url);
        let (status, _) = slack.deliver(&url, kind, &forged, Forgery::WrongSecret).await;
        assert_eq!(status, 401);
    }
    // What is Slack's is taken once, within five minutes.
    assert_eq!(slack.deliver(&events, "events_api", &forged, Forgery::Late(290)).await.0, 200);
    let sent = slack.look(|state| state.sent.last().expect("a request").clone());
    assert_eq!(slack.replay(&sent).await.0, 409);
    let large = json!({"type": "event_callback", "padding": "x".repeat(2_000_000)});
    assert_eq!(slack.deliver(&events, "events_api", &large, Forgery::None).await.0, 400);
    workspace.server.wait_for_log("refused=13");
    let health = workspace.server.http.get(format!("{}/healthz", workspace.server.url)).send().await.expect("sent");
    assert_eq!(health.status(), 200, "strangers make nobody ill");
    let health: Value = health.json().await.expect("JSON");
    assert_eq!(health["platforms"]["slack"]["refused_requests"], 13);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_slack_drops_of_a_busy_workspace_is_read_from_its_channels() {
    let workspace = Workspace::open_with(Way::Http, "scope = \"okta\"", &[]).await;
    let slack = &workspace.slack;
    let told = slack.change(|state| std::mem::take(&mut state.events));
    let dropped = slack.say("okta-support", "dana", SHAREFILE[0]);
    slack.change(|state| state.events = told);
    let next = slack.say("okta-support", "robin", ATLASSIAN[1]);
    slack.reply_to(next, ATLASSIAN_TITLE).await;
    assert_eq!(workspace.replies(dropped), 0, "the cursor is behind it, and nobody told the bot");

    let (team, app) = slack.look(|state| (state.teams[0].id.clone(), state.app.clone()));
    let minute = dropped / 1_000_000 - 120;
    let limited = json!({"token": "x", "type": "app_rate_limited", "team_id": team, "minute_rate_limited": minute, "api_app_id": app});
    let events = format!("{}/slack/events", workspace.server.url);
    assert_eq!(slack.deliver(&events, "events_api", &limited, Forgery::None).await.0, 200);
    slack.reply_to(dropped, SHAREFILE_TITLE).await;
    workspace.server.wait_for_log("Slack drops events of a workspace");
    workspace.settled("okta-support").await;
    assert_eq!((workspace.replies(dropped), workspace.replies(next)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_of_one_workspace_speaks_for_no_other() {
    let slack = Slack::start().await;
    let second = slack.change(|state| state.add_team("Acme"));
    let token = slack.look(|state| state.team(&second).bot_token.clone());
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    let other = format!("[[slack.workspaces]]\nbot_token = \"{token}\"\nsigning_secret = \"that-of-another-app\"\n");
    std::fs::write(&file, settings(&slack, "scope = \"okta\"") + &other).expect("written");
    let server = serve(&slack, dir.path(), &file, Way::Http, &[]);
    let url = |path: &str| format!("{}/slack/{path}", server.url);
    slack.use_urls(&url("events"), &url("interactions"), &url("commands")).await.expect("the challenge");
    server.wait_for_log("name=\"Acme\"");
    let mut payload = slack.payload(json!({"type": "app_home_opened", "user": "U1", "tab": "home"}));
    assert_eq!(slack.deliver(&url("events"), "events_api", &payload, Forgery::None).await.0, 200);
    payload["team_id"] = second.into();
    assert_eq!(slack.deliver(&url("events"), "events_api", &payload, Forgery::None).await.0, 403);
}
