//! The program is killed at random moments; in the end every message has the reply it deserves, once.

use std::time::Duration;

use crate::cases::{ATLASSIAN, CHATTER, SHAREFILE};
use crate::program::{Server, temp};

/// How often the program is killed.
const KILLS: u64 = 12;

/// A small generator of its own, so that a seed always means the same run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "a failure must tell how to repeat it")]
async fn killed_at_any_moment_nothing_is_lost_and_nothing_said_twice() {
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| u64::from(std::process::id()));
    println!("SEED={seed}");
    let mut dice = Dice(seed);
    let dir = temp();
    let mut answered = Vec::new();
    let mut silent = Vec::new();
    for _ in 0..KILLS {
        let server = Server::start(dir.path());
        for _ in 0..4 {
            match dice.below(3) {
                0 => answered.push(server.post("okta-support", SHAREFILE[0]).await),
                1 => {
                    let id = server.post("okta-support", CHATTER[0]).await;
                    server.edit(id, ATLASSIAN[0]).await;
                    answered.push(id);
                }
                _ => {
                    let id = server.post("okta-support", SHAREFILE[0]).await;
                    server.delete(id).await;
                    silent.push(id);
                }
            }
        }
        // Somewhere between nothing done and everything done.
        tokio::time::sleep(Duration::from_millis(dice.below(20))).await;
        server.kill();
    }
    let server = Server::start(dir.path());
    server.settled("okta-support").await;
    // A reply that a killed process had claimed waits for the end of its lease.
    for id in &answered {
        server.answer_to(*id).await;
    }
    let mut visible = server.answered("okta-support").await;
    visible.sort_unstable();
    assert_eq!(visible, answered, "SEED={seed}; deleted messages: {silent:?}");
}
