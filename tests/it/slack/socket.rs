//! Socket Mode: up to ten connections, over which envelopes are spread.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::{Value, json};

use super::Shared;
use super::state::{Link, State};

/// Where a connection ends.
enum End {
    Cut,
    Closed,
}

pub(super) async fn serve(mut socket: WebSocket, shared: Arc<Shared>, ticket: Option<String>) {
    let mut changes = shared.changes.subscribe();
    let opened = shared.change(|state| state.open_link(ticket.as_deref()));
    let id = match opened {
        Ok((id, hello)) => {
            if say(&mut socket, &hello).await.is_err() {
                return shared.change(|state| state.close_link(id));
            }
            id
        }
        Err(refusal) => {
            let _ = say(&mut socket, &refusal).await;
            return farewell(&mut socket, &shared).await;
        }
    };
    let _ = socket.send(Message::Ping("Ping from applink-double".as_bytes().to_vec().into())).await;
    let end = talk(&mut socket, &shared, id, &mut changes).await;
    shared.change(|state| state.close_link(id));
    if matches!(end, End::Closed) {
        farewell(&mut socket, &shared).await;
    }
}

async fn talk(
    socket: &mut WebSocket,
    shared: &Shared,
    id: u64,
    changes: &mut tokio::sync::watch::Receiver<u64>,
) -> End {
    loop {
        let (to_say, close) = shared.look(|state| {
            let Some(link) = state.links.iter_mut().find(|link| link.id == id) else { return (VecDeque::new(), None) };
            (std::mem::take(&mut link.to_say), link.close)
        });
        if close == Some(false) {
            return End::Cut;
        }
        for json in to_say {
            if say(socket, &json).await.is_err() {
                return End::Cut;
            }
        }
        if close == Some(true) {
            return End::Closed;
        }
        let received = tokio::select! {
            changed = changes.changed() => if changed.is_err() { return End::Cut } else { continue },
            received = socket.recv() => received,
        };
        match received {
            Some(Ok(Message::Text(text))) => {
                let json = serde_json::from_str::<Value>(&text);
                shared.change(|state| match json {
                    Ok(json) => state.hear_ack(&json),
                    Err(_) => state.strange_acks.push(text.as_str().into()),
                });
            }
            Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Close(_))) => return End::Closed,
            Some(Err(_)) | None => return End::Cut,
        }
    }
}

async fn say(socket: &mut WebSocket, json: &Value) -> Result<(), axum::Error> {
    socket.send(Message::Text(json.to_string().into())).await
}

async fn farewell(socket: &mut WebSocket, shared: &Shared) {
    // The client may be gone already; its farewell is read so that it reads ours.
    if socket.send(Message::Close(Some(CloseFrame { code: 1000, reason: "".into() }))).await.is_ok() {
        while let Some(Ok(received)) = socket.recv().await {
            // What it had to say before it heard of the end counts.
            if let Message::Text(text) = received
                && let Ok(json) = serde_json::from_str::<Value>(&text)
            {
                shared.change(|state| state.hear_ack(&json));
            }
        }
    }
}

fn debug_info() -> Value {
    json!({"host": "applink-double", "build_number": 1, "approximate_connection_time": 18060})
}

pub(super) fn disconnect(reason: &str) -> Value {
    json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-double"}})
}

impl State {
    /// The greeting of a new connection, or what it is told instead.
    fn open_link(&mut self, ticket: Option<&str>) -> Result<(u64, Value), Value> {
        // An address is good for one connection.
        let known = ticket.and_then(|ticket| self.tickets.iter().position(|known| known == ticket));
        let Some(known) = known else { return Err(disconnect("refresh_requested")) };
        self.tickets.remove(known);
        if !self.socket_mode {
            return Err(disconnect("link_disabled"));
        }
        if self.open_links() >= self.max_connections {
            return Err(disconnect("too_many_websockets"));
        }
        let id = self.id();
        let given = self.links.iter().filter(|link| link.open).map(|link| link.given).min().unwrap_or(0);
        self.links.push(Link { id, open: true, given, to_say: VecDeque::new(), close: None });
        let hello = json!({
            "type": "hello", "num_connections": self.open_links(), "debug_info": debug_info(),
            "connection_info": {"app_id": self.app},
        });
        Ok((id, hello))
    }

    fn close_link(&mut self, id: u64) {
        if let Some(link) = self.links.iter_mut().find(|link| link.id == id) {
            link.open = false;
        }
        // What nobody acknowledged there goes out elsewhere.
        let left: Vec<u64> =
            self.deliveries.iter().filter(|it| it.out.is_some_and(|(link, _)| link == id)).map(|it| it.id).collect();
        left.into_iter().for_each(|delivery| self.missed(delivery, "timeout", true));
    }

    /// Tells connections to go: a `warning` leaves them open for now, everything else ends them.
    pub(super) fn disconnect(&mut self, reason: &str) {
        if reason == "link_disabled" {
            self.socket_mode = false;
        }
        for link in self.links.iter_mut().filter(|link| link.open) {
            link.to_say.push_back(disconnect(reason));
            if reason != "warning" {
                link.close = Some(true);
                // It is gone for whoever waits for one from now on.
                link.open = false;
            }
        }
    }
}
