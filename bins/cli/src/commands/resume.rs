//! `resume`: goes on with a workflow, or with all that nobody runs. A server goes on by itself with what is unfinished.

use std::{path::Path, process::ExitCode, sync::Arc};

use mcp_orchestrator::{Error as EngineError, ResumeOptions, WorkerMode};
use mcp_orchestrator_app::{Reason, Web};
use mcp_orchestrator_domain::{Budget, Money, Principal, Rejected, RequestDraft, Status, WorkflowId};
use mcp_orchestrator_store::{ListFilter, Store, WorkflowRow};

use super::drive::{put_away, to_the_end};
use crate::{
    args::ResumeArgs, error::CliError, remote::Server, reports, row::Row, session::Session, sources,
    workflows::Workflows,
};

/// Unfinished workflows looked at.
const UNFINISHED_MAX: usize = 500;

pub(crate) fn resume(session: &Session, args: ResumeArgs) -> Result<ExitCode, CliError> {
    let out = args.out.unwrap_or_else(|| session.settings.report_out.clone());
    let budget = Budget {
        cost_max: args.budget_usd.map(dollars).transpose()?,
        tokens_max: args.budget_tokens,
        calls_max: args.max_calls,
    };
    let larger = RequestDraft {
        budget_usd: args.budget_usd,
        budget_tokens: args.budget_tokens,
        max_calls: args.max_calls.map(u64::from),
        ..RequestDraft::default()
    };
    let id: Option<WorkflowId> = args.id.as_deref().map(str::parse).transpose()?;
    reports::prepare(&out)?;
    session.block_on(async {
        if let Some(server) = session.server()? {
            return match id {
                Some(id) => at_server(session, &server, &id, &out, larger).await,
                None => Err(CliError::NotAtServer("resuming everything at once is")),
            };
        }
        let store = session.store().await?;
        match id {
            Some(id) => {
                let row = store.get(&id).await?.filter(|row| row.principal == Principal::local());
                let row = row.ok_or_else(|| mcp_orchestrator::Error::NotFound(id.clone()))?;
                one(session, &store, &row, &out, budget).await
            }
            None => all(session, &store, &out).await,
        }
    })
}

/// Goes on with a workflow at a server, which runs what is unfinished anyway.
async fn at_server(
    session: &Session,
    server: &Server,
    id: &WorkflowId,
    out: &Path,
    budget: RequestDraft,
) -> Result<ExitCode, CliError> {
    let row = Row::there(server.status(id).await?)?;
    let next = match row.status {
        Status::Completed => return Err(EngineError::Rejected(Rejected::Ended(row.status)).into()),
        Status::Failed | Status::Cancelled => {
            let started = server.fork(id, None, &budget, None).await?;
            for warning in started.warnings {
                session.terminal.note(warning);
            }
            Row::there(started.workflow)?.id
        }
        status if !budget.is_empty() => return Err(CliError::Budgets { id: row.id, status }),
        Status::Waiting if row.view.is_held_back() => Row::there(server.resume(id).await?)?.id,
        Status::Queued | Status::Running | Status::Waiting => row.id.clone(),
    };
    say_if_new(session, &row.id, row.status, &next);
    to_the_end(session, &Workflows::There(server.clone()), &next, out).await
}

fn say_if_new(session: &Session, id: &WorkflowId, how: Status, next: &WorkflowId) {
    if next != id {
        session.terminal.note(format!("{id} is {how}; it goes on as a new workflow"));
    }
}

/// One after the other: each may need other documents and another provider. The first that does not end well says how
/// the process ends, after the others had their turn.
async fn all(session: &Session, store: &Arc<dyn Store>, out: &Path) -> Result<ExitCode, CliError> {
    store.repair().await?;
    let filter = ListFilter {
        principal: Some(Principal::local()),
        statuses: vec![Status::Queued, Status::Running],
        max: UNFINISHED_MAX,
        ..ListFilter::default()
    };
    let rows = store.list(&filter).await?;
    let left: Vec<&WorkflowRow> = rows.iter().rev().filter(|row| row.owner.is_none()).collect();
    if left.is_empty() {
        session.terminal.note("nothing is unfinished");
    }
    let mut worst = None;
    for row in left {
        match one(session, store, row, out, Budget::default()).await {
            Ok(_) => {}
            Err(stop @ (CliError::Closed(_) | CliError::Cancelled(_))) => return Err(stop),
            Err(error) => {
                if let Some(before) = worst.replace(error) {
                    before.tell(session.terminal);
                }
            }
        }
    }
    worst.map_or(Ok(ExitCode::SUCCESS), Err)
}

/// Goes on with one workflow in this process.
pub(crate) async fn one(
    session: &Session,
    store: &Arc<dyn Store>,
    row: &WorkflowRow,
    out: &Path,
    budget: Budget,
) -> Result<ExitCode, CliError> {
    let status = row.summary.status;
    if budget != Budget::default() && !matches!(status, Status::Failed | Status::Cancelled) {
        return Err(CliError::Budgets { id: row.id.clone(), status });
    }
    let names = &row.needs.corpora;
    let folders =
        sources::recall(store.as_ref(), &row.id, &row.summary.title, names, &session.settings.corpora).await?;
    if let Some(missing) = names.iter().find(|name| !folders.contains_key(*name)) {
        return Err(CliError::UnknownCorpus { id: row.id.clone(), corpus: missing.clone() });
    }
    let choice = match &row.needs.provider {
        Some(name) => session.providers().named(name.as_str(), Reason::Named)?,
        None => session.providers().choose(None, !folders.is_empty() || !row.needs.tools.is_empty()).await?,
    };
    let corpora = session.open(&folders).await?;
    let web = Web::of(&session.settings, false)?.and_those_of(&session.settings, &row.needs.tools);
    let handle = session.worker(store, &choice, &corpora, &web, WorkerMode::Only(vec![row.id.clone()]))?;
    let ended = async {
        let options = ResumeOptions { reserved: true, budget, ..ResumeOptions::default() };
        let id = handle.resume(&row.id, options).await?;
        if id != row.id {
            sources::remember(store.as_ref(), &id, &folders).await?;
        }
        say_if_new(session, &row.id, status, &id);
        to_the_end(session, &Workflows::Here(handle.clone()), &id, out).await
    };
    let ended = ended.await;
    put_away(&handle).await;
    ended
}

fn dollars(usd: f64) -> Result<Money, CliError> {
    Money::from_usd(usd).filter(|money| *money > Money::ZERO).ok_or(CliError::BudgetUsd(usd))
}
