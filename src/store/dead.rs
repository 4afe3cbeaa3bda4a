//! Dead letters: posts that could not be delivered, for people to retry or to drop.

use super::outbox::read_key;
use super::rows::Columns;
use super::{SqlStore, failed, on};
use crate::bot::event::MessageKey;
use crate::bot::ports::{Part, StoreError};

/// A post that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// The message that it is about.
    pub key: MessageKey,
    /// Which of the posts about it.
    pub part: Part,
    /// It was to be removed, not to be shown.
    pub removal: bool,
    /// When it was decided, in milliseconds since 1970.
    pub decided_at: i64,
    /// How often delivery was tried.
    pub attempts: i64,
    /// Why it was given up.
    pub reason: String,
}

impl SqlStore {
    /// How many posts were given up.
    pub async fn count_dead(&self) -> Result<i64, StoreError> {
        on!(self, read, |pool| {
            sqlx::query_scalar("SELECT COUNT(*) FROM outbox WHERE dead").fetch_one(pool).await.map_err(failed)
        })
    }

    /// The posts that were given up, oldest first.
    pub async fn dead_letters(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        on!(self, read, |pool| {
            let rows = sqlx::query("SELECT * FROM outbox WHERE dead ORDER BY id LIMIT $1").bind(i64::from(limit));
            rows.fetch_all(pool).await.map_err(failed)?.iter().map(read).collect()
        })
    }

    /// Lets one be delivered again, or all of them; returns how many.
    pub async fn retry_dead(&self, id: Option<i64>) -> Result<u64, StoreError> {
        let retried = on!(self, write, |pool| {
            let query = sqlx::query(
                "UPDATE outbox SET dead = FALSE, failure = NULL, attempts = 0, due_at = 0 WHERE dead AND ($1 IS NULL OR id = $1)",
            );
            Ok(query.bind(id).execute(pool).await.map_err(failed)?.rows_affected())
        })?;
        self.changed.notify_one();
        Ok(retried)
    }

    /// Gives one up for good, or all of them; returns how many. The messages still count as decided about.
    pub async fn drop_dead(&self, id: Option<i64>) -> Result<u64, StoreError> {
        on!(self, write, |pool| {
            let query = sqlx::query(
                "UPDATE outbox SET dead = FALSE, delivered_revision = revision WHERE dead AND ($1 IS NULL OR id = $1)",
            );
            Ok(query.bind(id).execute(pool).await.map_err(failed)?.rows_affected())
        })
    }
}

fn read(row: &impl Columns) -> Result<DeadLetter, StoreError> {
    Ok(DeadLetter {
        id: row.number("id")?,
        key: read_key(row)?,
        part: row.keyword("part")?,
        removal: row.text_if_any("post")?.is_none(),
        decided_at: row.number("decided_at")?,
        attempts: row.number("attempts")?,
        reason: row.text_if_any("failure")?.unwrap_or_default(),
    })
}
