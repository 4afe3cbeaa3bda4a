//! What a database says when it cannot, in words for whoever reads the log.

use crate::bot::ports::StoreError;

/// Makes the port's error of whatever went wrong, with what it means in front where that is known.
pub(super) fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
    match boxed.downcast_ref::<sqlx::Error>().and_then(meaning) {
        Some(meaning) => StoreError(Box::new(Trouble { meaning, source: boxed })),
        None => StoreError(boxed),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{meaning} ({source})")]
struct Trouble {
    meaning: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
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
