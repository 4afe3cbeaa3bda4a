//! Messages through the whole path, from the event to the request that posts the reply: decide, commit,
//! claim, carry, record.
//!
//! `cargo bench --bench load` prints one table; compare rows of the same run only. `MESSAGES` is how
//! many go through each row (20,000 by default). Throughput is measured with 64 channels that wait
//! for nothing but themselves; latency with events at half of that pace. The platform is a courier
//! that takes every post at once, so what remains is the bot and its database. The fixed costs are
//! measured in the same run.

#![allow(clippy::print_stdout, reason = "its output is for people")]

use std::collections::HashMap;
use std::fs;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use oktriage::bot::event::{Author, ChannelKey, Event, Message, MessageKey, Platform};
use oktriage::bot::ports::{Courier, Errand, Part, SendError};
use oktriage::bot::{ChannelSettings, Channels, Commands, Cooldown, Cooldowns, Delivery, Intake, Mode};
use oktriage::diagnosis::Engine;
use oktriage::lookup::Lookup;
use oktriage::rules::{Scope, Source};
use oktriage::store::{Location, SqlStore};
use secrecy::SecretString;
use sqlx::Connection as _;
use tokio::sync::{Notify, watch};

#[path = "../tests/it/postgres.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod postgres;

const CHANNELS: u64 = 64;

fn texts(path: &str) -> Vec<String> {
    let corpus = fs::read_to_string(path).expect("readable");
    let text = |line: &str| -> String {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["text"].as_str().expect("a text").to_owned()
    };
    corpus.lines().map(text).collect()
}

/// A share of messages that are answered, in percent, among such that are not.
struct Mix {
    silent: Vec<String>,
    answered: Vec<String>,
    percent: u64,
}

impl Mix {
    fn text(&self, number: u64) -> (&str, bool) {
        // Spread evenly: no two neighbours fall into the same class more often than they must.
        let answered = number * self.percent / 100 != (number + 1) * self.percent / 100;
        let texts = if answered { &self.answered } else { &self.silent };
        (&texts[number as usize % texts.len()], answered)
    }
}

/// When each event came, and how long its reply took; in nanoseconds.
struct Times {
    start: Instant,
    came: Vec<AtomicU64>,
    took: Mutex<Vec<u64>>,
    all: Notify,
    expected: usize,
}

struct Instantly(Arc<Times>);

impl Courier for Instantly {
    fn platform(&self) -> Platform {
        Platform::Discord
    }

    async fn post(&self, errand: Errand<'_>) -> Result<String, SendError> {
        let number: usize = errand.key.message.parse().expect("a number");
        let now = self.0.start.elapsed().as_nanos() as u64;
        let mut took = self.0.took.lock().expect("not poisoned");
        took.push(now - self.0.came[number].load(Ordering::Relaxed));
        if took.len() >= self.0.expected {
            self.0.all.notify_one();
        }
        Ok("place".to_owned())
    }

    async fn update(&self, _: Errand<'_>, _: &str) -> Result<(), SendError> {
        Ok(())
    }

    async fn remove(&self, _: &MessageKey, _: Part, _: Option<&str>, _: Option<&str>) -> Result<(), SendError> {
        Ok(())
    }
}

fn channel(number: u64) -> ChannelKey {
    ChannelKey { platform: Platform::Discord, workspace: "guild".to_owned(), channel: (number % CHANNELS).to_string() }
}

fn event(mix: &Mix, number: u64) -> Event {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as i64;
    Event::Posted(Message {
        key: MessageKey { channel: channel(number), message: number.to_string() },
        thread: None,
        author: Author { id: number.to_string(), is_bot: false },
        text: mix.text(number).0.to_owned(),
        posted_at: now,
        version: now,
        asked: false,
    })
}

