//! What happens in a workspace, and who is told of it: events in Slack's own shapes, on their way to the app.

use std::time::Instant;

use serde_json::{Value, json};

use super::state::{Delivery, Kind, Message, State, ts};

/// Ids that a text mentions after `opening`, each once.
fn mentioned(text: &str, opening: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for rest in text.split(opening).skip(1) {
        if let Some((inside, _)) = rest.split_once('>') {
            let id = inside.split('|').next().unwrap_or_default().to_owned();
            if !found.contains(&id) {
                found.push(id);
            }
        }
    }
    found
}

/// Every text of a message that Slack reads as mrkdwn, with the mentions that rich text holds.
fn live_texts(value: &Value, into: &mut String) {
    match value {
        Value::Object(object) => {
            match object.get("type").and_then(Value::as_str) {
                Some("mrkdwn" | "markdown") => into.push_str(object["text"].as_str().unwrap_or_default()),
                Some("user") => into.push_str(&format!("<@{}>", object["user_id"].as_str().unwrap_or_default())),
                Some("broadcast") => into.push_str(&format!("<!{}>", object["range"].as_str().unwrap_or_default())),
                Some("usergroup") => {
                    let id = object["usergroup_id"].as_str().unwrap_or_default();
                    into.push_str(&format!("<!subteam^{id}>"));
                }
                _ => {}
            }
            into.push('\n');
            object.values().for_each(|inside| live_texts(inside, into));
        }
        Value::Array(list) => list.iter().for_each(|inside| live_texts(inside, into)),
        _ => {}
    }
}

impl State {
    /// Notes whom a message notifies.
    fn set_notified(&self, message: &mut Message) {
        let mut live = String::new();
        if message.blocks.is_empty() {
            live.push_str(&message.text);
        }
        let blocks: Value = message.blocks.clone().into();
        live_texts(&blocks, &mut live);
        let mut notified = mentioned(&live, "<@");
        notified.retain(|id| self.user_by_id(id).is_some());
        for range in ["here", "channel", "everyone"] {
            if live.contains(&format!("<!{range}>")) || live.contains(&format!("<!{range}|")) {
                notified.push(range.to_owned());
            }
        }
        notified.extend(mentioned(&live, "<!subteam^"));
        message.notified = notified;
    }

    /// Stores a message and tells of it.
    pub(crate) fn post(&mut self, mut message: Message) -> u64 {
        if message.id == 0 {
            message.id = self.id();
        }
        if message.ts.is_empty() {
            message.ts = ts(message.id);
        }
        let id = message.id;
        self.set_notified(&mut message);
        self.messages.insert(id, message);
        self.tell_posted(id);
        id
    }

    fn tell_posted(&mut self, id: u64) {
        let message = self.messages[&id].clone();
        let event = self.message_json(&message, true);
        self.tell_message(&message, event);
        let bot = self.team(&message.team).bot_user.clone();
        let channel = self.channel(&message.channel).expect("a channel");
        // A mention arrives a second time, as an event of its own kind.
        if channel.kind != Kind::Im && message.notified.contains(&bot) && message.user != bot {
            let mut mention = self.message_json(&message, true);
            mention["type"] = "app_mention".into();
            mention["channel"] = message.channel.clone().into();
            mention["event_ts"] = message.ts.clone().into();
            for extra in ["parent_user_id", "subtype", "root"] {
                mention.as_object_mut().expect("an object").remove(extra);
            }
            let scoped = self.has_scope(&message.team, "app_mentions:read");
            if self.bot_is_in(&message.channel) && scoped && !message.is_ephemeral() {
                self.emit(&message.team, "app_mention", mention);
            }
        }
    }

    pub(super) fn has_scope(&self, team: &str, scope: &str) -> bool {
        self.team(team).scopes.iter().any(|known| known == scope)
    }

    /// Sends an event about a message to the app, if it may know of it.
    fn tell_message(&mut self, message: &Message, mut event: Value) {
        let Some(channel) = self.channel(&message.channel) else { return };
        let family = channel.kind.family();
        event["channel"] = message.channel.clone().into();
        event["channel_type"] = channel.kind.channel_type().into();
        if event["event_ts"].is_null() {
            event["event_ts"] = event["ts"].clone();
        }
        let scoped = self.has_scope(&message.team, &format!("{family}:history"));
        if self.bot_is_in(&message.channel) && scoped && !message.is_ephemeral() {
            self.emit(&message.team, &format!("message.{family}"), event);
        }
    }

