//! Which workers are alive: each process holds a lock file for every worker it runs, which the system frees when the
//! process ends, however it ends. Owns the folder of lock files; knows nothing of leases.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use mcp_orchestrator_domain::Timestamp;
use sha2::{Digest as _, Sha256};

use super::schema::create_private_folder;
use crate::{StoreError, WorkerId};

/// Attempts to take a lock that a look of another process may hold for a moment.
const TRIES: u32 = 20;

/// Lock files looked at when a store is opened.
const SWEEP_MAX: usize = 10_000;

/// The lock files beside a database.
#[derive(Debug)]
pub(super) struct Workers {
    folder: PathBuf,
    held: HashMap<WorkerId, Held>,
}

/// A worker of this process.
#[derive(Debug)]
struct Held {
    /// Locked until it is dropped.
    file: File,
    path: PathBuf,
    /// Until when it counts as alive without a lease: it may end before its process does.
    seen_until: Timestamp,
}

impl Workers {
    /// The workers of the database at `path`. Removes what ended processes left behind.
    pub(super) fn beside(path: &Path) -> Self {
        let workers = Self::of(path);
        let entries = fs::read_dir(&workers.folder).into_iter().flatten().flatten();
        for entry in entries.take(SWEEP_MAX) {
            if entry.path().extension().is_some_and(|extension| extension == "lock") {
                is_free(&entry.path());
            }
        }
        workers
    }

    /// The same without a look at what is there: to ask about one of them.
    pub(super) fn of(path: &Path) -> Self {
        let mut folder = path.as_os_str().to_owned();
        folder.push(".workers");
        Self { folder: folder.into(), held: HashMap::new() }
    }

    /// Whether another process runs a worker of the database at `path`.
    pub(super) fn any_beside(path: &Path) -> bool {
        let entries = fs::read_dir(&Self::of(path).folder).into_iter().flatten().flatten();
        entries.take(SWEEP_MAX).any(|entry| {
            entry.path().extension().is_some_and(|extension| extension == "lock") && !is_free(&entry.path())
        })
    }

    /// Takes a worker's lock for this process, or notes that it is still there. False: another process has it.
    pub(super) fn hold(&mut self, worker: &WorkerId, seen_until: Timestamp) -> Result<bool, StoreError> {
        if let Some(held) = self.held.get_mut(worker) {
            held.seen_until = held.seen_until.max(seen_until);
            return Ok(true);
        }
        let path = self.path(worker);
        let unavailable = |error: io::Error| StoreError::Unavailable(format!("{}: {error}", path.display()));
        create_private_folder(&self.folder).map_err(unavailable)?;
        let Some(file) = lock(&path).map_err(unavailable)? else { return Ok(false) };
        self.held.insert(worker.clone(), Held { file, path, seen_until });
        Ok(true)
    }

    /// Whether it is a worker of this process.
    pub(super) fn is_ours(&self, worker: &WorkerId) -> bool {
        self.held.contains_key(worker)
    }

    /// Whether a worker of this process was seen lately.
    pub(super) fn seen(&self, worker: &WorkerId, now: Timestamp) -> bool {
        self.held.get(worker).is_some_and(|held| held.seen_until > now)
    }

    /// Whether the process of a worker has ended.
    pub(super) fn has_ended(&self, worker: &WorkerId) -> bool {
        !self.is_ours(worker) && is_free(&self.path(worker))
    }

    fn path(&self, worker: &WorkerId) -> PathBuf {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let name = if worker.0.len() <= 100 && !worker.0.is_empty() && worker.0.bytes().all(plain) {
            worker.0.to_string()
        } else {
            mcp_orchestrator_domain::Digest::new(Sha256::digest(worker.0.as_bytes()).into()).to_string()
        };
        self.folder.join(format!("{name}.lock"))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for (_, held) in self.held.drain() {
            // Removed while still locked, so that nobody can lock a file that is about to go.
            let _ = fs::remove_file(&held.path);
            drop(held.file);
        }
    }
}

/// Makes and locks a file. `None`: another process holds it. Where the file system knows no locks the file alone
/// is kept, and only the time of a lease tells the end of its worker.
fn lock(path: &Path) -> io::Result<Option<File>> {
    for _ in 0..TRIES {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        match file.try_lock() {
            Ok(()) if !is_same(&file, path) => {}
            Ok(()) | Err(TryLockError::Error(_)) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
        }
    }
    Ok(None)
}

/// Whether nobody holds the lock of a file, or there is none: its owner's end removes it. Removes it if so.
fn is_free(path: &Path) -> bool {
    let file = match OpenOptions::new().read(true).append(true).open(path) {
        Ok(file) => file,
        Err(error) => return error.kind() == io::ErrorKind::NotFound,
    };
    match file.try_lock() {
        Ok(()) => {
            if is_same(&file, path) {
                let _ = fs::remove_file(path);
            }
            true
        }
        // Not known to be free: its leases end by time.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

/// Whether the path still names this very file: another process may have removed it between opening and locking.
#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        (Ok(_) | Err(_), _) => false,
    }
}

/// An open file cannot be replaced here.
#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> bool {
    path.exists()
}
