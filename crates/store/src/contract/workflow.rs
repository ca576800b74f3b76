//! What a workflow is to a store: creation, appends, summaries. Owns shapes only; knows no adapter.

use std::sync::Arc;

use mcp_orchestrator_domain::{
    CorpusName, Digest, Failure, ForkedFrom, PatternName, Principal, Progress, ProviderName, Record, Seq, Stage,
    Status, Timestamp, ToolName, WorkflowId,
};
use serde::{Deserialize, Serialize};

use super::{Epoch, Lineage, WorkerId};

/// A workflow to create.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct NewWorkflow {
    /// Its id, made by the caller.
    pub id: WorkflowId,
    /// Whose it is.
    pub principal: Principal,
    /// Its strategy.
    pub pattern: PatternName,
    /// What it needs of a worker.
    pub needs: Needs,
    /// 0 to 9.
    pub priority: u8,
    /// Makes the call repeatable.
    pub idempotency: Option<Idempotency>,
    /// The first records, at least one.
    pub records: Vec<Arc<Record>>,
    /// What lists show.
    pub summary: Summary,
    /// Who may claim it: `None` for any worker, or the one that made it (a CLI process runs only its own).
    pub reserved_for: Option<WorkerId>,
    /// How many workflows may be in the queue, this one included; `None`: any number. In the queue is what nobody
    /// leases and what is claimable, now or from a moment on. Decided with the creation.
    pub queue_max: Option<u64>,
}

/// A key that makes creation repeatable, unique per principal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// Hash of the parsed request.
    pub body: Digest,
}

/// What a workflow needs of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Needs {
    /// The provider.
    pub provider: Option<ProviderName>,
    /// The strategy.
    pub pattern: Option<PatternName>,
    /// Tools.
    pub tools: Vec<ToolName>,
    /// Corpora.
    pub corpora: Vec<CorpusName>,
}

/// What [`Store::create`](crate::Store::create) did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two outcomes")]
pub enum Created {
    /// It made the workflow; the position of its last record.
    New(Seq),
    /// The idempotency key was used before, for this workflow.
    Existing(WorkflowId),
}

/// Records to append.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Append {
    /// To which log.
    pub id: WorkflowId,
    /// The last position the writer knows.
    pub expected: Seq,
    /// The lineage of the record there, as the writer was told it; [`Lineage::UNKNOWN`] where it was not told.
    pub lineage: Lineage,
    /// Who writes.
    pub writer: Writer,
    /// 128 random bits that name this append over repetitions.
    pub append_id: u128,
    /// The records, at least one.
    pub records: Vec<Arc<Record>>,
    /// What lists show from now on.
    pub summary: Summary,
    /// What becomes of queue entry and lease.
    pub after: After,
}

/// Who appends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two kinds")]
pub enum Writer {
    /// The worker whose lease has this epoch.
    Owner(Epoch),
    /// A command from outside: cancel, answer.
    External,
}

/// What becomes of queue entry and lease with an append.
///
/// A lease is only its owner's to give up: an append by [`Writer::External`] leaves it where it is, whatever it asks
/// for, unless it ends the workflow. The owner learns of such an append by [`Change::Appended`](super::Change) or by
/// its next conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "every adapter must do each")]
pub enum After {
    /// They stay.
    Keep,
    /// The lease ends; claimable from then on.
    Requeue {
        /// When; `None`: at once.
        not_before: Option<Timestamp>,
    },
    /// The lease ends; nobody may claim it until an append asks for it.
    Wait,
    /// It has ended: no lease, no queue entry, no further append.
    Finish,
}

/// What lists show of a workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "the engine builds it")]
pub struct Summary {
    /// Its status.
    pub status: Status,
    /// Its title.
    pub title: Arc<str>,
    /// The task, cut to 200 characters.
    pub task: Arc<str>,
    /// How far it is.
    pub progress: Progress,
    /// When it began to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<Timestamp>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The workflow whose history it goes on from, up to where, and what that had spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ForkedFrom>,
    /// How many workers in a row died of it, while it waits because of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poisoned: Option<u32>,
}

impl Summary {
    /// Where it is.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        self.progress.stage
    }
}

/// A workflow as lists show it.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores build it")]
pub struct WorkflowRow {
    /// Its id.
    pub id: WorkflowId,
    /// Whose it is.
    pub principal: Principal,
    /// Its strategy.
    pub pattern: PatternName,
    /// 0 to 9.
    pub priority: u8,
    /// The last position of its log.
    pub head: Seq,
    /// The lineage of the record there.
    pub lineage: Lineage,
    /// When it was made.
    pub created: Timestamp,
    /// Who runs it now.
    pub owner: Option<WorkerId>,
    /// What it needs of a worker.
    pub needs: Needs,
    /// The rest.
    pub summary: Summary,
}

/// Which workflows to list.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "callers fill it with struct update syntax")]
pub struct ListFilter {
    /// Of this principal; `None`: of all.
    pub principal: Option<Principal>,
    /// With one of these statuses; empty: any.
    pub statuses: Vec<Status>,
    /// Of this strategy.
    pub pattern: Option<PatternName>,
    /// Older than this one: the last of the page before.
    pub before: Option<WorkflowId>,
    /// How many at most; 0 means 50, never more than 500.
    pub max: usize,
}

impl ListFilter {
    /// How many rows to answer with: `max` within its bounds.
    #[must_use]
    pub const fn limit(&self) -> usize {
        match self.max {
            0 => 50,
            1..=500 => self.max,
            _ => 500,
        }
    }
}
