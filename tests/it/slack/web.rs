//! The HTTP side: who asks, whether they may, how often, and what Slack's answers look like.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State as With;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::Shared;
use super::state::{Failure, Request, State};

/// A refusal in Slack's word, with what stands beside it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: String,
    pub(super) more: Value,
}

impl Refusal {
    pub(super) fn with(error: &str, more: Value) -> Self {
        Self { error: error.to_owned(), more }
    }
}

impl From<&str> for Refusal {
    fn from(error: &str) -> Self {
        Self::with(error, Value::Null)
    }
}

pub(super) type Answer = Result<Value, Refusal>;

/// The arguments of a method, whatever way they came.
pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    fn read(query: &str, headers: &HeaderMap, body: &[u8]) -> Result<Self, Refusal> {
        let mut all = Map::new();
        let mut form = |pairs: &str| {
            // The address parser of the client reads forms as well.
            let address = reqwest::Url::parse(&format!("http://x/?{pairs}"));
            for (name, value) in address.iter().flat_map(|address| address.query_pairs()) {
                all.insert(name.into_owned(), Value::String(value.into_owned()));
            }
        };
        form(query);
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/json") {
            match serde_json::from_slice(body) {
                Ok(Value::Object(object)) => all.extend(object),
                Ok(_) => return Err("json_not_object".into()),
                Err(_) if body.is_empty() => {}
                Err(_) => return Err("invalid_json".into()),
            }
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            form(&String::from_utf8_lossy(body));
        } else if !body.is_empty() {
            return Err("invalid_post_type".into());
        }
        Ok(Self(all))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) => Some(text.clone()),
            value @ (Value::Number(_) | Value::Bool(_)) => Some(value.to_string()),
            _ => None,
        }
        .filter(|text| !text.is_empty())
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "true" || text == "1")
    }

    /// JSON as such, or in a text.
    pub(super) fn json(&self, name: &str) -> Option<Result<Value, ()>> {
        match self.0.get(name)? {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(serde_json::from_str(text).map_err(|_| ())),
            value => Some(Ok(value.clone())),
        }
    }

    pub(super) fn number(&self, name: &str) -> Option<Result<usize, ()>> {
        self.text(name).map(|text| text.parse().map_err(|_| ()))
    }
}

/// Whom a token stands for.
pub(super) enum Caller {
    Bot(String),
    App,
}

/// Answers everything but the sockets.
pub(super) async fn answer(With(shared): With<Arc<Shared>>, request: axum::extract::Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 25).await.unwrap_or_default();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    let bearer = parts.headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let bearer = bearer.strip_prefix("Bearer ").unwrap_or_default().to_owned();
    if let Some(released) = shared.look(|state| state.holds(&parts.method, &path)) {
        let _permit = released.acquire().await;
    }
    shared.change(|state| {
        if let Some(method) = path.strip_prefix("/api/") {
            state.web_api(&parts.method, method, &query, &parts.headers, &body, bearer)
        } else if path.starts_with("/files-pri/") {
            state.file(&parts.method, &path, &bearer)
        } else if path.starts_with("/commands/") || path.starts_with("/actions/") {
            state.response_url(&parts.method, &path, &body)
        } else if path == "/signin" {
            state.note(&parts.method, &path, None, Value::Null, 200, None);
            plain(200, "<!DOCTYPE html><html><title>Sign in | Slack</title></html>".into(), "text/html; charset=utf-8")
        } else {
            state.unknown.push(format!("{} {path}", parts.method));
            state.note(&parts.method, &path, None, Value::Null, 404, None);
            plain(404, Body::empty(), "text/html")
        }
    })
}

fn plain(status: u16, body: Body, kind: &str) -> Response {
    Response::builder().status(status).header(CONTENT_TYPE, kind).body(body).expect("a response")
}

fn in_json(status: u16, json: &Value) -> Response {
    plain(status, json.to_string().into(), "application/json; charset=utf-8")
}

/// A body that fails before its first byte takes the connection down.
fn dropped() -> Response {
    let failing = futures_util::stream::iter([Err::<String, _>(std::io::Error::other("dropped"))]);
    plain(200, Body::from_stream(failing), "application/json; charset=utf-8")
}

fn limited(retry_after: u64) -> Response {
    let mut response = in_json(429, &json!({"ok": false, "error": "ratelimited"}));
    response.headers_mut().insert(RETRY_AFTER, retry_after.to_string().parse().expect("a header"));
    response
}

impl State {
    /// How many requests to a path are to fail yet.
    pub(crate) fn trouble(&self, prefix: &str) -> u32 {
        self.knobs.iter().filter(|knob| knob.prefix == prefix).map(|knob| knob.left).sum()
    }

