//! Slack's requests to the bot's own address: signed, retried, and what somebody else could send there.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::state::{Sent, State, Urls, now};
use super::{Shared, Slack};
use crate::program::PATIENCE;

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forgery {
    /// Nothing: it is Slack's.
    None,
    /// Signed by somebody who does not have the secret.
    WrongSecret,
    NoSignature,
    NoTimestamp,
    /// The signature of another version.
    WrongVersion,
    /// Rightly signed, so many seconds ago; a negative number lies ahead.
    Late(i64),
    /// Something was put into the body after it was signed.
    Changed,
    /// The body ends early.
    Truncated,
}

/// The signature of a body at a time in seconds of Unix time.
pub(crate) fn signature(secret: &str, timestamp: &str, body: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = ring::hmac::sign(&key, format!("v0:{timestamp}:{body}").as_bytes());
    let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v0={hex}")
}

/// A form with these fields.
fn form(fields: &[(&str, &str)]) -> String {
    let mut address = reqwest::Url::parse("http://x/").expect("an address");
    address.query_pairs_mut().extend_pairs(fields);
    address.query().unwrap_or_default().to_owned()
}

/// The body of a delivery and its type, as it goes over HTTP.
pub(super) fn body_of(kind: &str, payload: &Value) -> (&'static str, String) {
    match kind {
        "events_api" => ("application/json", payload.to_string()),
        "interactive" => ("application/x-www-form-urlencoded", form(&[("payload", &payload.to_string())])),
        _ => {
            let fields: Vec<(&str, &str)> = payload
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
                .collect();
            ("application/x-www-form-urlencoded", form(&fields))
        }
    }
}

impl State {
    /// A request as Slack would send it, or nearly.
    pub(super) fn request(&self, url: &str, kind: &str, payload: &Value, forgery: Forgery) -> Sent {
        let (content_type, body) = body_of(kind, payload);
        let seconds = (now() / 1_000_000) as i64;
        let timestamp = if let Forgery::Late(by) = forgery { seconds - by } else { seconds }.to_string();
        let secret = if forgery == Forgery::WrongSecret { "somebody-else's" } else { self.signing_secret.as_str() };
        let mut signed = signature(secret, &timestamp, &body);
        if forgery == Forgery::WrongVersion {
            signed = signed.replacen("v0=", "v1=", 1);
        }
        let mut headers = vec![
            ("content-type".to_owned(), content_type.to_owned()),
            ("user-agent".to_owned(), "Slackbot 1.0 (+https://api.slack.com/robots)".to_owned()),
        ];
        if forgery != Forgery::NoTimestamp {
            headers.push(("x-slack-request-timestamp".to_owned(), timestamp));
        }
        if forgery != Forgery::NoSignature {
            headers.push(("x-slack-signature".to_owned(), signed));
        }
        let body = match forgery {
            Forgery::Changed => body.replacen(':', ": ", 1) + " ",
            Forgery::Truncated => {
                body[..body.char_indices().nth(body.chars().count() / 2).map_or(0, |it| it.0)].to_owned()
            }
            _ => body,
        };
        Sent { url: url.to_owned(), headers, body, status: 0 }
    }
}

/// Sends a request as it is; the answer's status, headers and body.
pub(super) async fn send(
    http: &reqwest::Client,
    sent: &Sent,
) -> Result<(u16, reqwest::header::HeaderMap, String), reqwest::Error> {
    let mut request = http.post(&sent.url).body(sent.body.clone());
    for (name, value) in &sent.headers {
        request = request.header(name, value);
    }
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok((status, headers, response.text().await?))
}

