//! The index on disk or in memory and how it is brought up to date. Owns commits and what one holds; finds no files and
//! takes no locks.

use std::{
    fmt, fs,
    io::Read as _,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use mcp_orchestrator_domain::clean_line;
use sha2::{Digest as _, Sha256};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError, Term, schema::Field};

use super::{
    CorpusLimits, SkipReason,
    extract::{Extracted, extract},
    kind::Kind,
    location::file_name,
    manifest::{Difference, Document, Entry, Manifest, Outcome},
    passage::{Cut, cut},
    schema::{Fields, register_analyzers, schema},
    walk::Found,
};
use crate::span::{digest_of, evidence_id};

/// What a thread of the writer may hold before it writes a segment; few files need only the least there may be.
const HEAP_BYTES_FEW: usize = 15_000_000;
const HEAP_BYTES_MANY: usize = 48_000_000;
const FEW_FILES_MAX: usize = 400;
/// Threads that read files, and threads that write the index.
const READERS_MAX: usize = 8;
const WRITERS_MAX: usize = 4;
/// What is kept of a title.
const TITLE_CHARS_MAX: usize = 120;

/// An index as of one commit.
#[derive(Clone)]
pub(super) struct State {
    pub(super) index: Index,
    pub(super) reader: IndexReader,
    pub(super) fields: Fields,
    pub(super) manifest: Arc<Manifest>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("index", &self.index).finish_non_exhaustive()
    }
}

impl State {
    /// A new index in memory, empty.
    pub(super) fn in_memory() -> Result<Self, TantivyError> {
        let (schema, fields) = schema();
        Self::of(Index::create_in_ram(schema), fields, Manifest::default())
    }

    /// A new index in a folder, empty. What is in the folder goes.
    pub(super) fn create(folder: &Path) -> Result<Self, TantivyError> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        fs::create_dir_all(folder)?;
        let (schema, fields) = schema();
        Self::of(Index::create_in_dir(folder, schema)?, fields, Manifest::default())
    }

    /// The last commit in a folder; `None` if there is none or it is damaged: then it is made anew.
    pub(super) fn load(folder: &Path) -> Option<Self> {
        let (schema, fields) = schema();
        let index = Index::open_in_dir(folder).ok().filter(|index| index.schema() == schema)?;
        let manifest = serde_json::from_str(index.load_metas().ok()?.payload.as_deref()?).ok()?;
        Self::of(index, fields, manifest).ok()
    }

    fn of(index: Index, fields: Fields, manifest: Manifest) -> Result<Self, TantivyError> {
        register_analyzers(&index);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { index, reader, fields, manifest: Arc::new(manifest) })
    }

    /// Makes the index hold the changed files and not the removed ones, in one commit. The caller is the only one who
    /// writes to this index now.
    pub(super) fn apply(&self, difference: &Difference, limits: &CorpusLimits) -> Result<Self, TantivyError> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let many = difference.changed.len() > FEW_FILES_MAX;
        let (threads, heap) = if many { (processors.min(WRITERS_MAX), HEAP_BYTES_MANY) } else { (1, HEAP_BYTES_FEW) };
        let mut writer: IndexWriter = self.index.writer_with_num_threads(threads, threads * heap)?;
        let mut manifest = Manifest::clone(&self.manifest);
        for name in &difference.removed {
            writer.delete_term(Term::from_field_text(self.fields.name, name));
            manifest.files.remove(name);
        }
        let readers = if many { processors.min(READERS_MAX) } else { processors.min(2) };
        for (name, entry) in self.add_all(&writer, &difference.changed, limits, readers)? {
            manifest.files.insert(name, entry);
        }
        for found in &difference.doubtful {
            // Its content was compared and is the same: from now on its time can be trusted.
            if let Some(entry) = manifest.files.get_mut(&found.name) {
                entry.read_ns = now_ns();
            }
        }
        let payload =
            serde_json::to_string(&manifest).map_err(|error| TantivyError::InternalError(error.to_string()))?;
        let mut commit = writer.prepare_commit()?;
        commit.set_payload(&payload);
        commit.commit()?;
        writer.wait_merging_threads()?;
        self.reader.reload()?;
        Ok(Self { manifest: Arc::new(manifest), ..self.clone() })
    }

    fn add_all(
        &self,
        writer: &IndexWriter,
        changed: &[Found],
        limits: &CorpusLimits,
        readers: usize,
    ) -> Result<Vec<(String, Entry)>, TantivyError> {
        let next = AtomicUsize::new(0);
        let done = Mutex::new(Ok(Vec::with_capacity(changed.len())));
        thread::scope(|scope| {
            for _ in 0..readers.clamp(1, changed.len().max(1)) {
                scope.spawn(|| {
                    while let Some(found) = changed.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let added = self.add(writer, found, limits);
                        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
                        match (done.as_mut(), added) {
                            (Ok(list), Ok(entry)) => list.push((found.name.clone(), entry)),
                            (Ok(_), Err(error)) => *done = Err(error),
                            (Err(_), Ok(_) | Err(_)) => return,
                        }
                    }
                });
            }
        });
        done.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, writer: &IndexWriter, found: &Found, limits: &CorpusLimits) -> Result<Entry, TantivyError> {
        let read_ns = now_ns();
        let bytes = read(found, limits);
        let hash = bytes.as_ref().map_or(0, |bytes| hash_of(bytes));
        let entry = |outcome| Entry { bytes: found.bytes, modified_ns: found.modified_ns, read_ns, hash, outcome };
        if let Some(before) = self.manifest.files.get(&found.name) {
            if bytes.is_ok() && before.hash == hash {
                // Only its time changed, as after a checkout.
                return Ok(entry(before.outcome.clone()));
            }
            writer.delete_term(Term::from_field_text(self.fields.name, &found.name));
        }
        let extracted = match bytes.and_then(|bytes| extract(found.kind, bytes, limits)) {
            Ok(extracted) => extracted,
            Err(reason) => return Ok(entry(Outcome::Skipped(reason))),
        };
        let cut = cut(found.kind, &extracted.text);
        Ok(entry(Outcome::Indexed(self.add_document(writer, found, &extracted, cut)?)))
    }

    fn add_document(
        &self,
        writer: &IndexWriter,
        found: &Found,
        extracted: &Extracted,
        cut: Cut,
    ) -> Result<Document, TantivyError> {
        let (fields, name) = (&self.fields, found.name.as_str());
        let snapshot = digest_of(&extracted.text);
        let title = extracted.title.as_deref().or(cut.title.as_deref()).unwrap_or_else(|| file_name(name));
        let title = clean_line(title, TITLE_CHARS_MAX);
        let mut whole = TantivyDocument::default();
        whole.add_text(fields.name, name);
        whole.add_text(fields.digest_key, snapshot.to_string());
        whole.add_text(fields.text, &extracted.text);
        writer.add_document(whole)?;
        let place = format!("{title} {}", path_words(name));
        let passages = u32::try_from(cut.passages.len()).unwrap_or(u32::MAX);
        for passage in cut.passages {
            let quote = &extracted.text[passage.range.clone()];
            let (start, end) = (passage.range.start as u64, passage.range.end as u64);
            let mut part = TantivyDocument::default();
            part.add_text(fields.name, name);
            part.add_bytes(fields.digest, snapshot.as_bytes());
            part.add_text(fields.evidence, evidence_id(&snapshot, start, end));
            part.add_u64(fields.start, start);
            part.add_u64(fields.end, end);
            part.add_text(fields.body, quote);
            part.add_text(fields.exact, quote);
            add_unless_empty(&mut part, fields.heading, &passage.heading);
            part.add_text(fields.place, &place);
            part.add_text(fields.title, &title);
            writer.add_document(part)?;
        }
        Ok(Document { snapshot, title, text_bytes: extracted.text.len() as u64, passages, kind: found.kind })
    }
}

