//! Health: whether each platform is heard from.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::Site;
use crate::local::ChatLog;

/// 200 while everything is well, 503 with the reason otherwise.
pub(super) async fn healthz<L: ChatLog>(State(site): State<Arc<Site<L>>>) -> Response {
    let mut well = true;
    let mut platforms = serde_json::Map::new();
    for pulse in &site.pulses {
        let trouble = pulse.trouble();
        well &= trouble.is_none();
        let state = serde_json::json!({
            "ok": trouble.is_none(), "connections": pulse.connections(), "silent_seconds": pulse.silent_for(),
            "refused_requests": pulse.refused(), "trouble": trouble,
        });
        platforms.insert(pulse.platform.to_string(), state);
    }
    let mut state = serde_json::json!({"ok": well, "platforms": platforms});
    let dead = *site.dead.borrow();
    if dead > 0 {
        // The bot goes on; a person has to look.
        state["undelivered_replies"] = dead.into();
        state["help"] = "oktriage db dead list".into();
    }
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(state)).into_response()
}
