//! The bridge between one store and all who watch its workflows. Owns which workflows are watched and the closing of
//! everything; what a reader is given is decided in `reader` and `entry`.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use mcp_orchestrator_domain::{Timestamp, WorkflowId};
use mcp_orchestrator_store::Store;
use tokio::sync::Notify;

use crate::{
    ClientEvents, Cursor, Watch,
    entry::{Entry, Place},
    reader::Reader,
    route,
};

/// Streams of what happens in workflows, for any number of readers over one store. Cheap to clone; all clones are the same.
///
/// Readers of one workflow share what is new of it: the store is read once for all of them, and a reader that waits costs
/// no read and less than a kilobyte. A reader that falls behind is fed from the store by itself, so a slow one holds up
/// neither a workflow nor another reader.
///
/// [`Bridge::run`] must be driven, once: without it a stream replays what the log has and then waits. When that future
/// ends or is dropped, all streams are closed as by [`Bridge::close`].
#[derive(Clone)]
pub struct Bridge {
    shared: Arc<Shared>,
}

impl Bridge {
    /// A bridge to a store, without readers. There is no task behind it.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                entries: Mutex::default(),
                wanted: Mutex::default(),
                asked: Notify::new(),
                closed: OnceLock::new(),
                readers: AtomicUsize::new(0),
                reader_next: AtomicU64::new(0),
            }),
        }
    }

    /// Tells readers what is new until `shutdown` is ready, then closes all streams and ends.
    ///
    /// Hints of the store make it quick. What no hint told is found within two seconds by asking for the heads of all
    /// watched workflows together. Dropping the future closes all streams too. Must run on a tokio runtime with time
    /// enabled, and only once for each bridge.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        route::run(&self.shared, shutdown).await;
    }

    /// Follows what clients are told of a workflow, from a position on.
    ///
    /// `cursor` is [`Cursor::START`] or the id of the last event seen. Each event after it comes once and in order. The last
    /// one is `stream_closed`: because the workflow has ended, or because the bridge was closed, and then its id is where
    /// another stream goes on. A cursor the log does not have gives `stream_reset` and then everything.
    ///
    /// Dropping the stream stops everything: there is no task behind it.
    pub fn events(&self, id: &WorkflowId, cursor: Cursor) -> ClientEvents {
        ClientEvents::new(Reader::new(Arc::clone(&self.shared), id, cursor, false))
    }

    /// As [`Bridge::events`], with the text that is being written beside it: events that are shared and already rendered,
    /// and deltas from now on. A delta may be lost, and is when the reader is slow.
    pub fn watch(&self, id: &WorkflowId, cursor: Cursor) -> Watch {
        Watch::new(Reader::new(Arc::clone(&self.shared), id, cursor, true))
    }

    /// Ends every stream, those that begin later too: each gives a last `stream_closed` with the reason `shutdown`, and
    /// ends. Does not wait for anything; a second time does nothing.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Streams that are open: made, not dropped yet.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.shared.readers.load(Ordering::Relaxed)
    }

    /// The workflows that have readers, in no order.
    #[must_use]
    pub fn watched(&self) -> Vec<WorkflowId> {
        self.shared.entries().iter().map(|entry| entry.id.clone()).collect()
    }
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("readers", &self.readers()).finish_non_exhaustive()
    }
}

/// What readers and the router have in common.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn Store>,
    /// Each has a reader. Its lock is taken before an entry's, never after.
    entries: Mutex<HashMap<WorkflowId, Arc<Entry>>>,
    /// Entries whose log is to be read for all: each at most once.
    wanted: Mutex<VecDeque<Arc<Entry>>>,
    /// Told when `wanted` has grown.
    pub(crate) asked: Notify,
    /// When everything was closed.
    closed: OnceLock<Timestamp>,
    readers: AtomicUsize,
    reader_next: AtomicU64,
}

impl Shared {
    fn map(&self) -> MutexGuard<'_, HashMap<WorkflowId, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Arc<Entry>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn entry(&self, id: &WorkflowId) -> Option<Arc<Entry>> {
        self.map().get(id).cloned()
    }

    pub(crate) fn entries(&self) -> Vec<Arc<Entry>> {
        self.map().values().cloned().collect()
    }

    /// A number for a new reader, which counts until [`Shared::gone`].
    pub(crate) fn come(&self) -> u64 {
        self.readers.fetch_add(1, Ordering::Relaxed);
        self.reader_next.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn gone(&self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }

    /// The entry of a workflow, with one reader more, and the number of that reader's first delta.
    pub(crate) fn enter(&self, id: &WorkflowId, hears: bool) -> (Arc<Entry>, u64) {
        let mut map = self.map();
        let entry = map.entry(id.clone()).or_insert_with(|| Arc::new(Entry::new(id.clone())));
        let delta = entry.enter(hears);
        (Arc::clone(entry), delta)
    }

    /// One reader less; the entry goes with its last.
    pub(crate) fn leave(&self, entry: &Arc<Entry>, place: &Place) {
        let mut map = self.map();
        if entry.leave(place) {
            remove(&mut map, entry);
        }
    }

    /// Takes an entry that is broken out of the map: who comes from now on begins a new one.
    pub(crate) fn detach(&self, entry: &Arc<Entry>) {
        remove(&mut self.map(), entry);
    }

    /// Asks the router to read a log for all.
    pub(crate) fn want(&self, entry: &Arc<Entry>) {
        self.queue().push_back(Arc::clone(entry));
        self.asked.notify_one();
    }

    pub(crate) fn next_wanted(&self) -> Option<Arc<Entry>> {
        self.queue().pop_front()
    }

    pub(crate) fn closed(&self) -> Option<Timestamp> {
        self.closed.get().copied()
    }

    /// Closed first and woken then: a reader that registers afterwards sees that it is closed.
    pub(crate) fn close(&self) {
        self.closed.get_or_init(now);
        self.entries().iter().for_each(|entry| entry.wake());
    }
}

fn remove(map: &mut HashMap<WorkflowId, Arc<Entry>>, entry: &Arc<Entry>) {
    if map.get(&entry.id).is_some_and(|known| Arc::ptr_eq(known, entry)) {
        map.remove(&entry.id);
    }
}

fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::from_millis(mcp_orchestrator_domain::millis(since))
}
