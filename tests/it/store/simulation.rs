//! The outbox and the leases under every interleaving that a generator thinks of.
//!
//! The real store and the real delivery run against a platform that does what couriers meet: it takes
//! a post and the answer is lost, it asks to come back, it refuses; processes die before, after and
//! in the middle; leases end while a process sleeps; messages are decided about at any moment.
//!
//! What must hold:
//!
//! 1. In the end (everybody lives, the platform is well, and a person retried what was given up) each
//!    message shows exactly what was decided last, or nothing where that was withdrawn.
//! 2. At no moment do two posts stand for one message: there is one creation, or one more for each
//!    removal. The platform itself forbids nothing: it looks for an earlier post only when told
//!    that there may be one.
//! 3. What was decided later never gives way to what was decided earlier.
//! 4. At no moment do two processes hold one name.
//!
//! What that relies on: an attempt has its effect before its lease ends, or never. The delivery gives an
//! attempt up well before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oktriage::bot::Delivery;
use oktriage::bot::delivery::LEASE;
use oktriage::bot::event::{MessageKey, Platform};
use oktriage::bot::ports::{Claimed, Courier, Errand, Lease, Leases as _, Part, SendError, Store as _, Wanted};
use oktriage::reply::Post;
use oktriage::store::SqlStore;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::{Place, key, post, wanted};

/// How one attempt ends.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Done,
    /// It had its effect, and nobody heard.
    LostAnswer,
    /// Nothing happened; the platform asks to come back after some seconds.
    Later(u8),
    Never,
    /// The process dies before or after the effect.
    Crash {
        after: bool,
    },
    /// It had its effect, and the process sleeps before it records that.
    Sleep,
}

#[derive(Debug, Clone)]
enum Step {
    Decide {
        message: u8,
        show: bool,
    },
    /// Somebody decides on old knowledge.
    DecideLate {
        message: u8,
    },
    Deliver {
        outcomes: [Outcome; 2],
    },
    /// One that sleeps wakes up.
    Wake,
    Pass {
        millis: i64,
    },
    Retry,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Done),
        2 => Just(Outcome::LostAnswer),
        1 => (0u8..20).prop_map(Outcome::Later),
        1 => Just(Outcome::Never),
        2 => any::<bool>().prop_map(|after| Outcome::Crash { after }),
        2 => Just(Outcome::Sleep),
    ];
    let step = prop_oneof![
        4 => (0u8..3, prop::bool::weighted(0.7)).prop_map(|(message, show)| Step::Decide { message, show }),
        1 => (0u8..3).prop_map(|message| Step::DecideLate { message }),
        6 => prop::array::uniform2(outcome).prop_map(|outcomes| Step::Deliver { outcomes }),
        2 => Just(Step::Wake),
        4 => (1i64..12_000).prop_map(|millis| Step::Pass { millis }),
        1 => Just(Step::Retry),
    ];
    prop::collection::vec(step, 1..40)
}

/// What stands on the platform for one message.
#[derive(Debug, Default)]
struct Standing {
    /// Each post that was ever made: what it shows, or nothing when it was removed.
    posts: Vec<Option<u64>>,
    /// The latest decision that had an effect.
    latest: u64,
    wrong: Option<String>,
}

impl Standing {
    fn visible(&self) -> Vec<u64> {
        self.posts.iter().flatten().copied().collect()
    }

    fn effect(&mut self, decision: u64) {
        if decision < self.latest {
            self.wrong = Some(format!("decision {decision} overtook {}", self.latest));
        }
        self.latest = decision;
    }
}

#[derive(Default)]
struct World {
    messages: Mutex<HashMap<MessageKey, Standing>>,
}

impl World {
    fn look<T>(&self, key: &MessageKey, looking: impl FnOnce(&mut Standing) -> T) -> T {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        looking(messages.entry(key.clone()).or_default())
    }
}

