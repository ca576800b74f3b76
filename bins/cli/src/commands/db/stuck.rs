//! `db stuck`: unfinished workflows that nobody works on. Owns what counts as such, and what is said about each.

use std::{
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mcp_orchestrator::{Handle, Orchestrator, WorkerMode};
use mcp_orchestrator_domain::{Status, Timestamp, WorkflowId, millis};
use mcp_orchestrator_providers::ExtractiveProvider;
use mcp_orchestrator_store::{Needs, Place, STANDINGS_MAX, Standing, WorkflowRow};
use serde::Serialize;

use super::open_as_is;
use crate::{error::CliError, session::Session, table::Table};

/// How long a workflow may be claimable before it is told of: workers look for work far more often.
const UNTAKEN: Duration = Duration::from_mins(1);

/// Claims without progress from which a workflow is told of: each before was a worker that died or gave up.
const ATTEMPTS: u32 = 3;

/// A workflow that nobody works on.
#[derive(Debug, Serialize)]
struct Stuck {
    task_id: WorkflowId,
    status: Status,
    reason: Reason,
    /// Why, in words.
    detail: String,
    /// What to do.
    advice: String,
    attempt: u32,
}

/// Why nobody works on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    /// Its worker has ended or does not renew its lease.
    Late,
    /// It is kept for a worker that does not take it.
    Reserved,
    /// No worker takes it.
    Untaken,
    /// It waits for a person's answer.
    Answer,
    /// It waits for an operator.
    Operator,
    /// It is held back: worker after worker died of it.
    Poison,
    /// Worker after worker has taken it and come to nothing.
    Repeated,
}

pub(super) async fn stuck(session: &Session) -> Result<ExitCode, CliError> {
    let store = open_as_is(session).await?;
    let handle = Orchestrator::builder_shared(store.clone())
        .with_provider(ExtractiveProvider::new())
        .with_worker_mode(WorkerMode::None)
        .build()?
        .start();
    let standings = store.standings(STANDINGS_MAX).await?;
    // Later than what the store says is over.
    let now = Timestamp::from_millis(millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()));
    let looked_at = standings.len();
    let mut found = Vec::new();
    for standing in standings {
        let Some(reason) = reason(&standing, now) else { continue };
        // It may have gone on, or be gone, since.
        let Some(row) = store.get(&standing.id).await?.filter(|row| !row.summary.status.is_terminal()) else {
            continue;
        };
        found.push(told(&handle, standing, reason, &row, now).await?);
    }
    show(session, &found, looked_at)
}

/// Why nobody works on a workflow; `None`: somebody does, or will when its time has come.
fn reason(standing: &Standing, now: Timestamp) -> Option<Reason> {
    let untaken = |from: &Timestamp| from.after(UNTAKEN) <= now;
    match &standing.place {
        Place::Leased { until, .. } if *until <= now => Some(Reason::Late),
        Place::Leased { .. } | Place::Ready { .. } if standing.attempt >= ATTEMPTS => Some(Reason::Repeated),
        Place::Ready { from, reserved_for: Some(_) } if untaken(from) => Some(Reason::Reserved),
        Place::Ready { from, reserved_for: None } if untaken(from) => Some(Reason::Untaken),
        Place::Leased { .. } | Place::Ready { .. } => None,
        Place::Waiting => Some(Reason::Operator),
    }
}

async fn told(
    handle: &Handle,
    standing: Standing,
    reason: Reason,
    row: &WorkflowRow,
    now: Timestamp,
) -> Result<Stuck, CliError> {
    let Standing { id, status, place, attempt, .. } = standing;
    let resume = format!("mcp-orchestrator resume {id}");
    let minutes = |since: Timestamp| now.since(since).as_secs() / 60;
    let (reason, detail, advice) = match (reason, &place) {
        // Its log is left unread: that may be what its workers died of.
        (Reason::Operator, _) if let Some(workers) = row.summary.poisoned => (
            Reason::Poison,
            format!("held back: {workers} workers in a row died of it"),
            format!("mend the cause, then {resume}; or mcp-orchestrator cancel {id}"),
        ),
        (Reason::Operator, _) => match handle.questions(&id).await.as_deref() {
            Ok([asked, ..]) => (
                Reason::Answer,
                format!("step {} waits for an answer", asked.step),
                format!("mcp-orchestrator answer {id} {} TEXT", asked.step),
            ),
            Ok([]) => (
                Reason::Operator,
                "nothing of it runs and it asks nothing".to_owned(),
                format!("{resume}, or mcp-orchestrator cancel {id}"),
            ),
            Err(error) => (
                Reason::Operator,
                format!("its log cannot be read: {error}"),
                "mcp-orchestrator db check says more; restore a copy if it is damaged".to_owned(),
            ),
        },
        (Reason::Repeated, _) => (
            Reason::Repeated,
            format!("claimed {attempt} times without progress: it may be what ends its workers"),
            format!("look into the log of its workers, or mcp-orchestrator cancel {id}"),
        ),
        (_, Place::Leased { worker, .. }) => (
            Reason::Late,
            format!("worker {} has ended or does not answer", worker.0),
            format!("any worker able to run it takes it over; without one, {resume}"),
        ),
        (_, Place::Ready { from, reserved_for: Some(worker) }) => (
            Reason::Reserved,
            format!("kept for worker {} since {} min", worker.0, minutes(*from)),
            "it goes to anybody when that process ends; end it if it hangs".to_owned(),
        ),
        (_, Place::Ready { from, reserved_for: None }) => (
            Reason::Untaken,
            format!("claimable since {} min; it needs {}", minutes(*from), in_words(&row.needs)),
            format!("start a server that has all of it, or {resume}"),
        ),
        (_, Place::Waiting) => (reason, "it waits".to_owned(), resume),
    };
    Ok(Stuck { task_id: id, status, reason, detail, advice, attempt })
}

/// What a worker must have to run it.
fn in_words(needs: &Needs) -> String {
    let provider = needs.provider.iter().map(|name| format!("provider {name}"));
    let pattern = needs.pattern.iter().map(|name| format!("pattern {name}"));
    let tools = needs.tools.iter().map(|name| format!("tool {name}"));
    let corpora = needs.corpora.iter().map(|name| format!("corpus {name}"));
    let all: Vec<String> = provider.chain(pattern).chain(tools).chain(corpora).collect();
    if all.is_empty() { "any worker".to_owned() } else { all.join(", ") }
}

fn show(session: &Session, found: &[Stuck], looked_at: usize) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    if terminal.json {
        for stuck in found {
            terminal.out_json(stuck)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if found.is_empty() {
        terminal.note(format!("nothing is stuck; {looked_at} unfinished"));
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["ID", "STATUS", "WHY", "WHAT TO DO"]);
    for stuck in found {
        table.row([stuck.task_id.to_string(), stuck.status.to_string(), stuck.detail.clone(), stuck.advice.clone()]);
    }
    table.print(terminal)?;
    terminal.note(format!("{} of {looked_at} unfinished", found.len()));
    Ok(ExitCode::SUCCESS)
}
