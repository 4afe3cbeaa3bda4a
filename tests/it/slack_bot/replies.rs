//! What people see of a reply, and what they do with it.

use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::Semaphore;

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Workspace, ephemeral_to, said};
use crate::cases::{ATLASSIAN, CHATTER, SHAREFILE};
use crate::slack::readable;
use crate::slack::state::Failure;

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_is_answered_in_its_thread() {
    let workspace = Workspace::open().await;
    for text in CHATTER {
        workspace.slack.say("okta-support", "dana", text);
    }
    let paste = workspace.slack.say("okta-support", "dana", SHAREFILE[1]);
    let reply = workspace.slack.reply_to(paste, SHAREFILE_TITLE).await;
    let text = readable(&reply);
    for part in [
        "Recognised",
        "Cause",
        "Solution",
        "an Okta admin can fix this",
        "provisioning/sharefile-invalid-credentials",
        "Independent of Okta",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    for button in ["Fixed it", "Not my problem", "Ask the team", "Remove"] {
        assert!(text.contains(&format!("[{button}]")), "{button} is missing in:\n{text}");
    }
    assert!(!reply.text.is_empty(), "notifications and readers of the screen need a text");
    assert_eq!(reply.notified, [""; 0], "nobody is mentioned");
    assert!(!reply.unfurls, "links show no previews");
    workspace.settled("okta-support").await;
    assert_eq!(workspace.slack.look(said), 2);
    // Outside the watched channel nothing is answered.
    let elsewhere = workspace.slack.say("general", "dana", SHAREFILE[0]);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(elsewhere), 0);
    assert_eq!(workspace.slack.look(|state| state.unknown.clone()), [""; 0]);
    assert_eq!(workspace.slack.look(|state| state.strange_acks.clone()), [json!(null); 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn snippets_files_and_threads_are_read() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let file = slack.say_with_file("okta-support", "dana", "see the log", "agent.log", SHAREFILE[0]);
    slack.reply_to(file, SHAREFILE_TITLE).await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"\xff\xfe noise\n").expect("packed");
    packed.write_all(ATLASSIAN[1].as_bytes()).expect("packed");
    let packed = packed.finish().expect("packed");
    let file = slack.say_with_file("okta-support", "robin", "", "agent.log.gz", packed);
    slack.reply_to(file, ATLASSIAN_TITLE).await;

    // Of a large one, the beginning is read.
    let large = format!("{}\n{}", SHAREFILE[2], "x ".repeat(1_500_000));
    let file = slack.say_with_file("okta-support", "dana", "", "large.txt", large);
    slack.reply_to(file, SHAREFILE_TITLE).await;
    // PowerShell writes UTF-16.
    let wide: Vec<u8> = SHAREFILE[0].encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = slack.say_with_file("okta-support", "dana", "", "wide.log", [b"\xff\xfe".as_slice(), &wide].concat());
    slack.reply_to(file, SHAREFILE_TITLE).await;

    // In a thread the answer stands beside the question, and the same thing is said once.
    let root = slack.say("okta-support", "dana", "provisioning is broken, details below");
    slack.reply_in_thread(root, "dana", SHAREFILE[0]);
    slack.reply_to(root, SHAREFILE_TITLE).await;
    slack.reply_in_thread(root, "robin", SHAREFILE[2]);
    slack.reply_and_broadcast(root, "robin", ATLASSIAN[1]);
    slack.reply_to(root, ATLASSIAN_TITLE).await;
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(root), 2);

    // Programs are not answered.
    let integration = slack.say_as_integration("okta-support", "alerts", SHAREFILE[0]);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(integration), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reply_follows_edits_and_goes_with_its_message() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.unfurl(paste);
    slack.edit(paste, ATLASSIAN[1]);
    let changed = slack.reply_to(paste, ATLASSIAN_TITLE).await;
    assert_eq!(changed.id, reply.id, "updated in place");
    slack.edit(paste, "never mind, solved");
    workspace.gone(&reply).await;
    let other = slack.say("okta-support", "robin", SHAREFILE[0]);
    let reply = slack.reply_to(other, SHAREFILE_TITLE).await;
    slack.delete(other);
    workspace.gone(&reply).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_close_replies_and_call_the_team_and_a_restart_changes_nothing() {
    let workspace = Workspace::open().await;
    let paste = workspace.slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.slack.reply_to(paste, SHAREFILE_TITLE).await;
    let workspace = workspace.restart(|_| {}).await;
    let slack = &workspace.slack;

    slack.press("dana", reply.id, "Ask the team").await.acknowledged().await;
    let group = slack.look(|state| state.groups["support"].0.clone());
    let call = slack
        .wait_for("the call", |state| state.messages.values().find(|it| it.notified.contains(&group)).cloned())
        .await;
    let ts = slack.look(|state| state.messages[&paste].ts.clone());
    assert_eq!(call.thread_ts.as_deref(), Some(ts.as_str()), "the call stands in the thread");
    let changed = slack.reply_to(paste, "The team was asked by").await;
    assert!(!readable(&changed).contains("[Ask the team]"));

    // A stranger may not close it; a supporter may.
    slack.change(|state| {
        let team = state.teams[0].id.clone();
        let kim = state.add_user(&team, "kim");
        let channel = state.channel_named("okta-support").id.clone();
        state.channel_mut(&channel).expect("a channel").members.push(kim);
    });
    slack.press("kim", reply.id, "Fixed it").await.acknowledged().await;
    let refused = ephemeral_to(slack, "kim").await;
    assert!(refused.contains("Only the person who posted the message and the support team"), "{refused}");
    // Two press before either sees what the other did: the first one counts.
    let released = Arc::new(Semaphore::new(0));
    slack.fail("chat.update", 9, Failure::Held(released.clone()));
    slack.press("robin", reply.id, "Fixed it").await.acknowledged().await;
    slack.press("dana", reply.id, "Fixed it").await.acknowledged().await;
    released.add_permits(9);
    workspace.settled("okta-support").await;
    let closed = slack.reply_to(paste, "✅ Fixed, says").await;
    let robin = slack.look(|state| state.user("robin").id.clone());
    assert!(readable(&closed).contains(&format!("✅ Fixed, says @{robin}")), "{}", readable(&closed));
    assert!(!readable(&closed).contains("[Fixed it]"), "{}", readable(&closed));
    slack.press("dana", reply.id, "Remove").await.acknowledged().await;
    workspace.gone(&reply).await;
    // It does not come back.
    slack.edit(paste, &format!("{}!", SHAREFILE[0]));
    workspace.settled("okta-support").await;
    assert_eq!(workspace.slack.bot_replies(paste).iter().filter(|it| it.id != call.id).count(), 0);
    drop(workspace);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_told_at_once_and_never_repeated() {
    let workspace = Workspace::open().await;
    let secret = "00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab";
    let paste = workspace.slack.say(
        "okta-support",
        "dana",
        &format!("curl -H 'Authorization: SSWS {secret}' https://acme.okta.com/api/v1/users"),
    );
    let reply = workspace.slack.reply_to(paste, "an Okta API token").await;
    assert!(!readable(&reply).contains(secret) && !reply.text.contains(secret));
}
