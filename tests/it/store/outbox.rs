//! Decisions, claims and what becomes of them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use oktriage::bot::event::Platform;
use oktriage::bot::policy::{ChannelSettings, Cooldown, Mode};
use oktriage::bot::ports::{Claimed, FINAL, Leases, Part, Store, Wanted};
use oktriage::reply::{Button, By};
use oktriage::rules::Scope;
use oktriage::store::SqlStore;

use super::{Place, channel, contracts, key, post, wanted};

const LEASE: Duration = Duration::from_secs(10);

contracts!(
    what_was_decided_first_stays_unless_it_was_known,
    one_of_many_decisions_at_once_is_noted,
    what_is_known_is_what_was_decided,
    a_cursor_only_grows,
    claims_come_oldest_first_and_are_exclusive,
    many_claimers_never_get_the_same_row,
    who_lost_a_claim_records_nothing,
    what_is_decided_during_a_delivery_follows_it,
    a_post_that_may_stand_there_is_remembered_whatever_is_decided,
    failures_wait_and_dead_letters_are_for_people,
    a_pause_that_was_asked_for_holds_for_what_is_decided_meanwhile,
    a_row_that_cannot_be_read_keeps_no_other_from_delivery,
    a_clock_that_is_set_back_stops_nothing,
    a_statement_that_began_earlier_takes_nothing_twice,
    what_was_answered_is_counted,
    people_choose_channels_and_press_buttons,
);

async fn claim(store: &SqlStore) -> Vec<Claimed> {
    store.claim(Platform::Discord, LEASE, 100).await.unwrap()
}

async fn claim_one(store: &SqlStore) -> Claimed {
    let mut claimed = claim(store).await;
    assert_eq!(claimed.len(), 1);
    claimed.remove(0)
}

async fn what_was_decided_first_stays_unless_it_was_known(place: Place) {
    let store = place.open().await;
    assert!(store.decide(&wanted("m"), Some(5)).await.unwrap());
    let other = Wanted { post: None, ..wanted("m") };
    assert!(!store.decide(&other, Some(7)).await.unwrap());
    assert!(store.known(&key("m"), Part::Reply).await.unwrap().unwrap().wanted.post.is_some());
    // The cursor is noted all the same: the message was read.
    assert_eq!(store.cursor(&channel()).await.unwrap(), Some(7));
    assert!(store.decide(&Wanted { based_on: Some(1), ..other.clone() }, None).await.unwrap());
    assert!(!store.decide(&Wanted { based_on: Some(1), ..other }, None).await.unwrap());
    let known = store.known(&key("m"), Part::Reply).await.unwrap().unwrap();
    assert_eq!((known.wanted.post, known.wanted.based_on), (None, Some(2)));
}

async fn one_of_many_decisions_at_once_is_noted(place: Place) {
    let stores = [place.open().await, place.open().await];
    for based_on in [None, Some(1), Some(2)] {
        let decide = |index: usize| {
            let store = stores[index % 2].clone();
            let wanted = Wanted { version: index as i64, based_on, ..wanted("m") };
            async move { store.decide(&wanted, None).await.unwrap() }
        };
        let decided = futures_util::future::join_all((0..12).map(decide)).await;
        assert_eq!(decided.iter().filter(|noted| **noted).count(), 1, "based on {based_on:?}");
    }
}

async fn what_is_known_is_what_was_decided(place: Place) {
    let store = place.open().await;
    let decided =
        Wanted { thread: Some("t".to_owned()), version: FINAL, shadow: true, posted_at: -3, ..wanted("Ünï'code\"") };
    store.decide(&decided, None).await.unwrap();
    let known = store.known(&decided.key, Part::Reply).await.unwrap().unwrap();
    assert_eq!(known.wanted, Wanted { based_on: Some(1), ..decided.clone() });
    assert_eq!(known.place, None);
    assert_eq!(store.known(&decided.key, Part::Call).await.unwrap(), None);
    // What is not said later stays.
    store.decide(&Wanted { thread: None, author: None, shadow: false, ..known.wanted }, None).await.unwrap();
    let claimed = claim_one(&store).await;
    assert_eq!(claimed.wanted.thread.as_deref(), Some("t"));
    assert_eq!(claimed.wanted.author.as_deref(), Some("dana"));
    store.delivered(&claimed, Some("place")).await.unwrap();
    let known = store.known(&decided.key, Part::Reply).await.unwrap().unwrap();
    assert_eq!(known.place.as_deref(), Some("place"));
}

