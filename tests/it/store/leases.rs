//! Names that one live process holds at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use oktriage::bot::Keeper;
use oktriage::bot::ports::Leases;
use tokio::sync::{mpsc, watch};

use super::{Place, contracts};

const TTL: Duration = Duration::from_secs(8);

contracts!(
    one_holder_at_a_time,
    one_of_many_gets_it,
    a_clock_that_is_set_back_frees_it,
    keepers_take_over_from_each_other,
    turns_are_spaced
);

async fn one_holder_at_a_time(place: Place) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let store = place.open_at(&clock).await;
    let first = store.acquire("discord/0", "a", TTL).await.unwrap().unwrap();
    assert_eq!(store.acquire("discord/0", "b", TTL).await.unwrap(), None);
    assert!(store.acquire("discord/1", "b", TTL).await.unwrap().is_some());
    clock.fetch_add(7_999, Ordering::SeqCst);
    assert_eq!(store.acquire("discord/0", "b", TTL).await.unwrap(), None);
    assert!(store.renew(&first, TTL).await.unwrap());
    clock.fetch_add(7_999, Ordering::SeqCst);
    assert_eq!(store.acquire("discord/0", "b", TTL).await.unwrap(), None);
    // It ends: even while nobody else has it, it cannot be had back without being taken.
    clock.fetch_add(1, Ordering::SeqCst);
    assert!(!store.renew(&first, TTL).await.unwrap());
    let second = store.acquire("discord/0", "b", TTL).await.unwrap().unwrap();
    assert!(second.fence > first.fence);
    assert!(!store.renew(&first, TTL).await.unwrap());
    // Who lost it gives nothing away.
    store.release(&first).await.unwrap();
    assert_eq!(store.acquire("discord/0", "a", TTL).await.unwrap(), None);
    store.release(&second).await.unwrap();
    let third = store.acquire("discord/0", "a", TTL).await.unwrap().unwrap();
    assert!(third.fence > second.fence);
    // Its own holder may take it anew; the older lease is void then.
    let fourth = store.acquire("discord/0", "a", TTL).await.unwrap().unwrap();
    assert!(fourth.fence > third.fence);
    assert!(!store.renew(&third, TTL).await.unwrap());
}

async fn one_of_many_gets_it(place: Place) {
    let stores = [place.open().await, place.open().await];
    let acquire = |index: usize| {
        let store = stores[index % 2].clone();
        async move { store.acquire("slack/socket", &format!("process {index}"), TTL).await.unwrap() }
    };
    let leases = futures_util::future::join_all((0..12).map(acquire)).await;
    assert_eq!(leases.iter().flatten().count(), 1);
}

async fn a_clock_that_is_set_back_frees_it(place: Place) {
    let clock = Arc::new(AtomicI64::new(100_000_000_000));
    let store = place.open_at(&clock).await;
    store.acquire("discord/0", "a", TTL).await.unwrap().unwrap();
    clock.store(1_000_000, Ordering::SeqCst);
    assert!(store.acquire("discord/0", "b", TTL).await.unwrap().is_some());
}

/// The first keeper works until it is told to stop, gives the name back, and the second takes over.
async fn keepers_take_over_from_each_other(place: Place) {
    let (working, mut works) = mpsc::unbounded_channel();
    let mut stops = Vec::new();
    let mut tasks = Vec::new();
    for name in ["first", "second"] {
        let (stop, stopping) = watch::channel(false);
        let keeper = Keeper::new(Arc::new(place.open().await));
        let working = working.clone();
        tasks.push(tokio::spawn(async move {
            let shutdown = stopping.clone();
            let work = |lease: oktriage::bot::ports::Lease| {
                let _ = working.send((name, lease.fence));
                let mut shutdown = stopping.clone();
                async move {
                    let _ = shutdown.wait_for(|stop| *stop).await;
                }
            };
            keeper.hold("discord/0", shutdown, || {}, work).await;
        }));
        stops.push(stop);
        if name == "first" {
            assert_eq!(works.recv().await, Some(("first", 1)));
        }
    }
    stops[0].send_replace(true);
    tasks.remove(0).await.unwrap();
    assert_eq!(works.recv().await, Some(("second", 2)));
    stops[1].send_replace(true);
    tasks.remove(0).await.unwrap();
}

/// A bot that starts alone on a file need not wait for leases of one that was killed; beside others, it must.
#[tokio::test(flavor = "multi_thread")]
async fn names_of_the_dead_are_free_on_sqlite() {
    let place = Place::sqlite();
    let dead = place.open().await;
    dead.acquire("discord/0", "dead", TTL).await.unwrap().unwrap();
    let first = place.open().await;
    let _presence = first.enter().await.unwrap();
    assert!(first.acquire("discord/0", "first", TTL).await.unwrap().is_some());
    let second = place.open().await;
    let _beside = second.enter().await.unwrap();
    assert_eq!(second.acquire("discord/0", "second", TTL).await.unwrap(), None);
}

/// PostgreSQL forgets the locks of the living when it crashes, so who seems alone there may not be.
#[tokio::test(flavor = "multi_thread")]
async fn names_are_free_when_their_leases_have_ended_on_postgres() {
    let place = Place::postgres().await;
    place.open().await.acquire("discord/0", "living", TTL).await.unwrap().unwrap();
    let second = place.open().await;
    let _presence = second.enter().await.unwrap();
    assert_eq!(second.acquire("discord/0", "second", TTL).await.unwrap(), None);
}

async fn turns_are_spaced(place: Place) {
    let (_stop, stopping) = watch::channel(false);
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let keeper = Keeper::new(Arc::new(place.open_at(&clock).await));
    keeper.turn("identify", TTL, stopping.clone()).await;
    let next = keeper.turn("identify", TTL, stopping);
    tokio::pin!(next);
    assert!(futures_util::poll!(next.as_mut()).is_pending());
    clock.fetch_add(8_000, Ordering::SeqCst);
    next.await;
}
