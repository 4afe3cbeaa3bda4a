//! Starting, sharding, health, and what ends the connection for good.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::{
    ATLASSIAN_TITLE, SHAREFILE_TITLE, Workspace, begin, health, okta, replies_to, settings, start, with_names,
};
use crate::cases::{ATLASSIAN, SHAREFILE};
use crate::discord::Discord;
use crate::discord::bits::{kind, permission};
use crate::discord::state::Failure;
use crate::program::{PATIENCE, Server, oktriage, seen, temp};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_discord_does_not_take_stops_discord_and_says_what_to_change() {
    let discord = Discord::start().await;
    let dir = temp();
    let server = begin(&discord, dir.path(), "", &[("OKTRIAGE__DISCORD__TOKEN", "wrong.token.here")]);
    server.wait_for_log("Bot > Reset Token");
    // The local workspace goes on, and health says what is wrong.
    let (status, said) = health(&server).await;
    assert_eq!(status, 503);
    assert!(said["platforms"]["discord"]["trouble"].as_str().expect("trouble").contains("Reset Token"), "{said}");
    let id = server.post("okta-support", SHAREFILE[0]).await;
    server.answer_to(id).await;
}

/// What `oktriage doctor` says about Discord, with names instead of ids.
async fn examined(discord: &Discord, dir: &Path, environment: &[(&str, &str)]) -> String {
    let mut command = oktriage();
    command.args(["doctor", "--config"]).arg(dir.join("oktriage.toml"));
    command.env("OKTRIAGE__STORAGE__PATH", dir.join("oktriage.db")).envs(discord.env());
    command.envs(environment.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().expect("the binary ends")).await.expect("ran");
    let said = seen(&output);
    let about = said.find("the token").or_else(|| said.find("Discord does not")).and_then(|at| said[..at].rfind('\n'));
    with_names(discord, &said[about.unwrap_or_else(|| panic!("nothing about Discord in {said}")) + 1..])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_what_is_missing() {
    let discord = Discord::start().await;
    let dir = temp();
    std::fs::write(dir.path().join("oktriage.toml"), settings(&discord, "scope = \"okta\"", "")).expect("written");
    insta::assert_snapshot!(examined(&discord, dir.path(), &[]).await, @r#"
    ok    the token belongs to the bot oktriage
    ok    the message content intent is on: pasted errors are read
    ok    999 of 1000 session starts are left for today
    wrong no commands are registered
          help: start the bot once: it registers them
    ok    #okta-support: all of View Channel, Send Messages, Embed Links, Read Message History, Create Public Threads, Send Messages in Threads are there
    ok    invite the bot with the least permissions: https://discord.com/oauth2/authorize?client_id=oktriage&scope=bot+applications.commands&permissions=309237730304
    ok    people add it to their own account by https://discord.com/oauth2/authorize?client_id=oktriage&integration_type=1&scope=applications.commands
    ok    Slack is off: there is no bot token
    --- exit 2
    "#);
    // Everything that can be wrong.
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    server.wait_for_log("commands registered on Discord");
    drop(server);
    discord.deny("okta-support", permission::CREATE_PUBLIC_THREADS | permission::EMBED_LINKS);
    discord.without_message_content();
    discord.change(|state| state.starts = (3, 60_000));
    insta::assert_snapshot!(examined(&discord, dir.path(), &[]).await, @r#"
    ok    the token belongs to the bot oktriage
    wrong the message content intent is off: pasted errors cannot be read
          help: Discord Developer Portal > your application > Bot > Privileged Gateway Intents > Message Content Intent; or set discord.message_content = false
    wrong 3 of 1000 session starts are left for today
          help: something restarts the bot over and over: look at its log before Discord resets the token
    ok    2 commands are registered everywhere
    wrong #okta-support: missing Embed Links, Create Public Threads (needed: View Channel, Send Messages, Embed Links, Read Message History, Create Public Threads, Send Messages in Threads)
          help: Edit Channel > Permissions: switch these on for the bot's role
    ok    invite the bot with the least permissions: https://discord.com/oauth2/authorize?client_id=oktriage&scope=bot+applications.commands&permissions=309237730304
    ok    people add it to their own account by https://discord.com/oauth2/authorize?client_id=oktriage&integration_type=1&scope=applications.commands
    ok    Slack is off: there is no bot token
    --- exit 2
    "#);
    discord.deny("okta-support", permission::VIEW_CHANNEL);
    let said = examined(&discord, dir.path(), &[]).await;
    assert!(said.contains("the bot does not see this channel"), "{said}");
    let said = examined(&discord, dir.path(), &[("OKTRIAGE__DISCORD__TOKEN", "wrong.token.here")]).await;
    insta::assert_snapshot!(said, @r#"
    wrong Discord does not take the token: 401 Unauthorized
          help: Discord Developer Portal > your application > Bot > Reset Token, then set OKTRIAGE__DISCORD__TOKEN
    ok    Slack is off: there is no bot token
    --- exit 2
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn intents_that_discord_does_not_take_stop_discord_and_say_what_to_change() {
    for (code, help) in [(4013, "update oktriage"), (4014, "Bot > Message Content Intent")] {
        let discord = Discord::start().await;
        if code == 4014 {
            // What the application has cannot be read, and the intent is not there.
            discord.without_message_content();
            discord.fail("GET /oauth2/applications/@me", 1, Failure::Status(500));
        } else {
            discord.change(|state| state.refuse_identify = Some(code));
        }
        let dir = temp();
        let server = begin(&discord, dir.path(), "", &[]);
        server.wait_for_log(help);
        let (status, said) = health(&server).await;
        assert_eq!(status, 503);
        let trouble = said["platforms"]["discord"]["trouble"].as_str().expect("trouble").to_owned();
        assert!(trouble.contains(help) && trouble.contains(&code.to_string()), "{trouble}");
        assert_eq!(said["platforms"]["discord"]["ok"], false);
        // Nobody tries again; the rest of the program goes on, and ends when it is told to.
        let id = server.post("okta-support", SHAREFILE[0]).await;
        server.answer_to(id).await;
        assert!(server.stop().success());
        let (identifies, closed) = discord.look(|state| (state.identifies, state.closed.clone()));
        assert_eq!((identifies, closed), (1, vec![code]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_is_started_when_discord_allows_none() {
    let discord = Discord::start().await;
    discord.change(|state| state.starts = (0, 300));
    let dir = temp();
    let server = begin(&discord, dir.path(), &settings(&discord, "scope = \"okta\"", ""), &[]);
    // It waits as long as it was told, and looks again.
    for _ in 0..3 {
        server.wait_for_log("Discord allows no further session start for now");
    }
    assert_eq!(discord.look(|state| state.identifies), 0);
    discord.change(|state| state.starts = (1_000, 0));
    discord.connected().await;
    let workspace = Workspace { discord, server, dir };
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    workspace.reply(paste, SHAREFILE_TITLE).await;
    assert_eq!(workspace.discord.look(|state| state.identifies), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shard_is_answered_whether_discord_or_the_settings_say_how_many() {
    for (recommended, configured) in [(2, 0), (1, 2)] {
        let discord = Discord::start().await;
        let second = discord.change(|state| {
            state.shards = recommended;
            let shard = |id: u64| (id >> 22) % 2;
            let first = shard(state.guilds[0].id);
            let second = loop {
                let id = state.add_guild("Second");
                if shard(id) != first {
                    break id;
                }
                state.guilds.pop();
            };
            state.add_channel(second, "second-support", kind::TEXT);
            second
        });
        let dir = temp();
        // The token may come from a file.
        let file = dir.path().join("token");
        std::fs::write(&file, format!("{}\n", discord.look(|state| state.token.clone()))).expect("written");
        let more = format!("shards = {configured}\ntoken_file = {file:?}");
        let settings = settings(&discord, "scope = \"okta\"", &more);
        let path = dir.path().join("oktriage.toml");
        std::fs::write(&path, settings).expect("written");
        let server = Server::start_with(
            dir.path(),
            &["--config", path.to_str().expect("a path")],
            &[("OKTRIAGE__DISCORD__API_BASE", &discord.url)],
        );
        let shards = discord
            .wait_for("both shards", |state| {
                let mut shards: Vec<_> = state.sessions.iter().filter(|it| it.connected).map(|it| it.shard).collect();
                shards.sort_unstable();
                (shards.len() == 2).then_some(shards)
            })
            .await;
        assert_eq!(shards, [(0, 2), (1, 2)]);
        let workspace = Workspace { discord, server, dir };
        let watch = json!([{"name": "scope", "value": 0}]);
        let watched = okta(&workspace.discord, "owner", "second-support", "watch", watch).await.response().await;
        assert!(watched.text().contains("an Okta support channel"), "{}", watched.text());
        let first = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
        let other = workspace.discord.say("second-support", "dana", ATLASSIAN[1]);
        workspace.reply(first, SHAREFILE_TITLE).await;
        workspace.reply(other, ATLASSIAN_TITLE).await;
        let direct = workspace.discord.dm("dana", SHAREFILE[0]);
        workspace.reply(direct, SHAREFILE_TITLE).await;
        workspace.discord.look(|state| {
            assert_eq!(state.identifies, 2);
            assert!(state.guilds.iter().any(|guild| guild.id == second));
            assert_eq!(replies_to(state, first).len() + replies_to(state, other).len(), 2);
        });
    }
}

/// Waits until health says that Discord was silent for so many seconds.
async fn silent_for(server: &Server, fits: impl Fn(i64) -> bool) {
    let looking = async {
        loop {
            let (_, said) = health(server).await;
            if fits(said["platforms"]["discord"]["silent_seconds"].as_i64().expect("a number")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("health says so in the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_what_was_heard_and_not_what_is_connected() {
    let discord = Discord::start().await;
    discord.change(|state| state.heartbeat_interval = 500);
    let dir = temp();
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    // Nobody says anything, but heartbeats are acknowledged: after a while, that was heard lately.
    let begun = discord.look(|state| state.heartbeats);
    discord.wait_for("heartbeats", |state| (state.heartbeats > begun + 25).then_some(())).await;
    silent_for(&server, |seconds| seconds < 7).await;
    // Connections are taken, and nothing comes.
    discord.change(|state| state.mute = true);
    silent_for(&server, |seconds| seconds >= 9).await;
    discord.change(|state| state.mute = false);
    silent_for(&server, |seconds| seconds < 7).await;
    let workspace = Workspace { discord, server, dir };
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    workspace.reply(paste, SHAREFILE_TITLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discord_in_trouble_at_the_start_is_waited_for() {
    let discord = Discord::start().await;
    discord.fail("GET /gateway/bot", 3, Failure::Status(503));
    let dir = temp();
    let server = start(&discord, dir.path(), "scope = \"okta\"", &[]).await;
    let workspace = Workspace { discord, server, dir };
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    workspace.reply(paste, SHAREFILE_TITLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_registered_in_single_servers_and_again_only_when_they_changed() {
    let discord = Discord::start().await;
    let guild = discord.look(|state| state.guilds[0].id);
    let dir = temp();
    let settings = settings(&discord, "scope = \"okta\"", &format!("command_guilds = [\"{guild}\"]"));
    let puts = |discord: &Discord| discord.look(|state| state.command_puts);
    for (told, known) in
        [("commands registered on Discord", 1), ("Discord knows the commands already", 1), ("commands registered", 2)]
    {
        let server = begin(&discord, dir.path(), &settings, &[]);
        server.wait_for_log(told);
        assert!(server.stop().success());
        assert_eq!(puts(&discord), known, "{told}");
        if known == 1 && told.contains("already") {
            add_an_old_command(&discord, guild);
        }
    }
    discord.look(|state| {
        assert!(!state.commands.contains_key(&None), "nothing is registered everywhere");
        let names: Vec<_> = state.commands[&Some(guild)].iter().map(|command| command["name"].clone()).collect();
        assert_eq!(names, ["okta", "Diagnose Okta error"]);
    });
}

/// A command that an earlier version had.
fn add_an_old_command(discord: &Discord, guild: u64) {
    discord.change(|state| {
        let mut old = state.commands[&Some(guild)][0].clone();
        old["name"] = "oktriage".into();
        state.commands.entry(Some(guild)).or_default().push(old);
    });
}
