//! Telling of workflows that this process has ended. Owns that each is told once; how they ended is the log's.

use std::time::Duration;

use mcp_orchestrator_domain::{PatternName, Principal, Status, Workflow, WorkflowId};
use tokio::sync::broadcast;

/// Messages kept for a receiver that is slow; one that falls further behind is told how many it missed.
const ENDS_MAX: usize = 1024;

/// A workflow whose last record was appended by this process: by a run here, or by a command given here. What several
/// processes over one store tell adds up to every workflow once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndedWorkflow {
    /// Which one.
    pub id: WorkflowId,
    /// Its strategy.
    pub pattern: PatternName,
    /// How it ended: one of the terminal ones.
    pub status: Status,
    /// From its submission to its end; `None` when the clocks that wrote both say it ended before it began.
    pub duration: Option<Duration>,
    /// Whose it was.
    pub principal: Principal,
}

/// Who tells.
#[derive(Debug)]
pub(crate) struct Ends {
    sender: broadcast::Sender<EndedWorkflow>,
}

impl Ends {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(ENDS_MAX) }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<EndedWorkflow> {
        self.sender.subscribe()
    }

    /// Tells of a workflow whose last record has just been stored. Nobody listening is no failure.
    pub(crate) fn tell(&self, workflow: &Workflow) {
        let (created, finished) = (workflow.created(), workflow.updated());
        let _ = self.sender.send(EndedWorkflow {
            id: workflow.id().clone(),
            pattern: workflow.request().pattern.clone(),
            status: workflow.status(),
            duration: (finished >= created).then(|| finished.since(created)),
            principal: workflow.principal().clone(),
        });
    }
}
