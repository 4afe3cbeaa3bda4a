//! Reading rows of either database.

use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use super::failed;
use crate::bot::ports::StoreError;
use crate::rules::Keyword;

/// The columns of a row, by name.
pub(super) trait Columns {
    fn text(&self, column: &str) -> Result<String, StoreError>;
    fn text_if_any(&self, column: &str) -> Result<Option<String>, StoreError>;
    fn number(&self, column: &str) -> Result<i64, StoreError>;
    fn number_if_any(&self, column: &str) -> Result<Option<i64>, StoreError>;
    fn flag(&self, column: &str) -> Result<bool, StoreError>;

    /// A stored word as its value; another version of this program may have written one that is unknown here.
    fn keyword<K: Keyword>(&self, column: &str) -> Result<K, StoreError> {
        keyword(&self.text(column)?)
    }

    /// A value that is stored as JSON.
    fn json_if_any<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        self.text_if_any(column)?.map(|json| serde_json::from_str(&json)).transpose().map_err(failed)
    }
}

pub(super) fn keyword<K: Keyword>(word: &str) -> Result<K, StoreError> {
    K::from_word(word).ok_or_else(|| StoreError(format!("the database has the unknown word {word}").into()))
}

macro_rules! columns {
    ($($row:ty),*) => {$(
        impl Columns for $row {
            fn text(&self, column: &str) -> Result<String, StoreError> {
                self.try_get(column).map_err(failed)
            }
            fn text_if_any(&self, column: &str) -> Result<Option<String>, StoreError> {
                self.try_get(column).map_err(failed)
            }
            fn number(&self, column: &str) -> Result<i64, StoreError> {
                self.try_get(column).map_err(failed)
            }
            fn number_if_any(&self, column: &str) -> Result<Option<i64>, StoreError> {
                self.try_get(column).map_err(failed)
            }
            fn flag(&self, column: &str) -> Result<bool, StoreError> {
                self.try_get(column).map_err(failed)
            }
        }
    )*};
}

columns!(SqliteRow, PgRow);
