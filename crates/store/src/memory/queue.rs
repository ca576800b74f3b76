//! Leases in memory: claiming, renewing, giving back, mending. Owns who may have what; does not read records.

use std::time::Duration;

use mcp_orchestrator_domain::{Timestamp, WorkflowId};

use super::state::{Place, State, Workflow};
use crate::{Claim, Epoch, Lease, LeaseRef, Renewal, STANDINGS_MAX, Standing, Which, WorkerId};

/// How long the creator of a reserved workflow counts as alive before its first claim.
pub(super) const CREATOR_SEEN: Duration = Duration::from_secs(15);

/// Workers remembered; beyond it the longest unseen are forgotten.
const WORKERS_MAX: usize = 1024;

impl State {
    pub(super) fn claim(&mut self, claim: &Claim<'_>, now: Timestamp) -> Vec<Lease> {
        self.see(claim.worker, now, claim.ttl);
        let max = claim.max.min(self.room(claim, now));
        let chosen = match claim.which {
            Which::Only(ids) => {
                let ids = ids.iter().filter(|id| self.may_claim(id, claim, now));
                ids.take(max).cloned().collect::<Vec<_>>()
            }
            Which::Able(_) | Which::Own => {
                let late = self.leases.range(..=(now, u64::MAX)).map(|(_, number)| number);
                let queued = self.queue.iter().map(|(_, number)| number);
                late.chain(queued)
                    .filter_map(|number| self.order.get(number))
                    .filter(|id| self.may_claim(id, claim, now))
                    .take(max)
                    .cloned()
                    .collect()
            }
        };
        chosen.into_iter().filter_map(|id| self.lease(id, claim, now)).collect()
    }

    pub(super) fn renew(&mut self, lease: &LeaseRef, until: Timestamp) -> Renewal {
        let Some(worker) = self.holder(lease) else { return Renewal::Lost };
        self.settle(&lease.id, Place::Leased { worker, until });
        Renewal::Renewed
    }

    /// Whether the lease was there to be given back.
    pub(super) fn release(&mut self, lease: &LeaseRef, not_before: Option<Timestamp>, now: Timestamp) -> bool {
        let held = self.holder(lease).is_some();
        if held {
            if let Some(workflow) = self.workflows.get_mut(&lease.id) {
                workflow.attempt = workflow.attempt.saturating_sub(1);
            }
            self.enqueue(&lease.id, not_before.unwrap_or(now).max(now));
        }
        held
    }

