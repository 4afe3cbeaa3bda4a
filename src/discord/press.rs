//! Buttons, and the form to paste into. Everything needed stands in their ids or in the store, so
//! that those of old messages go on working after a restart.

use serde_json::{Value, json};
use serenity::client::Context;
use serenity::http::{LightMethod, Route};
use serenity::model::application::{ActionRowComponent, ComponentInteraction, ModalInteraction};
use serenity::model::id::{ChannelId, GuildId, InteractionId, MessageId};
use tracing::{error, info, warn};

use super::channel_key;
use super::commands::{FORM, FORM_FIELD};
use super::gateway::Handler;
use crate::bot::ports::Store;
use crate::bot::{MessageKey, Pressed, Presser};
use crate::render::discord as render;
use crate::reply::{Button, Reply, words};
use crate::rules::Keyword as _;

/// A message as the answer to an interaction. <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object>
const MESSAGE: u8 = 4;
/// The answer follows as an update of the message that the button is on.
const UPDATE_LATER: u8 = 6;

/// Somebody pressed a button.
pub(super) async fn button<S: Store>(handler: &Handler<S>, context: &Context, pressed: ComponentInteraction) {
    let mut parts = pressed.data.custom_id.splitn(2, ':');
    let button = parts.next().and_then(Button::from_word);
    let rest = parts.next().unwrap_or_default();
    let answer = match (button, rest) {
        (Some(Button::Share), _) => Some(shared(&pressed)),
        (Some(Button::Steps), rule) if rule.contains('/') => {
            let page = handler.bot.commands.page(rule);
            return steps(handler, context, &pressed, page.unwrap_or_default()).await;
        }
        (Some(button), rest) => match on_reply(handler, &pressed, button, rest).await {
            Some(Done::Answer(answer)) => Some(answer),
            Some(Done::Steps(reply)) => return steps(handler, context, &pressed, reply).await,
            None => None,
        },
        (None, _) => None,
    };
    let answer = answer.unwrap_or_else(|| message(&render::private(&Reply::note(words::REPLY_FORGOTTEN), false)));
    respond(context, pressed.id, &pressed.token, &answer).await;
}

/// A button below a reply; `rest` is its key: channel, message, and for steps which answer.
async fn on_reply<S: Store>(
    handler: &Handler<S>,
    pressed: &ComponentInteraction,
    button: Button,
    rest: &str,
) -> Option<Done> {
    let mut ids = rest.split(':');
    let channel: u64 = ids.next()?.parse().ok().filter(|id| *id != 0)?;
    let message_id: u64 = ids.next()?.parse().ok().filter(|id| *id != 0)?;
    let index = ids.next().and_then(|index| index.parse().ok()).unwrap_or_default();
    let key = MessageKey {
        channel: channel_key(pressed.guild_id.map(GuildId::get), channel),
        message: message_id.to_string(),
    };
    let thread = pressed.channel_id.to_string();
    let settings = handler.bot.channels.settings_in(&key.channel, Some(&thread));
    let role = settings.and_then(|settings| settings.support_role);
    let supports = pressed
        .member
        .as_ref()
        .zip(role.as_ref())
        .is_some_and(|(member, role)| member.roles.iter().any(|of_member| of_member.to_string() == *role));
    let presser = Presser { id: pressed.user.id.to_string(), supports };
    let done = handler.bot.feedback.press(&key, button, &presser, role.as_deref(), index).await;
    Some(Done::Answer(match done {
        Ok(Pressed::Privately(reply)) if button == Button::Steps => return Some(Done::Steps(reply)),
        Ok(Pressed::Changed) => json!({"type": UPDATE_LATER}),
        Ok(Pressed::Privately(reply)) => message(&render::private(&reply, false)),
        Ok(Pressed::DeleteMessage) => {
            let from = (ChannelId::new(channel), MessageId::new(message_id));
            match delete(handler, pressed.channel_id, from).await {
                true => json!({"type": UPDATE_LATER}),
                false => message(&render::private(&Reply::note(words::CANNOT_DELETE), false)),
            }
        }
        Err(error) => {
            error!(message = %key, error = %error, "a press could not be noted");
            message(&render::private(&Reply::note(words::FAILED), false))
        }
    }))
}

/// How a press is answered.
enum Done {
    /// By this.
    Answer(Value),
    /// By all of these answers, over as many messages as they need.
    Steps(Reply),
}

async fn steps<S: Store>(handler: &Handler<S>, context: &Context, pressed: &ComponentInteraction, reply: Reply) {
    let mut pages = reply.answers.iter().flat_map(render::all_steps);
    let Some(first) = pages.next() else {
        let gone = message(&render::private(&Reply::note(words::REPLY_FORGOTTEN), false));
        return respond(context, pressed.id, &pressed.token, &gone).await;
    };
    respond(context, pressed.id, &pressed.token, &message(&first)).await;
    for page in pages {
        if let Err(error) = context.http.create_followup_message(&pressed.token, &page, Vec::new()).await {
            warn!(user = %handler.me(), error = %error, "further steps could not be shown");
            return;
        }
    }
}

/// Deletes the message that holds a secret: in its channel, or in the thread where the button is.
async fn delete<S: Store>(handler: &Handler<S>, pressed_in: ChannelId, from: (ChannelId, MessageId)) -> bool {
    for channel_id in [from.0, pressed_in] {
        let route = Route::ChannelMessage { channel_id, message_id: from.1 };
        match handler.rest.call(LightMethod::Delete, route, None::<&()>, &[]).await {
            Ok(_) => {
                info!(message = %from.1, "a message with a secret was deleted for its author");
                return true;
            }
            Err(error) => warn!(message = %from.1, error = %error, "a message with a secret could not be deleted"),
        }
    }
    false
}

/// The private answer that the button is on, for everybody: it says nothing that was not said before.
fn shared(pressed: &ComponentInteraction) -> Value {
    let embeds = serde_json::to_value(&pressed.message.embeds).unwrap_or_default();
    let content = pressed.message.content.clone();
    json!({"type": MESSAGE, "data": {"content": content, "embeds": embeds, "allowed_mentions": {"parse": []}}})
}

/// Somebody pasted into the form.
pub(super) async fn modal<S: Store>(handler: &Handler<S>, context: &Context, submitted: ModalInteraction) {
    if submitted.data.custom_id != FORM {
        return;
    }
    let fields = submitted.data.components.iter().flat_map(|row| &row.components);
    let pasted = fields.filter_map(|field| match field {
        ActionRowComponent::InputText(text) if text.custom_id == FORM_FIELD => text.value.clone(),
        _ => None,
    });
    let pasted: String = pasted.collect();
    let answer = message(&render::private(&handler.bot.commands.asked(&pasted), true));
    respond(context, submitted.id, &submitted.token, &answer).await;
}

fn message(payload: &render::Payload) -> Value {
    json!({"type": MESSAGE, "data": payload})
}

async fn respond(context: &Context, id: InteractionId, token: &str, answer: &Value) {
    if let Err(error) = context.http.create_interaction_response(id, token, answer, Vec::new()).await {
        warn!(interaction = %id, error = %error, "an interaction could not be answered");
    }
}
