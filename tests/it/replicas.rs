//! Three processes on one PostgreSQL, in the local workspace, on Discord and on Slack: killed and restarted, cut off from
//! the database, the database itself killed. In the end every message has the reply it deserves, once.
//!
//! `ROUNDS` is how often something breaks (6 by default), `SEED` repeats a run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::discord::Discord;
use crate::postgres::Cluster;
use crate::program::{Server, temp};
use crate::slack::Slack;
use crate::story::{Dice, People, Story, number};
use crate::{discord_bot, slack_bot};

/// The network between one process and the database.
struct Cable {
    address: SocketAddr,
    cut: watch::Sender<bool>,
}

impl Cable {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, is_cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut is_cut = is_cut.clone();
                tokio::spawn(async move {
                    if *is_cut.borrow() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = is_cut.wait_for(|cut| *cut) => {}
                    }
                });
            }
        });
        Self { address, cut }
    }
}

/// Three processes on a database of their own, each with a cable to it.
struct Trio<F> {
    cluster: Cluster,
    cables: Vec<Cable>,
    urls: Vec<String>,
    servers: Vec<Server>,
    start: F,
}

impl<F: Fn(&str) -> Server> Trio<F> {
    /// `start` starts a process on the database with this URL.
    async fn new(start: F) -> Self {
        let cluster = Cluster::start(false);
        let url = cluster.database().await;
        let (mut cables, mut urls) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let cable = Cable::to(cluster.port()).await;
            urls.push(url.replace(&format!("127.0.0.1:{}", cluster.port()), &cable.address.to_string()));
            cables.push(cable);
        }
        let servers = urls.iter().map(|url| start(url)).collect();
        Self { cluster, cables, urls, servers, start }
    }

    /// Something breaks. Returns whose cable was cut, if that was it: it is to be mended.
    async fn break_something(&mut self, dice: &mut Dice) -> Option<usize> {
        let one = dice.below(3) as usize;
        match dice.below(4) {
            0 => self.cluster.crash_and_restart(),
            1 => {
                self.cables[one].cut.send_replace(true);
                return Some(one);
            }
            _ => {
                self.servers.remove(one).kill();
                self.start_again(one);
            }
        }
        None
    }

    fn mend(&self, cut: Option<usize>) {
        if let Some(cut) = cut {
            self.cables[cut].cut.send_replace(false);
        }
    }

    /// One is told to stop, which it does in good order.
    fn stop(&mut self, one: usize) {
        assert!(self.servers.remove(one).stop().success());
    }

    fn start_again(&mut self, one: usize) {
        self.servers.insert(one, (self.start)(&self.urls[one]));
    }

    async fn write_again(&self) {
        for server in &self.servers {
            server.writes_again("okta-support").await;
        }
    }
}

fn rounds() -> u64 {
    number("ROUNDS").unwrap_or(6)
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_answer_each_message_once_in_the_local_workspace() {
    let mut dice = Dice::new();
    let dir = temp();
    let start = |url: &str| Server::start_with(dir.path(), &[], &[("OKTRIAGE__STORAGE__URL", url)]);
    let mut trio = Trio::new(start).await;
    let mut story = Story::default();
    for _ in 0..rounds() {
        for _ in 0..4 {
            story.goes_on(&trio.servers[dice.below(3) as usize], &mut dice).await;
        }
        let cut = trio.break_something(&mut dice).await;
        if let Some(cut) = cut {
            for _ in 0..2 {
                story.goes_on(&trio.servers[(cut + 1) % 3], &mut dice).await;
            }
        }
        trio.mend(cut);
        trio.write_again().await;
    }
    for server in &trio.servers {
        story.ends_well(server).await;
    }
    // A rolling restart answers nothing twice and misses nothing.
    for one in 0..3 {
        story.goes_on(&trio.servers[one], &mut dice).await;
        trio.stop(one);
        trio.start_again(one);
    }
    for server in &trio.servers {
        story.ends_well(server).await;
    }
}

/// The same where people write on a platform: the process that holds the connection may be the one that breaks.
async fn three_processes(people: &impl People, start: impl Fn(&str) -> Server) {
    let mut dice = Dice::new();
    let mut trio = Trio::new(start).await;
    let mut story = Story::default();
    story.ends_well(people).await;
    for _ in 0..rounds() {
        story.goes_on(people, &mut dice).await;
        let cut = trio.break_something(&mut dice).await;
        for _ in 0..3 {
            story.goes_on(people, &mut dice).await;
        }
        trio.mend(cut);
    }
    story.ends_well(people).await;
    for one in 0..3 {
        story.goes_on(people, &mut dice).await;
        trio.stop(one);
        story.goes_on(people, &mut dice).await;
        trio.start_again(one);
    }
    story.ends_well(people).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_answer_each_message_once_on_discord() {
    let (discord, dir) = (Discord::start().await, temp());
    let settings = discord_bot::settings(&discord, "scope = \"okta\"", "");
    let start = |url: &str| discord_bot::begin(&discord, dir.path(), &settings, &[("OKTRIAGE__STORAGE__URL", url)]);
    three_processes(&discord, start).await;
    // One process at a time had the shard.
    discord.look(|state| assert!(state.sessions.iter().filter(|session| session.connected).count() <= 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_answer_each_message_once_on_slack() {
    let (slack, dir) = (Slack::start().await, temp());
    let start = |url: &str| slack_bot::begin(&slack, dir.path(), &[("OKTRIAGE__STORAGE__URL", url)]);
    three_processes(&slack, start).await;
}
