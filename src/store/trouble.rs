//! What a database says when it cannot, in words for whoever reads the log.

use crate::bot::ports::StoreError;

/// Makes the port's error of whatever went wrong, with what it means in front where that is known.
pub(super) fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
    match boxed.downcast_ref::<sqlx::Error>().and_then(meaning) {
        Some(meaning) => StoreError(Box::new(Trouble { meaning, cause: boxed })),
        None => StoreError(boxed),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{meaning} ({cause})")]
struct Trouble {
    meaning: &'static str,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

/// What a failure means and what helps. Whatever was not committed is tried again by who asked.
fn meaning(error: &sqlx::Error) -> Option<&'static str> {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code()?;
            // SQLite's codes have their kind in the lower byte. <https://www.sqlite.org/rescode.html>
            if let Ok(code) = code.parse::<i32>()
                && code < 100_000
                && database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
            {
                return match code & 0xff {
                    5 => Some("another process keeps the database to itself"),
                    8 => Some("the database cannot be written: make its file and directory writable"),
                    10 => Some("the disk fails"),
                    11 | 26 => Some("the file is damaged or no database: restore a backup"),
                    13 => Some("the disk is full: make room"),
                    _ => None,
                };
            }
            // <https://www.postgresql.org/docs/current/errcodes-appendix.html>
            match code.as_ref() {
                "53100" => Some("the database's disk is full: make room"),
                "53300" => Some("the database takes no more connections"),
                "25006" => Some("the database cannot be written: it is a replica, or set to read only"),
                "57P01" | "57P02" | "57P03" => Some("the database is stopping or starting"),
                "42501" => Some("the database user may not do this: it must own the tables"),
                _ => None,
            }
        }
        sqlx::Error::PoolTimedOut => Some("no connection to the database became free"),
        sqlx::Error::Io(_) => Some("the connection to the database broke"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::bot::event::{ChannelKey, MessageKey, Platform};
    use crate::bot::ports::{Part, Store, StoreError, Wanted};
    use crate::reply::{Post, Reply};
    use crate::store::{Location, Pools, SqlStore};

    async fn store(dir: &tempfile::TempDir) -> SqlStore {
        SqlStore::open(&Location::Sqlite(dir.path().join("oktriage.db"))).await.unwrap()
    }

    async fn pragma(store: &SqlStore, pragma: &'static str) {
        let Pools::Sqlite(sides) = &*store.pools else { unreachable!("made for SQLite") };
        sqlx::query(pragma).execute(&sides.write).await.unwrap();
    }

    fn key(message: u32) -> MessageKey {
        let channel = ChannelKey { platform: Platform::Local, workspace: String::new(), channel: String::new() };
        MessageKey { channel, message: message.to_string() }
    }

    async fn decide(store: &SqlStore, message: u32) -> Result<bool, StoreError> {
        let wanted = Wanted {
            key: key(message),
            part: Part::Reply,
            thread: None,
            author: None,
            posted_at: 0,
            version: 0,
            post: Some(Post::answer(Reply::note("long ".repeat(400)))),
            shadow: false,
            based_on: None,
        };
        store.decide(&wanted, Some(message.into())).await
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir).await;
        pragma(&store, "PRAGMA max_page_count = 60").await;
        let mut full = None;
        for message in 0..200 {
            match decide(&store, message).await {
                Ok(noted) => assert!(noted),
                Err(error) => {
                    full = Some((message, error.to_string()));
                    break;
                }
            }
        }
        let (full, error) = full.expect("it is full at some time");
        assert!(error.starts_with("storage: the disk is full: make room ("), "{error}");
        // The decision did not count, nor did the cursor; what was decided before is there.
        assert_eq!(store.known(&key(full), Part::Reply).await.unwrap(), None);
        assert_eq!(store.cursor(&key(full).channel).await.unwrap(), Some(i64::from(full) - 1));
        assert!(store.known(&key(full - 1), Part::Reply).await.unwrap().is_some());
        pragma(&store, "PRAGMA max_page_count = 1000").await;
        assert!(decide(&store, full).await.unwrap());
        let lease = std::time::Duration::from_secs(10);
        assert_eq!(store.claim(Platform::Local, lease, 1_000).await.unwrap().len(), full as usize + 1);
    }

    #[tokio::test]
    async fn a_database_that_cannot_be_written_is_told_and_loses_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir).await;
        assert!(decide(&store, 1).await.unwrap());
        pragma(&store, "PRAGMA query_only = TRUE").await;
        let error = decide(&store, 2).await.unwrap_err().to_string();
        assert!(error.starts_with("storage: the database cannot be written: "), "{error}");
        pragma(&store, "PRAGMA query_only = FALSE").await;
        assert!(decide(&store, 2).await.unwrap());
        let lease = std::time::Duration::from_secs(10);
        assert_eq!(store.claim(Platform::Local, lease, 9).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_writer_waits_for_another_process() {
        let dir = tempfile::tempdir().unwrap();
        let (store, other) = (store(&dir).await, store(&dir).await);
        let Pools::Sqlite(sides) = &*other.pools else { unreachable!("made for SQLite") };
        let writing = super::super::begin(&sides.write).await.unwrap();
        let waiting = tokio::spawn(async move { decide(&store, 1).await });
        // It is still waiting after others had their turn, and gets its own.
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        writing.commit().await.unwrap();
        assert!(waiting.await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("oktriage.db");
        std::fs::write(&path, "this is a diary, not a database".repeat(200)).unwrap();
        let error = SqlStore::open(&Location::Sqlite(path)).await.unwrap_err().to_string();
        assert!(error.starts_with("cannot open the database "), "{error}");
    }
}
