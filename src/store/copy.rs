//! Copies everything from one database into another: backups, restores, and the way from SQLite to
//! PostgreSQL. All of it arrives, compared row by row, or nothing.

use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt as _;
use sqlx::AssertSqlSafe;

use super::rows::Columns;
use super::{Location, OpenError, Pools, SqlStore, begin, failed};
use crate::bot::ports::StoreError;

/// What a column holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Number,
    Flag,
}

use Kind::{Flag, Number, Text};

/// A table: its name, whether its rows are numbered by the database, and its columns.
struct Table {
    name: &'static str,
    numbered: bool,
    columns: &'static [(&'static str, Kind)],
}

/// Everything but leases, which belong to running processes.
const TABLES: [Table; 5] = [
    Table {
        name: "cursor",
        numbered: false,
        columns: &[("platform", Text), ("workspace", Text), ("channel", Text), ("position", Number)],
    },
    Table {
        name: "channel",
        numbered: false,
        columns: &[
            ("platform", Text),
            ("workspace", Text),
            ("channel", Text),
            ("scope", Text),
            ("mode", Text),
            ("support_role", Text),
            ("cooldown", Text),
            ("chosen_by", Text),
            ("chosen_at", Number),
        ],
    },
    Table {
        name: "outbox",
        numbered: true,
        columns: &[
            ("id", Number),
            ("platform", Text),
            ("workspace", Text),
            ("channel", Text),
            ("message", Text),
            ("part", Text),
            ("thread", Text),
            ("author", Text),
            ("posted_at", Number),
            ("version", Number),
            ("post", Text),
            ("shadow", Flag),
            ("revision", Number),
            ("delivered_revision", Number),
            ("place", Text),
            ("attempts", Number),
            ("due_at", Number),
            ("leased_until", Number),
            ("claim", Number),
            ("unrecorded", Number),
            ("failure", Text),
            ("dead", Flag),
            ("decided_at", Number),
        ],
    },
    Table {
        name: "local_message",
        numbered: true,
        columns: &[
            ("id", Number),
            ("channel", Text),
            ("thread", Number),
            ("author", Text),
            ("is_bot", Flag),
            ("text", Text),
            ("reply", Text),
            ("answers", Number),
            ("posted_at", Number),
            ("edited", Flag),
            ("deleted", Flag),
            ("change", Number),
        ],
    },
    Table {
        name: "feedback",
        numbered: true,
        columns: &[
            ("id", Number),
            ("platform", Text),
            ("workspace", Text),
            ("channel", Text),
            ("message", Text),
            ("rules", Text),
            ("button", Text),
            ("person", Text),
            ("at", Number),
        ],
    },
];

/// Why something was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source cannot be read, or the target not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file cannot be written or read.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The target holds something.
    #[error("the database {0} is not empty\n  help: {1}")]
    NotEmpty(String, &'static str),
    /// What arrived is not what was sent.
    #[error("{table}: what was written is not what was read; nothing was changed")]
    Different {
        /// The table.
        table: &'static str,
    },
}

/// How many rows each table has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts(pub Vec<(&'static str, u64)>);

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (table, count)) in self.0.iter().enumerate() {
            let what = match *table {
                "cursor" => "cursors",
                "channel" => "chosen channels",
                "outbox" => "replies",
                "local_message" => "messages of the local workspace",
                other => other,
            };
            write!(f, "{}{what}: {count}", if index > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Value {
    Text(Option<String>),
    Number(Option<i64>),
    Flag(bool),
}

/// How many rows, and a number that depends on all of them but not on their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    content: u64,
}

impl Sum {
    fn add(&mut self, row: &[Value]) {
        let mut hasher = DefaultHasher::new();
        row.hash(&mut hasher);
        self.rows += 1;
        self.content = self.content.wrapping_add(hasher.finish());
    }
}

impl Table {
    fn select(&self) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        format!("SELECT {} FROM {}", columns.join(", "), self.name)
    }

    fn insert(&self) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let values: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, columns.join(", "), values.join(", "))
    }

    fn read(&self, row: &impl Columns) -> Result<Vec<Value>, StoreError> {
        let value = |(name, kind): &(&str, Kind)| {
            Ok(match kind {
                Text => Value::Text(row.text_if_any(name)?),
                Number => Value::Number(row.number_if_any(name)?),
                Flag => Value::Flag(row.flag(name)?),
            })
        };
        self.columns.iter().map(value).collect()
    }
}

