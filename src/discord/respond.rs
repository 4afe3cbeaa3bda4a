//! Answers to interactions, in time.

use std::future::Future;
use std::time::Duration;

use serde_json::{Value, json};
use serenity::http::Http;
use serenity::model::id::InteractionId;
use tracing::warn;

use crate::render::discord::{self as render, Payload};
use crate::reply::{Reply, words};

/// Discord takes the first word for three seconds; what takes longer than this is announced, so that
/// a slow network does not spend the rest.
/// <https://docs.discord.com/developers/interactions/receiving-and-responding#responding-to-an-interaction>
const SOON: Duration = Duration::from_millis(1_500);
/// Kinds of answers. <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type>
const MESSAGE: u8 = 4;
const MESSAGE_LATER: u8 = 5;
const UPDATE_LATER: u8 = 6;
/// The flag of a message that only the person sees who asked. Chosen with the first word, for good.
const EPHEMERAL: u64 = 1 << 6;

/// How an interaction is answered.
pub(super) enum Answer {
    /// By messages that only the person sees, in this order.
    Privately(Vec<Payload>),
    /// By a message that everybody sees.
    Openly(Value),
    /// By nothing but the change of the message that the button is on, which follows by itself.
    Changed,
}

impl Answer {
    /// A private sentence.
    pub(super) fn note(note: &str) -> Self {
        Self::Privately(vec![render::private(&Reply::note(note), false)])
    }
}

/// One interaction.
#[derive(Clone, Copy)]
pub(super) struct Asked<'i> {
    /// For calls.
    pub(super) http: &'i Http,
    /// Its id.
    pub(super) id: InteractionId,
    /// What allows to answer it, for fifteen minutes.
    pub(super) token: &'i str,
    /// A button below a message, which may be answered by changing that message.
    pub(super) is_button: bool,
}

impl Asked<'_> {
    /// Answers with what the work comes to; when that takes long, Discord is told that it will follow.
    pub(super) async fn answer(self, work: impl Future<Output = Answer>) {
        tokio::pin!(work);
        let (answer, begun) = tokio::select! {
            biased;
            answer = &mut work => (answer, false),
            () = tokio::time::sleep(SOON) => {
                let kind = if self.is_button { UPDATE_LATER } else { MESSAGE_LATER };
                self.first(&json!({"type": kind, "data": {"flags": EPHEMERAL}})).await;
                (work.await, true)
            }
        };
        match answer {
            Answer::Changed if begun => {}
            Answer::Changed => self.first(&json!({"type": UPDATE_LATER})).await,
            Answer::Openly(data) if begun => self.further(&data).await,
            Answer::Openly(data) => self.first(&json!({"type": MESSAGE, "data": data})).await,
            Answer::Privately(mut pages) => {
                if pages.is_empty() {
                    pages.push(render::private(&Reply::note(words::REPLY_FORGOTTEN), false));
                }
                for (index, page) in pages.iter().enumerate() {
                    if index == 0 && !begun {
                        self.first(&json!({"type": MESSAGE, "data": page})).await;
                    } else {
                        self.further(page).await;
                    }
                }
            }
        }
    }

    /// The first word; there is only one.
    pub(super) async fn first(self, body: &Value) {
        if let Err(error) = self.http.create_interaction_response(self.id, self.token, body, Vec::new()).await {
            warn!(interaction = %self.id, error = %error, "an interaction could not be answered");
        }
    }

    /// A further message; the first one after an announcement takes its place.
    async fn further(self, body: &impl serde::Serialize) {
        if let Err(error) = self.http.create_followup_message(self.token, body, Vec::new()).await {
            warn!(interaction = %self.id, error = %error, "the answer to an interaction could not be shown");
        }
    }
}
