//! Events on their way: a writer that keeps a pace, a client that notes when each was there, and what comes of both.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use mcp_orchestrator::Cursor;
use mcp_orchestrator_domain::{Seq, Status};
use mcp_orchestrator_store::{After, Lease, Store};
use tokio::time::{Interval, timeout};

use crate::{appends::append, client::Reader};

/// How long a client waits for the next event. What has not come by then is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// The events of one workflow, by their order: when the append was sent, and when it was acknowledged.
pub(crate) type Written = Vec<(Instant, Instant)>;

/// What one client was given: positions in the log, and when the last byte of each was there.
pub(crate) type Read = Vec<(Seq, Instant)>;

/// What became of events, in milliseconds, and of their order.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    pub(crate) from_sent: Vec<f64>,
    pub(crate) from_acknowledged: Vec<f64>,
    /// Events that never came, came twice, or came in another order than the log's.
    pub(crate) gaps: usize,
}

/// Appends so many records to a log that has one, one at each tick. A tick that was missed is made up for.
pub(crate) async fn write(
    store: Arc<dyn Store>,
    lease: Lease,
    mut pace: Interval,
    events: usize,
) -> anyhow::Result<Written> {
    let mut written = Vec::with_capacity(events);
    let mut head = lease.head;
    for _ in 0..events {
        pace.tick().await;
        let sent = Instant::now();
        head = store.append(append(&lease, head.value(), After::Keep, Status::Running)).await?.seq;
        written.push((sent, Instant::now()));
    }
    Ok(written)
}

/// Reads until the last of so many events is there, or none comes any more.
pub(crate) async fn read(mut reader: Reader, after: Seq, events: usize) -> anyhow::Result<Read> {
    let (mut read, last) = (Vec::with_capacity(events), after.value() + events as u64);
    while let Ok(event) = timeout(PATIENCE, reader.next()).await {
        let now = Instant::now();
        let cursor: Cursor = event?.id.parse()?;
        // An event in the middle of a record carries the position before it.
        let seq = Seq::new(cursor.seq().value() + u64::from(cursor.seen_of_next() > 0));
        read.push((seq, now));
        if seq.value() >= last {
            break;
        }
    }
    Ok(read)
}

impl Ways {
    /// Adds what one client was given of what was written after a position. The times of the first `uncounted` are left out.
    pub(crate) fn add(&mut self, written: &Written, read: &Read, after: Seq, uncounted: usize) {
        let mut next = 0;
        for (seq, at) in read {
            let Some(place) = seq.value().checked_sub(after.value() + 1) else { continue };
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            self.gaps += place.abs_diff(next);
            next = place.saturating_add(1);
            if let Some((sent, acknowledged)) = written.get(place).filter(|_| place >= uncounted) {
                let ms = |from: &Instant| at.saturating_duration_since(*from).as_secs_f64() * 1e3;
                self.from_sent.push(ms(sent));
                self.from_acknowledged.push(ms(acknowledged));
            }
        }
        self.gaps += written.len().abs_diff(next);
    }
}
