//! The ports of the bot and of the local workspace on a database: SQLite in one file, or PostgreSQL
//! for several processes. SQL is written here only.
//!
//! Both databases run the same statements: `on!` runs a body on whichever it is, `SqlStore::sql`
//! words the few things that they say differently, and `rows` reads what comes back. What a store
//! must do is in the contract tests (`tests/it/store`), which run on both.

mod copy;
mod dead;
mod holds;
mod leases;
mod local_chat;
mod location;
mod outbox;
mod presence;
mod rows;
mod trouble;
mod upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Pool, Postgres, Sqlite, Transaction};
use tokio::sync::Notify;

pub use self::copy::{CopyError, Counts};
pub use self::dead::DeadLetter;
pub use self::location::Location;
pub use self::presence::{Alone, Busy, Presence};
use self::trouble::failed;
use crate::bot::ports::StoreError;

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations/postgres");

/// How long a writer waits for another one before it reports an error.
const BUSY: Duration = Duration::from_secs(10);
/// Readers beside the one writer of SQLite.
const SQLITE_READERS: u32 = 4;
/// Connections to PostgreSQL of one process. PostgreSQL takes 100 in all by default.
/// <https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-MAX-CONNECTIONS>
const POSTGRES_CONNECTIONS: u32 = 10;
/// One statement with its waiting takes no longer; a network that was cut says nothing by itself.
const STATEMENT_MAX: Duration = Duration::from_secs(30);

/// Why a database cannot be used, with a way out.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be opened, created or reached.
    #[error("cannot open the database {location}: {cause}\n  help: {help}")]
    Open {
        /// Which, without secrets.
        location: String,
        /// What can be done.
        help: &'static str,
        /// What the library says.
        cause: sqlx::Error,
    },
    /// It was made by a later version of this program.
    #[error(
        "the database {location} has version {found}, and this oktriage knows versions up to {known}\n  help: use the newer oktriage that wrote it, or name another database in [storage]"
    )]
    Newer {
        /// Which, without secrets.
        location: String,
        /// The version of the database.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// Its tables cannot be brought up to date.
    #[error(
        "cannot bring the database {location} up to date: {cause}\n  help: it is unchanged; make room and check that it can be written, or name another database in [storage]"
    )]
    Migrate {
        /// Which, without secrets.
        location: String,
        /// What the library says.
        cause: MigrateError,
    },
}

/// Connections for reading and for writing; the same where writers do not exclude each other.
#[derive(Debug)]
struct Sides<DB: sqlx::Database> {
    read: Pool<DB>,
    write: Pool<DB>,
}

#[derive(Debug)]
enum Pools {
    Sqlite(Sides<Sqlite>),
    Postgres(Sides<Postgres>),
}

/// Runs a body, which is compiled for each database, on the one that it is.
macro_rules! on {
    ($store:expr, $side:ident, |$pool:ident| $body:expr) => {
        $crate::store::in_time(async {
            match &*$store.pools {
                $crate::store::Pools::Sqlite(sides) => {
                    let $pool = &sides.$side;
                    $body
                }
                $crate::store::Pools::Postgres(sides) => {
                    let $pool = &sides.$side;
                    $body
                }
            }
        })
        .await
    };
}
use on;

/// Gives a statement up that does not end.
async fn in_time<T>(statement: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    match tokio::time::timeout(STATEMENT_MAX, statement).await {
        Ok(done) => done,
        Err(_) => Err(StoreError("the database does not answer".into())),
    }
}

/// How a database starts a transaction that writes.
trait Begin: sqlx::Database {
    const BEGIN: &'static str;
}

impl Begin for Sqlite {
    /// Taking the write lock at once avoids the deadlock of two readers that both want to write.
    const BEGIN: &'static str = "BEGIN IMMEDIATE";
}

impl Begin for Postgres {
    const BEGIN: &'static str = "BEGIN";
}

async fn begin<DB: Begin>(pool: &Pool<DB>) -> Result<Transaction<'static, DB>, StoreError> {
    pool.begin_with(DB::BEGIN).await.map_err(failed)
}

/// Everything durable, in one database.
#[derive(Debug, Clone)]
pub struct SqlStore {
    pools: Arc<Pools>,
    location: Location,
    /// Told about what other processes may want to know.
    changed: Arc<Notify>,
    clock: Option<Arc<AtomicI64>>,
}

