//! Several server processes on one store while they are killed, stopped and cut off, and clients that use them all the time.
//! Owns the plan and the order of a run: start, trouble, calm, check. What is right is the history checker's affair.
//!
//! Nothing here is deterministic but the choices: a seed says what is done to whom, the machine says when it lands.

mod backing;
mod ending;
mod replica;
mod trouble;
mod visitor;
mod wire;

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::time::Instant;

use mcp_orchestrator_domain::Status;

use crate::{Behaviour, Luck, ModelServer, history::Verdict};
use backing::Backing;
pub use backing::ChaosStore;
use replica::{Home, Replica};
use visitor::Visitor;
use wire::Wire;

/// Clients that are at work at once.
const VISITORS: usize = 6;
/// How long what is under way may take after the trouble is over.
const ENDING: Duration = Duration::from_secs(180);

/// What is to be done.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "callers build it")]
pub struct ChaosPlan {
    /// The server's program.
    pub server: PathBuf,
    /// How many processes share the store.
    pub replicas: usize,
    /// How long there is trouble.
    pub time: Duration,
    /// What decides everything that is done.
    pub seed: u64,
    /// What the processes share.
    pub store: ChaosStore,
}

/// What came of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct ChaosReport {
    /// What was done to the servers, by kind.
    pub faults: BTreeMap<&'static str, usize>,
    /// How workflows ended, by status; failures with their reason.
    pub ends: BTreeMap<String, usize>,
    /// Requests models got.
    pub asked: usize,
    /// What the history checker says.
    pub verdict: Verdict,
}

impl ChaosReport {
    /// Whether everything that was promised was kept, and there was something to keep: models were asked and workflows
    /// completed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.verdict.violations.is_empty() && self.asked > 0 && self.ends.contains_key(Status::Completed.as_str())
    }
}

impl fmt::Display for ChaosReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = &self.verdict;
        for (kind, times) in &self.faults {
            writeln!(f, "{kind:<28} {times}")?;
        }
        writeln!(f, "{:<28} {}", "workflows", verdict.workflows)?;
        for (end, count) in &self.ends {
            writeln!(f, "  {end:<26} {count}")?;
        }
        writeln!(f, "{:<28} {}", "records", verdict.records)?;
        writeln!(f, "{:<28} {}", "events seen by readers", verdict.events)?;
        writeln!(f, "{:<28} {}", "requests to models", self.asked)?;
        writeln!(f, "{:<28} {} of {} given up", "calls paid again", verdict.paid_again, verdict.given_up)?;
        let (lost, twice, gaps) = (
            verdict.count(|violation| violation.is_loss()),
            verdict.count(|violation| violation.is_duplicate()),
            verdict.count(|violation| violation.is_gap()),
        );
        if verdict.gone_with_the_tail > 0 {
            writeln!(f, "{:<28} {}", "gone with the lost tail", verdict.gone_with_the_tail)?;
        }
        writeln!(f, "{:<28} {lost}", "lost")?;
        writeln!(f, "{:<28} {twice}", "duplicated")?;
        writeln!(f, "{:<28} {gaps}", "gaps")?;
        write!(f, "{:<28} {}", "other violations", verdict.violations.len() - lost - twice - gaps)?;
        if self.asked == 0 || !self.ends.contains_key(Status::Completed.as_str()) {
            write!(f, "\nnothing completed: this run says nothing")?;
        }
        verdict.violations.iter().try_for_each(|violation| write!(f, "\n{violation}"))
    }
}

/// Carries a plan out, on a runtime of several threads. The processes have ended when this returns, and when it is dropped.
///
/// # Errors
/// In words, when the servers cannot be run at all or do not come to rest in time.
pub async fn run(plan: ChaosPlan) -> Result<ChaosReport, String> {
    let luck = Luck(plan.seed);
    let model = ModelServer::behaving(move |number| behaviour(luck, number));
    let backing = tokio::task::block_in_place(|| Backing::start(plan.store));
    let home = Home::new(plan.server, &model.base_url(), |home| backing.url(home));
    let home = Arc::new(home.map_err(|error| format!("no home for the servers: {error}"))?);
    let replicas: Vec<Replica> = (0..plan.replicas.max(1)).map(|number| Replica::new(number, &home)).collect();
    for replica in &replicas {
        replica.start().await?;
    }
    let wire = Arc::new(Wire::new(replicas.iter().map(Replica::address)));
    let until = Instant::now() + plan.time;
    let visitors = (0..VISITORS).map(|number| Visitor::new(number, luck, Arc::clone(&wire), until).visit());
    let visitors: Vec<_> = visitors.map(tokio::spawn).collect();
    let faults = trouble::make(luck, &replicas, &backing, until).await?;
    let visits = tokio::time::timeout(ENDING, join_all(visitors)).await;
    let visits = visits.map_err(|_| format!("{}: the workflows do not end", home.logs()))?;
    let mut notes = Vec::new();
    for visit in visits {
        notes.extend(visit.map_err(|broken| format!("{}: {broken}", home.logs()))?);
    }
    if backing.may_lose() {
        ending::settle(&wire).await.map_err(|error| format!("{}: {error}", home.logs()))?;
    }
    let (mut history, ends) =
        ending::history(&wire, notes, &model.seen()).await.map_err(|error| format!("{}: {error}", home.logs()))?;
    history.tail_was_lost = backing.may_lose();
    let verdict = history.check();
    if !verdict.violations.is_empty() {
        home.keep();
    }
    Ok(ChaosReport { faults, ends, asked: model.seen().len(), verdict })
}

/// A model that takes its time, limits its callers and breaks.
fn behaviour(luck: Luck, number: usize) -> Behaviour {
    let status = match luck.below(100, ("status", number)) {
        0..4 => 429,
        4..7 => 500,
        _ => 200,
    };
    Behaviour { thinks: luck.millis(5, 250, ("thinks", number)), status }
}
