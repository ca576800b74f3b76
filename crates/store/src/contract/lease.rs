//! Who may run a workflow: workers, claims, leases. Owns shapes only; knows no adapter.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator_domain::{CorpusName, PatternName, ProviderName, Seq, ToolName, WorkflowId};
use serde::{Deserialize, Serialize};

use super::Needs;

/// Numbers the leases of a workflow; strictly growing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a number")]
pub struct Epoch(pub u64);

/// The name of a worker, unique over all processes and all times: choose a fresh one at every start.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a name")]
pub struct WorkerId(pub Arc<str>);

/// What a worker asks for.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Claim<'a> {
    /// Who asks.
    pub worker: &'a WorkerId,
    /// Which workflows.
    pub which: Which<'a>,
    /// How many at most.
    pub max: usize,
    /// For how long without renewal.
    pub ttl: Duration,
    /// How many leases all workers together may hold after it; `None`: any number. Decided with the claim, so that
    /// claims that overlap do not exceed it. A lease counts while it is in time and its owner is not known to be dead,
    /// those of the asking worker included; a late one that is renewed after all counts again.
    pub cluster_max: Option<usize>,
}

/// Which workflows a worker would take.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "every adapter must do each")]
pub enum Which<'a> {
    /// Any whose needs it can meet and that is not reserved for another live worker.
    Able(&'a Abilities),
    /// These, if ready and not reserved for another live worker; abilities do not matter.
    Only(&'a [WorkflowId]),
    /// Only those reserved for this very worker.
    Own,
}

/// What a worker can run.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Abilities {
    /// Providers.
    pub providers: Vec<ProviderName>,
    /// Strategies.
    pub patterns: Vec<PatternName>,
    /// Tools.
    pub tools: Vec<ToolName>,
    /// Corpora.
    pub corpora: Vec<CorpusName>,
}

impl Abilities {
    /// Whether they meet the needs.
    #[must_use]
    pub fn meet(&self, needs: &Needs) -> bool {
        needs.provider.as_ref().is_none_or(|provider| self.providers.contains(provider))
            && needs.pattern.as_ref().is_none_or(|pattern| self.patterns.contains(pattern))
            && needs.tools.iter().all(|tool| self.tools.contains(tool))
            && needs.corpora.iter().all(|corpus| self.corpora.contains(corpus))
    }
}

/// A workflow for this worker to run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct Lease {
    /// What to show when appending, renewing and releasing.
    pub lease: LeaseRef,
    /// The last position of its log.
    pub head: Seq,
    /// How often it was claimed since it last made progress, leases that were given back not counted: 1 at first. Grows
    /// when workers die of it. Progress is a record that [is one](mcp_orchestrator_domain::Event::is_progress); given
    /// back is a lease that is released, or that its owner ends with an append.
    pub attempt: u32,
}

/// Names a lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct LeaseRef {
    /// The workflow.
    pub id: WorkflowId,
    /// The lease's number.
    pub epoch: Epoch,
}

/// What became of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two outcomes")]
pub enum Renewal {
    /// It goes on.
    Renewed,
    /// Somebody else has it, or the workflow has ended.
    Lost,
}
