//! Calls of Slack's Web API, over slack-morphism's client with a connector of this program's own.
//!
//! The connector that comes with slack-morphism knows no time limit, hides the granted scopes and brings
//! a second HTTP client with it. Answers are taken as plain JSON: the library's models refuse a whole page
//! of history for one block that they do not know.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use slack_morphism::errors::{
    SlackClientApiError, SlackClientError, SlackClientHttpError, SlackClientHttpProtocolError,
    SlackClientProtocolError, SlackRateLimitError,
};
use slack_morphism::multipart_form::FileMultipartData;
use slack_morphism::{
    ClientResult, SlackApiToken, SlackClient, SlackClientApiCallContext, SlackClientHttpConnector, SlackClientId,
    SlackClientSecret,
};

use crate::bot::ports::SendError;

/// A call takes at most so long; its outcome is unknown then.
const CALL_MAX: Duration = Duration::from_secs(5);
/// More than this is no answer of Slack's; its largest are pages of 200 messages.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// How long a method rests that Slack limited without saying for how long.
const LIMITED_FOR: Duration = Duration::from_secs(30);
/// Nothing sensible asks for more than a day.
const LIMITED_MAX: Duration = Duration::from_secs(86_400);

/// Slack's own words for what failed. <https://docs.slack.dev/reference/methods>
pub(super) mod code {
    /// The token is worth nothing (any more), or of another kind.
    pub(in crate::slack) const TOKEN: [&str; 8] = [
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "not_allowed_token_type",
        "org_login_required",
        "ekm_access_denied",
    ];
    /// Slack's trouble, not the call's.
    pub(in crate::slack) const PASSING: [&str; 7] = [
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    ];
    /// A message can no longer be edited.
    pub(in crate::slack) const NO_EDIT: [&str; 3] =
        ["edit_window_closed", "cant_update_message", "as_user_not_supported"];
    /// A message, or its thread, is not there.
    pub(in crate::slack) const GONE: [&str; 2] = ["message_not_found", "thread_not_found"];
    /// The app shows no Home tab.
    pub(in crate::slack) const HOME_OFF: &str = "not_enabled";
    /// The token lacks a scope.
    pub(in crate::slack) const MISSING_SCOPE: &str = "missing_scope";
}

/// Why a call did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Slack refused.
    #[error("{0}")]
    Refused(
        /// Slack's word for it.
        String,
    ),
    /// Too many calls.
    #[error("rate limited for {} ms", after.as_millis())]
    Limited {
        /// When to come back.
        after: Duration,
    },
    /// No answer that says anything; whether it was done is unknown.
    #[error("no answer: {0}")]
    Unreachable(String),
}

impl CallError {
    /// Whether the same call may work later.
    pub(super) fn may_pass(&self) -> bool {
        !matches!(self, Self::Refused(_)) || self.is(&code::PASSING)
    }

    /// Whether Slack refused for one of these reasons.
    pub(super) fn is(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Refused(code) if codes.contains(&code.as_str()))
    }
}

impl From<CallError> for SendError {
    fn from(error: CallError) -> Self {
        match error {
            // Its limits are those of a channel, mostly.
            CallError::Limited { after } => Self::Limited { after, everywhere: false },
            _ if error.may_pass() => Self::Later { reason: error.to_string(), after: None },
            _ => Self::Never(format!("Slack refuses: {error}")),
        }
    }
}

impl From<SlackClientError> for CallError {
    fn from(error: SlackClientError) -> Self {
        // The library's own words for these repeat the body, which can hold what people wrote.
        match error {
            SlackClientError::ApiError(error) => Self::Refused(error.code),
            SlackClientError::RateLimitError(error) => {
                Self::Limited { after: error.retry_after.unwrap_or(LIMITED_FOR).min(LIMITED_MAX) }
            }
            SlackClientError::HttpError(error) => Self::Unreachable(format!("HTTP {}", error.status_code)),
            SlackClientError::ProtocolError(error) => Self::Unreachable(error.json_error.to_string()),
            SlackClientError::HttpProtocolError(error) => {
                Self::Unreachable(error.cause.map_or_else(|| "broken HTTP".to_owned(), |cause| root(cause.as_ref())))
            }
            _ => Self::Unreachable("the client failed".to_owned()),
        }
    }
}

