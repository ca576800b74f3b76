//! A bounded wait for a workflow that tells a client how far it is. Owns how long and how often; what is said at the end
//! is decided elsewhere.

use std::time::Duration;

use mcp_orchestrator_api::{ApiError, view::WorkflowView};
use rmcp::{
    Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
};
use tokio::time::Instant;

use crate::call::Call;

/// The least a progress value grows by: clients take one that stands still for a mistake.
const STEP: f64 = 0.01;

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Waited {
    /// The workflow has ended.
    Ended(WorkflowView),
    /// It waits for a person.
    Asks(WorkflowView),
    /// It goes on; the time is up, or the client or the server went away.
    Running(WorkflowView),
}

/// Waits until a workflow has ended or asks something, at most until `until`.
///
/// Dropping the future, a cancelled call and a server that closes end the wait, never the workflow.
pub(crate) async fn wait(
    call: &Call<'_>,
    heartbeat: &mut Heartbeat,
    id: &str,
    until: Instant,
) -> Result<Waited, ApiError> {
    let mut first = true;
    loop {
        let started = Instant::now();
        // The first look is short, so that a client learns early what it waits for.
        let every = if first { call.parts.settings.heartbeat.min(FIRST) } else { call.parts.settings.heartbeat };
        let slice = until.saturating_duration_since(started).min(every);
        first = false;
        let view = tokio::select! {
            view = call.parts.api.wait(&call.caller, id, slice) => view?,
            () = call.stopped() => return Ok(Waited::Running(call.parts.api.workflow(&call.caller, id).await?)),
        };
        if view.is_terminal() {
            return Ok(Waited::Ended(view));
        }
        if !view.questions.is_empty() {
            return Ok(Waited::Asks(view));
        }
        let now = Instant::now();
        // An answer before its time, of a workflow that has not ended: nobody here runs workflows any more.
        if now >= until || now < started + slice {
            return Ok(Waited::Running(view));
        }
        heartbeat.beat(&view).await;
    }
}

/// The time to the first heartbeat.
const FIRST: Duration = Duration::from_millis(500);

/// Progress of one call, told to the client that asked for it.
pub(crate) struct Heartbeat {
    told: Option<(ProgressToken, Peer<RoleServer>)>,
    last: f64,
}

impl Heartbeat {
    pub(crate) fn of(call: &Call<'_>) -> Self {
        let token = call.context.meta.get_progress_token();
        Self { told: token.map(|token| (token, call.context.peer.clone())), last: 0.0 }
    }

    async fn beat(&mut self, view: &WorkflowView) {
        let Some((token, peer)) = &self.told else { return };
        // `percent` is 100 only at the end, so the steps in between stay below it.
        self.last = (self.last + STEP).max(f64::from(view.progress.percent));
        let progress = ProgressNotificationParam::new(token.clone(), self.last)
            .with_total(100.0)
            .with_message(format!("{} · {}", view.task_id, line(view)));
        // A client that reads no progress is not waited for; its answer comes all the same.
        let _ = tokio::time::timeout(TOLD, peer.notify_progress(progress)).await;
    }
}

/// How long a client may take to read one heartbeat.
const TOLD: Duration = Duration::from_secs(1);

/// How far a workflow is, in one line: `agents · 3/8 agents · 81k tokens · $0.12`; an estimate is `about $0.12`.
pub(crate) fn line(view: &WorkflowView) -> String {
    let progress = &view.progress;
    let about = if progress.cost_is_estimate { "about " } else { "" };
    let cost = progress.cost_usd.map_or_else(|| "cost unknown".to_owned(), |usd| format!("{about}${usd:.2}"));
    let tokens = match progress.tokens {
        tokens @ 0..1_000 => tokens.to_string(),
        tokens => format!("{}k", tokens / 1_000),
    };
    format!(
        "{} · {}/{} agents · {tokens} tokens · {cost}",
        progress.stage, progress.completed_agents, progress.total_agents
    )
}
