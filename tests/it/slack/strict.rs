//! Proves the double: a small client of the tests' own talks to it, and is refused as Slack would refuse it.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::extract::State as With;
use axum::http::HeaderMap;
use axum::routing::post;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message as Frame;

use super::delivery::signature;
use super::state::{EVENTS, Failure, SCOPES, State, ts};
use super::{Forgery, Slack, readable, readable_view};
use crate::program::PATIENCE;

/// The bot's side of the double.
struct Bot<'a> {
    slack: &'a Slack,
    http: reqwest::Client,
    token: String,
}

impl<'a> Bot<'a> {
    fn new(slack: &'a Slack) -> Self {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        Self { slack, http, token: slack.bot_token() }
    }

    async fn send(&self, method: &str, body: Value) -> Result<reqwest::Response, reqwest::Error> {
        let request = self.http.post(format!("{}/api/{method}", self.slack.url)).bearer_auth(&self.token);
        let request = request.header("content-type", "application/json; charset=utf-8");
        request.body(body.to_string()).send().await
    }

    async fn call(&self, method: &str, body: Value) -> Value {
        self.send(method, body).await.expect("an answer").json().await.expect("JSON")
    }

    /// The error that Slack names; empty when there is none.
    async fn error(&self, method: &str, body: Value) -> String {
        self.call(method, body).await["error"].as_str().unwrap_or_default().to_owned()
    }

    async fn post(&self, channel: &str, text: &str) -> u64 {
        let channel = self.slack.look(|state| state.channel_named(channel).id.clone());
        let answer = self.call("chat.postMessage", json!({"channel": channel, "text": text})).await;
        let at = answer["ts"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        self.slack.look(|state| state.message_at(&channel, &at).expect("a message").id)
    }

    async fn socket(&self) -> Socket {
        let token = self.slack.look(|state| state.app_token.clone());
        let request = self.http.post(format!("{}/api/apps.connections.open", self.slack.url)).bearer_auth(token);
        let answer: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        Socket::open(answer["url"].as_str().expect("an address")).await
    }
}

struct Socket(tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>);

impl Socket {
    async fn open(url: &str) -> Self {
        Self(tokio_tungstenite::connect_async(url).await.expect("connected").0)
    }

