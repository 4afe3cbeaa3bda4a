//! Answers that come without a method: in an acknowledgement, or to a `response_url`.

use std::time::Duration;

use serde_json::{Value, json};

use super::blocks;
use super::methods::{Content, change};
use super::state::{Asked, State};
use super::views::VIEWS_MAX;
use super::web::Refusal;

const RESPONSE_URL_USES: u32 = 5;
const RESPONSE_URL_LIFE: Duration = Duration::from_secs(30 * 60);

impl State {
    /// What an acknowledgement carries: a message, or what becomes of a modal.
    pub(super) fn answer_by_ack(&mut self, asked: u64, payload: &Value) {
        let Some(known) = self.interactions.get_mut(&asked) else { return };
        known.ack = Some(payload.clone());
        let known = known.clone();
        if payload.as_object().is_none_or(serde_json::Map::is_empty) {
            if known.kind == "view_submission" {
                self.close_view(known.view.as_deref());
            }
            return;
        }
        match known.kind {
            "slash_commands" => {
                if let Err(refusal) = self.post_response(&known, payload) {
                    // The person sees that the app failed.
                    self.fail_asked(asked, &refusal.error);
                }
            }
            "view_submission" => self.answer_submission(&known, payload),
            _ => {}
        }
    }

    fn fail_asked(&mut self, asked: u64, error: &str) {
        if let Some(asked) = self.interactions.get_mut(&asked) {
            asked.failed = true;
            asked.errors = Some(json!({"error": error}));
        }
    }

    fn close_view(&mut self, view: Option<&str>) {
        if let Some(view) = view.and_then(|view| self.views.get_mut(view)) {
            view.open = false;
        }
    }

    fn answer_submission(&mut self, asked: &Asked, payload: &Value) {
        let view = asked.view.clone().unwrap_or_default();
        let given = &payload["view"];
        let action = payload["response_action"].as_str().unwrap_or_default();
        let result = match action {
            "clear" => {
                let team = asked.team.clone();
                self.views
                    .values_mut()
                    .filter(|it| it.team == team && it.user == asked.user && it.json["type"] == "modal")
                    .for_each(|it| it.open = false);
                Ok(None)
            }
            "errors" => {
                let blocks = self.views[&view].json["blocks"].clone();
                let known = |id: &str| {
                    let mut inputs = blocks.as_array().into_iter().flatten().filter(|it| it["type"] == "input");
                    inputs.any(|block| block["block_id"] == id)
                };
                let errors = payload["errors"].as_object();
                match errors {
                    Some(errors) if !errors.is_empty() && errors.keys().all(|id| known(id)) => {
                        if let Some(asked) = self.interactions.get_mut(&asked.id) {
                            asked.errors = Some(payload["errors"].clone());
                        }
                        Ok(None)
                    }
                    _ => Err(Refusal::from("invalid_response_action_errors")),
                }
            }
            "update" => blocks::view(given, "modal")
                .map(|()| Some(self.store_view(&asked.team, &asked.user, given, Some(&view), None))),
            "push" if self.depth(&view) >= VIEWS_MAX => Err("push_limit_reached".into()),
            "push" => blocks::view(given, "modal")
                .map(|()| Some(self.store_view(&asked.team, &asked.user, given, None, Some(&view)))),
            _ => Err("invalid_response_action".into()),
        };
        match result {
            Ok(shown) => {
                if let Some(asked) = self.interactions.get_mut(&asked.id) {
                    asked.opened = shown.and_then(|view| view["id"].as_str().map(str::to_owned));
                }
            }
            Err(refusal) => self.fail_asked(asked.id, &refusal.error),
        }
    }

    /// A message to a `response_url`.
    pub(super) fn respond(&mut self, path: &str, json: &Value) -> Result<(), Refusal> {
        let asked = self.interactions.values().find(|asked| asked.response_path.as_deref() == Some(path)).cloned();
        let asked = asked.ok_or_else(|| Refusal::from("expired_url"))?;
        if asked.age() > RESPONSE_URL_LIFE {
            return Err("expired_url".into());
        }
        if asked.response_uses >= RESPONSE_URL_USES {
            return Err("used_url".into());
        }
        if !json.is_object() {
            return Err("invalid_payload".into());
        }
        let source = asked.source.filter(|source| self.message(*source).is_some());
        if json["delete_original"] == true {
            let source = source.ok_or_else(|| Refusal::from("message_not_found"))?;
            if self.messages[&source].is_ephemeral() {
                self.messages.get_mut(&source).expect("just found").deleted = true;
            } else {
                self.remove(source);
            }
        } else if json["replace_original"] == true {
            let source = source.ok_or_else(|| Refusal::from("message_not_found"))?;
            let content = response_content(json)?;
            if self.messages[&source].bot_id.is_none() {
                return Err("cant_update_message".into());
            }
            self.amend(source, false, |message| change(message, content));
            self.came_of(asked.id, source);
        } else {
            self.post_response(&asked, json)?;
        }
        if let Some(asked) = self.interactions.get_mut(&asked.id) {
            asked.response_uses += 1;
        }
        Ok(())
    }

    fn came_of(&mut self, asked: u64, message: u64) {
        if let Some(asked) = self.interactions.get_mut(&asked) {
            asked.messages.push(message);
        }
    }

    fn post_response(&mut self, asked: &Asked, json: &Value) -> Result<(), Refusal> {
        let content = response_content(json)?;
        let channel = asked.channel.clone().unwrap_or_default();
        let mut message = self.drafted(&asked.team, &channel, &content);
        // Whatever is not said to all is said to the one who asked.
        if json["response_type"] != "in_channel" {
            message.ephemeral_to = Some(asked.user.clone());
        }
        let source = asked.source.and_then(|source| self.message(source));
        if let Some(thread) = json["thread_ts"].as_str() {
            message.thread_ts = Some(thread.to_owned());
        } else if let Some(source) = source.filter(|source| source.is_reply()) {
            message.thread_ts = source.thread_ts.clone();
        }
        message.interaction = Some(asked.id);
        let id = self.post(message);
        self.came_of(asked.id, id);
        Ok(())
    }
}

fn response_content(json: &Value) -> Result<Content, Refusal> {
    let blocks = match &json["blocks"] {
        Value::Null => None,
        Value::Array(list) => Some(list.clone()),
        _ => return Err("invalid_blocks_format".into()),
    };
    if let Some(blocks) = &blocks {
        blocks::message(blocks)?;
    }
    let attachments = json["attachments"].as_array().cloned();
    let content = Content { text: json["text"].as_str().map(str::to_owned), blocks, attachments, metadata: None };
    if content.is_empty() { Err("no_text".into()) } else { Ok(content) }
}
