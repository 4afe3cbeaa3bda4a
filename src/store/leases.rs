//! Names that one live process holds at a time.

use std::time::Duration;

use super::{SqlStore, failed, millis, on};
use crate::bot::ports::{Lease, Leases, StoreError};

/// The longest lease, in milliseconds.
const LEASE_MAX: i64 = 60_000;
/// One that ends so much later than now was taken before the clock was set back. That is more than a lease: a
/// statement that began earlier may see what a later one wrote.
const AHEAD_MAX: i64 = LEASE_MAX + 5 * 60_000;

impl Leases for SqlStore {
    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<Option<Lease>, StoreError> {
        let sql = self.sql(
            "INSERT INTO lease (name, holder, fence, held_until) VALUES ($1, $2, 1, {now} + $3)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fence = lease.fence + 1,
                 held_until = excluded.held_until
             WHERE lease.holder = excluded.holder OR lease.held_until <= {now} OR lease.held_until > {now} + $4
             RETURNING fence",
        );
        let fence: Option<i64> = on!(self, write, |pool| {
            let query =
                sqlx::query_scalar(sql).bind(name).bind(holder).bind(millis(ttl).min(LEASE_MAX)).bind(AHEAD_MAX);
            query.fetch_optional(pool).await.map_err(failed)
        })?;
        Ok(fence.map(|fence| Lease { name: name.to_owned(), holder: holder.to_owned(), fence }))
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, StoreError> {
        let sql = self.sql(
            "UPDATE lease SET held_until = {now} + $1 WHERE name = $2 AND holder = $3 AND fence = $4 AND held_until > {now}",
        );
        on!(self, write, |pool| {
            let query = sqlx::query(sql).bind(millis(ttl).min(LEASE_MAX));
            let query = query.bind(&lease.name).bind(&lease.holder).bind(lease.fence);
            Ok(query.execute(pool).await.map_err(failed)?.rows_affected() > 0)
        })
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        on!(self, write, |pool| {
            // The row stays: the fence must go on growing.
            sqlx::query("UPDATE lease SET held_until = 0 WHERE name = $1 AND holder = $2 AND fence = $3")
                .bind(&lease.name)
                .bind(&lease.holder)
                .bind(lease.fence)
                .execute(pool)
                .await
                .map_err(failed)?;
            Ok(())
        })
    }
}

impl SqlStore {
    /// Gives back all names: their holders are dead.
    pub(super) async fn free_names(&self) -> Result<(), StoreError> {
        on!(self, write, |pool| {
            sqlx::query("UPDATE lease SET held_until = 0 WHERE held_until > 0").execute(pool).await.map_err(failed)?;
            Ok(())
        })
    }
}
