//! The ports of the bot and of the local workspace on a database. SQL is written here only.

mod local_chat;
mod outbox;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::SqlitePool;
use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::bot::ports::StoreError;

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// How long a writer waits for another one before it reports an error.
const BUSY: Duration = Duration::from_secs(10);
/// Readers beside the one writer.
const CONNECTIONS: u32 = 4;

/// Why a database cannot be used, with a way out.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be opened or created.
    #[error(
        "cannot open the database {path}: {source}\n  help: choose a file in a writable directory with [storage] path, or OKTRIAGE__STORAGE__PATH"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// What the library says.
        source: sqlx::Error,
    },
    /// Its tables are not those of this program, or of a later version.
    #[error(
        "cannot bring the database {path} up to date: {source}\n  help: it may come from a newer oktriage; use that version, or another file"
    )]
    Migrate {
        /// The file.
        path: PathBuf,
        /// What the library says.
        source: sqlx::migrate::MigrateError,
    },
}

/// Everything durable, in one SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
}

impl SqliteStore {
    /// Opens or creates the file and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit survives a power failure, not only a crash of this program; commits are rare.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY);
        let open = |source| OpenError::Open { path: path.to_owned(), source };
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await.map_err(open)?;
        MIGRATIONS.run(&pool).await.map_err(|source| OpenError::Migrate { path: path.to_owned(), source })?;
        Ok(Self { pool })
    }

    /// Closes the file; what was committed is in it.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Starts a transaction that writes. Taking the write lock at once avoids the deadlock of two
    /// readers that both want to become writers.
    async fn write(&self) -> Result<sqlx::Transaction<'static, sqlx::Sqlite>, StoreError> {
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(failed)
    }
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError(Box::new(error))
}

/// Milliseconds since 1970.
fn now() -> i64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
