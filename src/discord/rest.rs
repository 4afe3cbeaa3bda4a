//! Calls of Discord's API for what must be right about failures: their codes, and when to come back.
//!
//! serenity's own client is not used here because it hides `Retry-After` and ignores a base URL
//! unless its rate limiter is off. Its routes and requests are.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use serenity::http::{LightMethod, Request, Route};
use serenity::model::id::UserId;
use tokio::sync::OnceCell;

use crate::bot::ports::SendError;
use crate::config::DiscordSettings;

/// A call takes at most so long; its outcome is unknown then.
const CALL_MAX: Duration = Duration::from_secs(8);

/// The first pause of who reads again when Discord is in trouble; each further one doubles it.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The shortest pause before a limited call is made again.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// JSON error codes. <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json>
pub(super) mod code {
    /// Unknown channel.
    pub(in crate::discord) const UNKNOWN_CHANNEL: i64 = 10_003;
    /// Unknown message.
    pub(in crate::discord) const UNKNOWN_MESSAGE: i64 = 10_008;
    /// Missing access.
    pub(in crate::discord) const MISSING_ACCESS: i64 = 50_001;
    /// Missing permissions.
    pub(in crate::discord) const MISSING_PERMISSIONS: i64 = 50_013;
    /// Cannot execute this on this type of channel.
    pub(in crate::discord) const WRONG_CHANNEL_TYPE: i64 = 50_024;
    /// The thread was put away.
    pub(in crate::discord) const ARCHIVED: i64 = 50_083;
    /// A thread was already created for this message.
    pub(in crate::discord) const THREAD_EXISTS: i64 = 160_004;
    /// The guild has too many active threads.
    pub(in crate::discord) const TOO_MANY_THREADS: i64 = 160_006;
}

/// Why a call did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Discord refused.
    #[error("{status}{}", reason(*code, message))]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// Discord's own code; 0 where it gave none.
        code: i64,
        /// Discord's words; for the log.
        message: String,
    },
    /// Too many calls.
    #[error("rate limited for {} ms", after.as_millis())]
    Limited {
        /// When to come back.
        after: Duration,
        /// With any call, and not only with this one.
        everywhere: bool,
    },
    /// No answer; whether it was done is unknown.
    #[error("no answer: {0}")]
    Unreachable(String),
}

/// Without a code of its own, Discord says the status once more, and others than Discord say anything.
fn reason(code: i64, message: &str) -> String {
    if code == 0 { String::new() } else { format!(", {code}: {message}") }
}

impl CallError {
    /// Whether the same call may work later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Limited { .. } | Self::Unreachable(_) => true,
            Self::Refused { status, .. } => status.is_server_error(),
        }
    }

    /// Discord's own code.
    pub(super) fn code(&self) -> Option<i64> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl From<CallError> for SendError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Limited { after, everywhere } => Self::Limited { after, everywhere },
            _ if error.may_pass() => Self::Later { reason: error.to_string(), after: None },
            _ => Self::Never(error.to_string()),
        }
    }
}

/// The client for calls and attachments. It follows no redirects: an answer from elsewhere is none of Discord's.
pub(super) fn http_client() -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.build().context("no HTTP client")
}

/// Discord's API.
pub struct Rest {
    client: reqwest::Client,
    base: String,
    token: SecretString,
    held: Mutex<Held>,
    me: OnceCell<UserId>,
}

/// Calls that would only be refused, and until when.
#[derive(Default)]
struct Held {
    all: Option<Instant>,
    routes: HashMap<String, Instant>,
}

#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    retry_after: f64,
    #[serde(default)]
    global: bool,
}

impl Rest {
    /// The API with the token and address of the settings; `client` makes the connections.
    pub fn new(client: reqwest::Client, settings: &DiscordSettings, token: &SecretString) -> Self {
        let token = SecretString::from(format!("Bot {}", token.expose_secret()));
        Self { client, base: settings.api_base.clone(), token, held: Mutex::default(), me: OnceCell::new() }
    }

