//! The gateway: sessions that outlive their connections, as Discord keeps them.

use std::sync::Arc;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use serde_json::{Value, json};

use super::Shared;
use super::bits::intent;
use super::state::{Session, State};

/// Sessions that are remembered.
const SESSIONS_MAX: usize = 8;

/// What to do after something was received.
enum Next {
    Continue,
    Say(Value),
    Close(u16),
}

struct Connection {
    id: u64,
    session: Option<String>,
    /// The newest sequence number that went out here.
    sent: u64,
}

pub(super) async fn serve(mut socket: WebSocket, shared: Arc<Shared>) {
    let mut changes = shared.changes.subscribe();
    let (id, interval) = shared.change(|state| {
        state.connections += 1;
        (state.connections, state.heartbeat_interval)
    });
    let mut connection = Connection { id, session: None, sent: 0 };
    if silence(&mut socket, &shared).await.is_err() {
        return;
    }
    let hello = json!({"op": 10, "s": null, "t": null, "d": {"heartbeat_interval": interval, "_trace": ["[]"]}});
    if say(&mut socket, &hello).await.is_err() {
        return;
    }
    loop {
        if silence(&mut socket, &shared).await.is_err() {
            return connection.lost(&shared);
        }
        match shared.look(|state| connection.pending(state)) {
            Ok(payloads) => {
                for (sequence, payload) in payloads {
                    if say(&mut socket, &payload).await.is_err() {
                        return connection.lost(&shared);
                    }
                    connection.sent = sequence;
                }
            }
            Err(code) => {
                connection.lost(&shared);
                if code != 0 {
                    close(&mut socket, code).await;
                }
                return;
            }
        }
        let received = tokio::select! {
            changed = changes.changed() => if changed.is_err() { return } else { continue },
            received = socket.recv() => received,
        };
        let text = match received {
            Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
            Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
            Some(Ok(Message::Close(frame))) => {
                // These two say that the client will not come back.
                if frame.is_some_and(|frame| matches!(frame.code, 1000 | 1001)) {
                    shared.change(|state| {
                        state.sessions.retain(|session| Some(&session.id) != connection.session.as_ref());
                    });
                }
                return connection.lost(&shared);
            }
            Some(Err(_)) | None => return connection.lost(&shared),
        };
        let next = match serde_json::from_slice::<Value>(&text) {
            Ok(payload) => shared.change(|state| connection.hear(state, &payload)),
            Err(_) => Next::Close(4002),
        };
        match next {
            Next::Continue => {}
            Next::Say(payload) => {
                if say(&mut socket, &payload).await.is_err() {
                    return connection.lost(&shared);
                }
            }
            Next::Close(code) => {
                shared.change(|state| state.closed.push(code));
                connection.lost(&shared);
                return close(&mut socket, code).await;
            }
        }
    }
}

/// While the double is mute, whatever comes is heard and not answered. An error when the client goes.
async fn silence(socket: &mut WebSocket, shared: &Shared) -> Result<(), ()> {
    let mut changes = shared.changes.subscribe();
    while shared.look(|state| state.mute) {
        tokio::select! {
            changed = changes.changed() => changed.map_err(|_| ())?,
            received = socket.recv() => match received {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(()),
                Some(Ok(_)) => {}
            },
        }
    }
    Ok(())
}

async fn say(socket: &mut WebSocket, payload: &Value) -> Result<(), axum::Error> {
    socket.send(Message::Text(payload.to_string().into())).await
}

async fn close(socket: &mut WebSocket, code: u16) {
    let reason = match code {
        4004 => "Authentication failed.",
        4013 => "Invalid intent(s).",
        4014 => "Disallowed intent(s).",
        _ => "",
    };
    // The client may be gone already; its farewell is read so that it reads ours.
    if socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await.is_ok() {
        while let Some(Ok(_)) = socket.recv().await {}
    }
}