    /// The next JSON, or null when the connection has ended.
    async fn hear(&mut self) -> Value {
        loop {
            let frame = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something to hear");
            match frame {
                Some(Ok(Frame::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return Value::Null,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn say(&mut self, json: Value) {
        self.0.send(Frame::text(json.to_string())).await.expect("said");
    }

    /// The next envelope, acknowledged.
    async fn take(&mut self) -> Value {
        let envelope = self.hear().await;
        self.say(json!({"envelope_id": envelope["envelope_id"]})).await;
        envelope
    }

    /// The next event, acknowledged.
    async fn event(&mut self) -> Value {
        let envelope = self.take().await;
        assert_eq!(envelope["type"], "events_api", "{envelope}");
        envelope["payload"]["event"].clone()
    }
}

#[tokio::test]
async fn what_people_do_arrives_in_slacks_own_shapes() {
    let slack = Slack::start().await;
    slack.subscribe(&["member_joined_channel", "channel_left"]);
    let bot = Bot::new(&slack);
    let mut socket = bot.socket().await;
    let hello = socket.hear().await;
    assert_eq!((&hello["type"], &hello["num_connections"]), (&json!("hello"), &json!(1)));

    let asked = slack.say("okta-support", "dana", "<E0000011> at https://acme.okta.com & more");
    let event = socket.event().await;
    assert_eq!(event["text"], "&lt;E0000011&gt; at <https://acme.okta.com> &amp; more");
    assert_eq!((&event["channel_type"], &event["subtype"]), (&json!("channel"), &Value::Null));
    assert_eq!(event["blocks"][0]["elements"][0]["elements"][1]["url"], "https://acme.okta.com");

    slack.edit(asked, "E0000014");
    let event = socket.event().await;
    assert_eq!(event["subtype"], "message_changed");
    assert_eq!(
        (&event["message"]["text"], &event["message"]["ts"]),
        (&json!("E0000014"), &event["previous_message"]["ts"])
    );
    assert!(event["message"]["edited"]["ts"].is_string() && event["ts"] != event["message"]["ts"]);

    slack.unfurl(asked);
    let event = socket.event().await;
    assert_eq!(event["message"]["text"], event["previous_message"]["text"]);
    assert_eq!(event["message"]["edited"], event["previous_message"]["edited"]);
    assert_eq!(event["message"]["attachments"].as_array().map(Vec::len), Some(1));

    slack.reply_in_thread(asked, "robin", "I have it too");
    let event = socket.event().await;
    assert!(
        event["thread_ts"] == slack.look(|state| state.messages[&asked].ts.clone())
            && event["parent_user_id"].is_string()
    );
    slack.reply_and_broadcast(asked, "robin", "all of us");
    let event = socket.event().await;
    assert_eq!((&event["subtype"], &event["root"]["reply_count"]), (&json!("thread_broadcast"), &json!(2)));

    // The first message of a thread leaves a stone.
    slack.delete(asked);
    let event = socket.event().await;
    assert_eq!((&event["subtype"], &event["message"]["subtype"]), (&json!("message_changed"), &json!("tombstone")));
    let lone = slack.say("okta-admins", "dana", "a secret");
    assert_eq!(socket.event().await["channel_type"], "group");
    slack.delete(lone);
    let event = socket.event().await;
    assert_eq!(
        (&event["subtype"], &event["previous_message"]["text"]),
        (&json!("message_deleted"), &json!("a secret"))
    );

    slack.say_with_file("general", "dana", "", "trace.log", "line 1\nline 2");
    let event = socket.event().await;
    assert_eq!((&event["subtype"], &event["files"][0]["mode"]), (&json!("file_share"), &json!("snippet")));
    let url = event["files"][0]["url_private_download"].as_str().expect("an address");
    let with_token = bot.http.get(url).bearer_auth(&bot.token).send().await.expect("an answer");
    assert_eq!(with_token.text().await.expect("text"), "line 1\nline 2");
    let without = bot.http.get(url).send().await.expect("an answer").text().await.expect("text");
    assert!(without.contains("Sign in"));

    // A mention is told twice, with two names for one event.
    slack.mention("general", "dana", "E0000011");
    let envelopes = [socket.take().await, socket.take().await];
    let [message, mention] = envelopes.each_ref().map(|it| &it["payload"]["event"]);
    assert_eq!((&message["type"], &mention["type"]), (&json!("message"), &json!("app_mention")));
    assert_eq!(message["ts"], mention["ts"]);
    assert_ne!(envelopes[0]["payload"]["event_id"], envelopes[1]["payload"]["event_id"]);

    slack.dm("dana", "E0000011");
    let event = socket.event().await;
    assert_eq!(event["channel_type"], "im");
    assert!(event["channel"].as_str().is_some_and(|id| id.starts_with('D')));
    slack.open_home("dana");
    assert_eq!(socket.event().await["type"], "app_home_opened");
    slack.say_as_integration("general", "Monitoring", "E0000011");
    assert_eq!(socket.event().await["subtype"], "bot_message");

    // Where the bot is not, it hears nothing; it is told when that changes.
    slack.say("elsewhere", "dana", "nobody hears this");
    slack.invite("elsewhere", "dana");
    assert_eq!(socket.event().await["subtype"], "channel_join");
    slack.kick("elsewhere", "dana");
    slack.with_scope("channels:read");
    slack.invite("elsewhere", "dana");
    assert_eq!(socket.event().await["type"], "member_joined_channel");
    assert_eq!(socket.event().await["subtype"], "channel_join");
    slack.kick("elsewhere", "dana");
    assert_eq!(socket.event().await["type"], "channel_left");
    let at = ts(1_700_000_000_000_100);
    let twins = ["okta-support", "general"].map(|channel| slack.say_at(channel, "dana", "twins", &at));
    assert_ne!(twins[0], twins[1]);
    assert_eq!([socket.event().await["ts"].clone(), socket.event().await["ts"].clone()], [json!(at), json!(at)]);

    // Without the scope there is no event.
    slack.without_scope("channels:history");
    slack.say("general", "dana", "unheard");
    let own = bot.post("okta-admins", "my own").await;
    let event = socket.event().await;
    assert_eq!((&event["text"], event["bot_id"].is_string()), (&json!("my own"), true));
    slack.settled().await;
    slack.delete(own);
    assert!(slack.look(|state| state.unknown.is_empty() && state.strange_acks.is_empty()));
}

#[tokio::test]
async fn what_slack_refuses() {
    let slack = Slack::start().await;
    let bot = Bot::new(&slack);
    let id = |name: &str| slack.look(|state| state.channel_named(name).id.clone());
    let (okta, elsewhere, admins) = (id("okta-support"), id("elsewhere"), id("okta-admins"));
    let asked = slack.say("okta-support", "dana", "E0000011");
    let reply = slack.reply_in_thread(asked, "robin", "too");
    let at = |message: u64| slack.look(|state| state.messages[&message].ts.clone());
    let (asked_at, reply_at) = (at(asked), at(reply));
    let own_at = at(bot.post("okta-support", "own").await);

    for (method, body, error) in [
        ("chat.postMessage", json!({"text": "x"}), "channel_not_found"),
        ("chat.postMessage", json!({"channel": "C0NOWHERE", "text": "x"}), "channel_not_found"),
        ("chat.postMessage", json!({"channel": elsewhere, "text": "x"}), "not_in_channel"),
        ("chat.postMessage", json!({"channel": okta}), "no_text"),
        ("chat.postMessage", json!({"channel": okta, "blocks": "[{"}), "invalid_blocks_format"),
        ("chat.postMessage", json!({"channel": okta, "blocks": [{"type": "x"}]}), "invalid_blocks"),
        ("chat.postMessage", json!({"channel": okta, "text": "x", "thread_ts": "1.1"}), "invalid_thread_ts"),
        ("chat.postMessage", json!({"channel": okta, "text": "x", "thread_ts": reply_at}), "invalid_thread_ts"),
        ("chat.postMessage", json!({"channel": okta, "text": "x", "metadata": {}}), "invalid_metadata_format"),
        ("chat.postEphemeral", json!({"channel": okta, "text": "x", "user": "U0NOBODY"}), "user_not_in_channel"),
        ("chat.update", json!({"channel": okta, "ts": "1.000001", "text": "x"}), "message_not_found"),
        ("chat.update", json!({"channel": okta, "ts": asked_at, "text": "x"}), "cant_update_message"),
        ("chat.update", json!({"channel": okta, "ts": own_at}), "no_text"),
        ("chat.update", json!({"channel": okta, "ts": own_at, "text": "x".repeat(4001)}), "msg_too_long"),
        ("chat.delete", json!({"channel": okta, "ts": asked_at}), "cant_delete_message"),
        ("conversations.history", json!({"channel": elsewhere}), "not_in_channel"),
        ("conversations.history", json!({"channel": okta, "limit": 1001}), "invalid_limit"),
        ("conversations.history", json!({"channel": okta, "cursor": "x"}), "invalid_cursor"),
        ("conversations.history", json!({"channel": okta, "oldest": "x"}), "invalid_ts_oldest"),
        ("conversations.replies", json!({"channel": okta, "ts": "1.000001"}), "thread_not_found"),
        ("users.info", json!({"user": "U0NOBODY"}), "user_not_found"),
        ("views.open", json!({"trigger_id": "x", "view": {}}), "invalid_trigger_id"),
        ("apps.connections.open", json!({}), "not_allowed_token_type"),
        ("chat.shout", json!({}), "unknown_method"),
    ] {
        assert_eq!(bot.error(method, body.clone()).await, error, "{method} {body}");
    }
    assert_eq!(slack.look(|state| state.unknown.clone()), ["chat.shout"]);

    // A private channel without the bot is none at all.
    slack.kick("okta-admins", "dana");
    assert_eq!(bot.error("chat.postMessage", json!({"channel": admins, "text": "x"})).await, "channel_not_found");
    slack.change(|state| state.edit_window = Some(Duration::ZERO));
    let edit = json!({"channel": okta, "ts": own_at, "text": "x"});
    assert_eq!(bot.error("chat.update", edit).await, "edit_window_closed");

    slack.without_scope("chat:write");
    let response = bot.send("chat.postMessage", json!({"channel": okta, "text": "x"})).await.expect("an answer");
    let scopes = response.headers()["x-oauth-scopes"].to_str().expect("text").to_owned();
    assert!(!scopes.contains("chat:write") && scopes.contains("channels:history"));
    assert_eq!(response.headers()["x-accepted-oauth-scopes"], "chat:write");
    let refused: Value = response.json().await.expect("JSON");
    assert_eq!((&refused["error"], &refused["needed"]), (&json!("missing_scope"), &json!("chat:write")));

    let nobody = Bot { token: String::new(), ..Bot::new(&slack) };
    assert_eq!(nobody.error("auth.test", json!({})).await, "not_authed");
    let stranger = Bot { token: "xoxb-another".to_owned(), ..Bot::new(&slack) };
    assert_eq!(stranger.error("auth.test", json!({})).await, "invalid_auth");
    slack.uninstall(None);
    assert_eq!(bot.error("auth.test", json!({})).await, "account_inactive");
}

#[tokio::test]
async fn the_web_api_answers_forms_and_json_alike() {
    let slack = Slack::start().await;
    let bot = Bot::new(&slack);
    let okta = slack.look(|state| state.channel_named("okta-support").id.clone());
    let blocks = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "*Cause*: <!channel> &lt;x&gt;"}}]);
    let form = [
        ("token", bot.token.clone()),
        ("channel", okta.clone()),
        ("text", "a < b & <@U0NOBODY>".to_owned()),
        ("blocks", blocks.to_string()),
    ];
    let request = bot.http.post(format!("{}/api/chat.postMessage", slack.url)).form(&form);
    let posted: Value = request.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(posted["message"]["text"], "a &lt; b &amp; <@U0NOBODY>");
    let shown = slack.messages("okta-support").pop().expect("a message");
    assert_eq!(readable(&shown), "*Cause*: @channel <x>");
    assert_eq!(shown.notified, ["channel"]);

    let url = format!("{}/api/conversations.history?channel={okta}&limit=1", slack.url);
    let history: Value =
        bot.http.get(url).bearer_auth(&bot.token).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(history["messages"][0]["ts"], posted["ts"]);

    // A text alone takes the blocks away; blocks alone keep the text.
    let edit = json!({"channel": okta, "ts": posted["ts"], "text": "*no* blocks"});
    assert_eq!(bot.error("chat.update", edit).await, "");
    assert_eq!(readable(&slack.messages("okta-support")[0]), "*no* blocks");
    let edit = json!({"channel": okta, "ts": posted["ts"], "blocks": blocks});
    assert_eq!(bot.error("chat.update", edit).await, "");
    assert_eq!(readable(&slack.messages("okta-support")[0]), "*Cause*: @channel <x>");

    let request = bot.http.post(format!("{}/api/auth.test", slack.url)).bearer_auth(&bot.token);
    let bare: Value = request.json(&json!({})).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(bare["warning"], "missing_charset");
}

#[tokio::test]
async fn a_lost_answer_leaves_the_message_and_a_limit_says_how_long() {
    let slack = Slack::start().await;
    let bot = Bot::new(&slack);
    let okta = slack.look(|state| state.channel_named("okta-support").id.clone());
    let general = slack.look(|state| state.channel_named("general").id.clone());
    let asked = slack.say("okta-support", "dana", "E0000011");
    let thread = slack.look(|state| state.messages[&asked].ts.clone());
    let answer = json!({
        "channel": okta, "thread_ts": thread, "text": "Invalid token",
        "blocks": [{"type": "section", "block_id": "key:1", "text": {"type": "mrkdwn", "text": "Invalid token"}}],
        "metadata": {"event_type": "answer", "event_payload": {"key": "1"}},
    });
    slack.fail("chat.postMessage", 1, Failure::LostAnswer);
    bot.send("chat.postMessage", answer.clone()).await.expect_err("a dropped connection");
    assert_eq!(slack.bot_replies(asked).len(), 1);
    // Who looks into the thread finds the earlier answer, by its block or by its metadata.
    let look = json!({"channel": okta, "ts": thread, "include_all_metadata": true});
    let found = bot.call("conversations.replies", look).await;
    assert_eq!(found["messages"][1]["blocks"][0]["block_id"], "key:1");
    assert_eq!(found["messages"][1]["metadata"]["event_payload"]["key"], "1");
    assert_eq!(found["messages"][0]["reply_count"], 1);

    slack.fail("chat.postMessage", 1, Failure::RateLimited { retry_after: 7 });
    let limited = bot.send("chat.postMessage", answer.clone()).await.expect("an answer");
    assert_eq!((limited.status().as_u16(), limited.headers()["retry-after"].to_str().ok()), (429, Some("7")));
    slack.fail("POST chat.", 1, Failure::Status(503));
    assert_eq!(bot.send("chat.postMessage", answer).await.expect("an answer").status(), 503);
    slack.fail("chat.postMessage", 1, Failure::Error("internal_error"));
    assert_eq!(bot.error("chat.postMessage", json!({"channel": okta, "text": "x"})).await, "internal_error");

    slack.limit_rate("chat.postMessage channel", 1, Duration::from_secs(600));
    let post = |channel: &str| json!({"channel": channel, "text": "x"});
    assert_eq!(bot.error("chat.postMessage", post(&okta)).await, "");
    assert_eq!(bot.error("chat.postMessage", post(&okta)).await, "ratelimited");
    assert_eq!(bot.error("chat.postMessage", post(&general)).await, "");
}

#[tokio::test]
async fn the_history_comes_in_pages() {
    let slack = Slack::start().await;
    let bot = Bot::new(&slack);
    let okta = slack.look(|state| state.channel_named("okta-support").id.clone());
    let said: Vec<u64> = (0..7).map(|number| slack.say("okta-support", "dana", &format!("{number}"))).collect();
    slack.reply_in_thread(said[0], "robin", "not in the history");
    slack.change(|state| state.history_page = 3);
    let oldest = slack.look(|state| state.messages[&said[1]].ts.clone());
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = json!({"channel": okta, "oldest": oldest, "limit": 100, "cursor": cursor});
        let answer = bot.call("conversations.history", page).await;
        let messages = answer["messages"].as_array().expect("messages");
        seen.extend(messages.iter().map(|message| message["text"].as_str().expect("text").to_owned()));
        cursor = answer["response_metadata"]["next_cursor"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer["has_more"], !cursor.is_empty());
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(seen, ["6", "5", "4", "3", "2"]);
    let types = json!({"types": "public_channel,private_channel"});
    assert_eq!(bot.error("users.conversations", types.clone()).await, "missing_scope");
    slack.with_scope("channels:read");
    slack.with_scope("groups:read");
    let joined = bot.call("users.conversations", types).await;
    assert_eq!(joined["channels"].as_array().map(Vec::len), Some(3));
    let other = slack.change(|state| state.add_team("Other"));
    assert_eq!(bot.error("conversations.info", json!({"channel": okta})).await, "");
    let theirs = slack.look(|state| state.channel_named("other/okta-support").clone());
    assert_eq!(theirs.team, other);
    assert_eq!(bot.error("conversations.info", json!({"channel": theirs.id})).await, "channel_not_found");
}

#[tokio::test]
async fn envelopes_are_spread_and_come_again_until_they_are_acknowledged() {
    let slack = Slack::start().await;
    let bot = Bot::new(&slack);
    let (mut one, mut two) = (bot.socket().await, bot.socket().await);
    assert_eq!(
        (one.hear().await["num_connections"].clone(), two.hear().await["num_connections"].clone()),
        (1.into(), 2.into())
    );
    slack.say("general", "dana", "first");
    slack.say("general", "dana", "second");
    assert_eq!(
        (one.event().await["text"].clone(), two.event().await["text"].clone()),
        ("first".into(), "second".into())
    );

    // Nobody acknowledges it in time, so it comes again.
    slack.settled().await;
    slack.change(|state| state.ack_limit = Duration::from_millis(1));
    slack.say("general", "dana", "third");
    let (first, again) = (one.hear().await, two.hear().await);
    slack.change(|state| state.ack_limit = PATIENCE);
    assert_eq!((&first["retry_attempt"], &again["retry_attempt"]), (&json!(0), &json!(1)));
    assert_eq!(again["retry_reason"], "timeout");
    assert_eq!(first["payload"]["event_id"], again["payload"]["event_id"]);
    two.say(json!({"envelope_id": again["envelope_id"]})).await;
    slack.settled().await;

    // It was not acknowledged where the connection ended, so it goes elsewhere.
    slack.say("general", "dana", "fourth");
    let cut = one.hear().await;
    drop(one);
    let moved = two.take().await;
    assert_eq!((&moved["payload"], &moved["retry_attempt"]), (&cut["payload"], &json!(1)));
    slack.settled().await;

    two.say(json!({"envelope_id": "nobody's"})).await;
    slack.wait_for("a strange acknowledgement", |state| state.strange_acks.first().map(|_| ())).await;

    slack.disconnect("warning");
    assert_eq!(two.hear().await["reason"], "warning");
    slack.say("general", "dana", "still here");
    assert_eq!(two.event().await["text"], "still here");
    slack.settled().await;
    slack.disconnect("refresh_requested");
    assert_eq!(two.hear().await["reason"], "refresh_requested");
    assert_eq!(two.hear().await, Value::Null);
    // Meanwhile something happens; it waits for the next connection.
    slack.say("general", "dana", "meanwhile");
    let mut three = bot.socket().await;
    three.hear().await;
    let envelope = three.take().await;
    assert_eq!((&envelope["payload"]["event"]["text"], &envelope["retry_attempt"]), (&json!("meanwhile"), &json!(1)));
    slack.settled().await;
    slack.cut();
    assert_eq!(three.hear().await, Value::Null);
    slack.change(|state| state.forgets = true);
    slack.say("general", "dana", "lost");

    // An address is good for one connection, and there are not more than so many of them.
    slack.change(|state| state.max_connections = 1);
    let mut four = bot.socket().await;
    assert_eq!(four.hear().await["type"], "hello");
    assert_eq!(bot.socket().await.hear().await["reason"], "too_many_websockets");
    let old = format!("{}/link/?ticket=ticket-1", slack.url.replacen("http", "ws", 1));
    assert_eq!(Socket::open(&old).await.hear().await["type"], "disconnect");
    slack.disconnect("link_disabled");
    assert_eq!(four.hear().await["reason"], "link_disabled");
    let open = Bot { token: slack.look(|state| state.app_token.clone()), ..Bot::new(&slack) };
    assert_eq!(open.error("apps.connections.open", json!({})).await, "forbidden");
}

#[tokio::test]
async fn people_press_and_fill_in_and_are_answered() {
    let slack = Slack::start().await;
    let bot = Bot::new(&slack);
    let mut socket = bot.socket().await;
    socket.hear().await;
    slack.change(|state| state.events.clear());

    // A command, answered at once and then by its address, five times and no more.
    let asked = slack.slash("dana", "okta-support", "/okta lookup E0000011").await;
    let envelope = socket.hear().await;
    assert_eq!(
        (&envelope["type"], &envelope["payload"]["text"]),
        (&json!("slash_commands"), &json!("lookup E0000011"))
    );
    assert_eq!(envelope["accepts_response_payload"], true);
    let answer = json!({"text": "Invalid token"});
    socket.say(json!({"envelope_id": envelope["envelope_id"], "payload": answer})).await;
    assert_eq!(asked.response().await.text(), "Invalid token\n(only you see this)");
    let url = envelope["payload"]["response_url"].as_str().expect("an address").to_owned();
    let respond = async |url: &str, body: Value| {
        let response = bot.http.post(url).json(&body).send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("text"))
    };
    let shared = json!({"response_type": "in_channel", "text": "for all"});
    for _ in 0..5 {
        assert_eq!(respond(&url, shared.clone()).await, (200, "ok".to_owned()));
    }
    let (status, refused) = respond(&url, shared.clone()).await;
    assert!(status == 404 && refused.contains("used_url"));
    assert_eq!(asked.messages(6).await.len(), 6);
    assert_eq!(slack.messages("okta-support").len(), 5);
    let old = slack.slash("dana", "okta-support", "/okta help").await;
    let url = socket.take().await["payload"]["response_url"].as_str().expect("an address").to_owned();
    slack.age(&old, Duration::from_secs(1801));
    assert!(respond(&url, shared).await.1.contains("expired_url"));

