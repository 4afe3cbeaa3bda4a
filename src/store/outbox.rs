//! The outbox and the cursors: replies that were decided but are not confirmed as delivered.

use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{SqliteStore, failed, millis, now};
use crate::bot::event::{ChannelKey, MessageKey, Platform};
use crate::bot::ports::{Claimed, Cursor, Known, Store, StoreError, Wanted};
use crate::reply::Reply;
use crate::rules::Keyword;

impl Store for SqliteStore {
    async fn decide(&self, wanted: &Wanted, cursor: Option<Cursor>) -> Result<(), StoreError> {
        let reply = wanted.reply.as_ref().map(serde_json::to_string).transpose().map_err(failed)?;
        let ChannelKey { platform, workspace, channel } = &wanted.key.channel;
        let mut transaction = self.write().await?;
        sqlx::query(
            "INSERT INTO outbox (platform, workspace, channel, message, thread, reply, due_at) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (platform, workspace, channel, message) DO UPDATE SET
                 reply = excluded.reply, thread = COALESCE(excluded.thread, thread),
                 revision = revision + 1, attempts = 0, due_at = excluded.due_at, failure = NULL, dead = 0",
        )
        .bind(platform.as_str())
        .bind(workspace)
        .bind(channel)
        .bind(&wanted.key.message)
        .bind(&wanted.thread)
        .bind(reply)
        .bind(now())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if let Some(cursor) = cursor {
            set_cursor(&mut transaction, &wanted.key.channel, cursor).await?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn advance(&self, channel: &ChannelKey, cursor: Cursor) -> Result<(), StoreError> {
        let mut transaction = self.write().await?;
        set_cursor(&mut transaction, channel, cursor).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn cursor(&self, channel: &ChannelKey) -> Result<Option<Cursor>, StoreError> {
        sqlx::query_scalar("SELECT position FROM cursor WHERE platform = ? AND workspace = ? AND channel = ?")
            .bind(channel.platform.as_str())
            .bind(&channel.workspace)
            .bind(&channel.channel)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)
    }

    async fn known(&self, key: &MessageKey) -> Result<Option<Known>, StoreError> {
        let row = sqlx::query(
            "SELECT reply FROM outbox WHERE platform = ? AND workspace = ? AND channel = ? AND message = ?",
        )
        .bind(key.channel.platform.as_str())
        .bind(&key.channel.workspace)
        .bind(&key.channel.channel)
        .bind(&key.message)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        row.map(|row| Ok(Known { reply: reply(&row)? })).transpose()
    }

    async fn rules_in_thread(
        &self,
        channel: &ChannelKey,
        thread: &str,
        except: &MessageKey,
    ) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar(
            "SELECT DISTINCT json_extract(answer.value, '$.rule') FROM outbox, json_each(outbox.reply, '$.answers') AS answer
             WHERE platform = ?1 AND workspace = ?2 AND channel = ?3 AND (thread = ?4 OR message = ?4) AND message <> ?5
               AND reply IS NOT NULL",
        )
        .bind(channel.platform.as_str())
        .bind(&channel.workspace)
        .bind(&channel.channel)
        .bind(thread)
        .bind(&except.message)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    async fn claim(&self, platform: Platform, lease: Duration, limit: u32) -> Result<Vec<Claimed>, StoreError> {
        let now = now();
        let mut transaction = self.write().await?;
        let rows = sqlx::query(
            "UPDATE outbox SET leased_until = ?1 WHERE id IN (
                 SELECT id FROM outbox WHERE platform = ?2 AND dead = 0 AND delivered_revision < revision
                 AND due_at <= ?3 AND leased_until <= ?3 ORDER BY id LIMIT ?4)
             RETURNING *",
        )
        .bind(now.saturating_add(millis(lease)))
        .bind(platform.as_str())
        .bind(now)
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        let mut claimed = rows.iter().map(read_claimed).collect::<Result<Vec<_>, _>>()?;
        claimed.sort_by_key(|claimed| claimed.id);
        Ok(claimed)
    }

    async fn delivered(&self, claimed: &Claimed, place: Option<&str>) -> Result<(), StoreError> {
        sqlx::query("UPDATE outbox SET place = ?, delivered_revision = ?, attempts = 0, leased_until = 0, failure = NULL WHERE id = ?")
            .bind(place)
            .bind(claimed.revision)
            .bind(claimed.id)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn failed(&self, claimed: &Claimed, reason: &str, retry: Option<Duration>) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE outbox SET attempts = attempts + 1, due_at = ?, leased_until = 0, failure = ?, dead = ? WHERE id = ? AND revision = ?",
        )
        .bind(now().saturating_add(retry.map_or(0, millis)))
        .bind(reason)
        .bind(retry.is_none())
        .bind(claimed.id)
        .bind(claimed.revision)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn next_due(&self, platform: Platform) -> Result<Option<Duration>, StoreError> {
        let due: Option<i64> = sqlx::query_scalar(
            "SELECT MIN(MAX(due_at, leased_until)) FROM outbox WHERE platform = ? AND dead = 0 AND delivered_revision < revision",
        )
        .bind(platform.as_str())
        .fetch_one(&self.pool)
        .await
        .map_err(failed)?;
        Ok(due.map(|due| Duration::from_millis(due.saturating_sub(now()).max(0).unsigned_abs())))
    }
}

async fn set_cursor(
    transaction: &mut sqlx::Transaction<'static, sqlx::Sqlite>,
    channel: &ChannelKey,
    cursor: Cursor,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO cursor (platform, workspace, channel, position) VALUES (?, ?, ?, ?)
         ON CONFLICT (platform, workspace, channel) DO UPDATE SET position = MAX(position, excluded.position)",
    )
    .bind(channel.platform.as_str())
    .bind(&channel.workspace)
    .bind(&channel.channel)
    .bind(cursor)
    .execute(&mut **transaction)
    .await
    .map_err(failed)?;
    Ok(())
}

fn reply(row: &SqliteRow) -> Result<Option<Reply>, StoreError> {
    let json: Option<String> = row.try_get("reply").map_err(failed)?;
    json.map(|json| serde_json::from_str(&json)).transpose().map_err(failed)
}

fn read_claimed(row: &SqliteRow) -> Result<Claimed, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(failed);
    let platform = text("platform")?;
    let platform = Platform::from_word(&platform)
        .ok_or_else(|| StoreError(format!("the outbox has a reply for the unknown platform {platform}").into()))?;
    let channel = ChannelKey { platform, workspace: text("workspace")?, channel: text("channel")? };
    Ok(Claimed {
        id: row.try_get("id").map_err(failed)?,
        wanted: Wanted {
            key: MessageKey { channel, message: text("message")? },
            thread: row.try_get("thread").map_err(failed)?,
            reply: reply(row)?,
        },
        revision: row.try_get("revision").map_err(failed)?,
        delivered: row.try_get("place").map_err(failed)?,
        attempts: row.try_get("attempts").map_err(failed)?,
    })
}
