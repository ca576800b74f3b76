//! The orchestrator before and while it runs. Owns the tasks: who starts them ends them.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_orchestrator_domain::WorkflowId;
use mcp_orchestrator_store::Store;
use tokio::{sync::mpsc, task::JoinHandle};

use crate::{
    Builder, Handle, WorkerMode,
    caught::caught,
    hub::Hub,
    parts::Parts,
    signal::{Signal, Trigger},
    worker::Worker,
};

/// Everything that runs workflows, not running yet.
#[derive(Debug)]
#[must_use = "an orchestrator does nothing until it is started"]
pub struct Orchestrator {
    parts: Arc<Parts>,
    deltas: mpsc::Receiver<(WorkflowId, Bytes)>,
    mode: WorkerMode,
    running_max: usize,
}

impl Orchestrator {
    /// Begins to put one together over a store.
    pub fn builder(store: impl Store) -> Builder {
        Builder::new(Arc::new(store))
    }

    /// Begins to put one together over a store that is shared already.
    pub fn builder_shared(store: Arc<dyn Store>) -> Builder {
        Builder::new(store)
    }

    pub(crate) const fn new(
        parts: Arc<Parts>,
        deltas: mpsc::Receiver<(WorkflowId, Bytes)>,
        mode: WorkerMode,
        running_max: usize,
    ) -> Self {
        Self { parts, deltas, mode, running_max }
    }

    /// Starts the worker on the current tokio runtime.
    ///
    /// The worker ends at [`Handle::shutdown`]. When the last handle is dropped without it, the worker gives its
    /// workflows back and ends soon after.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use = "the worker ends when the last handle is dropped"]
    pub fn start(self) -> Handle {
        let hub = Arc::new(Hub::default());
        let ((drain, drained), (stop, stopped), (abort, aborted)) = (Signal::new(), Signal::new(), Signal::new());
        let worker = Worker {
            parts: Arc::clone(&self.parts),
            hub: Arc::clone(&hub),
            mode: self.mode,
            running_max: self.running_max,
            drain: drained,
            stop: stopped,
            abort: aborted,
        };
        let task = tokio::spawn(tasks(worker, self.deltas));
        Handle::new(self.parts, hub, Running { task, drain: Some(drain), guard: (stop, abort) })
    }
}

/// The worker and what serves it; the services end after the worker.
async fn tasks(worker: Worker, mut deltas: mpsc::Receiver<(WorkflowId, Bytes)>) {
    let (done, after) = Signal::new();
    let (hub, store) = (Arc::clone(&worker.hub), Arc::clone(&worker.parts.store));
    let changes = store.changes();
    let router = hub.route(changes, after.clone());
    let bridge = worker.parts.bridge.clone();
    let streams = bridge.run(after.fired());
    let publisher = async {
        loop {
            tokio::select! {
                delta = deltas.recv() => match delta {
                    // What is shown now and never stored may be lost, also to a store that panics.
                    Some((id, bytes)) => drop(caught(store.publish_ephemeral(&id, bytes)).await),
                    None => return,
                },
                () = after.fired() => return,
            }
        }
    };
    let work = async {
        Box::pin(worker.run()).await;
        drop(done);
    };
    tokio::join!(work, router, streams, publisher);
}

/// The running worker. Dropping it stops the worker.
#[derive(Debug)]
pub(crate) struct Running {
    task: JoinHandle<()>,
    /// Dropping it ends the claiming alone.
    drain: Option<Trigger>,
    guard: (Trigger, Trigger),
}

impl Running {
    /// Claims nothing more.
    pub(crate) fn drain(&mut self) {
        self.drain = None;
    }

    pub(crate) const fn is_draining(&self) -> bool {
        self.drain.is_none()
    }

    /// Claims nothing more, gives runs `grace` to end, then makes them give their workflows back, and waits for all.
    pub(crate) async fn shutdown(self, grace: Duration) -> Result<(), crate::Error> {
        let Self { mut task, drain, guard: (stop, abort) } = self;
        drop((drain, stop));
        let joined = match tokio::time::timeout(grace, &mut task).await {
            Ok(joined) => joined,
            Err(_) => {
                drop(abort);
                task.await
            }
        };
        joined.map_err(|error| crate::Error::Internal(format!("the worker broke: {error}")))
    }
}
