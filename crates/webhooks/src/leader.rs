//! The process that delivers, as long as it does. Owns reading the feed, storing deliveries, the lanes in memory, and the
//! order of all that: deliveries are stored before the position is.

use std::{future, sync::Arc};

use mcp_orchestrator_domain::{Seq, Timestamp};
use mcp_orchestrator_store::{Change, FeedPosition, PAGE_MAX, StoreError};
use tokio::{
    sync::broadcast::{self, error::RecvError, error::TryRecvError},
    task::JoinSet,
};

use crate::{
    DeliveryStatus,
    attempt::{Attempted, attempt},
    db::Stored,
    keys::{DELIVERIES, EndpointKey, STATE, Slot, WAKES},
    lanes::{Lane, Lanes},
    lease::Lease,
    records::DeliveryRecord,
    route::{Job, Router, jobs},
    shared::Shared,
};

const POSITION: &str = "position";
/// Records read at once.
const FEED_MAX: usize = 256;
/// Deliveries stored at once.
const STORING_MAX: usize = 32;
/// Endpoints looked at anew at once.
const WAKES_MAX: usize = 256;
/// Hints taken together before the feed is read once for all of them.
const HINTS_MAX: usize = 1024;

/// Why it delivers no longer.
pub(crate) enum Lost {
    /// Another process does, or will.
    Lease,
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for Lost {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

struct Leader<'a> {
    shared: &'a Arc<Shared>,
    lanes: Lanes,
    router: Router,
    position: FeedPosition,
    /// The version of the stored position; 0: there is none.
    position_version: u64,
}

/// Attempts that run, at most `concurrent_max`.
pub(crate) type Attempts = JoinSet<(EndpointKey, Slot, Attempted)>;

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
    let mut leader = Leader::load(shared).await?;
    let mut news = true;
    let mut poll_at = shared.now();
    loop {
        if lease.renew_at <= shared.now() && !lease.renew(shared).await? {
            return Ok(());
        }
        if news || poll_at <= shared.now() {
            poll_at = shared.now().after(shared.settings.poll);
            leader.take_wakes().await?;
            match leader.read().await? {
                Some(more) => news = more,
                None => return Ok(()),
            }
        }
        let now = shared.now();
        while attempts.len() < shared.settings.concurrent_max
            && let Some((key, slot)) = leader.lanes.next(now)
        {
            attempts.spawn(attempt(Arc::clone(shared), key, slot));
        }
        shared.tally.waiting(leader.lanes.pending(), attempts.len());
        let due = leader.lanes.deadline().filter(|due| *due > now);
        let wake_at = due.into_iter().fold(poll_at.min(lease.renew_at), Timestamp::min);
        tokio::select! {
            biased;
            Some(ended) = attempts.join_next(), if !attempts.is_empty() => {
                // An attempt that panicked left its lane in an unknown state: begin anew.
                let Ok((key, slot, attempted)) = ended else { return Ok(()) };
                leader.ended(&key, slot, attempted).await?;
            }
            () = future::ready(()), if news => {}
            grown = hint(&mut hints) => news |= grown,
            () = shared.nudge.notified() => news = true,
            () = shared.settings.clock.sleep_until(wake_at) => {}
        }
    }
}

