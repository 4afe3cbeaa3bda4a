//! What the way of a message costs on Discord: from the gateway's event to the first request of the reply,
//! beside a bare serenity bot that answers everything at once, and 10,000 messages of which one in a
//! hundred is an error.
//!
//! `cargo bench --bench discord`. Both bots are processes of their own against the double of Discord in
//! `tests/it/discord`, whose own share is in both numbers.

#![allow(clippy::print_stdout, reason = "the numbers are what this is for")]

#[allow(dead_code, reason = "only some of the cases are said here")]
#[path = "../tests/it/cases.rs"]
mod cases;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../tests/it/discord/mod.rs"]
mod discord;
#[path = "../tests/it/double.rs"]
mod double;
#[path = "../tests/it/program.rs"]
mod program;

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serenity::all::{Context, EventHandler, GatewayIntents, HttpBuilder, Message};

use crate::cases::{CHATTER, SHAREFILE};
use crate::discord::Discord;
use crate::discord::state::State;
use crate::program::{Server, temp};

/// Messages that are measured one after another.
const ALONE: usize = 300;
/// Messages that come as fast as the gateway tells them.
const MANY: usize = 10_000;
/// The argument that makes this program the bare bot.
const BARE: &str = "--bare";

/// Answers every message with the same sentence.
struct Bare;

#[serenity::async_trait]
impl EventHandler for Bare {
    async fn message(&self, context: Context, message: Message) {
        if !message.author.bot {
            message.channel_id.say(&context, "heard").await.expect("sent");
        }
    }
}

async fn bare(url: &str, token: &str) {
    let http = HttpBuilder::new(token).proxy(url).ratelimiter_disabled(true).build();
    let intents = GatewayIntents::GUILD_MESSAGES | GatewayIntents::GUILDS | GatewayIntents::MESSAGE_CONTENT;
    let mut client =
        serenity::all::ClientBuilder::new_with_http(http, intents).event_handler(Bare).await.expect("a client");
    client.start().await.expect("a bot that runs");
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Says an error and waits for the request that answers it; returns how long that took.
async fn one(discord: &Discord, answers: impl Fn(&str, &str, u64) -> bool) -> Duration {
    let before = discord.look(|state| state.requests.len());
    let began = Instant::now();
    let message = discord.say("okta-support", "dana", SHAREFILE[0]);
    let at = discord
        .wait_for("a request", |state| {
            let found = state.requests[before..].iter().find(|it| answers(&it.method, &it.path, message));
            found.map(|request| request.at)
        })
        .await;
    at - began
}

struct Latencies(Vec<Duration>);

impl Latencies {
    fn part(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }
}

impl std::fmt::Display for Latencies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let (half, most, last) = (self.part(50), self.part(99), self.part(100));
        write!(f, "p50 {:.2} ms, p99 {:.2} ms, most {:.2} ms", ms(half), ms(most), ms(last))
    }
}

async fn alone(discord: &Discord, answers: impl Fn(&str, &str, u64) -> bool) -> Latencies {
    discord.connected().await;
    for _ in 0..20 {
        one(discord, &answers).await;
    }
    let mut times = Vec::new();
    for _ in 0..ALONE {
        times.push(one(discord, &answers).await);
    }
    times.sort();
    Latencies(times)
}

fn watching(discord: &Discord, dir: &std::path::Path) -> Server {
    let (guild, channel) = discord.look(|state| {
        let channel = state.channels.iter().find(|channel| channel.name == "okta-support").expect("a channel");
        (state.guilds[0].id, channel.id)
    });
    let settings = dir.join("oktriage.toml");
    let text = format!("[[discord.channels]]\nguild = \"{guild}\"\nchannel = \"{channel}\"\nscope = \"okta\"\n");
    std::fs::write(&settings, text).expect("written");
    let environment = discord.env();
    let all: Vec<(&str, &str)> = environment.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    Server::start_with(dir, &["--config", settings.to_str().expect("a path")], &all)
}

/// Memory of a process in MiB: at present, and at most so far.
fn memory(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let read = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
    };
    (read("VmRSS:"), read("VmHWM:"))
}

fn thread_of(method: &str, path: &str, message: u64) -> bool {
    method == "POST" && path.ends_with(&format!("/messages/{message}/threads"))
}

fn replies(state: &State, message: u64) -> usize {
    let own = state.messages.values().filter(|it| it.author == state.bot && it.channel == message && !it.deleted);
    own.filter(|it| !it.embeds.is_empty()).count()
}

async fn many() {
    let discord = Discord::start().await;
    let dir = temp();
    let server = watching(&discord, dir.path());
    discord.connected().await;
    one(&discord, thread_of).await;
    let (before, _) = memory(server.pid());
    let began = Instant::now();
    let mut errors = Vec::new();
    for index in 0..MANY {
        if index % 100 == 50 {
            let said = Instant::now();
            errors.push((discord.say("okta-support", "dana", SHAREFILE[index % 3]), said));
        } else {
            discord.say("okta-support", "dana", CHATTER[index % CHATTER.len()]);
        }
    }
    let said = began.elapsed();
    let ids: Vec<u64> = errors.iter().map(|(id, _)| *id).collect();
    discord.wait_for("all replies", |state| ids.iter().all(|id| replies(state, *id) > 0).then_some(())).await;
    let took = began.elapsed();
    let mut times: Vec<Duration> = discord.look(|state| {
        let first = |id| state.requests.iter().find(|it| thread_of(&it.method, &it.path, id)).map(|it| it.at);
        errors.iter().filter_map(|(id, said)| first(*id).map(|at| at.saturating_duration_since(*said))).collect()
    });
    times.sort();
    let (after, most) = memory(server.pid());
    let counts: Vec<usize> = discord.look(|state| ids.iter().map(|id| replies(state, *id)).collect());
    assert!(counts.iter().all(|count| *count == 1), "each error has one reply: {counts:?}");
    println!(
        "{MANY} messages, {} errors: said in {:.1} s, the last reply after {:.1} s; each error has one reply",
        errors.len(),
        said.as_secs_f64(),
        took.as_secs_f64()
    );
    println!("  from event to request: {}", Latencies(times));
    println!("  memory: {before} MiB before, {after} MiB after, {most} MiB at most");
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == BARE) {
        return bare(&arguments[at + 1], &arguments[at + 2]).await;
    }

    let discord = Discord::start().await;
    let token = discord.look(|state| state.token.clone());
    let program = std::env::current_exe().expect("a path");
    let child = Command::new(program).args([BARE, &discord.url, &token]).spawn().expect("the bare bot starts");
    let child = Killed(child);
    let bare = alone(&discord, |method, path, _| method == "POST" && path.ends_with("/messages")).await;
    drop(child);
    println!("bare serenity bot, event to request: {bare}");

    let discord = Discord::start().await;
    let dir = temp();
    let server = watching(&discord, dir.path());
    let own = alone(&discord, thread_of).await;
    drop(server);
    println!("oktriage, diagnosed and noted on disk: {own}");
    println!("  p50 {:.1} times, p99 {:.1} times the bare bot's", ratio(&own, &bare, 50), ratio(&own, &bare, 99));

    many().await;
}

fn ratio(own: &Latencies, bare: &Latencies, percent: usize) -> f64 {
    own.part(percent).as_secs_f64() / bare.part(percent).as_secs_f64()
}
