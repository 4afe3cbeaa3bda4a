//! Events over HTTP: signed requests, verified before anything of them is believed.
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use slack_morphism::signature_verifier::{SlackEventSignatureVerifier, SlackEventSignatureVerifierError};
use tracing::{info, warn};

use super::handler::{Ack, Handler, Kind, Taken};
use crate::bot::ports::Store;

/// Where Slack is told to send events, interactions and commands.
pub const PATHS: [&str; 3] = ["/slack/events", "/slack/interactions", "/slack/commands"];
/// A signature is good for five minutes before and after its time; for so long it is remembered.
const REMEMBERED: Duration = Duration::from_secs(11 * 60);
/// Signatures that are remembered. Slack sends at most 30,000 events an hour for a workspace.
const REMEMBERED_MAX: usize = 50_000;

/// A request as it came in.
#[derive(Debug, Default)]
pub struct Request {
    /// Which of [`PATHS`].
    pub path: &'static str,
    /// The header `X-Slack-Signature`.
    pub signature: Option<String>,
    /// The header `X-Slack-Request-Timestamp`.
    pub timestamp: Option<String>,
    /// The header `X-Slack-Retry-Num`.
    pub retry: Option<String>,
    /// The header `X-Slack-Retry-Reason`.
    pub retry_reason: Option<String>,
    /// The body, byte for byte; `None` when it did not arrive whole.
    pub body: Option<Vec<u8>>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// JSON; nothing where a status says it all.
    pub body: Option<Value>,
}

/// Takes requests from Slack.
pub struct Endpoint<S> {
    handler: Arc<Handler<S>>,
    secrets: Vec<SecretString>,
    /// Signatures of requests that were taken, and when: each is good once.
    seen: Mutex<HashMap<String, Instant>>,
}

impl<S: Store> Endpoint<S> {
    pub(super) fn new(handler: Arc<Handler<S>>, secrets: Vec<SecretString>) -> Self {
        Self { handler, secrets, seen: Mutex::default() }
    }

    /// Takes a request; completes when it may be acknowledged.
    pub async fn take(self: Arc<Self>, request: Request) -> Answer {
        let (secret, body) = match self.verified(&request) {
            Ok(verified) => verified,
            Err((status, reason)) => {
                let refused = self.handler.bot.pulse.refuse();
                warn!(path = request.path, reason, refused, "a request that claims to be Slack's is refused");
                return Answer { status, body: Some(json!({"error": reason})) };
            }
        };
        if let Some(retry) = &request.retry {
            info!(retry, reason = request.retry_reason, "Slack delivers something again");
        }
        let (kind, payload) = match self.read(request.path, &body) {
            Read::Delivery(kind, payload) => (kind, payload),
            Read::Answer(answer) => return answer,
        };
        if self.handler.team_of(&payload).is_some_and(|team| !team.is_signed_with(&secret)) {
            let refused = self.handler.bot.pulse.refuse();
            warn!(refused, "a request is signed by another app than that of its workspace; it is refused");
            return Answer { status: 403, body: None };
        }
        let signature = request.signature.unwrap_or_default();
        let (done, answer) = tokio::sync::oneshot::channel();
        let this = Arc::clone(&self);
        // On its own, because Slack may hang up after three seconds, and what was begun is to be finished.
        self.handler.spawn(async move {
            let Taken { ack, then } = this.handler.deliver(kind, payload).await;
            let answer = match ack {
                Ack::Plain => Answer { status: 200, body: None },
                Ack::With(body) => Answer { status: 200, body: Some(body) },
                Ack::NotYet => {
                    // Slack may come again within the second, with the same signature.
                    this.seen.lock().unwrap_or_else(PoisonError::into_inner).remove(&signature);
                    Answer { status: 503, body: None }
                }
            };
            // Nobody may wait any more.
            let _ = done.send(answer);
            if let Some(rest) = then {
                rest.await;
            }
        });
        answer.await.unwrap_or(Answer { status: 503, body: None })
    }

    /// The secret that a request was signed with, and its body; or why it is refused.
    fn verified(&self, request: &Request) -> Result<(SecretString, String), (u16, &'static str)> {
        let Some(body) = &request.body else { return Err((400, "the body is too large or did not arrive whole")) };
        let (Some(signature), Some(timestamp)) = (&request.signature, &request.timestamp) else {
            return Err((401, "not signed"));
        };
        let Ok(body) = std::str::from_utf8(body) else { return Err((401, "the signature is wrong")) };
        let mut reason = "the signature is wrong";
        for secret in &self.secrets {
            let verifier = SlackEventSignatureVerifier::new(&secret.expose_secret().to_owned().into());
            match verifier.verify(signature, body, timestamp) {
                Ok(()) => {
                    self.is_new(signature)?;
                    self.handler.bot.pulse.beat();
                    return Ok((secret.clone(), body.to_owned()));
                }
                Err(SlackEventSignatureVerifierError::IncorrectOrExpiredTimestampError(_)) => {
                    reason = "the signature is too old or of the future";
                }
                Err(_) => {}
            }
        }
        Err((401, reason))
    }

    /// Notes a signature; each is good once.
    fn is_new(&self, signature: &str) -> Result<(), (u16, &'static str)> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_MAX {
            seen.retain(|_, at| at.elapsed() < REMEMBERED);
        }
        if seen.len() >= REMEMBERED_MAX {
            return Err((503, "too many requests"));
        }
        match seen.insert(signature.to_owned(), Instant::now()) {
            Some(at) if at.elapsed() < REMEMBERED => Err((409, "it came before")),
            _ => Ok(()),
        }
    }

    fn read(&self, path: &str, body: &str) -> Read {
        let odd = || {
            warn!(path, "a request of Slack cannot be read and is passed over");
            Read::Answer(Answer { status: 200, body: None })
        };
        match path {
            "/slack/events" => {
                let Ok(payload) = serde_json::from_str::<Value>(body) else { return odd() };
                match payload["type"].as_str().unwrap_or_default() {
                    "url_verification" => {
                        Read::Answer(Answer { status: 200, body: Some(json!({"challenge": payload["challenge"]})) })
                    }
                    _ => Read::Delivery(Kind::Event, payload),
                }
            }
            "/slack/interactions" => {
                let payload =
                    form(body).get("payload").and_then(|payload| serde_json::from_str(payload.as_str()?).ok());
                payload.map_or_else(odd, |payload| Read::Delivery(Kind::Interactive, payload))
            }
            _ => {
                let fields = form(body);
                if fields.contains_key("ssl_check") {
                    return Read::Answer(Answer { status: 200, body: None });
                }
                Read::Delivery(Kind::Command, Value::Object(fields))
            }
        }
    }
}

/// What a verified request is.
enum Read {
    Delivery(Kind, Value),
    Answer(Answer),
}

fn form(body: &str) -> Map<String, Value> {
    form_urlencoded::parse(body.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
        .collect()
}
