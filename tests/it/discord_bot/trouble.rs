//! Lost connections and answers, limits, floods, odd events, crashes: one reply for each error all the same.

use std::time::Duration;

use serde_json::json;
use sqlx::Connection as _;

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Workspace, begin, health, replies_to, settings, start};
use crate::cases::{ATLASSIAN, CHATTER, SHAREFILE};
use crate::discord::Discord;
use crate::discord::state::{Failure, State};
use crate::program::temp;

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
    assert_eq!(discord.look(|state| state.impatient.clone()), [""; 0], "who is limited waits");
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
async fn a_connection_lost_in_the_middle_of_a_reply_and_a_storm_of_limits_change_nothing() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    // The reply is on its way, the gateway goes.
    discord.fail("POST /channels/", 1, Failure::Slow(Duration::from_millis(500)));
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
    assert_eq!(discord.look(|state| (state.identifies, state.resumes)), (1, 1));
    assert_eq!(discord.look(|state| state.impatient.clone()), [""; 0], "who is limited waits");
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
    // Without what nobody needs, it is one.
    let sparse = json!({
        "id": "78", "channel_id": channel, "guild_id": guild, "content": SHAREFILE[0],
        "author": {"id": dana["id"], "username": "dana"}, "timestamp": "2026-01-02T03:04:05+00:00",
        "edited_timestamp": null, "tts": false, "mention_everyone": false, "mentions": [], "mention_roles": [],
        "attachments": [], "embeds": [], "pinned": false, "type": 0,
    });
    workspace.discord.dispatch("MESSAGE_CREATE", &sparse);
    workspace.server.wait_for_log("will reply discord/");
    // What is in such events is for nobody's log, and the bot is as well as before.
    for (name, event) in [
        ("MESSAGE_CREATE", json!([])),
        ("MESSAGE_CREATE", json!(null)),
        ("MESSAGE_UPDATE", json!({"id": 7})),
        ("MESSAGE_DELETE", json!({"id": "7"})),
        ("MESSAGE_DELETE_BULK", json!({"ids": "none"})),
        ("INTERACTION_CREATE", json!({"type": 99, "token": "secret-of-an-interaction"})),
        ("GUILD_CREATE", json!({"id": "1"})),
        ("THREAD_CREATE", json!({"type": "thread"})),
    ] {
        workspace.discord.dispatch(name, &event);
    }
    workspace.settled("okta-support").await;
    assert_eq!(health(&workspace.server).await.0, 200);
    assert_eq!(workspace.discord.look(|state| (state.identifies, state.resumes)), (1, 0));
}

