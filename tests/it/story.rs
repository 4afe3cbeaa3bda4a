//! What people do while things break, and what must be visible in the end, wherever they do it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cases::{ATLASSIAN, CHATTER, GMAIL, SHAREFILE};
use crate::discord::{self, Discord};
use crate::program::Server;
use crate::slack::{self, Slack};

const CHANNEL: &str = "okta-support";
/// People edit and delete what is among the latest answered messages: after a start, the bot looks at so many again.
const RECENT: usize = 40;

/// A platform's trouble may last this long: pauses double with each failure, and what has to be said meanwhile waits for
/// its turn.
const OUTAGE: Duration = Duration::from_secs(240);

/// A small generator of its own, so that a seed always means the same run.
pub(crate) struct Dice(u64);

impl Dice {
    #[expect(clippy::print_stdout, reason = "a failure must tell how to repeat it")]
    pub(crate) fn new() -> Self {
        let seed = number("SEED").unwrap_or_else(|| u64::from(std::process::id()));
        println!("SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The replies that are visible: to which message, and about which app.
pub(crate) type Replies = Vec<(u64, &'static str)>;

/// A place where people write and the bot answers.
pub(crate) trait People {
    async fn post(&self, text: &str) -> u64;
    async fn edit(&self, message: u64, text: &str);
    async fn delete(&self, message: u64);
    /// Waits until these replies are visible, and no others.
    async fn see(&self, expected: &Replies);
}

/// The app that a reply is about.
fn about(text: &str) -> &'static str {
    ["Atlassian", "ShareFile", "Workflows"].into_iter().find(|app| text.contains(app)).unwrap_or("nothing known")
}

impl People for Server {
    async fn post(&self, text: &str) -> u64 {
        Server::post(self, CHANNEL, text).await.unsigned_abs()
    }

    async fn edit(&self, message: u64, text: &str) {
        Server::edit(self, message.cast_signed(), text).await;
    }

    async fn delete(&self, message: u64) {
        Server::delete(self, message.cast_signed()).await;
    }

    async fn see(&self, expected: &Replies) {
        self.wait_until(CHANNEL, &format!("{expected:?}"), |history| {
            // It shows the latest messages only; what is older was seen while it was among them.
            let people = history.iter().filter(|message| message["is_bot"] != true);
            let oldest = people.filter_map(|message| message["id"].as_u64()).min().unwrap_or_default();
            let bots = history.iter().filter(|message| message["is_bot"] == true);
            let mut visible: Replies = bots
                .map(|message| {
                    let answered = message["thread"].as_u64().unwrap_or_default();
                    (answered, about(message["html"].as_str().unwrap_or_default()))
                })
                .filter(|(answered, _)| *answered >= oldest)
                .collect();
            visible.sort_unstable();
            visible.iter().eq(expected.iter().filter(|(answered, _)| *answered >= oldest))
        })
        .await;
    }
}

impl People for Discord {
    async fn post(&self, text: &str) -> u64 {
        self.say(CHANNEL, "dana", text)
    }

    async fn edit(&self, message: u64, text: &str) {
        Discord::edit(self, message, text);
    }

    async fn delete(&self, message: u64) {
        Discord::delete(self, message);
    }

    async fn see(&self, expected: &Replies) {
        self.wait_within(OUTAGE, &format!("{expected:?}"), |state| {
            // A thread's own messages are the bot's, too, which opened it.
            let own =
                state.messages.values().filter(|it| it.author == state.bot && !it.deleted && matches!(it.kind, 0 | 19));
            // In the thread that has its id, or as an answer to it.
            let mut visible: Replies =
                own.map(|it| (it.replies_to.unwrap_or(it.channel), about(&discord::readable(it)))).collect();
            visible.sort_unstable();
            (visible == *expected).then_some(())
        })
        .await;
    }
}

impl People for Slack {
    async fn post(&self, text: &str) -> u64 {
        self.say(CHANNEL, "dana", text)
    }

    async fn edit(&self, message: u64, text: &str) {
        Slack::edit(self, message, text);
    }

    async fn delete(&self, message: u64) {
        Slack::delete(self, message);
    }

    async fn see(&self, expected: &Replies) {
        self.wait_within(OUTAGE, &format!("{expected:?}"), |state| {
            let bot = &state.teams[0].bot_user;
            let own = state.messages.values().filter(|it| it.user == *bot && !it.deleted && !it.is_ephemeral());
            let mut visible: Replies = own
                .map(|it| {
                    let answered = it.thread_ts.as_deref().and_then(slack::state::moment).unwrap_or_default();
                    (answered, about(&slack::readable(it)))
                })
                .collect();
            visible.sort_unstable();
            (visible == *expected).then_some(())
        })
        .await;
    }
}

/// What people did, and what must be visible in the end.
#[derive(Default)]
pub(crate) struct Story {
    /// The app that the reply to each message is about; none for those that deserve none.
    expected: BTreeMap<u64, Option<&'static str>>,
}

impl Story {
    /// Somebody posts, edits or deletes.
    pub(crate) async fn goes_on(&mut self, people: &impl People, dice: &mut Dice) {
        let answered = self.expected.iter().rev().filter(|(_, reply)| reply.is_some()).map(|(id, _)| *id);
        let answered: Vec<u64> = answered.take(RECENT).collect();
        let earlier = match answered.len() {
            0 => None,
            count => Some(answered[dice.below(count as u64) as usize]),
        };
        match (dice.below(7), earlier) {
            (0, Some(id)) => {
                people.edit(id, ATLASSIAN[0]).await;
                self.expected.insert(id, Some("Atlassian"));
            }
            (1, Some(id)) => {
                people.edit(id, CHATTER[0]).await;
                self.expected.insert(id, None);
            }
            (2, Some(id)) => {
                people.delete(id).await;
                self.expected.insert(id, None);
            }
            (3, _) => {
                let id = people.post(CHATTER[0]).await;
                people.edit(id, ATLASSIAN[0]).await;
                self.expected.insert(id, Some("Atlassian"));
            }
            (4, _) => {
                let id = people.post(SHAREFILE[0]).await;
                people.delete(id).await;
                self.expected.insert(id, None);
            }
            _ => {
                let id = people.post(SHAREFILE[0]).await;
                self.expected.insert(id, Some("ShareFile"));
            }
        }
    }

    /// Each message has one reply, in its final form, or none. That is so, and stays so while a further one is answered.
    pub(crate) async fn ends_well(&mut self, people: &impl People) {
        self.see(people).await;
        let last = people.post(GMAIL[1]).await;
        self.expected.insert(last, Some("Workflows"));
        self.see(people).await;
    }

    async fn see(&self, people: &impl People) {
        people.see(&self.expected.iter().filter_map(|(id, reply)| Some((*id, (*reply)?))).collect()).await;
    }
}

/// Somewhere between nothing done and everything done.
pub(crate) async fn a_moment(dice: &mut Dice, at_most: Duration) {
    let millis = dice.below(u64::try_from(at_most.as_millis()).unwrap_or(u64::MAX).max(1));
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