/// A transaction on either database.
enum Open {
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

macro_rules! on_open {
    ($open:expr, |$transaction:ident| $body:expr) => {
        match $open {
            Open::Sqlite($transaction) => $body,
            Open::Postgres($transaction) => $body,
        }
    };
}

impl Open {
    async fn count(&mut self, table: &Table) -> Result<i64, StoreError> {
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name));
        on_open!(self, |open| sqlx::query_scalar(sql).fetch_one(&mut **open).await.map_err(failed))
    }

    async fn run(&mut self, sql: String) -> Result<(), StoreError> {
        let sql = AssertSqlSafe(sql);
        on_open!(self, |open| sqlx::query(sql).execute(&mut **open).await.map(|_| ()).map_err(failed))
    }

    async fn insert(&mut self, sql: &str, row: Vec<Value>) -> Result<(), StoreError> {
        on_open!(self, |open| {
            let mut query = sqlx::query(AssertSqlSafe(sql.to_owned()));
            for value in row {
                query = match value {
                    Value::Text(text) => query.bind(text),
                    Value::Number(number) => query.bind(number),
                    Value::Flag(flag) => query.bind(flag),
                };
            }
            query.execute(&mut **open).await.map(|_| ()).map_err(failed)
        })
    }

    async fn sum(&mut self, table: &Table) -> Result<Sum, StoreError> {
        let mut sum = Sum::default();
        on_open!(self, |open| {
            let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&mut **open);
            while let Some(row) = rows.try_next().await.map_err(failed)? {
                sum.add(&table.read(&row)?);
            }
        });
        Ok(sum)
    }

    /// Copies a table, and says what was read.
    async fn copy(&mut self, table: &Table, into: &mut Self) -> Result<Sum, StoreError> {
        let mut sum = Sum::default();
        let insert = table.insert();
        on_open!(self, |open| {
            let mut rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&mut **open);
            while let Some(row) = rows.try_next().await.map_err(failed)? {
                let row = table.read(&row)?;
                sum.add(&row);
                into.insert(&insert, row).await?;
            }
        });
        Ok(sum)
    }

    async fn commit(self) -> Result<(), StoreError> {
        on_open!(self, |open| open.commit().await.map_err(failed))
    }
}

impl SqlStore {
    async fn open_to_write(&self) -> Result<Open, StoreError> {
        Ok(match &*self.pools {
            Pools::Sqlite(sides) => Open::Sqlite(begin(&sides.write).await?),
            Pools::Postgres(sides) => Open::Postgres(begin(&sides.write).await?),
        })
    }

    /// One state of the whole database, however long it is read.
    async fn open_to_read(&self) -> Result<Open, StoreError> {
        Ok(match &*self.pools {
            Pools::Sqlite(sides) => Open::Sqlite(sides.read.begin().await.map_err(failed)?),
            Pools::Postgres(sides) => Open::Postgres(
                sides.read.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(failed)?,
            ),
        })
    }

    /// How many rows there are.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let mut open = self.open_to_read().await?;
        let mut counts = Counts::default();
        for table in &TABLES {
            counts.0.push((table.name, open.count(table).await?.unsigned_abs()));
        }
        Ok(counts)
    }

    /// Whether nothing was stored so far.
    pub async fn is_empty(&self) -> Result<bool, StoreError> {
        Ok(self.counts().await?.0.iter().all(|(_, count)| *count == 0))
    }

    /// Copies everything into another database, whose content is replaced if `replace`. All of it
    /// arrives, or the other one stays as it was.
    pub async fn copy_into(&self, target: &Self, replace: bool) -> Result<Counts, CopyError> {
        let mut from = self.open_to_read().await?;
        let mut into = target.open_to_write().await?;
        let mut counts = Counts::default();
        for table in &TABLES {
            if replace {
                into.run(format!("DELETE FROM {}", table.name)).await?;
            } else if into.count(table).await? > 0 {
                let help = "name an empty one, or add --force to replace everything in it";
                return Err(CopyError::NotEmpty(target.location.to_string(), help));
            }
            let read = from.copy(table, &mut into).await?;
            if into.sum(table).await? != read {
                return Err(CopyError::Different { table: table.name });
            }
            if table.numbered && matches!(into, Open::Postgres(_)) {
                into.run(format!(
                    "SELECT setval(pg_get_serial_sequence('{0}', 'id'), COALESCE(MAX(id), 0) + 1, FALSE) FROM {0}",
                    table.name
                ))
                .await?;
            }
            counts.0.push((table.name, read.rows));
        }
        // Who held something before is gone.
        into.run("UPDATE lease SET held_until = 0".to_owned()).await?;
        into.commit().await?;
        Ok(counts)
    }

    /// Writes everything into a new SQLite file, while bots go on.
    pub async fn backup(&self, file: &Path) -> Result<Counts, CopyError> {
        if file.exists() {
            let cause = std::io::Error::new(std::io::ErrorKind::AlreadyExists, "there is a file of this name");
            return Err(CopyError::File { path: file.to_owned(), cause });
        }
        // Under another name until it is complete.
        let part = beside(file, ".part");
        remove(&part)?;
        let backup = Self::open(&Location::Sqlite(part.clone())).await?;
        let copied = self.copy_into(&backup, false).await;
        backup.close().await;
        match copied {
            Ok(counts) => {
                fs::rename(&part, file).map_err(|cause| CopyError::File { path: file.to_owned(), cause })?;
                Ok(counts)
            }
            Err(error) => {
                remove(&part)?;
                Err(error)
            }
        }
    }

    /// Replaces or fills this database from a backup, which may be of an earlier version and stays as it is.
    pub async fn restore(&self, file: &Path, replace: bool) -> Result<Counts, CopyError> {
        let read = beside(file, ".restoring");
        remove(&read)?;
        fs::copy(file, &read).map_err(|cause| CopyError::File { path: file.to_owned(), cause })?;
        let copied = async {
            let backup = Self::open(&Location::Sqlite(read.clone())).await?;
            let copied = backup.copy_into(self, replace).await;
            backup.close().await;
            copied
        }
        .await;
        remove(&read)?;
        copied
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.to_owned().into_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes an SQLite file with what belongs to it.
fn remove(file: &Path) -> Result<(), CopyError> {
    for suffix in ["", "-wal", "-shm", "-journal", ".lock"] {
        let path = beside(file, suffix);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(CopyError::File { path, cause });
            }
            _ => {}
        }
    }
    Ok(())
}
