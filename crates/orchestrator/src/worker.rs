//! The worker: claims workflows, runs each in its own task, keeps their leases, and ends in order.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_store::{Abilities, Claim, Lease, LeaseRef, Renewal, StoreError, Which};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tracing::Instrument as _;

use crate::{
    Error,
    caught::{caught, panic_text},
    hub::Hub,
    parts::Parts,
    patience::{Patience, passes},
    run::{Run, RunCommand, RunEnd, RunShared, died_of_it, hold_back, trace},
    signal::Signal,
};

/// How long a lease lasts without renewal.
const LEASE: Duration = Duration::from_secs(15);
/// How often leases are renewed.
const RENEW: Duration = Duration::from_secs(5);
/// The longest wait between two looks at the queue.
const LOOK: Duration = Duration::from_secs(1);
/// How long a workflow that cannot go on here is left alone: the fault may pass, and who waits hears of it.
const FAULT_PAUSE: Duration = Duration::from_secs(5);
/// Commands waiting for one run.
const INBOX: usize = 64;

/// Which workflows a worker runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkerMode {
    /// Every one it is able to, whoever submitted it: a server.
    #[default]
    Any,
    /// Those submitted or resumed through this orchestrator: a command that does one thing.
    Own,
    /// These, left behind by others, and those submitted or resumed through this orchestrator.
    Only(Vec<WorkflowId>),
    /// None: it submits, watches and cancels.
    None,
}

/// Claims and runs workflows.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) parts: Arc<Parts>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) mode: WorkerMode,
    pub(crate) running_max: usize,
    /// Fires when nothing more may be claimed, while runs go on for as long as they take.
    pub(crate) drain: Signal,
    /// Fires when the worker is to end with its last run.
    pub(crate) stop: Signal,
    /// Fires when runs must give their workflows back.
    pub(crate) abort: Signal,
}

/// Asks the store for work.
struct Claimer {
    parts: Arc<Parts>,
    mode: WorkerMode,
    abilities: Abilities,
}

/// What a claim brought.
struct Claimed {
    leases: Vec<Lease>,
    /// Whether it is as much as was asked for.
    is_full: bool,
}

impl Claimer {
    /// Asks the store for up to `max` workflows.
    async fn claim(&self, max: usize) -> Claimed {
        let adopted = self.parts.adopted.ids();
        let mut left_behind = match &self.mode {
            WorkerMode::None => Vec::new(),
            WorkerMode::Any => vec![Which::Able(&self.abilities)],
            WorkerMode::Own => vec![Which::Own],
            WorkerMode::Only(ids) => vec![Which::Only(ids), Which::Own],
        };
        if !adopted.is_empty() && self.mode != WorkerMode::Any {
            left_behind.push(Which::Only(&adopted));
        }
        let mut leases: Vec<Lease> = Vec::new();
        for which in left_behind {
            let max = max - leases.len();
            if max == 0 {
                break;
            }
            let claim =
                Claim { worker: &self.parts.worker, which, max, ttl: LEASE, cluster_max: self.parts.cluster_max };
            match guarded(self.parts.store.claim(claim)).await {
                Ok(claimed) => leases.extend(claimed.into_iter().take(max)),
                Err(error) => tracing::warn!(%error, "cannot claim workflows"),
            }
        }
        Claimed { is_full: leases.len() >= max, leases }
    }
}

/// A run that ended: which lease it had, what others knew of it, and how it ended.
type Runs = JoinSet<(LeaseRef, Arc<RunShared>, RunEnd)>;