    // A button at a message that only one person sees; it is replaced.
    let okta = slack.look(|state| state.channel_named("okta-support").id.clone());
    let dana = slack.look(|state| state.user("dana").id.clone());
    let button = json!({
        "type": "actions", "elements": [{
            "type": "button", "action_id": "share", "value": "1", "text": {"type": "plain_text", "text": "Share"},
        }],
    });
    let quiet = json!({"channel": okta, "user": dana, "text": "only you", "blocks": [button]});
    let at = bot.call("chat.postEphemeral", quiet).await["message_ts"].as_str().expect("a time").to_owned();
    let quiet = slack.look(|state| state.message_at(&okta, &at).expect("a message").id);
    let pressed = slack.press("dana", quiet, "Share").await;
    let payload = socket.take().await["payload"].clone();
    assert_eq!((&payload["type"], &payload["message"]), (&json!("block_actions"), &Value::Null));
    assert_eq!((&payload["actions"][0]["value"], &payload["container"]["is_ephemeral"]), (&json!("1"), &json!(true)));
    let url = payload["response_url"].as_str().expect("an address");
    let (status, _) = respond(url, json!({"replace_original": true, "text": "shared"})).await;
    assert_eq!(status, 200);
    assert_eq!(pressed.response().await.text(), "shared\n(only you see this)");

