//! Starts the real binary and talks to it.

#![allow(dead_code, reason = "the benchmarks use only some of it")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than anything takes on a loaded machine; reaching it is a failure, not a pace.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary with an environment of its own.
pub(crate) fn oktriage() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oktriage"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OKTRIAGE")) {
        command.env_remove(name);
    }
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// Runs the binary with arguments and standard input.
pub(crate) fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
    let mut child = oktriage()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // The program may end before it has read everything.
    let _ = child.stdin.take().expect("piped").write_all(input.as_ref());
    child.wait_with_output().expect("the binary ends")
}

/// Standard output, standard error and exit status, as a person would see them.
pub(crate) fn seen(output: &Output) -> String {
    let mut seen = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.stderr.is_empty() {
        seen.push_str("--- stderr\n");
        seen.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    seen.push_str(&format!("--- exit {}", output.status.code().unwrap_or(-1)));
    seen
}

/// A running `oktriage serve` on a free port.
pub(crate) struct Server {
    child: Child,
    logged: std::sync::mpsc::Receiver<String>,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
}

impl Server {
    /// Starts the bot with its database in `dir`.
    pub(crate) fn start(dir: &Path) -> Self {
        Self::start_with(dir, &[], &[])
    }

    pub(crate) fn start_with(dir: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = oktriage()
            .arg("serve")
            .args(arguments)
            .env("OKTRIAGE__LOCAL__LISTEN", "127.0.0.1:0")
            .env("OKTRIAGE__STORAGE__PATH", dir.join("oktriage.db"))
            // Here, everybody is dana.
            .env("OKTRIAGE__COOLDOWN__PER_AUTHOR", "100000")
            .env("OKTRIAGE__COOLDOWN__PER_CHANNEL", "100000")
            .envs(environment.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut log = BufReader::new(child.stderr.take().expect("piped"));
        let (said, logged) = std::sync::mpsc::channel();
        let mut line = String::new();
        let url = loop {
            line.clear();
            assert_ne!(log.read_line(&mut line).expect("readable log"), 0, "the server ended before it was ready");
            said.send(line.trim_end().to_owned()).expect("heard");
            if let Some((_, rest)) = line.split_once("open ") {
                break rest.split_whitespace().next().expect("an address").to_owned();
            }
        };
        // Somebody has to read the rest, or the program would stop at a full pipe.
        std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| said.send(line)));
        Self { child, url, logged, http: reqwest::Client::builder().timeout(PATIENCE).build().expect("a client") }
    }

    /// Waits until the program logs something.
    pub(crate) fn wait_for_log(&self, what: &str) {
        let mut seen = Vec::new();
        while seen.last().is_none_or(|line: &String| !line.contains(what)) {
            match self.logged.recv_timeout(PATIENCE) {
                Ok(line) => seen.push(line),
                Err(_) => panic!("not logged: {what}; but:\n{}", seen.join("\n")),
            }
        }
    }

    /// The id of the process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }

    /// SIGTERM, and the program ends by itself.
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        let terminated = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(terminated.success());
        self.child.wait().expect("reaped")
    }

    pub(crate) async fn post(&self, channel: &str, text: &str) -> i64 {
        self.post_in(channel, None, text).await
    }

    pub(crate) async fn post_in(&self, channel: &str, thread: Option<i64>, text: &str) -> i64 {
        let body = json!({"text": text, "thread": thread, "author": "dana"});
        let response = self
            .http
            .post(format!("{}/api/channels/{channel}/messages", self.url))
            .json(&body)
            .send()
            .await
            .expect("sent");
        assert_eq!(response.status(), 201);
        response.json::<Value>().await.expect("JSON")["id"].as_i64().expect("a number")
    }

    pub(crate) async fn edit(&self, id: i64, text: &str) {
        let response = self
            .http
            .patch(format!("{}/api/messages/{id}", self.url))
            .json(&json!({"text": text}))
            .send()
            .await
            .expect("sent");
        assert_eq!(response.status(), 200);
    }

    pub(crate) async fn delete(&self, id: i64) {
        let response = self.http.delete(format!("{}/api/messages/{id}", self.url)).send().await.expect("sent");
        assert_eq!(response.status(), 204);
    }

    pub(crate) async fn command(&self, text: &str) -> String {
        let response = self
            .http
            .post(format!("{}/api/commands", self.url))
            .json(&json!({"text": text}))
            .send()
            .await
            .expect("sent");
        readable(response.json::<Value>().await.expect("JSON")["html"].as_str().expect("HTML"))
    }

    pub(crate) async fn history(&self, channel: &str) -> Vec<Value> {
        let response =
            self.http.get(format!("{}/api/channels/{channel}/messages", self.url)).send().await.expect("sent");
        response.json().await.expect("JSON")
    }

    /// Follows the updates from the beginning of the history until one fits.
    pub(crate) async fn wait_for(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let request = self.http.get(format!("{}/api/updates", self.url)).header("last-event-id", "0");
        let mut updates = request.send().await.expect("sent");
        let mut buffer = String::new();
        loop {
            let chunk = tokio::time::timeout(PATIENCE, updates.chunk()).await;
            let Ok(Ok(Some(chunk))) = chunk else { panic!("no update: {what}") };
            buffer.push_str(&String::from_utf8_lossy(&chunk));
            while let Some((event, rest)) = buffer.clone().split_once("\n\n") {
                buffer = rest.to_owned();
                let data: String = event.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
                match serde_json::from_str::<Value>(&data) {
                    Ok(message) if fits(&message) => return message,
                    _ => {}
                }
            }
        }
    }

    /// Waits until the history of a channel, as this process shows it, is as it must be.
    pub(crate) async fn wait_until(&self, channel: &str, what: &str, fits: impl Fn(&[Value]) -> bool) {
        // From here on every change is told, so that none is missed between a look and the next.
        let mut updates = self.http.get(format!("{}/api/updates", self.url)).send().await.expect("sent");
        loop {
            let history = self.history(channel).await;
            if fits(&history) {
                return;
            }
            // A sign of life comes now and then without a change.
            let chunk = tokio::time::timeout(PATIENCE, updates.chunk()).await;
            assert!(matches!(chunk, Ok(Ok(Some(_)))), "not seen: {what}, but {history:#?}");
        }
    }

    /// Waits until the program can write to its database again, after that was away.
    pub(crate) async fn writes_again(&self, channel: &str) {
        let body = json!({"text": "is it back?", "author": "dana"});
        let url = format!("{}/api/channels/{channel}/messages", self.url);
        for _ in 0..100 {
            let response = self.http.post(&url).json(&body).send().await.expect("sent");
            if response.status() == 201 {
                return;
            }
            assert_eq!(response.status(), 503);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the database is not reached any more");
    }

    /// The bot's answer to a message, as text.
    pub(crate) async fn answer_to(&self, id: i64) -> String {
        let answer = self
            .wait_for("an answer", |message| {
                message["is_bot"] == true && message["thread"] == id && message["deleted"] == false
            })
            .await;
        readable(answer["html"].as_str().expect("HTML"))
    }

    /// Proves silence: everything before this point of the channel has been decided.
    pub(crate) async fn settled(&self, channel: &str) {
        let id = self.post(channel, r#"{"errorCode":"E0000011","errorSummary":"Invalid token provided"}"#).await;
        self.answer_to(id).await;
        self.delete(id).await;
        self.wait_for("the removal", |message| {
            message["is_bot"] == true && message["thread"] == id && message["deleted"] == true
        })
        .await;
    }

    /// The bot's messages that are visible, by the message that they answer.
    pub(crate) async fn answered(&self, channel: &str) -> Vec<i64> {
        let bots = self.history(channel).await.into_iter().filter(|message| message["is_bot"] == true);
        bots.map(|message| message["thread"].as_i64().expect("in a thread")).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A failed test leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn temp() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// HTML as text: one line for each block.
pub(crate) fn readable(html: &str) -> String {
    let mut text = html.replace("</span><span>", "\n");
    for block in ["h3", "h4", "p", "li", "blockquote", "footer", "summary", "ul", "ol"] {
        text = text.replace(&format!("</{block}>"), "\n").replace(&format!("<{block}"), &format!("\n<{block}"));
    }
    let mut in_tag = false;
    text.retain(|char| {
        let keep = !in_tag && char != '<';
        in_tag = (in_tag || char == '<') && char != '>';
        keep
    });
    for (entity, char) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#x27;", "'"), ("&amp;", "&")] {
        text = text.replace(entity, char);
    }
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