/// Waits for a hint that a log has grown, and takes all that wait with it.
async fn hint(hints: &mut Option<broadcast::Receiver<Change>>) -> bool {
    let Some(receiver) = hints else { return future::pending().await };
    let mut grown = match receiver.recv().await {
        Ok(change) => !matches!(change, Change::Ephemeral(..)),
        Err(RecvError::Lagged(_)) => true,
        Err(RecvError::Closed) => {
            *hints = None;
            return false;
        }
    };
    for _ in 0..HINTS_MAX {
        match receiver.try_recv() {
            Ok(change) => grown |= !matches!(change, Change::Ephemeral(..)),
            Err(TryRecvError::Lagged(_)) => grown = true,
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    grown
}

impl<'a> Leader<'a> {
    async fn load(shared: &'a Arc<Shared>) -> Result<Self, StoreError> {
        let stored = shared.db.get::<FeedPosition>(STATE, POSITION).await?;
        let (position, position_version) = stored.map_or_else(Default::default, |found| (found.value, found.version));
        let mut leader =
            Self { shared, lanes: Lanes::default(), router: Router::default(), position, position_version };
        let mut lane: Option<(EndpointKey, Lane)> = None;
        let mut after = None;
        loop {
            let page: Vec<Stored<DeliveryRecord>> = shared.db.scan(DELIVERIES, "", after.as_deref(), PAGE_MAX).await?;
            for stored in &page {
                let Some((key, slot)) = EndpointKey::parse_delivery(&stored.key) else { continue };
                if lane.as_ref().is_none_or(|(current, _)| *current != key) {
                    leader.keep_if_waiting(lane.replace((key, Lane::default())));
                }
                if let Some((_, lane)) = &mut lane {
                    place(lane, slot, &stored.value, shared);
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE_MAX => after = Some(last.key.clone()),
                _ => break,
            }
        }
        leader.keep_if_waiting(lane);
        Ok(leader)
    }

    fn keep_if_waiting(&mut self, lane: Option<(EndpointKey, Lane)>) {
        if let Some((key, lane)) = lane.filter(|(_, lane)| lane.pending() > 0) {
            self.lanes.put(key, lane);
        }
    }

    /// Reads one page of the feed; whether there may be more, or none when somebody else reads it too.
    async fn read(&mut self) -> Result<Option<bool>, StoreError> {
        let page = self.shared.db.store.feed(self.position, FEED_MAX).await?;
        let (Some(first), Some(last)) = (page.first(), page.last()) else {
            self.shared.tally.behind(0);
            return Ok(Some(false));
        };
        let lag = self.shared.now().since(first.recorded.record.at);
        self.shared.tally.behind(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX));
        let routed = self.router.route(self.shared, &page).await?;
        for key in &routed.backfills {
            self.backfill(key).await?;
        }
        self.store(routed.jobs).await?;
        for key in &routed.ended {
            self.shared.change_endpoint(key, |endpoint| !std::mem::replace(&mut endpoint.ended, true)).await?;
        }
        let (position, version) = (last.position, self.position_version);
        let Some(version) = self.shared.db.put(STATE, POSITION, version, &position, None).await? else {
            return Ok(None);
        };
        (self.position, self.position_version) = (position, version);
        Ok(Some(true))
    }

    /// Looks anew at endpoints that were changed, in whichever process.
    async fn take_wakes(&mut self) -> Result<(), StoreError> {
        for wake in self.shared.db.scan::<bool>(WAKES, "", None, WAKES_MAX).await? {
            if let Some(key) = EndpointKey::parse_wake(&wake.key) {
                self.refresh(&key).await?;
            }
            // When it was woken again meanwhile, it is looked at again.
            self.shared.db.delete(WAKES, &wake.key, wake.version).await?;
        }
        Ok(())
    }

    async fn refresh(&mut self, key: &EndpointKey) -> Result<(), StoreError> {
        match self.shared.endpoint(key).await?.map(|found| found.value) {
            Some(endpoint) if endpoint.is_active() => {
                self.load_lane(key).await?;
                if endpoint.backfill { self.backfill(key).await } else { Ok(()) }
            }
            _ => {
                if let Some(lane) = self.lanes.get(key) {
                    lane.clear();
                }
                Ok(())
            }
        }
    }

    async fn load_lane(&mut self, key: &EndpointKey) -> Result<(), StoreError> {
        let settings = &self.shared.settings;
        let max = 2 * (settings.pending_max + settings.kept_max);
        let mut lane = Lane::default();
        let prefix = key.deliveries_prefix();
        for stored in self.shared.db.scan::<DeliveryRecord>(DELIVERIES, &prefix, None, max).await? {
            if let Some((_, slot)) = EndpointKey::parse_delivery(&stored.key) {
                place(&mut lane, slot, &stored.value, self.shared);
            }
        }
        self.lanes.put(key.clone(), lane);
        Ok(())
    }

    /// Stores deliveries of what a workflow's log held before its endpoint was made.
    async fn backfill(&mut self, key: &EndpointKey) -> Result<(), StoreError> {
        let Some(endpoint) = self.shared.endpoint(key).await?.map(|found| found.value) else { return Ok(()) };
        let (Some(workflow), true) = (&endpoint.workflow, endpoint.backfill) else { return Ok(()) };
        let mut seq = Seq::ZERO;
        loop {
            let page = self.shared.db.store.read(workflow, seq, FEED_MAX).await?;
            let Some(last) = page.records.last() else { break };
            seq = last.seq;
            let of_record = |recorded| jobs(self.shared, key, &endpoint, workflow, FeedPosition::default(), recorded);
            let found: Vec<Job> = page.records.iter().flat_map(of_record).collect();
            self.store(found).await?;
        }
        self.shared.change_endpoint(key, |endpoint| std::mem::take(&mut endpoint.backfill)).await?;
        Ok(())
    }

    /// Stores deliveries, each once: what is there already stays as it is.
    async fn store(&mut self, found: Vec<Job>) -> Result<(), StoreError> {
        let mut storing = JoinSet::new();
        let mut failure = None;
        for mut job in found {
            if self.lanes.get(&job.key).is_none() {
                self.load_lane(&job.key).await?;
            }
            let max = self.shared.settings.pending_max;
            let waiting = self.lanes.get(&job.key).map_or(0, |lane| lane.pending());
            if waiting >= max {
                job.record.status = DeliveryStatus::Dead;
                job.record.error = Some(format!("{max} deliveries wait for this webhook already"));
            } else if let Some(lane) = self.lanes.get(&job.key) {
                // It is not sent before this function ends, so it may be counted before it is stored.
                place(lane, job.slot, &job.record, self.shared);
            }
            if storing.len() >= STORING_MAX {
                failure = self.stored(storing.join_next().await).or(failure);
            }
            let shared = Arc::clone(self.shared);
            storing.spawn(async move {
                let key = job.key.delivery(job.slot);
                let put = shared.db.put(DELIVERIES, &key, 0, &job.record, Some(shared.settings.kept_for)).await;
                (job, put)
            });
        }
        while let Some(ended) = storing.join_next().await {
            failure = self.stored(Some(ended)).or(failure);
        }
        failure.map_or(Ok(()), Err)
    }

    fn stored(&mut self, ended: Option<Ended>) -> Option<StoreError> {
        let (job, put) = match ended? {
            Ok(ended) => ended,
            Err(error) => return Some(StoreError::Unavailable(error.to_string())),
        };
        match put {
            Ok(Some(_)) if job.record.is_pending() => {}
            Ok(Some(_)) => {
                self.shared.tally.dead_letter(&job.key.owner, &job.record.workflow);
                if let Some(lane) = self.lanes.get(&job.key) {
                    lane.keep(job.slot, true);
                }
            }
            // It was stored before. If it waits, its lane knew that and now believes it waits for its first attempt: the
            // attempt itself reads what is true.
            Ok(None) => {}
            Err(error) => return Some(error),
        }
        None
    }

    async fn ended(&mut self, key: &EndpointKey, slot: Slot, attempted: Attempted) -> Result<(), StoreError> {
        let later = self.shared.now().after(self.shared.settings.poll);
        let Some(lane) = self.lanes.get(key) else { return Ok(()) };
        lane.ended();
        match attempted {
            Attempted::Over { dead } => lane.keep(slot, dead),
            Attempted::Missing => lane.take(slot),
            Attempted::Again(due) => lane.wait(slot, false, due),
            Attempted::Slower { again, peace } => {
                lane.wait(slot, false, again);
                lane.block(peace);
            }
            Attempted::Peace(until) => lane.block(until),
            Attempted::Unknown => lane.block(later),
            // It may have been made active again since the attempt looked.
            Attempted::Off => self.refresh(key).await?,
        }
        self.forget_surplus(key).await
    }

    /// Forgets the oldest of what is over when more is kept than may be.
    async fn forget_surplus(&mut self, key: &EndpointKey) -> Result<(), StoreError> {
        let max = self.shared.settings.kept_max;
        while let Some(slot) = self.lanes.get(key).and_then(|lane| lane.surplus(max)) {
            let found = self.shared.db.get::<DeliveryRecord>(DELIVERIES, &key.delivery(slot)).await?;
            // One that is being replayed is not over.
            if let Some(found) = found.filter(|found| !found.value.is_pending()) {
                self.shared.db.delete(DELIVERIES, &found.key, found.version).await?;
            }
        }
        Ok(())
    }
}

type Ended = Result<(Job, Result<Option<u64>, StoreError>), tokio::task::JoinError>;

/// Puts a stored delivery where it belongs in its lane.
fn place(lane: &mut Lane, slot: Slot, record: &DeliveryRecord, shared: &Shared) {
    if record.is_pending() {
        lane.wait(slot, record.attempts == 0 && record.due <= shared.now(), record.due);
    } else {
        lane.keep(slot, record.status == DeliveryStatus::Dead);
    }
}
