//! Who may use the page: whoever sits at this machine, or knows the access token.
//!
//! On a loopback address there is no token, so other sites open in the same browser must be kept
//! out: requests must name this host (DNS rebinding) and may not come from another origin.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Form;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::Site;
use crate::local::ChatLog;

/// The cookie that holds the access token.
const COOKIE: &str = "oktriage_access";

/// Lets a request through, or says why not.
pub(super) async fn check<L: ChatLog>(State(site): State<Arc<Site<L>>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !from_same_origin(headers) {
        return (StatusCode::FORBIDDEN, "This page accepts requests from itself only.\n").into_response();
    }
    match &site.access_token {
        Some(token) if knows(headers, token.expose_secret()) => {}
        Some(_) if request.uri().path() == "/" => return Redirect::to("/login").into_response(),
        Some(_) => return (StatusCode::UNAUTHORIZED, "Open /login and enter the access token.\n").into_response(),
        None if names_loopback(headers) => {}
        None => {
            return (StatusCode::FORBIDDEN, "Open this page as http://127.0.0.1 or http://localhost.\n")
                .into_response();
        }
    }
    next.run(request).await
}

/// Security headers of every response.
pub(super) async fn headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[derive(Deserialize)]
pub(super) struct LogIn {
    token: String,
}

/// Remembers the access token in a cookie that scripts cannot read.
pub(super) async fn log_in<L: ChatLog>(
    State(site): State<Arc<Site<L>>>,
    headers: HeaderMap,
    Form(form): Form<LogIn>,
) -> Response {
    let right = site.access_token.as_ref().is_none_or(|token| same(form.token.trim(), token.expose_secret()));
    if !right || !from_same_origin(&headers) {
        return (StatusCode::FORBIDDEN, "This is not the access token.\n").into_response();
    }
    let cookie = format!("{COOKIE}={}; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000", hex(form.token.trim()));
    match HeaderValue::from_str(&cookie) {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// Browsers send `Origin` with everything that changes something, and `Sec-Fetch-Site` always.
fn from_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let same_host = match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
        (Some(_), None) => false,
        (None, _) => true,
    };
    same_host
        && text(header::HeaderName::from_static("sec-fetch-site"))
            .is_none_or(|site| matches!(site, "same-origin" | "none"))
}

fn names_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let uri = host.and_then(|host| format!("http://{host}/").parse::<Uri>().ok());
    uri.as_ref().and_then(Uri::host).is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

fn knows(headers: &HeaderMap, token: &str) -> bool {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if bearer.is_some_and(|bearer| same(bearer, token)) {
        return true;
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    values.any(|value| same(value, &hex(token)))
}

/// Any token fits into a cookie this way.
fn hex(token: &str) -> String {
    token.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares without telling by its time how much was right.
fn same(a: &str, b: &str) -> bool {
    let difference =
        a.bytes().zip(b.bytes()).fold(a.len() ^ b.len(), |difference, (a, b)| difference | usize::from(a ^ b));
    std::hint::black_box(difference) == 0
}
