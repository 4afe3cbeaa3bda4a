//! Conversations with the real program on Discord, as a process against the double.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::cases::{ATLASSIAN, CHATTER, GMAIL, SHAREFILE};
use crate::discord::state::{Failure, Message, State, kind, permission};
use crate::discord::{Discord, readable};
use crate::program::{Server, oktriage, seen, temp};

/// What identifies an answer about ShareFile.
const SHAREFILE_TITLE: &str = "ShareFile provisioning: the API credentials are invalid";
const ATLASSIAN_TITLE: &str = "Atlassian";

/// Errors with long solutions: together more than one message can hold.
const LONG: [&str; 4] = [
    ATLASSIAN[1],
    "Microsoft Office 365 > Provisioning: Could not verify the administrator credentials; please confirm that these are set correctly",
    "{\"error\":\"invalid_grant\",\"error_description\":\"Token Exchange flow from web app to native app isn't supported.\"} from https://acme.okta.com/oauth2/default/v1/token",
    SHAREFILE[0],
];

/// The double with the bot in it, which watches "okta-support" unless told otherwise.
struct Workspace {
    discord: Discord,
    server: Server,
    dir: tempfile::TempDir,
}

impl Workspace {
    async fn open() -> Self {
        Self::open_with("scope = \"okta\"", &[]).await
    }

    async fn open_with(channel: &str, environment: &[(&str, &str)]) -> Self {
        let discord = Discord::start().await;
        let dir = temp();
        let server = start(&discord, dir.path(), channel, environment).await;
        Self { discord, server, dir }
    }

    /// The reply to a message, wherever it stands, once its text holds `what`.
    async fn reply(&self, message: u64, what: &str) -> Message {
        self.discord
            .wait_for(&format!("a reply to {message} with {what}"), |state| {
                replies_to(state, message).into_iter().find(|reply| readable(reply).contains(what))
            })
            .await
    }

    async fn gone(&self, reply: u64) {
        self.discord
            .wait_for("the removal", |state| state.messages.get(&reply).is_none_or(|it| it.deleted).then_some(()))
            .await;
    }

    /// Proves silence: everything that was said before in this channel has been decided, for the bot
    /// takes an error that is said last, and everything else had its turn.
    async fn settled(&self, channel: &str) {
        let last = self.discord.say(channel, "robin", GMAIL[1]);
        self.reply(last, "Workflows").await;
    }

    fn replies(&self, message: u64) -> usize {
        self.discord.look(|state| replies_to(state, message).len())
    }
}

async fn start(discord: &Discord, dir: &Path, channel: &str, environment: &[(&str, &str)]) -> Server {
    let (guild, okta, support) = discord.look(|state| {
        let okta = state.channels.iter().find(|channel| channel.name == "okta-support").expect("a channel");
        let support = state.roles.iter().find(|role| role.name == "support").expect("a role");
        (state.guilds[0].id, okta.id, support.id)
    });
    let settings = dir.join("oktriage.toml");
    let hosts = discord.url.trim_start_matches("http://");
    let watched = format!(
        "[discord]\nattachment_hosts = [\"{hosts}\"]\n[[discord.channels]]\nguild = \"{guild}\"\nchannel = \"{okta}\"\n{channel}\nsupport_role = \"{support}\"\n"
    );
    std::fs::write(&settings, watched).expect("written");
    let discord_environment = discord.env();
    let mut all: Vec<(&str, &str)> =
        discord_environment.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    all.extend(environment);
    let path = settings.to_str().expect("a path").to_owned();
    let server = Server::start_with(dir, &["--config", &path], &all);
    discord.connected().await;
    server
}

/// What the bot says about a message: in its thread, or as an answer to it.
fn replies_to(state: &State, message: u64) -> Vec<Message> {
    let key = format!(":{message}");
    let mut replies: Vec<Message> = state
        .messages
        .values()
        .filter(|reply| reply.author == state.bot && !reply.is_ephemeral() && !reply.deleted)
        .filter(|reply| {
            let components = Value::Array(reply.components.clone()).to_string();
            components.contains(&format!("{key}\"")) || components.contains(&format!("{key}:"))
        })
        .cloned()
        .collect();
    replies.sort_by_key(|reply| reply.id);
    replies
}

