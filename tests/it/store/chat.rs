//! The history of the local workspace.

use oktriage::local::{ChatLog, Draft};

use super::{Place, contracts};

contracts!(messages_are_added_changed_and_removed, a_reader_misses_no_change_of_many_writers);

const DRAFT: Draft<'static> =
    Draft { channel: "help", thread: None, author: "dana", text: "it fails", reply: None, answers: None };

async fn messages_are_added_changed_and_removed(place: Place) {
    let store = place.open().await;
    assert_eq!(store.last_change().await.unwrap(), 0);
    let first = store.add(DRAFT).await.unwrap();
    let second = store.add(Draft { text: "a\0b ✓", thread: Some(first.id), ..DRAFT }).await.unwrap();
    assert_eq!((second.text.as_str(), second.thread), ("a\u{fffd}b ✓", Some(first.id)));
    assert_eq!(store.last_change().await.unwrap(), 2);
    // There is one answer to a message.
    let answer = Draft { author: "oktriage", answers: Some(first.id), ..DRAFT };
    let answered = store.add(answer).await.unwrap();
    assert_eq!(store.add(answer).await.unwrap().id, answered.id);
    assert_eq!(store.answer_to(first.id).await.unwrap(), Some(answered.id));
    let edited = store.edit(first.id, "it works", None).await.unwrap().unwrap();
    assert!(edited.edited && edited.change > answered.change);
    assert!(store.delete(first.id).await.unwrap().unwrap().deleted);
    assert_eq!(store.delete(first.id).await.unwrap(), None);
    assert_eq!(store.edit(first.id, "x", None).await.unwrap(), None);
    let history: Vec<i64> = store.history("help", 9).await.unwrap().iter().map(|message| message.id).collect();
    assert_eq!(history, [second.id, answered.id]);
    let changes: Vec<i64> = store.changes("help", 0, 9).await.unwrap().iter().map(|message| message.id).collect();
    assert_eq!(changes, [second.id, answered.id, first.id]);
}

async fn a_reader_misses_no_change_of_many_writers(place: Place) {
    const WRITERS: usize = 4;
    const EACH: usize = 15;
    let stores = [place.open().await, place.open().await];
    let writers: Vec<_> = (0..WRITERS)
        .map(|index| {
            let store = stores[index % 2].clone();
            tokio::spawn(async move {
                for _ in 0..EACH {
                    store.add(DRAFT).await.unwrap();
                }
            })
        })
        .collect();
    let reader = place.open().await;
    let (mut after, mut seen) = (0, 0);
    while seen < WRITERS * EACH {
        let done = writers.iter().all(|writer| writer.is_finished());
        let changes = reader.changes("help", after, 7).await.unwrap();
        assert!(!(done && changes.is_empty()), "{} of {} were seen", seen, WRITERS * EACH);
        seen += changes.len();
        after = changes.last().map_or(after, |message| message.change);
        tokio::task::yield_now().await;
    }
}
