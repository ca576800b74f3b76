//! Who must hear of what in this process: routes the store's hints to runs and to those who wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use mcp_orchestrator_domain::{Seq, WorkflowId};
use mcp_orchestrator_store::{Change, Summary};
use tokio::{
    sync::{Notify, broadcast},
    task::JoinSet,
};

use crate::{
    Error,
    run::{RunCommand, RunShared},
    signal::Signal,
};

/// Faults remembered at most; the oldest go first.
const FAULTS_MAX: usize = 256;

/// The runs and waiters of this process.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    running: HashMap<WorkflowId, Arc<RunShared>>,
    waiting: HashMap<WorkflowId, Waiting>,
    faults: Vec<(WorkflowId, Error)>,
    /// Appends by those who do not own their workflow: one for each caller that waits, and those whose caller has gone.
    outside: JoinSet<()>,
    /// Whether the worker has ended.
    is_stopped: bool,
}

#[derive(Debug, Default)]
struct Waiting {
    waiters: usize,
    notify: Arc<Notify>,
    last: Option<Arc<Last>>,
}

/// The end of a workflow that ran here, as its last append says it: who waits need not read it.
#[derive(Debug)]
pub(crate) struct Last {
    pub(crate) head: Seq,
    pub(crate) summary: Summary,
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every section below leaves the maps whole, so a panic elsewhere does not spoil them.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing runs here any more: whoever waits looks again.
    pub(crate) fn stop(&self) {
        let mut inner = self.lock();
        inner.is_stopped = true;
        inner.waiting.values().for_each(|waiting| waiting.notify.notify_waiters());
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().is_stopped
    }

    pub(crate) fn run_begins(&self, id: WorkflowId, run: Arc<RunShared>) {
        let mut inner = self.lock();
        inner.faults.retain(|(faulty, _)| *faulty != id);
        inner.running.insert(id, run);
    }

    pub(crate) fn run_ended(&self, id: &WorkflowId, run: &Arc<RunShared>, last: Option<Last>, fault: Option<Error>) {
        let mut inner = self.lock();
        if inner.running.get(id).is_some_and(|running| Arc::ptr_eq(running, run)) {
            inner.running.remove(id);
        }
        if let Some(fault) = fault {
            if inner.faults.len() >= FAULTS_MAX {
                inner.faults.remove(0);
            }
            inner.faults.push((id.clone(), fault));
        }
        if let Some(waiting) = inner.waiting.get_mut(id) {
            waiting.last = last.map(Arc::new);
            waiting.notify.notify_waiters();
        }
    }

    pub(crate) fn run(&self, id: &WorkflowId) -> Option<Arc<RunShared>> {
        self.lock().running.get(id).cloned()
    }

    /// How many run now.
    pub(crate) fn running(&self) -> usize {
        self.lock().running.len()
    }

    /// Runs an append to its end, whoever waits for it.
    pub(crate) fn outside(&self, append: impl Future<Output = ()> + Send + 'static) {
        let mut inner = self.lock();
        while inner.outside.try_join_next().is_some() {}
        inner.outside.spawn(append);
    }

    /// Waits until those appends have ended that have begun.
    pub(crate) async fn outside_ended(&self) {
        let mut outside = std::mem::take(&mut self.lock().outside);
        while outside.join_next().await.is_some() {}
    }

    pub(crate) fn fault(&self, id: &WorkflowId) -> Option<Error> {
        self.lock().faults.iter().find(|(faulty, _)| faulty == id).map(|(_, error)| error.clone())
    }

    /// Registers somebody who waits for news of a workflow until the guard is dropped.
    pub(crate) fn wait_for(self: &Arc<Self>, id: &WorkflowId) -> Waiter {
        let mut inner = self.lock();
        let waiting = inner.waiting.entry(id.clone()).or_default();
        waiting.waiters += 1;
        Waiter { hub: Arc::clone(self), id: id.clone(), notify: Arc::clone(&waiting.notify) }
    }

    /// Routes hints until `shutdown` fires.
    pub(crate) async fn route(&self, mut changes: broadcast::Receiver<Change>, shutdown: Signal) {
        loop {
            let change = tokio::select! {
                change = changes.recv() => change,
                () = shutdown.fired() => return,
            };
            match change {
                Ok(Change::Appended(id, head)) => {
                    let inner = self.lock();
                    match inner.running.get(&id) {
                        Some(run) if run.knows(head) => {}
                        Some(run) => tell(run),
                        None => {
                            if let Some(waiting) = inner.waiting.get(&id) {
                                waiting.notify.notify_waiters();
                            }
                        }
                    }
                }
                Ok(Change::Elsewhere) | Err(broadcast::error::RecvError::Lagged(_)) => {
                    let inner = self.lock();
                    inner.running.values().for_each(|run| tell(run));
                    inner.waiting.values().for_each(|waiting| waiting.notify.notify_waiters());
                }
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
    }
}

/// A full inbox already holds news that make the run look at its log.
fn tell(run: &RunShared) {
    let _ = run.commands.try_send(RunCommand::Changed);
}

/// Somebody who waits for news of a workflow.
#[derive(Debug)]
pub(crate) struct Waiter {
    hub: Arc<Hub>,
    id: WorkflowId,
    pub(crate) notify: Arc<Notify>,
}

impl Waiter {
    /// How it ended, when it ended here since this waiter came.
    pub(crate) fn last(&self) -> Option<Arc<Last>> {
        self.hub.lock().waiting.get(&self.id).and_then(|waiting| waiting.last.clone())
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut inner = self.hub.lock();
        if let Some(waiting) = inner.waiting.get_mut(&self.id) {
            waiting.waiters -= 1;
            if waiting.waiters == 0 {
                inner.waiting.remove(&self.id);
            }
        }
    }
}