fn in_thread(message: &Message, thread: u64) -> bool {
    message.channel == thread
}

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
async fn files_forum_posts_and_threads_are_read() {
    let workspace = Workspace::open().await;
    let file = workspace.discord.say_with_file("okta-support", "dana", "see the log", "agent.log", SHAREFILE[0]);
    workspace.reply(file, SHAREFILE_TITLE).await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"\xff\xfe noise\n").expect("packed");
    packed.write_all(ATLASSIAN[1].as_bytes()).expect("packed");
    let packed = packed.finish().expect("packed");
    let file = workspace.discord.say_with_file("okta-support", "robin", "", "agent.log.gz", packed);
    workspace.reply(file, ATLASSIAN_TITLE).await;

    // In a thread the answer stands beside the question, and the same thing is said once.
    let root = workspace.discord.say("okta-support", "dana", "provisioning is broken, details below");
    let first = workspace.discord.reply_in_thread(root, "dana", SHAREFILE[0]);
    let reply = workspace.reply(first, SHAREFILE_TITLE).await;
    assert!(in_thread(&reply, root));
    let again = workspace.discord.reply_in_thread(root, "robin", SHAREFILE[2]);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(again), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reply_follows_edits_and_goes_with_its_message() {
    let workspace = Workspace::open().await;
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    workspace.discord.unfurl(paste);
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
    let changed = workspace.reply(paste, "The team was asked by").await;
    assert!(!readable(&changed).contains("[Ask the team]"));

    // A stranger may not close it; a supporter may.
    let refused = workspace.discord.press("kim", reply.id, "Fixed it").await.response().await.text();
    assert!(refused.contains("Only the person who posted the message and the support team"), "{refused}");
    assert!(refused.contains("only you see this"));
    workspace.discord.press("robin", reply.id, "Fixed it").await.acknowledged().await;
    let closed = workspace.reply(paste, "✅ Fixed, says").await;
    assert!(readable(&closed).ends_with("[Remove]"), "{}", readable(&closed));
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
    assert!(nothing.contains("No rule knows this"), "{nothing}");

    let typed = json!({"name": "okta", "options": [{"name": "lookup", "options": [{"name": "query", "value": "E00000", "focused": true}]}]});
    let choices = discord.autocomplete("dana", "general", typed).await.response().await;
    assert_eq!(choices.kind, 8);

    let form = discord.slash("dana", "general", json!({"name": "okta", "options": [{"name": "diagnose"}]})).await;
    assert_eq!(form.acknowledged().await, 9);
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
async fn channels_are_opted_in_and_out_by_those_who_may() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    let watch = json!({"name": "okta", "options": [{"name": "watch", "options": [{"name": "scope", "value": 0}]}]});
    let refused = discord.slash("dana", "general", watch.clone()).await.response().await.text();
    assert!(refused.contains("Only members who may manage the server"), "{refused}");
    discord.change(|state| {
        let support = state.roles.iter_mut().find(|role| role.name == "support").expect("a role");
        support.permissions |= permission::MANAGE_GUILD;
    });
    let watched = discord.slash("robin", "general", watch).await.response().await.text();
    assert!(watched.contains("an Okta support channel"), "{watched}");
    let paste = discord.say("general", "dana", SHAREFILE[0]);
    workspace.reply(paste, SHAREFILE_TITLE).await;
    let unwatch = json!({"name": "okta", "options": [{"name": "unwatch"}]});
    discord.slash("robin", "general", unwatch).await.response().await;
    let paste = discord.say("general", "dana", ATLASSIAN[1]);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_offered_to_the_poster_only() {
    let workspace = Workspace::open_with("scope = \"okta\"\nmode = \"suggest\"", &[]).await;
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let offer = workspace.reply(paste, "This looks like a known Okta error").await;
    assert!(!readable(&offer).contains("ShareFile"), "{}", readable(&offer));
    let other = workspace.discord.press("robin", offer.id, "Show the answer").await.response().await.text();
    assert!(other.contains("offered to the person who posted"), "{other}");
    let own = workspace.discord.press("dana", offer.id, "Show the answer").await.response().await.text();
    assert!(own.contains(SHAREFILE_TITLE) && own.contains("only you see this"), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow_mode_only_counts() {
    let workspace = Workspace::open_with("scope = \"okta\"\nmode = \"shadow\"", &[]).await;
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let status = json!({"name": "okta", "options": [{"name": "status"}]});
    loop {
        let said = workspace.discord.slash("dana", "general", status.clone()).await.response().await.text();
        if said.contains("1 messages would have been answered") {
            break;
        }
        assert!(said.contains("nothing is posted; 0 messages"), "{said}");
    }
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_intent_everything_asked_for_still_works() {
    let discord = Discord::start().await;
    discord.without_message_content();
    let dir = temp();
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    let workspace = Workspace { discord, server, dir };
    let unread = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let mention = workspace.discord.mention("okta-support", "dana", ATLASSIAN[1]);
    workspace.reply(mention, ATLASSIAN_TITLE).await;
    let menu = workspace.discord.menu("dana", unread).await.response().await.text();
    assert!(menu.contains(SHAREFILE_TITLE), "{menu}");
    assert_eq!(workspace.replies(unread), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_thread_can_be_made_the_answer_stands_in_the_channel() {
    let workspace = Workspace::open().await;
    workspace.discord.deny("okta-support", permission::CREATE_PUBLIC_THREADS);
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    assert!(!in_thread(&reply, paste));
    assert_eq!(workspace.replies(paste), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_limits_and_errors_of_discord_lead_to_one_reply() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    for failure in [
        Failure::LostAnswer,
        Failure::RateLimited { retry_after: 0.3, global: false },
        Failure::RateLimited { retry_after: 0.3, global: true },
        Failure::Status(502),
    ] {
        discord.fail("POST /channels/", 1, failure);
        let paste = discord.say("okta-support", "dana", SHAREFILE[0]);
        workspace.reply(paste, SHAREFILE_TITLE).await;
        workspace.settled("okta-support").await;
        assert_eq!(workspace.replies(paste), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_events_are_passed_over_and_a_cut_connection_loses_nothing() {
    let workspace = Workspace::open_with("scope = \"okta\"", &[("OKTRIAGE__COOLDOWN__PER_AUTHOR", "50")]).await;
    let discord = &workspace.discord;
    discord.dispatch("MESSAGE_CREATE", &json!({"id": "not a number", "content": SHAREFILE[0]}));
    discord.dispatch("SOMETHING_NEW", &json!({"a": [1, 2, {"b": null}]}));
    discord.dispatch("MESSAGE_UPDATE", &json!({"id": "1", "channel_id": "2"}));
    let paste = discord.say("okta-support", "dana", SHAREFILE[0]);
    workspace.reply(paste, SHAREFILE_TITLE).await;
    for code in [0, 4000] {
        discord.disconnect(code);
        let missed = discord.say("okta-support", "dana", ATLASSIAN[1]);
        workspace.reply(missed, ATLASSIAN_TITLE).await;
        assert_eq!(workspace.replies(missed), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_the_bot_was_away_is_read() {
    let workspace = Workspace::open().await;
    let seen_before = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let deleted = workspace.discord.say("okta-support", "robin", ATLASSIAN[1]);
    workspace.reply(seen_before, SHAREFILE_TITLE).await;
    let reply = workspace.reply(deleted, ATLASSIAN_TITLE).await;
    let Workspace { discord, server, dir } = workspace;
    assert!(server.stop().success());
    discord.delete(deleted);
    let missed = discord.say("okta-support", "dana", ATLASSIAN[1]);
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    let workspace = Workspace { discord, server, dir };
    workspace.reply(missed, ATLASSIAN_TITLE).await;
    workspace.gone(reply.id).await;
    assert_eq!(workspace.replies(seen_before), 1);
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
async fn a_token_that_discord_does_not_take_stops_discord_and_says_what_to_change() {
    let discord = Discord::start().await;
    let dir = temp();
    let environment = discord.env();
    let mut all: Vec<(&str, &str)> = environment.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    all.push(("OKTRIAGE__DISCORD__TOKEN", "wrong.token.here"));
    let server = Server::start_with(dir.path(), &[], &all);
    server.wait_for_log("Bot > Reset Token");
    // The local workspace goes on, and health says what is wrong.
    let health = server.http.get(format!("{}/healthz", server.url)).send().await.expect("sent");
    assert_eq!(health.status(), 503);
    assert!(health.text().await.expect("text").contains("Reset Token"));
    let id = server.post("okta-support", SHAREFILE[0]).await;
    server.answer_to(id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_what_is_missing() {
    let discord = Discord::start().await;
    let dir = temp();
    drop(start(&discord, dir.path(), "scope = \"okta\"", &[]).await);
    discord.deny("okta-support", permission::CREATE_PUBLIC_THREADS);
    let settings = dir.path().join("oktriage.toml");
    let environment = discord.env();
    let output = tokio::task::spawn_blocking(move || {
        oktriage()
            .args(["doctor", "--config"])
            .arg(settings)
            .env("OKTRIAGE__STORAGE__PATH", dir.path().join("oktriage.db"))
            .envs(environment)
            .output()
            .expect("the binary ends")
    })
    .await
    .expect("ran");
    let said = seen(&output);
    assert!(said.contains("the token belongs to the bot"), "{said}");
    assert!(said.contains("the message content intent is on"), "{said}");
    assert!(said.contains("missing Create Public Threads"), "{said}");
    assert!(said.contains("https://discord.com/oauth2/authorize?client_id="), "{said}");
    assert!(said.ends_with("--- exit 2"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_thousand_messages_each_error_gets_one_reply() {
    let workspace = Workspace::open_with(
        "scope = \"okta\"",
        &[("OKTRIAGE__COOLDOWN__PER_AUTHOR", "10000"), ("OKTRIAGE__COOLDOWN__PER_CHANNEL", "10000")],
    )
    .await;
    let mut errors = Vec::new();
    for index in 0..1_000 {
        if index % 100 == 50 {
            errors.push(workspace.discord.say("okta-support", "dana", SHAREFILE[index % 3]));
        } else {
            workspace.discord.say("okta-support", "dana", CHATTER[index % CHATTER.len()]);
        }
    }
    for error in &errors {
        workspace.reply(*error, SHAREFILE_TITLE).await;
    }
    workspace.settled("okta-support").await;
    let said = workspace
        .discord
        .look(|state| state.messages.values().filter(|it| it.author == state.bot && !it.embeds.is_empty()).count());
    assert_eq!(said, errors.len() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn forums_and_announcements_can_be_watched_from_anywhere() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    let (forum, news, role) = discord.change(|state| {
        let support = state.roles.iter_mut().find(|role| role.name == "support").expect("a role");
        support.permissions |= permission::MANAGE_GUILD;
        let role = support.id;
        let guild = state.guilds[0].id;
        let news = state.add_channel(guild, "news", kind::ANNOUNCEMENT);
        let forum = state.channels.iter().find(|channel| channel.name == "help").expect("a forum").id;
        (forum, news, role)
    });
    for channel in [forum, news] {
        let watch = json!({"name": "okta", "options": [{"name": "watch", "options": [
            {"name": "scope", "value": 0}, {"name": "channel", "value": channel.to_string()},
            {"name": "support_role", "value": role.to_string()},
        ]}]});
        let watched = discord.slash("robin", "general", watch).await.response().await.text();
        assert!(watched.contains(&format!("<#{channel}>: an Okta support channel")), "{watched}");
    }
    let post = discord.forum_post("help", "dana", "ShareFile again", SHAREFILE[0]);
    let reply = workspace.reply(post, SHAREFILE_TITLE).await;
    assert!(in_thread(&reply, post), "in the post itself");
    let posted = discord.say(news, "dana", SHAREFILE[0]);
    let reply = workspace.reply(posted, SHAREFILE_TITLE).await;
    assert!(in_thread(&reply, posted));
    // Elsewhere the manager hears what the bot lacks.
    discord.deny("general", permission::CREATE_PUBLIC_THREADS);
    let here = |cooldown: &str| {
        let options = json!([{"name": "scope", "value": 1}, {"name": "cooldown", "value": cooldown}]);
        json!({"name": "okta", "options": [{"name": "watch", "options": options}]})
    };
    let watched = discord.slash("robin", "general", here("2/1h")).await.response().await.text();
    assert!(watched.contains("I lack permissions here: Create Public Threads"), "{watched}");
    assert!(watched.contains("at most 2 answers in 1 hour"), "{watched}");
    let wrong = discord.slash("robin", "general", here("often")).await.response().await.text();
    assert!(wrong.contains("means at most 10 answers in 5 minutes"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forwarded_or_pointed_at_is_read_with_its_files() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    // PowerShell writes UTF-16.
    let wide: Vec<u8> = SHAREFILE[0].encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = [b"\xff\xfe".as_slice(), &wide].concat();
    let elsewhere = discord.say_with_file("general", "robin", "is this known?", "provisioning.out", wide);
    let forwarded = discord.forward(elsewhere, "okta-support", "dana");
    workspace.reply(forwarded, SHAREFILE_TITLE).await;
    let bot = discord.look(|state| state.bot);
    let pointed = discord.answer(elsewhere, "dana", &format!("<@{bot}> do you know this?"));
    workspace.reply(pointed, SHAREFILE_TITLE).await;
    let menu = discord.menu("dana", elsewhere).await.response().await.text();
    assert!(menu.contains(SHAREFILE_TITLE), "{menu}");

    // Slow files do not cost the answer: Discord is told that it follows.
    discord.fail("/cdn/", 1, Failure::Slow(std::time::Duration::from_secs(3)));
    let asked = discord.menu("dana", elsewhere).await;
    assert_eq!(asked.acknowledged().await, 5);
    let menu = asked.response().await.text();
    assert!(menu.contains(SHAREFILE_TITLE) && menu.contains("only you see this"), "{menu}");
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
async fn a_connection_lost_in_the_middle_of_a_reply_and_a_storm_of_limits_change_nothing() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    // The reply is on its way, the gateway goes.
    discord.fail("POST /channels/", 1, Failure::Slow(std::time::Duration::from_millis(500)));
    let paste = discord.say("okta-support", "dana", SHAREFILE[0]);
    discord
        .wait_for("the thread", |state| {
            state.requests.iter().any(|request| request.path.ends_with("/threads")).then_some(())
        })
        .await;
    discord.disconnect(0);
    workspace.reply(paste, SHAREFILE_TITLE).await;

    discord.fail("POST /channels/", 12, Failure::RateLimited { retry_after: 0.05, global: false });
    let pastes: Vec<u64> = (0..4).map(|_| discord.say("okta-support", "dana", ATLASSIAN[1])).collect();
    for paste in &pastes {
        workspace.reply(*paste, ATLASSIAN_TITLE).await;
    }
    workspace.settled("okta-support").await;
    for paste in pastes.into_iter().chain([paste]) {
        assert_eq!(workspace.replies(paste), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_leaves_fields_out_is_understood_or_passed_over_with_a_word_in_the_log() {
    let workspace = Workspace::open().await;
    let (guild, channel, dana) = workspace.discord.look(|state| {
        let channel = state.channels.iter().find(|channel| channel.name == "okta-support").expect("a channel");
        (state.guilds[0].id.to_string(), channel.id.to_string(), state.user_json(state.user("dana").id))
    });
    // Neither time nor attachments: no message.
    let bare = json!({"id": "77", "channel_id": channel, "guild_id": guild, "author": dana, "content": SHAREFILE[0]});
    workspace.discord.dispatch("MESSAGE_CREATE", &bare);
    workspace.server.wait_for_log("an event of Discord's gateway cannot be read and is passed over");
    workspace.settled("okta-support").await;
}
