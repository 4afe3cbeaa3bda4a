//! Pauses that a platform asked one process for, and that all of them keep.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use oktriage::bot::event::{ChannelKey, MessageKey, Platform};
use oktriage::bot::ports::{Claimed, Store, Wanted};
use oktriage::store::SqlStore;

use super::{Place, channel, contracts, key, wanted};

contracts!(
    a_channel_is_held_for_every_process,
    a_platform_is_held_for_every_process,
    a_shorter_pause_ends_no_longer_one,
    a_clock_that_is_set_back_ends_a_pause
);

const LEASE: Duration = Duration::from_secs(10);

/// A message of another channel.
fn elsewhere() -> Wanted {
    let other = ChannelKey { channel: "general".to_owned(), ..channel() };
    Wanted { key: MessageKey { channel: other, message: "9".to_owned() }, ..wanted("9") }
}

async fn claimed(store: &SqlStore) -> Vec<String> {
    let claimed: Vec<Claimed> = store.claim(Platform::Discord, LEASE, 9).await.unwrap();
    claimed.into_iter().map(|claimed| claimed.wanted.key.message).collect()
}

async fn a_channel_is_held_for_every_process(place: Place) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let (one, other) = (place.open_at(&clock).await, place.open_at(&clock).await);
    for wanted in [wanted("1"), elsewhere()] {
        one.decide(&wanted, None).await.unwrap();
    }
    one.hold(Platform::Discord, Some(&channel()), Duration::from_secs(3)).await.unwrap();
    assert_eq!(claimed(&other).await, ["9"]);
    // It is known when to look again, and until then nobody looks in vain.
    assert_eq!(other.next_due(Platform::Discord).await.unwrap(), Some(Duration::from_secs(3)));
    clock.fetch_add(3_000, Ordering::SeqCst);
    assert_eq!(claimed(&other).await, ["1"]);
}

async fn a_platform_is_held_for_every_process(place: Place) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let (one, other) = (place.open_at(&clock).await, place.open_at(&clock).await);
    let local = ChannelKey { platform: Platform::Local, ..channel() };
    let on_another = Wanted { key: MessageKey { channel: local, ..key("2") }, ..wanted("2") };
    for wanted in [wanted("1"), elsewhere(), on_another] {
        one.decide(&wanted, None).await.unwrap();
    }
    one.hold(Platform::Discord, None, Duration::from_secs(3)).await.unwrap();
    assert!(claimed(&other).await.is_empty());
    assert_eq!(other.claim(Platform::Local, LEASE, 9).await.unwrap().len(), 1);
    clock.fetch_add(3_000, Ordering::SeqCst);
    assert_eq!(claimed(&other).await, ["1", "9"]);
}

async fn a_shorter_pause_ends_no_longer_one(place: Place) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let store = place.open_at(&clock).await;
    store.decide(&wanted("1"), None).await.unwrap();
    store.hold(Platform::Discord, None, Duration::from_secs(9)).await.unwrap();
    store.hold(Platform::Discord, None, Duration::from_secs(1)).await.unwrap();
    clock.fetch_add(8_999, Ordering::SeqCst);
    assert!(claimed(&store).await.is_empty());
    clock.fetch_add(1, Ordering::SeqCst);
    assert_eq!(claimed(&store).await, ["1"]);
}

async fn a_clock_that_is_set_back_ends_a_pause(place: Place) {
    let clock = Arc::new(AtomicI64::new(100_000_000_000));
    let store = place.open_at(&clock).await;
    store.hold(Platform::Discord, Some(&channel()), Duration::from_secs(3)).await.unwrap();
    clock.store(1_000_000, Ordering::SeqCst);
    store.decide(&wanted("1"), None).await.unwrap();
    assert_eq!(claimed(&store).await, ["1"]);
    // Expiry forgets what is over only.
    store.hold(Platform::Discord, Some(&channel()), Duration::from_secs(3)).await.unwrap();
    store.expire(Duration::from_secs(3600)).await.unwrap();
    assert_eq!(store.next_due(Platform::Discord).await.unwrap(), Some(Duration::from_secs(3)));
}
