//! Numbers about deliveries, of this process since it began. Owns exact counting under concurrency.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use mcp_orchestrator_domain::WorkflowId;

use crate::keys::Owner;

/// What this process did, for its operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Deliveries taken by their receivers.
    pub delivered: u64,
    /// Deliveries that became dead letters.
    pub dead_letters: u64,
    /// Attempts by outcome.
    pub attempts: AttemptCounts,
    /// Deliveries that wait now.
    pub pending: u64,
    /// Attempts that run now.
    pub running: u64,
    /// How far the reading of logs is behind, in milliseconds: the age of the oldest record read last; 0 when all is read.
    pub lag_ms: u64,
    /// Whether this process is the one that delivers.
    pub leads: bool,
}

/// Attempts by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttemptCounts {
    /// A 2xx.
    pub delivered: u64,
    /// A 3xx: redirects are failures.
    pub redirected: u64,
    /// A 4xx.
    pub rejected: u64,
    /// A 5xx, or a status nobody knows.
    pub failed: u64,
    /// No answer in time.
    pub timed_out: u64,
    /// No connection, or a broken one.
    pub unreachable: u64,
    /// Not sent, because the address may not be reached from here.
    pub refused: u64,
}

/// What a principal's endpoints were told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Endpoints that exist now.
    pub registered: usize,
    /// Deliveries taken by their receivers.
    pub deliveries: u64,
    /// Deliveries that became dead letters.
    pub failures: u64,
    /// Deliveries by workflow, for at most 1024 workflows of this process, the latest ones.
    pub deliveries_by_workflow: BTreeMap<WorkflowId, u64>,
    /// Dead letters by workflow, likewise.
    pub failures_by_workflow: BTreeMap<WorkflowId, u64>,
}

/// Workflows, and principals, whose numbers are kept.
const TALLIES_MAX: usize = 1024;

/// Counts. Every number changes under one lock, so that sums agree with their parts.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    counts: Counts,
    owners: Recent<Owner>,
    workflows: Recent<(Owner, WorkflowId)>,
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Delivered,
    Redirected,
    Rejected,
    Failed,
    TimedOut,
    Unreachable,
    Refused,
}

#[derive(Clone, Copy, Default)]
struct Pair {
    deliveries: u64,
    failures: u64,
}

/// Numbers by key, of the latest keys.
struct Recent<K> {
    pairs: BTreeMap<K, Pair>,
    order: VecDeque<K>,
}

impl<K> Default for Recent<K> {
    fn default() -> Self {
        Self { pairs: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<K: Ord + Clone> Recent<K> {
    fn of(&mut self, key: K) -> &mut Pair {
        if !self.pairs.contains_key(&key) {
            if self.order.len() >= TALLIES_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.pairs.remove(&oldest);
            }
            self.order.push_back(key.clone());
        }
        self.pairs.entry(key).or_default()
    }
}

impl Tally {
    pub(crate) fn attempted(&self, outcome: Outcome) {
        let attempts = &mut self.inner().counts.attempts;
        let number = match outcome {
            Outcome::Delivered => &mut attempts.delivered,
            Outcome::Redirected => &mut attempts.redirected,
            Outcome::Rejected => &mut attempts.rejected,
            Outcome::Failed => &mut attempts.failed,
            Outcome::TimedOut => &mut attempts.timed_out,
            Outcome::Unreachable => &mut attempts.unreachable,
            Outcome::Refused => &mut attempts.refused,
        };
        *number += 1;
    }

    pub(crate) fn delivered(&self, owner: &Owner, workflow: &WorkflowId) {
        let mut inner = self.inner();
        inner.counts.delivered += 1;
        inner.owners.of(owner.clone()).deliveries += 1;
        inner.workflows.of((owner.clone(), workflow.clone())).deliveries += 1;
    }

    pub(crate) fn dead_letter(&self, owner: &Owner, workflow: &WorkflowId) {
        let mut inner = self.inner();
        inner.counts.dead_letters += 1;
        inner.owners.of(owner.clone()).failures += 1;
        inner.workflows.of((owner.clone(), workflow.clone())).failures += 1;
    }

    pub(crate) fn waiting(&self, pending: usize, running: usize) {
        let mut inner = self.inner();
        inner.counts.pending = pending as u64;
        inner.counts.running = running as u64;
    }

    pub(crate) fn behind(&self, lag_ms: u64) {
        self.inner().counts.lag_ms = lag_ms;
    }

    pub(crate) fn leads(&self, leads: bool) {
        let mut inner = self.inner();
        inner.counts.leads = leads;
        if !leads {
            (inner.counts.pending, inner.counts.running, inner.counts.lag_ms) = (0, 0, 0);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.inner().counts
    }

    pub(crate) fn stats(&self, owner: &Owner, registered: usize) -> Stats {
        let inner = self.inner();
        let total = inner.owners.pairs.get(owner).copied().unwrap_or_default();
        let mut stats =
            Stats { registered, deliveries: total.deliveries, failures: total.failures, ..Stats::default() };
        for ((_, workflow), pair) in inner.workflows.pairs.iter().filter(|((of, _), _)| of == owner) {
            stats.deliveries_by_workflow.insert(workflow.clone(), pair.deliveries);
            stats.failures_by_workflow.insert(workflow.clone(), pair.failures);
        }
        stats
    }

    /// The numbers. Nothing that panics runs under the lock, so they are whole.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
