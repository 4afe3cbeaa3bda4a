//! Pauses that a platform asked one process for, and that all of them keep.

use std::time::Duration;

use super::{SqlStore, failed, millis, on};
use crate::bot::event::{ChannelKey, Platform};
use crate::bot::ports::StoreError;

/// Whether nothing is sent to the channel of an outbox row for now. `$2` is how far ahead a pause may end at most; one
/// that ends later was noted before the clock was set back.
macro_rules! held {
    () => {
        "EXISTS (SELECT 1 FROM hold
                 WHERE hold.platform = outbox.platform AND hold.held_until > {now} AND hold.held_until <= {now} + $2
                   AND ((hold.workspace = outbox.workspace AND hold.channel = outbox.channel)
                        OR (hold.workspace = '' AND hold.channel = '')))"
    };
}
pub(super) use held;

impl SqlStore {
    /// Notes a pause; one that is noted already is not made shorter.
    pub(super) async fn note_hold(
        &self,
        platform: Platform,
        channel: Option<&ChannelKey>,
        time: Duration,
    ) -> Result<(), StoreError> {
        let (workspace, channel) = channel.map_or(("", ""), |key| (&key.workspace, &key.channel));
        let sql = self.sql(
            "INSERT INTO hold (platform, workspace, channel, held_until) VALUES ($1, $2, $3, {now} + $4)
             ON CONFLICT (platform, workspace, channel) DO UPDATE SET held_until = excluded.held_until
             WHERE hold.held_until < excluded.held_until OR hold.held_until > {now} + $5",
        );
        on!(self, write, |pool| {
            let query = sqlx::query(sql).bind(platform.as_str()).bind(workspace).bind(channel);
            let query = query.bind(millis(time).min(super::outbox::AHEAD_MAX)).bind(super::outbox::AHEAD_MAX);
            query.execute(pool).await.map_err(failed)?;
            Ok(())
        })
    }

    /// Deletes pauses that are over.
    pub(super) async fn forget_holds(&self) -> Result<(), StoreError> {
        let sql = self.sql("DELETE FROM hold WHERE held_until <= {now}");
        on!(self, write, |pool| {
            sqlx::query(sql).execute(pool).await.map_err(failed)?;
            Ok(())
        })
    }
}
