//! Brings an index in line with its files, beside other processes that do the same. Owns the lock and when an index is
//! read, written or made anew.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tantivy::TantivyError;

use super::{
    CorpusError, CorpusOptions, SkipReason,
    index::{State, is_same},
    manifest::Difference,
    walk::{self, Listing, Root},
};

/// Between two attempts to get the lock.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// What an update found and did.
#[derive(Debug)]
pub(super) struct Updated {
    pub(super) state: State,
    /// Files not even read.
    pub(super) passed_over: Vec<(String, SkipReason)>,
    /// Files read and indexed, or read and found to hold no text.
    pub(super) changed: usize,
    /// Files that had gone.
    pub(super) removed: usize,
    /// Another process was writing and took too long: the index is as it was before.
    pub(super) is_stale: bool,
}

/// Compares `current`, or else the index in `folder`, with the files and writes what differs. Without a folder the
/// index is in memory.
pub(super) fn update(
    options: &CorpusOptions,
    roots: &[Root],
    folder: Option<&Path>,
    current: Option<State>,
) -> Result<Updated, CorpusError> {
    let listing = walk::list(roots, &options.limits)?;
    let current = current.or_else(|| State::load(folder?));
    let difference = current.as_ref().map(|state| differs(state, &listing, options));
    let mut updated = match (current, difference, folder) {
        (Some(state), Some(difference), _) if is_nothing(&difference) => {
            let state = settle(state, &difference, folder, options);
            Updated { state, passed_over: Vec::new(), changed: 0, removed: 0, is_stale: false }
        }
        (Some(state), Some(difference), None) => write(state, &difference, options)?,
        (_, _, None) => write(in_memory(options)?, &everything(listing.files.clone()), options)?,
        (current, _, Some(folder)) => write_locked(current, &listing, folder, options)?,
    };
    if updated.state.manifest.documents().next().is_none() {
        let skipped = listing.skipped.len() + updated.state.manifest.skipped().count();
        return Err(CorpusError::Empty { paths: options.folders.clone(), skipped });
    }
    updated.passed_over = listing.skipped;
    Ok(updated)
}

fn write_locked(
    current: Option<State>,
    listing: &Listing,
    folder: &Path,
    options: &CorpusOptions,
) -> Result<Updated, CorpusError> {
    let Some(lock) = lock(folder, options.lock_wait).map_err(|source| cache(folder, source))? else {
        return match current {
            Some(state) => Ok(Updated { state, passed_over: Vec::new(), changed: 0, removed: 0, is_stale: true }),
            None => write(in_memory(options)?, &everything(listing.files.clone()), options),
        };
    };
    // Whoever held the lock may have done the work.
    let updated = match State::load(folder) {
        Some(state) => {
            let difference = differs(&state, listing, options);
            write(state, &difference, options)
        }
        None => {
            let state = State::create(folder).map_err(|error| broken(folder, options, error))?;
            write(state, &everything(listing.files.clone()), options)
        }
    };
    drop(lock);
    updated
}

fn write(state: State, difference: &Difference, options: &CorpusOptions) -> Result<Updated, CorpusError> {
    let (changed, removed) = (difference.changed.len(), difference.removed.len());
    let state = if is_nothing(difference) {
        state
    } else {
        state.apply(difference, &options.limits).map_err(|error| CorpusError::index(&options.name, error))?
    };
    Ok(Updated { state, passed_over: Vec::new(), changed, removed, is_stale: false })
}

/// Remembers that doubtful files were compared, if nobody else is writing; otherwise they are compared again.
fn settle(state: State, difference: &Difference, folder: Option<&Path>, options: &CorpusOptions) -> State {
    if difference.doubtful.is_empty() {
        return state;
    }
    let settled = match folder {
        None => state.apply(difference, &options.limits).ok(),
        Some(folder) => lock(folder, Duration::ZERO).ok().flatten().and_then(|_lock| {
            let state = State::load(folder)?;
            let difference = Difference { doubtful: difference.doubtful.clone(), ..Difference::default() };
            state.apply(&difference, &options.limits).ok()
        }),
    };
    settled.unwrap_or(state)
}

/// The difference, with each doubtful file's content compared: what is left as doubtful is the same.
fn differs(state: &State, listing: &Listing, options: &CorpusOptions) -> Difference {
    let mut difference = state.manifest.compare(listing);
    let doubtful = std::mem::take(&mut difference.doubtful);
    for found in doubtful {
        let entry = state.manifest.files.get(&found.name);
        if entry.is_some_and(|entry| is_same(&found, entry, &options.limits)) {
            difference.doubtful.push(found);
        } else {
            difference.changed.push(found);
        }
    }
    difference
}

fn is_nothing(difference: &Difference) -> bool {
    difference.changed.is_empty() && difference.removed.is_empty()
}

fn everything(changed: Vec<walk::Found>) -> Difference {
    Difference { changed, ..Difference::default() }
}

fn in_memory(options: &CorpusOptions) -> Result<State, CorpusError> {
    State::in_memory().map_err(|error| CorpusError::index(&options.name, error))
}

/// The lock of an index, held until dropped or until the process ends; `None` when another held it all the time.
fn lock(folder: &Path, wait: Duration) -> Result<Option<File>, io::Error> {
    let file = File::options().create(true).truncate(false).write(true).open(lock_path(folder))?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if begun.elapsed() >= wait => return Ok(None),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_POLL),
        }
    }
}

fn lock_path(folder: &Path) -> PathBuf {
    folder.with_extension("lock")
}

fn cache(folder: &Path, source: io::Error) -> CorpusError {
    CorpusError::Cache { path: folder.to_owned(), source }
}

fn broken(folder: &Path, options: &CorpusOptions, error: TantivyError) -> CorpusError {
    match error {
        TantivyError::IoError(source) => match Arc::try_unwrap(source) {
            Ok(source) => cache(folder, source),
            Err(shared) => cache(folder, io::Error::new(shared.kind(), shared)),
        },
        other => CorpusError::index(&options.name, other),
    }
}

/// Makes the folder an index is kept in; `None` when that is not possible: then the index is kept in memory.
pub(super) fn prepare(parent: &Path, key: &str) -> Option<PathBuf> {
    let folder = parent.join(key);
    let writable = fs::create_dir_all(parent)
        .and_then(|()| File::options().create(true).truncate(false).write(true).open(lock_path(&folder)));
    match writable {
        Ok(_) => Some(folder),
        Err(error) => {
            tracing::warn!(folder = %parent.display(), %error, "index is kept in memory: its cache folder cannot be written");
            None
        }
    }
}
