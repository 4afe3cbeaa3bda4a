//! A Slack that nobody here wrote: the npm package `emulate`, pinned, with signed events and strict scopes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use super::state::SCOPES;
use super::strict::Receiver;
use crate::program::{PATIENCE, temp};

const PACKAGE: &str = include_str!("emulate/package.json");
const LOCK: &str = include_str!("emulate/package-lock.json");
const START: &str = include_str!("emulate/start.mjs");

pub(crate) const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
pub(crate) const BOT_TOKEN: &str = "xoxb-oktriage";
pub(crate) const BOT_USER: &str = "U0OKTRIAGE";
pub(crate) const APP: &str = "A0OKTRIAGE";
/// What people do by their own tokens.
const USER_SCOPES: [&str; 11] = [
    "channels:history",
    "channels:join",
    "channels:manage",
    "channels:read",
    "channels:write",
    "chat:write",
    "files:read",
    "files:write",
    "im:history",
    "im:write",
    "users:read",
];

/// Installs the package once, from the lock file, and leaves it for the next run.
fn installed() -> &'static Path {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emulate");
        let done = place.join("installed");
        let wanted = format!("{PACKAGE}{LOCK}");
        std::fs::create_dir_all(&place).expect("a directory");
        std::fs::write(place.join("start.mjs"), START).expect("written");
        if std::fs::read_to_string(&done).is_ok_and(|known| known == wanted) {
            return place;
        }
        std::fs::write(place.join("package.json"), PACKAGE).expect("written");
        std::fs::write(place.join("package-lock.json"), LOCK).expect("written");
        let npm = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&place).output();
        let npm = npm.expect("npm, which ./test installs");
        assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
        std::fs::write(done, wanted).expect("written");
        place
    })
}

/// A running emulator; it ends when it is dropped.
pub(crate) struct Emulate {
    /// Its Web API is below `/api`.
    pub(crate) url: String,
    child: Child,
    input: Option<ChildStdin>,
    said: tokio::sync::Mutex<mpsc::UnboundedReceiver<String>>,
    http: reqwest::Client,
    _seed: TempDir,
}

impl Drop for Emulate {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn token(user: &str) -> String {
    if user == "oktriage" { BOT_TOKEN.to_owned() } else { format!("xoxp-{user}") }
}

impl Emulate {
    /// A workspace with dana, robin, the bot, and "okta-support", where all of them are.
    pub(crate) async fn start() -> Self {
        let place = installed();
        let directory = temp();
        let seed = directory.path().join("seed.json");
        let people = ["dana", "robin"];
        let tokens: Vec<Value> = people
            .iter()
            .map(|user| json!({"token": token(user), "type": "user", "user": user, "scopes": USER_SCOPES}))
            .chain([json!({
                "token": BOT_TOKEN, "type": "bot", "user": BOT_USER, "app_id": APP, "bot_id": "B0OKTRIAGE",
                "bot_user_id": BOT_USER, "scopes": SCOPES,
            })])
            .collect();
        let users: Vec<Value> = people.iter().map(|name| json!({"name": name})).collect();
        let config = json!({"slack": {
            "signing_secret": SIGNING_SECRET, "strict_scopes": true,
            "team": {"name": "Example", "domain": "example"}, "users": users,
            "channels": [{"name": "okta-support"}],
            "oauth_apps": [{
                "client_id": "1.1", "client_secret": "none", "app_id": APP, "name": "oktriage", "redirect_uris": [],
                "scopes": SCOPES, "bot_id": "B0OKTRIAGE", "bot_user_id": BOT_USER, "bot_name": "oktriage",
            }],
            "tokens": tokens,
        }});
        std::fs::write(&seed, config.to_string()).expect("written");
        let mut child = Command::new("node")
            .arg(place.join("start.mjs"))
            .arg(&seed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node, which ./test installs");
        let (says, said) = mpsc::unbounded_channel();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| says.send(line)));
        let input = child.stdin.take();
        let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        let said = tokio::sync::Mutex::new(said);
        let mut emulate = Self { url: String::new(), child, input, said, http, _seed: directory };
        emulate.url = emulate.line("ready ").await;
        let channel = emulate.channel("okta-support").await;
        emulate.call("dana", "conversations.invite", &[("channel", &channel), ("users", BOT_USER)]).await;
        emulate
    }