/// Carries one post, with a known outcome.
struct Scripted {
    world: Arc<World>,
    outcome: Outcome,
    /// The decision that is carried.
    decision: u64,
    /// Told when the process dies or sleeps in the middle.
    stuck: mpsc::UnboundedSender<()>,
    wake: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Scripted {
    async fn carry<T>(&self, effect: impl FnOnce() -> Result<T, SendError>) -> Result<T, SendError> {
        let later = |seconds: u8| {
            let after = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
            SendError::Later { reason: "later".to_owned(), after }
        };
        match self.outcome {
            Outcome::Later(seconds) => return Err(later(seconds)),
            Outcome::Never => return Err(SendError::Never("never".to_owned())),
            Outcome::Crash { after: false } => {
                let _ = self.stuck.send(());
                return std::future::pending().await;
            }
            Outcome::Done | Outcome::LostAnswer | Outcome::Crash { .. } | Outcome::Sleep => {}
        }
        let done = effect();
        match self.outcome {
            Outcome::LostAnswer => Err(later(0)),
            Outcome::Crash { .. } => {
                let _ = self.stuck.send(());
                std::future::pending().await
            }
            Outcome::Sleep => {
                let wake = self.wake.lock().unwrap_or_else(PoisonError::into_inner).take();
                let _ = self.stuck.send(());
                if let Some(wake) = wake {
                    let _ = wake.await;
                }
                done
            }
            _ => done,
        }
    }
}

impl Courier for Scripted {
    fn platform(&self) -> Platform {
        Platform::Discord
    }

    async fn post(&self, errand: Errand<'_>) -> Result<String, SendError> {
        let make = || {
            self.world.look(errand.key, |standing| {
                standing.effect(self.decision);
                // As couriers do: looked for only where it may be.
                let known = standing.posts.iter().rposition(Option::is_some).filter(|_| errand.uncertain);
                let place = known.unwrap_or_else(|| {
                    standing.posts.push(None);
                    standing.posts.len() - 1
                });
                standing.posts[place] = Some(self.decision);
                if standing.visible().len() > 1 {
                    standing.wrong = Some("said twice".to_owned());
                }
                Ok(place.to_string())
            })
        };
        self.carry(make).await
    }

    async fn update(&self, errand: Errand<'_>, place: &str) -> Result<(), SendError> {
        let place: usize = place.parse().expect("a place");
        let change = || {
            self.world.look(errand.key, |standing| {
                standing.effect(self.decision);
                let post = standing.posts[place].as_mut().ok_or(SendError::Never("gone".to_owned()))?;
                *post = self.decision;
                Ok(())
            })
        };
        self.carry(change).await
    }

    async fn remove(&self, key: &MessageKey, _: Part, _: Option<&str>, place: Option<&str>) -> Result<(), SendError> {
        let remove = || {
            self.world.look(key, |standing| {
                standing.effect(self.decision);
                let place = place.map(|place| place.parse().expect("a place"));
                if let Some(place) = place.or_else(|| standing.posts.iter().rposition(Option::is_some)) {
                    standing.posts[place] = None;
                }
                Ok(())
            })
        };
        self.carry(remove).await
    }
}

struct Simulation {
    store: Arc<SqlStore>,
    clock: Arc<AtomicI64>,
    world: Arc<World>,
    case: u64,
    /// Deliveries of processes that sleep.
    sleeping: Vec<(JoinHandle<()>, oneshot::Sender<()>)>,
}

impl Simulation {
    fn key(&self, message: u8) -> MessageKey {
        key(&format!("{}-{message}", self.case))
    }

    /// Decides; what is shown is told by the rule's name, which is the revision.
    async fn decide(&self, message: u8, show: bool, late: bool) {
        let key = self.key(message);
        let known = self.store.known(&key, Part::Reply).await.unwrap();
        let based_on = known.as_ref().and_then(|known| known.wanted.based_on);
        let next = based_on.unwrap_or_default() + 1;
        let shown = show.then(|| post(&next.to_string()));
        // Who knows of nothing, or of the state before, changes nothing.
        let based_on = if late { based_on.and_then(|on| (on > 1).then_some(on - 1)) } else { based_on };
        let decided = Wanted { post: shown, based_on, ..wanted(&key.message) };
        let noted = self.store.decide(&decided, None).await.unwrap();
        assert_eq!(noted, !late || known.is_none());
    }

