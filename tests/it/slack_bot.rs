//! Conversations with the real program on Slack, as a process against the double.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cases::{ATLASSIAN, CHATTER, GMAIL, SHAREFILE};
use crate::program::{Server, oktriage, seen, temp};
use crate::slack::emulate::{self, Emulate};
use crate::slack::state::{Failure, Kind, Message, State};
use crate::slack::{Forgery, Slack, readable, readable_view};

/// What identifies an answer about ShareFile.
const SHAREFILE_TITLE: &str = "ShareFile provisioning: the API credentials are invalid";
const ATLASSIAN_TITLE: &str = "Atlassian";

/// How events come to the bot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Socket,
    Http,
}

/// The double with the bot in it, which watches "okta-support" unless told otherwise.
struct Workspace {
    slack: Slack,
    server: Server,
    dir: tempfile::TempDir,
}

impl Workspace {
    async fn open() -> Self {
        Self::open_with(Way::Socket, "scope = \"okta\"", &[]).await
    }

    async fn open_with(way: Way, channel: &str, environment: &[(&str, &str)]) -> Self {
        let slack = Slack::start().await;
        let dir = temp();
        let server = start(&slack, dir.path(), way, channel, environment).await;
        Self { slack, server, dir }
    }

    /// The bot ends, something happens, and it comes back.
    async fn restart(self, meanwhile: impl FnOnce(&Slack)) -> Self {
        let Self { slack, server, dir } = self;
        assert!(server.stop().success());
        slack.wait_for("the end of the connection", |state| (state.open_links() == 0).then_some(())).await;
        meanwhile(&slack);
        let server = start(&slack, dir.path(), Way::Socket, "scope = \"okta\"", &[]).await;
        Self { slack, server, dir }
    }

    async fn gone(&self, reply: &Message) {
        let id = reply.id;
        self.slack
            .wait_for("the removal", |state| state.messages.get(&id).is_none_or(|it| it.deleted).then_some(()))
            .await;
    }

    /// Proves silence: everything that was said before in this channel has been decided and delivered.
    async fn settled(&self, channel: &str) {
        self.slack.settled().await;
        let last = self.slack.say(channel, "robin", GMAIL[1]);
        self.slack.reply_to(last, "Workflows").await;
    }

    fn replies(&self, message: u64) -> usize {
        self.slack.bot_replies(message).len()
    }
}

/// The settings that name the first workspace and its channel "okta-support".
fn settings(slack: &Slack, channel: &str) -> String {
    let (team, okta, group) = slack.look(|state| {
        let okta = state.channel_named("okta-support");
        (okta.team.clone(), okta.id.clone(), state.groups["support"].0.clone())
    });
    let hosts = slack.url.trim_start_matches("http://");
    format!(
        "[slack]\nfile_hosts = [\"{hosts}\"]\njoined = \"off\"\n[[slack.channels]]\nteam = \"{team}\"\nchannel = \"{okta}\"\n{channel}\nsupport_group = \"{group}\"\n"
    )
}

/// What the environment tells about the double.
fn environment(slack: &Slack, way: Way) -> Vec<(String, String)> {
    let mut all = vec![
        ("OKTRIAGE__SLACK__BOT_TOKEN".to_owned(), slack.bot_token()),
        ("OKTRIAGE__SLACK__API_BASE".to_owned(), format!("{}/api", slack.url)),
    ];
    let (app_token, secret) = slack.look(|state| (state.app_token.clone(), state.signing_secret.clone()));
    all.push(match way {
        Way::Socket => ("OKTRIAGE__SLACK__APP_TOKEN".to_owned(), app_token),
        Way::Http => ("OKTRIAGE__SLACK__SIGNING_SECRET".to_owned(), secret),
    });
    all
}

/// Starts the bot over Socket Mode; it has yet to connect.
pub(crate) fn begin(slack: &Slack, dir: &Path, more: &[(&str, &str)]) -> Server {
    let file = dir.join("oktriage.toml");
    std::fs::write(&file, settings(slack, "scope = \"okta\"")).expect("written");
    serve(slack, dir, &file, Way::Socket, more)
}