    /// The rest of the next line that begins like this.
    async fn line(&self, start: &str) -> String {
        let mut said = self.said.lock().await;
        loop {
            let line = tokio::time::timeout(PATIENCE, said.recv()).await;
            let line = line.unwrap_or_else(|_| panic!("emulate does not say {start}")).expect("emulate runs");
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    /// Waits until somebody has written, edited, deleted or shown something since this was asked last.
    pub(crate) async fn changed(&self) {
        loop {
            let call = self.line("call ").await;
            if call.contains(" /api/chat.") || call.contains(" /api/views.") {
                return;
            }
        }
    }

    /// Has every event sent to an address, signed.
    pub(crate) async fn send_events_to(&mut self, url: &str) {
        self.tell(&format!("events {url}"));
        self.line("events").await;
    }

    /// Calls a method as somebody; the answer, which may be a refusal.
    pub(crate) async fn ask(&self, user: &str, method: &str, arguments: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}/api/{method}", self.url)).bearer_auth(token(user));
        let response = request.form(arguments).send().await.expect("an answer");
        response.json().await.expect("JSON")
    }

    /// Calls a method as somebody who may.
    pub(crate) async fn call(&self, user: &str, method: &str, arguments: &[(&str, &str)]) -> Value {
        let answer = self.ask(user, method, arguments).await;
        assert_eq!(answer["ok"], true, "{method}: {answer}");
        answer
    }

    pub(crate) async fn channel(&self, name: &str) -> String {
        let all = self.call("dana", "conversations.list", &[("limit", "200")]).await;
        let found = all["channels"].as_array().into_iter().flatten().find(|channel| channel["name"] == name);
        found.unwrap_or_else(|| panic!("no channel {name}"))["id"].as_str().expect("an id").to_owned()
    }

    /// Says something in a channel, by its id; its `ts`, after whoever hears of events has taken it.
    pub(crate) async fn say(&self, user: &str, channel: &str, text: &str) -> String {
        let answer = self.call(user, "chat.postMessage", &[("channel", channel), ("text", text)]).await;
        answer["ts"].as_str().expect("a time").to_owned()
    }

    pub(crate) async fn edit(&self, user: &str, channel: &str, ts: &str, text: &str) {
        self.call(user, "chat.update", &[("channel", channel), ("ts", ts), ("text", text)]).await;
    }

    pub(crate) async fn delete(&self, user: &str, channel: &str, ts: &str) {
        self.call(user, "chat.delete", &[("channel", channel), ("ts", ts)]).await;
    }

    /// Uploads a file as people do today, and shares it in a channel; the `ts` of the message.
    pub(crate) async fn say_with_file(
        &self,
        user: &str,
        channel: &str,
        text: &str,
        filename: &str,
        bytes: &[u8],
    ) -> String {
        let length = bytes.len().to_string();
        let place = self.call(user, "files.getUploadURLExternal", &[("filename", filename), ("length", &length)]).await;
        let url = place["upload_url"].as_str().expect("an address");
        let upload = self.http.post(url).header("content-type", "application/octet-stream").body(bytes.to_vec());
        assert_eq!(upload.send().await.expect("an answer").status(), 200);
        let files = json!([{"id": place["file_id"], "title": filename}]).to_string();
        let arguments = [("files", files.as_str()), ("channel_id", channel), ("initial_comment", text)];
        let shared = self.call(user, "files.completeUploadExternal", &arguments).await;
        let file = shared["files"][0]["id"].clone();
        let history = self.call(user, "conversations.history", &[("channel", channel)]).await;
        let message = history["messages"].as_array().into_iter().flatten().find(|it| it["files"][0]["id"] == file);
        message.expect("a message")["ts"].as_str().expect("a time").to_owned()
    }

    /// A thread, its first message included.
    pub(crate) async fn thread(&self, channel: &str, ts: &str) -> Vec<Value> {
        let answer = self.call("dana", "conversations.replies", &[("channel", channel), ("ts", ts)]).await;
        answer["messages"].as_array().cloned().unwrap_or_default()
    }

    /// What the bot says in a thread, as soon as one of its messages fits.
    pub(crate) async fn reply_to(&self, channel: &str, ts: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let thread = self.thread(channel, ts).await;
            let own = thread.into_iter().filter(|message| message["user"] == BOT_USER && message["ts"] != ts);
            if let Some(found) = own.into_iter().find(|message| fits(message)) {
                return found;
            }
            self.changed().await;
        }
    }

