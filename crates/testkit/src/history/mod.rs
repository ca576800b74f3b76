//! What clients were told, held against what the store has in the end. Owns the shapes of a history and the order of the
//! checks; how it was collected, by one engine in memory or by many processes, is not known here.
//!
//! A history is complete when every submission was acknowledged (asked again under its key until it was), every question was
//! answered, and every workflow was given the time to end.

mod log;
mod told;
mod violation;

use std::collections::BTreeMap;

use mcp_orchestrator_domain::{Recorded, Seq, Status, StepId, WorkflowId};

use log::LogFacts;
pub use violation::Violation;

/// Violations kept at most: the first ones say what is wrong.
const VIOLATIONS_MAX: usize = 100;

/// Everything that was told and everything that is stored.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "tests fill it")]
pub struct History {
    /// Submissions that were acknowledged, the same key once for each time.
    pub submitted: Vec<Submitted>,
    /// Cancellations that were acknowledged.
    pub cancelled: Vec<WorkflowId>,
    /// Answers that were acknowledged.
    pub answered: Vec<Answered>,
    /// What clients saw of statuses, each client's looks at one workflow in their order.
    pub statuses: Vec<(WorkflowId, Vec<SeenStatus>)>,
    /// What readers of streams saw.
    pub readers: Vec<Reader>,
    /// Parts of logs as they were read on the way.
    pub looks: Vec<(WorkflowId, Vec<Recorded>)>,
    /// Requests models got, by the workflow they were made for.
    pub asked: Vec<ModelAsked>,
    /// Workflows that some server did not know after they were acknowledged.
    pub unknown: Vec<WorkflowId>,
    /// All logs of the store in the end.
    pub logs: BTreeMap<WorkflowId, Vec<Recorded>>,
    /// What a reader is told of each workflow in the end, from its beginning.
    pub told: BTreeMap<WorkflowId, Vec<Told>>,
    /// Whether the store was made to lose what it had acknowledged: then, and only then, a reader may be reset.
    pub tail_was_lost: bool,
}

/// A submission that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests fill it")]
pub struct Submitted {
    /// Its idempotency key.
    pub key: String,
    /// The workflow it was answered with.
    pub id: WorkflowId,
}

/// An answer that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests fill it")]
pub struct Answered {
    /// The workflow.
    pub id: WorkflowId,
    /// The step that asked.
    pub step: StepId,
    /// The answer.
    pub answer: String,
}

/// A status as a client was told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests fill it")]
pub struct SeenStatus {
    /// The status.
    pub status: Status,
    /// The last record of the log at the time, where the client is told.
    pub head: Option<Seq>,
}

/// A reader of one workflow's stream from its beginning, over all its connections.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests fill it")]
pub struct Reader {
    /// The workflow.
    pub id: WorkflowId,
    /// What it saw, in order; the notice of a server that stops is none of it.
    pub saw: Vec<Told>,
    /// Whether its stream came to its end.
    pub ended: bool,
}

/// One event as a reader saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests fill it")]
pub struct Told {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The rest of it, as text.
    pub data: String,
}

/// A request a model got.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "tests fill it")]
pub struct ModelAsked {
    /// The workflow it was made for.
    pub id: WorkflowId,
    /// The key of the call, where the model is told.
    pub key: Option<String>,
}

/// What a check found.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Verdict {
    /// Workflows in the store.
    pub workflows: usize,
    /// Records in all logs.
    pub records: usize,
    /// Events readers saw.
    pub events: usize,
    /// Calls made again because nobody knew the answer of the one before.
    pub paid_again: usize,
    /// Calls nobody waited for any more because a worker died or stopped.
    pub given_up: usize,
    /// What is gone or was done twice because the store was made to lose what it had acknowledged.
    pub gone_with_the_tail: usize,
    /// What must not be; at most a hundred.
    pub violations: Vec<Violation>,
}

impl Verdict {
    /// How many violations are of a kind.
    pub fn count(&self, of: impl Fn(&Violation) -> bool) -> usize {
        self.violations.iter().filter(|violation| of(violation)).count()
    }

    /// # Panics
    /// With every violation, when there is one.
    pub fn assert_clean(&self, run: &str) {
        let found: Vec<String> = self.violations.iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{run}: {}", found.join("\n"));
    }

    fn found(&mut self, violation: Violation) {
        if self.violations.len() < VIOLATIONS_MAX {
            self.violations.push(violation);
        }
    }
}

impl History {
    /// Holds everything against everything.
    #[must_use]
    pub fn check(&self) -> Verdict {
        let mut verdict = Verdict { workflows: self.logs.len(), ..Verdict::default() };
        let mut facts = BTreeMap::new();
        for (id, log) in &self.logs {
            verdict.records += log.len();
            let found = LogFacts::of(id, log, &mut verdict);
            verdict.paid_again += found.paid_again;
            verdict.given_up += found.given_up;
            facts.insert(id, found);
        }
        self.check_submissions(&mut verdict);
        self.check_commands(&facts, &mut verdict);
        self.check_looks(&mut verdict);
        self.check_statuses(&facts, &mut verdict);
        self.check_readers(&mut verdict);
        self.check_calls(&facts, &mut verdict);
        if self.tail_was_lost {
            let found = verdict.violations.len();
            verdict.violations.retain(|violation| !violation.is_a_lost_tail());
            verdict.gone_with_the_tail += found - verdict.violations.len();
        }
        verdict
    }
}