    /// The bot's own id.
    pub(super) async fn me(&self) -> Result<UserId, CallError> {
        let asked = self.me.get_or_try_init(|| async {
            let me = self.call(LightMethod::Get, Route::UserMe, None::<&()>, &[]).await?;
            let id = me["id"].as_str().and_then(|id| id.parse().ok()).filter(|id| *id != 0);
            id.map(UserId::new).ok_or_else(|| CallError::Unreachable("a user without an id".to_owned()))
        });
        asked.await.copied()
    }

    /// Makes a call and returns what Discord answers.
    pub async fn call(
        &self,
        method: LightMethod,
        route: Route<'_>,
        body: Option<&impl serde::Serialize>,
        query: &[(&'static str, String)],
    ) -> Result<Value, CallError> {
        let unreachable = |error: &dyn std::fmt::Display| CallError::Unreachable(error.to_string());
        let path = route.path().into_owned();
        if let Some((after, everywhere)) = self.held_for(&path) {
            return Err(CallError::Limited { after, everywhere });
        }
        let body = body.map(serde_json::to_vec).transpose().map_err(|error| unreachable(&error))?;
        let query = (!query.is_empty()).then(|| query.to_vec());
        let request = Request::new(route, method)
            .body(body)
            .params(query)
            .build(&self.client, self.token.expose_secret(), Some(&self.base))
            .map_err(|error| unreachable(&error))?;
        // The URL of an error would hold a webhook's token.
        let response = request.timeout(CALL_MAX).send().await.map_err(|error| unreachable(&error.without_url()))?;
        let status = response.status();
        self.hold_spent(&path, response.headers());
        let retry_header = seconds(response.headers(), RETRY_AFTER.as_str());
        let bytes = response.bytes().await.map_err(|error| unreachable(&error.without_url()))?;
        if status.is_success() {
            return Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_default() });
        }
        let refusal: Refusal = serde_json::from_slice(&bytes).unwrap_or_default();
        if status == StatusCode::TOO_MANY_REQUESTS {
            let after = retry_header.unwrap_or_default().max(duration(refusal.retry_after));
            self.hold(if refusal.global { None } else { Some(path) }, after);
            return Err(CallError::Limited { after, everywhere: refusal.global });
        }
        Err(CallError::Refused { status, code: refusal.code, message: refusal.message })
    }

    /// Reads what may take its time: comes back when a limit is over, and up to `tries` times more when
    /// Discord is in trouble.
    pub(super) async fn read(
        &self,
        route: Route<'_>,
        query: &[(&'static str, String)],
        mut tries: u32,
    ) -> Result<Value, CallError> {
        let mut pause = PAUSE_FIRST;
        loop {
            let wait = match self.call(LightMethod::Get, route, None::<&()>, query).await {
                Err(CallError::Limited { after, .. }) => after.max(PAUSE_MIN),
                Err(error) if error.may_pass() && tries > 0 => {
                    tries -= 1;
                    let wait = pause;
                    pause *= 2;
                    wait
                }
                done => return done,
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// How long a call would only be refused, and whether any call would.
    fn held_for(&self, path: &str) -> Option<(Duration, bool)> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        held.routes.retain(|_, until| *until > now);
        let left = |until: Option<Instant>| until?.checked_duration_since(now).filter(|left| !left.is_zero());
        let (all, route) = (left(held.all), left(held.routes.get(path).copied()));
        Some((all.max(route)?, all >= route))
    }

    fn hold(&self, path: Option<String>, time: Duration) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + time;
        match path {
            Some(path) => {
                held.routes.insert(path, until);
            }
            None => held.all = Some(until),
        }
    }

    /// Holds a route whose allowance is used up, instead of being refused.
    /// <https://docs.discord.com/developers/topics/rate-limits#header-format>
    fn hold_spent(&self, path: &str, headers: &HeaderMap) {
        let spent = headers.get("x-ratelimit-remaining").is_some_and(|left| left == "0");
        if let Some(reset) = seconds(headers, "x-ratelimit-reset-after").filter(|_| spent) {
            self.hold(Some(path.to_owned()), reset);
        }
    }
}

fn seconds(headers: &HeaderMap, name: &str) -> Option<Duration> {
    headers.get(name)?.to_str().ok()?.parse().ok().map(duration)
}

/// Nothing sensible asks for more than a day.
fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.0, 86_400.0)).unwrap_or_default()
}
