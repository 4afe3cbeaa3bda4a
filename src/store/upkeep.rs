//! What is old and settled expires.

use std::time::Duration;

use super::{SqlStore, failed, millis, on};
use crate::bot::ports::StoreError;

/// Rows that are deleted at once: a writer who waits for that waits milliseconds.
const BATCH: i64 = 500;

/// Posts that nothing is to be done about; those that wait for their delivery stay, however old.
const POSTS: &str = "DELETE FROM outbox WHERE id IN (
     SELECT id FROM outbox WHERE decided_at < {now} - $1 AND (dead OR shadow OR delivered_revision >= revision)
     ORDER BY decided_at LIMIT $2)";

/// Feedback; its times are in seconds.
const FEEDBACK: &str =
    "DELETE FROM feedback WHERE id IN (SELECT id FROM feedback WHERE at < ({now} - $1) / 1000 ORDER BY at LIMIT $2)";

/// The local workspace's messages, whole threads at a time. The last change and the highest number stay: the
/// next ones are counted from there.
const MESSAGES: &str = "DELETE FROM local_message WHERE id IN (
     SELECT id FROM local_message AS old WHERE posted_at < {now} - $1
     AND NOT EXISTS (SELECT 1 FROM local_message AS young
                     WHERE (young.thread = COALESCE(old.thread, old.id) OR young.id = COALESCE(old.thread, old.id))
                       AND young.posted_at >= {now} - $1)
     AND change < (SELECT MAX(change) FROM local_message) AND id < (SELECT MAX(id) FROM local_message)
     ORDER BY posted_at LIMIT $2)";

impl SqlStore {
    /// Deletes what is older than `age` and settled; returns how many rows. What is deleted is
    /// forgotten: buttons, edits and deletions find no reply any more.
    pub async fn expire(&self, age: Duration) -> Result<u64, StoreError> {
        let age = millis(age);
        let mut expired = 0;
        for statement in [POSTS, FEEDBACK, MESSAGES] {
            loop {
                let sql = self.sql(statement);
                let deleted = on!(self, write, |pool| {
                    let query = sqlx::query(sql).bind(age).bind(BATCH);
                    Ok(query.execute(pool).await.map_err(failed)?.rows_affected())
                })?;
                expired += deleted;
                if deleted < BATCH.unsigned_abs() {
                    break;
                }
            }
        }
        self.forget_holds().await?;
        Ok(expired)
    }
}
