//! Commands, shortcuts, mentions, direct messages, App Home.

use serde_json::json;

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Workspace};
use crate::cases::{ATLASSIAN, SHAREFILE};
use crate::slack::readable_view;

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_privately_and_can_be_shared() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let found = slack.slash("dana", "general", "/okta lookup E0000011").await.response().await;
    assert!(found.text().contains("only you see this"), "{}", found.text());
    let private = found.message.clone().expect("a message");
    let shared = slack.press("dana", private.id, "Share in channel").await.response().await;
    assert!(!shared.text().contains("only you see this"), "{}", shared.text());
    assert!(shared.text().contains("E0000011") || shared.text().contains("token"), "{}", shared.text());

    let nothing = slack.slash("dana", "general", "/okta lookup quantum flux capacitor").await.response().await.text();
    assert!(nothing.contains("No rule knows this"), "{nothing}");
    let help = slack.slash("dana", "general", "/okta").await.response().await.text();
    assert!(help.contains("/okta watch"), "{help}");
    let pasted = format!("/okta diagnose {}", SHAREFILE[0]);
    let answered = slack.slash("dana", "elsewhere", &pasted).await.response().await.text();
    assert!(answered.contains(SHAREFILE_TITLE) && answered.contains("only you see this"), "{answered}");

    let status = slack.slash("dana", "general", "/okta status").await.response().await.text();
    assert!(status.contains("an Okta support channel, errors are answered in threads"), "{status}");
    assert!(status.contains(" rules"), "{status}");

    // A mention always gets an answer, once although it arrives as two events.
    let mention = slack.mention("general", "dana", "quantum flux capacitor");
    slack.reply_to(mention, "No rule").await;
    let root = slack.say("general", "robin", SHAREFILE[0]);
    slack.mention_in_thread(root, "dana", "what is this?");
    slack.reply_to(root, SHAREFILE_TITLE).await;
    let direct = slack.dm("dana", SHAREFILE[0]);
    slack.reply_to(direct, SHAREFILE_TITLE).await;
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(mention), 1);
    assert_eq!(workspace.replies(root), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_and_shortcuts_diagnose() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let opened = [
        slack.global_shortcut("dana", "diagnose").await.response().await,
        slack.slash("dana", "general", "/okta diagnose").await.response().await,
    ];
    for form in opened {
        let form = form.view.expect("a form");
        let sent = slack.submit_modal("dana", &form, json!({"paste": SHAREFILE[1]})).await.response().await;
        assert!(sent.text().contains(SHAREFILE_TITLE), "{}", sent.text());
    }
    let message = slack.say("general", "robin", ATLASSIAN[1]);
    let menu = slack.shortcut("dana", message, "diagnose_message").await.response().await.text();
    assert!(menu.contains(ATLASSIAN_TITLE), "{menu}");
    // In threads, about files, and about what programs say, too.
    let inside = slack.reply_in_thread(message, "robin", SHAREFILE[0]);
    let menu = slack.shortcut("dana", inside, "diagnose_message").await.response().await.text();
    assert!(menu.contains(SHAREFILE_TITLE), "{menu}");
    let file = slack.say_with_file("general", "robin", "", "agent.log", SHAREFILE[0]);
    let menu = slack.shortcut("dana", file, "diagnose_message").await.response().await.text();
    assert!(menu.contains(SHAREFILE_TITLE), "{menu}");
    let alert = slack.say_as_integration("general", "alerts", SHAREFILE[0]);
    let menu = slack.shortcut("dana", alert, "diagnose_message").await.response().await.text();
    assert!(menu.contains(SHAREFILE_TITLE), "{menu}");
}

#[tokio::test(flavor = "multi_thread")]
async fn home_says_what_the_bot_does_and_searches() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    slack.open_home("dana");
    let home = slack.home("dana", " rules").await;
    let okta = slack.look(|state| state.channel_named("okta-support").id.clone());
    let text = readable_view(&home);
    assert!(text.contains(&okta) || text.contains("okta-support"), "{text}");
    let team = slack.look(|state| state.teams[0].id.clone());
    let dana = slack.look(|state| state.user("dana").id.clone());
    let searched = json!({
        "type": "block_actions", "team": {"id": team}, "user": {"id": dana, "team_id": team}, "trigger_id": "1.2.3",
        "container": {"type": "view", "view_id": home["id"]}, "view": home,
        "actions": [{"type": "plain_text_input", "action_id": "search", "block_id": "search", "value": "E0000011"}],
    });
    slack.change(|state| state.queue("interactive", searched, false, None));
    slack.home("dana", "Found for “E0000011”").await;
    let form = slack.press_in_view("dana", &home, "Diagnose a pasted error").await.response().await;
    assert!(form.view.is_some());
}