/// Whether a file still holds what was indexed. A file that cannot be read counts as the same when it could not be read
/// then either.
pub(super) fn is_same(found: &Found, entry: &Entry, limits: &CorpusLimits) -> bool {
    match read(found, limits) {
        Ok(bytes) => hash_of(&bytes) == entry.hash,
        Err(reason) => entry.outcome == Outcome::Skipped(reason),
    }
}

fn read(found: &Found, limits: &CorpusLimits) -> Result<Vec<u8>, SkipReason> {
    // Between listing and reading, a file or a folder above it may have become a link to elsewhere.
    let real = found.path.canonicalize().map_err(|_gone| SkipReason::Unreadable)?;
    if !real.starts_with(&found.root) {
        return Err(SkipReason::Outside);
    }
    let bytes_max = if found.kind == Kind::Pdf { limits.pdf_bytes_max } else { limits.file_bytes_max };
    let file = fs::File::open(real).map_err(|_refused| SkipReason::Unreadable)?;
    let mut bytes = Vec::with_capacity(usize::try_from(found.bytes).unwrap_or(0) + 1);
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(|_failed| SkipReason::Unreadable)?;
    if bytes.len() as u64 > bytes_max { Err(SkipReason::TooLarge) } else { Ok(bytes) }
}

fn hash_of(bytes: &[u8]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(Sha256::digest(bytes));
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

fn add_unless_empty(document: &mut TantivyDocument, field: Field, text: &str) {
    if !text.is_empty() {
        document.add_text(field, text);
    }
}

/// A name without its extension, for searching: `guides/crash-recovery.md` is about guides and crash recovery.
pub(super) fn path_words(name: &str) -> &str {
    name.rsplit_once('.').filter(|(_, extension)| !extension.contains('/')).map_or(name, |(stem, _)| stem)
}

fn now_ns() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
}