/// What lies under an error: that a name is unknown, a connection refused, a certificate not trusted.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(deeper) = error.source() {
        error = deeper;
    }
    error.to_string()
}

/// The client for calls and files. It follows no redirects: an answer from elsewhere is none of Slack's.
pub(super) fn http_client() -> anyhow::Result<reqwest::Client> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    client.build().context("no HTTP client")
}

/// slack-morphism's way to Slack.
#[derive(Debug)]
pub(super) struct Web {
    client: reqwest::Client,
    base: String,
    /// What the token may do, as the last answer said.
    scopes: Mutex<String>,
}

impl Web {
    async fn send<RS>(&self, request: RequestBuilder, token: Option<&SlackApiToken>) -> ClientResult<RS>
    where
        RS: for<'de> serde::Deserialize<'de>,
    {
        let broken = |error: reqwest::Error| {
            // The URL of an error would hold a response's address, which is a secret.
            SlackClientError::HttpProtocolError(
                SlackClientHttpProtocolError::new().with_cause(Box::new(error.without_url())),
            )
        };
        let request = match token {
            Some(token) => request.bearer_auth(&token.token_value.0),
            None => request,
        };
        let mut response = request.timeout(CALL_MAX).send().await.map_err(broken)?;
        let status = response.status();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let retry = header(RETRY_AFTER.as_str()).and_then(|seconds| seconds.trim().parse::<f64>().ok());
        if let Some(granted) = header("x-oauth-scopes") {
            *self.scopes.lock().unwrap_or_else(PoisonError::into_inner) = granted;
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_MAX {
                return Err(SlackClientError::HttpError(SlackClientHttpError::new(status)));
            }
        }
        let answer: Option<Value> = serde_json::from_slice(&bytes).ok();
        let refusal = answer.as_ref().and_then(|answer| answer["error"].as_str());
        if status == StatusCode::TOO_MANY_REQUESTS || refusal == Some("ratelimited") {
            let after = retry.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(LIMITED_MAX));
            return Err(SlackClientError::RateLimitError(SlackRateLimitError::new().opt_retry_after(after)));
        }
        if let Some(refusal) = refusal {
            return Err(SlackClientError::ApiError(SlackClientApiError::new(refusal.to_owned())));
        }
        if !status.is_success() {
            return Err(SlackClientError::HttpError(SlackClientHttpError::new(status)));
        }
        // Not every answer is JSON: that of a `response_url` is the word "ok".
        serde_json::from_value(answer.unwrap_or(Value::Null))
            .map_err(|error| SlackClientError::ProtocolError(SlackClientProtocolError::new(error)))
    }
}

/// What the bot does not use.
fn unused<'a, RS: Send + 'a>() -> BoxFuture<'a, ClientResult<RS>> {
    let error = std::io::Error::from(std::io::ErrorKind::Unsupported);
    let error = SlackClientHttpProtocolError::new().with_cause(Box::new(error));
    std::future::ready(Err(SlackClientError::HttpProtocolError(error))).boxed()
}

impl SlackClientHttpConnector for Web {
    fn create_method_uri_path(&self, method: &str) -> ClientResult<Url> {
        Ok(format!("{}/{method}", self.base).parse()?)
    }

    fn http_get_uri<'a, RS>(
        &'a self,
        full_uri: Url,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> serde::Deserialize<'de> + Send + 'a,
    {
        self.send(self.client.get(full_uri), context.token).boxed()
    }

    fn http_post_uri<'a, RQ, RS>(
        &'a self,
        full_uri: Url,
        request_body: &'a RQ,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RQ: serde::Serialize + Send + Sync,
        RS: for<'de> serde::Deserialize<'de> + Send + 'a,
    {
        async move {
            let body = serde_json::to_vec(request_body)
                .map_err(|error| SlackClientError::ProtocolError(SlackClientProtocolError::new(error)))?;
            let request = self.client.post(full_uri).header(CONTENT_TYPE, "application/json; charset=utf-8").body(body);
            self.send(request, context.token).await
        }
        .boxed()
    }

