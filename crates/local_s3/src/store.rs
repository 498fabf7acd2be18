//! The files, in one SQLite database.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::Created;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS files (
        key TEXT PRIMARY KEY,
        headers TEXT NOT NULL,
        e_tag TEXT NOT NULL,
        modified_at INTEGER NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS uploads (
        id TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        headers TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS parts (
        upload TEXT NOT NULL REFERENCES uploads ON DELETE CASCADE,
        number INTEGER NOT NULL,
        e_tag TEXT NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (upload, number)
    ) STRICT;
";

/// The headers that a file is answered with.
pub(crate) type Headers = Vec<(String, String)>;

/// A file. What it has in it is `bytes`.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) headers: Headers,
    /// Without quotes.
    pub(crate) e_tag: String,
    pub(crate) modified_at: Timestamp,
    pub(crate) bytes: Vec<u8>,
}

/// A part of an upload.
pub(crate) struct Part {
    pub(crate) e_tag: String,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) struct Store(Mutex<Connection>);

impl Store {
    pub(crate) fn open(path: Option<&Path>) -> rusqlite::Result<Self> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        // In memory there is no log to write ahead, and SQLite answers so ("memory"); that is no error.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(Mutex::new(connection)))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, key: &str, file: &File) -> rusqlite::Result<()> {
        put(&self.lock(), key, file)
    }

    pub(crate) fn get(&self, key: &str) -> rusqlite::Result<Option<File>> {
        let query = "SELECT headers, e_tag, modified_at, bytes FROM files WHERE key = ?1";
        let read = |row: &rusqlite::Row<'_>| {
            Ok(File {
                headers: headers(row.get_ref(0)?.as_str()?),
                e_tag: row.get(1)?,
                modified_at: Timestamp::from_millisecond(row.get(2)?).unwrap_or(Timestamp::UNIX_EPOCH),
                bytes: row.get(3)?,
            })
        };
        self.lock().query_row(query, [key], read).optional()
    }

    pub(crate) fn keys(&self) -> rusqlite::Result<Vec<String>> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT key FROM files ORDER BY key")?;
        query.query_map([], |row| row.get(0))?.collect()
    }

    /// All files, as their creation is told.
    pub(crate) fn created(&self) -> rusqlite::Result<Vec<Created>> {
        let connection = self.lock();
        let mut query = connection.prepare("SELECT key, length(bytes), e_tag FROM files ORDER BY key")?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Created { key: row.get(0)?, size: row.get(1)?, e_tag: row.get(2)?, reason: "PutObject" })
        };
        query.query_map([], read)?.collect()
    }

    pub(crate) fn delete(&self, key: &str) -> rusqlite::Result<()> {
        self.lock().execute("DELETE FROM files WHERE key = ?1", [key])?;
        Ok(())
    }

    /// Begins an upload; gives its id, which nobody can guess.
    pub(crate) fn create_upload(&self, key: &str, headers: &Headers) -> rusqlite::Result<String> {
        let insert = "INSERT INTO uploads (id, key, headers) VALUES (lower(hex(randomblob(16))), ?1, ?2) RETURNING id";
        self.lock().query_row(insert, params![key, text(headers)], |row| row.get(0))
    }

    /// The headers of an upload that is under way.
    pub(crate) fn upload(&self, key: &str, id: &str) -> rusqlite::Result<Option<Headers>> {
        let query = "SELECT headers FROM uploads WHERE id = ?1 AND key = ?2";
        self.lock().query_row(query, [id, key], |row| Ok(headers(row.get_ref(0)?.as_str()?))).optional()
    }

    /// Takes the place of an earlier part of this number.
    pub(crate) fn put_part(&self, id: &str, number: u32, part: &Part) -> rusqlite::Result<()> {
        let insert = "INSERT OR REPLACE INTO parts (upload, number, e_tag, bytes) VALUES (?1, ?2, ?3, ?4)";
        self.lock().execute(insert, params![id, number, part.e_tag, part.bytes])?;
        Ok(())
    }

    pub(crate) fn part(&self, id: &str, number: u32) -> rusqlite::Result<Option<Part>> {
        let query = "SELECT e_tag, bytes FROM parts WHERE upload = ?1 AND number = ?2";
        let read = |row: &rusqlite::Row<'_>| Ok(Part { e_tag: row.get(0)?, bytes: row.get(1)? });
        self.lock().query_row(query, params![id, number], read).optional()
    }

    /// Puts the file of an upload, which is then forgotten.
    pub(crate) fn complete_upload(&self, key: &str, id: &str, file: &File) -> rusqlite::Result<()> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        put(&transaction, key, file)?;
        transaction.execute("DELETE FROM uploads WHERE id = ?1", [id])?;
        transaction.commit()
    }

    pub(crate) fn abort_upload(&self, id: &str) -> rusqlite::Result<()> {
        self.lock().execute("DELETE FROM uploads WHERE id = ?1", [id])?;
        Ok(())
    }
}

fn put(connection: &Connection, key: &str, file: &File) -> rusqlite::Result<()> {
    let insert = "INSERT OR REPLACE INTO files (key, headers, e_tag, modified_at, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
    let modified_at = file.modified_at.as_millisecond();
    connection.execute(insert, params![key, text(&file.headers), file.e_tag, modified_at, file.bytes])?;
    Ok(())
}

fn text(headers: &Headers) -> String {
    serde_json::to_string(headers).unwrap_or_default()
}

fn headers(text: &str) -> Headers {
    serde_json::from_str(text).unwrap_or_default()
}