    fn failure(&mut self, method: &Method, path: &str) -> Option<Failure> {
        self.turned(method, path, |failure| !matches!(failure, Failure::Held(_)))
    }

    /// What an answer waits for that is held back.
    fn holds(&mut self, method: &Method, path: &str) -> Option<Arc<Semaphore>> {
        let path = path.strip_prefix("/api/").unwrap_or(path);
        match self.turned(method, path, |failure| matches!(failure, Failure::Held(_)))? {
            Failure::Held(released) => Some(released),
            _ => None,
        }
    }

    fn turned(&mut self, method: &Method, path: &str, which: impl Fn(&Failure) -> bool) -> Option<Failure> {
        let line = format!("{method} {path}");
        let fits = |prefix: &str| path.starts_with(prefix) || line.starts_with(prefix);
        let knob = self.knobs.iter_mut().find(|knob| knob.left > 0 && fits(&knob.prefix) && which(&knob.failure))?;
        knob.left -= 1;
        Some(knob.failure.clone())
    }

    fn note(
        &mut self,
        method: &Method,
        path: &str,
        team: Option<String>,
        arguments: Value,
        status: u16,
        error: Option<String>,
    ) {
        let (method, path) = (method.to_string(), path.to_owned());
        self.requests.push(Request { method, path, team, arguments, status, error });
    }

    fn caller(&self, token: &str) -> Result<Caller, Refusal> {
        if token.is_empty() {
            return Err("not_authed".into());
        }
        if token == self.app_token {
            return Ok(Caller::App);
        }
        let team =
            self.teams.iter().find(|team| team.bot_token == token).ok_or_else(|| Refusal::from("invalid_auth"))?;
        if !team.installed {
            return Err("account_inactive".into());
        }
        Ok(Caller::Bot(team.id.clone()))
    }

    /// How long to wait, if this is too much.
    fn too_fast(&mut self, name: &str, of: &str) -> Option<u64> {
        let (allowed, time) = *self.rates.get(name)?;
        let hits = self.hits.entry(format!("{name} {of}")).or_default();
        while hits.front().is_some_and(|hit| hit.elapsed() >= time) {
            hits.pop_front();
        }
        if hits.len() < allowed as usize {
            hits.push_back(Instant::now());
            return None;
        }
        let left = time.saturating_sub(hits.front().map_or(Duration::ZERO, Instant::elapsed));
        Some(left.as_secs() + 1)
    }

    fn web_api(
        &mut self,
        verb: &Method,
        method: &str,
        query: &str,
        headers: &HeaderMap,
        body: &[u8],
        bearer: String,
    ) -> Response {
        let failure = self.failure(verb, method);
        let arguments = Arguments::read(query, headers, body);
        let mut shown = arguments.as_ref().map_or(Value::Null, |it| Value::Object(it.0.clone()));
        if let Some(shown) = shown.as_object_mut() {
            shown.remove("token");
        }
        match failure {
            Some(Failure::RateLimited { retry_after }) => {
                self.note(verb, method, None, shown, 429, Some("ratelimited".to_owned()));
                return limited(retry_after);
            }
            Some(Failure::Status(status)) => {
                self.note(verb, method, None, shown, status, None);
                return plain(status, "upstream connect error".into(), "text/plain");
            }
            _ => {}
        }
        let mut accepted = "";
        let mut provided = String::new();
        let mut team = None;
        let mut wait = None;
        let result = arguments.and_then(|arguments| {
            let token = if bearer.is_empty() { arguments.text("token").unwrap_or_default() } else { bearer };
            let caller = self.caller(&token)?;
            provided = match &caller {
                Caller::Bot(id) => {
                    team = Some(id.clone());
                    self.team(id).scopes.join(",")
                }
                Caller::App => self.app_scopes.join(","),
            };
            if let Some(Failure::Error(error)) = &failure {
                return Err(Refusal::from(*error));
            }
            if let Caller::Bot(id) = &caller {
                wait = self.too_fast(method, &id.clone());
                if let Some(channel) = arguments.text("channel").filter(|_| wait.is_none()) {
                    wait = self.too_fast(&format!("{method} channel"), &channel);
                }
                if wait.is_some() {
                    return Err("ratelimited".into());
                }
            }
            let of_app = method == "apps.connections.open";
            if of_app != matches!(caller, Caller::App) && method != "auth.test" {
                return Err("not_allowed_token_type".into());
            }
            accepted = self.accepted_scopes(method, &arguments);
            let held: Vec<&str> = provided.split(',').collect();
            if !accepted.is_empty() && !accepted.split(',').any(|scope| held.contains(&scope)) {
                let needed = accepted.split(',').next().unwrap_or_default();
                return Err(Refusal::with("missing_scope", json!({"needed": needed, "provided": provided})));
            }
            self.call(method, &caller, &arguments)
        });
        if let Some(wait) = wait {
            self.note(verb, method, team, shown, 429, Some("ratelimited".to_owned()));
            return limited(wait);
        }
        let error = result.as_ref().err().map(|refusal| refusal.error.clone());
        let mut json = match result {
            Ok(mut json) => {
                json["ok"] = true.into();
                json
            }
            Err(refusal) => {
                let mut json = json!({"ok": false, "error": refusal.error});
                for (name, value) in refusal.more.as_object().into_iter().flatten() {
                    json[name] = value.clone();
                }
                json
            }
        };
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.starts_with("application/json") && !kind.contains("charset") {
            json["warning"] = "missing_charset".into();
            json["response_metadata"]["warnings"] = json!(["missing_charset"]);
        }
        self.note(verb, method, team, shown, 200, error);
        if matches!(failure, Some(Failure::LostAnswer)) {
            return dropped();
        }
        let mut response = in_json(200, &json);
        let headers = response.headers_mut();
        headers.insert("x-slack-req-id", "double".parse().expect("a header"));
        if !provided.is_empty() {
            headers.insert("x-oauth-scopes", provided.parse().expect("a header"));
            headers.insert("x-accepted-oauth-scopes", accepted.parse().expect("a header"));
        }
        response
    }

