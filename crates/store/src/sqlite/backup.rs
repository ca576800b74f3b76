//! A copy of the file while others write to it. Owns its steps and that nothing half done is ever found under the name
//! asked for; knows no tables.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use tokio::task::spawn_blocking;

use super::{
    SqliteStore,
    failure::Failure,
    schema::{APPLICATION_ID, wait_when_busy},
};
use crate::StoreError;

/// Pages copied in one step: 4 MB. Between steps it looks whether anybody still wants the copy.
const PAGES_AT_ONCE: i32 = 1024;

/// How long it waits for a process that is just making or closing the file.
const PATIENCE: Duration = Duration::from_secs(5);

impl SqliteStore {
    /// Copies the store in a file to another file, as [`SqliteStore::backup_of`].
    ///
    /// # Errors
    /// As [`SqliteStore::backup_of`].
    pub async fn backup(&self, to: impl AsRef<Path>) -> Result<u64, StoreError> {
        Self::backup_of(&self.path, to).await
    }

    /// Copies a store's file to a new file while any number of processes go on writing: the copy holds everything that was
    /// acknowledged before it began, nothing that came after, and is a store that can be opened as it is. The file may be
    /// of an older version; nothing in it changes. Returns the copy's size in bytes.
    ///
    /// The copy grows under another name beside `to` and gets its own when it is whole and on the disk, so that nothing
    /// half done bears it. While it is made the file's log cannot be shortened and grows by what is written.
    ///
    /// Dropping the future ends the copying at its next step and takes away what there is of it.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when there is a file of that name; [`StoreError::Unreadable`] when the file is no store;
    /// [`StoreError::Full`] when the copy does not fit; [`StoreError::Unavailable`] when either cannot be opened, read or
    /// written. Each names the file.
    pub async fn backup_of(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<u64, StoreError> {
        let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
        let wanted = Wanted(Arc::new(AtomicBool::new(true)));
        let still = Arc::clone(&wanted.0);
        let copying = spawn_blocking(move || copy(&from, &to, &still));
        let copied = copying.await.map_err(|error| StoreError::Unavailable(format!("copying did not end: {error}")))?;
        drop(wanted);
        copied
    }
}

/// Says by its end that nobody wants the copy any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The file that becomes the copy. Taken away when it did not.
struct Part(PathBuf);

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
        let mut journal = self.0.clone().into_os_string();
        journal.push("-journal");
        let _ = fs::remove_file(journal);
    }
}

fn copy(from: &Path, to: &Path, wanted: &AtomicBool) -> Result<u64, StoreError> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(StoreError::Taken(to.display().to_string()));
    }
    let of_copy = |error: io::Error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            StoreError::Full(format!("{}: {error}", to.display()))
        }
        io::ErrorKind::AlreadyExists => StoreError::Taken(to.display().to_string()),
        _ => StoreError::Unavailable(format!("{}: {error}", to.display())),
    };
    let source = open_source(from).map_err(|failure| failure.into_store_error(from))?;
    let part = Part(beside(to));
    create_private(&part.0).map_err(of_copy)?;
    pages(&source, &part.0, wanted).map_err(|failure| failure.into_store_error(&part.0))?;
    let file = File::open(&part.0).map_err(of_copy)?;
    file.sync_all().map_err(of_copy)?;
    let bytes = file.metadata().map_err(of_copy)?.len();
    give_name(&part.0, to).map_err(of_copy)?;
    if let Some(folder) = to.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        // Where folders cannot be synced the name is as safe as it gets.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
    Ok(bytes)
}

/// Opens the file without making or changing anything in it, and sees that it is a store's.
fn open_source(from: &Path) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut source = Connection::open_with_flags(from, flags)?;
    wait_when_busy(&mut source, PATIENCE)?;
    // One moment for all steps: SQLite would begin anew whenever another connection has written in between.
    source.execute_batch("BEGIN")?;
    let application: i64 = source.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application != APPLICATION_ID {
        let other = format!("{} is a database of another program", from.display());
        return Err(Failure::Store(StoreError::Unreadable(other)));
    }
    Ok(source)
}

fn pages(source: &Connection, part: &Path, wanted: &AtomicBool) -> Result<(), Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(part, flags)?;
    let backup = Backup::new(source, &mut copy)?;
    loop {
        match backup.step(PAGES_AT_ONCE)? {
            StepResult::Done => return Ok(()),
            StepResult::More | StepResult::Busy | StepResult::Locked if !wanted.load(Ordering::Relaxed) => {
                return Err(Failure::Store(StoreError::Unavailable("nobody waits for the copy".to_owned())));
            }
            StepResult::Busy | StepResult::Locked => {
                let locked = format!("{} is used by another process", part.display());
                return Err(Failure::Store(StoreError::Locked(locked)));
            }
            _ => {}
        }
    }
}

/// A name of this process's own beside the one asked for.
fn beside(to: &Path) -> PathBuf {
    let mut name = to.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    name.into()
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives a file a second name that nobody else has; where the file system knows no second names, renames it.
fn give_name(part: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(part, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if fs::symlink_metadata(to).is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(part, to),
        Ok(()) => Ok(()),
    }
}
