//! One SQLite database.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, TransactionBehavior, params};

use crate::Email;
use crate::fault::{Error, Fault};
use crate::rules::{Attributes, Lockout, Purpose};
use crate::tokens::{Keys, SigningKey};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS keys (
        use TEXT PRIMARY KEY,
        pkcs8 BLOB NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS pool (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS users (
        sub TEXT PRIMARY KEY,
        username TEXT NOT NULL UNIQUE,
        password_hash TEXT NOT NULL,
        confirmed INTEGER NOT NULL,
        enabled INTEGER NOT NULL,
        attributes TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        modified_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS codes (
        sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        purpose TEXT NOT NULL,
        code TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (sub, purpose)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sessions (
        origin_jti TEXT PRIMARY KEY,
        sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        refresh_hash BLOB NOT NULL UNIQUE,
        signed_in_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        revoked INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS sessions_of_user ON sessions (sub);
    CREATE TABLE IF NOT EXISTS lockouts (
        username TEXT PRIMARY KEY,
        failures INTEGER NOT NULL,
        failed_at INTEGER NOT NULL,
        seen_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS attempts (
        action TEXT NOT NULL,
        username TEXT NOT NULL,
        made_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS attempts_of_user ON attempts (username, action);
    CREATE TABLE IF NOT EXISTS emails (
        number INTEGER PRIMARY KEY,
        recipient TEXT NOT NULL,
        subject TEXT NOT NULL,
        body TEXT NOT NULL,
        code TEXT NOT NULL,
        sent_at INTEGER NOT NULL
    ) STRICT;
";

/// A time in a column: milliseconds since 1970, so that times compare as numbers.
struct Millis(Timestamp);

impl ToSql for Millis {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_millisecond().into())
    }
}

impl FromSql for Millis {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let millis = value.as_i64()?;
        let time = Timestamp::from_millisecond(millis);
        time.map(Millis).map_err(|_| FromSqlError::OutOfRange(millis))
    }
}

pub(super) struct User {
    pub(super) sub: String,
    /// Folded.
    pub(super) username: String,
    pub(super) password_hash: String,
    /// `CONFIRMED` or else `UNCONFIRMED`: no call that we answer leads to another status.
    pub(super) confirmed: bool,
    pub(super) enabled: bool,
    pub(super) attributes: Attributes,
    pub(super) created_at: Timestamp,
    pub(super) modified_at: Timestamp,
}

impl User {
    pub(super) fn email(&self) -> &str {
        self.attributes.get("email").map_or("", String::as_str)
    }

    pub(super) fn email_is_verified(&self) -> bool {
        self.attributes.get("email_verified").map(String::as_str) == Some("true")
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<(User, String)> {
        let user = User {
            sub: row.get("sub")?,
            username: row.get("username")?,
            password_hash: row.get("password_hash")?,
            confirmed: row.get("confirmed")?,
            enabled: row.get("enabled")?,
            attributes: Attributes::new(),
            created_at: row.get::<_, Millis>("created_at")?.0,
            modified_at: row.get::<_, Millis>("modified_at")?.0,
        };
        Ok((user, row.get("attributes")?))
    }
}

/// What one sign-in began; its access tokens name it in `origin_jti`.
pub(super) struct Session {
    pub(super) origin_jti: String,
    pub(super) sub: String,
    pub(super) refresh_hash: Vec<u8>,
    pub(super) signed_in_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) revoked: bool,
}

impl Session {
    fn read(row: &Row<'_>) -> rusqlite::Result<Session> {
        Ok(Session {
            origin_jti: row.get("origin_jti")?,
            sub: row.get("sub")?,
            refresh_hash: row.get("refresh_hash")?,
            signed_in_at: row.get::<_, Millis>("signed_in_at")?.0,
            expires_at: row.get::<_, Millis>("expires_at")?.0,
            revoked: row.get("revoked")?,
        })
    }
}

pub(super) struct Code {
    pub(super) code: String,
    pub(super) expires_at: Timestamp,
}

pub(super) struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// A commit is on the disk before it is answered (`synchronous = FULL`), so neither a killed process nor a power
    /// cut takes back what a client was told.
    pub(super) fn open(path: Option<&Path>, now: Timestamp) -> Result<Self, Error> {
        let connection = match path {
            Some(path) => Connection::open(path)?,
            None => Connection::open_in_memory()?,
        };
        // In memory there is no log to write ahead, and SQLite answers so ("memory"); that is no error.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute_batch(SCHEMA)?;
        connection
            .execute("INSERT INTO pool (one, created_at) VALUES (1, ?1) ON CONFLICT DO NOTHING", [Millis(now)])?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// A panic elsewhere rolled its transaction back, so the connection is as good as before.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        let connection = self.connection.lock();
        connection.unwrap_or_else(PoisonError::into_inner)
    }

    /// One transaction. A refusal commits as well: what is written before one (a wrong attempt) has to count.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Db<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let outcome = work(&Db(&transaction));
        if !matches!(outcome, Err(Fault::Broken(_))) {
            transaction.commit()?;
        }
        outcome
    }

    /// The file's keys, made when it has none.
    pub(super) fn keys(&self) -> Result<Arc<Keys>, Error> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let read = |name: &str| -> Result<Option<SigningKey>, Error> {
            let query = "SELECT pkcs8 FROM keys WHERE use = ?1";
            let stored: Option<Vec<u8>> = transaction.query_row(query, [name], |row| row.get(0)).optional()?;
            stored.as_deref().map(SigningKey::from_pkcs8).transpose()
        };
        if let (Some(id), Some(access)) = (read("id")?, read("access")?) {
            return Ok(Arc::new(Keys { id, access }));
        }
        let keys = Keys::generate()?;
        for (name, key) in [("id", &keys.id), ("access", &keys.access)] {
            transaction.execute(
                "INSERT OR REPLACE INTO keys (use, pkcs8) VALUES (?1, ?2)",
                params![name, key.to_pkcs8()?.as_ref()],
            )?;
        }
        transaction.commit()?;
        Ok(Arc::new(keys))
    }

    /// Newest first.
    pub(super) fn emails(&self) -> Result<Vec<Email>, Error> {
        let query = "SELECT recipient, subject, body, code, sent_at FROM emails ORDER BY number DESC";
        let connection = self.lock();
        let mut statement = connection.prepare_cached(query)?;
        let emails = statement.query_map([], |row| {
            Ok(Email {
                to: row.get(0)?,
                subject: row.get(1)?,
                body: row.get(2)?,
                code: row.get(3)?,
                sent_at: row.get::<_, Millis>(4)?.0,
            })
        })?;
        Ok(emails.collect::<Result<_, _>>()?)
    }
}

/// What can be done within a transaction.
pub(super) struct Db<'a>(&'a Transaction<'a>);

impl Db<'_> {
    pub(super) fn pool_created_at(&self) -> Result<Timestamp, Error> {
        let query = "SELECT created_at FROM pool";
        Ok(self.0.query_row(query, [], |row| row.get::<_, Millis>(0))?.0)
    }

    pub(super) fn user_count(&self) -> Result<i64, Error> {
        let query = "SELECT count(*) FROM users";
        Ok(self.0.query_row(query, [], |row| row.get(0))?)
    }

    /// By (folded) username or by `sub`: where a username is not an alias, Cognito takes either.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminGetUser.html>
    pub(super) fn user(&self, name: &str) -> Result<Option<User>, Error> {
        let query = "SELECT * FROM users WHERE username = ?1 OR sub = ?1";
        let found = self.0.query_row(query, [name], User::read).optional()?;
        let Some((mut user, attributes)) = found else {
            return Ok(None);
        };
        user.attributes = serde_json::from_str(&attributes)?;
        Ok(Some(user))
    }

    pub(super) fn save(&self, user: &User) -> Result<(), Error> {
        self.0.execute(
            "INSERT INTO users
                 (sub, username, password_hash, confirmed, enabled, attributes, created_at, modified_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (sub) DO UPDATE SET
                 password_hash = ?3, confirmed = ?4, enabled = ?5, attributes = ?6, modified_at = ?8",
            params![
                user.sub,
                user.username,
                user.password_hash,
                user.confirmed,
                user.enabled,
                serde_json::to_string(&user.attributes)?,
                Millis(user.created_at),
                Millis(user.modified_at),
            ],
        )?;
        Ok(())
    }

    /// With everything that refers to the user, by the foreign keys.
    pub(super) fn delete(&self, user: &User) -> Result<(), Error> {
        self.0.execute("DELETE FROM users WHERE sub = ?1", [&user.sub])?;
        Ok(())
    }

    pub(super) fn code(&self, user: &User, purpose: Purpose) -> Result<Option<Code>, Error> {
        let query = "SELECT code, expires_at FROM codes WHERE sub = ?1 AND purpose = ?2";
        let read = |row: &Row<'_>| Ok(Code { code: row.get(0)?, expires_at: row.get::<_, Millis>(1)?.0 });
        let of = params![user.sub, purpose.name()];
        Ok(self.0.query_row(query, of, read).optional()?)
    }

    /// A newer code takes the place of an older one.
    pub(super) fn put_code(&self, user: &User, purpose: Purpose, code: &Code) -> Result<(), Error> {
        self.0.execute(
            "INSERT OR REPLACE INTO codes (sub, purpose, code, expires_at) VALUES (?1, ?2, ?3, ?4)",
            params![user.sub, purpose.name(), code.code, Millis(code.expires_at)],
        )?;
        Ok(())
    }

    pub(super) fn remove_code(&self, user: &User, purpose: Purpose) -> Result<(), Error> {
        let delete = "DELETE FROM codes WHERE sub = ?1 AND purpose = ?2";
        self.0.execute(delete, params![user.sub, purpose.name()])?;
        Ok(())
    }

    /// `forgotten`: sessions that ended before are of no use to anyone, also not to a late access token.
    pub(super) fn add_session(&self, session: &Session, forgotten: Timestamp) -> Result<(), Error> {
        self.0.execute("DELETE FROM sessions WHERE expires_at < ?1", [Millis(forgotten)])?;
        self.0.execute(
            "INSERT INTO sessions (origin_jti, sub, refresh_hash, signed_in_at, expires_at, revoked)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                session.origin_jti,
                session.sub,
                session.refresh_hash,
                Millis(session.signed_in_at),
                Millis(session.expires_at),
                session.revoked,
            ],
        )?;
        Ok(())
    }

    pub(super) fn session(&self, origin_jti: &str) -> Result<Option<Session>, Error> {
        let query = "SELECT * FROM sessions WHERE origin_jti = ?1";
        let row = self.0.query_row(query, [origin_jti], Session::read);
        Ok(row.optional()?)
    }

    pub(super) fn session_by_refresh(&self, hash: &[u8]) -> Result<Option<Session>, Error> {
        let query = "SELECT * FROM sessions WHERE refresh_hash = ?1";
        let row = self.0.query_row(query, [hash], Session::read);
        Ok(row.optional()?)
    }

    pub(super) fn revoke(&self, refresh_hash: &[u8]) -> Result<(), Error> {
        let update = "UPDATE sessions SET revoked = 1 WHERE refresh_hash = ?1";
        self.0.execute(update, [refresh_hash])?;
        Ok(())
    }

    pub(super) fn revoke_all(&self, user: &User) -> Result<(), Error> {
        let update = "UPDATE sessions SET revoked = 1 WHERE sub = ?1";
        self.0.execute(update, [&user.sub])?;
        Ok(())
    }

    pub(super) fn lockout(&self, username: &str) -> Result<Option<Lockout>, Error> {
        let query = "SELECT failures, failed_at, seen_at FROM lockouts WHERE username = ?1";
        let read = |row: &Row<'_>| {
            Ok(Lockout {
                failures: row.get(0)?,
                failed_at: row.get::<_, Millis>(1)?.0,
                seen_at: row.get::<_, Millis>(2)?.0,
            })
        };
        Ok(self.0.query_row(query, [username], read).optional()?)
    }

    /// Forgiven lockouts go at the same time: usernames of nobody are counted too, and must not pile up.
    pub(super) fn put_lockout(&self, username: &str, lockout: Lockout) -> Result<(), Error> {
        let forgiven = earlier(lockout.seen_at, Lockout::LONGEST);
        self.0.execute("DELETE FROM lockouts WHERE seen_at <= ?1", [Millis(forgiven)])?;
        self.0.execute(
            "INSERT OR REPLACE INTO lockouts (username, failures, failed_at, seen_at)
             VALUES (?1, ?2, ?3, ?4)",
            params![username, lockout.failures, Millis(lockout.failed_at), Millis(lockout.seen_at),],
        )?;
        Ok(())
    }

    pub(super) fn clear_lockout(&self, username: &str) -> Result<(), Error> {
        self.0.execute("DELETE FROM lockouts WHERE username = ?1", [username])?;
        Ok(())
    }

    /// How often within `window`; what is older is forgotten.
    pub(super) fn attempts(
        &self,
        action: &str,
        username: &str,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<i64, Error> {
        self.0.execute("DELETE FROM attempts WHERE made_at <= ?1", [Millis(earlier(now, window))])?;
        let query = "SELECT count(*) FROM attempts WHERE username = ?1 AND action = ?2";
        let of = params![username, action];
        Ok(self.0.query_row(query, of, |row| row.get(0))?)
    }

    pub(super) fn add_attempt(&self, action: &str, username: &str, now: Timestamp) -> Result<(), Error> {
        let insert = "INSERT INTO attempts (action, username, made_at) VALUES (?1, ?2, ?3)";
        self.0.execute(insert, params![action, username, Millis(now)])?;
        Ok(())
    }

    pub(super) fn clear_attempts(&self, action: &str, username: &str) -> Result<(), Error> {
        let delete = "DELETE FROM attempts WHERE action = ?1 AND username = ?2";
        self.0.execute(delete, params![action, username])?;
        Ok(())
    }

    pub(super) fn mail(&self, email: &Email) -> Result<(), Error> {
        self.0.execute(
            "INSERT INTO emails (recipient, subject, body, code, sent_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![email.to, email.subject, email.body, email.code, Millis(email.sent_at)],
        )?;
        Ok(())
    }
}

/// `time - duration`, as far back as time goes.
pub(super) fn earlier(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.checked_sub(duration).unwrap_or(Timestamp::MIN)
}

/// `time + duration`, as far as time goes.
pub(super) fn later(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}