    /// A file, for who shows a token that may read it; everybody else is led to the page where people sign in.
    fn file(&mut self, verb: &Method, path: &str, bearer: &str) -> Response {
        let note = |state: &mut Self, status| state.note(verb, path, None, Value::Null, status, None);
        match self.failure(verb, path) {
            Some(Failure::RateLimited { retry_after }) => {
                note(self, 429);
                return limited(retry_after);
            }
            Some(Failure::Status(status)) => {
                note(self, status);
                return plain(status, Body::empty(), "text/plain");
            }
            Some(Failure::LostAnswer) => {
                note(self, 200);
                return dropped();
            }
            Some(Failure::Error(_) | Failure::Held(_)) | None => {}
        }
        // /files-pri/T…-F…/download/name
        let owner = path.trim_start_matches("/files-pri/").split('/').next().unwrap_or_default();
        let (team, id) = owner.split_once('-').unwrap_or_default();
        let known = self.files.get(id).cloned();
        let allowed = match self.caller(bearer) {
            Ok(Caller::Bot(caller)) => caller == team && self.has_scope(team, "files:read"),
            _ => false,
        };
        match known {
            Some((json, bytes)) if allowed => {
                note(self, 200);
                let kind = json["mimetype"].as_str().unwrap_or("text/plain").to_owned();
                plain(200, bytes.into(), &kind)
            }
            Some(_) => {
                note(self, 302);
                let response = Response::builder().status(302).header(LOCATION, format!("{}/signin", self.url));
                response.body(Body::empty()).expect("a response")
            }
            None => {
                note(self, 404);
                plain(404, Body::empty(), "text/html")
            }
        }
    }

    fn response_url(&mut self, verb: &Method, path: &str, body: &[u8]) -> Response {
        let json = serde_json::from_slice::<Value>(body).unwrap_or(Value::Null);
        let failure = self.failure(verb, path);
        match failure {
            Some(Failure::RateLimited { retry_after }) => {
                self.note(verb, path, None, json, 429, None);
                return limited(retry_after);
            }
            Some(Failure::Status(status)) => {
                self.note(verb, path, None, json, status, None);
                return plain(status, Body::empty(), "text/plain");
            }
            Some(Failure::Error(error)) => {
                self.note(verb, path, None, json, 404, Some(error.to_owned()));
                return in_json(404, &json!({"ok": false, "error": error}));
            }
            _ => {}
        }
        let result = self.respond(path, &json);
        let error = result.as_ref().err().map(|refusal| refusal.error.clone());
        let (status, response) = match result {
            Ok(()) => (200, plain(200, "ok".into(), "text/plain; charset=utf-8")),
            Err(refusal) => {
                let status = if matches!(refusal.error.as_str(), "used_url" | "expired_url") { 404 } else { 400 };
                let mut answer = json!({"ok": false, "error": refusal.error});
                for (name, value) in refusal.more.as_object().into_iter().flatten() {
                    answer[name] = value.clone();
                }
                (status, in_json(status, &answer))
            }
        };
        self.note(verb, path, None, json, status, error);
        if matches!(failure, Some(Failure::LostAnswer)) { dropped() } else { response }
    }
}
