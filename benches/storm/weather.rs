//! The engine in the storm: workflows submitted at once, each answer looked for in the logs afterwards.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{
    HttpProvider, MemoryStore, Orchestrator,
    layers::{BreakerLimits, CircuitBreaker, Governor, GovernorLimits},
};
use mcp_orchestrator_domain::{Event, RequestDraft, Seq, Status};
use mcp_orchestrator_testkit::provider_suite::Voice;
use tokio::time::Instant;

use crate::{
    measure::Watch,
    service::{Asks, Count, Service},
};

/// Agents of each workflow.
pub(crate) const AGENTS: u16 = 8;
/// How long an engine may take to end.
const GRACE: Duration = Duration::from_secs(10);
/// Records of one workflow that are looked at.
const RECORDS: usize = 1_000;

/// A row.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// Whether the governor is told the limit.
    pub(crate) is_known: bool,
    pub(crate) asks: Asks,
}

/// What became of the workflows.
#[derive(Debug, Default)]
struct Outcome {
    completed: usize,
    /// Answers that are in a log.
    kept: usize,
    took: Duration,
}

impl Case {
    /// Lets it loose and prints what it came to.
    pub(crate) fn print(&self, rate: u32, workflows: usize) -> anyhow::Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let watch = Watch::start();
        let (Outcome { completed, kept, took }, count) = runtime.block_on(self.let_loose(rate, workflows))?;
        let Count { answered, refused, pauses } = count;
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let ideal = answered as f64 / f64::from(rate);
        println!(
            "{:<30} {:>9} {answered:>7} {:>5} {refused:>8} {pauses:>7} {:>7.1} {:>9.3} {:>7.1}",
            self.what,
            format!("{completed}/{workflows}"),
            answered.saturating_sub(kept),
            took.as_secs_f64(),
            took.as_secs_f64() / ideal,
            watch.stop().cpu_us / 1e6,
        );
        anyhow::ensure!(completed == workflows && kept == answered, "something was lost");
        Ok(())
    }

    async fn let_loose(&self, rate: u32, workflows: usize) -> anyhow::Result<(Outcome, Count)> {
        let service = Service::start(rate, self.asks, AGENTS).await?;
        let base_url = format!("http://{}/v1", service.address);
        let provider = HttpProvider::builder("service", base_url).with_default_model(Voice::MODEL).build()?;
        let limits =
            GovernorLimits { requests_per_minute: self.is_known.then_some(rate * 60), ..GovernorLimits::default() };
        let provider = CircuitBreaker::new(Governor::new(provider, limits), BreakerLimits::default());
        let orchestrator = Orchestrator::builder_shared(Arc::new(MemoryStore::new())).with_provider(provider);
        let handle = orchestrator.with_running_max(workflows).build()?.start();
        let began = Instant::now();
        let mut ids = Vec::new();
        for _ in 0..workflows {
            ids.push(handle.submit(draft()).await?);
        }
        let mut outcome = Outcome::default();
        for id in &ids {
            let results = handle.wait(id).await?;
            let is_whole = results.document.is_some_and(|document| document.gaps.is_empty());
            let is_completed = results.row.summary.status == Status::Completed;
            outcome.completed += usize::from(is_whole && is_completed);
        }
        outcome.took = began.elapsed();
        for id in &ids {
            let log = handle.records(id, Seq::ZERO, RECORDS).await?;
            let completed = log.iter().filter(|recorded| matches!(recorded.record.event, Event::CallCompleted(_)));
            outcome.kept += completed.count();
        }
        handle.shutdown(GRACE).await?;
        Ok((outcome, service.count()))
    }
}

fn draft() -> RequestDraft {
    RequestDraft {
        pattern: Some("research".to_owned()),
        task: Some("How is the harbour kept open to large ships?".to_owned()),
        num_agents: Some(AGENTS.into()),
        workflow_timeout_seconds: Some(3_600.0),
        ..RequestDraft::default()
    }
}
