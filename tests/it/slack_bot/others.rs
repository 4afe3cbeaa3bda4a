//! Against a Slack that nobody here wrote.

use serde_json::Value;

use crate::cases::{ATLASSIAN, CHATTER, SHAREFILE};
use crate::program::{Server, temp};
use crate::slack::emulate::{self, Emulate};

#[tokio::test(flavor = "multi_thread")]
async fn a_slack_of_others_gets_the_same_answers() {
    let mut emulate = Emulate::start().await;
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    // It calls itself so in the addresses of files.
    let hosts = emulate.url.replace("http://127.0.0.1", "localhost");
    let team = emulate.ask("oktriage", "auth.test", &[]).await["team_id"].as_str().expect("an id").to_owned();
    let channel = emulate.channel("okta-support").await;
    let watched = format!(
        "[slack]\nfile_hosts = [\"{hosts}\"]\n[[slack.channels]]\nteam = \"{team}\"\nchannel = \"{channel}\"\nscope = \"okta\"\n"
    );
    std::fs::write(&file, watched).expect("written");
    let base = format!("{}/api", emulate.url);
    let server = Server::start_with(
        dir.path(),
        &["--config", file.to_str().expect("a path")],
        &[
            ("OKTRIAGE__SLACK__BOT_TOKEN", emulate::BOT_TOKEN),
            ("OKTRIAGE__SLACK__SIGNING_SECRET", emulate::SIGNING_SECRET),
            ("OKTRIAGE__SLACK__API_BASE", &base),
        ],
    );
    server.wait_for_log("in a workspace of Slack");
    emulate.send_events_to(&format!("{}/slack/events", server.url)).await;
    let says = |what: &'static str| move |reply: &Value| reply.to_string().contains(what);

    let talk = emulate.say("dana", &channel, CHATTER[2]).await;
    let paste = emulate.say("dana", &channel, SHAREFILE[1]).await;
    let reply = emulate.reply_to(&channel, &paste, says("API credentials are invalid")).await;
    assert_eq!(reply["thread_ts"], paste.as_str());
    emulate.edit("dana", &channel, &paste, ATLASSIAN[1]).await;
    let changed = emulate.reply_to(&channel, &paste, says("Atlassian")).await;
    assert_eq!(changed["ts"], reply["ts"], "updated in place");
    emulate.delete("dana", &channel, &paste).await;
    let removed = reply["ts"].as_str().expect("a time").to_owned();
    while emulate.thread(&channel, &paste).await.iter().any(|it| it["ts"] == removed.as_str()) {
        emulate.changed().await;
    }
    let file = emulate.say_with_file("robin", &channel, "see the log", "agent.log", SHAREFILE[0].as_bytes()).await;
    emulate.reply_to(&channel, &file, says("API credentials are invalid")).await;
    assert_eq!(emulate.thread(&channel, &talk).await.len(), 1, "talk is left alone");
}
