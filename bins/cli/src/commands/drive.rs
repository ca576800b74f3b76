//! A workflow from its submission to its files, whether it runs in this process or at a server. Owns what Ctrl-C means.

use std::{
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use mcp_orchestrator::{Handle, SubmitOptions, WorkerMode};
use mcp_orchestrator_domain::{Budget, Status, Timestamp, WorkflowId, millis};
use mcp_orchestrator_store::{Store, WorkflowRow};
use tokio::sync::Notify;

use super::{
    follow::{self, Interrupted},
    results, resume,
    work::{Remote, Work},
};
use crate::{
    error::{CliError, Exit},
    found::Wanted,
    progress::View,
    remote::Server,
    row::Row,
    session::Session,
    sources,
    terminal::{Line, Style, Terminal},
    workflows::Workflows,
};

/// How long the engine is given to put itself away when the process ends.
const GRACE: Duration = Duration::from_secs(1);

/// Submits the work, follows it and writes its report.
pub(crate) async fn new_work(session: &Session, work: Work) -> Result<ExitCode, CliError> {
    let corpora = session.open(&work.corpora).await?;
    let store = session.store().await?;
    let handle = session.worker(&store, &work.choice, &corpora, &work.web, WorkerMode::Own)?;
    let options = SubmitOptions {
        idempotency_key: work.idempotency_key,
        reserved: true,
        images: work.images,
        ..SubmitOptions::default()
    };
    let begun = now();
    let ended = async {
        sources::announce(store.as_ref(), &work.title, &work.corpora).await?;
        let id = handle.submit_with(work.draft, options).await?;
        if let Some(row) = left_behind(store.as_ref(), &id, begun).await? {
            return Ok(Err(row));
        }
        sources::remember(store.as_ref(), &id, &work.corpora).await?;
        to_the_end(session, &Workflows::Here(handle.clone()), &id, &work.out).await.map(Ok)
    };
    let ended = ended.await;
    put_away(&handle).await;
    match ended? {
        Ok(code) => Ok(code),
        Err(row) => resume::one(session, &store, &row, &work.out, Budget::default()).await,
    }
}

/// Submits the work to a server; follows it and writes its report unless the person wants to go.
pub(crate) async fn at_server(session: &Session, server: &Server, work: Remote) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let started = server.start(&work.draft, &work.images, work.idempotency_key.as_deref()).await?;
    let row = Row::there(started.workflow)?;
    if work.is_detached {
        return detached(terminal, &row);
    }
    if let Some(provider) = &row.view.provider {
        terminal.note(Line::new().styled(Style::Dim, format!("provider: {provider} (at {})", server.base())));
    }
    to_the_end(session, &Workflows::There(server.clone()), &row.id, &work.out).await
}

/// Leaves a workflow to its server: its id is all there is to print.
pub(crate) fn detached(terminal: Terminal, row: &Row) -> Result<ExitCode, CliError> {
    if terminal.json {
        terminal.out_json(&row.json())?;
    } else {
        terminal.out(row.id.as_str())?;
        terminal.note(Line::new().styled(Style::Dim, format!("follow it with: mcp-orchestrator watch {}", row.id)));
    }
    Ok(ExitCode::SUCCESS)
}

/// The workflow, if it is older than this submission, unfinished, and nobody runs it: work under an idempotency key whose
/// first process has died.
async fn left_behind(store: &dyn Store, id: &WorkflowId, begun: Timestamp) -> Result<Option<WorkflowRow>, CliError> {
    let is_left = |row: &WorkflowRow| row.created < begun && !row.summary.status.is_terminal() && row.owner.is_none();
    if store.get(id).await?.is_none_or(|row| row.created >= begun) {
        return Ok(None);
    }
    store.repair().await?;
    Ok(store.get(id).await?.filter(is_left))
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(millis(since))
}

/// Ends the engine; what is unfinished goes on when somebody resumes it.
pub(crate) async fn put_away(handle: &Handle) {
    if let Err(error) = handle.shutdown(GRACE).await {
        tracing::error!(%error, "the engine did not end in order");
    }
}

/// Follows a workflow this process started, then prints its report and writes its files.
pub(crate) async fn to_the_end(
    session: &Session,
    workflows: &Workflows,
    id: &WorkflowId,
    out: &Path,
) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let mut view = View::new(terminal);
    view.note(Line::new().plain("workflow ").styled(Style::Bold, id));
    let first = Arc::new(Notify::new());
    let interrupts = tokio::spawn(interrupts(workflows.clone(), id.clone(), Arc::clone(&first)));
    let interrupted = Interrupted { first: &first, says: "cancelling; press Ctrl-C again to stop at once" };
    let failed = follow::to_the_end(workflows, id, &mut view, Some(interrupted)).await;
    interrupts.abort();
    drop(view);
    // Nobody reads the events any more, but the report is still wanted: its files are written all the same.
    let (failed, closed) = match failed {
        Err(CliError::Closed(closed)) => {
            workflows.ended(id).await?;
            (Vec::new(), Some(closed))
        }
        failed => (failed?, None),
    };
    let row = workflows.status(id).await?;
    match row.status {
        Status::Completed => {
            let found = workflows.results(id, Wanted::Files).await?;
            let paths = results::save(&found, out)?;
            if let Some(closed) = closed {
                return Err(closed.into());
            }
            results::show(terminal, &found, &paths)?;
            Ok(ExitCode::SUCCESS)
        }
        Status::Cancelled => Err(CliError::Cancelled(id.clone())),
        Status::Failed | Status::Queued | Status::Running | Status::Waiting => Err(CliError::ended(&row, failed)),
    }
}

/// The first Ctrl-C cancels the workflow durably, the second ends the process at once.
async fn interrupts(workflows: Workflows, id: WorkflowId, first: Arc<Notify>) {
    // Without a way to hear of Ctrl-C the system's own way is left: it ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        return;
    }
    first.notify_one();
    let cancel = async {
        if let Err(error) = workflows.cancel(&id, "interrupted at the terminal").await {
            tracing::warn!(%error, "cannot cancel");
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = cancel => {}
        _ = tokio::signal::ctrl_c() => exit_at_once(),
    }
}

#[expect(clippy::exit, reason = "a second Ctrl-C asks for exactly this; the workflow can be resumed")]
fn exit_at_once() {
    std::process::exit(Exit::Cancelled as i32);
}
