//! Buttons, and the form to paste into. Everything needed stands in their ids or in the store, so
//! that those of old messages go on working after a restart.

use serde_json::json;
use serenity::client::Context;
use serenity::http::{LightMethod, Route};
use serenity::model::application::{ActionRowComponent, ComponentInteraction, ModalInteraction};
use serenity::model::id::{ChannelId, GuildId, MessageId};
use tracing::{error, info, warn};

use super::channel_key;
use super::commands::{FORM, FORM_FIELD};
use super::handler::Handler;
use super::respond::{Answer, Asked};
use crate::bot::ports::Store;
use crate::bot::{MessageKey, Pressed, Presser};
use crate::render::discord as render;
use crate::reply::{Button, Reply, words};
use crate::rules::Keyword as _;

/// Somebody pressed a button.
pub(super) async fn button<S: Store>(handler: &Handler<S>, context: &Context, pressed: ComponentInteraction) {
    let asked = Asked { http: &context.http, id: pressed.id, token: &pressed.token, is_button: true };
    asked.answer(answer(handler, &pressed)).await;
}

async fn answer<S: Store>(handler: &Handler<S>, pressed: &ComponentInteraction) -> Answer {
    let (button, rest) = pressed.data.custom_id.split_once(':').unwrap_or((&pressed.data.custom_id, ""));
    let answer = match Button::from_word(button) {
        Some(Button::Share) => Some(shared(pressed)),
        Some(Button::Steps) if rest.contains('/') => Some(steps(&handler.bot.commands.page(rest).unwrap_or_default())),
        Some(button) => on_reply(handler, pressed, button, rest).await,
        None => None,
    };
    answer.unwrap_or_else(|| Answer::note(words::REPLY_FORGOTTEN))
}

/// A button below a reply; `rest` is its key: channel, message, and for steps which answer.
async fn on_reply<S: Store>(
    handler: &Handler<S>,
    pressed: &ComponentInteraction,
    button: Button,
    rest: &str,
) -> Option<Answer> {
    let mut ids = rest.split(':');
    let channel: u64 = ids.next()?.parse().ok().filter(|id| *id != 0)?;
    let message: u64 = ids.next()?.parse().ok().filter(|id| *id != 0)?;
    let index = ids.next().and_then(|index| index.parse().ok()).unwrap_or_default();
    let key =
        MessageKey { channel: channel_key(pressed.guild_id.map(GuildId::get), channel), message: message.to_string() };
    let thread = pressed.channel_id.to_string();
    let settings = handler.bot.channels.settings_in(&key.channel, Some(&thread));
    let role = settings.and_then(|settings| settings.support_role);
    let supports = pressed
        .member
        .as_ref()
        .zip(role.as_ref())
        .is_some_and(|(member, role)| member.roles.iter().any(|of_member| of_member.to_string() == *role));
    let presser = Presser { id: pressed.user.id.to_string(), supports };
    Some(match handler.bot.feedback.press(&key, button, &presser, role.as_deref(), index).await {
        Ok(Pressed::Privately(reply)) if button == Button::Steps => steps(&reply),
        Ok(Pressed::Changed) => Answer::Changed,
        Ok(Pressed::Privately(reply)) => Answer::Privately(vec![render::private(&reply, false)]),
        Ok(Pressed::DeleteMessage) => {
            let deleted = delete(handler, pressed.channel_id, ChannelId::new(channel), MessageId::new(message)).await;
            if deleted { Answer::Changed } else { Answer::note(words::CANNOT_DELETE) }
        }
        Err(error) => {
            error!(message = %key, error = %error, "a press could not be noted");
            Answer::note(words::FAILED)
        }
    })
}

/// Everything of these answers, over as many messages as they need.
fn steps(reply: &Reply) -> Answer {
    Answer::Privately(reply.answers.iter().flat_map(render::all_steps).collect())
}

/// Deletes the message that holds a secret: in its channel, or in the thread where the button is.
async fn delete<S: Store>(
    handler: &Handler<S>,
    pressed_in: ChannelId,
    channel: ChannelId,
    message_id: MessageId,
) -> bool {
    for channel_id in [channel, pressed_in] {
        let route = Route::ChannelMessage { channel_id, message_id };
        match handler.rest.call(LightMethod::Delete, route, None::<&()>, &[]).await {
            Ok(_) => {
                info!(message = %message_id, "a message with a secret was deleted for its author");
                return true;
            }
            Err(error) => warn!(message = %message_id, error = %error, "a message with a secret could not be deleted"),
        }
    }
    false
}

/// The private answer that the button is on, for everybody: it says nothing that was not said before.
fn shared(pressed: &ComponentInteraction) -> Answer {
    let embeds = serde_json::to_value(&pressed.message.embeds).unwrap_or_default();
    let content = pressed.message.content.clone();
    Answer::Openly(json!({"content": content, "embeds": embeds, "allowed_mentions": {"parse": []}}))
}

/// Somebody pasted into the form.
pub(super) async fn modal<S: Store>(handler: &Handler<S>, context: &Context, submitted: ModalInteraction) {
    if submitted.data.custom_id != FORM {
        return;
    }
    let fields = submitted.data.components.iter().flat_map(|row| &row.components);
    let pasted = fields.filter_map(|field| match field {
        ActionRowComponent::InputText(text) if text.custom_id == FORM_FIELD => text.value.as_deref(),
        _ => None,
    });
    let pasted: String = pasted.collect();
    let asked = Asked { http: &context.http, id: submitted.id, token: &submitted.token, is_button: false };
    let reply = async { Answer::Privately(vec![render::private(&handler.bot.commands.asked(&pasted), true)]) };
    asked.answer(reply).await;
}
