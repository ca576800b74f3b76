//! The process that delivers, as long as it does. Owns the loop: when to read, when to send, when to stop leading.

use std::{future, sync::Arc};

use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_store::{Change, StoreError};
use tokio::{
    sync::broadcast::{self, error::RecvError, error::TryRecvError},
    task::JoinSet,
};

use crate::{
    attempt::{Attempted, attempt},
    keys::{EndpointKey, Slot},
    lease::Lease,
    reader::Reader,
    shared::Shared,
};

/// Hints taken together before the store is read once for all of them.
const HINTS_MAX: usize = 1024;

/// Why it delivers no longer.
pub(crate) enum Lost {
    /// Another process does, or will.
    Lease,
    /// The store failed.
    Store(StoreError),
}

/// Attempts that run, at most `concurrent_max`.
pub(crate) type Attempts = JoinSet<(EndpointKey, Slot, Attempted)>;

/// What there may be to read.
#[derive(Clone, Copy)]
struct News {
    /// Records in the feed.
    records: bool,
    /// Endpoints to look at anew.
    wakes: bool,
}

impl News {
    const NONE: Self = Self { records: false, wakes: false };
    const ALL: Self = Self { records: true, wakes: true };

    fn and(&mut self, other: Self) {
        self.records |= other.records;
        self.wakes |= other.wakes;
    }

    fn of(change: &Change) -> Self {
        match change {
            Change::Appended(..) => Self { records: true, wakes: false },
            Change::Ephemeral(..) => Self::NONE,
            // `Elsewhere`, and any hint this version does not know.
            _ => Self::ALL,
        }
    }
}

/// Delivers until the lease is lost or the store fails. Dropping the future ends the reading; what was begun is in
/// `attempts` and writes down its own outcome.
pub(crate) async fn lead(shared: &Arc<Shared>, lease: &mut Lease, attempts: &mut Attempts) -> Lost {
    match try_to_lead(shared, lease, attempts).await {
        Ok(()) => Lost::Lease,
        Err(error) => Lost::Store(error),
    }
}

async fn try_to_lead(shared: &Arc<Shared>, lease: &mut Lease, attempts: &mut Attempts) -> Result<(), StoreError> {
    // Listening before reading: nothing falls between the two.
    let mut hints = Some(shared.db.store.changes());
    let mut reader = Reader::load(shared).await?;
    let mut news = News::ALL;
    let mut poll_at = shared.now();
    loop {
        if lease.renew_at <= shared.now() && !lease.renew(shared).await? {
            return Ok(());
        }
        if poll_at <= shared.now() {
            poll_at = shared.now().after(shared.settings.poll);
            news = News::ALL;
        }
        if std::mem::take(&mut news.wakes) {
            reader.take_wakes().await?;
        }
        if news.records {
            match reader.read().await? {
                Some(more) => news.records = more,
                None => return Ok(()),
            }
        }
        let now = shared.now();
        while attempts.len() < shared.settings.concurrent_max
            && let Some((key, slot)) = reader.lanes.next(now, shared.settings.principal_concurrent_max)
        {
            attempts.spawn(attempt(Arc::clone(shared), key, slot));
        }
        shared.tally.waiting(reader.lanes.pending(), attempts.len());
        let wake_at = reader.lanes.deadline(now).into_iter().fold(poll_at.min(lease.renew_at), Timestamp::min);
        tokio::select! {
            biased;
            Some(ended) = attempts.join_next(), if !attempts.is_empty() => {
                // An attempt that panicked left its lane in an unknown state: begin anew.
                let Ok((key, slot, attempted)) = ended else { return Ok(()) };
                reader.ended(&key, slot, attempted).await?;
            }
            () = future::ready(()), if news.records => {}
            found = hint(&mut hints) => news.and(found),
            () = shared.nudge.notified() => news.wakes = true,
            () = shared.settings.clock.sleep_until(wake_at) => {}
        }
    }
}

/// Waits for a hint, and takes all that wait with it.
async fn hint(hints: &mut Option<broadcast::Receiver<Change>>) -> News {
    let Some(receiver) = hints else { return future::pending().await };
    let mut news = match receiver.recv().await {
        Ok(change) => News::of(&change),
        Err(RecvError::Lagged(_)) => News::ALL,
        Err(RecvError::Closed) => {
            *hints = None;
            return News::NONE;
        }
    };
    for _ in 0..HINTS_MAX {
        match receiver.try_recv() {
            Ok(change) => news.and(News::of(&change)),
            Err(TryRecvError::Lagged(_)) => news = News::ALL,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    news
}
