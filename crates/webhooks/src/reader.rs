//! From the store to the lanes and back: the feed, what is woken, what is stored. Owns the order of it: deliveries are
//! stored before the position is, and nothing is sent before it is stored.

use std::sync::Arc;

use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_store::{FeedPosition, PAGE_MAX, StoreError};
use tokio::task::{JoinError, JoinSet};

use crate::{
    DeliveryStatus,
    attempt::Attempted,
    db::Stored,
    keys::{DELIVERIES, EndpointKey, POSITION, STATE, Slot, WAKES},
    lanes::{Lane, Lanes},
    records::{DeliveryRecord, EndpointRecord},
    route::{Job, Router, jobs},
    shared::Shared,
};

/// Records read at once.
const FEED_MAX: usize = 256;
/// Deliveries stored at once.
const STORING_MAX: usize = 32;
/// Endpoints looked at anew at once.
const WAKES_MAX: usize = 256;
/// Deliveries that are over and forgotten in one turn, where more are kept than may be; the rest is for later turns.
const FORGOTTEN_MAX: usize = 32;
/// Records nobody hears of that are read before the position is stored all the same.
const UNSAVED_MAX: usize = 1024;

pub(crate) struct Reader<'a> {
    shared: &'a Arc<Shared>,
    pub(crate) lanes: Lanes,
    router: Router,
    position: FeedPosition,
    /// The version of the stored position; 0: there is none.
    position_version: u64,
    /// Records read since it was stored.
    unsaved: usize,
}

