//! Paths at which a platform delivers events. Who may use them is the adapter's to say: it sees the
//! request byte for byte, as signatures need it.

use std::future::Future;
use std::sync::Arc;

use axum::Json;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;

/// A body larger than this is refused, in bytes. Slack's messages are at most 40,000 characters, and what
/// is pressed comes with the message that it is on.
const BODY_MAX: usize = 1024 * 1024;

/// A request to a hook.
pub struct HookRequest {
    headers: HeaderMap,
    /// The body; `None` when it is too large or did not arrive whole.
    pub body: Option<Vec<u8>>,
}

impl HookRequest {
    /// A header, where it is there and plain text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What a hook answers.
pub struct HookAnswer {
    /// The HTTP status.
    pub status: u16,
    /// JSON, where there is something to say.
    pub body: Option<Value>,
}

type Take = dyn Fn(HookRequest) -> BoxFuture<'static, HookAnswer> + Send + Sync;

/// A path at which a platform delivers.
pub struct Hook {
    path: &'static str,
    take: Arc<Take>,
}

impl Hook {
    /// `take` answers each request that is posted to `path`.
    pub fn new<F>(path: &'static str, take: impl Fn(HookRequest) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = HookAnswer> + Send + 'static,
    {
        Self { path, take: Arc::new(move |request| take(request).boxed()) }
    }

    /// The path with what it does.
    pub(super) fn route<S: Clone + Send + Sync + 'static>(self) -> (&'static str, MethodRouter<S>) {
        let take = self.take;
        let route = post(move |request: Request| async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, BODY_MAX).await.ok().map(Vec::from);
            let answer = take(HookRequest { headers: parts.headers, body }).await;
            respond(answer)
        });
        (self.path, route)
    }
}

fn respond(answer: HookAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match answer.body {
        Some(body) => (status, Json(body)).into_response(),
        None => status.into_response(),
    }
}