/// So many messages are worked on side by side.
const WORKERS: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_that_is_longer_than_what_is_held_loses_nothing() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    // Everybody is busy with files that do not come.
    discord.hold("/cdn/");
    let say_with_file = || discord.say_with_file("okta-support", "robin", "see the log", "agent.log", SHAREFILE[0]);
    let mut errors: Vec<u64> = (0..WORKERS).map(|_| say_with_file()).collect();
    let thread = discord.say("okta-support", "dana", "more in the thread");
    for index in 0..3_000 {
        match index % 300 {
            150 => errors.push(discord.say("okta-support", "dana", SHAREFILE[0])),
            151 => errors.push(discord.reply_in_thread(
                thread,
                "dana",
                if index > 2_800 { SHAREFILE[0] } else { CHATTER[0] },
            )),
            _ => {
                discord.say("okta-support", "dana", CHATTER[index % CHATTER.len()]);
            }
        }
    }
    let talk: Vec<u64> = errors
        .iter()
        .copied()
        .filter(|id| {
            discord.look(|state| {
                let message = state.message(*id).expect("a message");
                message.content == CHATTER[0]
            })
        })
        .collect();
    errors.retain(|id| !talk.contains(id));
    // One that is not held is edited, another one deleted before it can be read.
    let edited = discord.say("okta-support", "dana", "it works");
    let deleted = discord.say("okta-support", "dana", SHAREFILE[0]);
    workspace.server.wait_for_log("messages come faster than they can be held");
    discord.edit(edited, ATLASSIAN[1]);
    discord.delete(deleted);
    discord.let_go();
    for error in &errors {
        workspace.reply(*error, SHAREFILE_TITLE).await;
    }
    workspace.reply(edited, ATLASSIAN_TITLE).await;
    workspace.server.wait_for_log("read what was not held");
    workspace.settled("okta-support").await;
    discord.look(|state| {
        for error in errors.iter().chain([&edited]) {
            assert_eq!(replies_to(state, *error).len(), 1);
        }
        assert!(talk.iter().chain([&deleted]).all(|id| replies_to(state, *id).is_empty()));
        let said = state.messages.values().filter(|it| it.author == state.bot && !it.embeds.is_empty() && !it.deleted);
        assert_eq!(said.count(), errors.len() + 2);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_a_program_that_is_killed_is_read_again() {
    let workspace = Workspace::open().await;
    let Workspace { discord, server, dir } = workspace;
    // How far was read is known.
    let before = discord.say("okta-support", "dana", SHAREFILE[0]);
    discord.wait_for("a reply", |state| (replies_to(state, before).len() == 1).then_some(())).await;
    assert!(server.stop().success());
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    discord.hold("/cdn/");
    let mut errors: Vec<u64> = (0..WORKERS)
        .map(|_| discord.say_with_file("okta-support", "robin", "see the log", "agent.log", SHAREFILE[0]))
        .collect();
    errors.extend((0..20).map(|_| discord.say("okta-support", "dana", SHAREFILE[0])));
    server.kill();
    discord.let_go();
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    let workspace = Workspace { discord, server, dir };
    for error in &errors {
        workspace.reply(*error, SHAREFILE_TITLE).await;
    }
    workspace.settled("okta-support").await;
    for error in errors.into_iter().chain([before]) {
        assert_eq!(workspace.replies(error), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_and_a_thread_that_cannot_be_read_at_once_are_read_later() {
    let workspace = Workspace::open().await;
    let Workspace { discord, server, dir } = workspace;
    let root = discord.say("okta-support", "dana", "see the thread");
    let first = discord.reply_in_thread(root, "dana", SHAREFILE[0]);
    discord.wait_for("a reply", |state| (replies_to(state, first).len() == 1).then_some(())).await;
    assert!(server.stop().success());
    let missed = discord.say("okta-support", "dana", ATLASSIAN[1]);
    let missed_in_thread = discord.reply_in_thread(root, "dana", ATLASSIAN[1]);
    let place = discord.look(|state| state.message(missed).expect("a message").channel);
    discord.fail(&format!("GET /channels/{place}/messages"), 1, Failure::Status(502));
    discord.fail("GET /guilds/", 1, Failure::RateLimited { retry_after: 0.2, global: false });
    discord.fail(&format!("GET /channels/{root}/messages"), 1, Failure::RateLimited { retry_after: 0.2, global: true });
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    let workspace = Workspace { discord, server, dir };
    workspace.reply(missed, ATLASSIAN_TITLE).await;
    workspace.reply(missed_in_thread, ATLASSIAN_TITLE).await;
    // A thread of which the gateway said nothing: Discord is asked, and again when it cannot answer.
    let hidden = workspace.discord.change(|state| {
        let channel = state.message(missed).expect("a message").channel;
        let owner = state.user("dana").id;
        let sessions = std::mem::take(&mut state.sessions);
        let hidden = state.add_thread(channel, 0, owner, "a thread", 1_440);
        state.sessions = sessions;
        hidden
    });
    workspace.discord.fail(&format!("GET /channels/{hidden}"), 1, Failure::Status(500));
    workspace.discord.fail(
        &format!("GET /channels/{hidden}"),
        1,
        Failure::RateLimited { retry_after: 0.2, global: false },
    );
    let asked: Vec<u64> = (0..3).map(|_| workspace.discord.say(hidden, "dana", SHAREFILE[0])).collect();
    workspace
        .discord
        .wait_for("one reply", |state| {
            let said = asked.iter().flat_map(|id| replies_to(state, *id)).count();
            (said == 1).then_some(())
        })
        .await;
    workspace.settled("okta-support").await;
    let lookups = workspace.discord.look(|state| {
        assert_eq!(state.impatient, [""; 0], "who is limited waits");
        state.requests.iter().filter(|it| it.method == "GET" && it.path == format!("/channels/{hidden}")).count()
    });
    assert_eq!(lookups, 3, "it is asked once for all, and again only when Discord is in trouble");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_whose_turn_to_be_read_did_not_come_is_read_after_the_next_start() {
    let (discord, dir) = (Discord::start().await, temp());
    let (guild, general) = discord.look(|state| {
        let general = state.channels.iter().find(|channel| channel.name == "general").expect("a channel");
        (state.guilds[0].id, general.id)
    });
    let general = format!("[[discord.channels]]\nguild = \"{guild}\"\nchannel = \"{general}\"\nscope = \"okta\"");
    let settings = settings(&discord, "scope = \"okta\"", &general);
    let start = async || {
        let server = begin(&discord, dir.path(), &settings, &[]);
        discord.connected().await;
        server
    };
    let in_both = async |text: &str| ["okta-support", "general"].map(|channel| discord.say(channel, "dana", text));
    let answered = async |pastes: [u64; 2]| {
        for paste in pastes {
            let one = |state: &State| (replies_to(state, paste).len() == 1).then_some(());
            discord.wait_for("one reply", one).await;
        }
    };
    let mut server = start().await;
    answered(in_both(SHAREFILE[0]).await).await;
    // Whichever channel comes first is read for as long as the first takes, which is a part of it; and the commands are
    // registered for as long as the second. New messages are answered meanwhile.
    for held in ["/guilds/", "/applications/"] {
        assert!(server.stop().success());
        let missed = in_both(ATLASSIAN[1]).await;
        discord.hold(held);
        server = start().await;
        answered(in_both(SHAREFILE[0]).await).await;
        assert!(server.stop().success());
        discord.let_go();
        server = start().await;
        answered(missed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_answer_does_so_when_discord_can_again() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    discord.fail("POST /channels/", 4, Failure::Status(500));
    let paste = discord.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.reply(paste, SHAREFILE_TITLE).await;
    discord.fail("PATCH /channels/", 2, Failure::Status(503));
    discord.edit(paste, ATLASSIAN[1]);
    let changed = workspace.reply(paste, ATLASSIAN_TITLE).await;
    assert_eq!(changed.id, reply.id);
    discord.fail("DELETE /channels/", 1, Failure::LostAnswer);
    discord.fail("DELETE /channels/", 1, Failure::Status(504));
    discord.delete(paste);
    workspace.gone(reply.id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_be_written_for_a_while_loses_nothing() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(workspace.dir.path().join("oktriage.db"));
    let mut other = sqlx::SqliteConnection::connect_with(&options).await.expect("connected");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("begun");
    let paste = discord.say("okta-support", "dana", SHAREFILE[0]);
    workspace.server.wait_for_log("another process keeps the database to itself");
    // Longer than a lease: whoever cannot renew it disconnects, so that another may take over.
    discord.wait_for("nobody", |state| state.sessions.iter().all(|session| !session.connected).then_some(())).await;
    let meanwhile = discord.say("okta-support", "robin", ATLASSIAN[1]);
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("ended");
    workspace.reply(paste, SHAREFILE_TITLE).await;
    workspace.reply(meanwhile, ATLASSIAN_TITLE).await;
    workspace.settled("okta-support").await;
    assert_eq!((workspace.replies(paste), workspace.replies(meanwhile)), (1, 1));
}