/// Sends messages through `replicas` processes' worth of stores, intakes and deliveries; as fast as they go, or
/// at a pace in events per second. Returns the throughput and the latencies.
async fn run(
    engine: &Arc<Engine>,
    lookup: &Arc<Lookup>,
    location: &Location,
    replicas: usize,
    mix: &Arc<Mix>,
    messages: u64,
    pace: Option<f64>,
) -> (f64, Vec<u64>) {
    let expected = (0..messages).filter(|number| mix.text(*number).1).count();
    let times = Arc::new(Times {
        start: Instant::now(),
        came: (0..messages).map(|_| AtomicU64::new(0)).collect(),
        took: Mutex::new(Vec::with_capacity(expected)),
        all: Notify::new(),
        expected,
    });
    let (stop, stopping) = watch::channel(false);
    let (_engines, engines) = watch::channel(Arc::clone(engine));
    let (_lookups, lookups) = watch::channel(Arc::clone(lookup));
    let mut tasks = Vec::new();
    let mut intakes = Vec::new();
    let mut stores = Vec::new();
    for _ in 0..replicas {
        let store = Arc::new(SqlStore::open(location).await.expect("opened"));
        let settings = ChannelSettings { scope: Scope::Okta, mode: Mode::Answer, support_role: None, cooldown: None };
        let configured: HashMap<_, _> = (0..CHANNELS).map(|number| (channel(number), settings.clone())).collect();
        let channels = Arc::new(Channels::load(Arc::clone(&store), configured).await.expect("loaded"));
        let cooldown = Cooldown { answers: u32::MAX, window: Duration::from_secs(1) };
        let cooldown = Cooldowns { author: cooldown, channel: cooldown };
        let wake = Arc::new(Notify::new());
        let commands = Arc::new(Commands::new(engines.clone(), lookups.clone()));
        let intake = Intake::new(engines.clone(), commands, Arc::clone(&store), channels, cooldown, Arc::clone(&wake));
        intakes.push(Arc::new(intake));
        let delivery = Delivery::new(Arc::clone(&store), Instantly(Arc::clone(&times)), Arc::clone(&wake));
        tasks.push(tokio::spawn(delivery.run(stopping.clone())));
        let presence = store.enter().await.expect("free");
        tasks.push(tokio::spawn(presence.follow(move || wake.notify_waiters(), stopping.clone())));
        stores.push(store);
    }
    let began = Instant::now();
    let mut feeders = Vec::new();
    for first in 0..CHANNELS {
        let (mix, times) = (Arc::clone(mix), Arc::clone(&times));
        let intake = Arc::clone(&intakes[first as usize % replicas]);
        feeders.push(tokio::spawn(async move {
            for number in (first..messages).step_by(CHANNELS as usize) {
                if let Some(pace) = pace {
                    let due = began + Duration::from_secs_f64(number as f64 / pace);
                    tokio::time::sleep_until(due.into()).await;
                }
                times.came[number as usize].store(times.start.elapsed().as_nanos() as u64, Ordering::Relaxed);
                intake.handle(&event(&mix, number), Some(number as i64)).await.expect("decided");
            }
        }));
    }
    for feeder in feeders {
        feeder.await.expect("fed");
    }
    if expected > 0 {
        let late = tokio::time::timeout(Duration::from_secs(120), times.all.notified()).await;
        late.expect("every reply was requested");
    }
    let throughput = messages as f64 / began.elapsed().as_secs_f64();
    stop.send_replace(true);
    for task in tasks {
        task.await.expect("ended");
    }
    for store in stores {
        store.close().await;
    }
    let mut took = std::mem::take(&mut *times.took.lock().expect("not poisoned"));
    assert_eq!(took.len(), expected, "each reply was requested once");
    took.sort_unstable();
    (throughput, took)
}

fn percentile(sorted: &[u64], percent: usize) -> String {
    match sorted.get(sorted.len() * percent / 100) {
        Some(nanos) => format!("{:.2} ms", *nanos as f64 / 1e6),
        None => "–".to_owned(),
    }
}

