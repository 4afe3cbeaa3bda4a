//! What people do with replies: the buttons below them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use tracing::info;

use super::event::MessageKey;
use super::ports::{FINAL, Known, Part, Store, StoreError, Wanted};
use crate::reply::{Button, By, Post, Reply, TeamCall, words};

/// Two people can press at once: so often is looked again at what the other one did.
const TRIES: usize = 5;

/// Who pressed a button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presser {
    /// The person's id on the platform.
    pub id: String,
    /// The person belongs to the support team of the channel.
    pub supports: bool,
}

/// What comes of pressing a button.
#[derive(Debug, Clone, PartialEq)]
pub enum Pressed {
    /// What is visible changes; the delivery shows it.
    Changed,
    /// The person reads this, nobody else.
    Privately(Reply),
    /// The person may delete the message: the platform is to be asked.
    DeleteMessage,
}

/// Takes what people press.
pub struct Feedback<S> {
    store: Arc<S>,
    wake: Arc<Notify>,
}

impl<S: Store> Feedback<S> {
    /// Takes presses; `wake` is told about every change to deliver.
    pub fn new(store: Arc<S>, wake: Arc<Notify>) -> Self {
        Self { store, wake }
    }

    /// A button below the reply to `key` was pressed. `role` is whom **Ask the team** calls;
    /// `answer` says which answer's steps are asked for.
    pub async fn press(
        &self,
        key: &MessageKey,
        button: Button,
        presser: &Presser,
        role: Option<&str>,
        answer: usize,
    ) -> Result<Pressed, StoreError> {
        for _ in 0..TRIES {
            let Some(known) = self.store.known(key, Part::Reply).await? else {
                return Ok(told(words::REPLY_FORGOTTEN));
            };
            let Some(post) = known.wanted.post.clone() else { return Ok(told(words::REPLY_GONE)) };
            let is_poster = known.wanted.author.as_deref() == Some(presser.id.as_str());
            let may_close = is_poster || presser.supports;
            let by = By { person: presser.id.clone(), at: seconds_now() };
            let wanted = match button {
                Button::Show if is_poster => return Ok(Pressed::Privately(post.reply().cloned().unwrap_or_default())),
                Button::Show => return Ok(told(words::ONLY_POSTER_READS)),
                Button::Steps => {
                    let found = post.reply().and_then(|reply| reply.answers.get(answer)).cloned();
                    let answers = found.into_iter().collect();
                    return Ok(Pressed::Privately(Reply { answers, ..Reply::default() }));
                }
                Button::Share => return Ok(told(words::REPLY_FORGOTTEN)),
                Button::DeleteMessage if may_close => return Ok(Pressed::DeleteMessage),
                Button::Fixed | Button::NotMine | Button::Remove | Button::DeleteMessage if !may_close => {
                    return Ok(told(words::ONLY_POSTER_CLOSES));
                }
                Button::Remove | Button::DeleteMessage => Wanted { post: None, version: FINAL, ..known.wanted.clone() },
                Button::Fixed | Button::NotMine | Button::AskTeam => {
                    let Post::Answer { reply, mut progress } = post.clone() else {
                        return Ok(told(words::REPLY_GONE));
                    };
                    match button {
                        Button::Fixed => _ = progress.fixed.get_or_insert_with(|| by.clone()),
                        Button::NotMine => _ = progress.not_mine.get_or_insert_with(|| by.clone()),
                        _ => {
                            let Some(role) = role else { return Ok(told(words::NO_TEAM)) };
                            if progress.asked.is_some() {
                                return Ok(told(words::TEAM_ASKED_BEFORE));
                            }
                            self.call_team(&known, &reply, role, &by).await?;
                            progress.asked = Some(by.clone());
                        }
                    }
                    Wanted { post: Some(Post::Answer { reply, progress }), ..known.wanted.clone() }
                }
            };
            if wanted.post.as_ref() == Some(&post) {
                // Pressed before, or told twice: the first one counts.
                return Ok(Pressed::Changed);
            }
            if self.store.decide(&wanted, None).await? {
                let rules: Vec<String> = post
                    .reply()
                    .map(|reply| reply.answers.iter().map(|answer| answer.rule.clone()).collect())
                    .unwrap_or_default();
                self.store.note_feedback(key, &rules, button, &by).await?;
                info!(message = %key, button = %button, "feedback");
                self.wake.notify_waiters();
                return Ok(Pressed::Changed);
            }
        }
        Ok(told(words::TRY_AGAIN))
    }

    /// Whether a person wrote the message that was answered.
    pub async fn is_poster(&self, key: &MessageKey, person: &str) -> Result<bool, StoreError> {
        let known = self.store.known(key, Part::Reply).await?;
        Ok(known.is_some_and(|known| known.wanted.author.as_deref() == Some(person)))
    }

    /// Calls the team for a message; once, however often and by however many people it is asked for.
    async fn call_team(&self, known: &Known, reply: &Reply, role: &str, asked: &By) -> Result<(), StoreError> {
        let call = TeamCall {
            role: role.to_owned(),
            asked: asked.clone(),
            about: reply.answers.iter().map(|answer| answer.title.clone()).collect(),
            ids: reply.ids.clone(),
        };
        let wanted = Wanted { part: Part::Call, post: Some(Post::Call(call)), based_on: None, ..known.wanted.clone() };
        // Where it was called before, nothing changes.
        self.store.decide(&wanted, None).await?;
        Ok(())
    }
}

fn told(what: &str) -> Pressed {
    Pressed::Privately(Reply::note(what))
}

fn seconds_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
