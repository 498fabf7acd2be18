//! The stream's records inside the embedded database: taken away when they were handed on.
//!
//! `dynoxide` writes a record for each change of an item, never takes one away, and looks through all of them for each
//! record that it adds and each time that it is asked for records: a store slows as it is used. It has no call that
//! trims, and none that reaches its connection, so this is a second connection to the same SQLite database. It does
//! two things. It keeps an index by which both searches are one step, however many records wait; and it deletes what
//! was handed on, so that what is there is what is still to be handed on, also after a restart.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

/// The expression is the one that `dynoxide` sorts and searches by; written otherwise the index is not used.
const INDEX: &str = "
    CREATE INDEX IF NOT EXISTS _broadsheet_stream_records
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// What SQLite calls the database in this folder; without one, a new database in memory that is gone when its last
/// connection is closed. Not `:memory:`, which no second connection can reach.
pub fn address(folder: Option<&Path>) -> String {
    static DATABASES: AtomicU64 = AtomicU64::new(0);
    match folder {
        Some(folder) => folder.join("dynamodb.sqlite").to_string_lossy().into_owned(),
        None => format!("file:/broadsheet-{}?vfs=memdb", DATABASES.fetch_add(1, Ordering::Relaxed)),
    }
}

/// The records that wait to be handed on.
pub struct StreamLog {
    connection: Mutex<Connection>,
}

impl StreamLog {
    /// Those of the database at this [`address`], which `dynoxide` has opened before.
    pub fn open(address: &str) -> rusqlite::Result<Self> {
        let connection = Connection::open(address)?;
        // What a power failure undoes is handed on a second time, which readers bear; no reason to wait for the disk.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(INDEX)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// How many there are.
    pub fn len(&self) -> rusqlite::Result<u64> {
        self.connection().query_row("SELECT COUNT(*) FROM _stream_records", [], |row| row.get(0))
    }

    /// Whether there are none. Costs one step, so it may be asked often.
    pub fn is_empty(&self) -> rusqlite::Result<bool> {
        let question = "SELECT NOT EXISTS (SELECT 1 FROM _stream_records)";
        self.connection().prepare_cached(question)?.query_row([], |row| row.get(0))
    }

    /// Deletes the record with this event id, and all before it.
    pub fn trim(&self, event_id: &str) -> rusqlite::Result<usize> {
        // Rows are numbered in the order of their sequence numbers. The inner search ends at the record, which is
        // within the first batch: it never looks through what waits behind it.
        let last = "SELECT id FROM _stream_records WHERE event_id = ?1 ORDER BY id LIMIT 1";
        let delete = format!("DELETE FROM _stream_records WHERE id <= ({last})");
        self.connection().prepare_cached(&delete)?.execute(params![event_id])
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
