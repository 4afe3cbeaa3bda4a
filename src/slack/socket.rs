//! Socket Mode: events over a WebSocket that this program opens, so that no port is open to the world.
//!
//! slack-morphism's own connection is not used. It takes one envelope after the other, so that a slow one
//! holds up every acknowledgement; it drops a connection as soon as Slack announces its end, before there
//! is another; it comes back at once when there are too many connections, forever; and it tells nobody
//! about pings, which are all that is heard from a quiet workspace.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tracing::{debug, error, info, warn};

use super::catch_up;
use super::connection::stopped;
use super::handler::{Ack, Handler, Kind};
use super::rest::{Api, CallError, code};
use super::team::Team;
use crate::bot::catch_up::{RETRY_FIRST, RETRY_MAX};
use crate::bot::ports::Store;

/// How often Slack is pinged; a dead connection looks like a quiet one otherwise.
const PING_EVERY: Duration = Duration::from_secs(10);
/// A connection from which nothing was heard for so long is dead.
const SILENT_MAX: Duration = Duration::from_secs(35);
/// Connecting takes at most so long.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// A connection whose end was announced is left to Slack for so long.
const RETIRED_MAX: Duration = Duration::from_secs(60);
/// How long to stay away at first when the app has all the connections that it may have: those of a process
/// that is being replaced end within seconds. Each further time is longer, up to [`RETRY_MAX`].
/// <https://docs.slack.dev/apis/events-api/using-socket-mode>
const CROWDED: Duration = Duration::from_secs(5);
/// The largest envelope that is taken; a message is at most 40,000 characters.
const ENVELOPE_MAX: usize = 4 * 1024 * 1024;
/// Acknowledgements that wait to be sent.
const ACKS_MAX: usize = 256;

const APP_TOKEN: &str = "https://api.slack.com/apps > your app > Basic Information > App-Level Tokens: make one with connections:write, then set OKTRIAGE__SLACK__APP_TOKEN";
const SOCKET_MODE_OFF: &str = "https://api.slack.com/apps > your app > Socket Mode > Enable Socket Mode";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What a connection tells about itself, with its number.
enum Life {
    /// Slack said hello.
    Ready(u64),
    /// Slack announced the end: the next one is to be opened while this one still works.
    Retiring(u64),
    /// The app has too many connections.
    Crowded,
    /// Socket Mode was switched off.
    SwitchedOff,
}

/// Why there is no connection.
enum NoSocket {
    /// It will never work; what to change.
    Never(String),
    /// Later.
    Later(String, Option<Duration>),
}

