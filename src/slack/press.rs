//! Buttons, shortcuts, the form to paste into, and App Home. Everything needed stands in their ids or in
//! the store, so that those of old messages go on working after a restart.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tracing::{error, warn};

use super::commands::{ephemeral, shadowed, watched, watched_as};
use super::convert::Message;
use super::handler::{Handler, Taken};
use super::rest::CallError;
use super::team::Team;
use super::{channel_key, rest};
use crate::bot::ports::Store;
use crate::bot::{MessageKey, Pressed, Presser};
use crate::render::slack as render;
use crate::reply::{Button, Reply, words};

/// The `callback_id` of the message shortcut, as the manifest has it.
const MESSAGE_SHORTCUT: &str = "diagnose_message";
/// A window must be opened within three seconds; files of a message that take longer are left out.
const FILES_MAX: Duration = Duration::from_millis(1_500);
/// Channels that App Home lists.
const HOME_CHANNELS_MAX: usize = 40;

/// Something was pressed, chosen or sent.
pub(super) async fn interactive<S: Store>(handler: &Arc<Handler<S>>, team: &Arc<Team>, payload: &Value) -> Taken {
    let trigger = text(&payload["trigger_id"]);
    match text(&payload["type"]) {
        "block_actions" => pressed(handler, team, payload).await,
        "message_action" if payload["callback_id"] == MESSAGE_SHORTCUT => shortcut(handler, team, payload),
        "shortcut" if payload["callback_id"] == render::FORM => open(team, trigger, render::diagnose_form("")),
        "view_submission" if payload["view"]["callback_id"] == render::FORM => {
            let field = &payload["view"]["state"]["values"][render::FORM_FIELD][render::FORM_FIELD];
            let reply = slack_words(handler.bot.commands.asked(text(&field["value"])));
            Taken::with(json!({"response_action": "update", "view": render::results_view(&reply)}))
        }
        _ => Taken::plain(),
    }
}

/// Where something was pressed, and how to answer there.
struct Spot {
    team: Arc<Team>,
    user: String,
    channel: String,
    /// The thread, where the message with the button stands in one.
    thread: Option<String>,
    response_url: String,
    trigger: String,
    /// The type of the view with the button: "modal" or "home"; empty in a message.
    view: String,
}

impl Spot {
    fn of(team: &Arc<Team>, payload: &Value) -> Self {
        let container = &payload["container"];
        let thread = [&container["thread_ts"], &payload["message"]["thread_ts"]];
        let channel = [&payload["channel"]["id"], &container["channel_id"]];
        Self {
            team: Arc::clone(team),
            user: text(&payload["user"]["id"]).to_owned(),
            channel: channel.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned(),
            thread: thread.into_iter().find_map(Value::as_str).map(str::to_owned),
            response_url: text(&payload["response_url"]).to_owned(),
            trigger: text(&payload["trigger_id"]).to_owned(),
            view: text(&payload["view"]["type"]).to_owned(),
        }
    }

    /// Says something that only this person reads, in the thread where it was pressed.
    async fn say_privately(&self, payload: &Value) {
        let mut body = payload.clone();
        body["channel"] = self.channel.as_str().into();
        body["user"] = self.user.as_str().into();
        if let Some(thread) = &self.thread {
            body["thread_ts"] = thread.as_str().into();
        }
        let Err(error) = self.team.api.post("chat.postEphemeral", &body).await else { return };
        // Where the bot is no member, Slack's own address works.
        let mut body = payload.clone();
        body["response_type"] = "ephemeral".into();
        body["replace_original"] = false.into();
        if let Err(second) = self.team.api.respond(&self.response_url, &body).await {
            warn!(error = %error, second = %second, "a press could not be answered");
        }
    }

    /// Shows a reply privately: in a window where there is one, else in the thread.
    async fn show(&self, reply: &Reply, share: bool) {
        let method = match self.view.as_str() {
            "" => return self.say_privately(&ephemeral(reply, share)).await,
            "modal" => "views.push",
            _ => "views.open",
        };
        let body = json!({"trigger_id": self.trigger, "view": render::results_view(reply)});
        if let Err(error) = self.team.api.post(method, &body).await {
            warn!(error = %error, "a window could not be opened");
        }
    }