    /// The Home tab of somebody, by their id; null when there is none.
    pub(crate) async fn home(&mut self, user: &str) -> Value {
        self.tell(&format!("home {user}"));
        serde_json::from_str(&self.line("home ").await).expect("JSON")
    }

    fn tell(&mut self, line: &str) {
        let input = self.input.as_mut().expect("open");
        writeln!(input, "{line}").expect("written");
        input.flush().expect("written");
    }

    /// The id of somebody.
    pub(crate) async fn user(&self, name: &str) -> String {
        let all = self.call("dana", "users.list", &[("limit", "200")]).await;
        let found = all["members"].as_array().into_iter().flatten().find(|user| user["name"] == name);
        found.unwrap_or_else(|| panic!("no user {name}"))["id"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test]
async fn emulate_signs_its_events_and_holds_what_the_bot_does() {
    let mut emulate = Emulate::start().await;
    let mut receiver = Receiver::start(SIGNING_SECRET.to_owned(), 200).await;
    let url = receiver.url.clone();
    emulate.send_events_to(&url).await;
    let channel = emulate.channel("okta-support").await;

    let asked = emulate.say("dana", &channel, "E0000011").await;
    let (headers, body, right) = receiver.next().await;
    assert!(right, "not signed: {headers:?}");
    let payload: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((&payload["type"], &payload["api_app_id"]), (&json!("event_callback"), &json!(APP)));
    assert_eq!((&payload["event"]["type"], &payload["event"]["text"]), (&json!("message"), &json!("E0000011")));
    assert_eq!((&payload["event"]["channel"], &payload["event"]["ts"]), (&json!(channel), &json!(asked)));

    // The bot answers in the thread, changes its answer, and takes it back.
    let blocks = json!([{"type": "section", "block_id": "key:1", "text": {"type": "mrkdwn", "text": "*Cause*"}}]);
    let shown = blocks.to_string();
    let arguments = [("channel", channel.as_str()), ("thread_ts", &asked), ("text", "Cause"), ("blocks", &shown)];
    let answer = emulate.call("oktriage", "chat.postMessage", &arguments).await;
    let reply = emulate.reply_to(&channel, &asked, |reply| reply["text"] == "Cause").await;
    assert_eq!((&reply["blocks"], &reply["ts"]), (&blocks, &answer["ts"]));
    assert!(receiver.next().await.2);
    let at = answer["ts"].as_str().expect("a time");
    emulate.edit("oktriage", &channel, at, "Another cause").await;
    assert!(receiver.next().await.1.contains("message_changed"));
    let refused = emulate.ask("dana", "chat.update", &[("channel", &channel), ("ts", at), ("text", "x")]).await;
    assert_eq!(refused["error"], "cant_update_message");
    emulate.delete("oktriage", &channel, at).await;
    assert!(receiver.next().await.1.contains("message_deleted"));
    assert_eq!(emulate.thread(&channel, &asked).await.len(), 1);

    emulate.say_with_file("dana", &channel, "look", "trace.log", b"E0000011").await;
    let shared = loop {
        let (_, body, right) = receiver.next().await;
        assert!(right);
        let payload: Value = serde_json::from_str(&body).expect("JSON");
        if payload["event"]["subtype"] == "file_share" {
            break payload["event"].clone();
        }
    };
    let file = shared["files"][0]["url_private_download"].as_str().expect("an address");
    let bytes = emulate.http.get(file).bearer_auth(BOT_TOKEN).send().await.expect("an answer");
    assert_eq!(bytes.text().await.expect("text"), "E0000011");

    let home = json!({"type": "home", "blocks": [{"type": "divider"}]}).to_string();
    let dana = emulate.user("dana").await;
    assert_eq!(emulate.home(&dana).await, Value::Null);
    emulate.call("oktriage", "views.publish", &[("user_id", &dana), ("view", &home)]).await;
    let published = emulate.home(&dana).await;
    assert_eq!((&published["app_id"], &published["blocks"][0]["type"]), (&json!(APP), &json!("divider")));
    // The bot may not do what only people do.
    let refused = emulate.ask("oktriage", "conversations.join", &[("channel", &channel)]).await;
    assert_eq!((&refused["error"], refused["needed"].is_string()), (&json!("missing_scope"), true));
    let asked = emulate.http.get(format!("{}/api/auth.test", emulate.url)).bearer_auth(BOT_TOKEN);
    let known: Value = asked.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!((&known["user_id"], &known["bot_id"]), (&json!(BOT_USER), &json!("B0OKTRIAGE")));
}