/// Stays connected until told to stop, or until Slack says that it cannot work.
pub(super) async fn run<S: Store>(
    handler: &Arc<Handler<S>>,
    app: &Api,
    teams: &[Arc<Team>],
    mut shutdown: watch::Receiver<bool>,
) {
    let (tell, mut told) = mpsc::channel(16);
    let mut connections = JoinSet::new();
    let mut number = 0;
    // The connections that work, and the one that is to go on working.
    let mut live = HashSet::new();
    let mut current = None;
    let mut missed = true;
    let mut pause = RETRY_FIRST;
    let mut not_before = Instant::now();
    while !*shutdown.borrow() {
        if current.is_none() {
            let wait = not_before.saturating_duration_since(Instant::now());
            let opened = tokio::select! {
                opened = async { tokio::time::sleep(wait).await; open(app).await } => Some(opened),
                ended = connections.join_next(), if !connections.is_empty() => {
                    forget(ended, &mut live, &mut current, &mut missed);
                    None
                }
                () = stopped(&mut shutdown) => break,
            };
            match opened {
                None => continue,
                Some(Ok(socket)) => {
                    number += 1;
                    current = Some(number);
                    connections.spawn(serve(Arc::clone(handler), socket, number, tell.clone(), shutdown.clone()));
                    // Until it says hello, it counts as a failure.
                    not_before = Instant::now() + pause;
                    pause = (pause * 2).min(RETRY_MAX);
                }
                Some(Err(NoSocket::Never(help))) => {
                    handler.bot.pulse.stop(help.as_str());
                    error!("Slack ended Socket Mode for good\n  help: {help}");
                    return;
                }
                Some(Err(NoSocket::Later(reason, after))) => {
                    let wait = after.unwrap_or_default().max(pause);
                    warn!(reason, retry_seconds = wait.as_secs(), "Slack: not connected; trying again");
                    not_before = Instant::now() + wait;
                    pause = (pause * 2).min(RETRY_MAX);
                    continue;
                }
            }
        }
        tokio::select! {
            // What a connection has to say comes before its end.
            biased;
            Some(life) = told.recv() => match life {
                Life::Ready(id) => {
                    live.insert(id);
                    pause = RETRY_FIRST;
                    not_before = Instant::now();
                    info!(connection = id, "connected to Slack");
                    if std::mem::take(&mut missed) {
                        let (handler, teams) = (Arc::clone(handler), teams.to_vec());
                        tokio::spawn(async move { catch_up::run(&handler, &teams).await });
                    }
                }
                Life::Retiring(id) => {
                    if current == Some(id) {
                        current = None;
                    }
                }
                Life::Crowded => {
                    pause = pause.max(CROWDED);
                    warn!(retry_seconds = pause.as_secs(), "Slack: the app has too many connections (at most 10); how many oktriage run with this app-level token?");
                    not_before = Instant::now() + pause;
                }
                Life::SwitchedOff => {
                    handler.bot.pulse.stop(format!("Socket Mode is switched off; {SOCKET_MODE_OFF}"));
                    error!("Socket Mode is switched off\n  help: {SOCKET_MODE_OFF}");
                    return;
                }
            },
            ended = connections.join_next() => forget(ended, &mut live, &mut current, &mut missed),
            () = stopped(&mut shutdown) => break,
        }
    }
    while connections.join_next().await.is_some() {}
}

/// A connection ended. When it was the last one that worked, events may have been missed.
fn forget(
    ended: Option<Result<u64, tokio::task::JoinError>>,
    live: &mut HashSet<u64>,
    current: &mut Option<u64>,
    missed: &mut bool,
) {
    let Some(Ok(id)) = ended else {
        // A panic took its number with it.
        live.clear();
        *current = None;
        *missed = true;
        return;
    };
    live.remove(&id);
    if *current == Some(id) {
        *current = None;
    }
    *missed |= live.is_empty();
}

/// Opens a connection.
async fn open(app: &Api) -> Result<Socket, NoSocket> {
    let told = app.post("apps.connections.open", &json!({})).await.map_err(|error| match &error {
        CallError::Refused(reason) if error.is(&code::TOKEN) || reason == code::MISSING_SCOPE => {
            NoSocket::Never(format!("the app-level token is not taken ({reason}): {APP_TOKEN}"))
        }
        CallError::Refused(reason) if !error.is(&code::PASSING) => {
            NoSocket::Later(format!("{reason}; is Socket Mode on? {SOCKET_MODE_OFF}"), Some(RETRY_MAX))
        }
        CallError::Limited { after } => NoSocket::Later(error.to_string(), Some(*after)),
        _ => NoSocket::Later(error.to_string(), None),
    })?;
    let url = told["url"].as_str().ok_or_else(|| NoSocket::Later("Slack named no address".to_owned(), None))?;
    let config = WebSocketConfig::default().max_message_size(Some(ENVELOPE_MAX)).max_frame_size(Some(ENVELOPE_MAX));
    match tokio::time::timeout(CONNECT_MAX, connect_async_with_config(url, Some(config), true)).await {
        Ok(Ok((socket, _))) => Ok(socket),
        // The address holds a ticket; the error does not repeat it.
        Ok(Err(error)) => Err(NoSocket::Later(error.to_string(), None)),
        Err(_) => Err(NoSocket::Later("connecting took too long".to_owned(), None)),
    }
}

