//! Socket Mode: refreshed, lost and refused connections, and what was missed meanwhile.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Way, Workspace, serve, settings};
use crate::cases::{ATLASSIAN, CHATTER, SHAREFILE};
use crate::program::{Server, temp};
use crate::slack::Slack;
use crate::slack::state::{Failure, State};

#[tokio::test(flavor = "multi_thread")]
async fn odd_events_are_passed_over_and_lost_connections_lose_nothing() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    slack.change(|state| {
        let team = state.teams[0].id.clone();
        state.emit_anyway(&team, json!({"type": "message", "ts": 12, "channel": {"id": "C1"}}));
        state.emit_anyway(&team, json!({"type": "message"}));
        state.emit_anyway(&team, json!({"type": "message", "subtype": "message_changed", "channel": "C1"}));
        state.emit_anyway(&team, json!({"type": "something_new", "a": [1, {"b": null}]}));
        state.queue("interactive", json!({"type": "something_new", "team": {"id": team}}), false, None);
        state.queue("slash_commands", json!({"team_id": "TOTHER"}), true, None);
    });
    slack.settled().await;
    for reason in ["warning", "refresh_requested", ""] {
        match reason {
            "" => slack.cut(),
            _ => slack.disconnect(reason),
        }
        let missed = slack.say("okta-support", "dana", SHAREFILE[0]);
        slack.reply_to(missed, SHAREFILE_TITLE).await;
        workspace.settled("okta-support").await;
        assert_eq!(workspace.replies(missed), 1);
    }
    assert_eq!(slack.look(|state| state.strange_acks.clone()), [json!(null); 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_the_bot_was_away_is_read() {
    let workspace = Workspace::open().await;
    let seen_before = workspace.slack.say("okta-support", "dana", SHAREFILE[0]);
    let deleted = workspace.slack.say("okta-support", "robin", ATLASSIAN[1]);
    let edited = workspace.slack.say("okta-support", "dana", SHAREFILE[2]);
    let thread = workspace.slack.say("okta-support", "dana", "details follow");
    workspace.slack.reply_to(seen_before, SHAREFILE_TITLE).await;
    workspace.slack.reply_to(edited, SHAREFILE_TITLE).await;
    let reply = workspace.slack.reply_to(deleted, ATLASSIAN_TITLE).await;
    let mut missed = 0;
    // Slack gives up on what it cannot deliver, and gives out little at once.
    workspace.slack.change(|state| (state.forgets, state.history_page) = (true, 3));
    let workspace = workspace
        .restart(|slack| {
            slack.delete(deleted);
            slack.edit(edited, ATLASSIAN[1]);
            for text in CHATTER {
                slack.say("okta-support", "robin", text);
            }
            missed = slack.say("okta-support", "dana", ATLASSIAN[1]);
            slack.reply_in_thread(thread, "dana", SHAREFILE[0]);
        })
        .await;
    workspace.slack.reply_to(missed, ATLASSIAN_TITLE).await;
    workspace.slack.reply_to(thread, SHAREFILE_TITLE).await;
    workspace.slack.reply_to(edited, ATLASSIAN_TITLE).await;
    workspace.gone(&reply).await;
    assert_eq!((workspace.replies(seen_before), workspace.replies(edited)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_whose_turn_to_be_read_did_not_come_is_read_after_the_next_start() {
    let (slack, dir) = (Slack::start().await, temp());
    let (team, general) = slack.look(|state| {
        let general = state.channel_named("general");
        (general.team.clone(), general.id.clone())
    });
    let file = dir.path().join("oktriage.toml");
    let general = format!("[[slack.channels]]\nteam = \"{team}\"\nchannel = \"{general}\"\nscope = \"okta\"\n");
    std::fs::write(&file, settings(&slack, "scope = \"okta\"") + &general).expect("written");
    let start = async || {
        let server = serve(&slack, dir.path(), &file, Way::Socket, &[]);
        slack.connected().await;
        server
    };
    let in_both = async |text: &str| ["okta-support", "general"].map(|channel| slack.say(channel, "dana", text));
    let stop = async |server: Server| {
        assert!(server.stop().success());
        slack.wait_for("the end of the connection", |state| (state.open_links() == 0).then_some(())).await;
    };
    slack.change(|state| state.forgets = true);
    let server = start().await;
    for paste in in_both(SHAREFILE[0]).await {
        slack.reply_to(paste, SHAREFILE_TITLE).await;
    }
    stop(server).await;
    let missed = in_both(ATLASSIAN[1]).await;
    // Whichever channel comes first is read for as long as this takes, and new messages are answered meanwhile.
    let released = Arc::new(Semaphore::new(0));
    slack.fail("conversations.history", 9, Failure::Held(released.clone()));
    let server = start().await;
    for paste in in_both(SHAREFILE[0]).await {
        slack.reply_to(paste, SHAREFILE_TITLE).await;
    }
    stop(server).await;
    slack.change(|state| state.knobs.clear());
    released.add_permits(9);
    let _server = start().await;
    for paste in missed {
        slack.reply_to(paste, ATLASSIAN_TITLE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_replaced_before_it_ends() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    // A warning: the old one goes on until Slack closes it, and there is a second one before that.
    slack.disconnect("warning");
    slack.wait_for("a second connection", |state| (state.open_links() == 2).then_some(())).await;
    let pastes: Vec<u64> = (0..4).map(|_| slack.say("okta-support", "dana", SHAREFILE[0])).collect();
    for paste in &pastes {
        slack.reply_to(*paste, SHAREFILE_TITLE).await;
    }
    slack.cut();
    slack.wait_for("a new connection", |state| (state.open_links() == 1).then_some(())).await;
    workspace.settled("okta-support").await;
    assert!(pastes.iter().all(|paste| workspace.replies(*paste) == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections_are_waited_for() {
    let slack = Slack::start().await;
    slack.change(|state| state.max_connections = 0);
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    std::fs::write(&file, settings(&slack, "scope = \"okta\"")).expect("written");
    let server = serve(&slack, dir.path(), &file, Way::Socket, &[]);
    server.wait_for_log("too many connections");
    let missed = slack.say("okta-support", "dana", SHAREFILE[0]);
    slack.change(|state| state.max_connections = 10);
    slack.connected().await;
    slack.reply_to(missed, SHAREFILE_TITLE).await;
    let workspace = Workspace { slack, server, dir };
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(missed), 1);
    // It did not come back at once, again and again.
    let opened = |state: &State| state.requests.iter().filter(|it| it.path.ends_with("apps.connections.open")).count();
    assert_eq!(workspace.slack.look(opened), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_mode_that_is_switched_off_is_told_with_what_to_do() {
    let workspace = Workspace::open().await;
    workspace.slack.disconnect("link_disabled");
    workspace.server.wait_for_log("Socket Mode > Enable Socket Mode");
    let health = workspace.server.http.get(format!("{}/healthz", workspace.server.url)).send().await.expect("sent");
    assert_eq!(health.status(), 503);
    assert!(health.text().await.expect("text").contains("Socket Mode is switched off"));
    // The local workspace goes on, and so does everything once it is switched on and the bot started again.
    let id = workspace.server.post("okta-support", SHAREFILE[0]).await;
    workspace.server.answer_to(id).await;
    let mut missed = 0;
    let workspace = workspace
        .restart(|slack| {
            missed = slack.say("okta-support", "dana", SHAREFILE[0]);
            slack.change(|state| state.socket_mode = true);
        })
        .await;
    workspace.slack.reply_to(missed, SHAREFILE_TITLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_over_tls() {
    let slack = Slack::start().await;
    let dir = temp();
    let tls = slack.behind_tls(dir.path()).await;
    let file = dir.path().join("oktriage.toml");
    let settings = settings(&slack, "scope = \"okta\"").replace("file_hosts = [\"", "file_hosts = [\"localhost\", \"");
    std::fs::write(&file, settings).expect("written");
    let api = format!("{}/api", tls.url);
    let base = ("OKTRIAGE__SLACK__API_BASE", api.as_str());
    // A certificate that nobody vouches for is not believed.
    let server = serve(&slack, dir.path(), &file, Way::Socket, &[base]);
    server.wait_for_log("invalid peer certificate");
    assert!(server.stop().success());
    assert_eq!(slack.look(|state| state.requests.len()), 0, "nobody got the token");

    let trusted = ("SSL_CERT_FILE", tls.certificate.to_str().expect("a path"));
    let server = serve(&slack, dir.path(), &file, Way::Socket, &[base, trusted]);
    slack.connected().await;
    let workspace = Workspace { slack, server, dir };
    let paste = workspace.slack.say_with_file("okta-support", "dana", "", "agent.log", SHAREFILE[0]);
    workspace.slack.reply_to(paste, SHAREFILE_TITLE).await;
    let found = workspace.slack.slash("dana", "general", "/okta lookup E0000011").await.response().await;
    assert!(found.text().contains("only you see this"), "{}", found.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn catching_up_keeps_to_what_slack_allows() {
    let workspace = Workspace::open().await;
    let before = workspace.slack.say("okta-support", "dana", SHAREFILE[0]);
    workspace.slack.reply_to(before, SHAREFILE_TITLE).await;
    let mut missed = Vec::new();
    // What apps get that are sold outside of the marketplace; and a limit in the middle of the pages.
    workspace.slack.change(|state| (state.forgets, state.history_page) = (true, 15));
    let workspace = workspace
        .restart(|slack| {
            for at in 0..40 {
                let text = if at % 20 == 10 { SHAREFILE[at % 3] } else { CHATTER[at % CHATTER.len()] };
                let said = slack.say("okta-support", "robin", text);
                if at % 20 == 10 {
                    missed.push(said);
                }
            }
            slack.limit_rate("conversations.history", 2, Duration::from_secs(2));
        })
        .await;
    for message in &missed {
        workspace.slack.reply_to(*message, SHAREFILE_TITLE).await;
    }
    workspace.settled("okta-support").await;
    assert!(missed.iter().chain([&before]).all(|message| workspace.replies(*message) == 1));
    // What was refused was asked for again when Slack had said, and not before.
    let asked: Vec<u16> = workspace.slack.look(|state| {
        let history = state.requests.iter().filter(|it| it.path.ends_with("conversations.history"));
        history.map(|it| it.status).collect()
    });
    assert!(asked.contains(&429) && !asked.windows(2).any(|two| two == [429, 429]), "{asked:?}");
}
