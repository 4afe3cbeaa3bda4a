//! What people see, letter by letter.

use serde_json::json;

use super::{SHAREFILE_TITLE, Workspace, ephemeral_to, seen, with_names};
use crate::cases::{GMAIL, SHAREFILE};
use crate::slack::{Slack, readable_view};

/// The only thing that this person alone sees.
async fn only_for(slack: &Slack, user: &str) -> String {
    with_names(slack, &ephemeral_to(slack, user).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_its_call_for_the_team_and_its_end() {
    let workspace = Workspace::open_with_few_rules("scope = \"okta\"").await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[1]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    insta::assert_snapshot!(seen(slack, &reply), @r#"
    (in a thread; notification: ShareFile provisioning: the API credentials are invalid – In the Okta Admin Console (application administrator or super administrator) go to Applications > Applications > ShareFile > Provisioning > Integration and select Edit.)
    ShareFile provisioning: the API credentials are invalid
    Recognised by its message
        Automatic provisioning of user dana@example.com to app ShareFile failed: Error creating authenticated session to app The cred- entials used to connect to the API were invalid
    Cause
    ShareFile refuses the credentials stored behind the API connection in Okta: the OAuth consumer key or secret, or the ShareFile admin account that authorised the connection, is no longer valid. Okta therefore cannot open a session to ShareFile and creates nobody. It is not about the single user named in the message.
    For you
    • There is nothing you can repair yourself: send the complete message, your username and the time to your Okta admin. Signing in to the app may still work while the account sync fails.
    Solution
    1. In the Okta Admin Console (application administrator or super administrator) go to Applications > Applications > ShareFile > Provisioning > Integration and select Edit.
    2. Enter a valid ShareFile OAuth Consumer Key and OAuth Consumer Secret (a ShareFile admin creates them as an API key: client ID and client secret), then select Re-authenticate with ShareFile.
    3. When asked for the subdomain, enter only the first part of your ShareFile address: for `mycompany.sharefile.com` enter `mycompany`.
    4. Sign in with the e-mail address and password of a ShareFile admin account and allow the access.
    5. Back on the Okta page wait for the message that authentication succeeded, then select Save.
    6. Go to Dashboard > Tasks, select the failed assignment of `dana@example.com` and choose Retry Selected. The task leaves the list and the account appears in ShareFile.
    7. If it fails again with the same text, create a new key and secret in ShareFile and repeat from step 2; then ask Okta Support or ShareFile support.
    Check
    • If every ShareFile assignment fails since the same time, it is the connection; a wrong attribute would hit single users only.
    • Reports > System Log, search `eventType sw "application.provision.user" and outcome.result eq "FAILURE"`: every failed attempt is listed with its full reason.
    • Sign in to `mycompany.sharefile.com` directly with the ShareFile admin account used for the integration: if that fails, reset its password there first.
    an Okta admin can fix this · Sources: support.okta.com (https://support.okta.com/help/s/article/ShareFile-Provisioning-Error-Automatic-provisioning-of-user-to-app-ShareFile-failed-Error-creating-authenticated-session-to-app-The-credentials-used-to-connect-to-the-API-were-invalid), help.okta.com (https://help.okta.com/en-us/Content/Topics/Miscellaneous/REST-API-Templ.htm)
    provisioning/sharefile-invalid-credentials · reviewed 2026-11-22 · confidence high · Independent of Okta
    [Fixed it] [Not my problem] [Ask the team] [Remove]
    "#);

    slack.press("dana", reply.id, "Ask the team").await.acknowledged().await;
    let call = slack.reply_to(paste, "asks for help").await;
    insta::assert_snapshot!(seen(slack, &call), @r#"
    (in a thread; notification: @support somebody asks for help – ShareFile provisioning: the API credentials are invalid)
    @support @dana asks for help TIME
    About
    • ShareFile provisioning: the API credentials are invalid
    Independent of Okta
    "#);
    slack.change(|state| {
        let team = state.teams[0].id.clone();
        let kim = state.add_user(&team, "kim");
        let channel = state.channel_named("okta-support").id.clone();
        state.channel_mut(&channel).expect("a channel").members.push(kim);
    });
    slack.press("kim", reply.id, "Fixed it").await.acknowledged().await;
    insta::assert_snapshot!(only_for(slack, "kim").await, @r#"
    Only the person who posted the message and the support team can do this.
    (only you see this)
    "#);

    slack.press("dana", reply.id, "Fixed it").await.acknowledged().await;
    let closed = slack.reply_to(paste, "✅").await;
    let said = seen(slack, &closed);
    let end = said.split_once("Independent of Okta\n").expect("the small print").1;
    insta::assert_snapshot!(end, @r#"
    🙋 The team was asked by @dana TIME
    ✅ Fixed, says @dana TIME
    [Remove]
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_and_what_is_behind_it() {
    let workspace = Workspace::open_with_few_rules("scope = \"okta\"\nmode = \"suggest\"").await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", "E0000011");
    let offer = slack.reply_to(paste, "known Okta error").await;
    insta::assert_snapshot!(seen(slack, &offer), @r#"
    (in a thread; notification: This looks like a known Okta error.)
    This looks like a known Okta error.
    [Show the answer] [Remove]
    "#);
    slack.press("robin", offer.id, "Show the answer").await.acknowledged().await;
    insta::assert_snapshot!(only_for(slack, "robin").await, @r#"
    This is offered to the person who posted the message. Use the message shortcut “Diagnose Okta error” to see it yourself.
    (only you see this)
    "#);
    slack.press("dana", offer.id, "Show the answer").await.acknowledged().await;
    insta::assert_snapshot!(only_for(slack, "dana").await, @r#"
    The API token is not valid (E0000011)
    Recognised by code E0000011
        E0000011
    Cause
    The token in the request is revoked, expired or of another org.
    Solution
    1. Go to Security > API > Tokens and create a token.
    2. If it persists, send the errorId to Okta Support.
    an Okta admin can fix this · Sources: developer.okta.com (https://developer.okta.com/docs/reference/error-codes/)
    api/e0000011-invalid-token · reviewed 2026-11-22 · confidence high · Independent of Okta
    (only you see this)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warning_about_a_secret() {
    let workspace = Workspace::open_with_few_rules("scope = \"okta\"").await;
    let slack = &workspace.slack;
    let secret = "00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab";
    let line = format!("curl -H 'Authorization: SSWS {secret}' https://acme.okta.com/api/v1/users");
    let alone = slack.say("okta-support", "dana", &line);
    let warning = slack.reply_to(alone, "an Okta API token").await;
    insta::assert_snapshot!(seen(slack, &warning), @r#"
    (in a thread; notification: ⚠ This message contains an Okta API token (revoke under Security > API > Tokens). Treat it as known to others: delete the message and revoke it.)
    ⚠ This message contains an Okta API token (revoke under Security > API > Tokens). Treat it as known to others: delete the message and revoke it.
    [Remove]
    "#);
    let answered = slack.say(
        "okta-support",
        "robin",
        &format!("{line}\n{{\"errorCode\":\"E0000011\",\"errorSummary\":\"Invalid token provided\"}}"),
    );
    let both = slack.reply_to(answered, "The API token is not valid").await;
    let said = seen(slack, &both);
    assert!(!said.contains(secret), "{said}");
    insta::assert_snapshot!(said, @r#"
    (in a thread; notification: ⚠ This message contains an Okta API token (revoke under Security > API > Tokens). Treat it as known to others: delete the message and revoke it. The API token is not valid (E0000011) – Go to Security > API > Tokens and create a token.)
    ⚠ This message contains an Okta API token (revoke under Security > API > Tokens). Treat it as known to others: delete the message and revoke it.
    The API token is not valid (E0000011)
    Recognised by code E0000011
        E0000011
    Cause
    The token in the request is revoked, expired or of another org.
    Solution
    1. Go to Security > API > Tokens and create a token.
    2. If it persists, send the errorId to Okta Support.
    an Okta admin can fix this · Sources: developer.okta.com (https://developer.okta.com/docs/reference/error-codes/)
    api/e0000011-invalid-token · reviewed 2026-11-22 · confidence high · Independent of Okta
    [Fixed it] [Not my problem] [Ask the team] [Remove]
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commands_say() {
    let workspace = Workspace::open_with_few_rules("scope = \"okta\"").await;
    let slack = &workspace.slack;
    let say = async |user: &str, line: &str| {
        let text = slack.slash(user, "general", line).await.response().await.text();
        with_names(slack, &text)
    };
    insta::assert_snapshot!(say("dana", "/okta help").await, @r#"
    I recognise pasted Okta errors. You can ask:
    • `/okta lookup E0000014`: what an error means, by its code, a rule id or a few words
    • `/okta diagnose` with a pasted error behind it, or alone for a form to paste into
    • `/okta status`: where I answer, and how many errors I know
    • `/okta watch`, `/okta unwatch`: choose where I answer, for those who may change my settings
    In a thread: the message shortcut “Diagnose Okta error”, or mention me.
    (only you see this)
    "#);
    insta::assert_snapshot!(say("dana", "/okta lookup E0000011").await, @r#"
    The API token is not valid (E0000011)
    Cause
    The token in the request is revoked, expired or of another org.
    Solution
    1. Go to Security > API > Tokens and create a token.
    2. If it persists, send the errorId to Okta Support.
    an Okta admin can fix this · Sources: developer.okta.com (https://developer.okta.com/docs/reference/error-codes/)
    api/e0000011-invalid-token · reviewed 2026-11-22 · Independent of Okta
    [Share in channel]
    (only you see this)
    "#);
    insta::assert_snapshot!(say("dana", "/okta lookup quantum flux capacitor").await, @r#"
    No rule knows this. If it is an error that others may paste too, please add a rule for it.
    (only you see this)
    "#);
    insta::assert_snapshot!(say("dana", "/okta lookup").await, @r#"
    Write what to look up: an error code, a rule id or a few words. Example: /okta lookup E0000014
    (only you see this)
    "#);
    insta::assert_snapshot!(say("dana", "/okta status").await, @r#"
    oktriage VERSION. 3 rules.
    #okta-support: an Okta support channel, errors are answered in threads
    (only you see this)
    "#);
    insta::assert_snapshot!(say("dana", "/okta watch okta").await, @r#"
    Only people who may change my settings can do this.
    (only you see this)
    "#);
    insta::assert_snapshot!(say("owner", "/okta watch").await, @r#"
    Write what the channel is about; if you like, then what to do, how often and whom to call.
    • about: `okta` (a dedicated Okta support channel) or `mixed` (any other)
    • what to do: `answer` (in threads), `suggest` (to the poster, behind a button) or `shadow` (post nothing, only count)
    • how often: `10/5m` is at most 10 answers in 5 minutes
    • whom to call: a user group or a person
    Examples: `/okta watch okta` · `/okta watch mixed suggest` · `/okta watch okta answer 10/5m @support-group`
    (only you see this)
    "#);
    insta::assert_snapshot!(say("owner", "/okta watch mixed shadow 10/1h").await, @r#"
    Noted. From now on:
    #general: a mixed channel, nothing is posted; 0 messages would have been answered so far; at most 10 answers in 1 hour; no team to ask
    (only you see this)
    "#);
    insta::assert_snapshot!(say("owner", "/okta unwatch").await, @r#"
    I no longer answer here by myself. Questions are still answered.
    (only you see this)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_and_home() {
    let workspace = Workspace::open_with_few_rules("scope = \"okta\"\ncooldown = \"10/5m\"").await;
    let slack = &workspace.slack;
    let form = slack.global_shortcut("dana", "diagnose").await.response().await.view.expect("a form");
    insta::assert_snapshot!(readable_view(&form), @r#"
    Diagnose an Okta error
    Paste the error; only you see the answer:
    [Diagnose] [Close]
    "#);
    let sent = slack.submit_modal("dana", &form, json!({"paste": "E0000011"})).await.response().await;
    insta::assert_snapshot!(sent.text(), @r#"
    Diagnosis
    The API token is not valid (E0000011)
    Recognised by code E0000011
        E0000011
    Cause
    The token in the request is revoked, expired or of another org.
    Solution
    1. Go to Security > API > Tokens and create a token.
    2. If it persists, send the errorId to Okta Support.
    an Okta admin can fix this · Sources: developer.okta.com (https://developer.okta.com/docs/reference/error-codes/)
    api/e0000011-invalid-token · reviewed 2026-11-22 · confidence high · Independent of Okta
    [Close]
    "#);
    let form = slack.global_shortcut("dana", "diagnose").await.response().await.view.expect("a form");
    let sent = slack.submit_modal("dana", &form, json!({"paste": "it does not work"})).await.response().await;
    insta::assert_snapshot!(sent.text(), @r#"
    Diagnosis
    No rule fits this well enough to be sure.
    Comes near
    Atlassian Cloud API integration: authentication is forbidden (403)
    provisioning/atlassian-cloud-forbidden
    [Read]
    ShareFile provisioning: the API credentials are invalid
    provisioning/sharefile-invalid-credentials
    [Read]
    [Close]
    "#);
    slack.open_home("dana");
    let home = slack.home("dana", "How to use me").await;
    insta::assert_snapshot!(with_names(slack, &readable_view(&home)), @r#"
    Look something up
    An error code, a rule id or a few words:
    [Diagnose a pasted error]
    Where I answer
    • #okta-support: an Okta support channel, errors are answered in threads; at most 10 answers in 5 minutes
    How to use me
    • Paste an Okta error in a watched channel: the answer comes in its thread, or nothing if no rule fits.
    • In any channel: the message shortcut “Diagnose Okta error”; it works in threads, too.
    • /okta lookup with a code, a rule id or words; /okta diagnose with an error. Only you see the answer.
    • Mention me in a channel, or write to me directly.
    • Never paste tokens or keys. If you did, I say so at once and how to revoke them.
    3 rules · rule set HASH · oktriage VERSION
    Independent of Okta
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_direct_messages_and_late_answers() {
    let workspace = Workspace::open_with_few_rules("scope = \"okta\"").await;
    let slack = &workspace.slack;
    let unknown = slack.mention("general", "dana", "what is a quantum flux capacitor?");
    insta::assert_snapshot!(seen(slack, &slack.reply_to(unknown, "No rule").await), @r#"
    (in a thread; notification: No rule knows this. If it is an error that others may paste too, please add a rule for it.)
    No rule knows this. If it is an error that others may paste too, please add a rule for it.
    [Remove]
    "#);
    let nothing = slack.mention("general", "dana", "");
    insta::assert_snapshot!(seen(slack, &slack.reply_to(nothing, "/okta").await), @r#"
    (in a thread; notification: Commands: /okta lookup <code, id or words> · /okta diagnose <pasted error> · /okta status · /okta help)
    Commands: /okta lookup <code, id or words> · /okta diagnose <pasted error> · /okta status · /okta help
    [Remove]
    "#);
    let direct = slack.dm("dana", GMAIL[0]);
    insta::assert_snapshot!(seen(slack, &slack.reply_to(direct, "No rule").await), @r#"
    (in a thread; notification: No rule knows this. If it is an error that others may paste too, please add a rule for it.)
    No rule knows this. If it is an error that others may paste too, please add a rule for it.
    [Remove]
    "#);
}