async fn start(slack: &Slack, dir: &Path, way: Way, channel: &str, more: &[(&str, &str)]) -> Server {
    let file = dir.join("oktriage.toml");
    std::fs::write(&file, settings(slack, channel)).expect("written");
    let server = serve(slack, dir, &file, way, more);
    if way == Way::Http {
        let url = |path: &str| format!("{}/slack/{path}", server.url);
        slack.use_urls(&url("events"), &url("interactions"), &url("commands")).await.expect("the challenge");
    }
    slack.connected().await;
    server
}

fn serve(slack: &Slack, dir: &Path, file: &Path, way: Way, more: &[(&str, &str)]) -> Server {
    let environment = environment(slack, way);
    let mut all: Vec<(&str, &str)> = environment.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    all.extend(more);
    Server::start_with(dir, &["--config", file.to_str().expect("a path")], &all)
}

/// How often the bot said something publicly, with blocks.
fn said(state: &State) -> usize {
    let bots: Vec<&String> = state.teams.iter().map(|team| &team.bot_user).collect();
    state
        .messages
        .values()
        .filter(|it| bots.contains(&&it.user) && !it.deleted && !it.is_ephemeral() && !it.blocks.is_empty())
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_a_paste_is_answered_in_its_thread() {
    let workspace = Workspace::open().await;
    for text in CHATTER {
        workspace.slack.say("okta-support", "dana", text);
    }
    let paste = workspace.slack.say("okta-support", "dana", SHAREFILE[1]);
    let reply = workspace.slack.reply_to(paste, SHAREFILE_TITLE).await;
    let text = readable(&reply);
    for part in [
        "Recognised",
        "Cause",
        "Solution",
        "an Okta admin can fix this",
        "provisioning/sharefile-invalid-credentials",
        "Independent of Okta",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    for button in ["Fixed it", "Not my problem", "Ask the team", "Remove"] {
        assert!(text.contains(&format!("[{button}]")), "{button} is missing in:\n{text}");
    }
    assert!(!reply.text.is_empty(), "notifications and readers of the screen need a text");
    assert_eq!(reply.notified, [""; 0], "nobody is mentioned");
    assert!(!reply.unfurls, "links show no previews");
    workspace.settled("okta-support").await;
    assert_eq!(workspace.slack.look(said), 2);
    // Outside the watched channel nothing is answered.
    let elsewhere = workspace.slack.say("general", "dana", SHAREFILE[0]);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(elsewhere), 0);
    assert_eq!(workspace.slack.look(|state| state.unknown.clone()), [""; 0]);
    assert_eq!(workspace.slack.look(|state| state.strange_acks.clone()), [json!(null); 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_snippets_files_and_threads_are_read() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let file = slack.say_with_file("okta-support", "dana", "see the log", "agent.log", SHAREFILE[0]);
    slack.reply_to(file, SHAREFILE_TITLE).await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"\xff\xfe noise\n").expect("packed");
    packed.write_all(ATLASSIAN[1].as_bytes()).expect("packed");
    let packed = packed.finish().expect("packed");
    let file = slack.say_with_file("okta-support", "robin", "", "agent.log.gz", packed);
    slack.reply_to(file, ATLASSIAN_TITLE).await;

    // In a thread the answer stands beside the question, and the same thing is said once.
    let root = slack.say("okta-support", "dana", "provisioning is broken, details below");
    slack.reply_in_thread(root, "dana", SHAREFILE[0]);
    slack.reply_to(root, SHAREFILE_TITLE).await;
    slack.reply_in_thread(root, "robin", SHAREFILE[2]);
    slack.reply_and_broadcast(root, "robin", ATLASSIAN[1]);
    slack.reply_to(root, ATLASSIAN_TITLE).await;
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(root), 2);

    // Programs are not answered.
    let integration = slack.say_as_integration("okta-support", "alerts", SHAREFILE[0]);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(integration), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_the_reply_follows_edits_and_goes_with_its_message() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.unfurl(paste);
    slack.edit(paste, ATLASSIAN[1]);
    let changed = slack.reply_to(paste, ATLASSIAN_TITLE).await;
    assert_eq!(changed.id, reply.id, "updated in place");
    slack.edit(paste, "never mind, solved");
    workspace.gone(&reply).await;
    let other = slack.say("okta-support", "robin", SHAREFILE[0]);
    let reply = slack.reply_to(other, SHAREFILE_TITLE).await;
    slack.delete(other);
    workspace.gone(&reply).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_a_reply_that_can_no_longer_be_edited_is_posted_anew_once() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.change(|state| state.messages.get_mut(&reply.id).expect("the reply").frozen = true);
    slack.edit(paste, ATLASSIAN[1]);
    let anew = slack.reply_to(paste, ATLASSIAN_TITLE).await;
    assert_ne!(anew.id, reply.id);
    workspace.gone(&reply).await;
    // From here on, that one is changed and removed.
    slack.edit(paste, SHAREFILE[1]);
    let changed = slack.reply_to(paste, SHAREFILE_TITLE).await;
    assert_eq!(changed.id, anew.id);
    slack.delete(paste);
    workspace.gone(&anew).await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_people_close_replies_and_call_the_team_and_a_restart_changes_nothing() {
    let workspace = Workspace::open().await;
    let paste = workspace.slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = workspace.slack.reply_to(paste, SHAREFILE_TITLE).await;
    let workspace = workspace.restart(|_| {}).await;
    let slack = &workspace.slack;

    slack.press("dana", reply.id, "Ask the team").await.acknowledged().await;
    let group = slack.look(|state| state.groups["support"].0.clone());
    let call = slack
        .wait_for("the call", |state| state.messages.values().find(|it| it.notified.contains(&group)).cloned())
        .await;
    let ts = slack.look(|state| state.messages[&paste].ts.clone());
    assert_eq!(call.thread_ts.as_deref(), Some(ts.as_str()), "the call stands in the thread");
    let changed = slack.reply_to(paste, "The team was asked by").await;
    assert!(!readable(&changed).contains("[Ask the team]"));

    // A stranger may not close it; a supporter may.
    slack.change(|state| {
        let team = state.teams[0].id.clone();
        let kim = state.add_user(&team, "kim");
        let channel = state.channel_named("okta-support").id.clone();
        state.channel_mut(&channel).expect("a channel").members.push(kim);
    });
    slack.press("kim", reply.id, "Fixed it").await.acknowledged().await;
    let refused = ephemeral_to(slack, "kim").await;
    assert!(refused.contains("Only the person who posted the message and the support team"), "{refused}");
    slack.press("robin", reply.id, "Fixed it").await.acknowledged().await;
    let closed = slack.reply_to(paste, "✅ Fixed, says").await;
    assert!(!readable(&closed).contains("[Fixed it]"), "{}", readable(&closed));
    slack.press("dana", reply.id, "Remove").await.acknowledged().await;
    workspace.gone(&reply).await;
    // It does not come back.
    slack.edit(paste, &format!("{}!", SHAREFILE[0]));
    workspace.settled("okta-support").await;
    assert_eq!(workspace.slack.bot_replies(paste).iter().filter(|it| it.id != call.id).count(), 0);
    drop(workspace);
}

/// The first thing that only this person sees.
async fn ephemeral_to(slack: &Slack, user: &str) -> String {
    slack
        .wait_for("a private message", |state| {
            let user = state.user(user).id.clone();
            let found = state.messages.values().rfind(|it| it.ephemeral_to.as_ref() == Some(&user));
            found.map(readable)
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_questions_are_answered_privately_and_can_be_shared() {
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
async fn slack_forms_and_shortcuts_diagnose() {
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
async fn slack_home_says_what_the_bot_does_and_searches() {
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

#[tokio::test(flavor = "multi_thread")]
async fn slack_channels_are_opted_in_and_out_by_those_who_may() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let usage = slack.slash("owner", "general", "/okta watch everything").await.response().await.text();
    assert!(usage.contains("Examples:"), "{usage}");
    let refused = slack.slash("dana", "general", "/okta watch okta").await.response().await.text();
    assert!(refused.contains("Only people who may change my settings"), "{refused}");
    let group = slack.look(|state| state.groups["support"].0.clone());
    let watch = format!("/okta watch okta suggest <!subteam^{group}|@support>");
    let watched = slack.slash("owner", "general", &watch).await.response().await.text();
    assert!(watched.contains("an Okta support channel, answers are offered to the poster"), "{watched}");
    slack.slash("owner", "general", "/okta watch okta").await.response().await;
    let paste = slack.say("general", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    assert!(readable(&reply).contains("[Ask the team]"), "the group stays when only the mode changes");
    slack.slash("owner", "general", "/okta unwatch").await.response().await;
    let paste = slack.say("general", "dana", ATLASSIAN[1]);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_an_invitation_opts_a_channel_in() {
    let slack = Slack::start().await;
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    std::fs::write(&file, "").expect("written");
    let server = serve(&slack, dir.path(), &file, Way::Socket, &[]);
    slack.connected().await;
    let workspace = Workspace { slack, server, dir };
    let slack = &workspace.slack;
    slack.invite("elsewhere", "dana");
    let paste = slack.say("elsewhere", "dana", SHAREFILE[0]);
    slack.reply_to(paste, SHAREFILE_TITLE).await;
    // Without a word about Okta, a mixed channel is left alone.
    slack.say("elsewhere", "dana", "error: invalid_grant");
    slack.slash("owner", "elsewhere", "/okta unwatch").await.response().await;
    let paste = slack.say("elsewhere", "dana", ATLASSIAN[1]);
    workspace.settled("general").await;
    assert_eq!(workspace.replies(paste), 0);
    assert_eq!(workspace.slack.look(said), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_an_answer_can_be_offered_to_the_poster_only() {
    let workspace = Workspace::open_with(Way::Socket, "scope = \"okta\"\nmode = \"suggest\"", &[]).await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let offer = slack.reply_to(paste, "This looks like a known Okta error").await;
    assert!(!readable(&offer).contains("ShareFile"), "{}", readable(&offer));
    slack.press("robin", offer.id, "Show the answer").await.acknowledged().await;
    let other = ephemeral_to(slack, "robin").await;
    assert!(other.contains("message shortcut"), "{other}");
    slack.press("dana", offer.id, "Show the answer").await.acknowledged().await;
    let own = ephemeral_to(slack, "dana").await;
    assert!(own.contains(SHAREFILE_TITLE), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_shadow_mode_only_counts() {
    let workspace = Workspace::open_with(Way::Socket, "scope = \"okta\"\nmode = \"shadow\"", &[]).await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    slack.settled().await;
    let status = slack.slash("dana", "general", "/okta status").await.response().await.text();
    assert!(status.contains("1 message would have been answered so far"), "{status}");
    let mention = slack.mention("general", "dana", "E0000011");
    slack.reply_to(mention, "E0000011").await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_what_happens_twice_is_answered_once() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.send_again(paste);
    slack.edit(paste, ATLASSIAN[1]);
    slack.send_again(paste);
    slack.reply_to(paste, ATLASSIAN_TITLE).await;
    let mention = slack.mention("okta-support", "dana", SHAREFILE[0]);
    slack.send_again(mention);
    slack.reply_to(mention, SHAREFILE_TITLE).await;
    workspace.settled("okta-support").await;
    assert_eq!((workspace.replies(paste), workspace.replies(mention)), (1, 1));
    slack.delete(paste);
    slack.send_again(paste);
    workspace.gone(&reply).await;
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_lost_answers_limits_and_errors_lead_to_one_reply() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    for failure in [
        Failure::LostAnswer,
        Failure::RateLimited { retry_after: 1 },
        Failure::Status(502),
        Failure::Error("internal_error"),
    ] {
        slack.fail("chat.postMessage", 1, failure);
        let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
        slack.reply_to(paste, SHAREFILE_TITLE).await;
        workspace.settled("okta-support").await;
        assert_eq!(workspace.replies(paste), 1);
    }
    // Also while it is changed.
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.fail("chat.update", 1, Failure::LostAnswer);
    slack.edit(paste, ATLASSIAN[1]);
    slack.reply_to(paste, ATLASSIAN_TITLE).await;
    slack.fail("chat.delete", 1, Failure::LostAnswer);
    slack.delete(paste);
    workspace.settled("okta-support").await;
    assert_eq!(workspace.replies(paste), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_keeps_the_pace_that_slack_allows() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    slack.limit_rate("chat.postMessage channel", 1, Duration::from_millis(900));
    let pastes: Vec<u64> = (0..4).map(|_| slack.say("okta-support", "dana", SHAREFILE[0])).collect();
    for paste in &pastes {
        slack.reply_to(*paste, SHAREFILE_TITLE).await;
    }
    workspace.settled("okta-support").await;
    let limited = slack.look(|state| state.requests.iter().filter(|request| request.status == 429).count());
    assert_eq!(limited, 0, "nothing is sent that Slack would refuse");
    assert!(pastes.iter().all(|paste| workspace.replies(*paste) == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_odd_events_are_passed_over_and_lost_connections_lose_nothing() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    slack.change(|state| {
        let team = state.teams[0].id.clone();
        state.emit_anyway(&team, json!({"type": "message", "ts": 12, "channel": {"id": "C1"}}));
        state.emit_anyway(&team, json!({"type": "message"}));
        state.emit_anyway(&team, json!({"type": "message", "subtype": "message_changed", "channel": "C1"}));
        state.emit_anyway(&team, json!({"type": "something_new", "a": [1, {"b": null}]}));
        state.queue("interactive", json!({"type": "something_new", "team": {"id": team}}), false, None);
        state.queue("slash_commands", json!({"team_id": "TOTHER"}), true, None);
    });
    slack.settled().await;
    for reason in ["warning", "refresh_requested", ""] {
        match reason {
            "" => slack.cut(),
            _ => slack.disconnect(reason),
        }
        let missed = slack.say("okta-support", "dana", SHAREFILE[0]);
        slack.reply_to(missed, SHAREFILE_TITLE).await;
        workspace.settled("okta-support").await;
        assert_eq!(workspace.replies(missed), 1);
    }
    assert_eq!(slack.look(|state| state.strange_acks.clone()), [json!(null); 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_what_happened_while_the_bot_was_away_is_read() {
    let workspace = Workspace::open().await;
    let seen_before = workspace.slack.say("okta-support", "dana", SHAREFILE[0]);
    let deleted = workspace.slack.say("okta-support", "robin", ATLASSIAN[1]);
    let edited = workspace.slack.say("okta-support", "dana", SHAREFILE[2]);
    let thread = workspace.slack.say("okta-support", "dana", "details follow");
    workspace.slack.reply_to(seen_before, SHAREFILE_TITLE).await;
    workspace.slack.reply_to(edited, SHAREFILE_TITLE).await;
    let reply = workspace.slack.reply_to(deleted, ATLASSIAN_TITLE).await;
    let mut missed = 0;
    // Slack gives up on what it cannot deliver, and gives out little at once.
    workspace.slack.change(|state| (state.forgets, state.history_page) = (true, 3));
    let workspace = workspace
        .restart(|slack| {
            slack.delete(deleted);
            slack.edit(edited, ATLASSIAN[1]);
            for text in CHATTER {
                slack.say("okta-support", "robin", text);
            }
            missed = slack.say("okta-support", "dana", ATLASSIAN[1]);
            slack.reply_in_thread(thread, "dana", SHAREFILE[0]);
        })
        .await;
    workspace.slack.reply_to(missed, ATLASSIAN_TITLE).await;
    workspace.slack.reply_to(thread, SHAREFILE_TITLE).await;
    workspace.slack.reply_to(edited, ATLASSIAN_TITLE).await;
    workspace.gone(&reply).await;
    assert_eq!((workspace.replies(seen_before), workspace.replies(edited)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_a_kill_between_sending_and_noting_posts_nothing_twice() {
    let workspace = Workspace::open().await;
    // The answer is lost, and the process dies before it can ask.
    workspace.slack.fail("chat.postMessage", 1, Failure::LostAnswer);
    let paste = workspace.slack.say("okta-support", "dana", SHAREFILE[0]);
    workspace.slack.reply_to(paste, SHAREFILE_TITLE).await;
    let Workspace { slack, server, dir } = workspace;
    server.kill();
    let server = start(&slack, dir.path(), Way::Socket, "scope = \"okta\"", &[]).await;
    let workspace = Workspace { slack, server, dir };
    workspace.settled("okta-support").await;
    workspace.slack.edit(paste, ATLASSIAN[1]);
    workspace.slack.reply_to(paste, ATLASSIAN_TITLE).await;
    assert_eq!(workspace.replies(paste), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_a_secret_is_told_at_once_and_never_repeated() {
    let workspace = Workspace::open().await;
    let secret = "00QCjAl4MlVxWPXMxABCDEFGHIJKLMN012345678ab";
    let paste = workspace.slack.say(
        "okta-support",
        "dana",
        &format!("curl -H 'Authorization: SSWS {secret}' https://acme.okta.com/api/v1/users"),
    );
    let reply = workspace.slack.reply_to(paste, "an Okta API token").await;
    assert!(!readable(&reply).contains(secret) && !reply.text.contains(secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_over_http_events_commands_and_buttons_work() {
    let workspace = Workspace::open_with(Way::Http, "scope = \"okta\"", &[]).await;
    let slack = &workspace.slack;
    let paste = slack.say("okta-support", "dana", SHAREFILE[0]);
    let reply = slack.reply_to(paste, SHAREFILE_TITLE).await;
    slack.edit(paste, ATLASSIAN[1]);
    slack.reply_to(paste, ATLASSIAN_TITLE).await;
    slack.press("dana", reply.id, "Fixed it").await.acknowledged().await;
    slack.reply_to(paste, "✅ Fixed, says").await;
    let found = slack.slash("dana", "general", "/okta lookup E0000011").await.response().await.text();
    assert!(found.contains("only you see this"), "{found}");
    let form = slack.global_shortcut("dana", "diagnose").await.response().await.view.expect("a form");
    let sent = slack.submit_modal("dana", &form, json!({"paste": SHAREFILE[1]})).await.response().await;
    assert!(sent.text().contains(SHAREFILE_TITLE), "{}", sent.text());
    let health = workspace.server.http.get(format!("{}/healthz", workspace.server.url)).send().await.expect("sent");
    assert_eq!(health.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_forged_late_replayed_and_truncated_requests_are_refused_and_counted() {
    let workspace = Workspace::open_with(Way::Http, "scope = \"okta\"", &[]).await;
    let slack = &workspace.slack;
    let events = format!("{}/slack/events", workspace.server.url);
    let (channel, dana) =
        slack.look(|state| (state.channel_named("okta-support").id.clone(), state.user("dana").id.clone()));
    let event = |ts: &str| json!({"type": "message", "channel": channel, "channel_type": "channel", "user": dana, "ts": ts, "event_ts": ts, "text": SHAREFILE[0]});
    let forged = slack.payload(event("1700000000.000100"));
    for forgery in [
        Forgery::WrongSecret,
        Forgery::NoSignature,
        Forgery::NoTimestamp,
        Forgery::WrongVersion,
        Forgery::Late(301),
        Forgery::Late(-301),
        Forgery::Changed,
        Forgery::Truncated,
    ] {
        let (status, body) = slack.deliver(&events, "events_api", &forged, forgery).await;
        assert_eq!(status, 401, "{forgery:?}: {body}");
    }
    slack.cut_off(&events, &forged).await;
    workspace.server.wait_for_log("refused=9");
    for kind in ["interactive", "slash_commands"] {
        let path = if kind == "interactive" { "interactions" } else { "commands" };
        let url = format!("{}/slack/{path}", workspace.server.url);
        let (status, _) = slack.deliver(&url, kind, &forged, Forgery::WrongSecret).await;
        assert_eq!(status, 401);
    }
    // What is Slack's is taken once, within five minutes.
    assert_eq!(slack.deliver(&events, "events_api", &forged, Forgery::Late(290)).await.0, 200);
    let sent = slack.look(|state| state.sent.last().expect("a request").clone());
    assert_eq!(slack.replay(&sent).await.0, 409);
    let large = json!({"type": "event_callback", "padding": "x".repeat(2_000_000)});
    assert_eq!(slack.deliver(&events, "events_api", &large, Forgery::None).await.0, 400);
    workspace.server.wait_for_log("refused=13");
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_several_workspaces_from_one_process() {
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

/// Against a Slack that nobody here wrote.
#[tokio::test(flavor = "multi_thread")]
async fn slack_of_others_gets_the_same_answers() {
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

#[tokio::test(flavor = "multi_thread")]
async fn slack_private_channels_are_answered_and_unwatched_words_change_nothing() {
    let workspace = Workspace::open().await;
    let slack = &workspace.slack;
    slack.slash("owner", "okta-admins", "/okta watch okta").await.response().await;
    let paste = slack.say("okta-admins", "dana", SHAREFILE[0]);
    slack.reply_to(paste, SHAREFILE_TITLE).await;
    assert_eq!(slack.look(|state| state.channel_named("okta-admins").kind), Kind::Private);
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_tokens_that_slack_does_not_take_stop_slack_and_say_what_to_change() {
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
async fn slack_the_doctor_names_what_is_missing() {
    let slack = Slack::start().await;
    let dir = temp();
    let file = dir.path().join("oktriage.toml");
    std::fs::write(&file, settings(&slack, "scope = \"okta\"")).expect("written");
    slack.without_scope("channels:history");
    slack.without_scope("files:read");
    // Nothing but this needs it.
    slack.change(|state| state.teams[0].scopes.push("channels:read".to_owned()));
    let environment = environment(&slack, Way::Socket);
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
    let said = seen(&output);
    assert!(said.contains("the bot token belongs to the bot oktriage of workspace Example"), "{said}");
    assert!(said.contains("scopes missing: channels:history"), "{said}");
    assert!(said.contains("without the scope files:read, snippets and text files are not read"), "{said}");
    assert!(said.contains("Socket Mode can connect"), "{said}");
    assert!(said.contains("cannot be read: a scope is missing"), "{said}");
    assert!(said.contains("#okta-support"), "{said}");
    assert!(said.ends_with("--- exit 2"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_in_a_thousand_messages_each_error_gets_one_reply() {
    let workspace = Workspace::open().await;
    let mut errors = Vec::new();
    for index in 0..1_000 {
        if index % 200 == 50 {
            errors.push(workspace.slack.say("okta-support", "dana", SHAREFILE[index % 3]));
        } else {
            workspace.slack.say("okta-support", "dana", CHATTER[index % CHATTER.len()]);
        }
    }
    for error in &errors {
        workspace.slack.reply_to(*error, SHAREFILE_TITLE).await;
    }
    workspace.settled("okta-support").await;
    assert_eq!(workspace.slack.look(said), errors.len() + 1);
}
