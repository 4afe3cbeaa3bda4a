//! Who uses a database: bots beside each other, or one restore alone. And how the bots hear of each
//! other's changes.

use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

use sqlx::postgres::PgListener;
use sqlx::{Postgres, Sqlite};
use tokio::sync::watch;
use tracing::warn;

use super::{Location, Pools, SqlStore, failed};
use crate::bot::ports::StoreError;

/// PostgreSQL's advisory lock that bots share and a restore has alone: "oktriage" as a number.
const LOCK: i64 = i64::from_be_bytes(*b"oktriage");
/// PostgreSQL's channel of notifications.
const CHANNEL: &str = "oktriage";
/// Changes within this time are told once. PostgreSQL lets one transaction with a notification commit at a
/// time, so it is not sent with each decision.
const TELL_EVERY: Duration = Duration::from_millis(20);
/// SQLite is asked this often whether another connection has written; it answers from memory.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A bot that starts looks at most so long whether it is alone.
const ALONE_MAX: Duration = Duration::from_secs(2);
/// The pause when the database cannot be reached.
const RETRY: Duration = Duration::from_secs(1);

/// Why a database cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Busy {
    /// A bot uses it.
    #[error("a bot is running on the database {0}\n  help: stop it first")]
    Bot(String),
    /// A restore or a move is under way.
    #[error("the database {0} is being restored or moved\n  help: wait until that is done")]
    Restore(String),
    /// It cannot be told.
    #[error(transparent)]
    Store(#[from] StoreError),
}

enum Held {
    Sqlite { _lock: File },
    Postgres(Box<PgListener>),
}

/// A bot's presence in a database; it ends when it is dropped, and when the process dies.
pub struct Presence {
    store: SqlStore,
    held: Held,
    /// Tells its own notifications from others'.
    name: String,
}

/// A database that nobody else uses; until it is dropped.
pub struct Alone {
    _sqlite: Option<File>,
    _postgres: Option<sqlx::pool::PoolConnection<Postgres>>,
}