    /// Shows everything of the answers of a reply, over as many messages as it needs.
    async fn show_all(&self, reply: &Reply) {
        let pages: Vec<Value> = reply
            .answers
            .iter()
            .flat_map(render::all_steps)
            .filter_map(|page| serde_json::to_value(page).ok())
            .collect();
        if pages.is_empty() {
            return self.show(&Reply::note(words::REPLY_FORGOTTEN), false).await;
        }
        if !self.view.is_empty() {
            return self.show(reply, false).await;
        }
        for page in &pages {
            self.say_privately(page).await;
        }
    }

    /// Shows pages of rules to everybody.
    async fn share(&self, reply: &Reply) {
        let mut body = serde_json::to_value(render::private(reply, false)).unwrap_or_default();
        body["response_type"] = "in_channel".into();
        body["replace_original"] = false.into();
        if let Some(thread) = &self.thread {
            body["thread_ts"] = thread.as_str().into();
        }
        if let Err(error) = self.team.api.respond(&self.response_url, &body).await {
            warn!(error = %error, "an answer could not be shared");
            self.show(&Reply::note(words::FAILED), false).await;
        }
    }
}

async fn pressed<S: Store>(handler: &Arc<Handler<S>>, team: &Arc<Team>, payload: &Value) -> Taken {
    let action = &payload["actions"][0];
    let Some(pressed) = render::pressed(text(&action["action_id"]), text(&action["value"])) else {
        // A link was followed, or it is a button of another time.
        return Taken::plain();
    };
    let spot = Spot::of(team, payload);
    let commands = &handler.bot.commands;
    match pressed {
        render::Pressed::OnPost { button, key, answer } => on_post(handler, spot, button, &key, answer).await,
        render::Pressed::Page(rule) => {
            let page = commands.page(&rule).unwrap_or_else(|| Reply::note(words::REPLY_FORGOTTEN));
            Taken::then(async move { spot.show(&page, true).await })
        }
        render::Pressed::Steps(rule) => {
            let page = commands.page(&rule).unwrap_or_default();
            Taken::then(async move { spot.show_all(&page).await })
        }
        render::Pressed::Share(rules) => {
            let mut shared = Reply::default();
            shared.answers.extend(rules.iter().filter_map(|rule| commands.page(rule)).flat_map(|page| page.answers));
            if shared.answers.is_empty() {
                return Taken::then(async move { spot.show(&Reply::note(words::REPLY_FORGOTTEN), false).await });
            }
            Taken::then(async move { spot.share(&shared).await })
        }
        render::Pressed::Search(question) => {
            let (handler, user) = (Arc::clone(handler), spot.user.clone());
            Taken::then(async move { publish_home(&handler, &spot.team, &user, Some(&question)).await })
        }
        render::Pressed::Form => open(team, &spot.trigger, render::diagnose_form("")),
    }
}

/// A button below a reply.
async fn on_post<S: Store>(
    handler: &Handler<S>,
    spot: Spot,
    button: Button,
    key: &render::Key,
    answer: usize,
) -> Taken {
    // Below a post of this workspace, only messages of this workspace are meant.
    if key.team != spot.team.me.team {
        return Taken::then(async move { spot.show(&Reply::note(words::REPLY_FORGOTTEN), false).await });
    }
    let message = MessageKey { channel: channel_key(&key.team, &key.channel), message: key.ts.clone() };
    let thread = spot.thread.as_deref().filter(|thread| *thread != key.ts);
    let settings = handler.bot.channels.settings_in(&message.channel, thread);
    let group = settings.and_then(|settings| settings.support_role);
    let closes = matches!(button, Button::Fixed | Button::NotMine | Button::Remove | Button::DeleteMessage);
    let supports = closes && handler.supports(&spot.team, &spot.user, group.as_deref()).await;
    let presser = Presser { id: spot.user.clone(), supports };
    match handler.bot.feedback.press(&message, button, &presser, group.as_deref(), answer).await {
        Ok(Pressed::Changed) => Taken::plain(),
        Ok(Pressed::Privately(reply)) if button == Button::Steps => {
            Taken::then(async move { spot.show_all(&reply).await })
        }
        Ok(Pressed::Privately(reply)) => {
            let reply = slack_words(reply);
            Taken::then(async move { spot.show(&reply, false).await })
        }
        // Slack lets no bot delete what people wrote.
        Ok(Pressed::DeleteMessage) => {
            Taken::then(async move { spot.show(&Reply::note(words::CANNOT_DELETE), false).await })
        }
        Err(error) => {
            error!(message = %message, error = %error, "a press could not be noted");
            Taken::then(async move { spot.show(&Reply::note(words::FAILED), false).await })
        }
    }
}