async fn a_cursor_only_grows(place: Place) {
    let store = place.open().await;
    assert_eq!(store.cursor(&channel()).await.unwrap(), None);
    for (noted, seen) in [(3, 3), (2, 3), (i64::MAX, i64::MAX), (4, i64::MAX)] {
        store.advance(&channel(), noted).await.unwrap();
        assert_eq!(store.cursor(&channel()).await.unwrap(), Some(seen));
    }
}

async fn claims_come_oldest_first_and_are_exclusive(place: Place) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let store = place.open_at(&clock).await;
    assert_eq!(store.next_due(Platform::Discord).await.unwrap(), None);
    for message in ["a", "b", "c"] {
        store.decide(&wanted(message), None).await.unwrap();
    }
    store.decide(&Wanted { shadow: true, ..wanted("shadow") }, None).await.unwrap();
    assert_eq!(store.next_due(Platform::Discord).await.unwrap(), Some(Duration::ZERO));
    assert_eq!(store.claim(Platform::Local, LEASE, 9).await.unwrap(), []);
    let first = store.claim(Platform::Discord, LEASE, 2).await.unwrap();
    let messages: Vec<&str> = first.iter().map(|claimed| claimed.wanted.key.message.as_str()).collect();
    assert_eq!(messages, ["a", "b"]);
    let third = claim_one(&store).await;
    assert_eq!(third.wanted.key.message, "c");
    assert_eq!((third.attempts, third.uncertain, third.delivered.as_deref()), (0, false, None));
    assert_eq!(claim(&store).await, []);
    store.delivered(&third, Some("c-1")).await.unwrap();
    assert_eq!(store.next_due(Platform::Discord).await.unwrap(), Some(LEASE));
    // Whoever had them died: they are due again when their lease ends, and not before.
    clock.fetch_add(9_999, Ordering::SeqCst);
    assert_eq!(claim(&store).await, []);
    clock.fetch_add(1, Ordering::SeqCst);
    let again = claim(&store).await;
    assert_eq!(again.len(), 2);
    assert!(again.iter().all(|claimed| claimed.attempts == 1 && claimed.uncertain));
}

async fn many_claimers_never_get_the_same_row(place: Place) {
    let stores = [place.open().await, place.open().await, place.open().await];
    for number in 0..120 {
        stores[0].decide(&wanted(&format!("{number}")), None).await.unwrap();
    }
    let claimers = (0..9).map(|index| {
        let store = stores[index % 3].clone();
        tokio::spawn(async move {
            let mut got = Vec::new();
            loop {
                let claimed = store.claim(Platform::Discord, LEASE, 7).await.unwrap();
                if claimed.is_empty() {
                    return got;
                }
                for claimed in claimed {
                    store.delivered(&claimed, Some("place")).await.unwrap();
                    got.push(claimed.id);
                }
            }
        })
    });
    let mut all = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        all.extend(claimer.await.unwrap());
    }
    assert_eq!(all.len(), 120);
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), 120);
}

async fn who_lost_a_claim_records_nothing(place: Place) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let store = place.open_at(&clock).await;
    store.decide(&wanted("m"), None).await.unwrap();
    let slow = claim_one(&store).await;
    clock.fetch_add(10_000, Ordering::SeqCst);
    let quick = claim_one(&store).await;
    store.delivered(&quick, Some("quick")).await.unwrap();
    store.delivered(&slow, Some("slow")).await.unwrap();
    store.failed(&slow, "slow", None).await.unwrap();
    let known = store.known(&key("m"), Part::Reply).await.unwrap().unwrap();
    assert_eq!(known.place.as_deref(), Some("quick"));
    assert_eq!(store.count_dead().await.unwrap(), 0);
}

async fn what_is_decided_during_a_delivery_follows_it(place: Place) {
    let store = place.open().await;
    store.decide(&wanted("m"), None).await.unwrap();
    let create = claim_one(&store).await;
    store.decide(&Wanted { post: Some(post("saml/other")), based_on: Some(1), ..wanted("m") }, None).await.unwrap();
    // Nobody overtakes the first delivery.
    assert_eq!(claim(&store).await, []);
    store.delivered(&create, Some("place")).await.unwrap();
    let update = claim_one(&store).await;
    assert_eq!((update.revision, update.delivered.as_deref(), update.uncertain), (2, Some("place"), false));
    store.decide(&Wanted { post: None, based_on: Some(2), ..wanted("m") }, None).await.unwrap();
    store.failed(&update, "later", Some(Duration::ZERO)).await.unwrap();
    let removal = claim_one(&store).await;
    assert_eq!((removal.revision, removal.wanted.post.as_ref()), (3, None));
    store.delivered(&removal, None).await.unwrap();
    assert_eq!(claim(&store).await, []);
    assert_eq!(store.known(&key("m"), Part::Reply).await.unwrap().unwrap().place, None);
}

