//! One reply, whatever happens: repeated events, lost answers, limits, kills.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use tokio::sync::Semaphore;

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Way, Workspace, said, start, with_names};
use crate::cases::{ATLASSIAN, CHATTER, SHAREFILE};
use crate::slack::readable;
use crate::slack::state::{Failure, State};

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_can_no_longer_be_edited_is_posted_anew_once() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.change(|state| state.messages.get_mut(&reply.id).expect("the reply").frozen = true);
    slack.edit(paste, ATLASSIAN[1]);
    let anew = slack.reply_to(paste, ATLASSIAN_TITLE).await;
    assert_ne!(anew.id, reply.id);
    workspace.gone(&reply).await;
    // From here on, that one is changed and removed.
    slack.edit(paste, SHAREFILE[1]);
    let changed = slack.reply_to(paste, SHAREFILE_TITLE).await;
    assert_eq!(changed.id, anew.id);
    slack.delete(paste);
    workspace.gone(&anew).await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_twice_is_answered_once() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.send_again(paste);
    slack.edit(paste, ATLASSIAN[1]);
    slack.send_again(paste);
    slack.reply_to(paste, ATLASSIAN_TITLE).await;
    let mention = slack.mention("okta-support", "dana", SHAREFILE[0]);
    slack.send_again(mention);
    slack.reply_to(mention, SHAREFILE_TITLE).await;
    workspace.settled("okta-support").await;
    assert_eq!((workspace.replies(paste), workspace.replies(mention)), (1, 1));
    slack.delete(paste);
    slack.send_again(paste);
    workspace.gone(&reply).await;
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_limits_and_errors_lead_to_one_reply() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    for failure in [
        Failure::LostAnswer,
        Failure::RateLimited { retry_after: 1 },
        Failure::Status(502),
        Failure::Error("internal_error"),
    ] {
        let lost = matches!(failure, Failure::LostAnswer);
        slack.fail("chat.postMessage", 1, failure);
        let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
        slack.reply_to(paste, SHAREFILE_TITLE).await;
        if lost {
            // The next attempt finds what the first one left, and brings it up to date.
            let updated = |state: &State| state.requests.iter().any(|it| it.path == "chat.update").then_some(());
            slack.wait_for("the next attempt", updated).await;
        }
        workspace.settled("okta-support").await;
        assert_eq!(workspace.replies(paste), 1);
    }
    // Also while it is changed.
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.fail("chat.update", 1, Failure::LostAnswer);
    slack.edit(paste, ATLASSIAN[1]);
    let reply = slack.reply_to(paste, ATLASSIAN_TITLE).await;
    slack.fail("chat.delete", 1, Failure::LostAnswer);
    slack.delete(paste);
    workspace.gone(&reply).await;
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_pace_that_slack_allows() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    slack.limit_rates();
    slack.limit_rate("chat.postMessage channel", 1, Duration::from_millis(900));
    let pastes: Vec<u64> = (0..4).map(|_| slack.say("okta-support", "dana", SHAREFILE[0])).collect();
    for paste in &pastes {
        slack.reply_to(*paste, SHAREFILE_TITLE).await;
    }
    workspace.settled("okta-support").await;
    let limited = slack.look(|state| state.requests.iter().filter(|request| request.status == 429).count());
    assert_eq!(limited, 0, "nothing is sent that Slack would refuse");
    assert!(pastes.iter().all(|paste| workspace.replies(*paste) == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_sending_and_noting_posts_nothing_twice() {
    let workspace = Workspace::open().await;
    // The answer is lost, and the process dies before it can ask.
    workspace.slack.fail("chat.postMessage", 1, Failure::LostAnswer);
    let paste = workspace.slack.say("okta-support", "dana", SHAREFILE[0]);
    workspace.slack.reply_to(paste, SHAREFILE_TITLE).await;
    let Workspace { slack, server, dir } = workspace;
    server.kill();
    let server = start(&slack, dir.path(), Way::Socket, "scope = \"okta\"", &[]).await;
    let workspace = Workspace { slack, server, dir };
    workspace.settled("okta-support").await;
    workspace.slack.edit(paste, ATLASSIAN[1]);
    workspace.slack.reply_to(paste, ATLASSIAN_TITLE).await;
    assert_eq!(workspace.replies(paste), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_thousand_messages_each_error_gets_one_reply() {
    let workspace = Workspace::open().await;
    let mut errors = Vec::new();
    for index in 0..1_000 {
        if index % 200 == 50 {
            errors.push(workspace.slack.say("okta-support", "dana", SHAREFILE[index % 3]));
        } else {
            workspace.slack.say("okta-support", "dana", CHATTER[index % CHATTER.len()]);
        }
    }
    for error in &errors {
        workspace.slack.reply_to(*error, SHAREFILE_TITLE).await;
    }
    workspace.settled("okta-support").await;
    assert_eq!(workspace.slack.look(said), errors.len() + 1);
}

/// What the bot says where everybody reads it: which message, in which form.
fn visible(state: &State) -> Vec<(u64, String)> {
    let bots: Vec<&String> = state.teams.iter().map(|team| &team.bot_user).collect();
    let shown = state.messages.values().filter(|it| bots.contains(&&it.user) && !it.deleted && !it.is_ephemeral());
    shown.map(|it| (it.id, readable(it))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_event_delivered_again_changes_nothing() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    // Messages of every form that is answered, edits, previews, deletions.
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.unfurl(paste);
    let edited = slack.say("okta-support", "robin", SHAREFILE[0]);
    slack.reply_to(edited, SHAREFILE_TITLE).await;
    slack.edit(edited, ATLASSIAN[1]);
    slack.reply_to(edited, ATLASSIAN_TITLE).await;
    let taken_back = slack.say("okta-support", "dana", SHAREFILE[0]);
    let gone = slack.reply_to(taken_back, SHAREFILE_TITLE).await;
    slack.edit(taken_back, "never mind");
    workspace.gone(&gone).await;
    let deleted = slack.say("okta-support", "dana", SHAREFILE[0]);
    let gone = slack.reply_to(deleted, SHAREFILE_TITLE).await;
    slack.delete(deleted);
    workspace.gone(&gone).await;
    let file = slack.say_with_file("okta-support", "dana", "", "agent.log", SHAREFILE[0]);
    slack.reply_to(file, SHAREFILE_TITLE).await;
    let root = slack.say("okta-support", "dana", "two problems");
    slack.reply_in_thread(root, "dana", SHAREFILE[0]);
    slack.reply_to(root, SHAREFILE_TITLE).await;
    slack.reply_and_broadcast(root, "robin", ATLASSIAN[1]);
    slack.reply_to(root, ATLASSIAN_TITLE).await;
    // A mention comes as `message` and as `app_mention`, where the bot watches and where it does not.
    let mention = slack.mention("okta-support", "dana", SHAREFILE[0]);
    slack.reply_to(mention, SHAREFILE_TITLE).await;
    let elsewhere = slack.mention("general", "robin", SHAREFILE[0]);
    slack.reply_to(elsewhere, SHAREFILE_TITLE).await;
    let direct = slack.dm("dana", SHAREFILE[0]);
    slack.reply_to(direct, SHAREFILE_TITLE).await;
    // What people do with replies, commands, windows, invitations.
    slack.press("dana", reply.id, "Ask the team").await.acknowledged().await;
    slack.reply_to(paste, "asks for help").await;
    slack.press("dana", reply.id, "Fixed it").await.acknowledged().await;
    slack.reply_to(paste, "✅ Fixed").await;
    slack.slash("owner", "general", "/okta watch mixed").await.response().await;
    slack.slash("owner", "general", "/okta unwatch").await.response().await;
    slack.open_home("dana");
    slack.home("dana", "How to use me").await;
    slack.invite("elsewhere", "dana");
    workspace.settled("okta-support").await;

    let before = slack.look(visible);
    let titles: Vec<&str> = before.iter().filter_map(|(_, said)| said.lines().next()).collect();
    insta::assert_snapshot!(with_names(slack, &titles.join("\n")), @r#"
    ShareFile provisioning: the API credentials are invalid
    Atlassian Cloud API integration: authentication is forbidden (403)
    ShareFile provisioning: the API credentials are invalid
    ShareFile provisioning: the API credentials are invalid
    Atlassian Cloud API integration: authentication is forbidden (403)
    ShareFile provisioning: the API credentials are invalid
    ShareFile provisioning: the API credentials are invalid
    ShareFile provisioning: the API credentials are invalid
    @support @dana asks for help TIME
    @oktriage has joined the channel
    Workflows Gmail connector: 401 or 500, the connection must be reauthorized again and again
    "#);
    slack.send_everything_again();
    slack.settled().await;
    workspace.settled("okta-support").await;
    // That proof of silence was answered, too.
    let after = slack.look(visible);
    assert_eq!(after[..before.len()], before[..]);
    assert_eq!(after.len(), before.len() + 1);
}

/// The delivery of the event about a message: whether it was acknowledged, and after how many attempts before.
fn delivered(state: &State, message: u64) -> Option<(bool, u32)> {
    let ts = state.messages[&message].ts.as_str();
    let delivery = state.deliveries.iter().find(|it| it.payload["event"]["ts"] == ts)?;
    Some((delivery.acked, delivery.attempt))
}

/// Somebody else at the database.
async fn other(workspace: &Workspace) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(workspace.dir.path().join("oktriage.db"));
    sqlx::SqliteConnection::connect_with(&options).await.expect("connected")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_before_the_decision_is_durable() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    slack.change(|state| state.retries = vec![Duration::ZERO; 20]);
    // Somebody else writes, and takes long.
    let mut other = other(&workspace).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("begun");
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let talk = slack.say("okta-support", "dana", CHATTER[0]);
    // Slack waited for three seconds in vain, and comes again; what needs no decision was taken at once.
    slack.wait_for("another attempt", |state| delivered(state, paste).filter(|it| it.1 > 0)).await;
    assert_eq!(slack.look(|state| delivered(state, talk)), Some((true, 0)));
    assert_eq!(slack.look(|state| delivered(state, paste).map(|it| it.0)), Some(false));
    let Workspace { slack, server, dir } = workspace;
    server.kill();
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("ended");
    let server = start(&slack, dir.path(), Way::Socket, "scope = \"okta\"", &[]).await;
    slack.reply_to(paste, SHAREFILE_TITLE).await;
    let workspace = Workspace { slack, server, dir };
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_decided_is_read_again_when_the_store_works() {
    let workspace = Workspace::open_with(Way::Http, "scope = \"okta\"", &[]).await;
    let slack = &workspace.slack;
    // Slack gives up, too.
    slack.change(|state| state.retries = Vec::new());
    let mut other = other(&workspace).await;
    sqlx::query("ALTER TABLE outbox RENAME TO away").execute(&mut other).await.expect("gone");
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    workspace.server.wait_for_log("tries_left=0");
    sqlx::query("ALTER TABLE away RENAME TO outbox").execute(&mut other).await.expect("back");
    slack.reply_to(paste, SHAREFILE_TITLE).await;
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_takes_long_costs_neither_the_acknowledgement_nor_the_answer() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let released = Arc::new(Semaphore::new(0));
    // It may be read more often than once: as an event, and from the history after the start.
    slack.fail("/files-pri/", 9, Failure::Held(released.clone()));
    let paste = slack.say_with_file("okta-support", "dana", "", "agent.log", SHAREFILE[0]);
    slack.wait_for("the acknowledgement", |state| delivered(state, paste).filter(|it| it.0)).await;
    assert_eq!(workspace.replies(paste), 0, "it was acknowledged first");
    released.add_permits(1);
    slack.reply_to(paste, SHAREFILE_TITLE).await;
    assert_eq!(slack.look(|state| delivered(state, paste)), Some((true, 0)), "in time");

    // Killed between the acknowledgement and the decision: the message is read again.
    released.forget_permits(1);
    let paste = slack.say_with_file("okta-support", "dana", "", "agent.log", ATLASSIAN[1]);
    slack.wait_for("the acknowledgement", |state| delivered(state, paste).filter(|it| it.0)).await;
    let Workspace { slack, server, dir } = workspace;
    server.kill();
    released.add_permits(1);
    let server = start(&slack, dir.path(), Way::Socket, "scope = \"okta\"", &[]).await;
    slack.reply_to(paste, ATLASSIAN_TITLE).await;
    let workspace = Workspace { slack, server, dir };
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 1);
}
