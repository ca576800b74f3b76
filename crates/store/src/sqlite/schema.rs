//! The file: where it is made, how a connection is set up, whether it is ours. What is in it is said in `tables`.

use std::{
    fs, io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};

use super::{
    SqliteOptions,
    failure::{Failure, is_locked},
    tables::{SCHEMA_VERSION, SCHEMA_VERSION_MIN, TABLES, steps_from},
    workers::Workers,
};
use crate::StoreError;

/// Marks the file as ours, kept in `application_id`.
pub(super) const APPLICATION_ID: i64 = 0x6d63_706f;

/// Older versions can lose commits when two connections checkpoint at once.
const SQLITE_VERSION_MIN: i32 = 3_051_003;

/// SQLite's usual page. Many pages of a commit change in a few bytes and are written whole: twice the page writes two
/// thirds more to the log, in a quarter fewer calls, and takes as much CPU time as far as that can be measured.
const PAGE_BYTES: i64 = 4096;

/// Pages of the write-ahead log after which it is copied into the file: 8 MB. Half of it and four times of it
/// seemed to take slightly more time.
const CHECKPOINT_PAGES: i64 = 2000;

/// Statements kept prepared; more than there are.
const STATEMENTS_MAX: usize = 96;

/// Opens the file for writing; makes it, its folder (for its owner only) and its tables when they are missing, unless it
/// is opened as it is.
pub(super) fn open_writer(path: &Path, options: &SqliteOptions) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < SQLITE_VERSION_MIN {
        let version = rusqlite::version();
        return Err(StoreError::Unavailable(format!("SQLite {version} can lose commits; 3.51.3 or later is needed")));
    }
    if !options.as_is {
        create_file(path).map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    set_up_writer(path, flags, options).map_err(|failure| failure.into_store_error(path))
}

/// Opens the file for reading; the writer of this process is open.
pub(super) fn open_reader(path: &Path, busy_timeout: Duration) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    wait_when_busy(&mut connection, busy_timeout)?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Prepared once, they stay prepared: SQLite is compiled with statistics of value distributions here, and would plan a
/// statement anew whenever a value bound to it might change the plan. None of ours has more than one good plan.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

fn create_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        create_private_folder(folder)?;
    }
    let mut file = fs::OpenOptions::new();
    file.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path).map(drop)
}

/// Makes a folder and those above it, for their owner only. One that exists stays as it is.
pub(super) fn create_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn set_up_writer(path: &Path, flags: OpenFlags, options: &SqliteOptions) -> Result<Connection, Failure> {
    let mut connection = Connection::open_with_flags(path, flags)?;
    wait_when_busy(&mut connection, options.busy_timeout)?;
    keep_statements(&connection)?;
    let version = check_version(&connection, path)?;
    if options.as_is && version != SCHEMA_VERSION {
        return Err(Failure::Store(unchanged(path, version)));
    }
    // Of a file that has pages it changes nothing.
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    write_ahead(&connection, options.busy_timeout)?;
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};
         PRAGMA journal_size_limit = 67108864;",
    ))?;
    bring_up(&mut connection, path)?;
    if let Some(bytes_max) = options.bytes_max {
        let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?.into();
        let pages = i64::try_from(bytes_max / page.max(1)).unwrap_or(i64::MAX).clamp(1, 4_294_967_294);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(connection)
}

/// Waits in small steps: another process's transaction usually takes less than the steps of SQLite's own handler.
pub(super) fn wait_when_busy(connection: &mut Connection, patience: Duration) -> rusqlite::Result<()> {
    let mut since = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if tries == 0 {
            since = Instant::now();
        }
        let waits = since.elapsed() < patience;
        if waits {
            thread::sleep(Duration::from_millis(if tries < 20 { 1 } else { 5 }));
        }
        waits
    }))
}

/// Two processes that first open a file at once may find it locked here, where SQLite does not wait by itself.
fn write_ahead(connection: &Connection, patience: Duration) -> Result<(), Failure> {
    let since = Instant::now();
    loop {
        match connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let error = format!("the file system does not support a write-ahead log (journal mode {mode})");
                return Err(Failure::Store(StoreError::Unavailable(error)));
            }
            Err(error) if is_locked(&error) && since.elapsed() < patience => thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Makes the tables of an empty file, and brings those of an older version up to this one, in one transaction.
fn bring_up(connection: &mut Connection, path: &Path) -> Result<(), Failure> {
    if check_version(connection, path)? == SCHEMA_VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited.
    match check_version(&transaction, path)? {
        SCHEMA_VERSION => return Ok(()),
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        older => {
            // A program of that version would go on as if nothing had changed.
            if Workers::any_beside(path) {
                return Err(Failure::Store(StoreError::Locked(format!(
                    "{} has schema version {older} and is in use; stop the programs that use it, then open it with this one",
                    path.display()
                ))));
            }
            tracing::info!(path = %path.display(), from = older, to = SCHEMA_VERSION, "bringing the tables up to date");
            for step in steps_from(older) {
                transaction.execute_batch(step)?;
            }
        }
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    Ok(transaction.commit()?)
}

/// Why a file is not opened that may not be changed.
fn unchanged(path: &Path, version: i64) -> StoreError {
    let location = path.display().to_string();
    match version {
        0 => StoreError::Unreadable(format!("{location} is empty, and was to stay as it is")),
        older => {
            StoreError::Outdated { location, found: older.unsigned_abs(), expected: SCHEMA_VERSION.unsigned_abs() }
        }
    }
}

/// The version found: ours, an older one that can be brought up, or 0 in an empty file. Anything else is refused before anything is changed.
fn check_version(connection: &Connection, path: &Path) -> Result<i64, Failure> {
    if connection.is_autocommit() {
        // One look at all of it: another process may be making the tables right now.
        let look = connection.unchecked_transaction()?;
        return version_found(&look, path);
    }
    version_found(connection, path)
}

fn version_found(connection: &Connection, path: &Path) -> Result<i64, Failure> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (version, application) {
        (SCHEMA_VERSION_MIN..=SCHEMA_VERSION, APPLICATION_ID) => Ok(version),
        (0, 0) if tables == 0 => Ok(0),
        (_, APPLICATION_ID) => Err(Failure::Store(StoreError::Unreadable(format!(
            "{} has schema version {version}, this program knows {SCHEMA_VERSION_MIN} to {SCHEMA_VERSION}",
            path.display()
        )))),
        _ => {
            Err(Failure::Store(StoreError::Unreadable(format!("{} is a database of another program", path.display()))))
        }
    }
}
