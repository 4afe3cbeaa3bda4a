//! What is asked of the bot: commands, the message menu, mentions, direct messages.

use serde_json::json;

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Workspace, okta, start};
use crate::cases::{ATLASSIAN, SHAREFILE};
use crate::discord::{Discord, readable};
use crate::program::temp;

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_privately_and_can_be_shared() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    let lookup = |query: &str| json!({"name": "okta", "options": [{"name": "lookup", "options": [{"name": "query", "value": query}]}]});
    let found = discord.slash("dana", "general", lookup("E0000011")).await.response().await;
    assert!(found.text().contains("only you see this"));
    assert!(found.text().contains("[Share in channel]"), "{}", found.text());
    let private = found.message.expect("a message");
    let shared = discord.press("dana", private.id, "Share in channel").await.response().await;
    assert!(!shared.text().contains("only you see this"), "{}", shared.text());
    assert!(shared.text().contains("E0000011") || shared.text().contains("token"), "{}", shared.text());

    let nothing = discord.slash("dana", "general", lookup("quantum flux capacitor")).await.response().await.text();
    insta::assert_snapshot!(nothing, @r#"
    No rule knows this. If it is an error that others may paste too, please add a rule for it.
    (only you see this)
    "#);
    let help = okta(discord, "dana", "general", "help", json!([])).await.response().await.text();
    insta::assert_snapshot!(help, @r#"
    Paste an Okta error in a channel that I watch, and the answer comes in a thread. In any channel, only you see the answer to:
    - `/okta lookup`: an error code, a rule id or a few words
    - `/okta diagnose`: a form to paste an error into
    - **Apps > Diagnose Okta error** in the menu of a message: what is wrong there

    Or mention me with your question, or write to me directly.
    `/okta status` shows where I answer by myself; who may manage the server chooses it with `/okta watch` and `/okta unwatch`.
    (only you see this)
    "#);
    // Something that comes near is offered.
    let near = discord.mention("general", "dana", "our sharefile provisioning credentials");
    let near = workspace.reply(near, "Comes near").await;
    let near = readable(&near);
    // What else comes near depends on all the rules.
    insta::assert_snapshot!(near.lines().take(3).collect::<Vec<_>>().join("\n"), @r"
    No rule fits this well enough to be sure.
    Comes near
    - ShareFile provisioning: the API credentials are invalid `provisioning/sharefile-invalid-credentials`
    ");
    assert!(near.ends_with("To read one: `/okta lookup <rule id>`\n[Remove]"), "{near}");

    let typed = json!({"name": "okta", "options": [{"name": "lookup", "options": [{"name": "query", "value": "E00000", "focused": true}]}]});
    let choices = discord.autocomplete("dana", "general", typed).await.response().await;
    assert_eq!(choices.kind, 8);
    // By code, by title, by words; typos are forgiven.
    for (typed, found) in [
        ("E0000011", "E0000011"),
        ("sharefile provisioning", SHAREFILE_TITLE),
        ("sharefle credentails", SHAREFILE_TITLE),
    ] {
        let typed = json!({"name": "okta", "options": [{"name": "lookup", "options": [{"name": "query", "value": typed, "focused": true}]}]});
        let choices = discord.autocomplete("dana", "general", typed).await.response().await.text();
        assert!(choices.contains(found), "{choices}");
    }

    let form = discord.slash("dana", "general", json!({"name": "okta", "options": [{"name": "diagnose"}]})).await;
    assert_eq!(form.acknowledged().await, 9);
    insta::assert_snapshot!(form.response().await.text(), @r#"
    Diagnose an Okta error
    Paste the error; only you see the answer:
    "#);
    let pasted = discord.submit_modal("dana", &form, json!({"paste": SHAREFILE[1]})).await.response().await.text();
    assert!(pasted.contains(SHAREFILE_TITLE) && pasted.contains("only you see this"), "{pasted}");

    let message = discord.say("general", "robin", ATLASSIAN[1]);
    let menu = discord.menu("dana", message).await.response().await.text();
    assert!(menu.contains(ATLASSIAN_TITLE) && menu.contains("only you see this"), "{menu}");

    let status = discord.slash("dana", "general", json!({"name": "okta", "options": [{"name": "status"}]})).await;
    let status = status.response().await.text();
    assert!(status.contains("an Okta support channel, errors are answered in threads"), "{status}");
    assert!(status.contains(" rules"), "{status}");

    // A mention always gets an answer.
    let mention = discord.mention("general", "dana", "quantum flux capacitor");
    workspace.reply(mention, "No rule").await;
    let direct = discord.dm("dana", SHAREFILE[0]);
    workspace.reply(direct, SHAREFILE_TITLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_intent_everything_asked_for_still_works() {
    let discord = Discord::start().await;
    discord.without_message_content();
    let dir = temp();
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    let workspace = Workspace { discord, server, dir };
    // It says what still works.
    workspace.server.wait_for_log("commands, the message menu, mentions and direct messages are answered");
    let unread = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let mention = workspace.discord.mention("okta-support", "dana", ATLASSIAN[1]);
    workspace.reply(mention, ATLASSIAN_TITLE).await;
    let menu = workspace.discord.menu("dana", unread).await.response().await.text();
    assert!(menu.contains(SHAREFILE_TITLE), "{menu}");
    assert_eq!(workspace.replies(unread), 0);
    let direct = workspace.discord.dm("dana", SHAREFILE[0]);
    workspace.reply(direct, SHAREFILE_TITLE).await;
    let found = okta(&workspace.discord, "dana", "general", "lookup", json!([{"name": "query", "value": "E0000011"}]));
    assert!(found.await.response().await.text().contains("E0000011"));
    let form = okta(&workspace.discord, "dana", "general", "diagnose", json!([])).await;
    let pasted = workspace.discord.submit_modal("dana", &form, json!({"paste": SHAREFILE[1]})).await;
    assert!(pasted.response().await.text().contains(SHAREFILE_TITLE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_a_message_stays_one_when_it_is_edited() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    let bot = discord.look(|state| state.bot);
    let elsewhere = discord.say("general", "robin", SHAREFILE[0]);
    let pointed = discord.answer(elsewhere, "dana", &format!("<@{bot}> do you know this?"));
    let reply = workspace.reply(pointed, SHAREFILE_TITLE).await;
    discord.edit(pointed, &format!("<@{bot}> do you know this, please?"));
    discord.edit(pointed, &format!("<@{bot}> {}", ATLASSIAN[1]));
    let both = workspace.reply(pointed, ATLASSIAN_TITLE).await;
    assert_eq!(both.id, reply.id);
    assert!(readable(&both).contains(SHAREFILE_TITLE), "{}", readable(&both));
}
