//! The outbox and the cursors: posts that were decided but are not confirmed as delivered; what
//! people chose for channels and did with replies.

use std::time::Duration;

use super::holds::held;
use super::rows::Columns;
use super::{SqlStore, begin, failed, millis, on};
use crate::bot::event::{ChannelKey, MessageKey, Platform};
use crate::bot::policy::{ChannelSettings, Cooldown};
use crate::bot::ports::{Claimed, Cursor, Known, Part, Store, StoreError, Wanted};
use crate::reply::{Button, By, Post};

const SET_CURSOR: &str = "INSERT INTO cursor (platform, workspace, channel, position) VALUES ($1, $2, $3, $4)
     ON CONFLICT (platform, workspace, channel) DO UPDATE SET position = excluded.position
     WHERE cursor.position < excluded.position";

/// A time further ahead than any that is noted: a clock was set back, and the row is not made to wait for it.
pub(super) const AHEAD_MAX: i64 = 25 * 3600 * 1000;
/// So much further ahead than a lease from now on: a statement that began earlier may see what a later one
/// wrote, which is no clock that was set back.
const SKEW_MAX: i64 = 5 * 60 * 1000;

impl Store for SqlStore {
    async fn decide(&self, wanted: &Wanted, cursor: Option<Cursor>) -> Result<bool, StoreError> {
        let post = wanted.post.as_ref().map(serde_json::to_string).transpose().map_err(failed)?;
        let ChannelKey { platform, workspace, channel } = &wanted.key.channel;
        // What was decided first stays, unless this decision knew of it. Who has the row claimed keeps it:
        // the next delivery begins when that one has ended.
        let sql = self.sql(
            "INSERT INTO outbox (platform, workspace, channel, message, part, thread, author, posted_at, version, post,
                                 shadow, due_at, decided_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, {now})
             ON CONFLICT (platform, workspace, channel, message, part) DO UPDATE SET
                 post = excluded.post, version = excluded.version, shadow = excluded.shadow,
                 thread = COALESCE(excluded.thread, outbox.thread), author = COALESCE(excluded.author, outbox.author),
                 revision = outbox.revision + 1, attempts = 0, due_at = 0, decided_at = excluded.decided_at,
                 failure = NULL, dead = FALSE
             WHERE outbox.revision = $12",
        );
        let noted = on!(self, write, |pool| {
            let mut transaction = begin(pool).await?;
            let noted = sqlx::query(sql)
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
                .bind(wanted.based_on)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            if let Some(cursor) = cursor {
                let set = sqlx::query(SET_CURSOR).bind(platform.as_str()).bind(workspace).bind(channel).bind(cursor);
                set.execute(&mut *transaction).await.map_err(failed)?;
            }
            transaction.commit().await.map_err(failed)?;
            Ok(noted.rows_affected() > 0)
        })?;
        if noted && !wanted.shadow {
            self.changed.notify_one();
        }
        Ok(noted)
    }

    async fn advance(&self, channel: &ChannelKey, cursor: Cursor) -> Result<(), StoreError> {
        let ChannelKey { platform, workspace, channel } = channel;
        on!(self, write, |pool| {
            let set = sqlx::query(SET_CURSOR).bind(platform.as_str()).bind(workspace).bind(channel).bind(cursor);
            set.execute(pool).await.map_err(failed)?;
            Ok(())
        })
    }

    async fn cursor(&self, channel: &ChannelKey) -> Result<Option<Cursor>, StoreError> {
        on!(self, read, |pool| {
            sqlx::query_scalar("SELECT position FROM cursor WHERE platform = $1 AND workspace = $2 AND channel = $3")
                .bind(channel.platform.as_str())
                .bind(&channel.workspace)
                .bind(&channel.channel)
                .fetch_optional(pool)
                .await
                .map_err(failed)
        })
    }

    async fn known(&self, key: &MessageKey, part: Part) -> Result<Option<Known>, StoreError> {
        on!(self, read, |pool| {
            let row = sqlx::query(
                "SELECT * FROM outbox WHERE platform = $1 AND workspace = $2 AND channel = $3 AND message = $4 AND part = $5",
            )
            .bind(key.channel.platform.as_str())
            .bind(&key.channel.workspace)
            .bind(&key.channel.channel)
            .bind(&key.message)
            .bind(part.as_str())
            .fetch_optional(pool)
            .await
            .map_err(failed)?;
            row.map(|row| Ok(Known { wanted: read_wanted(&row)?, place: row.text_if_any("place")? })).transpose()
        })
    }

    async fn answered_since(&self, channel: &ChannelKey, author: Option<&str>, since: i64) -> Result<u32, StoreError> {
        on!(self, read, |pool| {
            let count: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM outbox WHERE platform = $1 AND workspace = $2 AND channel = $3 AND posted_at > $4
                 AND (CAST($5 AS TEXT) IS NULL OR author = $5) AND part = 'reply' AND post IS NOT NULL AND NOT shadow",
            )
            .bind(channel.platform.as_str())
            .bind(&channel.workspace)
            .bind(&channel.channel)
            .bind(since)
            .bind(author)
            .fetch_one(pool)
            .await
            .map_err(failed)?;
            Ok(counted(count))
        })
    }

    async fn shadowed(&self, channel: &ChannelKey) -> Result<u32, StoreError> {
        on!(self, read, |pool| {
            let count: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM outbox WHERE platform = $1 AND workspace = $2 AND channel = $3 AND shadow AND post IS NOT NULL",
            )
            .bind(channel.platform.as_str())
            .bind(&channel.workspace)
            .bind(&channel.channel)
            .fetch_one(pool)
            .await
            .map_err(failed)?;
            Ok(counted(count))
        })
    }

    async fn answered_messages(
        &self,
        platform: Platform,
        since: i64,
        limit: u32,
    ) -> Result<Vec<(MessageKey, Option<String>)>, StoreError> {
        on!(self, read, |pool| {
            let rows = sqlx::query(
                "SELECT platform, workspace, channel, message, thread FROM outbox
                 WHERE platform = $1 AND posted_at > $2 AND part = 'reply' AND post IS NOT NULL AND NOT shadow
                 ORDER BY posted_at DESC LIMIT $3",
            )
            .bind(platform.as_str())
            .bind(since)
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await
            .map_err(failed)?;
            rows.iter().map(|row| Ok((read_key(row)?, row.text_if_any("thread")?))).collect()
        })
    }

    async fn note_feedback(
        &self,
        key: &MessageKey,
        rules: &[String],
        button: Button,
        by: &By,
    ) -> Result<(), StoreError> {
        let rules = serde_json::to_string(rules).map_err(failed)?;
        on!(self, write, |pool| {
            sqlx::query(
                "INSERT INTO feedback (platform, workspace, channel, message, rules, button, person, at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(key.channel.platform.as_str())
            .bind(&key.channel.workspace)
            .bind(&key.channel.channel)
            .bind(&key.message)
            .bind(rules)
            .bind(button.as_str())
            .bind(&by.person)
            .bind(by.at)
            .execute(pool)
            .await
            .map_err(failed)?;
            Ok(())
        })
    }

    async fn chosen_channels(&self) -> Result<Vec<(ChannelKey, Option<ChannelSettings>)>, StoreError> {
        on!(self, read, |pool| {
            let rows = sqlx::query("SELECT * FROM channel").fetch_all(pool).await.map_err(failed)?;
            rows.iter().map(read_channel).collect()
        })
    }

    async fn choose_channel(
        &self,
        channel: &ChannelKey,
        settings: Option<&ChannelSettings>,
        by: &str,
    ) -> Result<(), StoreError> {
        let sql = self.sql(
            "INSERT INTO channel (platform, workspace, channel, scope, mode, support_role, cooldown, chosen_by, chosen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, {now})
             ON CONFLICT (platform, workspace, channel) DO UPDATE SET
                 scope = excluded.scope, mode = excluded.mode, support_role = excluded.support_role,
                 cooldown = excluded.cooldown, chosen_by = excluded.chosen_by, chosen_at = excluded.chosen_at",
        );
        on!(self, write, |pool| {
            sqlx::query(sql)
                .bind(channel.platform.as_str())
                .bind(&channel.workspace)
                .bind(&channel.channel)
                .bind(settings.map(|settings| settings.scope.as_str()))
                .bind(settings.map(|settings| settings.mode.as_str()))
                .bind(settings.and_then(|settings| settings.support_role.as_deref()))
                .bind(settings.and_then(|settings| settings.cooldown).map(|cooldown| cooldown.to_string()))
                .bind(by)
                .execute(pool)
                .await
                .map_err(failed)?;
            Ok(())
        })
    }

    async fn rules_in_thread(
        &self,
        channel: &ChannelKey,
        thread: &str,
        except: &MessageKey,
    ) -> Result<Vec<String>, StoreError> {
        let posts: Vec<String> = on!(self, read, |pool| {
            sqlx::query_scalar(
                "SELECT post FROM outbox
                 WHERE platform = $1 AND workspace = $2 AND channel = $3 AND thread = $4 AND message <> $5
                   AND part = 'reply' AND post IS NOT NULL AND NOT shadow
                 UNION ALL
                 SELECT post FROM outbox
                 WHERE platform = $1 AND workspace = $2 AND channel = $3 AND message = $4 AND message <> $5
                   AND part = 'reply' AND post IS NOT NULL AND NOT shadow",
            )
            .bind(channel.platform.as_str())
            .bind(&channel.workspace)
            .bind(&channel.channel)
            .bind(thread)
            .bind(&except.message)
            .fetch_all(pool)
            .await
            .map_err(failed)
        })?;
        let mut rules = Vec::new();
        for json in posts {
            // One that a later version wrote must not keep the thread from being answered.
            let Ok(post) = serde_json::from_str::<Post>(&json) else { continue };
            let answers = post.reply().map(|reply| reply.answers.as_slice()).unwrap_or_default();
            rules.extend(answers.iter().map(|answer| answer.rule.clone()));
        }
        rules.sort_unstable();
        rules.dedup();
        Ok(rules)
    }

    async fn claim(&self, platform: Platform, lease: Duration, limit: u32) -> Result<Vec<Claimed>, StoreError> {
        let lease = millis(lease);
        // A lease that ends much later than one taken now would was given before the clock was set back.
        let sql = self.sql(concat!(
            "WITH due AS MATERIALIZED (
                 SELECT id FROM outbox WHERE platform = $1 AND NOT dead AND NOT shadow AND delivered_revision < revision
                 AND (due_at <= {now} OR due_at > {now} + $2) AND (leased_until <= {now} OR leased_until > {now} + $4)
                 AND NOT ",
            held!(),
            " ORDER BY id LIMIT $5 {skip locked})
             UPDATE outbox SET leased_until = {now} + $3, attempts = attempts + 1, unrecorded = unrecorded + 1,
                 claim = claim + 1
             WHERE id IN (SELECT id FROM due)
             RETURNING *",
        ));
        let rows = on!(self, write, |pool| {
            let rows = sqlx::query(sql)
                .bind(platform.as_str())
                .bind(AHEAD_MAX)
                .bind(lease)
                .bind(lease.saturating_add(SKEW_MAX))
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
                .map_err(failed)?;
            rows.iter().map(|row| Ok((row.number("id")?, read_claimed(row)))).collect::<Result<Vec<_>, StoreError>>()
        })?;
        let mut claimed = Vec::with_capacity(rows.len());
        for (id, row) in rows {
            match row {
                Ok(row) => claimed.push(row),
                // One that cannot be read must not keep the others from being delivered.
                Err(error) => self.bury(id, &error).await?,
            }
        }
        claimed.sort_by_key(|claimed| claimed.id);
        Ok(claimed)
    }

    async fn delivered(&self, claimed: &Claimed, place: Option<&str>) -> Result<(), StoreError> {
        on!(self, write, |pool| {
            sqlx::query(
                "UPDATE outbox SET place = $1, delivered_revision = $2, attempts = 0, unrecorded = 0, leased_until = 0,
                     due_at = 0, failure = NULL
                 WHERE id = $3 AND claim = $4",
            )
            .bind(place)
            .bind(claimed.revision)
            .bind(claimed.id)
            .bind(claimed.claim)
            .execute(pool)
            .await
            .map_err(failed)?;
            Ok(())
        })
    }

    async fn failed(&self, claimed: &Claimed, reason: &str, retry: Option<Duration>) -> Result<(), StoreError> {
        // The pause also holds for what was decided meanwhile: it is the platform that asks for it.
        let sql = self.sql(
            "UPDATE outbox SET leased_until = 0, due_at = {now} + $1,
                 failure = CASE WHEN revision = $2 THEN $3 ELSE failure END,
                 dead = CASE WHEN revision = $2 THEN $4 ELSE dead END
             WHERE id = $5 AND claim = $6",
        );
        on!(self, write, |pool| {
            sqlx::query(sql)
                .bind(retry.map_or(0, millis).min(AHEAD_MAX))
                .bind(claimed.revision)
                .bind(reason)
                .bind(retry.is_none())
                .bind(claimed.id)
                .bind(claimed.claim)
                .execute(pool)
                .await
                .map_err(failed)?;
            Ok(())
        })
    }

    async fn hold(&self, platform: Platform, channel: Option<&ChannelKey>, time: Duration) -> Result<(), StoreError> {
        self.note_hold(platform, channel, time).await
    }

    async fn next_due(&self, platform: Platform) -> Result<Option<Duration>, StoreError> {
        let sql = self.sql(concat!(
            "SELECT MIN(due) - {now} FROM (
                 SELECT CASE WHEN due_at > leased_until THEN due_at ELSE leased_until END AS due FROM outbox
                 WHERE platform = $1 AND NOT dead AND NOT shadow AND delivered_revision < revision AND NOT ",
            held!(),
            " UNION ALL
                 SELECT held_until FROM hold WHERE platform = $1 AND held_until > {now} AND held_until <= {now} + $2
             ) AS waiting",
        ));
        let due: Option<i64> = on!(self, read, |pool| {
            let query = sqlx::query_scalar(sql).bind(platform.as_str()).bind(AHEAD_MAX);
            query.fetch_one(pool).await.map_err(failed)
        })?;
        Ok(due.map(|due| Duration::from_millis(due.max(0).unsigned_abs())))
    }
}