    // A shortcut opens a modal, once and in time.
    let said = slack.say("okta-support", "dana", "E0000011");
    let used = slack.shortcut("robin", said, "diagnose").await;
    let payload = socket.take().await["payload"].clone();
    assert_eq!((&payload["type"], &payload["message"]["text"]), (&json!("message_action"), &json!("E0000011")));
    let modal = json!({
        "type": "modal", "callback_id": "paste", "title": {"type": "plain_text", "text": "Diagnose"},
        "submit": {"type": "plain_text", "text": "Go"},
        "blocks": [{
            "type": "input", "block_id": "paste", "label": {"type": "plain_text", "text": "Error"},
            "element": {"type": "plain_text_input", "action_id": "text", "multiline": true},
        }],
    });
    let open = json!({"trigger_id": payload["trigger_id"], "view": modal});
    assert_eq!(bot.error("views.open", open.clone()).await, "");
    assert_eq!(bot.error("views.open", open).await, "exchanged_trigger_id");
    let response = used.response().await;
    assert_eq!(response.text(), "Diagnose\nError:\n[Go]");
    let view = response.view.expect("a modal");
    let slow = slack.global_shortcut("dana", "paste").await;
    let payload = socket.take().await["payload"].clone();
    slack.age(&slow, Duration::from_secs(4));
    let open = json!({"trigger_id": payload["trigger_id"], "view": modal});
    assert_eq!(bot.error("views.open", open).await, "expired_trigger_id");

