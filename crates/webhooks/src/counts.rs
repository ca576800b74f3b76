//! Numbers about deliveries, of this process since it began. Owns exact counting under concurrency.

use std::collections::BTreeMap;

use mcp_orchestrator_domain::WorkflowId;

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