impl SqlStore {
    /// Takes part in the database beside other bots. Where there are none on a file, whoever held a name before is
    /// dead, and nobody need wait until its lease ends. PostgreSQL forgets the locks of the living when it crashes.
    pub async fn enter(&self) -> Result<Presence, Busy> {
        if let Pools::Sqlite(_) = &*self.pools {
            match self.alone().await {
                Ok(_alone) => self.free_names().await?,
                Err(Busy::Bot(_) | Busy::Restore(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let waiting_since = Instant::now();
        loop {
            if let Some(held) = self.share().await? {
                return Ok(Presence { store: self.clone(), held, name: instance() });
            }
            // Another bot may be just here, looking whether it is alone.
            if waiting_since.elapsed() > ALONE_MAX {
                return Err(Busy::Restore(self.location.to_string()));
            }
            tokio::time::sleep(ALONE_MAX / 20).await;
        }
    }

    /// Takes the lock that bots share; `None` when somebody has the database for itself.
    async fn share(&self) -> Result<Option<Held>, StoreError> {
        match &*self.pools {
            Pools::Sqlite(_) => {
                let lock = self.lock_file()?;
                match lock.try_lock_shared() {
                    Ok(()) => Ok(Some(Held::Sqlite { _lock: lock })),
                    Err(TryLockError::WouldBlock) => Ok(None),
                    Err(TryLockError::Error(error)) => Err(failed(error)),
                }
            }
            Pools::Postgres(sides) => {
                let mut listener = PgListener::connect_with(&sides.write).await.map_err(failed)?;
                listener.ignore_pool_close_event(false);
                listener.listen(CHANNEL).await.map_err(failed)?;
                let shared = share(&mut listener).await?;
                Ok(shared.then(|| Held::Postgres(Box::new(listener))))
            }
        }
    }

    /// Takes the database for itself, if no bot is on it.
    pub async fn alone(&self) -> Result<Alone, Busy> {
        match &*self.pools {
            Pools::Sqlite(_) => {
                let lock = self.lock_file()?;
                match lock.try_lock() {
                    Ok(()) => Ok(Alone { _sqlite: Some(lock), _postgres: None }),
                    Err(TryLockError::WouldBlock) => Err(Busy::Bot(self.location.to_string())),
                    Err(TryLockError::Error(error)) => Err(Busy::Store(failed(error))),
                }
            }
            Pools::Postgres(sides) => {
                let mut connection = sides.write.acquire().await.map_err(failed)?;
                // The lock ends with the connection.
                connection.close_on_drop();
                let query = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK);
                let locked: bool = query.fetch_one(&mut *connection).await.map_err(failed)?;
                match locked {
                    true => Ok(Alone { _sqlite: None, _postgres: Some(connection) }),
                    false => Err(Busy::Bot(self.location.to_string())),
                }
            }
        }
    }

    /// The file beside the database that is locked: SQLite's own locks come and go with transactions.
    fn lock_file(&self) -> Result<File, StoreError> {
        let Location::Sqlite(path) = &self.location else { return Err(StoreError("no file".into())) };
        let mut path = path.clone().into_os_string();
        path.push(".lock");
        OpenOptions::new().write(true).create(true).truncate(false).open(path).map_err(failed)
    }
}

/// Takes the lock that bots share, on the connection of the listener.
async fn share(listener: &mut PgListener) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar("SELECT pg_try_advisory_lock_shared($1)").bind(LOCK);
    query.fetch_one(listener).await.map_err(failed)
}

impl Presence {
    /// Calls `look` whenever something may have changed in the database, and tells other processes
    /// when this one changed something; until told to stop.
    pub async fn follow(self, look: impl Fn() + Send + Sync + 'static, mut shutdown: watch::Receiver<bool>) {
        let Self { store, held, name } = self;
        let stopped = async {
            // An error means that nobody is left to stop this.
            let _ = shutdown.wait_for(|stop| *stop).await;
        };
        tokio::select! {
            () = stopped => {}
            () = async {
                match (held, &*store.pools) {
                    (Held::Postgres(listener), Pools::Postgres(sides)) => {
                        tokio::join!(hear(*listener, &name, &look), tell(&sides.write, &store, &name));
                    }
                    (_lock, Pools::Sqlite(sides)) => watch_file(&sides.read, &look).await,
                    (Held::Sqlite { .. }, Pools::Postgres(_)) => {}
                }
            } => {}
        }
    }
}

/// Tells the other processes what this one changed. Should it die before, they find it by themselves, later.
async fn tell(pool: &sqlx::Pool<Postgres>, store: &SqlStore, name: &str) {
    loop {
        store.changed.notified().await;
        let query = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(name);
        if let Err(error) = query.execute(pool).await {
            warn!(error = %failed(error), "other processes were not told of changes; they look by themselves");
            tokio::time::sleep(RETRY).await;
        }
        tokio::time::sleep(TELL_EVERY).await;
    }
}

async fn hear(mut listener: PgListener, name: &str, look: &impl Fn()) {
    loop {
        match listener.try_recv().await {
            Ok(Some(notification)) if notification.payload() == name => {}
            Ok(Some(_)) => look(),
            // The connection was lost and is there again; what was told in between is not known.
            Ok(None) => {
                match share(&mut listener).await {
                    Ok(true) => {}
                    Ok(false) => warn!("the database is being restored or moved while this bot runs: restart it"),
                    Err(error) => warn!(error = %error, "the database was lost again"),
                }
                look();
            }
            Err(error) => {
                warn!(error = %failed(error), "changes of other processes are not heard of; looking again");
                tokio::time::sleep(RETRY).await;
                look();
            }
        }
    }
}

/// Looks whether the file was changed by another connection, of this process or another.
async fn watch_file(pool: &sqlx::Pool<Sqlite>, look: &impl Fn()) {
    let mut seen = None;
    // The number is only comparable on one connection.
    let mut connection = None;
    loop {
        if connection.is_none() {
            connection = pool.acquire().await.ok();
        }
        if let Some(on) = &mut connection {
            match sqlx::query_scalar::<_, i64>("PRAGMA data_version").fetch_one(&mut **on).await {
                Ok(version) => {
                    if seen.replace(version).is_some_and(|seen| seen != version) {
                        look();
                    }
                }
                Err(_) => connection = None,
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// A name that no other process has.
pub(crate) fn instance() -> String {
    let mut name = String::new();
    for _ in 0..2 {
        let random = RandomState::new().build_hasher().finish();
        name.push_str(&format!("{random:016x}"));
    }
    name
}
