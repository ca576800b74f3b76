//! How an index follows its folder, and how several of them share one cache.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use mcp_orchestrator_tools::{Corpus, CorpusError, CorpusOptions};

use crate::folder::{Folder, found, hits, name};

fn folder() -> Folder {
    let folder =
        Folder::new(&[("a.md", "The anchor is heavy."), ("b.md", "The buoy is red."), ("c.md", "The chart is old.")]);
    for file in ["a.md", "b.md", "c.md"] {
        age(&folder, file, 3600);
    }
    folder
}

/// Makes a file look as if it was written so many seconds ago.
fn age(folder: &Folder, file: &str, seconds: u64) {
    let file = fs::File::options().write(true).open(folder.docs().join(file)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
}

#[test]
fn only_what_changed_is_read_again() {
    let folder = folder();
    assert_eq!(folder.open().summary().changed, 3);
    let unchanged = folder.open();
    assert_eq!((unchanged.summary().changed, unchanged.summary().removed), (0, 0));
    assert_eq!(found(&unchanged, "buoy").len(), 1);

    folder.write("b.md", "The bell is loud.");
    folder.write("d.md", "The dock is long.");
    folder.remove("c.md");
    let changed = folder.open();
    assert_eq!((changed.summary().changed, changed.summary().removed, changed.summary().documents), (2, 1, 3));
    assert_eq!(found(&changed, "bell"), ["corpus:docs/b.md"]);
    assert_eq!(found(&changed, "dock"), ["corpus:docs/d.md"]);
    assert_eq!(found(&changed, "anchor"), ["corpus:docs/a.md"]);
    assert!(found(&changed, "buoy").is_empty());
    assert!(found(&changed, "chart").is_empty());
}

#[test]
fn a_fresh_file_is_compared_by_content_because_its_time_proves_nothing() {
    let folder = folder();
    let path = folder.docs().join("a.md");
    folder.write("a.md", "The arrow is green.");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    folder.open();
    folder.write("a.md", "The apple is green.");
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    let corpus = folder.open();
    assert_eq!(corpus.summary().changed, 1);
    assert_eq!(found(&corpus, "apple").len(), 1);
    assert!(found(&corpus, "arrow").is_empty());
}

#[test]
fn a_touched_file_keeps_its_text() {
    let folder = folder();
    folder.open();
    age(&folder, "a.md", 60);
    let corpus = folder.open();
    assert_eq!(corpus.summary().documents, 3);
    assert_eq!(hits(&corpus, "anchor").len(), 1);
}

#[test]
fn an_open_corpus_takes_changes_in_when_told() {
    for cache in [true, false] {
        let folder = folder();
        let options = CorpusOptions::new(name("docs"), vec![folder.docs()]);
        let corpus = Corpus::open(if cache { options.with_cache(folder.cache()) } else { options }).unwrap();
        folder.write("a.md", "The albatross is large.");
        folder.remove("b.md");
        assert_eq!(found(&corpus, "anchor").len(), 1);
        let summary = corpus.refresh().unwrap();
        assert_eq!((summary.changed, summary.removed), (1, 1));
        assert!(found(&corpus, "anchor").is_empty());
        assert!(found(&corpus, "buoy").is_empty());
        assert_eq!(found(&corpus, "albatross").len(), 1);
        assert_eq!(corpus.refresh().unwrap().changed, 0);
    }
}

#[test]
fn a_corpus_that_lost_all_documents_says_so() {
    let folder = folder();
    let corpus = folder.open();
    for file in ["a.md", "b.md", "c.md"] {
        folder.remove(file);
    }
    assert!(matches!(corpus.refresh(), Err(CorpusError::Empty { .. })));
    assert!(matches!(folder.try_open(), Err(CorpusError::Empty { .. })));
    folder.write("a.md", "The anchor is back.");
    assert_eq!(found(&folder.open(), "anchor").len(), 1);
}

#[test]
fn several_opens_at_once_share_one_sound_index() {
    let folder = Folder::new(&[]);
    for n in 0..60 {
        folder.write(&format!("{n}.md"), format!("The beacon {n} blinks."));
    }
    let opened: Vec<Arc<Corpus>> = thread::scope(|scope| {
        let opening: Vec<_> = (0..6).map(|_| scope.spawn(|| folder.open())).collect();
        opening.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for corpus in &opened {
        assert_eq!(hits(corpus, "beacon").len(), 50);
        assert_eq!(corpus.summary().documents, 60);
        assert!(!corpus.summary().is_stale);
    }
    let read: usize = opened.iter().map(|corpus| corpus.summary().changed).sum();
    assert_eq!(read, 60, "each file is read by one of them");
}

#[test]
fn one_reads_on_while_another_rewrites() {
    let folder = folder();
    let reader = folder.open();
    for round in 0..5 {
        folder.write("a.md", format!("The anchor weighs {round} tons."));
        folder.open();
        assert_eq!(&*hits(&reader, "anchor heavy")[0].span.quote, "The anchor is heavy.");
    }
    reader.refresh().unwrap();
    assert_eq!(&*hits(&reader, "anchor tons")[0].span.quote, "The anchor weighs 4 tons.");
}

#[test]
fn a_lock_that_stays_taken_leaves_the_old_index_or_one_in_memory() {
    let folder = folder();
    let options = || folder.options().with_lock_wait(Duration::ZERO);
    folder.open();
    let lock = fs::File::options().write(true).open(lock_of(&folder.cache())).unwrap();
    lock.lock().unwrap();
    folder.write("d.md", "The dock is long.");
    let stale = Corpus::open(options()).unwrap();
    assert!(stale.summary().is_stale);
    assert!(found(&stale, "dock").is_empty());
    assert_eq!(found(&stale, "anchor").len(), 1);
    // Nothing was indexed yet: the folder's index is damaged, and its lock is taken.
    fs::remove_file(index_of(&folder.cache()).join("meta.json")).unwrap();
    let in_memory = Corpus::open(options()).unwrap();
    assert_eq!(found(&in_memory, "dock").len(), 1);
    drop(lock);
    assert_eq!(stale.refresh().unwrap().documents, 4);
    assert_eq!(found(&stale, "dock").len(), 1);
}

#[test]
fn a_damaged_index_is_made_anew() {
    let folder = folder();
    folder.open();
    for damage in [&b"{"[..], b"", b"\0\0\0\0"] {
        fs::write(index_of(&folder.cache()).join("meta.json"), damage).unwrap();
        let corpus = folder.open();
        assert_eq!(corpus.summary().changed, 3);
        assert_eq!(found(&corpus, "anchor").len(), 1);
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_done_without() {
    let folder = folder();
    fs::write(folder.outside("cache"), "a file, not a folder").unwrap();
    assert_eq!(found(&folder.open(), "anchor").len(), 1);
}

#[test]
fn a_corpus_without_cache_writes_nothing() {
    let folder = folder();
    Corpus::open(CorpusOptions::new(name("docs"), vec![folder.docs()])).unwrap();
    assert!(!folder.cache().exists());
    assert_eq!(fs::read_dir(folder.docs()).unwrap().count(), 3);
}

#[test]
fn a_folder_under_two_names_shares_its_index() {
    let folder = folder();
    folder.open();
    let other =
        Corpus::open(CorpusOptions::new(name("other"), vec![folder.docs()]).with_cache(folder.cache())).unwrap();
    assert_eq!(other.summary().changed, 0);
    assert_eq!(found(&other, "anchor"), ["corpus:other/a.md"]);
}

fn index_of(cache: &Path) -> PathBuf {
    inside(cache, |path| path.is_dir())
}

fn lock_of(cache: &Path) -> PathBuf {
    inside(cache, |path| path.extension().is_some_and(|extension| extension == "lock"))
}

fn inside(cache: &Path, wanted: impl Fn(&Path) -> bool) -> PathBuf {
    let format = fs::read_dir(cache).unwrap().next().unwrap().unwrap().path();
    fs::read_dir(format).unwrap().map(|entry| entry.unwrap().path()).find(|path| wanted(path)).unwrap()
}