fn median(mut measure: impl FnMut()) -> Duration {
    let mut taken: Vec<Duration> = (0..200)
        .map(|_| {
            let start = Instant::now();
            measure();
            start.elapsed()
        })
        .collect();
    taken.sort_unstable();
    taken[taken.len() / 2]
}

/// The most memory that this process had so far, in MiB; Linux only.
fn memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.map_or_else(|| "?".to_owned(), |kib| format!("{} MiB", kib / 1024))
}

fn fixed_costs(engine: &Engine, mixes: &[Arc<Mix>], dir: &Path) {
    for mix in mixes {
        let start = Instant::now();
        let count = 2_000;
        for number in 0..count {
            black_box(engine.diagnose(mix.text(number).0, Scope::Okta));
        }
        let each = start.elapsed() / count as u32;
        println!("fixed: the engine alone, {:>3} % answered: {each:.0?} per message", mix.percent);
    }
    let mut file = fs::File::create(dir.join("sync")).expect("a file");
    let synced = median(|| {
        file.write_all(&[7; 4096]).expect("written");
        file.sync_data().expect("synced");
    });
    println!("fixed: 4 KiB written and synced to the disk of the databases: {synced:.0?}");
}

fn main() {
    // `cargo test --benches` only wants to know that it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let messages: u64 = std::env::var("MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let engine = Arc::new(Engine::load(&[Source::BuiltIn]).expect("the built-in rules are sound"));
    let lookup = Arc::new(Lookup::new(Arc::clone(&engine)).expect("indexed"));
    let outcome = |text: &String| engine.diagnose(text, Scope::Okta);
    let mut silent = texts("tests/corpus/silence/written.jsonl");
    // A secret is told even where no error is recognised.
    silent.retain(|text| !outcome(text).answered && outcome(text).secrets.is_empty());
    let mut answered = texts("tests/corpus/pastes/made-up.jsonl");
    answered.retain(|text| outcome(text).answered);
    let mixes: Vec<Arc<Mix>> = [1, 10, 100]
        .into_iter()
        .map(|percent| Arc::new(Mix { silent: silent.clone(), answered: answered.clone(), percent }))
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    fixed_costs(&engine, &mixes, dir.path());
    let cluster = postgres::Cluster::start(true);
    runtime.block_on(async {
        let url = cluster.database().await;
        let mut connection = sqlx::PgConnection::connect(&url).await.expect("connected");
        let mut trips = Vec::new();
        for _ in 0..200 {
            let start = Instant::now();
            sqlx::query("SELECT 1").execute(&mut connection).await.expect("answered");
            trips.push(start.elapsed());
        }
        trips.sort_unstable();
        println!("fixed: a round trip to PostgreSQL: {:.0?}", trips[100]);
    });
    println!("{messages} messages in each row; those with 100 % a tenth of that\n");
    println!("| database | processes | answered | throughput | p50 | p99 | memory so far |");
    println!("|---|---|---|---|---|---|---|");
    for (name, replicas) in [("SQLite", 1), ("PostgreSQL", 1), ("PostgreSQL", 3)] {
        for mix in &mixes {
            let count = if mix.percent == 100 { messages / 10 } else { messages };
            let row = runtime.block_on(async {
                let mut rows = Vec::new();
                let mut pace = None;
                for phase in 0..2 {
                    let location = match name {
                        "SQLite" => Location::Sqlite(dir.path().join(format!("{}-{phase}.db", mix.percent))),
                        _ => {
                            let url = SecretString::from(cluster.database().await);
                            Location::from_url(&url).expect("a URL")
                        }
                    };
                    let (throughput, took) = run(&engine, &lookup, &location, replicas, mix, count, pace).await;
                    pace = Some(throughput / 2.0);
                    rows.push((throughput, took));
                }
                rows
            });
            let (throughput, took) = (row[0].0, &row[1].1);
            println!(
                "| {name} | {replicas} | {} % | {throughput:.0}/s | {} | {} | {} |",
                mix.percent,
                percentile(took, 50),
                percentile(took, 99),
                memory()
            );
        }
    }
}
