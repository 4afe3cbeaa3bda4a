//! The page of the local workspace: three files, compiled in, no build step.

use axum::http::header;
use axum::response::{Html, IntoResponse};

pub(super) async fn index() -> impl IntoResponse {
    Html(include_str!("assets/index.html"))
}

pub(super) async fn login() -> impl IntoResponse {
    Html(include_str!("assets/login.html"))
}

pub(super) async fn script() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")],
        include_str!("assets/app.js"),
    )
}

pub(super) async fn style() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")],
        include_str!("assets/app.css"),
    )
}
