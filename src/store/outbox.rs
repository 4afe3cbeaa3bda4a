//! The outbox and the cursors: posts that were decided but are not confirmed as delivered; what
//! people chose for channels and did with replies.

use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{SqliteStore, failed, millis, now};
use crate::bot::event::{ChannelKey, MessageKey, Platform};
use crate::bot::policy::{ChannelSettings, Mode};
use crate::bot::ports::{Claimed, Cursor, Known, Part, Store, StoreError, Wanted};
use crate::reply::{Button, By};
use crate::rules::{Keyword, Scope};

impl Store for SqliteStore {
    async fn decide(&self, wanted: &Wanted, cursor: Option<Cursor>) -> Result<bool, StoreError> {
        let post = wanted.post.as_ref().map(serde_json::to_string).transpose().map_err(failed)?;
        let ChannelKey { platform, workspace, channel } = &wanted.key.channel;
        let mut transaction = self.write().await?;
        // What was decided first stays, unless this decision knew of it.
        let noted = sqlx::query(
            "INSERT INTO outbox (platform, workspace, channel, message, part, thread, author, posted_at, version, post, shadow, due_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (platform, workspace, channel, message, part) DO UPDATE SET
                 post = excluded.post, version = excluded.version, shadow = excluded.shadow,
                 thread = COALESCE(excluded.thread, thread), author = COALESCE(excluded.author, author),
                 revision = revision + 1, attempts = (place IS NULL AND attempts > 0), due_at = excluded.due_at, failure = NULL, dead = 0
             WHERE revision = ?13",
        )
        .bind(platform.as_str())
        .bind(workspace)
        .bind(channel)
        .bind(&wanted.key.message)
        .bind(wanted.part.as_str())
        .bind(&wanted.thread)
        .bind(&wanted.author)
        .bind(wanted.posted_at)
        .bind(wanted.version)
        .bind(post)
        .bind(wanted.shadow)
        .bind(now())
        .bind(wanted.based_on)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if let Some(cursor) = cursor {
            set_cursor(&mut transaction, &wanted.key.channel, cursor).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(noted.rows_affected() > 0)
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

    async fn known(&self, key: &MessageKey, part: Part) -> Result<Option<Known>, StoreError> {
        let row = sqlx::query(
            "SELECT * FROM outbox WHERE platform = ? AND workspace = ? AND channel = ? AND message = ? AND part = ?",
        )
        .bind(key.channel.platform.as_str())
        .bind(&key.channel.workspace)
        .bind(&key.channel.channel)
        .bind(&key.message)
        .bind(part.as_str())
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        row.map(|row| Ok(Known { wanted: read_wanted(&row)?, place: row.try_get("place").map_err(failed)? }))
            .transpose()
    }

    async fn answered_since(&self, channel: &ChannelKey, author: Option<&str>, since: i64) -> Result<u32, StoreError> {
        sqlx::query_scalar(
            "SELECT COUNT(*) FROM outbox WHERE platform = ?1 AND workspace = ?2 AND channel = ?3 AND posted_at > ?4
             AND (?5 IS NULL OR author = ?5) AND part = 'reply' AND post IS NOT NULL AND shadow = 0",
        )
        .bind(channel.platform.as_str())
        .bind(&channel.workspace)
        .bind(&channel.channel)
        .bind(since)
        .bind(author)
        .fetch_one(&self.pool)
        .await
        .map_err(failed)
    }

    async fn shadowed(&self, channel: &ChannelKey) -> Result<u32, StoreError> {
        sqlx::query_scalar(
            "SELECT COUNT(*) FROM outbox WHERE platform = ? AND workspace = ? AND channel = ? AND shadow = 1 AND post IS NOT NULL",
        )
        .bind(channel.platform.as_str())
        .bind(&channel.workspace)
        .bind(&channel.channel)
        .fetch_one(&self.pool)
        .await
        .map_err(failed)
    }

    async fn answered_messages(
        &self,
        platform: Platform,
        since: i64,
        limit: u32,
    ) -> Result<Vec<(MessageKey, Option<String>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT * FROM outbox WHERE platform = ? AND posted_at > ? AND part = 'reply' AND post IS NOT NULL AND shadow = 0
             ORDER BY posted_at DESC LIMIT ?",
        )
        .bind(platform.as_str())
        .bind(since)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.iter().map(|row| read_wanted(row).map(|wanted| (wanted.key, wanted.thread))).collect()
    }

    async fn note_feedback(
        &self,
        key: &MessageKey,
        rules: &[String],
        button: Button,
        by: &By,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO feedback (platform, workspace, channel, message, rules, button, person, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(key.channel.platform.as_str())
        .bind(&key.channel.workspace)
        .bind(&key.channel.channel)
        .bind(&key.message)
        .bind(serde_json::to_string(rules).map_err(failed)?)
        .bind(button.as_str())
        .bind(&by.person)
        .bind(by.at)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn chosen_channels(&self) -> Result<Vec<(ChannelKey, Option<ChannelSettings>)>, StoreError> {
        let rows = sqlx::query("SELECT * FROM channel").fetch_all(&self.pool).await.map_err(failed)?;
        rows.iter().map(read_channel).collect()
    }

    async fn choose_channel(
        &self,
        channel: &ChannelKey,
        settings: Option<&ChannelSettings>,
        by: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT OR REPLACE INTO channel (platform, workspace, channel, scope, mode, support_role, chosen_by, chosen_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(channel.platform.as_str())
        .bind(&channel.workspace)
        .bind(&channel.channel)
        .bind(settings.map(|settings| settings.scope.as_str()))
        .bind(settings.map(|settings| settings.mode.as_str()))
        .bind(settings.and_then(|settings| settings.support_role.as_deref()))
        .bind(by)
        .bind(now())
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn rules_in_thread(
        &self,
        channel: &ChannelKey,
        thread: &str,
        except: &MessageKey,
    ) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar(
            "SELECT DISTINCT json_extract(answer.value, '$.rule')
             FROM outbox, json_each(outbox.post, '$.reply.answers') AS answer
             WHERE platform = ?1 AND workspace = ?2 AND channel = ?3 AND (thread = ?4 OR message = ?4) AND message <> ?5
               AND part = 'reply' AND post IS NOT NULL AND shadow = 0",
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
            "UPDATE outbox SET leased_until = ?1, attempts = attempts + 1 WHERE id IN (
                 SELECT id FROM outbox WHERE platform = ?2 AND dead = 0 AND shadow = 0 AND delivered_revision < revision
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
            "UPDATE outbox SET due_at = ?, leased_until = 0, failure = ?, dead = ? WHERE id = ? AND revision = ?",
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
            "SELECT MIN(MAX(due_at, leased_until)) FROM outbox WHERE platform = ? AND dead = 0 AND shadow = 0 AND delivered_revision < revision",
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

fn read_channel_key(row: &SqliteRow) -> Result<ChannelKey, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(failed);
    let platform = keyword(&text("platform")?)?;
    Ok(ChannelKey { platform, workspace: text("workspace")?, channel: text("channel")? })
}

fn read_channel(row: &SqliteRow) -> Result<(ChannelKey, Option<ChannelSettings>), StoreError> {
    let text = |column| row.try_get::<Option<String>, _>(column).map_err(failed);
    let settings = match (text("scope")?, text("mode")?) {
        (Some(scope), Some(mode)) => Some(ChannelSettings {
            scope: keyword::<Scope>(&scope)?,
            mode: keyword::<Mode>(&mode)?,
            support_role: text("support_role")?,
        }),
        _ => None,
    };
    Ok((read_channel_key(row)?, settings))
}

/// A stored word as its value; another version of this program may have written one that is unknown here.
fn keyword<K: Keyword>(word: &str) -> Result<K, StoreError> {
    K::from_word(word).ok_or_else(|| StoreError(format!("the database has the unknown word {word}").into()))
}

fn read_wanted(row: &SqliteRow) -> Result<Wanted, StoreError> {
    let post: Option<String> = row.try_get("post").map_err(failed)?;
    Ok(Wanted {
        key: MessageKey { channel: read_channel_key(row)?, message: row.try_get("message").map_err(failed)? },
        part: keyword(&row.try_get::<String, _>("part").map_err(failed)?)?,
        thread: row.try_get("thread").map_err(failed)?,
        author: row.try_get("author").map_err(failed)?,
        posted_at: row.try_get("posted_at").map_err(failed)?,
        version: row.try_get("version").map_err(failed)?,
        post: post.map(|json| serde_json::from_str(&json)).transpose().map_err(failed)?,
        shadow: row.try_get("shadow").map_err(failed)?,
        based_on: row.try_get("revision").map_err(failed)?,
    })
}

fn read_claimed(row: &SqliteRow) -> Result<Claimed, StoreError> {
    // The claim itself was counted.
    let attempts: u32 = row.try_get("attempts").map_err(failed)?;
    Ok(Claimed {
        id: row.try_get("id").map_err(failed)?,
        wanted: read_wanted(row)?,
        revision: row.try_get("revision").map_err(failed)?,
        delivered: row.try_get("place").map_err(failed)?,
        attempts: attempts.saturating_sub(1),
    })
}
