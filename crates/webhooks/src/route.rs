//! From the feed of all logs to deliveries. Owns who is to hear of what, and that every event gets one delivery at most.

use std::collections::HashMap;

use mcp_orchestrator_domain::{Principal, Recorded, Timestamp, WorkflowId};
use mcp_orchestrator_store::{FeedEntry, FeedPosition, StoreError};
use mcp_orchestrator_streaming::translate;

use crate::{
    DeliveryStatus,
    keys::{ENDPOINTS, EndpointKey, Owner, Slot},
    records::{DeliveryRecord, EndpointRecord, is_told},
    schedule,
    shared::Shared,
};

/// Endpoints of one principal, or of one workflow, that hear of one event. The bounds on making them are tighter.
const LISTENERS_MAX: usize = 10_000;

/// Workflows whose owners are remembered.
const OWNERS_MAX: usize = 4096;

/// A delivery to store.
pub(crate) struct Job {
    pub(crate) key: EndpointKey,
    pub(crate) slot: Slot,
    pub(crate) record: DeliveryRecord,
}

/// Finds who listens. What it knows of endpoints is younger than the page it routes.
#[derive(Default)]
pub(crate) struct Router {
    /// Whose each workflow is: that never changes. None: it is no longer kept.
    owners: HashMap<WorkflowId, Option<Principal>>,
    /// When it was looked for anybody who listens, and whether there was.
    looked: Option<(Timestamp, bool)>,
}

/// Who listens to one page.
#[derive(Default)]
struct Listeners {
    of_owner: HashMap<Owner, Vec<EndpointRecord>>,
    of_workflow: HashMap<WorkflowId, Vec<EndpointRecord>>,
}

/// What a page of the feed asks for.
#[derive(Default)]
pub(crate) struct Routed {
    pub(crate) jobs: Vec<Job>,
    /// Endpoints that are to get what their workflow's log held before them, first.
    pub(crate) backfills: Vec<EndpointKey>,
    /// Endpoints whose workflow has ended.
    pub(crate) ended: Vec<EndpointKey>,
}

impl Router {
    pub(crate) async fn route(&mut self, shared: &Shared, page: &[FeedEntry]) -> Result<Routed, StoreError> {
        let mut routed = Routed::default();
        if !self.look(shared).await? {
            return Ok(routed);
        }
        let mut listeners = Listeners::default();
        for entry in page {
            let Some(principal) = self.principal(shared, &entry.id).await? else { continue };
            let owner = Owner::of(&principal);
            listeners.load(shared, &owner, &entry.id).await?;
            for endpoint in listeners.of(&owner, &entry.id) {
                let key = EndpointKey { owner: owner.clone(), id: endpoint.id.clone() };
                if endpoint.backfill && !routed.backfills.contains(&key) {
                    routed.backfills.push(key.clone());
                }
                if endpoint.workflow.is_some() && entry.recorded.record.event.is_terminal() {
                    routed.ended.push(key.clone());
                }
                if hears(endpoint, entry) {
                    routed.jobs.extend(jobs(shared, &key, endpoint, &entry.id, entry.position, &entry.recorded));
                }
            }
        }
        Ok(routed)
    }

    /// Whether anybody may listen to what comes next. Who begins to listen wakes the leader.
    pub(crate) fn is_heard(&self) -> bool {
        self.looked.is_none_or(|(_, somebody)| somebody)
    }

    /// Whether anybody listens. That somebody does is believed for a while, as it costs no more than a few reads for nothing;
    /// that nobody does is never believed, as one who has just begun would miss something.
    async fn look(&mut self, shared: &Shared) -> Result<bool, StoreError> {
        let now = shared.now();
        let believed =
            |(at, somebody): (Timestamp, bool)| somebody && at <= now && now.since(at) < shared.settings.poll;
        if self.looked.is_some_and(believed) {
            return Ok(true);
        }
        let somebody = !shared.db.store.record_scan(ENDPOINTS, None, 1).await?.is_empty();
        self.looked = Some((now, somebody));
        Ok(somebody)
    }

    async fn principal(&mut self, shared: &Shared, id: &WorkflowId) -> Result<Option<Principal>, StoreError> {
        if let Some(known) = self.owners.get(id) {
            return Ok(known.clone());
        }
        let principal = shared.db.store.get(id).await?.map(|row| row.principal);
        if self.owners.len() >= OWNERS_MAX {
            self.owners.clear();
        }
        self.owners.insert(id.clone(), principal.clone());
        Ok(principal)
    }
}

impl Listeners {
    async fn load(&mut self, shared: &Shared, owner: &Owner, id: &WorkflowId) -> Result<(), StoreError> {
        if !self.of_owner.contains_key(owner) {
            let found = listeners(shared, &owner.general_prefix()).await?;
            self.of_owner.insert(owner.clone(), found);
        }
        if !self.of_workflow.contains_key(id) {
            let found = listeners(shared, &owner.workflow_prefix(id)).await?;
            self.of_workflow.insert(id.clone(), found);
        }
        Ok(())
    }

    fn of<'a>(&'a self, owner: &Owner, id: &WorkflowId) -> impl Iterator<Item = &'a EndpointRecord> {
        self.of_owner.get(owner).into_iter().chain(self.of_workflow.get(id)).flatten()
    }
}

async fn listeners(shared: &Shared, prefix: &str) -> Result<Vec<EndpointRecord>, StoreError> {
    let found = shared.db.scan::<EndpointRecord>(ENDPOINTS, prefix, None, LISTENERS_MAX).await?;
    Ok(found.into_iter().map(|stored| stored.value).collect())
}

/// Whether a record is for an endpoint at all: it is active, and the record is not from before it was made. Positions tell
/// that, as clocks of several processes differ.
fn hears(endpoint: &EndpointRecord, entry: &FeedEntry) -> bool {
    let in_time = match (&endpoint.workflow, endpoint.after_all) {
        (Some(_), _) => entry.recorded.seq > endpoint.after,
        (None, Some(after)) => entry.position > after,
        (None, None) => entry.recorded.record.at >= endpoint.created,
    };
    endpoint.is_active() && in_time
}

/// One delivery for each event of a record that the endpoint wants.
pub(crate) fn jobs(
    shared: &Shared,
    key: &EndpointKey,
    endpoint: &EndpointRecord,
    id: &WorkflowId,
    position: FeedPosition,
    recorded: &Recorded,
) -> Vec<Job> {
    let now = shared.now();
    let events = (0_u16..).zip(translate(id, recorded));
    let wanted = events.filter(|(_, event)| is_told(event.event_type()) && endpoint.wants(event.event_type()));
    wanted
        .map(|(n, event)| {
            let slot = endpoint.slot(position.0, recorded.seq, n);
            let record = delivery(shared, key, id, recorded, n, event.event_type().as_str(), now);
            Job { key: key.clone(), slot, record }
        })
        .collect()
}

fn delivery(
    shared: &Shared,
    key: &EndpointKey,
    workflow: &WorkflowId,
    recorded: &Recorded,
    n: u16,
    event_type: &str,
    now: Timestamp,
) -> DeliveryRecord {
    let id = key.delivery_id(workflow, recorded, n);
    DeliveryRecord {
        due: schedule::next_due(&shared.settings.schedule, 0, &id, now).unwrap_or(now),
        id,
        workflow: workflow.clone(),
        seq: recorded.seq,
        n,
        event_type: event_type.to_owned(),
        status: DeliveryStatus::Pending,
        attempts: 0,
        status_code: None,
        error: None,
        created: now,
        changed: now,
    }
}
