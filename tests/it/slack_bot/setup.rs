//! Workspaces, tokens, and what the doctor says.

use super::{ATLASSIAN_TITLE, SHAREFILE_TITLE, Way, Workspace, environment, serve, settings, with_names};
use crate::cases::{ATLASSIAN, SHAREFILE};
use crate::program::{oktriage, seen, temp};
use crate::slack::Slack;
use crate::slack::state::State;

#[tokio::test(flavor = "multi_thread")]
async fn several_workspaces_from_one_process() {
    let slack = Slack::start().await;
    let second = slack.change(|state| state.add_team("Acme"));
    let (token, okta, app_token) = slack.look(|state| {
        let token = state.team(&second).bot_token.clone();
        (token, state.channel_named("acme/okta-support").id.clone(), state.app_token.clone())
    });
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    let more = format!(
        "{}[[slack.channels]]\nteam = \"{second}\"\nchannel = \"{okta}\"\nscope = \"okta\"\n[[slack.workspaces]]\nbot_token = \"{token}\"\napp_token = \"{app_token}\"\n",
        settings(&slack, "scope = \"okta\"")
    );
    std::fs::write(&file, more).expect("written");
    let server = serve(&slack, dir.path(), &file, Way::Socket, &[]);
    slack.connected().await;
    let workspace = Workspace { slack, server, dir };
    let slack = &workspace.slack;
    // Two messages of the same moment are two messages.
    let at = "1795000000.000100";
    let first = slack.say_at("okta-support", "dana", SHAREFILE[0], at);
    let other = slack.say_at("acme/okta-support", "dana", ATLASSIAN[1], at);
    slack.reply_to(first, SHAREFILE_TITLE).await;
    slack.reply_to(other, ATLASSIAN_TITLE).await;
    assert_eq!(slack.look(State::open_links), 1, "workspaces of one app share a connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_slack_does_not_take_stop_slack_and_say_what_to_change() {
    let slack = Slack::start().await;
    for (wrong, help) in [
        (("OKTRIAGE__SLACK__BOT_TOKEN", "xoxb-wrong"), "OAuth & Permissions"),
        (("OKTRIAGE__SLACK__APP_TOKEN", "xapp-wrong"), "App-Level Tokens"),
    ] {
        let dir = temp();
        let file = dir.path().join("oktriage.toml");
        std::fs::write(&file, settings(&slack, "scope = \"okta\"")).expect("written");
        let server = serve(&slack, dir.path(), &file, Way::Socket, &[wrong]);
        server.wait_for_log(help);
        // The local workspace goes on, and health says what is wrong.
        let id = server.post("okta-support", SHAREFILE[0]).await;
        server.answer_to(id).await;
        let health = server.http.get(format!("{}/healthz", server.url)).send().await.expect("sent");
        assert_eq!(health.status(), 503);
        assert!(health.text().await.expect("text").contains(help));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_what_is_missing() {
    let slack = Slack::start().await;
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    std::fs::write(&file, settings(&slack, "scope = \"okta\"")).expect("written");
    slack.without_scope("channels:history");
    slack.without_scope("files:read");
    // Nothing but this needs it.
    slack.change(|state| state.teams[0].scopes.push("channels:read".to_owned()));
    let environment = environment(&slack, Way::Socket);
    let place = dir.path().to_owned();
    let output = tokio::task::spawn_blocking(move || {
        oktriage()
            .args(["doctor", "--config"])
            .arg(file)
            .env("OKTRIAGE__STORAGE__PATH", dir.path().join("oktriage.db"))
            .envs(environment)
            .output()
            .expect("the binary ends")
    })
    .await
    .expect("ran");
    let said = seen(&output).replace(&place.display().to_string(), "DIR");
    insta::assert_snapshot!(with_names(&slack, &said), @r#"
    ok    the settings can be read
    ok    MANY rules
    ok    the database DIR/oktriage.db can be written
    ok    no reply was given up
    ok    Discord is off: there is no token
    ok    the bot token belongs to the bot oktriage of workspace Example (Example)
    wrong scopes missing: channels:history (granted: app_mentions:read, chat:write, commands, groups:history, im:history, usergroups:read, users:read, channels:read)
          help: https://api.slack.com/apps > your app > OAuth & Permissions > Scopes > Bot Token Scopes, then Reinstall to Workspace
    ok    without the scope files:read, snippets and text files are not read
    ok    Socket Mode can connect for Example (Example)
    wrong channel okta-support cannot be read: a scope is missing
          help: https://api.slack.com/apps > your app > OAuth & Permissions > Scopes > Bot Token Scopes, then Reinstall to Workspace
    ok    the bot is in #okta-support (okta-support), #general (general)
    --- exit 2
    "#);
}