    // What is wrong in a modal is said in it; then it shows something else, and goes.
    let submitted = slack.submit_modal("robin", &view, json!({"text": "?"})).await;
    let envelope = socket.hear().await;
    assert_eq!(envelope["payload"]["view"]["state"]["values"]["paste"]["text"]["value"], "?");
    let complaint = json!({"response_action": "errors", "errors": {"paste": "This is no error."}});
    socket.say(json!({"envelope_id": envelope["envelope_id"], "payload": complaint})).await;
    assert_eq!(submitted.response().await.text(), "paste: This is no error.");
    let submitted = slack.submit_modal("robin", &view, json!({"text": "E0000011"})).await;
    let envelope = socket.hear().await;
    let mut shown = modal.clone();
    shown["blocks"] = json!([{"type": "section", "text": {"type": "mrkdwn", "text": "*Invalid token*"}}]);
    let update = json!({"response_action": "update", "view": shown});
    socket.say(json!({"envelope_id": envelope["envelope_id"], "payload": update})).await;
    let view = submitted.response().await.view.expect("a view");
    assert_eq!(readable_view(&view), "Diagnose\n*Invalid token*\n[Go]");
    let submitted = slack.submit_modal("robin", &view, json!({})).await;
    socket.take().await;
    submitted.closed().await;