    /// Changes a message and tells of it; a change of its text is an edit, anything else is not.
    pub(crate) fn amend(&mut self, id: u64, by_author: bool, change: impl FnOnce(&mut Message)) {
        let before = self.messages[&id].clone();
        let mut after = before.clone();
        change(&mut after);
        self.set_notified(&mut after);
        let at = self.id();
        if by_author {
            after.edited = Some(ts(at));
        }
        self.messages.insert(id, after.clone());
        let event = json!({
            "type": "message", "subtype": "message_changed", "hidden": true, "ts": ts(at),
            "message": self.message_json(&after, true), "previous_message": self.message_json(&before, true),
        });
        self.tell_message(&after, event);
    }

    /// Removes a message; one with replies leaves a stone in its place.
    pub(crate) fn remove(&mut self, id: u64) {
        let before = self.messages[&id].clone();
        let (at, replies) = (self.id(), self.replies(&before));
        let previous = self.message_json(&before, true);
        if !replies.is_empty() && !before.is_reply() {
            let stone = Message {
                id,
                team: before.team.clone(),
                channel: before.channel.clone(),
                ts: before.ts.clone(),
                user: "USLACKBOT".to_owned(),
                subtype: Some("tombstone".to_owned()),
                text: "This message was deleted.".to_owned(),
                ..Message::default()
            };
            self.messages.insert(id, stone.clone());
            let mut shown = self.message_json(&stone, false);
            shown["hidden"] = true.into();
            let event = json!({
                "type": "message", "subtype": "message_changed", "hidden": true, "ts": ts(at),
                "message": shown, "previous_message": previous,
            });
            self.tell_message(&before, event);
            return;
        }
        if let Some(message) = self.messages.get_mut(&id) {
            message.deleted = true;
        }
        let event = json!({
            "type": "message", "subtype": "message_deleted", "hidden": true, "ts": ts(at), "deleted_ts": before.ts,
            "previous_message": previous,
        });
        self.tell_message(&before, event);
    }

    /// Sends an event of a workspace, if the app has subscribed to it and may know of it.
    pub(crate) fn emit(&mut self, team: &str, subscription: &str, event: Value) {
        // Who comes and goes, and what becomes of a channel, is for who may list channels of its kind.
        let of_channel = ["member_", "channel_", "group_"].iter().any(|start| subscription.starts_with(start));
        let kind = event["channel"].as_str().and_then(|id| self.channel(id)).map(|channel| channel.kind);
        let needed = kind.filter(|_| of_channel).map(|kind| format!("{}:read", kind.family()));
        if needed.is_some_and(|needed| !self.has_scope(team, &needed)) {
            return;
        }
        if !self.team(team).installed || !self.events.iter().any(|known| known == subscription) {
            return;
        }
        self.emit_anyway(team, event);
    }

    /// Sends an event whatever the app has asked for.
    pub(crate) fn emit_anyway(&mut self, team: &str, event: Value) {
        let id = self.id();
        let payload = json!({
            "token": self.verification_token, "team_id": team, "context_team_id": team,
            "context_enterprise_id": null, "api_app_id": self.app, "event": event, "type": "event_callback",
            "event_id": format!("Ev{id:012X}"), "event_time": id / 1_000_000,
            "authorizations": [{
                "enterprise_id": null, "team_id": team, "user_id": self.team(team).bot_user, "is_bot": true,
                "is_enterprise_install": false,
            }],
            "is_ext_shared_channel": false, "event_context": format!("4-{id}"),
        });
        self.queue("events_api", payload, false, None);
    }

    pub(crate) fn queue(&mut self, kind: &'static str, payload: Value, accepts_response: bool, asked: Option<u64>) {
        let id = self.id();
        let away = self.urls.is_none() && self.open_links() == 0;
        self.deliveries.push(Delivery {
            id,
            kind,
            payload,
            accepts_response,
            asked,
            envelopes: Vec::new(),
            attempt: u32::from(away),
            reason: if away { "timeout" } else { "" },
            due: Instant::now(),
            out: None,
            acked: false,
            lost: away && (self.forgets || kind != "events_api"),
        });
        if let Some(asked) = asked.filter(|_| away) {
            self.interactions.get_mut(&asked).expect("an interaction").failed = true;
        }
    }

