//! Telling readers what is new: hints in, one read for each workflow that grew, and a slow net below. Owns when the store
//! is asked; what readers are given of it is the entries'.

use std::{pin::pin, sync::Arc, time::Duration};

use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_store::{Change, Page, StoreError};
use tokio::{
    sync::broadcast::error::RecvError,
    task::JoinSet,
    time::{self, Instant},
};

use crate::{
    StreamError,
    bridge::Shared,
    entry::{Entry, FETCH_RECORDS_MAX, Fetched, Task},
};

/// Heads are asked for at least this often, whatever the hints say. Hints make a stream quick; this makes it certain.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// The least time between two looks at the heads that hints asked for, so that another process that writes without a
/// pause does not have us ask without one.
const LOOK_PAUSE: Duration = Duration::from_millis(25);

/// Logs read at once.
const FETCHES_MAX: usize = 8;

/// Heads asked for at once.
const HEADS_MAX: usize = 1_000;

/// A look at heads is followed by a pause of at least this many times what it took.
const LOOK_PAUSE_FACTOR: u32 = 4;

/// Runs until `shutdown` is ready. However this ends, all streams are closed then.
pub(crate) async fn run(shared: &Arc<Shared>, shutdown: impl Future<Output = ()>) {
    let mut hints = shared.store.changes();
    let mut is_told = true;
    let mut fetches = JoinSet::new();
    let mut looks = JoinSet::new();
    let mut look = NextLook::new();
    let mut shutdown = pin!(shutdown);
    // Declared last and so dropped first: readers are to see that all is closed, not that a fetch broke off.
    let _closing = Closing(shared);
    loop {
        while fetches.len() < FETCHES_MAX
            && let Some(entry) = shared.next_wanted()
        {
            if let Some(task) = entry.begin_fetch() {
                fetches.spawn(fetch(Fetching { shared: Arc::clone(shared), entry, task, is_done: false }));
            }
        }
        tokio::select! {
            () = &mut shutdown => return,
            hint = hints.recv(), if is_told => match hint {
                Ok(Change::Appended(id, head)) => {
                    if let Some(entry) = shared.entry(&id)
                        && entry.hint(head)
                    {
                        shared.want(&entry);
                    }
                }
                Ok(Change::Ephemeral(id, bytes)) => {
                    if let Some(entry) = shared.entry(&id) {
                        entry.show(bytes);
                    }
                }
                Err(RecvError::Closed) => is_told = false,
                // `Elsewhere`, hints that were missed, and any this version does not know.
                Ok(_) | Err(RecvError::Lagged(_)) => look.hurry(),
            },
            // A fetch that panicked has told its entry when it was dropped.
            Some(_) = fetches.join_next() => {}
            Some(_) = looks.join_next() => look.ended(),
            () = shared.asked.notified(), if fetches.len() < FETCHES_MAX => {}
            () = time::sleep_until(look.due), if looks.is_empty() => {
                if look.begins() {
                    shared.entries().iter().for_each(|entry| entry.let_go());
                }
                looks.spawn(compare(Arc::clone(shared)));
            }
        }
    }
}

/// Closes all streams when it is dropped.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// When heads are looked at next.
struct NextLook {
    due: Instant,
    /// Not before this, whatever the hints say.
    earliest: Instant,
    began: Instant,
    /// When memory is given back next.
    let_go: Instant,
}

impl NextLook {
    /// At once: streams may have been opened before anybody listened.
    fn new() -> Self {
        let now = Instant::now();
        Self { due: now, earliest: now, began: now, let_go: now + POLL_INTERVAL }
    }

    /// A hint asks for one.
    fn hurry(&mut self) {
        self.due = self.due.min(self.earliest.max(Instant::now()));
    }

    /// One begins; true if memory is to be given back.
    fn begins(&mut self) -> bool {
        let now = Instant::now();
        (self.began, self.due) = (now, now + POLL_INTERVAL);
        let lets_go = now >= self.let_go;
        if lets_go {
            self.let_go = now + POLL_INTERVAL;
        }
        lets_go
    }

    fn ended(&mut self) {
        let now = Instant::now();
        self.earliest = now + LOOK_PAUSE.max((now - self.began) * LOOK_PAUSE_FACTOR);
        self.due = self.due.max(self.earliest);
    }
}

/// Compares what readers have with where the store says the logs are. A look that fails is made again later.
async fn compare(shared: Arc<Shared>) {
    let entries: Vec<Arc<Entry>> = shared.entries().into_iter().filter(|entry| entry.is_live()).collect();
    for entries in entries.chunks(HEADS_MAX) {
        let ids: Vec<WorkflowId> = entries.iter().map(|entry| entry.id.clone()).collect();
        let Ok(heads) = shared.store.heads(&ids).await else { return };
        for (entry, head) in entries.iter().zip(heads) {
            if entry.compare(head) {
                shared.want(entry);
            }
        }
    }
}

/// A log that is being read for all its readers. Dropping it unfinished fails the entry, so that nobody waits for ever.
struct Fetching {
    shared: Arc<Shared>,
    entry: Arc<Entry>,
    task: Task,
    is_done: bool,
}

async fn fetch(mut fetching: Fetching) {
    let (shared, entry) = (&fetching.shared, &fetching.entry);
    let page = shared.store.read(&entry.id, fetching.task.known.after, FETCH_RECORDS_MAX).await;
    fetching.is_done = true;
    fetching.end(page.map_err(StreamError::from));
}

impl Fetching {
    fn end(&self, page: Result<Page, StreamError>) {
        match self.entry.fetched(&self.task, page) {
            Fetched::Current => {}
            Fetched::More => self.shared.want(&self.entry),
            Fetched::Broken => self.shared.detach(&self.entry),
        }
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        if !self.is_done {
            self.end(Err(StoreError::Unavailable("a read did not end".to_owned()).into()));
        }
    }
}