    // The Home tab.
    let home = json!({"type": "home", "blocks": [{"type": "divider"}]});
    let published = bot.call("views.publish", json!({"user_id": dana, "view": home})).await;
    assert_eq!(published["ok"], true);
    let stale = json!({"user_id": dana, "view": home, "hash": "0"});
    assert_eq!(bot.error("views.publish", stale).await, "hash_conflict");
    assert_eq!(readable_view(&slack.home("dana", "---").await), "---");

    // Nobody takes a press when the bot is away.
    slack.change(|state| state.ack_limit = Duration::from_millis(1));
    slack.slash("dana", "okta-support", "/okta help").await.failed().await;
}

/// Stands in the bot's place at its address: checks signatures and answers what it is told to.
pub(super) struct Receiver {
    pub(super) url: String,
    heard: mpsc::UnboundedReceiver<(HeaderMap, String, bool)>,
}

impl Receiver {
    pub(super) async fn start(secret: String, status: u16) -> Self {
        let (says, heard) = mpsc::unbounded_channel();
        let receive = async move |With(secret): With<String>, headers: HeaderMap, body: String| {
            let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned();
            let right = signature(&secret, &text("x-slack-request-timestamp"), &body) == text("x-slack-signature");
            let challenge = serde_json::from_str::<Value>(&body).unwrap_or_default()["challenge"].clone();
            says.send((headers, body, right)).expect("somebody listens");
            match challenge.as_str() {
                Some(challenge) => (200, challenge.to_owned()),
                None => (if right { status } else { 401 }, String::new()),
            }
        };
        let answer = post(async move |state, headers, body| {
            let (status, body) = receive(state, headers, body).await;
            (axum::http::StatusCode::from_u16(status).expect("a status"), body)
        });
        let router = Router::new().route("/slack", answer).with_state(secret);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/slack", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { url, heard }
    }

