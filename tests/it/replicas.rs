//! Three processes on one PostgreSQL: killed and restarted, cut off from the database, the database
//! itself killed. In the end every message has the reply it deserves, once, on the page of each.
//!
//! `ROUNDS` is how often something breaks (6 by default), `SEED` repeats a run.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::kills::{Dice, Story, number};
use crate::postgres::Cluster;
use crate::program::{Server, temp};

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

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_answer_each_message_once_whatever_breaks() {
    let cluster = Cluster::start(false);
    let mut dice = Dice::new();
    let dir = temp();
    let url = cluster.database().await;
    let mut cables = Vec::new();
    let mut urls = Vec::new();
    for _ in 0..3 {
        let cable = Cable::to(cluster.port()).await;
        urls.push(url.replace(&format!("127.0.0.1:{}", cluster.port()), &cable.address.to_string()));
        cables.push(cable);
    }
    let start = |index: usize| Server::start_with(dir.path(), &[], &[("OKTRIAGE__STORAGE__URL", &urls[index])]);
    let mut servers: Vec<Server> = (0..3).map(start).collect();
    let mut story = Story::default();
    for _ in 0..number("ROUNDS").unwrap_or(6) {
        for _ in 0..4 {
            story.goes_on(&servers[dice.below(3) as usize], &mut dice).await;
        }
        let one = dice.below(3) as usize;
        match dice.below(4) {
            0 => {
                cluster.crash_and_restart();
                for server in &servers {
                    server.writes_again("okta-support").await;
                }
            }
            1 => {
                cables[one].cut.send_replace(true);
                for _ in 0..2 {
                    story.goes_on(&servers[(one + 1) % 3], &mut dice).await;
                }
                cables[one].cut.send_replace(false);
                servers[one].writes_again("okta-support").await;
            }
            _ => {
                servers.remove(one).kill();
                servers.insert(one, start(one));
            }
        }
    }
    for server in &servers {
        server.settled("okta-support").await;
        story.ends_well(server).await;
    }
    // A rolling restart answers nothing twice and misses nothing.
    for index in 0..3 {
        story.goes_on(&servers[index], &mut dice).await;
        assert!(servers.remove(index).stop().success());
        servers.insert(index, start(index));
    }
    for server in &servers {
        server.settled("okta-support").await;
        story.ends_well(server).await;
    }
}
