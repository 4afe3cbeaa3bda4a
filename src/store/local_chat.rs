//! The history of the local workspace.

use super::rows::Columns;
use super::{Pools, SqlStore, begin, failed, on};
use crate::bot::ports::StoreError;
use crate::local::{ChatLog, ChatMessage, Draft};
use crate::reply::Reply;

/// The order of changes must be the order of their commits, or a reader would pass one that comes late. One
/// writer at a time makes it so; readers go on.
const LOCK: &str = "LOCK TABLE local_message IN SHARE ROW EXCLUSIVE MODE";

/// Runs a statement that changes one message.
macro_rules! change {
    ($store:expr, $sql:expr $(, $value:expr)*) => {{
        let message = on!($store, write, |pool| {
            let mut transaction = begin(pool).await?;
            if matches!(*$store.pools, Pools::Postgres(_)) {
                sqlx::query(LOCK).execute(&mut *transaction).await.map_err(failed)?;
            }
            let row = sqlx::query($sql)$(.bind($value))*.fetch_optional(&mut *transaction).await.map_err(failed)?;
            let message = row.as_ref().map(read).transpose()?;
            transaction.commit().await.map_err(failed)?;
            Ok(message)
        })?;
        $store.changed.notify_one();
        message
    }};
}

impl ChatLog for SqlStore {
    async fn add(&self, draft: Draft<'_>) -> Result<ChatMessage, StoreError> {
        let reply = draft.reply.map(serde_json::to_string).transpose().map_err(failed)?;
        let sql = self.sql(
            "INSERT INTO local_message (channel, thread, author, is_bot, text, reply, answers, posted_at, change)
             VALUES ($1, $2, $3, $4, $5, $6, $7, {now}, (SELECT COALESCE(MAX(change), 0) + 1 FROM local_message))
             ON CONFLICT (answers) DO UPDATE SET reply = excluded.reply, deleted = FALSE, change = excluded.change
             RETURNING *",
        );
        let (author, text) = (plain(draft.author), plain(draft.text));
        let answers = draft.answers;
        let added = change!(self, sql, draft.channel, draft.thread, author, answers.is_some(), text, reply, answers);
        added.ok_or_else(|| StoreError("a message was not added".into()))
    }

    async fn edit(&self, id: i64, text: &str, reply: Option<&Reply>) -> Result<Option<ChatMessage>, StoreError> {
        let reply = reply.map(serde_json::to_string).transpose().map_err(failed)?;
        Ok(change!(
            self,
            "UPDATE local_message SET text = $1, reply = $2, edited = TRUE,
                 change = (SELECT MAX(change) + 1 FROM local_message)
             WHERE id = $3 AND NOT deleted RETURNING *",
            plain(text),
            reply,
            id
        ))
    }

    async fn delete(&self, id: i64) -> Result<Option<ChatMessage>, StoreError> {
        Ok(change!(
            self,
            "UPDATE local_message SET text = '', reply = NULL, deleted = TRUE,
                 change = (SELECT MAX(change) + 1 FROM local_message)
             WHERE id = $1 AND NOT deleted RETURNING *",
            id
        ))
    }

    async fn message(&self, id: i64) -> Result<Option<ChatMessage>, StoreError> {
        on!(self, read, |pool| {
            let row = sqlx::query("SELECT * FROM local_message WHERE id = $1").bind(id);
            row.fetch_optional(pool).await.map_err(failed)?.as_ref().map(read).transpose()
        })
    }

    async fn answer_to(&self, id: i64) -> Result<Option<i64>, StoreError> {
        on!(self, read, |pool| {
            let query = sqlx::query_scalar("SELECT id FROM local_message WHERE answers = $1").bind(id);
            query.fetch_optional(pool).await.map_err(failed)
        })
    }

    async fn changes(&self, channel: &str, after: i64, limit: u32) -> Result<Vec<ChatMessage>, StoreError> {
        on!(self, read, |pool| {
            let rows =
                sqlx::query("SELECT * FROM local_message WHERE channel = $1 AND change > $2 ORDER BY change LIMIT $3")
                    .bind(channel)
                    .bind(after)
                    .bind(i64::from(limit));
            rows.fetch_all(pool).await.map_err(failed)?.iter().map(read).collect()
        })
    }

    async fn last_change(&self) -> Result<i64, StoreError> {
        on!(self, read, |pool| {
            let last: Option<i64> =
                sqlx::query_scalar("SELECT MAX(change) FROM local_message").fetch_one(pool).await.map_err(failed)?;
            Ok(last.unwrap_or_default())
        })
    }

    async fn history(&self, channel: &str, limit: u32) -> Result<Vec<ChatMessage>, StoreError> {
        let mut messages: Vec<ChatMessage> = on!(self, read, |pool| {
            let rows =
                sqlx::query("SELECT * FROM local_message WHERE channel = $1 AND NOT deleted ORDER BY id DESC LIMIT $2")
                    .bind(channel)
                    .bind(i64::from(limit));
            rows.fetch_all(pool).await.map_err(failed)?.iter().map(read).collect::<Result<_, _>>()
        })?;
        messages.reverse();
        Ok(messages)
    }
}

/// Text without the one character that PostgreSQL does not store.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn read(row: &impl Columns) -> Result<ChatMessage, StoreError> {
    Ok(ChatMessage {
        id: row.number("id")?,
        channel: row.text("channel")?,
        thread: row.number_if_any("thread")?,
        author: row.text("author")?,
        is_bot: row.flag("is_bot")?,
        text: row.text("text")?,
        reply: row.json_if_any("reply")?,
        posted_at: row.number("posted_at")?,
        edited: row.flag("edited")?,
        deleted: row.flag("deleted")?,
        change: row.number("change")?,
    })
}