    async fn deliver(&mut self, outcomes: &[Outcome]) {
        let claimed = self.store.claim(Platform::Discord, LEASE, outcomes.len() as u32).await.unwrap();
        for (claimed, outcome) in claimed.into_iter().zip(outcomes) {
            self.deliver_one(claimed, *outcome).await;
        }
    }

    async fn deliver_one(&mut self, claimed: Claimed, outcome: Outcome) {
        let (stuck, mut is_stuck) = mpsc::unbounded_channel();
        let (wake, woken) = oneshot::channel();
        let decision = claimed.revision.unsigned_abs();
        let world = Arc::clone(&self.world);
        let courier = Scripted { world, outcome, decision, stuck, wake: Mutex::new(Some(woken)) };
        let delivery = Delivery::new(Arc::clone(&self.store), courier, Arc::new(Notify::new()));
        let mut task = tokio::spawn(async move { delivery.deliver(&claimed).await.unwrap() });
        let stuck = tokio::select! {
            ended = &mut task => { ended.unwrap(); false }
            stuck = is_stuck.recv() => stuck.is_some(),
        };
        match outcome {
            Outcome::Sleep if stuck => self.sleeping.push((task, wake)),
            _ if stuck => {
                task.abort();
                let _ = task.await;
            }
            // The channel ended first: so does the task.
            _ if !task.is_finished() => task.await.unwrap(),
            _ => {}
        }
    }

    async fn run(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        for step in steps {
            match step {
                Step::Decide { message, show } => self.decide(*message, *show, false).await,
                Step::DecideLate { message } => self.decide(*message, true, true).await,
                Step::Deliver { outcomes } => self.deliver(outcomes).await,
                Step::Wake => self.wake().await,
                Step::Pass { millis } => {
                    self.clock.fetch_add(*millis, Ordering::SeqCst);
                }
                Step::Retry => {
                    self.store.retry_dead(None).await.unwrap();
                }
            }
            self.check()?;
        }
        // Now everybody lives, the platform is well, and a person looks after the dead letters.
        while !self.sleeping.is_empty() {
            self.wake().await;
        }
        self.store.retry_dead(None).await.unwrap();
        while let Some(due) = self.store.next_due(Platform::Discord).await.unwrap() {
            self.clock.fetch_add(due.as_millis() as i64, Ordering::SeqCst);
            self.deliver(&[Outcome::Done; 2]).await;
            self.check()?;
        }
        prop_assert_eq!(self.store.count_dead().await.unwrap(), 0);
        for message in 0..3 {
            let key = self.key(message);
            let Some(known) = self.store.known(&key, Part::Reply).await.unwrap() else { continue };
            let revision = known.wanted.based_on.unwrap_or_default().unsigned_abs();
            let wanted: Vec<u64> = known.wanted.post.iter().map(|_| revision).collect();
            let shown: Vec<u64> = self.world.look(&key, |standing| standing.visible());
            prop_assert_eq!(shown, wanted);
            prop_assert_eq!(known.wanted.post.map(|post: Post| rule(&post)), known.place.map(|_| revision.to_string()));
        }
        Ok(())
    }

    async fn wake(&mut self) {
        if self.sleeping.is_empty() {
            return;
        }
        let (task, wake) = self.sleeping.remove(0);
        let _ = wake.send(());
        task.await.unwrap();
    }