/// Serves a connection until it ends; returns its number.
async fn serve<S: Store>(
    handler: Arc<Handler<S>>,
    socket: Socket,
    id: u64,
    tell: mpsc::Sender<Life>,
    mut shutdown: watch::Receiver<bool>,
) -> u64 {
    let (mut sink, mut stream) = socket.split();
    let (ack, mut acks) = mpsc::channel::<String>(ACKS_MAX);
    let mut ping = tokio::time::interval(PING_EVERY);
    let mut heard = Instant::now();
    let mut retired: Option<Instant> = None;
    loop {
        tokio::select! {
            frame = stream.next() => {
                let Some(Ok(frame)) = frame else { break };
                heard = Instant::now();
                handler.bot.pulse.beat();
                let text = match frame {
                    Frame::Text(text) => text,
                    Frame::Close(_) => break,
                    _ => continue,
                };
                let Ok(envelope) = serde_json::from_str::<Value>(&text) else {
                    warn!("Slack sent something that is no envelope; it is passed over");
                    continue;
                };
                match take(&handler, envelope, &ack) {
                    None => {}
                    Some(Notice::Hello) => _ = tell.send(Life::Ready(id)).await,
                    Some(Notice::Disconnect(reason)) => {
                        info!(connection = id, reason, "Slack ends a connection");
                        let life = match reason.as_str() {
                            "too_many_websockets" => Life::Crowded,
                            "link_disabled" => Life::SwitchedOff,
                            _ => Life::Retiring(id),
                        };
                        retired = Some(Instant::now());
                        _ = tell.send(life).await;
                    }
                }
            }
            Some(text) = acks.recv() => {
                if sink.send(Frame::text(text)).await.is_err() {
                    break;
                }
            }
            _ = ping.tick() => {
                let silent = heard.elapsed() > SILENT_MAX;
                let over = retired.is_some_and(|since| since.elapsed() > RETIRED_MAX);
                if silent || over || sink.send(Frame::Ping(Vec::new().into())).await.is_err() {
                    break;
                }
            }
            () = stopped(&mut shutdown) => break,
        }
    }
    // What is under way is finished and acknowledged, as far as the connection still takes it.
    drop(ack);
    while let Some(text) = acks.recv().await {
        if sink.send(Frame::text(text)).await.is_err() {
            break;
        }
    }
    // Slack may have closed it already.
    _ = sink.close().await;
    id
}

/// What Slack says about the connection itself.
enum Notice {
    Hello,
    Disconnect(String),
}

/// Takes what came over a connection; deliveries are worked on side by side and acknowledged as each is done.
fn take<S: Store>(handler: &Arc<Handler<S>>, mut envelope: Value, ack: &mpsc::Sender<String>) -> Option<Notice> {
    let kind = match envelope["type"].as_str().unwrap_or_default() {
        "hello" => return Some(Notice::Hello),
        "disconnect" => return Some(Notice::Disconnect(envelope["reason"].as_str().unwrap_or_default().to_owned())),
        "events_api" => Some(Kind::Event),
        "interactive" => Some(Kind::Interactive),
        "slash_commands" => Some(Kind::Command),
        other => {
            debug!(kind = other, "an envelope of an unknown kind");
            None
        }
    };
    let id = envelope["envelope_id"].as_str()?.to_owned();
    let payload = envelope["payload"].take();
    let takes_answers = envelope["accepts_response_payload"] == true;
    if let Some(attempt) = envelope["retry_attempt"].as_u64().filter(|attempt| *attempt > 0) {
        info!(attempt, reason = envelope["retry_reason"].as_str(), "Slack delivers something again");
    }
    let (handler, ack) = (Arc::clone(handler), ack.clone());
    let this = Arc::clone(&handler);
    this.spawn(async move {
        let taken = match kind {
            Some(kind) => handler.deliver(kind, payload).await,
            None => super::handler::Taken::plain(),
        };
        let answer = match taken.ack {
            Ack::Plain => Some(json!({"envelope_id": id})),
            Ack::With(answer) if takes_answers => Some(json!({"envelope_id": id, "payload": answer})),
            Ack::With(_) => {
                warn!("Slack takes no answer here");
                Some(json!({"envelope_id": id}))
            }
            Ack::NotYet => None,
        };
        if let Some(answer) = answer
            && ack.send(answer.to_string()).await.is_err()
        {
            // Slack delivers it again on another connection, where it changes nothing.
            debug!("the connection ended before an acknowledgement");
        }
        drop(ack);
        if let Some(rest) = taken.then {
            rest.await;
        }
    });
    None
}