    pub(super) fn repair(&mut self, now: Timestamp) -> usize {
        let broken: Vec<WorkflowId> = self
            .workflows
            .iter()
            .filter(|(_, workflow)| match &workflow.place {
                Place::Waiting => true,
                Place::Leased { until, .. } => *until <= now,
                Place::Ready { .. } => workflow.reserved_for.as_ref().is_some_and(|worker| !self.alive(worker, now)),
                Place::Finished(_) => false,
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in &broken {
            let dead = |worker: &WorkerId| !self.alive(worker, now);
            let free = self.workflows.get(id).and_then(|workflow| workflow.reserved_for.as_ref()).is_some_and(dead);
            if let Some(workflow) = self.workflows.get_mut(id).filter(|_| free) {
                workflow.reserved_for = None;
            }
            self.enqueue(id, now);
        }
        broken.len()
    }

    pub(super) fn standings(&self, max: usize, now: Timestamp) -> Vec<Standing> {
        let unfinished = self.order.values().filter_map(|id| self.workflows.get(id).map(|workflow| (id, workflow)));
        let standing = |(id, workflow): (&WorkflowId, &Workflow)| {
            let place = match &workflow.place {
                Place::Ready { at, .. } => {
                    let reserved_for = workflow.reserved_for.clone().filter(|worker| self.alive(worker, now));
                    crate::Place::Ready { from: *at, reserved_for }
                }
                Place::Leased { worker, until } => crate::Place::Leased { worker: worker.clone(), until: *until },
                Place::Waiting => crate::Place::Waiting,
                Place::Finished(_) => return None,
            };
            let (status, attempt) = (workflow.summary.status, workflow.attempt);
            Some(Standing { id: id.clone(), status, place, attempt, head: workflow.head() })
        };
        unfinished.filter_map(standing).take(max.min(STANDINGS_MAX)).collect()
    }

    /// Notes that a worker is alive, and for how long that is to be believed.
    pub(super) fn see(&mut self, worker: &WorkerId, now: Timestamp, ttl: Duration) {
        if self.seen.len() >= WORKERS_MAX && !self.seen.contains_key(worker) {
            let oldest = self.seen.iter().min_by_key(|(_, until)| **until).map(|(worker, _)| worker.clone());
            oldest.and_then(|worker| self.seen.remove(&worker));
        }
        let until = now.after(ttl);
        self.seen.entry(worker.clone()).and_modify(|seen| *seen = until.max(*seen)).or_insert(until);
    }

    fn alive(&self, worker: &WorkerId, now: Timestamp) -> bool {
        self.seen.get(worker).is_some_and(|until| *until > now)
            || self.leases.range((now, u64::MAX)..).any(|(_, number)| {
                let workflow = self.order.get(number).and_then(|id| self.workflows.get(id));
                workflow
                    .is_some_and(|workflow| matches!(&workflow.place, Place::Leased { worker: w, .. } if w == worker))
            })
    }

    /// How many leases there may be besides those in time.
    fn room(&self, claim: &Claim<'_>, now: Timestamp) -> usize {
        let live = || self.leases.range((now, u64::MAX)..).count();
        claim.cluster_max.map_or(usize::MAX, |most| most.saturating_sub(live()))
    }

    fn may_claim(&self, id: &WorkflowId, claim: &Claim<'_>, now: Timestamp) -> bool {
        let Some(workflow) = self.workflows.get(id) else { return false };
        is_ready(workflow, now)
            && match (claim.which, &workflow.reserved_for) {
                (Which::Own, reserved) => reserved.as_ref() == Some(claim.worker),
                (Which::Able(_) | Which::Only(_), Some(reserved))
                    if reserved != claim.worker && self.alive(reserved, now) =>
                {
                    false
                }
                (Which::Able(abilities), _) => abilities.meet(&workflow.needs),
                (Which::Only(_), _) => true,
            }
    }

    fn lease(&mut self, id: WorkflowId, claim: &Claim<'_>, now: Timestamp) -> Option<Lease> {
        // A second mention of the same id in one claim finds it leased already.
        let workflow = self.workflows.get_mut(&id).filter(|workflow| is_ready(workflow, now))?;
        workflow.epoch = Epoch((workflow.epoch.0 + 1).max(now.as_millis()));
        workflow.attempt = workflow.attempt.saturating_add(1);
        let (epoch, head, attempt) = (workflow.epoch, workflow.head(), workflow.attempt);
        self.settle(&id, Place::Leased { worker: claim.worker.clone(), until: now.after(claim.ttl) });
        Some(Lease { lease: LeaseRef { id, epoch }, head, attempt })
    }

    /// Who holds this very lease.
    fn holder(&self, lease: &LeaseRef) -> Option<WorkerId> {
        let workflow = self.workflows.get(&lease.id).filter(|workflow| workflow.epoch == lease.epoch)?;
        match &workflow.place {
            Place::Leased { worker, .. } => Some(worker.clone()),
            Place::Ready { .. } | Place::Waiting | Place::Finished(_) => None,
        }
    }
}

fn is_ready(workflow: &Workflow, now: Timestamp) -> bool {
    match &workflow.place {
        Place::Ready { at, .. } => *at <= now,
        Place::Leased { until, .. } => *until <= now,
        Place::Waiting | Place::Finished(_) => false,
    }
}
