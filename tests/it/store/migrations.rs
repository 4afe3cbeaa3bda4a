//! Databases of earlier and of later versions.

use std::fs;
use std::path::Path;

use oktriage::bot::event::{ChannelKey, MessageKey, Platform};
use oktriage::bot::ports::{Part, Store};
use oktriage::local::ChatLog;
use oktriage::store::{Location, SqlStore};
use sqlx::Connection as _;
use sqlx::migrate::Migrator;

use super::{Place, contracts};
use crate::program::temp;

contracts!(a_database_of_a_later_version_is_refused_in_words, opening_twice_changes_nothing);

/// Makes the database as the program of an earlier version did.
async fn database_of_version(version: i64, path: &Path) {
    let dir = temp();
    for entry in fs::read_dir("src/store/migrations/sqlite").unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.split('_').next().unwrap().parse::<i64>().unwrap() <= version {
            fs::copy(&file, dir.path().join(name)).unwrap();
        }
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    Migrator::new(dir.path()).await.unwrap().run(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

const REPLY: &str = r#"{"secrets":[],"answers":[],"offers":[],"note":"said before"}"#;

fn key(message: &str) -> MessageKey {
    let channel = ChannelKey { platform: Platform::Local, workspace: "local".to_owned(), channel: "help".to_owned() };
    MessageKey { channel, message: message.to_owned() }
}

/// What each earlier version left is there, and goes on: one reply is visible, one was on its way.
async fn goes_on(place: &Place) {
    let store = place.open().await;
    assert_eq!(store.cursor(&key("1").channel).await.unwrap(), Some(41));
    let visible = store.known(&key("1"), Part::Reply).await.unwrap().unwrap();
    assert_eq!(visible.place.as_deref(), Some("2"));
    assert_eq!(visible.wanted.post.unwrap().reply().unwrap().note.as_deref(), Some("said before"));
    let claimed = store.claim(Platform::Local, std::time::Duration::from_secs(10), 9).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].wanted.key, key("3"));
    // Whether it was posted before is not known.
    assert!(claimed[0].uncertain);
    assert_eq!(store.history("help", 9).await.unwrap().len(), 2);
    // Nothing of it is so old that it expires at once.
    assert_eq!(store.expire(std::time::Duration::from_secs(8 * 24 * 3600)).await.unwrap(), 0);
}

async fn with_messages(place: &Place) {
    place
        .execute(
            "INSERT INTO cursor VALUES ('local', 'local', 'help', 41);
             INSERT INTO local_message (channel, author, is_bot, text, answers, posted_at, change)
             VALUES ('help', 'dana', 0, 'it fails', NULL, (unixepoch() - 60) * 1000, 1),
                    ('help', 'oktriage', 1, '', 1, (unixepoch() - 60) * 1000, 2)",
        )
        .await;
}

fn sqlite(place: &Place) -> &Path {
    match &place.location {
        Location::Sqlite(path) => path,
        Location::Postgres(_) => unreachable!("made for SQLite"),
    }
}

#[tokio::test]
async fn a_database_of_version_1_goes_on() {
    let place = Place::sqlite();
    database_of_version(1, sqlite(&place)).await;
    with_messages(&place).await;
    place
        .execute(&format!(
            "INSERT INTO outbox (platform, workspace, channel, message, reply, revision, delivered_revision, place, attempts, due_at)
             VALUES ('local', 'local', 'help', '1', '{REPLY}', 2, 2, '2', 0, 5), ('local', 'local', 'help', '3', NULL, 2, 1, '4', 1, 5)"
        ))
        .await;
    goes_on(&place).await;
}

#[tokio::test]
async fn a_database_of_version_2_goes_on() {
    let place = Place::sqlite();
    database_of_version(2, sqlite(&place)).await;
    with_messages(&place).await;
    place
        .execute(&format!(
            "INSERT INTO outbox (platform, workspace, channel, message, post, revision, delivered_revision, place, attempts, due_at, shadow)
             VALUES ('local', 'local', 'help', '1', '{{\"form\":\"answer\",\"reply\":{REPLY}}}', 2, 2, '2', 0, 5, 0),
                    ('local', 'local', 'help', '3', NULL, 2, 1, '4', 1, 5, 0), ('local', 'local', 'help', '5', NULL, 1, 0, NULL, 0, 5, 1);
             INSERT INTO channel VALUES ('local', 'local', 'help', 'okta', 'shadow', NULL, 'dana', 5);
             INSERT INTO feedback (platform, workspace, channel, message, rules, button, person, at)
             VALUES ('local', 'local', 'help', '1', '[]', 'fixed', 'dana', unixepoch())"
        ))
        .await;
    goes_on(&place).await;
    let store = place.open().await;
    assert_eq!(store.chosen_channels().await.unwrap().len(), 1);
}

async fn opening_twice_changes_nothing(place: Place) {
    let first = place.open().await;
    let second = place.open().await;
    assert!(first.is_empty().await.unwrap() && second.is_empty().await.unwrap());
}

async fn a_database_of_a_later_version_is_refused_in_words(place: Place) {
    place.open().await.close().await;
    let number = if matches!(place.location, Location::Sqlite(_)) { "1, x'00', 1" } else { "TRUE, '', 1" };
    place
        .execute(&format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'of the future', {number})"
        ))
        .await;
    let refused = SqlStore::open(&place.location).await.unwrap_err().to_string();
    let expected = format!(
        "the database {} has version 99, and this oktriage knows versions up to 4\n  help: use the newer oktriage that wrote it, or name another database in [storage]",
        place.location
    );
    assert_eq!(refused, expected);
}