    /// Sends an event once more, as Slack now and then does although it was acknowledged.
    pub(crate) fn send_again(&mut self, delivery: u64) {
        let known = self.deliveries.iter_mut().find(|known| known.id == delivery).expect("a delivery");
        (known.acked, known.lost, known.out, known.due) = (false, false, None, Instant::now());
        known.attempt += 1;
        known.reason = "timeout";
    }

    /// The attempt did not reach its end: the next one is planned, or Slack gives up.
    pub(super) fn missed(&mut self, delivery: u64, reason: &'static str, at_once: bool) {
        let retries = self.retries.clone();
        let Some(known) = self.deliveries.iter_mut().find(|known| known.id == delivery) else { return };
        known.out = None;
        if known.acked || known.lost {
            return;
        }
        // Only events are tried again; whoever pressed a button sees a warning.
        let next = retries.get(known.attempt as usize).filter(|_| known.kind == "events_api");
        let Some(next) = next else {
            known.lost = true;
            let asked = known.asked;
            if let Some(asked) = asked.and_then(|id| self.interactions.get_mut(&id)) {
                asked.failed = true;
            }
            return;
        };
        known.attempt += 1;
        known.reason = reason;
        known.due = if at_once { Instant::now() } else { Instant::now() + *next };
    }

    /// Hands what is due to the open connections, evenly, and takes back what was not acknowledged in time;
    /// whether anything moved.
    pub(super) fn assign(&mut self) -> bool {
        let late: Vec<u64> = self
            .deliveries
            .iter()
            .filter(|it| {
                !it.acked && it.out.is_some_and(|(link, since)| link != 0 && since.elapsed() >= self.ack_limit)
            })
            .map(|it| it.id)
            .collect();
        let mut moved = !late.is_empty();
        late.into_iter().for_each(|id| self.missed(id, "timeout", false));
        if self.urls.is_some() {
            return moved;
        }
        for index in 0..self.deliveries.len() {
            let delivery = &self.deliveries[index];
            if delivery.acked || delivery.lost || delivery.out.is_some() || delivery.due > Instant::now() {
                continue;
            }
            let open = self.links.iter_mut().filter(|link| link.open && link.close.is_none());
            let Some(link) = open.min_by_key(|link| link.given) else { return moved };
            let delivery = &mut self.deliveries[index];
            let envelope = format!("{:08x}-0000-4000-8000-{:012x}", delivery.attempt, delivery.id);
            let mut json = json!({
                "envelope_id": envelope, "payload": delivery.payload, "type": delivery.kind,
                "accepts_response_payload": delivery.accepts_response,
            });
            if delivery.kind == "events_api" {
                json["retry_attempt"] = delivery.attempt.into();
                json["retry_reason"] = delivery.reason.into();
            }
            delivery.envelopes.push(envelope);
            delivery.out = Some((link.id, Instant::now()));
            link.given += 1;
            link.to_say.push_back(json);
            moved = true;
        }
        moved
    }

    /// The next moment after `since` at which something is due without anybody doing anything.
    pub(super) fn next_due(&self, since: Instant) -> Option<Instant> {
        let waiting = self.deliveries.iter().filter(|it| !it.acked && !it.lost);
        let times = waiting.filter_map(|it| match it.out {
            Some((link, at)) => (link != 0).then(|| at + self.ack_limit),
            None => Some(it.due),
        });
        times.filter(|due| *due > since).min()
    }

    /// An acknowledgement, by whatever way it came.
    pub(super) fn acknowledge(&mut self, delivery: u64, payload: &Value) {
        let Some(known) = self.deliveries.iter_mut().find(|known| known.id == delivery) else { return };
        let first = !std::mem::replace(&mut known.acked, true);
        known.out = None;
        let (asked, accepts) = (known.asked, known.accepts_response);
        if let Some(asked) = asked.filter(|_| first) {
            self.answer_by_ack(asked, if accepts { payload } else { &Value::Null });
        }
    }

    pub(super) fn hear_ack(&mut self, json: &Value) {
        let envelope = json["envelope_id"].as_str().unwrap_or_default();
        let known = self.deliveries.iter().find(|it| it.envelopes.iter().any(|known| known == envelope));
        match known.map(|delivery| delivery.id) {
            Some(id) => self.acknowledge(id, &json["payload"]),
            None => self.strange_acks.push(json.clone()),
        }
    }
}