impl Connection {
    fn session<'a>(&self, state: &'a mut State) -> Option<&'a mut Session> {
        let id = self.session.as_ref()?;
        state.sessions.iter_mut().find(|session| session.id == *id && session.connection == self.id)
    }

    /// What has to go out, or the code to close with.
    fn pending(&self, state: &mut State) -> Result<Vec<(u64, Value)>, u16> {
        if self.session.is_none() {
            return Ok(Vec::new());
        }
        // Another connection has taken the session over.
        let Some(session) = self.session(state) else { return Err(4009) };
        if let Some(code) = session.close.take() {
            return Err(code);
        }
        // In the order of their numbers; most of them went out long ago.
        let first = session.dispatched.partition_point(|(sequence, _)| *sequence <= self.sent);
        Ok(session.dispatched[first..].to_vec())
    }

    fn lost(&self, shared: &Shared) {
        shared.change(|state| {
            if let Some(session) = self.session(state) {
                session.connected = false;
            }
        });
    }

    fn hear(&mut self, state: &mut State, payload: &Value) -> Next {
        let data = &payload["d"];
        match payload["op"].as_u64() {
            Some(1) => {
                state.heartbeats += 1;
                if state.ack_heartbeats {
                    Next::Say(json!({"op": 11, "s": null, "t": null, "d": null}))
                } else {
                    Next::Continue
                }
            }
            Some(2 | 6) if self.session.is_some() => Next::Close(4005),
            Some(2) => self.identify(state, data),
            Some(6) => self.resume(state, data),
            Some(3 | 4 | 8) if self.session.is_none() => Next::Close(4003),
            Some(3 | 4 | 8) => Next::Continue,
            _ => Next::Close(4001),
        }
    }

    fn identify(&mut self, state: &mut State, data: &Value) -> Next {
        state.identifies += 1;
        if !right(state, data) {
            return Next::Close(4004);
        }
        let Some(intents) = data["intents"].as_u64().filter(|intents| *intents < 1 << 26) else {
            return Next::Close(4013);
        };
        let privileged = intent::GUILD_MEMBERS | intent::GUILD_PRESENCES | intent::MESSAGE_CONTENT;
        if intents & privileged & !state.granted != 0 {
            return Next::Close(4014);
        }
        if let Some(code) = state.refuse_identify {
            return Next::Close(code);
        }
        let shard = match (&data["shard"][0], &data["shard"][1]) {
            (Value::Null, Value::Null) => Some((0, 1)),
            (shard, of) => shard.as_u64().zip(of.as_u64()).filter(|(shard, of)| shard < of),
        };
        let Some(shard) = shard else { return Next::Close(4010) };
        let mut session = Session {
            id: format!("session{}", self.id),
            intents,
            shard,
            connection: self.id,
            connected: true,
            sequence: 0,
            dispatched: Vec::new(),
            close: None,
        };
        let id = session.id.clone();
        let mut guilds: Vec<u64> = state.guilds.iter().map(|guild| guild.id).collect();
        guilds.retain(|guild| session.is_of(Some(*guild)));
        let unavailable: Vec<Value> =
            guilds.iter().map(|id| json!({"id": id.to_string(), "unavailable": true})).collect();
        let mut user = state.user_json(state.bot);
        user["verified"] = true.into();
        user["mfa_enabled"] = true.into();
        user["email"] = Value::Null;
        let ready = json!({
            "v": 10, "user": user, "guilds": unavailable, "session_id": id, "session_type": "normal",
            "resume_gateway_url": state.url.replacen("http", "ws", 1), "shard": [shard.0, shard.1], "private_channels": [],
            "application": {"id": state.application.to_string(), "flags": state.application_flags()},
        });
        session.tell("READY", ready);
        if intents & intent::GUILDS != 0 {
            guilds.iter().for_each(|guild| session.tell("GUILD_CREATE", state.guild_json(*guild)));
        }
        // Discord forgets sessions to which nobody came back.
        if state.sessions.len() >= SESSIONS_MAX {
            let old = state.sessions.iter().position(|session| !session.connected);
            old.map(|old| state.sessions.remove(old));
        }
        state.sessions.push(session);
        self.session = Some(id);
        Next::Continue
    }

    fn resume(&mut self, state: &mut State, data: &Value) -> Next {
        state.resumes += 1;
        if !right(state, data) {
            return Next::Close(4004);
        }
        let known = state.sessions.iter_mut().find(|session| data["session_id"] == session.id.as_str());
        let Some(session) = known.filter(|_| !state.refuse_resume) else {
            state.sessions.retain(|session| data["session_id"] != session.id.as_str());
            return Next::Say(json!({"op": 9, "s": null, "t": null, "d": false}));
        };
        let sequence = data["seq"].as_u64().unwrap_or_default();
        if sequence > session.sequence {
            return Next::Close(4007);
        }
        session.connection = self.id;
        session.connected = true;
        session.close = None;
        session.tell("RESUMED", json!({"_trace": ["[]"]}));
        self.session = Some(session.id.clone());
        self.sent = sequence;
        Next::Continue
    }
}

fn right(state: &State, data: &Value) -> bool {
    data["token"].as_str().is_some_and(|token| token.trim_start_matches("Bot ") == state.token)
}
