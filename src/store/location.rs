//! Where a database is.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

/// Where a database is. It can be shown: the password is left out.
#[derive(Debug, Clone)]
pub enum Location {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(PostgresUrl),
}

impl Location {
    /// The database of a URL, `postgres://…` or `sqlite:FILE`; `None` when it is neither.
    pub fn from_url(url: &SecretString) -> Option<Self> {
        let text = url.expose_secret();
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return (!path.is_empty()).then(|| Self::Sqlite(PathBuf::from(path)));
        }
        let url = PostgresUrl(url.clone());
        let postgres = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        (postgres && url.options().is_ok()).then_some(Self::Postgres(url))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(url) => match url.options() {
                Ok(options) => {
                    let (host, port) = (options.get_host(), options.get_port());
                    write!(f, "postgres://{host}:{port}/{}", options.get_database().unwrap_or_default())
                }
                Err(_) => f.write_str("postgres://…"),
            },
        }
    }
}

/// A URL of PostgreSQL, which holds a password.
#[derive(Debug, Clone)]
pub struct PostgresUrl(SecretString);

impl PostgresUrl {
    pub(super) fn options(&self) -> Result<PgConnectOptions, sqlx::Error> {
        // What is wrong with a URL may quote it.
        PgConnectOptions::from_str(self.0.expose_secret())
            .map_err(|_| sqlx::Error::Configuration("this is no URL of PostgreSQL".into()))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::Location;

    fn shown(url: &str) -> String {
        match Location::from_url(&SecretString::from(url.to_owned())) {
            Some(location) => format!("{location}; {location:?}"),
            None => "no URL".to_owned(),
        }
    }

    #[test]
    fn a_location_is_shown_without_secrets() {
        insta::assert_snapshot!(shown("postgres://okt:hunter2@db.example.com:6432/triage?sslmode=require"), @"postgres://db.example.com:6432/triage; Postgres(PostgresUrl(SecretBox<str>([REDACTED])))");
        insta::assert_snapshot!(shown("sqlite:/var/lib/oktriage.db"), @r#"/var/lib/oktriage.db; Sqlite("/var/lib/oktriage.db")"#);
        insta::assert_snapshot!(shown("mysql://okt:hunter2@db.example.com/triage"), @"no URL");
        insta::assert_snapshot!(shown("postgres://okt:hunter2@db.example.com:port/triage"), @"no URL");
    }
}