impl SqlStore {
    /// Gives up a row whose content cannot be read.
    async fn bury(&self, id: i64, error: &StoreError) -> Result<(), StoreError> {
        let reason = format!("cannot be read: {error}");
        tracing::error!(id, reason, "cannot be delivered, given up");
        on!(self, write, |pool| {
            sqlx::query("UPDATE outbox SET dead = TRUE, leased_until = 0, failure = $1 WHERE id = $2")
                .bind(reason)
                .bind(id)
                .execute(pool)
                .await
                .map_err(failed)?;
            Ok(())
        })
    }
}

/// A count as the ports have it.
fn counted(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn read_channel_key(row: &impl Columns) -> Result<ChannelKey, StoreError> {
    Ok(ChannelKey {
        platform: row.keyword("platform")?,
        workspace: row.text("workspace")?,
        channel: row.text("channel")?,
    })
}

pub(super) fn read_key(row: &impl Columns) -> Result<MessageKey, StoreError> {
    Ok(MessageKey { channel: read_channel_key(row)?, message: row.text("message")? })
}

fn read_channel(row: &impl Columns) -> Result<(ChannelKey, Option<ChannelSettings>), StoreError> {
    let settings = match row.text_if_any("scope")? {
        Some(_) => Some(ChannelSettings {
            scope: row.keyword("scope")?,
            mode: row.keyword("mode")?,
            support_role: row.text_if_any("support_role")?,
            cooldown: row.text_if_any("cooldown")?.as_deref().and_then(Cooldown::parse),
        }),
        None => None,
    };
    Ok((read_channel_key(row)?, settings))
}

fn read_wanted(row: &impl Columns) -> Result<Wanted, StoreError> {
    Ok(Wanted {
        key: read_key(row)?,
        part: row.keyword("part")?,
        thread: row.text_if_any("thread")?,
        author: row.text_if_any("author")?,
        posted_at: row.number("posted_at")?,
        version: row.number("version")?,
        post: row.json_if_any("post")?,
        shadow: row.flag("shadow")?,
        based_on: Some(row.number("revision")?),
    })
}

fn read_claimed(row: &impl Columns) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        id: row.number("id")?,
        wanted: read_wanted(row)?,
        revision: row.number("revision")?,
        delivered: row.text_if_any("place")?,
        // The claim itself was counted.
        attempts: counted(row.number("attempts")?.saturating_sub(1)),
        claim: row.number("claim")?,
        uncertain: row.number("unrecorded")? > 1,
    })
}
