//! `watch`, `events` and `cancel`: workflows that may run in another process or at a server.

use std::{collections::BTreeSet, process::ExitCode};

use mcp_orchestrator::Error as EngineError;
use mcp_orchestrator_domain::{Status, WorkflowId};
use mcp_orchestrator_streaming::Cursor;
use tokio::sync::Notify;

use crate::{
    args::{CancelArgs, EventsArgs},
    error::{CliError, FailedAgent},
    progress::{View, brief, of_event},
    row::style,
    session::Session,
    terminal::{Closed, Line, Style, Terminal},
    told::{Data, Told},
    workflows::Workflows,
};

/// How the loop hears of the first Ctrl-C, and what it then says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupted<'a> {
    pub(crate) first: &'a Notify,
    pub(crate) says: &'static str,
}

/// Shows what happens from the beginning until the workflow has ended or is held back. Returns the agents that failed for good.
pub(crate) async fn to_the_end(
    workflows: &Workflows,
    id: &WorkflowId,
    view: &mut View,
    interrupted: Option<Interrupted<'_>>,
) -> Result<Vec<FailedAgent>, CliError> {
    let mut events = workflows.events(id, Cursor::START).await?;
    let mut failed = Vec::new();
    // A question may be told more than once; how to answer it is not.
    let mut asked = BTreeSet::new();
    let stuck = workflows.stuck(id);
    tokio::pin!(stuck);
    let mut is_held_back = false;
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event? else { return Ok(failed) };
                if let Data::AgentError { error, .. } = &event.data {
                    let agent = event.agent.clone().unwrap_or_default();
                    failed.push(FailedAgent { agent, error: error.clone() });
                }
                view.show(&event)?;
                // Told of a log that goes on, it is over.
                if matches!(event.data, Data::WorkflowPoisoned { .. }) && workflows.status(id).await?.view.is_held_back()
                {
                    return Ok(failed);
                }
                if let (Data::InputRequested { question }, Some(step)) = (&event.data, &event.agent)
                    && asked.insert(step.clone())
                {
                    let line = format!("{}  answer with: mcp-orchestrator answer {id} {step} TEXT", brief(question));
                    view.urge(Line::new().styled(Style::Yellow, line));
                }
            }
            error = &mut stuck, if !is_held_back => match error {
                // Its log says so too, after what is still to be shown.
                CliError::Engine(EngineError::Poisoned { .. }) => is_held_back = true,
                error => return Err(error),
            },
            says = first(interrupted) => view.note(Line::new().styled(Style::Yellow, says)),
        }
    }
}

async fn first(interrupted: Option<Interrupted<'_>>) -> &'static str {
    match interrupted {
        Some(interrupted) => {
            interrupted.first.notified().await;
            interrupted.says
        }
        None => std::future::pending().await,
    }
}

pub(crate) fn watch(session: &Session, id: &str) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let id: WorkflowId = id.parse()?;
    session.block_on(async {
        let workflows = session.workflows().await?;
        let mut view = View::new(terminal);
        let failed = to_the_end(&workflows, &id, &mut view, None).await?;
        drop(view);
        let row = workflows.status(&id).await?;
        terminal.note(Line::new().plain("workflow ").plain(&id).plain(" ").styled(style(row.status), row.status));
        match row.status {
            Status::Completed => Ok(ExitCode::SUCCESS),
            Status::Cancelled => Err(CliError::Cancelled(id)),
            Status::Failed | Status::Queued | Status::Running | Status::Waiting => Err(CliError::ended(&row, failed)),
        }
    })
}

pub(crate) fn events(session: &Session, args: &EventsArgs) -> Result<ExitCode, CliError> {
    let id: WorkflowId = args.id.parse()?;
    let cursor: Cursor = args.after.as_deref().map_or(Ok(Cursor::START), str::parse)?;
    session.block_on(async {
        let workflows = session.workflows().await?;
        if args.follow {
            let mut events = workflows.events(&id, cursor).await?;
            while let Some(event) = events.next().await? {
                print(session.terminal, &event)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let mut from = cursor.seq();
        while let Some((told, next)) = workflows.happened(&id, cursor, from).await? {
            for event in &told {
                print(session.terminal, event)?;
            }
            from = next;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// One event: as JSON, or as a line with its id for `--after`, its moment, its type and what it says.
fn print(terminal: Terminal, event: &Told) -> Result<(), Closed> {
    if terminal.json {
        return terminal.out_line(&event.json);
    }
    let kind = &event.kind;
    let id = format!("{:<8}  {}", event.id, event.timestamp);
    let line = Line::new().styled(Style::Dim, id).plain(format!("  {kind:<28}"));
    terminal.out(match of_event(event) {
        Some(words) => line.and(words),
        None => line.plain(event.agent.as_deref().unwrap_or_default()),
    })
}

pub(crate) fn cancel(session: &Session, args: &CancelArgs) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let id: WorkflowId = args.id.parse()?;
    session.block_on(async {
        let workflows = session.workflows().await?;
        workflows.cancel(&id, &args.reason).await?;
        let row = workflows.status(&id).await?;
        if terminal.json {
            terminal.out_json(&row.json())?;
        } else {
            terminal.note(Line::new().plain(&id).plain(" ").styled(style(row.status), row.status));
        }
        Ok(ExitCode::SUCCESS)
    })
}