async fn a_post_that_may_stand_there_is_remembered_whatever_is_decided(place: Place) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let store = place.open_at(&clock).await;
    store.decide(&wanted("m"), None).await.unwrap();
    // Posted, perhaps; then the process dies, and the message is edited.
    claim_one(&store).await;
    store.decide(&Wanted { post: Some(post("saml/other")), based_on: Some(1), ..wanted("m") }, None).await.unwrap();
    clock.fetch_add(10_000, Ordering::SeqCst);
    let again = claim_one(&store).await;
    assert_eq!((again.attempts, again.uncertain), (0, true));
    store.delivered(&again, Some("place")).await.unwrap();
    store.decide(&Wanted { based_on: Some(2), ..wanted("m") }, None).await.unwrap();
    assert!(!claim_one(&store).await.uncertain);
}

async fn failures_wait_and_dead_letters_are_for_people(place: Place) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let store = place.open_at(&clock).await;
    for message in ["a", "b", "c"] {
        store.decide(&wanted(message), None).await.unwrap();
    }
    let [a, b, c] = claim(&store).await.try_into().unwrap();
    store.failed(&a, "busy", Some(Duration::from_millis(1_500))).await.unwrap();
    store.failed(&b, "no such channel", None).await.unwrap();
    store.delivered(&c, Some("c")).await.unwrap();
    assert_eq!(store.next_due(Platform::Discord).await.unwrap(), Some(Duration::from_millis(1_500)));
    assert_eq!(claim(&store).await, []);
    clock.fetch_add(1_500, Ordering::SeqCst);
    assert_eq!(claim_one(&store).await.attempts, 1);

    let dead = store.dead_letters(10).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((&dead[0].key, dead[0].part, dead[0].removal), (&key("b"), Part::Reply, false));
    assert_eq!((dead[0].reason.as_str(), dead[0].attempts, dead[0].decided_at), ("no such channel", 1, 1_000_000));
    assert_eq!(store.retry_dead(Some(dead[0].id + 1_000)).await.unwrap(), 0);
    assert_eq!(store.retry_dead(Some(dead[0].id)).await.unwrap(), 1);
    let again = claim_one(&store).await;
    assert_eq!((again.id, again.attempts), (dead[0].id, 0));
    store.failed(&again, "no such channel", None).await.unwrap();
    assert_eq!(store.drop_dead(None).await.unwrap(), 1);
    assert_eq!(store.count_dead().await.unwrap(), 0);
    assert_eq!(store.retry_dead(None).await.unwrap(), 0);
    // It counts as decided about: the message is not answered anew. A later decision is delivered.
    assert!(!store.decide(&wanted("b"), None).await.unwrap());
    assert!(store.decide(&Wanted { based_on: Some(1), ..wanted("b") }, None).await.unwrap());
    assert_eq!(claim_one(&store).await.wanted.key, key("b"));
}

async fn a_pause_that_was_asked_for_holds_for_what_is_decided_meanwhile(place: Place) {
    let clock = Arc::new(AtomicI64::new(1_000_000));
    let store = place.open_at(&clock).await;
    store.decide(&wanted("m"), None).await.unwrap();
    let claimed = claim_one(&store).await;
    store.decide(&Wanted { based_on: Some(1), ..wanted("m") }, None).await.unwrap();
    store.failed(&claimed, "too many requests", Some(Duration::from_secs(30))).await.unwrap();
    assert_eq!(claim(&store).await, []);
    assert_eq!(store.next_due(Platform::Discord).await.unwrap(), Some(Duration::from_secs(30)));
    // What is given up belongs to the old revision; the new one is still to be tried.
    clock.fetch_add(30_000, Ordering::SeqCst);
    let claimed = claim_one(&store).await;
    store.decide(&Wanted { based_on: Some(2), ..wanted("m") }, None).await.unwrap();
    store.failed(&claimed, "too long", None).await.unwrap();
    assert_eq!(store.count_dead().await.unwrap(), 0);
    assert_eq!(claim_one(&store).await.revision, 3);
}

async fn a_row_that_cannot_be_read_keeps_no_other_from_delivery(place: Place) {
    let store = place.open().await;
    store.decide(&wanted("a"), None).await.unwrap();
    store.decide(&wanted("b"), None).await.unwrap();
    place.execute("UPDATE outbox SET post = '{\"form\": \"of the future\"}' WHERE message = 'a'").await;
    assert_eq!(claim_one(&store).await.wanted.key, key("b"));
    let dead = store.dead_letters(10).await.unwrap();
    assert_eq!(dead[0].key, key("a"));
    assert!(dead[0].reason.starts_with("cannot be read: "), "{}", dead[0].reason);
}