impl SqlStore {
    /// Opens or creates the database and brings its tables up to date.
    pub async fn open(location: &Location) -> Result<Self, OpenError> {
        let pools = match location {
            Location::Sqlite(path) => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    // A commit survives a power failure, not only a crash of this program; commits are rare.
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(BUSY);
                let open = |cause| OpenError::Open {
                    location: location.to_string(),
                    help: "choose a file in a writable directory with [storage] path, or OKTRIAGE__STORAGE__PATH",
                    cause,
                };
                // One writer: several would only wait for each other, and less fairly than in a queue.
                let write = SqlitePoolOptions::new().max_connections(1).before_acquire(|connection, _| {
                    // SQLite ends a transaction by itself when the disk is full, which the library does not see:
                    // it would take every later one for a part of that.
                    let sound = !connection.is_in_transaction();
                    Box::pin(async move { Ok(sound) })
                });
                let write = write.connect_with(options.clone());
                let write = write.await.map_err(open)?;
                SQLITE_MIGRATIONS.run(&write).await.map_err(|error| migrate(location, &SQLITE_MIGRATIONS, error))?;
                let read = SqlitePoolOptions::new().max_connections(SQLITE_READERS).connect_with(options);
                Pools::Sqlite(Sides { read: read.await.map_err(open)?, write })
            }
            Location::Postgres(url) => {
                let open = |cause| OpenError::Open {
                    location: location.to_string(),
                    help: "check that PostgreSQL runs there and lets this user in: storage.url = \"postgres://USER:PASSWORD@HOST:PORT/DATABASE\"",
                    cause,
                };
                let options = session(url.options().map_err(open)?);
                // A pool would only say that it waited in vain.
                let first = tokio::time::timeout(BUSY, PgConnection::connect_with(&options)).await;
                let first = first.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(open)?;
                first.close().await.map_err(open)?;
                let pool = PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(BUSY);
                let pool = pool.connect_with(options).await.map_err(open)?;
                POSTGRES_MIGRATIONS.run(&pool).await.map_err(|error| migrate(location, &POSTGRES_MIGRATIONS, error))?;
                Pools::Postgres(Sides { read: pool.clone(), write: pool })
            }
        };
        Ok(Self { pools: Arc::new(pools), location: location.clone(), changed: Arc::default(), clock: None })
    }

    /// With a clock of its own, in milliseconds since 1970, for simulations.
    pub fn with_clock(self, clock: Arc<AtomicI64>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Closes all connections; what was committed is in the database.
    pub async fn close(&self) {
        match &*self.pools {
            // The last connection of all tidies the file up, and only a writer can.
            Pools::Sqlite(sides) => {
                sides.read.close().await;
                sides.write.close().await;
            }
            Pools::Postgres(sides) => sides.write.close().await,
        }
    }

    /// A statement in the words of the database: `{now}` is the time in milliseconds since 1970, by
    /// the database's own clock, which all processes share; `{skip locked}` leaves out rows that
    /// another process is about to take.
    fn sql(&self, statement: &'static str) -> AssertSqlSafe<String> {
        let (now, skip_locked) = match &*self.pools {
            // One writer at a time needs no locks on rows.
            Pools::Sqlite(_) => ("CAST(unixepoch('subsec') * 1000 AS INTEGER)", ""),
            Pools::Postgres(_) => {
                ("CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000 AS BIGINT)", "FOR UPDATE SKIP LOCKED")
            }
        };
        let now = match &self.clock {
            Some(clock) => format!("CAST({} AS BIGINT)", clock.load(Ordering::SeqCst)),
            None => now.to_owned(),
        };
        AssertSqlSafe(statement.replace("{now}", &now).replace("{skip locked}", skip_locked))
    }
}

fn session(options: PgConnectOptions) -> PgConnectOptions {
    options.application_name("oktriage")
}

fn migrate(location: &Location, known: &Migrator, error: MigrateError) -> OpenError {
    let location = location.to_string();
    let known = known.iter().map(|migration| migration.version).max().unwrap_or_default();
    match error {
        MigrateError::VersionMissing(found) if found > known => OpenError::Newer { location, found, known },
        cause => OpenError::Migrate { location, cause },
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
