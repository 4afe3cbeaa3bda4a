//! What people see below their messages, and what they do with it.

use serde_json::json;

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Workspace, in_thread, okta, replies_to, start, with_names};
use crate::cases::{ATLASSIAN, CHATTER, SHAREFILE};
use crate::discord::bits::permission;
use crate::discord::readable;
use crate::discord::state::State;

/// Errors with long solutions: together more than one message can hold.
const LONG: [&str; 4] = [
    ATLASSIAN[1],
    "Microsoft Office 365 > Provisioning: Could not verify the administrator credentials; please confirm that these are set correctly",
    "{\"error\":\"invalid_grant\",\"error_description\":\"Token Exchange flow from web app to native app isn't supported.\"} from https://acme.okta.com/oauth2/default/v1/token",
    SHAREFILE[0],
];

#[tokio::test(flavor = "multi_thread")]
async fn a_paste_is_answered_in_a_thread_of_its_own() {
    let workspace = Workspace::open().await;
    for text in CHATTER {
        workspace.discord.say("okta-support", "dana", text);
    }
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[1]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    assert!(in_thread(&reply, paste), "not in the thread of the message");
    let thread = workspace.discord.look(|state| state.channel(paste).expect("a thread").name.clone());
    assert_eq!(thread, SHAREFILE_TITLE);
    // How long the thread stays in the list is said, whatever the channel's own setting is.
    let asked = workspace.discord.look(|state| {
        state.requests.iter().find(|it| it.path.ends_with("/threads")).map(|it| it.body.clone()).expect("a request")
    });
    assert_eq!(asked, json!({"name": SHAREFILE_TITLE, "auto_archive_duration": 1_440}));
    insta::assert_snapshot!(readable(&reply), @r#"
    ShareFile provisioning: the API credentials are invalid
    **Recognised** by its message
    > `Automatic provisioning of user dana@example.com to app ShareFile failed: Error creating authenticated session to app The cred- entials used to connect to the API were invalid`

    **Cause**
    ShareFile refuses the credentials stored behind the API connection in Okta: the OAuth consumer key or secret, or the ShareFile admin account that authorised the connection, is no longer valid. Okta therefore cannot open a session to ShareFile and creates nobody. It is not about the single user named in the message.

    **For you**
    - There is nothing you can repair yourself: send the complete message, your username and the time to your Okta admin. Signing in to the app may still work while the account sync fails.
    Solution
    1. In the Okta Admin Console (application administrator or super administrator) go to **Applications > Applications > ShareFile > Provisioning > Integration** and select **Edit**.
    2. Enter a valid ShareFile **OAuth Consumer Key** and **OAuth Consumer Secret** (a ShareFile admin creates them as an API key: client ID and client secret), then select **Re-authenticate with ShareFile**.
    3. When asked for the subdomain, enter only the first part of your ShareFile address: for `mycompany.sharefile.com` enter `mycompany`.
    4. Sign in with the e-mail address and password of a ShareFile admin account and allow the access.
    5. Back on the Okta page wait for the message that authentication succeeded, then select **Save**.
    6. Go to **Dashboard > Tasks**, select the failed assignment of dana\@example.com and choose **Retry Selected**. The task leaves the list and the account appears in ShareFile.
    7. If it fails again with the same text, create a new key and secret in ShareFile and repeat from step 2; then ask Okta Support or ShareFile support.

    **Check**
    - If every ShareFile assignment fails since the same time, it is the connection; a wrong attribute would hit single users only.
    - **Reports > System Log**, search `eventType sw "application.provision.user" and outcome.result eq "FAILURE"`: every failed attempt is listed with its full reason.
    - Sign in to `mycompany.sharefile.com` directly with the ShareFile admin account used for the integration: if that fails, reset its password there first.

    Sources: [1](https://support.okta.com/help/s/article/ShareFile-Provisioning-Error-Automatic-provisioning-of-user-to-app-ShareFile-failed-Error-creating-authenticated-session-to-app-The-credentials-used-to-connect-to-the-API-were-invalid) [2](https://help.okta.com/en-us/Content/Topics/Miscellaneous/REST-API-Templ.htm)
    an Okta admin can fix this · provisioning/sharefile-invalid-credentials · reviewed 2026-11-22 · confidence high · Independent of Okta
    [Fixed it] [Not my problem] [Ask the team] [Remove]
    "#);
    // Nothing else was said, and nowhere else.
    workspace.settled("okta-support").await;
    let said = workspace
        .discord
        .look(|state| state.messages.values().filter(|it| it.author == state.bot && !it.embeds.is_empty()).count());
    assert_eq!(said, 2);
    // Outside the watched channel nothing is answered.
    let elsewhere = workspace.discord.say("general", "dana", SHAREFILE[0]);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(elsewhere), 0);
    assert_eq!(workspace.discord.look(|state| state.unknown.clone()), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reply_follows_edits_and_goes_with_its_message() {
    let workspace = Workspace::open().await;
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    // A preview is no edit, and an edit that says the same changes nothing: Discord is not called for them.
    workspace.discord.unfurl(paste);
    workspace.discord.edit(paste, &format!("{} thanks!", SHAREFILE[0]));
    workspace.settled("okta-support").await;
    let calls = workspace.discord.look(|state| state.requests.iter().filter(|it| it.method == "PATCH").count());
    assert_eq!(calls, 0);
    workspace.discord.edit(paste, ATLASSIAN[1]);
    let changed = workspace.reply(paste, ATLASSIAN_TITLE).await;
    assert_eq!(changed.id, reply.id, "updated in place");
    workspace.discord.edit(paste, "never mind, solved");
    workspace.gone(reply.id).await;
    let other = workspace.discord.say("okta-support", "robin", SHAREFILE[0]);
    let reply = workspace.reply(other, SHAREFILE_TITLE).await;
    workspace.discord.delete(other);
    workspace.gone(reply.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_close_replies_and_call_the_team_and_a_restart_changes_nothing() {
    let workspace = Workspace::open().await;
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    let Workspace { discord, server, dir } = workspace;
    assert!(server.stop().success());
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    server.wait_for_log("Discord knows the commands already");
    let workspace = Workspace { discord, server, dir };
    let (times, commands) = workspace.discord.look(|state| (state.command_puts, state.commands[&None].clone()));
    assert_eq!(times, 1, "registered once");
    for command in commands {
        // On servers and by people, in servers, in talks with the bot and in others.
        assert_eq!(command["integration_types"], json!([0, 1]), "{command}");
        assert_eq!(command["contexts"], json!([0, 1, 2]), "{command}");
    }

    let asked = workspace.discord.press("dana", reply.id, "Ask the team").await;
    assert_eq!(asked.acknowledged().await, 6);
    let role =
        workspace.discord.look(|state| state.roles.iter().find(|role| role.name == "support").expect("a role").id);
    let call = workspace
        .discord
        .wait_for("the call", |state| {
            state.messages.values().find(|it| it.content.contains(&format!("<@&{role}>"))).cloned()
        })
        .await;
    assert!(in_thread(&call, paste), "the call stands in the thread");
    insta::assert_snapshot!(with_names(&workspace.discord, &readable(&call)), @r#"
    <@&support> <@dana> asks for help (when)
    **About**
    - ShareFile provisioning: the API credentials are invalid
    "#);
    assert_eq!(call.mention_roles, [role], "the team is called, and nobody else");
    let changed = workspace.reply(paste, "The team was asked by").await;
    assert!(!readable(&changed).contains("[Ask the team]"));

    // A stranger may not close it; a supporter may.
    let refused = workspace.discord.press("kim", reply.id, "Fixed it").await.response().await.text();
    assert!(refused.contains("Only the person who posted the message and the support team"), "{refused}");
    assert!(refused.contains("only you see this"));
    workspace.discord.press("robin", reply.id, "Fixed it").await.acknowledged().await;
    let closed = workspace.reply(paste, "✅ Fixed, says").await;
    // Who pressed what and when stands below the answer.
    let closed = with_names(&workspace.discord, &readable(&closed));
    let below =
        closed.split_once("https://help.okta.com/").and_then(|(_, rest)| rest.split_once('\n')).expect("sources");
    insta::assert_snapshot!(below.1, @r#"
    an Okta admin can fix this · provisioning/sharefile-invalid-credentials · reviewed 2026-11-22 · confidence high · Independent of Okta
    🙋 The team was asked by <@dana> (when)
    ✅ Fixed, says <@robin> (when)
    [Remove]
    "#);
    workspace.discord.press("dana", reply.id, "Remove").await.acknowledged().await;
    workspace.gone(reply.id).await;
    // It does not come back.
    workspace.discord.edit(paste, &format!("{}!", SHAREFILE[0]));
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 0);
    drop(workspace.server);
    drop(workspace.dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_thread_can_be_made_the_answer_stands_in_the_channel() {
    let workspace = Workspace::open().await;
    workspace.discord.deny("okta-support", permission::CREATE_PUBLIC_THREADS);
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    assert!(!in_thread(&reply, paste));
    assert_eq!((reply.replies_to, &reply.mentions[..]), (Some(paste), &[][..]), "an answer without a ping");
    assert_eq!(workspace.replies(paste), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_somebody_made_the_thread_first_the_answer_goes_there() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    discord.hold("/channels/");
    let paste = discord.say("okta-support", "dana", SHAREFILE[0]);
    discord.reply_in_thread(paste, "robin", "I have seen this before");
    discord.let_go();
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    assert!(in_thread(&reply, paste));
    assert_eq!(workspace.replies(paste), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_captured_can_mention_link_or_format() {
    let workspace = Workspace::open().await;
    let (dana, role) = workspace.discord.look(|state| (state.user("dana").id, state.roles[0].id));
    let text = SHAREFILE[0]
        .replace("dana@example.com", &format!("@everyone<@{dana}><@&{role}>**[x](https://example.com)**||`"));
    let paste = workspace.discord.say("okta-support", "robin", &text);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    assert!(!reply.mention_everyone && reply.mentions.is_empty() && reply.mention_roles.is_empty());
    let shown = readable(&reply);
    assert!(!shown.contains("](https://example.com)"), "{shown}");
    // Whatever it posts, nobody is looked for in it.
    workspace.discord.look(|state| {
        let posts: Vec<_> = state
            .requests
            .iter()
            .filter(|it| matches!(it.method.as_str(), "POST" | "PATCH") && it.path.contains("/messages"))
            .filter(|it| !it.path.ends_with("/threads"))
            .collect();
        assert!(!posts.is_empty());
        assert!(posts.iter().all(|it| it.body["allowed_mentions"]["parse"] == json!([])));
        assert!(posts.iter().all(|it| it.method == "PATCH" || it.body["enforce_nonce"] == true));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_told_at_once_and_never_repeated() {
    let workspace = Workspace::open().await;
    let secret = "00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab";
    let paste = workspace.discord.say(
        "okta-support",
        "dana",
        &format!("curl -H 'Authorization: SSWS {secret}' https://acme.okta.com/api/v1/users"),
    );
    let reply = workspace.reply(paste, "an Okta API token").await;
    assert!(!readable(&reply).contains(secret));
    assert!(!readable(&reply).contains("[Delete my message]"), "the bot may not delete here");
    let thread = workspace.discord.look(|state| state.channel(paste).expect("a thread").name.clone());
    assert!(!thread.contains(secret));

    // Where it may, it offers to.
    workspace.discord.allow("okta-support", permission::MANAGE_MESSAGES);
    let paste = workspace.discord.say("okta-support", "dana", &format!("Authorization: SSWS {secret} is what I use"));
    let reply = workspace.reply(paste, "[Delete my message]").await;
    insta::assert_snapshot!(readable(&reply), @r#"
    ⚠ This message contains an Okta API token (revoke under Security > API > Tokens). Treat it as known to others: delete the message and revoke it.
    [Remove] [Delete my message]
    "#);
    let refused = workspace.discord.press("kim", reply.id, "Delete my message").await.response().await.text();
    assert!(refused.contains("Only the person who posted"), "{refused}");
    workspace.discord.press("dana", reply.id, "Delete my message").await.acknowledged().await;
    workspace.gone(paste).await;
    workspace.gone(reply.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_pastes_is_answered_within_bounds() {
    let workspace = Workspace::open_with("scope = \"okta\"", &[("OKTRIAGE__COOLDOWN__PER_AUTHOR", "2")]).await;
    let pastes: Vec<u64> = (0..3).map(|_| workspace.discord.say("okta-support", "dana", SHAREFILE[0])).collect();
    // Which two is a matter of who was first.
    let all = pastes.clone();
    let enough =
        |state: &State| (all.iter().map(|paste| replies_to(state, *paste).len()).sum::<usize>() == 2).then_some(());
    workspace.discord.wait_for("two replies", enough).await;
    workspace.settled("okta-support").await;
    let answered: usize = pastes.iter().map(|paste| workspace.replies(*paste)).sum();
    assert_eq!(answered, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn long_solutions_are_shown_whole_on_request() {
    let workspace = Workspace::open().await;
    let pastes: Vec<String> = LONG.iter().map(|text| (*text).to_owned()).collect();
    let paste = workspace.discord.say("okta-support", "dana", &pastes.join("\n\n"));
    let reply = workspace.reply(paste, "[Show all steps").await;
    let label = readable(&reply).split(['[', ']']).find(|part| part.starts_with("Show all steps")).map(str::to_owned);
    let pressed = workspace.discord.press("robin", reply.id, &label.expect("a button")).await;
    let all = pressed.response().await.text();
    assert!(all.contains("only you see this"), "{all}");
    assert!(!all.contains("more step"), "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_that_were_put_away_are_woken() {
    let workspace = Workspace::open().await;
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    workspace.discord.archive(paste, false);
    workspace.discord.press("dana", reply.id, "Fixed it").await.acknowledged().await;
    workspace.reply(paste, "✅ Fixed, says").await;
    workspace.discord.archive(paste, false);
    workspace.discord.delete(paste);
    workspace.gone(reply.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_about_something_else_is_said_to_be_so_and_a_team_that_is_not_there_is_not_offered() {
    let workspace = Workspace::open().await;
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    workspace.discord.press("dana", reply.id, "Not my problem").await.acknowledged().await;
    workspace.reply(paste, "➖ Not the problem, says").await;
    // Where no role is set there is nobody to ask.
    super::support_manages(&workspace.discord);
    okta(&workspace.discord, "robin", "general", "watch", json!([{"name": "scope", "value": 0}]))
        .await
        .response()
        .await;
    let paste = workspace.discord.say("general", "dana", SHAREFILE[0]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    assert!(!readable(&reply).contains("[Ask the team]"), "{}", readable(&reply));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_answered_within_bounds_whoever_posts() {
    let workspace = Workspace::open_with("scope = \"okta\"", &[("OKTRIAGE__COOLDOWN__PER_CHANNEL", "2")]).await;
    let pastes: Vec<u64> =
        ["dana", "robin", "kim"].iter().map(|who| workspace.discord.say("okta-support", who, SHAREFILE[0])).collect();
    let answered = |state: &State| pastes.iter().map(|paste| replies_to(state, *paste).len()).sum::<usize>();
    workspace.discord.wait_for("two replies", |state| (answered(state) == 2).then_some(())).await;
    // A question is answered all the same, and shows that everything before had its turn.
    let direct = workspace.discord.mention("okta-support", "kim", ATLASSIAN[1]);
    workspace.reply(direct, ATLASSIAN_TITLE).await;
    assert_eq!(workspace.discord.look(answered), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_several_long_solutions_can_be_read() {
    let workspace = Workspace::open().await;
    let paste = workspace.discord.say("okta-support", "dana", &LONG.join("\n\n"));
    let reply = workspace.reply(paste, "[Show all steps").await;
    let shown = readable(&reply);
    let from = shown.find("Also recognised").unwrap_or_else(|| panic!("no further answers in {shown}"));
    insta::assert_snapshot!(&shown[from..], @r#"
    Also recognised
    **3. Token exchange was refused (subject\_token or actor\_token)**
    Okta refused a request of grant type token exchange. Mostly the subject (or actor) token is expired, …
    **4. Atlassian Cloud API integration: authentication is forbidden (403)**
    Atlassian answered HTTP 403 when Okta tried to authenticate at the SCIM base URL you entered: the API token …
    [Fixed it] [Not my problem] [Ask the team] [Remove]
    [Show all steps (3)] [Show all steps (4)]
    "#);
}
