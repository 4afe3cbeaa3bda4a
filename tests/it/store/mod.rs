//! What a store must do, whichever database it is on: every contract runs on both.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chat;
mod holds;
mod leases;
mod migrations;
mod outbox;
mod simulation;
mod upkeep;

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use oktriage::bot::event::{ChannelKey, MessageKey, Platform};
use oktriage::bot::ports::{Part, Wanted};
use oktriage::reply::{Answer, Post, Reply};
use oktriage::store::{Location, SqlStore};
use secrecy::SecretString;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tempfile::TempDir;

use crate::postgres::Cluster;
use crate::program::temp;

/// Makes a test of each function for each database.
macro_rules! contracts {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::store::Place::sqlite()).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::store::Place::postgres().await).await;
            })*
        }
    };
}
pub(crate) use contracts;

/// An empty database.
pub(crate) struct Place {
    pub(crate) location: Location,
    /// What the environment variable or `migrate-to` takes.
    pub(crate) url: String,
    _dir: TempDir,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let dir = temp();
        let path = dir.path().join("oktriage.db");
        Self { url: format!("sqlite:{}", path.display()), location: Location::Sqlite(path), _dir: dir }
    }

    pub(crate) async fn postgres() -> Self {
        let url = Cluster::shared().database().await;
        let location = Location::from_url(&SecretString::from(url.clone())).expect("a URL");
        Self { location, url, _dir: temp() }
    }

    /// Opens it, as a further process would.
    pub(crate) async fn open(&self) -> SqlStore {
        SqlStore::open(&self.location).await.expect("opened")
    }

    /// Opens it with a clock of the test's.
    pub(crate) async fn open_at(&self, clock: &Arc<AtomicI64>) -> SqlStore {
        self.open().await.with_clock(Arc::clone(clock))
    }

    /// Runs statements that no port has.
    pub(crate) async fn execute(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match &self.location {
            Location::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await.expect("connected");
                connection.execute(sql).await.expect("executed");
                connection.close().await.expect("closed");
            }
            Location::Postgres(_) => {
                let mut connection = sqlx::PgConnection::connect(&self.url).await.expect("connected");
                connection.execute(sql).await.expect("executed");
                connection.close().await.expect("closed");
            }
        }
    }
}

pub(crate) fn channel() -> ChannelKey {
    ChannelKey { platform: Platform::Discord, workspace: "guild".to_owned(), channel: "support".to_owned() }
}

pub(crate) fn key(message: &str) -> MessageKey {
    MessageKey { channel: channel(), message: message.to_owned() }
}

/// A reply that names a rule.
pub(crate) fn post(rule: &str) -> Post {
    let answer: Answer = serde_json::from_value(json!({
        "rule": rule, "title": "It’s \"this\" \u{0}: {user} – ✓", "confidence": "high", "quote": null, "count": 1,
        "cause": [], "checks": [], "for_user": [], "steps": [], "fixed_by": "okta-admin", "engines": [],
        "sources": [], "reviewed": "2026-11-22", "preview": false
    }))
    .expect("an answer");
    Post::answer(Reply { answers: vec![answer], ..Reply::default() })
}

/// A first decision about a message.
pub(crate) fn wanted(message: &str) -> Wanted {
    Wanted {
        key: key(message),
        part: Part::Reply,
        thread: None,
        author: Some("dana".to_owned()),
        posted_at: 1_000,
        version: 1,
        post: Some(post("saml/test")),
        shadow: false,
        based_on: None,
    }
}
