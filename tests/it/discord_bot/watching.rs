//! What the bot looks at: channels, files, threads.

use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Workspace, in_thread, okta, support_manages, with_names};
use crate::cases::{ATLASSIAN, SHAREFILE};
use crate::discord::bits::{kind, permission};
use crate::discord::readable;
use crate::discord::state::Failure;

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
async fn channels_are_opted_in_and_out_by_those_who_may() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    let watch = json!({"name": "okta", "options": [{"name": "watch", "options": [{"name": "scope", "value": 0}]}]});
    let refused = discord.slash("dana", "general", watch.clone()).await.response().await.text();
    assert!(refused.contains("Only members who may manage the server"), "{refused}");
    support_manages(discord);
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
    insta::assert_snapshot!(readable(&offer), @r#"
    This looks like a known Okta error.
    [Show the answer] [Remove]
    "#);
    let other = workspace.discord.press("robin", offer.id, "Show the answer").await.response().await.text();
    insta::assert_snapshot!(other, @r#"
    This is offered to the person who posted the message. Use the message menu “Diagnose Okta error” to see it yourself.
    (only you see this)
    "#);
    let own = workspace.discord.press("dana", offer.id, "Show the answer").await.response().await.text();
    assert!(own.starts_with(SHAREFILE_TITLE), "{own}");
    let end = own.find("an Okta admin can fix this").unwrap_or_else(|| panic!("no footer in {own}"));
    insta::assert_snapshot!(&own[end..], @r#"
    an Okta admin can fix this · provisioning/sharefile-invalid-credentials · reviewed 2026-11-22 · confidence high · Independent of Okta
    (only you see this)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn shadow_mode_only_counts() {
    let workspace = Workspace::open_with("scope = \"okta\"\nmode = \"shadow\"", &[]).await;
    let paste = workspace.discord.say("okta-support", "dana", SHAREFILE[0]);
    let status = json!({"name": "okta", "options": [{"name": "status"}]});
    loop {
        let said = workspace.discord.slash("dana", "general", status.clone()).await.response().await.text();
        if said.contains("1 message would have been answered") {
            break;
        }
        assert!(said.contains("nothing is posted; 0 messages"), "{said}");
    }
    assert_eq!(workspace.replies(paste), 0);
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
    discord.fail("/cdn/", 1, Failure::Slow(Duration::from_secs(3)));
    let asked = discord.menu("dana", elsewhere).await;
    assert_eq!(asked.acknowledged().await, 5);
    let menu = asked.response().await.text();
    assert!(menu.contains(SHAREFILE_TITLE) && menu.contains("only you see this"), "{menu}");

    // A file that never comes is given up; what the message says is answered.
    discord.hold("/cdn/");
    let alone = discord.say_with_file("okta-support", "robin", ATLASSIAN[1], "more.log", SHAREFILE[0]);
    workspace.reply(alone, ATLASSIAN_TITLE).await;
    workspace.server.wait_for_log("took longer than 10 seconds");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_are_not_answered_nor_is_what_they_edit() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    discord.change(|state| state.add_user("alerts", true));
    let program = discord.say("okta-support", "alerts", SHAREFILE[0]);
    discord.edit(program, ATLASSIAN[1]);
    // A webhook has no account of its own.
    let (guild, channel, mut hook) = discord.look(|state| {
        let channel = state.channels.iter().find(|channel| channel.name == "okta-support").expect("a channel");
        let message = state.message_json(state.message(program).expect("a message"), true);
        (state.guilds[0].id, channel.id, message)
    });
    hook["id"] = "99".into();
    hook["guild_id"] = guild.to_string().into();
    hook["channel_id"] = channel.to_string().into();
    hook["webhook_id"] = "98".into();
    hook["author"] = json!({"id": "98", "username": "deploys", "discriminator": "0000", "avatar": null});
    discord.dispatch("MESSAGE_CREATE", &hook);
    workspace.settled("okta-support").await;
    let answers = discord
        .look(|state| state.messages.values().filter(|it| it.author == state.bot && !it.embeds.is_empty()).count());
    assert_eq!(answers, 1, "to who asked last");
    assert_eq!(workspace.replies(program) + workspace.replies(99), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_read_in_every_usual_kind_of_file_from_discord_only_and_within_bounds() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    let line = serde_json::to_string(SHAREFILE[0]).expect("a text");
    let files = [
        ("error.txt", SHAREFILE[0].to_owned()),
        ("okta.json", format!("{{\"errorSummary\":{line}}}")),
        ("session.har", format!("{{\"log\":{{\"entries\":[{{\"response\":{{\"content\":{{\"text\":{line}}}}}}}]}}}}")),
        ("trace.xml", format!("<error><message>{}</message></error>", SHAREFILE[0])),
        ("System-Log.csv", format!("time,outcome\n2026-01-02,\"{}\"\n", SHAREFILE[0])),
    ];
    for (name, text) in files {
        let file = discord.say_with_file("okta-support", "dana", "", name, text);
        workspace.reply(file, SHAREFILE_TITLE).await;
    }
    // Of a long file, the beginning counts.
    let chatter = "all is well\n".repeat(100_000);
    let early = format!("{}\n{chatter}", SHAREFILE[0]);
    let late = format!("{chatter}\n{}", SHAREFILE[0]);
    let early = discord.say_with_file("okta-support", "dana", "", "early.log", early);
    let late = discord.say_with_file("okta-support", "dana", "", "late.log", late);
    workspace.reply(early, SHAREFILE_TITLE).await;
    // A picture is none, and neither is what lies elsewhere.
    let picture = discord.say_with_file("okta-support", "dana", "", "error.png", SHAREFILE[0]);
    discord.change(|state| state.url = state.url.replace("127.0.0.1", "localhost"));
    let elsewhere = discord.say_with_file("okta-support", "dana", "", "error.txt", SHAREFILE[0]);
    workspace.server.wait_for_log("not one of Discord's hosts");
    workspace.settled("okta-support").await;
    for file in [late, picture, elsewhere] {
        assert_eq!(workspace.replies(file), 0);
    }
    // What comes right after the start may be read from the history, too.
    let mut fetched: Vec<String> = discord.look(|state| {
        let requests = state.requests.iter().filter(|it| it.path.starts_with("/cdn/"));
        requests.map(|it| it.path.clone()).collect()
    });
    fetched.sort_unstable();
    fetched.dedup();
    assert_eq!(fetched.len(), 7);
    // What cannot be fetched costs the file only.
    discord.change(|state| state.url = state.url.replace("localhost", "127.0.0.1"));
    discord.fail("/cdn/", 1, Failure::Status(404));
    let gone = discord.say_with_file("okta-support", "dana", ATLASSIAN[1], "gone.log", "nothing");
    workspace.reply(gone, ATLASSIAN_TITLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_a_channel_is_watched_is_chosen_and_shown_where_it_is() {
    let workspace = Workspace::open().await;
    let discord = &workspace.discord;
    support_manages(discord);
    let role = discord.look(|state| state.roles.iter().find(|role| role.name == "support").expect("a role").id);
    let choose = |mode: u8| json!([{"name": "scope", "value": 1}, {"name": "mode", "value": mode}, {"name": "support_role", "value": role.to_string()}]);
    let said = okta(discord, "robin", "general", "watch", choose(1)).await.response().await.text();
    insta::assert_snapshot!(with_names(discord, &said), @r#"
    <#general>: a mixed channel, answers are offered to the poster
    (only you see this)
    "#);
    // Okta has to be evident here, and the poster alone is offered the answer.
    let vague = discord.say("general", "dana", "invalid_client");
    let paste = discord.say("general", "dana", SHAREFILE[0]);
    workspace.reply(paste, "This looks like a known Okta error").await;
    assert_eq!(workspace.replies(vague), 0);
    let said = okta(discord, "robin", "general", "watch", choose(2)).await.response().await.text();
    insta::assert_snapshot!(with_names(discord, &said), @r#"
    <#general>: a mixed channel, nothing is posted; 0 messages would have been answered so far
    (only you see this)
    "#);
    let shadow = discord.say("general", "dana", SHAREFILE[0]);
    // A thread can be watched by itself.
    let root = discord.say("general", "dana", "about Okta");
    discord.reply_in_thread(root, "dana", "here it is");
    let thread = json!([{"name": "scope", "value": 0}, {"name": "channel", "value": root.to_string()}]);
    okta(discord, "robin", "general", "watch", thread).await.response().await;
    let in_it = discord.reply_in_thread(root, "dana", SHAREFILE[0]);
    workspace.reply(in_it, SHAREFILE_TITLE).await;
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(shadow), 0);
    let said = okta(discord, "dana", "general", "status", json!([])).await.response().await.text();
    // The number of rules grows.
    let watched = said.split_once('\n').expect("lines").1.to_owned();
    insta::assert_snapshot!(with_names(discord, &watched), @r#"
    <#okta-support>: an Okta support channel, errors are answered in threads
    <#general>: a mixed channel, nothing is posted; 1 message would have been answered so far
    <#a thread>: an Okta support channel, errors are answered in threads; no team to ask
    (only you see this)
    "#);
    let said = okta(discord, "robin", "general", "unwatch", json!([])).await.response().await.text();
    insta::assert_snapshot!(said, @r#"
    I no longer answer here by myself. Questions are still answered.
    (only you see this)
    "#);
}