async fn a_clock_that_is_set_back_stops_nothing(place: Place) {
    let clock = Arc::new(AtomicI64::new(100_000_000_000));
    let store = place.open_at(&clock).await;
    store.decide(&wanted("a"), None).await.unwrap();
    store.decide(&wanted("b"), None).await.unwrap();
    let a = claim(&store).await.remove(0);
    store.failed(&a, "busy", Some(Duration::from_secs(300))).await.unwrap();
    clock.store(1_000_000, Ordering::SeqCst);
    assert_eq!(claim(&store).await.len(), 2);
}

/// What a later statement wrote lies in the future of an earlier one that is still under way.
async fn a_statement_that_began_earlier_takes_nothing_twice(place: Place) {
    let later = place.open_at(&Arc::new(AtomicI64::new(1_000_000))).await;
    let earlier = place.open_at(&Arc::new(AtomicI64::new(970_000))).await;
    later.decide(&wanted("m"), None).await.unwrap();
    let claimed = claim_one(&later).await;
    assert_eq!(claim(&earlier).await, []);
    later.failed(&claimed, "busy", Some(Duration::from_secs(24 * 3600))).await.unwrap();
    assert_eq!(claim(&earlier).await, []);
    assert!(later.acquire("discord/0", "a", Duration::from_secs(60)).await.unwrap().is_some());
    assert_eq!(earlier.acquire("discord/0", "b", Duration::from_secs(60)).await.unwrap(), None);
}

async fn what_was_answered_is_counted(place: Place) {
    let store = place.open().await;
    let channel = channel();
    let decide = async |wanted: Wanted| assert!(store.decide(&wanted, None).await.unwrap());
    decide(Wanted { posted_at: 10, thread: Some("t".to_owned()), post: Some(post("saml/a")), ..wanted("1") }).await;
    decide(Wanted { posted_at: 20, post: Some(post("saml/b")), ..wanted("t") }).await;
    decide(Wanted { posted_at: 30, author: Some("eli".to_owned()), thread: Some("t".to_owned()), ..wanted("3") }).await;
    decide(Wanted { posted_at: 40, shadow: true, thread: Some("t".to_owned()), ..wanted("4") }).await;
    decide(Wanted { posted_at: 50, post: None, thread: Some("t".to_owned()), ..wanted("5") }).await;
    decide(Wanted { posted_at: 60, part: Part::Call, ..wanted("1") }).await;
    assert_eq!(store.answered_since(&channel, None, 9).await.unwrap(), 3);
    assert_eq!(store.answered_since(&channel, None, 10).await.unwrap(), 2);
    assert_eq!(store.answered_since(&channel, Some("dana"), 0).await.unwrap(), 2);
    assert_eq!(store.answered_since(&channel, Some("nobody"), 0).await.unwrap(), 0);
    assert_eq!(store.shadowed(&channel).await.unwrap(), 1);
    let answered = store.answered_messages(Platform::Discord, 10, 10).await.unwrap();
    assert_eq!(answered, [(key("3"), Some("t".to_owned())), (key("t"), None)]);
    assert_eq!(store.answered_messages(Platform::Discord, 0, 1).await.unwrap().len(), 1);
    assert_eq!(store.answered_messages(Platform::Local, 0, 9).await.unwrap(), []);
    assert_eq!(store.rules_in_thread(&channel, "t", &key("3")).await.unwrap(), ["saml/a", "saml/b"]);
    assert_eq!(store.rules_in_thread(&channel, "t", &key("1")).await.unwrap(), ["saml/b", "saml/test"]);
    assert_eq!(store.rules_in_thread(&channel, "u", &key("1")).await.unwrap(), Vec::<String>::new());
}

async fn people_choose_channels_and_press_buttons(place: Place) {
    let store = place.open().await;
    assert_eq!(store.chosen_channels().await.unwrap(), []);
    let settings = ChannelSettings {
        scope: Scope::Mixed,
        mode: Mode::Shadow,
        support_role: Some("7".to_owned()),
        cooldown: Cooldown::parse("3/10m"),
    };
    store.choose_channel(&channel(), Some(&settings), "dana").await.unwrap();
    assert_eq!(store.chosen_channels().await.unwrap(), [(channel(), Some(settings))]);
    store.choose_channel(&channel(), None, "eli").await.unwrap();
    assert_eq!(store.chosen_channels().await.unwrap(), [(channel(), None)]);
    let by = By { person: "dana".to_owned(), at: 5 };
    for _ in 0..2 {
        store.note_feedback(&key("m"), &["saml/a".to_owned()], Button::Fixed, &by).await.unwrap();
    }
    let counts = store.counts().await.unwrap();
    assert!(counts.0.contains(&("feedback", 2)), "{counts}");
}