impl Worker {
    /// Works until `stop` has fired and every run has ended.
    ///
    /// A claim is a task of its own: while the store is at it, leases are renewed, and runs end and are told of.
    pub(crate) async fn run(self) {
        let claimer = Arc::new(Claimer {
            parts: Arc::clone(&self.parts),
            mode: self.mode.clone(),
            abilities: self.parts.abilities(),
        });
        let mut claims: JoinSet<Claimed> = JoinSet::new();
        let mut runs: Runs = JoinSet::new();
        let mut leases: HashMap<WorkflowId, LeaseRef> = HashMap::new();
        // When the leases were renewed; `None`: that failed the last time.
        let mut renewed = Some(SystemTime::now());
        let mut renew = tokio::time::interval(RENEW);
        renew.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // Whether there may be something to claim, and when that is so again although nobody says it.
        let mut look = true;
        let mut look_at = Instant::now() + LOOK;
        loop {
            let stopping = self.stop.has_fired();
            if stopping && runs.is_empty() && claims.is_empty() {
                return;
            }
            let draining = stopping || self.drain.has_fired();
            let has_room = !draining && self.mode != WorkerMode::None && runs.len() < self.running_max;
            if has_room && claims.is_empty() && std::mem::take(&mut look) {
                // After a sleep of the machine, or when the store was away, the leases are late: they are renewed before
                // anything is claimed, so that a workflow that runs here is not claimed a second time.
                if renewed.is_none_or(|at| at.elapsed().is_ok_and(|since| since > RENEW)) {
                    renewed = self.renew(&leases).await.then(SystemTime::now);
                }
                if renewed.is_some() {
                    let (claimer, max) = (Arc::clone(&claimer), self.running_max - runs.len());
                    claims.spawn(async move { claimer.claim(max).await });
                }
                look_at = Instant::now() + LOOK;
            }
            // In the order of what waiting costs: a lease that is late is another worker's.
            tokio::select! {
                biased;
                _ = renew.tick() => renewed = self.renew(&leases).await.then(SystemTime::now),
                Some(claimed) = claims.join_next() => {
                    let claimed = match claimed {
                        Ok(claimed) => claimed,
                        Err(error) => {
                            tracing::error!(%error, "a claim broke");
                            continue;
                        }
                    };
                    // As many as asked for: there may be more.
                    look |= claimed.is_full;
                    for lease in claimed.leases {
                        if draining {
                            let _ = guarded(self.parts.store.release(&lease.lease, None)).await;
                            continue;
                        }
                        // One whose answer was lost may be given again, and be the one that runs here.
                        if leases.get(&lease.lease.id) == Some(&lease.lease) {
                            continue;
                        }
                        leases.insert(lease.lease.id.clone(), lease.lease.clone());
                        self.begin(lease, &mut runs);
                    }
                }
                Some(ended) = runs.join_next() => {
                    // There may have been more that had no room, here or, where all together have a bound, anywhere.
                    look |= runs.len() + 1 >= self.running_max || self.parts.cluster_max.is_some();
                    self.ended(ended, &mut leases);
                    while let Some(ended) = runs.try_join_next() {
                        self.ended(ended, &mut leases);
                    }
                }
                // Not while leases are late: they are renewed first, and work that waits would have that tried without pause.
                () = self.wait_work(), if has_room && claims.is_empty() && renewed.is_some() => look = true,
                () = tokio::time::sleep_until(look_at), if has_room && claims.is_empty() => look = true,
                () = self.drain.fired(), if !draining => {}
                () = self.stop.fired(), if !stopping => {}
            }
        }
    }

