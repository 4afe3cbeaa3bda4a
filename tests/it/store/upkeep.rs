//! What expires, what is copied, and who uses a database.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use oktriage::bot::event::Platform;
use oktriage::bot::ports::{Part, Store, Wanted};
use oktriage::local::{ChatLog, Draft};
use oktriage::reply::{Button, By};
use oktriage::store::{Busy, Counts};
use tokio::sync::{Notify, watch};

use super::{Place, channel, contracts, key, wanted};
use crate::program::{PATIENCE, temp};

contracts!(
    what_is_old_and_settled_expires,
    everything_is_copied_or_nothing,
    bots_keep_a_restore_out_and_the_other_way_round,
    processes_hear_of_each_other,
);

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn what_is_old_and_settled_expires(place: Place) {
    let clock = Arc::new(AtomicI64::new(100_000_000_000));
    let store = place.open_at(&clock).await;
    for message in ["delivered", "dead", "waiting"] {
        store.decide(&wanted(message), None).await.unwrap();
    }
    store.decide(&Wanted { shadow: true, ..wanted("shadow") }, None).await.unwrap();
    let claimed = store.claim(Platform::Discord, Duration::from_secs(10), 2).await.unwrap();
    store.delivered(&claimed[0], Some("place")).await.unwrap();
    store.failed(&claimed[1], "never", None).await.unwrap();
    let by = By { person: "dana".to_owned(), at: 100_000_000 };
    store.note_feedback(&key("delivered"), &[], Button::Fixed, &by).await.unwrap();
    let draft = Draft { channel: "help", thread: None, author: "dana", text: "it fails", reply: None, answers: None };
    let old = store.add(draft).await.unwrap();
    let old_in_thread = store.add(Draft { thread: Some(old.id), ..draft }).await.unwrap();
    let root = store.add(draft).await.unwrap();

    clock.fetch_add(2 * 24 * 3600 * 1000, Ordering::SeqCst);
    store.decide(&wanted("young"), None).await.unwrap();
    let young = store.add(Draft { thread: Some(root.id), ..draft }).await.unwrap();
    assert_eq!(store.expire(3 * DAY).await.unwrap(), 0);
    assert_eq!(store.expire(DAY).await.unwrap(), 6);
    for (message, stays) in
        [("delivered", false), ("dead", false), ("shadow", false), ("waiting", true), ("young", true)]
    {
        assert_eq!(store.known(&key(message), Part::Reply).await.unwrap().is_some(), stays, "{message}");
    }
    // Threads stay whole.
    for (id, stays) in [(old.id, false), (old_in_thread.id, false), (root.id, true), (young.id, true)] {
        assert_eq!(store.message(id).await.unwrap().is_some(), stays);
    }
    // Numbers are never used again.
    clock.fetch_add(2 * 24 * 3600 * 1000, Ordering::SeqCst);
    store.expire(DAY).await.unwrap();
    let next = store.add(draft).await.unwrap();
    assert!(next.id > young.id && next.change > young.change);
}

async fn everything_is_copied_or_nothing(place: Place) {
    let store = place.open().await;
    for number in 0..30 {
        store.decide(&wanted(&format!("{number}")), Some(number)).await.unwrap();
    }
    let claimed = store.claim(Platform::Discord, Duration::from_secs(10), 2).await.unwrap();
    store.delivered(&claimed[0], Some("place")).await.unwrap();
    store.failed(&claimed[1], "never", None).await.unwrap();
    store.choose_channel(&channel(), None, "dana").await.unwrap();
    store.note_feedback(&key("1"), &[], Button::Fixed, &By { person: "dana".to_owned(), at: 1 }).await.unwrap();
    let draft = Draft { channel: "help", thread: None, author: "dana", text: "it fails", reply: None, answers: None };
    let message = store.add(draft).await.unwrap();
    let all = Counts(vec![("cursor", 1), ("channel", 1), ("outbox", 30), ("local_message", 1), ("feedback", 1)]);
    assert_eq!(store.counts().await.unwrap(), all);

    // Out to a backup, while the store is in use; and back into both kinds of database.
    let dir = temp();
    let file = dir.path().join("backup.db");
    assert_eq!(store.backup(&file).await.unwrap(), all);
    assert!(store.backup(&file).await.unwrap_err().to_string().contains("there is a file of this name"));
    let files: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["backup.db"]);
    for target in [Place::sqlite(), Place::postgres().await] {
        let copy = target.open().await;
        assert!(copy.is_empty().await.unwrap());
        assert_eq!(copy.restore(&file, false).await.unwrap(), all);
        assert_eq!(copy.counts().await.unwrap(), all);
        assert_eq!(
            copy.known(&key("7"), Part::Reply).await.unwrap(),
            store.known(&key("7"), Part::Reply).await.unwrap()
        );
        assert_eq!(copy.dead_letters(9).await.unwrap(), store.dead_letters(9).await.unwrap());
        assert_eq!(copy.cursor(&channel()).await.unwrap(), Some(29));
        // What is new gets new numbers.
        assert!(copy.add(draft).await.unwrap().id > message.id);
        assert!(copy.decide(&wanted("new"), None).await.unwrap());
        // Not over something, unless that is meant.
        let refused = copy.restore(&file, false).await.unwrap_err().to_string();
        assert!(refused.contains("is not empty"), "{refused}");
        assert!(copy.known(&key("new"), Part::Reply).await.unwrap().is_some());
        assert_eq!(copy.restore(&file, true).await.unwrap(), all);
        assert_eq!(copy.known(&key("new"), Part::Reply).await.unwrap(), None);
    }
}

async fn bots_keep_a_restore_out_and_the_other_way_round(place: Place) {
    let (bot, other) = (place.open().await, place.open().await);
    let first = bot.enter().await.unwrap();
    let second = other.enter().await.unwrap();
    assert!(matches!(place.open().await.alone().await, Err(Busy::Bot(_))));
    drop((first, second));
    bot.close().await;
    other.close().await;
    let store = place.open().await;
    let alone = store.alone().await.unwrap();
    let late = place.open().await;
    assert!(matches!(late.enter().await, Err(Busy::Restore(_))));
    drop(alone);
    store.close().await;
    late.enter().await.unwrap();
}

async fn processes_hear_of_each_other(place: Place) {
    let (stop, stopping) = watch::channel(false);
    let (speaker, listener) = (place.open().await, place.open().await);
    let heard = Arc::new(Notify::new());
    let speaking = tokio::spawn(speaker.enter().await.unwrap().follow(|| {}, stopping.clone()));
    let presence = listener.enter().await.unwrap();
    let tell = Arc::clone(&heard);
    let listening = tokio::spawn(presence.follow(move || tell.notify_one(), stopping));
    tokio::time::timeout(PATIENCE, async {
        // SQLite looks at the file first, to know what is new.
        for number in 0.. {
            speaker.decide(&wanted(&format!("{number}")), None).await.unwrap();
            if tokio::time::timeout(Duration::from_secs(2), heard.notified()).await.is_ok() {
                break;
            }
        }
    })
    .await
    .expect("heard");
    stop.send_replace(true);
    speaking.await.unwrap();
    listening.await.unwrap();
}