/// Brings what is due to the bot's address, and wakes whoever waits for a time to pass.
pub(super) async fn run(shared: Arc<Shared>) {
    let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
    let mut changes = shared.changes.subscribe();
    loop {
        // What has become due since the last change is nobody else's to see.
        let since = Instant::now();
        let (moved, due, next) = shared.look(|state| (state.assign(), state.due_over_http(), state.next_due(since)));
        if moved {
            shared.changes.send_modify(|changes| *changes += 1);
        }
        for (id, sent, limit) in due {
            let (shared, http) = (Arc::clone(&shared), http.clone());
            tokio::spawn(async move {
                let answer = tokio::time::timeout(limit, send(&http, &sent)).await;
                shared.change(|state| state.delivered(id, sent, answer));
            });
        }
        let wait = async {
            match next {
                Some(next) => tokio::time::sleep_until(next.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = wait => shared.change(|_| ()),
        }
    }
}

type Answered = Result<Result<(u16, reqwest::header::HeaderMap, String), reqwest::Error>, tokio::time::error::Elapsed>;

impl State {
    /// What has to go out now, marked as being on its way.
    fn due_over_http(&mut self) -> Vec<(u64, Sent, std::time::Duration)> {
        let Some(urls) = self.urls.clone() else { return Vec::new() };
        let mut due = Vec::new();
        for index in 0..self.deliveries.len() {
            let delivery = self.deliveries[index].clone();
            if delivery.acked || delivery.lost || delivery.out.is_some() || delivery.due > Instant::now() {
                continue;
            }
            let url = match delivery.kind {
                "events_api" => &urls.events,
                "interactive" => &urls.interactions,
                _ => &urls.commands,
            };
            let mut sent = self.request(url, delivery.kind, &delivery.payload, Forgery::None);
            if delivery.attempt > 0 {
                sent.headers.push(("x-slack-retry-num".to_owned(), delivery.attempt.to_string()));
                sent.headers.push(("x-slack-retry-reason".to_owned(), delivery.reason.to_owned()));
            }
            self.deliveries[index].out = Some((0, Instant::now()));
            due.push((delivery.id, sent, self.ack_limit));
        }
        due
    }

    fn delivered(&mut self, id: u64, mut sent: Sent, answer: Answered) {
        match answer {
            Ok(Ok((status, headers, body))) => {
                sent.status = status;
                if (200..300).contains(&status) {
                    let payload = serde_json::from_str(&body).unwrap_or_else(|_| {
                        // A command may be answered with mere words.
                        if body.is_empty() { Value::Null } else { json!({"text": body}) }
                    });
                    self.acknowledge(id, &payload);
                } else {
                    self.missed(id, "http_error", false);
                    if headers.get("x-slack-no-retry").is_some_and(|value| value == "1") {
                        self.deliveries.iter_mut().filter(|it| it.id == id).for_each(|it| it.lost = true);
                    }
                }
            }
            Ok(Err(_)) => self.missed(id, "connection_failed", false),
            Err(_) => self.missed(id, "http_timeout", false),
        }
        self.sent.push(sent);
    }
}

impl Slack {
    /// Has everything sent to these addresses instead of the sockets, once the first one has proved to be the
    /// app's.
    pub(crate) async fn use_urls(&self, events: &str, interactions: &str, commands: &str) -> Result<(), String> {
        let challenge = format!("challenge-{}", now());
        let payload = json!({"token": "verification-token", "challenge": challenge, "type": "url_verification"});
        let (status, body) = self.deliver(events, "events_api", &payload, Forgery::None).await;
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        if status != 200 || (body.trim() != challenge && json["challenge"] != challenge) {
            return Err(format!("the challenge was answered with {status} {body}"));
        }
        let (events, interactions, commands) = (events.to_owned(), interactions.to_owned(), commands.to_owned());
        self.change(|state| state.urls = Some(Urls { events, interactions, commands }));
        Ok(())
    }

    /// Sends one request of the kind `events_api`, `interactive` or `slash_commands`, as Slack would or nearly;
    /// the status and body of the answer.
    pub(crate) async fn deliver(&self, url: &str, kind: &str, payload: &Value, forgery: Forgery) -> (u16, String) {
        let sent = self.look(|state| state.request(url, kind, payload, forgery));
        self.send(sent).await
    }

    /// Sends a request once more, with the same signature.
    pub(crate) async fn replay(&self, sent: &Sent) -> (u16, String) {
        self.send(sent.clone()).await
    }

    /// Begins a rightly signed request and drops the connection in the middle of its body.
    pub(crate) async fn cut_off(&self, url: &str, payload: &Value) {
        use tokio::io::AsyncWriteExt as _;
        let sent = self.look(|state| state.request(url, "events_api", payload, Forgery::None));
        let address = reqwest::Url::parse(url).expect("an address");
        let host = format!("{}:{}", address.host_str().expect("a host"), address.port().expect("a port"));
        let mut head = format!("POST {} HTTP/1.1\r\nhost: {host}\r\n", address.path());
        for (name, value) in &sent.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", sent.body.len()));
        let mut socket = tokio::net::TcpStream::connect(host).await.expect("connected");
        socket.write_all(head.as_bytes()).await.expect("written");
        socket.write_all(&sent.body.as_bytes()[..sent.body.len() / 2]).await.expect("written");
        socket.shutdown().await.expect("ended");
    }

    async fn send(&self, mut sent: Sent) -> (u16, String) {
        let http = reqwest::Client::builder().timeout(PATIENCE).build().expect("a client");
        let (status, _, body) = send(&http, &sent).await.expect("an answer");
        sent.status = status;
        self.change(|state| state.sent.push(sent));
        (status, body)
    }

    /// A payload as the Events API would send it, about an event that happened nowhere.
    pub(crate) fn payload(&self, event: Value) -> Value {
        self.change(|state| {
            let team = state.teams[0].id.clone();
            state.emit_anyway(&team, event);
            let mut delivery = state.deliveries.pop().expect("just queued");
            delivery.payload.take()
        })
    }
}
