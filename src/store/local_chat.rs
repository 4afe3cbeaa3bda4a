//! The history of the local workspace.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{SqliteStore, failed, now};
use crate::bot::ports::StoreError;
use crate::local::{ChatLog, ChatMessage, Draft};

const COLUMNS: &str = "id, channel, thread, author, is_bot, text, reply, posted_at, edited, deleted, change";

impl ChatLog for SqliteStore {
    async fn add(&self, draft: Draft<'_>) -> Result<ChatMessage, StoreError> {
        let reply = draft.reply.map(serde_json::to_string).transpose().map_err(failed)?;
        let mut transaction = self.write().await?;
        let inserted = sqlx::query(
            "INSERT INTO local_message (channel, thread, author, is_bot, text, reply, answers, posted_at, change)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT COALESCE(MAX(change), 0) + 1 FROM local_message))
             ON CONFLICT (answers) DO UPDATE SET reply = excluded.reply, deleted = 0, change = excluded.change
             RETURNING *",
        )
        .bind(draft.channel)
        .bind(draft.thread)
        .bind(draft.author)
        .bind(draft.answers.is_some())
        .bind(draft.text)
        .bind(reply)
        .bind(draft.answers)
        .bind(now())
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        let message = read(&inserted)?;
        transaction.commit().await.map_err(failed)?;
        Ok(message)
    }

    async fn edit(
        &self,
        id: i64,
        text: &str,
        reply: Option<&crate::reply::Reply>,
    ) -> Result<Option<ChatMessage>, StoreError> {
        let reply = reply.map(serde_json::to_string).transpose().map_err(failed)?;
        self.change(
            sqlx::query(
                "UPDATE local_message SET text = ?, reply = ?, edited = 1, change = (SELECT MAX(change) + 1 FROM local_message)
                 WHERE id = ? AND deleted = 0 RETURNING *",
            )
            .bind(text)
            .bind(reply)
            .bind(id),
        )
        .await
    }

    async fn delete(&self, id: i64) -> Result<Option<ChatMessage>, StoreError> {
        self.change(
            sqlx::query(
                "UPDATE local_message SET text = '', reply = NULL, deleted = 1, change = (SELECT MAX(change) + 1 FROM local_message)
                 WHERE id = ? AND deleted = 0 RETURNING *",
            )
            .bind(id),
        )
        .await
    }

    async fn message(&self, id: i64) -> Result<Option<ChatMessage>, StoreError> {
        let query = format!("SELECT {COLUMNS} FROM local_message WHERE id = ?");
        let row = sqlx::query(sqlx::AssertSqlSafe(query)).bind(id).fetch_optional(&self.pool).await.map_err(failed)?;
        row.as_ref().map(read).transpose()
    }

    async fn answer_to(&self, id: i64) -> Result<Option<i64>, StoreError> {
        let query = sqlx::query_scalar("SELECT id FROM local_message WHERE answers = ?").bind(id);
        query.fetch_optional(&self.pool).await.map_err(failed)
    }

    async fn changes(&self, channel: &str, after: i64, limit: u32) -> Result<Vec<ChatMessage>, StoreError> {
        let query =
            format!("SELECT {COLUMNS} FROM local_message WHERE channel = ? AND change > ? ORDER BY change LIMIT ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(channel).bind(after).bind(limit);
        query.fetch_all(&self.pool).await.map_err(failed)?.iter().map(read).collect()
    }

    async fn history(&self, channel: &str, limit: u32) -> Result<Vec<ChatMessage>, StoreError> {
        let query =
            format!("SELECT {COLUMNS} FROM local_message WHERE channel = ? AND deleted = 0 ORDER BY id DESC LIMIT ?");
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(channel).bind(limit);
        let mut messages: Vec<ChatMessage> =
            query.fetch_all(&self.pool).await.map_err(failed)?.iter().map(read).collect::<Result<_, _>>()?;
        messages.reverse();
        Ok(messages)
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

impl SqliteStore {
    async fn change(&self, query: Query<'_>) -> Result<Option<ChatMessage>, StoreError> {
        let mut transaction = self.write().await?;
        let row = query.fetch_optional(&mut *transaction).await.map_err(failed)?;
        let message = row.as_ref().map(read).transpose()?;
        transaction.commit().await.map_err(failed)?;
        Ok(message)
    }
}

fn read(row: &SqliteRow) -> Result<ChatMessage, StoreError> {
    let reply: Option<String> = row.try_get("reply").map_err(failed)?;
    Ok(ChatMessage {
        id: row.try_get("id").map_err(failed)?,
        channel: row.try_get("channel").map_err(failed)?,
        thread: row.try_get("thread").map_err(failed)?,
        author: row.try_get("author").map_err(failed)?,
        is_bot: row.try_get("is_bot").map_err(failed)?,
        text: row.try_get("text").map_err(failed)?,
        reply: reply.map(|json| serde_json::from_str(&json)).transpose().map_err(failed)?,
        posted_at: row.try_get("posted_at").map_err(failed)?,
        edited: row.try_get("edited").map_err(failed)?,
        deleted: row.try_get("deleted").map_err(failed)?,
        change: row.try_get("change").map_err(failed)?,
    })
}