/// The shortcut at a message: its diagnosis, in a window.
fn shortcut<S: Store>(handler: &Arc<Handler<S>>, team: &Arc<Team>, payload: &Value) -> Taken {
    let message: Message = serde_json::from_value(payload["message"].clone()).unwrap_or_default();
    let spot = Spot { view: "message".to_owned(), ..Spot::of(team, payload) };
    let handler = Arc::clone(handler);
    Taken::then(async move {
        let mut pasted = message.all_text();
        if !message.files().is_empty() {
            let files = handler.files.text(&spot.team.api, message.files());
            pasted.push_str(&tokio::time::timeout(FILES_MAX, files).await.unwrap_or_default());
        }
        let reply = slack_words(handler.bot.commands.asked(&pasted));
        let body = json!({"trigger_id": spot.trigger, "view": render::results_view(&reply)});
        if let Err(error) = spot.team.api.post("views.open", &body).await {
            warn!(error = %error, "a window could not be opened; answering in the channel");
            Spot { view: String::new(), ..spot }.say_privately(&ephemeral(&reply, true)).await;
        }
    })
}

/// Opens a window.
pub(super) fn open(team: &Arc<Team>, trigger: &str, view: Value) -> Taken {
    let (team, body) = (Arc::clone(team), json!({"trigger_id": trigger, "view": view}));
    Taken::then(async move {
        if let Err(error) = team.api.post("views.open", &body).await {
            warn!(error = %error, "a window could not be opened");
        }
    })
}

/// Somebody looks at App Home.
pub(super) fn home_opened<S: Store>(handler: &Arc<Handler<S>>, team: &Arc<Team>, event: &Value) -> Taken {
    if event["tab"] == "messages" {
        return Taken::plain();
    }
    let (handler, team, user) = (Arc::clone(handler), Arc::clone(team), text(&event["user"]).to_owned());
    Taken::then(async move { publish_home(&handler, &team, &user, None).await })
}

async fn publish_home<S: Store>(handler: &Handler<S>, team: &Team, user: &str, question: Option<&str>) {
    let mut channels = Vec::new();
    for (key, settings) in watched(handler, team).into_iter().take(HOME_CHANNELS_MAX) {
        let shadowed = shadowed(handler, &key, &settings).await;
        channels.push((key.channel, watched_as(&settings, shadowed)));
    }
    let commands = &handler.bot.commands;
    let in_force = commands.in_force();
    let found =
        question.map(|question| slack_words(commands.page(question).unwrap_or_else(|| commands.look_up(question))));
    let home = render::home(&render::Home {
        rules: in_force.rules,
        previews: in_force.previews,
        version: &in_force.version,
        channels: &channels,
        search: question.zip(found.as_ref()),
    });
    match team.api.post("views.publish", &json!({"user_id": user, "view": home})).await {
        Ok(_) => {}
        Err(CallError::Refused(reason)) if reason == rest::code::HOME_OFF => {
            warn!("App Home is switched off: https://api.slack.com/apps > your app > App Home > Home Tab");
        }
        Err(error) => warn!(error = %error, "App Home could not be shown"),
    }
}

/// The reply in the words that things have on Slack.
pub(super) fn slack_words(mut reply: Reply) -> Reply {
    let said = match reply.note.as_deref() {
        Some(words::NO_TEAM) => words::slack::NO_TEAM,
        Some(words::ONLY_POSTER_READS) => words::slack::ONLY_POSTER_READS,
        _ => return reply,
    };
    reply.note = Some(said.to_owned());
    reply
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