    pub(super) async fn next(&mut self) -> (HeaderMap, String, bool) {
        tokio::time::timeout(PATIENCE, self.heard.recv()).await.expect("a request").expect("a receiver")
    }
}

#[tokio::test]
async fn requests_to_the_bot_are_signed_unless_they_are_forged() {
    let slack = Slack::start().await;
    let secret = slack.look(|state| state.signing_secret.clone());
    let mut receiver = Receiver::start(secret, 200).await;
    let url = receiver.url.clone();
    slack.use_urls(&url, &url, &url).await.expect("the challenge is met");
    receiver.next().await;
    slack.say("general", "dana", "E0000011");
    let (_, body, right) = receiver.next().await;
    assert!(right && body.contains("E0000011"));
    let pressed = slack.slash("dana", "general", "/okta help").await;
    let (headers, body, right) = receiver.next().await;
    assert!(
        right && body.contains("command=%2Fokta") && headers["content-type"] == "application/x-www-form-urlencoded"
    );
    assert_eq!(pressed.acknowledged().await, Value::Null);
    slack.settled().await;

    let payload = slack.payload(json!({"type": "app_home_opened"}));
    for (forgery, right) in [
        (Forgery::None, true),
        (Forgery::Late(301), true),
        (Forgery::Late(-301), true),
        (Forgery::WrongSecret, false),
        (Forgery::NoSignature, false),
        (Forgery::NoTimestamp, false),
        (Forgery::WrongVersion, false),
        (Forgery::Changed, false),
        (Forgery::Truncated, false),
    ] {
        let (status, _) = slack.deliver(&url, "events_api", &payload, forgery).await;
        let (headers, _, signed) = receiver.next().await;
        assert_eq!((status, signed), (if right { 200 } else { 401 }, right), "{forgery:?}");
        let at = headers.get("x-slack-request-timestamp").and_then(|it| it.to_str().ok()?.parse::<u64>().ok());
        let away = at.map(|at| at.abs_diff(super::state::now() / 1_000_000));
        let late = matches!(forgery, Forgery::Late(_));
        assert!(late == away.is_some_and(|away| away > 290), "{forgery:?} {away:?}");
    }
    let sent = slack.look(|state: &State| state.sent.last().cloned().expect("a request"));
    slack.replay(&sent).await;
    let (headers, body, _) = receiver.next().await;
    let again = |name: &str| sent.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    assert_eq!(headers["x-slack-signature"].to_str().ok(), again("x-slack-signature").as_deref());
    assert_eq!(body, sent.body);
    // A body that never ends is no request.
    slack.cut_off(&url, &payload).await;
    slack.say("general", "dana", "after it");
    assert!(receiver.next().await.1.contains("after it"));
}

#[tokio::test]
async fn an_event_that_fails_is_tried_three_times_more() {
    let slack = Slack::start().await;
    let secret = slack.look(|state| state.signing_secret.clone());
    let mut receiver = Receiver::start(secret, 500).await;
    let url = receiver.url.clone();
    slack.use_urls(&url, &url, &url).await.expect("the challenge is met");
    receiver.next().await;
    slack.change(|state| state.retries = vec![Duration::ZERO; 3]);
    slack.say("general", "dana", "E0000011");
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (headers, body, _) = receiver.next().await;
        let number = headers.get("x-slack-retry-num").map(|it| it.to_str().expect("text").to_owned());
        let reason = headers.get("x-slack-retry-reason").map(|it| it.to_str().expect("text").to_owned());
        seen.push((number, reason, body));
    }
    slack.settled().await;
    assert!(seen.iter().all(|(_, _, body)| *body == seen[0].2));
    let numbers: Vec<Option<&str>> = seen.iter().map(|(number, ..)| number.as_deref()).collect();
    assert_eq!(numbers, [None, Some("1"), Some("2"), Some("3")]);
    assert_eq!(seen[1].1.as_deref(), Some("http_error"));
}

#[test]
fn the_double_installs_the_app_by_its_manifest() {
    let manifest = std::fs::read_to_string("config/slack-manifest.yaml").expect("the manifest");
    // The items of a list, without its comments.
    let items = |name: &str| {
        let after = manifest.lines().skip_while(|line| line.trim() != format!("{name}:")).skip(1);
        let inside = after.map(str::trim).take_while(|line| line.starts_with("- ") || line.starts_with('#'));
        inside.filter_map(|line| line.strip_prefix("- ")).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(items("bot"), SCOPES.iter().map(|scope| (*scope).to_owned()).collect());
    assert_eq!(items("bot_events"), EVENTS.iter().map(|event| (*event).to_owned()).collect());
}
