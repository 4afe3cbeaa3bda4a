//! Where the bot answers, and how.

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Way, Workspace, ephemeral_to, said, serve};
use crate::cases::{ATLASSIAN, SHAREFILE};
use crate::program::temp;
use crate::slack::state::Kind;
use crate::slack::{Slack, readable};

#[tokio::test(flavor = "multi_thread")]
async fn channels_are_opted_in_and_out_by_those_who_may() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let usage = slack.slash("owner", "general", "/okta watch everything").await.response().await.text();
    assert!(usage.contains("Examples:"), "{usage}");
    let refused = slack.slash("dana", "general", "/okta watch okta").await.response().await.text();
    assert!(refused.contains("Only people who may change my settings"), "{refused}");
    let group = slack.look(|state| state.groups["support"].0.clone());
    let watch = format!("/okta watch okta suggest <!subteam^{group}|@support>");
    let watched = slack.slash("owner", "general", &watch).await.response().await.text();
    assert!(watched.contains("an Okta support channel, answers are offered to the poster"), "{watched}");
    slack.slash("owner", "general", "/okta watch okta").await.response().await;
    let paste = slack.say("general", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    assert!(readable(&reply).contains("[Ask the team]"), "the group stays when only the mode changes");
    slack.slash("owner", "general", "/okta unwatch").await.response().await;
    let paste = slack.say("general", "dana", ATLASSIAN[1]);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_opts_a_channel_in() {
    let slack = Slack::start().await;
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    std::fs::write(&file, "").expect("written");
    let server = serve(&slack, dir.path(), &file, Way::Socket, &[]);
    slack.connected().await;
    let workspace = Workspace { slack, server, dir };
    let slack = &workspace.slack;
    slack.invite("elsewhere", "dana");
    let paste = slack.say("elsewhere", "dana", SHAREFILE[0]);
    slack.reply_to(paste, SHAREFILE_TITLE).await;
    // Without a word about Okta, a mixed channel is left alone.
    slack.say("elsewhere", "dana", "error: invalid_grant");
    slack.slash("owner", "elsewhere", "/okta unwatch").await.response().await;
    let paste = slack.say("elsewhere", "dana", ATLASSIAN[1]);
    workspace.settled("general").await;
    assert_eq!(workspace.replies(paste), 0);
    assert_eq!(workspace.slack.look(said), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_offered_to_the_poster_only() {
    let workspace = Workspace::open_with(Way::Socket, "scope = \"okta\"\nmode = \"suggest\"", &[]).await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let offer = slack.reply_to(paste, "This looks like a known Okta error").await;
    assert!(!readable(&offer).contains("ShareFile"), "{}", readable(&offer));
    slack.press("robin", offer.id, "Show the answer").await.acknowledged().await;
    let other = ephemeral_to(slack, "robin").await;
    assert!(other.contains("message shortcut"), "{other}");
    slack.press("dana", offer.id, "Show the answer").await.acknowledged().await;
    let own = ephemeral_to(slack, "dana").await;
    assert!(own.contains(SHAREFILE_TITLE), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow_mode_only_counts() {
    let workspace = Workspace::open_with(Way::Socket, "scope = \"okta\"\nmode = \"shadow\"", &[]).await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    slack.settled().await;
    let status = slack.slash("dana", "general", "/okta status").await.response().await.text();
    assert!(status.contains("1 message would have been answered so far"), "{status}");
    let mention = slack.mention("general", "dana", "E0000011");
    slack.reply_to(mention, "E0000011").await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_channels_are_answered_and_unwatched_words_change_nothing() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    slack.slash("owner", "okta-admins", "/okta watch okta").await.response().await;
    let paste = slack.say("okta-admins", "dana", SHAREFILE[0]);
    slack.reply_to(paste, SHAREFILE_TITLE).await;
    assert_eq!(slack.look(|state| state.channel_named("okta-admins").kind), Kind::Private);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_has_its_own_cooldown() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let watched = slack.slash("owner", "general", "/okta watch okta 2/1h").await.response().await.text();
    assert!(watched.contains("at most 2 answers in 1 hour"), "{watched}");
    let first = slack.say("general", "dana", SHAREFILE[0]);
    slack.reply_to(first, SHAREFILE_TITLE).await;
    let second = slack.say("general", "robin", ATLASSIAN[1]);
    slack.reply_to(second, ATLASSIAN_TITLE).await;
    let third = slack.say("general", "dana", SHAREFILE[2]);
    // Whoever asks gets an answer all the same.
    let asked = slack.mention("general", "dana", SHAREFILE[0]);
    slack.reply_to(asked, SHAREFILE_TITLE).await;
    assert_eq!(workspace.replies(third), 0);
    // It stays when only the mode is changed, and after a restart; elsewhere it does not hold.
    slack.slash("owner", "general", "/okta watch okta suggest").await.response().await;
    let workspace = workspace.restart(|_| {}).await;
    let slack = &workspace.slack;
    let status = slack.slash("dana", "general", "/okta status").await.response().await.text();
    assert!(status.contains("offered to the poster; at most 2 answers in 1 hour"), "{status}");
    for _ in 0..3 {
        let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
        slack.reply_to(paste, SHAREFILE_TITLE).await;
    }
    slack.slash("owner", "general", "/okta unwatch").await.response().await;
    let watched = slack.slash("owner", "general", "/okta watch okta").await.response().await.text();
    assert!(!watched.contains("at most"), "opting out forgets it: {watched}");
}