impl<'a> Reader<'a> {
    pub(crate) async fn load(shared: &'a Arc<Shared>) -> Result<Self, StoreError> {
        let stored = shared.db.get::<FeedPosition>(STATE, POSITION).await?;
        let (position, position_version) = stored.map_or_else(Default::default, |found| (found.value, found.version));
        let mut reader =
            Self { shared, lanes: Lanes::default(), router: Router::default(), position, position_version, unsaved: 0 };
        let mut lane: Option<(EndpointKey, Lane)> = None;
        let mut after = None;
        loop {
            let page: Vec<Stored<DeliveryRecord>> = shared.db.scan(DELIVERIES, "", after.as_deref(), PAGE_MAX).await?;
            for stored in &page {
                let Some((key, slot)) = EndpointKey::parse_delivery(&stored.key) else { continue };
                if lane.as_ref().is_none_or(|(current, _)| *current != key) {
                    reader.keep_if_waiting(lane.replace((key, Lane::default())));
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
        reader.keep_if_waiting(lane);
        Ok(reader)
    }

    fn keep_if_waiting(&mut self, lane: Option<(EndpointKey, Lane)>) {
        if let Some((key, lane)) = lane.filter(|(_, lane)| lane.pending() > 0) {
            self.lanes.put(key, lane);
        }
    }

    /// Reads one page of the feed; whether there may be more, or none when somebody else reads it too.
    pub(crate) async fn read(&mut self) -> Result<Option<bool>, StoreError> {
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
        let heard = !routed.jobs.is_empty();
        self.store(routed.jobs).await?;
        for key in &routed.ended {
            self.shared.change_endpoint(key, |endpoint| !std::mem::replace(&mut endpoint.ended, true)).await?;
        }
        self.position = last.position;
        self.unsaved += page.len();
        // Where nobody listens, workflows are not to pay for it: records nobody hears of may be read once more.
        if heard || self.unsaved >= UNSAVED_MAX {
            let version = self.position_version;
            match self.shared.db.put(STATE, POSITION, version, &self.position, None).await? {
                Some(version) => (self.position_version, self.unsaved) = (version, 0),
                None => return Ok(None),
            }
        }
        Ok(Some(true))
    }

    /// Whether anybody may hear of what comes next. Where nobody listens, no hint of a new record is worth a read.
    pub(crate) fn is_heard(&self) -> bool {
        self.router.is_heard()
    }

    /// Looks anew at endpoints that were changed, in whichever process; whether there were any.
    pub(crate) async fn take_wakes(&mut self) -> Result<bool, StoreError> {
        let wakes = self.shared.db.scan::<bool>(WAKES, "", None, WAKES_MAX).await?;
        for wake in &wakes {
            if let Some(key) = EndpointKey::parse_wake(&wake.key) {
                self.refresh(&key).await?;
            }
            // When it was woken again meanwhile, it is looked at again.
            self.shared.db.delete(WAKES, &wake.key, wake.version).await?;
        }
        Ok(!wakes.is_empty())
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
        let take_over = |endpoint: &mut EndpointRecord| {
            endpoint.after = seq;
            std::mem::take(&mut endpoint.backfill)
        };
        self.shared.change_endpoint(key, take_over).await?;
        Ok(())
    }

    /// Stores deliveries, each once: what is there already stays as it is. A dead letter too many takes the place of the
    /// oldest.
    async fn store(&mut self, found: Vec<Job>) -> Result<(), StoreError> {
        let mut storing: JoinSet<Storing> = JoinSet::new();
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
            // What has been stored may have something to forget, which takes its place.
            while storing.len() >= STORING_MAX
                && let Some(ended) = storing.join_next().await
            {
                failure = self.stored(ended, &mut storing).or(failure);
            }
            let shared = Arc::clone(self.shared);
            storing.spawn(async move {
                let key = job.key.delivery(job.slot);
                let put = shared.db.put(DELIVERIES, &key, 0, &job.record, Some(shared.settings.kept_for)).await;
                put.map(|put| put.map(|_| job))
            });
        }
        while let Some(ended) = storing.join_next().await {
            failure = self.stored(ended, &mut storing).or(failure);
        }
        failure.map_or(Ok(()), Err)
    }

    fn stored(&mut self, ended: Result<Storing, JoinError>, storing: &mut JoinSet<Storing>) -> Option<StoreError> {
        let job = match ended {
            // It was stored before, and its lane believes now that it waits for its first attempt. The attempt will read
            // what is true.
            Ok(Ok(None)) => return None,
            Ok(Ok(Some(job))) if job.record.is_pending() => return None,
            Ok(Ok(Some(job))) => job,
            Ok(Err(error)) => return Some(error),
            // It panicked.
            Err(error) => return Some(StoreError::Unavailable(error.to_string())),
        };
        self.shared.tally.dead_letter(&job.key.owner, &job.record.workflow);
        let lane = self.lanes.get(&job.key)?;
        lane.keep(job.slot, true);
        if let Some(oldest) = lane.surplus(self.shared.settings.kept_max) {
            let shared = Arc::clone(self.shared);
            storing.spawn(async move { forget(&shared, &job.key, oldest).await.map(|()| None) });
        }
        None
    }

    pub(crate) async fn ended(
        &mut self,
        key: &EndpointKey,
        slot: Slot,
        attempted: Attempted,
    ) -> Result<(), StoreError> {
        let later = self.shared.now().after(self.shared.settings.poll);
        self.lanes.ended(key);
        let Some(lane) = self.lanes.get(key) else { return Ok(()) };
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
        for _ in 0..FORGOTTEN_MAX {
            let Some(slot) = self.lanes.get(key).and_then(|lane| lane.surplus(max)) else { break };
            forget(self.shared, key, slot).await?;
        }
        Ok(())
    }
}

/// What a task of storing did: a delivery stored, or none, as it was there or this was only forgetting.
type Storing = Result<Option<Job>, StoreError>;

/// Deletes a delivery that is over. One that is being replayed is not.
async fn forget(shared: &Shared, key: &EndpointKey, slot: Slot) -> Result<(), StoreError> {
    let found = shared.db.find::<DeliveryRecord>(DELIVERIES, &key.delivery(slot)).await?;
    if let Some(found) = found.filter(|found| !found.value.is_pending()) {
        shared.db.delete(DELIVERIES, &found.key, found.version).await?;
    }
    Ok(())
}

/// Puts a stored delivery where it belongs in its lane.
fn place(lane: &mut Lane, slot: Slot, record: &DeliveryRecord, shared: &Shared) {
    if record.is_pending() {
        lane.wait(slot, record.attempts == 0 && record.due <= shared.now(), record.due);
    } else {
        lane.keep(slot, record.status == DeliveryStatus::Dead);
    }
}
