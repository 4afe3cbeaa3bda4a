//! The page of the local workspace: a few files, compiled in, no build step.

use axum::http::header;
use axum::response::{Html, IntoResponse};

pub(super) async fn index() -> impl IntoResponse {
    Html(include_str!("assets/index.html"))
}

pub(super) async fn login() -> impl IntoResponse {
    Html(include_str!("assets/login.html"))
}

pub(super) async fn script() -> impl IntoResponse {
    file("text/javascript; charset=utf-8", include_str!("assets/app.js"))
}

pub(super) async fn preview_script() -> impl IntoResponse {
    file("text/javascript; charset=utf-8", include_str!("assets/preview.js"))
}

pub(super) async fn style() -> impl IntoResponse {
    file("text/css; charset=utf-8", include_str!("assets/app.css"))
}

pub(super) async fn preview_style() -> impl IntoResponse {
    file("text/css; charset=utf-8", include_str!("assets/preview.css"))
}

/// A file that a browser asks for again each time: it changes with the program.
fn file(kind: &'static str, content: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], content)
}