    /// Waits for work as the store does it; for the longest time when it cannot.
    async fn wait_work(&self) {
        if caught(self.parts.store.wait_work(LOOK)).await.is_err() {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn begin(&self, lease: Lease, runs: &mut Runs) {
        let (commands, inbox) = mpsc::channel(INBOX);
        let shared = Arc::new(RunShared { commands, written: AtomicU64::new(lease.head.value()) });
        if let Some(earlier) = self.hub.run(&lease.lease.id) {
            // Its lease ran out and this very worker got the next one: the earlier run must not go on beside the new.
            let _ = earlier.commands.try_send(RunCommand::Fenced);
        }
        self.hub.run_begins(lease.lease.id.clone(), Arc::clone(&shared));
        let (parts, abort) = (Arc::clone(&self.parts), self.abort.clone());
        let span = trace::span(&lease.lease.id);
        let running = async move {
            let running = run(&parts, &lease, Arc::clone(&shared), inbox, abort.clone());
            let end = match caught(Box::pin(running)).await {
                Ok(end) => {
                    if matches!(end, RunEnd::Fault(_)) {
                        leave(&parts, &lease.lease, &abort).await;
                    }
                    end
                }
                // As if the process had died of it: the lease is not given back but runs out, and counts.
                Err(panic) => RunEnd::Fault(broke(panic.as_ref())),
            };
            (lease.lease, shared, end)
        };
        runs.spawn(running.instrument(span));
    }

    fn ended(
        &self,
        ended: Result<(LeaseRef, Arc<RunShared>, RunEnd), tokio::task::JoinError>,
        leases: &mut HashMap<WorkflowId, LeaseRef>,
    ) {
        let (lease, shared, end) = match ended {
            Ok(ended) => ended,
            Err(error) => return tracing::error!(%error, "a run broke"),
        };
        let id = &lease.id;
        if leases.get(id) == Some(&lease) {
            leases.remove(id);
        }
        // One that waits for a person is still its own.
        if matches!(end, RunEnd::Done(Some(_))) {
            self.parts.adopted.remove(id);
        }
        let (last, fault) = match end {
            RunEnd::Done(last) => (last, None),
            RunEnd::Released => (None, Some(Error::ShuttingDown)),
            RunEnd::Fenced => {
                tracing::info!(workflow = %id, "another worker has taken over");
                (None, None)
            }
            RunEnd::Fault(error) => {
                tracing::error!(workflow = %id, %error, "the workflow cannot go on here");
                (None, Some(error))
            }
        };
        self.hub.run_ended(id, &shared, last.map(|last| *last), fault);
    }

    /// Whether every lease that is not lost goes on.
    async fn renew(&self, leases: &HashMap<WorkflowId, LeaseRef>) -> bool {
        if leases.is_empty() {
            return true;
        }
        let all: Vec<LeaseRef> = leases.values().cloned().collect();
        match guarded(self.parts.store.renew(&all, LEASE)).await {
            Ok(renewals) => {
                for (lease, renewal) in all.iter().zip(renewals) {
                    if renewal == Renewal::Lost
                        && let Some(run) = self.hub.run(&lease.id)
                    {
                        let _ = run.commands.try_send(RunCommand::Fenced);
                    }
                }
                true
            }
            Err(error) => {
                tracing::warn!(%error, "cannot renew leases");
                false
            }
        }
    }
}

/// Gives back a workflow that cannot go on here. The store may be the cause: while the lease lasts it is asked again, because
/// a lease that runs out counts as the death of a worker. When runs are to end it is asked for a short time only.
async fn leave(parts: &Parts, lease: &LeaseRef, abort: &Signal) {
    let mut patience = Patience::new(parts.clock.now(), LEASE);
    loop {
        let now = parts.clock.now();
        let Err(error) = guarded(parts.store.release(lease, Some(now.after(FAULT_PAUSE)))).await else { return };
        let is_ending = abort.has_fired();
        let Some(at) = patience.next(parts.clock.now(), is_ending).filter(|_| passes(&error)) else {
            return tracing::warn!(workflow = %lease.id, %error, "cannot give the workflow back");
        };
        tokio::select! {
            () = parts.clock.sleep_until(at) => {}
            () = abort.fired(), if !is_ending => {}
        }
    }
}

/// A run that panicked: not one of the parts it calls, whose panics are theirs.
fn broke(panic: &(dyn Any + Send)) -> Error {
    Error::Internal(format!("the run panicked: {}", panic_text(panic)))
}

/// A store that panics has failed; the worker goes on.
async fn guarded<T>(asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = caught(asked).await;
    answer.unwrap_or_else(|panic| Err(StoreError::Unavailable(format!("it panicked: {}", panic_text(panic.as_ref())))))
}

async fn run(
    parts: &Arc<Parts>,
    lease: &Lease,
    shared: Arc<RunShared>,
    inbox: mpsc::Receiver<RunCommand>,
    abort: Signal,
) -> RunEnd {
    if let Some(workers) = died_of_it(parts, lease) {
        return hold_back(parts, lease, workers).await;
    }
    match Run::open(Arc::clone(parts), lease, shared, abort).await {
        Ok(run) => run.run(inbox).await,
        Err(error) => RunEnd::Fault(error),
    }
}