    fn check(&self) -> Result<(), TestCaseError> {
        for message in 0..3 {
            let wrong = self.world.look(&self.key(message), |standing| standing.wrong.clone());
            prop_assert_eq!(wrong, None);
        }
        Ok(())
    }
}

fn rule(post: &Post) -> String {
    post.reply().map(|reply| reply.answers[0].rule.clone()).unwrap_or_default()
}

fn simulate(cases: u32, place: impl AsyncFnOnce() -> Place) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let clock = Arc::new(AtomicI64::new(1_000_000_000_000));
    let (_place, store) = runtime.block_on(async {
        let place = place().await;
        let store = Arc::new(place.open_at(&clock).await);
        (place, store)
    });
    let case = AtomicU64::new(0);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let done = runner.run(&steps(), |steps| {
        runtime.block_on(async {
            // What a failed case left would disturb those that look for a smaller one.
            store.drop_dead(None).await.unwrap();
            while let Some(due) = store.next_due(Platform::Discord).await.unwrap() {
                clock.fetch_add(due.as_millis() as i64, Ordering::SeqCst);
                for claimed in store.claim(Platform::Discord, LEASE, 100).await.unwrap() {
                    store.delivered(&claimed, None).await.unwrap();
                }
            }
            let case = case.fetch_add(1, Ordering::Relaxed);
            let (store, clock) = (Arc::clone(&store), Arc::clone(&clock));
            let mut simulation = Simulation { store, clock, world: Arc::default(), case, sleeping: Vec::new() };
            simulation.run(&steps).await
        })
    });
    if let Err(failed) = done {
        panic!("{failed}");
    }
}

#[test]
fn whatever_happens_each_message_shows_what_was_decided_last_on_sqlite() {
    simulate(60, async || Place::sqlite());
}

#[test]
fn whatever_happens_each_message_shows_what_was_decided_last_on_postgres() {
    simulate(60, async || Place::postgres().await);
}

#[derive(Debug, Clone)]
enum Turn {
    Acquire(u8),
    Renew(u8),
    Release(u8),
    Pass(i64),
}

/// At no moment do two processes hold one name, as far as each can know: a holder counts the time from
/// before it asked.
fn one_holder(cases: u32, place: impl AsyncFnOnce() -> Place) {
    const TTL: i64 = 8_000;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let clock = Arc::new(AtomicI64::new(1_000_000_000_000));
    let (_place, store) = runtime.block_on(async {
        let place = place().await;
        let store = place.open_at(&clock).await;
        (place, store)
    });
    let turn = prop_oneof![
        3 => (0u8..3).prop_map(Turn::Acquire),
        3 => (0u8..3).prop_map(Turn::Renew),
        1 => (0u8..3).prop_map(Turn::Release),
        3 => (1i64..6_000).prop_map(Turn::Pass),
    ];
    let case = AtomicU64::new(0);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let done = runner.run(&prop::collection::vec(turn, 1..40), |turns| {
        runtime.block_on(async {
            let ttl = Duration::from_millis(TTL.unsigned_abs());
            let name = format!("name {}", case.fetch_add(1, Ordering::Relaxed));
            let mut held: [Option<(Lease, i64)>; 3] = [None, None, None];
            let mut fence = 0;
            for turn in turns {
                let now = clock.load(Ordering::SeqCst);
                match turn {
                    Turn::Acquire(who) => {
                        if let Some(lease) = store.acquire(&name, &format!("process {who}"), ttl).await.unwrap() {
                            prop_assert!(lease.fence > fence);
                            fence = lease.fence;
                            held[usize::from(who)] = Some((lease, now + TTL));
                        }
                    }
                    Turn::Renew(who) => {
                        if let Some((lease, until)) = &mut held[usize::from(who)] {
                            let renewed = store.renew(lease, ttl).await.unwrap();
                            prop_assert_eq!(renewed, *until > now);
                            *until = if renewed { now + TTL } else { 0 };
                        }
                    }
                    Turn::Release(who) => {
                        if let Some((lease, _)) = held[usize::from(who)].take() {
                            store.release(&lease).await.unwrap();
                        }
                    }
                    Turn::Pass(millis) => {
                        clock.fetch_add(millis, Ordering::SeqCst);
                    }
                }
                let now = clock.load(Ordering::SeqCst);
                let holders = held.iter().flatten().filter(|(_, until)| *until > now).count();
                prop_assert!(holders <= 1, "{holders} hold it: {held:?}");
            }
            Ok(())
        })
    });
    if let Err(failed) = done {
        panic!("{failed}");
    }
}

#[test]
fn nobody_holds_what_another_holds_on_sqlite() {
    one_holder(60, async || Place::sqlite());
}

#[test]
fn nobody_holds_what_another_holds_on_postgres() {
    one_holder(60, async || Place::postgres().await);
}
