//! Finds the files of a corpus. Owns ignore rules, symlinks and the limits on files; reads no content.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::UNIX_EPOCH,
};

use ignore::{DirEntry, WalkBuilder, WalkState};

use super::{CorpusError, CorpusLimits, SkipReason, kind::Kind, location::name_of};

/// The name of a file with more ignore rules, in the syntax of `.gitignore`.
const IGNORE_FILE: &str = ".orchestratorignore";
/// Threads that walk.
const THREADS_MAX: usize = 4;

/// A folder of the corpus that exists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Root {
    /// As the caller gave it, for messages.
    pub(super) given: PathBuf,
    /// Where it really is.
    pub(super) real: PathBuf,
    /// What the names of its documents begin with, empty or ending with `/`.
    prefix: String,
}

/// A file that may be a document.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) root: PathBuf,
    pub(super) kind: Kind,
    pub(super) bytes: u64,
    /// Nanoseconds since 1970; 0 where the system does not say.
    pub(super) modified_ns: u64,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// In the order of their names.
    pub(super) files: Vec<Found>,
    /// Files that were not taken, in the order of their names.
    pub(super) skipped: Vec<(String, SkipReason)>,
}

/// The corpus's folders, each checked. With several folders, names begin with the folder's own name.
pub(super) fn roots(folders: &[PathBuf]) -> Result<Vec<Root>, CorpusError> {
    let mut roots: Vec<Root> = Vec::new();
    for given in folders {
        let real = given.canonicalize().map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => CorpusError::Missing { path: given.clone() },
            _ => CorpusError::Unreadable { path: given.clone(), source },
        })?;
        let unreadable = |source| CorpusError::Unreadable { path: given.clone(), source };
        let kind = fs::metadata(&real).map_err(unreadable)?.file_type();
        if kind.is_dir() {
            fs::read_dir(&real).map_err(unreadable)?;
        } else if kind.is_file() {
            fs::File::open(&real).map_err(unreadable)?;
        } else {
            return Err(CorpusError::NotAFolder { path: given.clone() });
        }
        if roots.iter().any(|root| root.real == real) {
            continue;
        }
        roots.push(Root { given: given.clone(), real, prefix: String::new() });
    }
    if roots.len() > 1 {
        name_apart(&mut roots);
    }
    Ok(roots)
}

fn name_apart(roots: &mut [Root]) {
    for at in 0..roots.len() {
        let root = &roots[at];
        if root.real.is_file() {
            continue;
        }
        let own = root.real.file_name().map(|name| name_of(Path::new(name))).unwrap_or_default();
        let own = if own.is_empty() { "root".to_owned() } else { own };
        let taken = |prefix: &str| roots[..at].iter().any(|other| other.prefix == prefix);
        let numbered = (2..).map(|number| format!("{own}-{number}/"));
        let prefix = std::iter::once(format!("{own}/")).chain(numbered).find(|prefix| !taken(prefix));
        roots[at].prefix = prefix.unwrap_or_default();
    }
}

/// All files of the folders that ignore rules, names and limits let through.
pub(super) fn list(roots: &[Root], limits: &CorpusLimits) -> Result<Listing, CorpusError> {
    let mut listing = Listing::default();
    for root in roots {
        walk(root, limits, &mut listing)?;
    }
    listing.files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    listing.files.dedup_by(|a, b| a.name == b.name);
    listing.skipped.sort_unstable();
    Ok(listing)
}

fn walk(root: &Root, limits: &CorpusLimits, listing: &mut Listing) -> Result<(), CorpusError> {
    let files_max = limits.files_max.saturating_sub(listing.files.len());
    let bytes_max = limits.total_bytes_max.saturating_sub(listing.files.iter().map(|file| file.bytes).sum());
    let (files, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let overflow = AtomicBool::new(false);
    let found: Mutex<Listing> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let walker = WalkBuilder::new(&root.real)
        // The folder was named by its operator: rules of folders above it do not hide it, nor do rules of the account.
        .parents(false)
        .git_global(false)
        .require_git(false)
        .add_custom_ignore_filename(IGNORE_FILE)
        // What a link inside the folder points to is found where it is; what it points to outside is not ours.
        .follow_links(false)
        .max_depth(Some(limits.depth_max))
        .threads(threads)
        .build_parallel();
    walker.run(|| {
        Box::new(|entry| {
            let Ok(entry) = entry else { return WalkState::Continue };
            let Some(outcome) = look_at(root, &entry, limits) else { return WalkState::Continue };
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(file) => {
                    let files_now = files.fetch_add(1, Ordering::Relaxed) + 1;
                    let bytes_now = bytes.fetch_add(file.bytes, Ordering::Relaxed) + file.bytes;
                    if files_now > files_max || bytes_now > bytes_max {
                        overflow.store(true, Ordering::Relaxed);
                        return WalkState::Quit;
                    }
                    found.files.push(file);
                }
                Err(skipped) => {
                    // Files passed over are bounded too: each is one name in memory.
                    if found.skipped.len() < limits.files_max {
                        found.skipped.push(skipped);
                    }
                }
            }
            WalkState::Continue
        })
    });
    if overflow.into_inner() {
        let path = root.given.clone();
        return Err(if files.into_inner() > files_max {
            CorpusError::TooManyFiles { path, files_max: limits.files_max }
        } else {
            CorpusError::TooManyBytes { path, total_bytes_max: limits.total_bytes_max }
        });
    }
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    listing.files.extend(found.files);
    listing.skipped.extend(found.skipped);
    Ok(())
}

/// `None` for folders, links and special files.
fn look_at(root: &Root, entry: &DirEntry, limits: &CorpusLimits) -> Option<Result<Found, (String, SkipReason)>> {
    if !entry.file_type().is_some_and(|kind| kind.is_file()) {
        return None;
    }
    let path = entry.path();
    let inside = path.strip_prefix(&root.real).ok().filter(|inside| !inside.as_os_str().is_empty());
    // A corpus may be a single file.
    let inside = inside.or_else(|| path.file_name().map(Path::new))?;
    let name = format!("{}{}", root.prefix, name_of(inside));
    let Some(kind) = Kind::of(path) else { return Some(Err((name, SkipReason::Binary))) };
    let Ok(metadata) = entry.metadata() else { return Some(Err((name, SkipReason::Unreadable))) };
    let bytes_max = if kind == Kind::Pdf { limits.pdf_bytes_max } else { limits.file_bytes_max };
    if metadata.len() > bytes_max {
        return Some(Err((name, SkipReason::TooLarge)));
    }
    let since_1970 = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let modified_ns = since_1970.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX));
    let root = if root.real.is_file() { root.real.parent().map(Path::to_owned)? } else { root.real.clone() };
    Some(Ok(Found { name, path: path.to_owned(), root, kind, bytes: metadata.len(), modified_ns }))
}
