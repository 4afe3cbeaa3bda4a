//! The program is killed at random moments; in the end every message has the reply it deserves, once.
//!
//! `KILLS` is how often (12 by default), `SEED` repeats a run.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cases::{ATLASSIAN, CHATTER, SHAREFILE};
use crate::postgres::Cluster;
use crate::program::{Server, temp};

const CHANNEL: &str = "okta-support";

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

/// What people did, and what must be visible in the end.
#[derive(Default)]
pub(crate) struct Story {
    /// The app that the reply to each message is about; none for those that deserve none.
    expected: BTreeMap<i64, Option<&'static str>>,
}

impl Story {
    /// Somebody posts, edits or deletes.
    pub(crate) async fn goes_on(&mut self, server: &Server, dice: &mut Dice) {
        let answered: Vec<i64> = self.expected.iter().filter(|(_, reply)| reply.is_some()).map(|(id, _)| *id).collect();
        let earlier = match answered.len() {
            0 => None,
            count => Some(answered[dice.below(count as u64) as usize]),
        };
        match (dice.below(7), earlier) {
            (0, Some(id)) => {
                server.edit(id, ATLASSIAN[0]).await;
                self.expected.insert(id, Some("Atlassian"));
            }
            (1, Some(id)) => {
                server.edit(id, CHATTER[0]).await;
                self.expected.insert(id, None);
            }
            (2, Some(id)) => {
                server.delete(id).await;
                self.expected.insert(id, None);
            }
            (3, _) => {
                let id = server.post(CHANNEL, CHATTER[0]).await;
                server.edit(id, ATLASSIAN[0]).await;
                self.expected.insert(id, Some("Atlassian"));
            }
            (4, _) => {
                let id = server.post(CHANNEL, SHAREFILE[0]).await;
                server.delete(id).await;
                self.expected.insert(id, None);
            }
            _ => {
                let id = server.post(CHANNEL, SHAREFILE[0]).await;
                self.expected.insert(id, Some("ShareFile"));
            }
        }
    }

    /// Each message has one reply, in its final form, or none; as the page of this process shows it.
    pub(crate) async fn ends_well(&self, server: &Server) {
        // A reply that a killed process had claimed waits for the end of its lease.
        let expected: Vec<(i64, &str)> =
            self.expected.iter().filter_map(|(id, reply)| Some((*id, (*reply)?))).collect();
        server
            .wait_until(CHANNEL, &format!("{expected:?}"), |history| {
                let mut visible: Vec<(i64, &str)> = history
                    .iter()
                    .filter(|message| message["is_bot"] == true)
                    .map(|message| {
                        let html = message["html"].as_str().unwrap_or_default();
                        let about = ["Atlassian", "ShareFile"].into_iter().find(|app| html.contains(app));
                        (message["thread"].as_i64().unwrap_or_default(), about.unwrap_or("nothing"))
                    })
                    .collect();
                visible.sort_unstable();
                visible == expected
            })
            .await;
    }
}

async fn killed_at_any_moment(environment: &[(&str, &str)]) {
    let mut dice = Dice::new();
    let dir = temp();
    let mut story = Story::default();
    for _ in 0..number("KILLS").unwrap_or(12) {
        let server = Server::start_with(dir.path(), &[], environment);
        for _ in 0..4 {
            story.goes_on(&server, &mut dice).await;
        }
        // Somewhere between nothing done and everything done.
        tokio::time::sleep(Duration::from_millis(dice.below(20))).await;
        server.kill();
    }
    let server = Server::start_with(dir.path(), &[], environment);
    server.settled(CHANNEL).await;
    story.ends_well(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_nothing_is_lost_and_nothing_said_twice_on_sqlite() {
    killed_at_any_moment(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_nothing_is_lost_and_nothing_said_twice_on_postgres() {
    let url = Cluster::shared().database().await;
    killed_at_any_moment(&[("OKTRIAGE__STORAGE__URL", &url)]).await;
}