    fn http_get_with_client_secret<'a, RS>(
        &'a self,
        _: Url,
        _: &'a SlackClientId,
        _: &'a SlackClientSecret,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> serde::Deserialize<'de> + Send + 'a,
    {
        unused()
    }

    fn http_post_uri_multipart_form<'a, 'p, RS, PT, TS>(
        &'a self,
        _: Url,
        _: Option<FileMultipartData<'p>>,
        _: &'p PT,
        _: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> serde::Deserialize<'de> + Send + 'a,
        PT: IntoIterator<Item = (&'p str, Option<TS>)> + Clone,
        TS: AsRef<str> + 'p + Send,
    {
        unused()
    }

    fn http_post_uri_binary<'a, 'p, RS>(
        &'a self,
        _: Url,
        _: String,
        _: &'a [u8],
        _: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> serde::Deserialize<'de> + Send + 'a,
    {
        unused()
    }
}

/// Slack's API with one token.
pub(super) struct Api {
    client: SlackClient<Web>,
    token: SlackApiToken,
    /// Methods that would only be refused, and until when.
    held: Mutex<HashMap<String, Instant>>,
}

impl Api {
    /// The API at `base`; `client` makes the connections.
    pub(super) fn new(client: reqwest::Client, base: &str, token: &SecretString) -> Self {
        let web = Web { client, base: base.trim_end_matches('/').to_owned(), scopes: Mutex::default() };
        let token = SlackApiToken::new(token.expose_secret().to_owned().into());
        Self { client: SlackClient::new(web), token, held: Mutex::default() }
    }

    /// Calls a method that changes something.
    pub(super) async fn post(&self, method: &str, body: &Value) -> Result<Value, CallError> {
        self.held_for(method)?;
        let called = self.client.open_session(&self.token).http_session_api.http_post(method, body, None).await;
        self.heard(method, called)
    }

    /// Calls a method that reads.
    pub(super) async fn get(&self, method: &str, parameters: &[(&str, &str)]) -> Result<Value, CallError> {
        self.held_for(method)?;
        let parameters: Vec<(&str, Option<&str>)> =
            parameters.iter().map(|(name, value)| (*name, Some(*value))).collect();
        let called = self.client.open_session(&self.token).http_session_api.http_get(method, &parameters, None).await;
        self.heard(method, called)
    }

    /// Answers where a `response_url` says, for which no token is needed.
    pub(super) async fn respond(&self, url: &str, body: &Value) -> Result<(), CallError> {
        let url: Url = url.parse().map_err(|_| CallError::Refused("no address to respond to".to_owned()))?;
        let span = tracing::Span::none();
        let context = SlackClientApiCallContext {
            rate_control_params: None,
            token: None,
            tracing_span: &span,
            is_sensitive_url: true,
        };
        let _: Value = self.client.http_api.connector.http_post_uri(url, body, context).await?;
        Ok(())
    }

    /// The scopes of the token, as the last answer said.
    pub(super) fn scopes(&self) -> Vec<String> {
        let scopes = self.client.http_api.connector.scopes.lock().unwrap_or_else(PoisonError::into_inner).clone();
        scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
    }

    /// The token, for files.
    pub(super) fn token(&self) -> &str {
        &self.token.token_value.0
    }

    fn held_for(&self, method: &str) -> Result<(), CallError> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        held.retain(|_, until| *until > now);
        match held.get(method) {
            Some(until) => Err(CallError::Limited { after: until.duration_since(now) }),
            None => Ok(()),
        }
    }

    fn heard(&self, method: &str, called: ClientResult<Value>) -> Result<Value, CallError> {
        let called = called.map_err(CallError::from);
        if let Err(CallError::Limited { after }) = &called {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.insert(method.to_owned(), Instant::now() + *after);
        }
        called
    }
}
