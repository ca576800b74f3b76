//! `watch`, `events` and `cancel`: workflows that may run in another process.

use std::{collections::BTreeSet, process::ExitCode};

use futures::StreamExt as _;
use mcp_orchestrator::Handle;
use mcp_orchestrator_domain::{Status, WorkflowId};
use mcp_orchestrator_streaming::{ClientData, ClientEvent, Cursor, translate};
use tokio::sync::Notify;

use crate::{
    args::{CancelArgs, EventsArgs},
    error::{CliError, FailedAgent},
    progress::{View, brief, of_event},
    row::{Row, moment, style},
    session::Session,
    terminal::{Closed, Line, Style, Terminal},
};

/// Records read at once.
const RECORDS_MAX: usize = 500;

/// How the loop hears of the first Ctrl-C, and what it then says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interrupted<'a> {
    pub(crate) first: &'a Notify,
    pub(crate) says: &'static str,
}

/// Shows what happens from the beginning until the workflow has ended. Returns the agents that failed for good.
pub(crate) async fn to_the_end(
    handle: &Handle,
    id: &WorkflowId,
    view: &mut View,
    interrupted: Option<Interrupted<'_>>,
) -> Result<Vec<FailedAgent>, CliError> {
    let mut events = handle.events(id, Cursor::START).await?;
    let mut failed = Vec::new();
    // A question may be told more than once; how to answer it is not.
    let mut asked = BTreeSet::new();
    // Only its error matters: the workflow cannot go on in this process, so no event would ever follow.
    let settled = handle.settled(id);
    tokio::pin!(settled);
    let mut is_settled = false;
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event.transpose()? else { return Ok(failed) };
                if let ClientData::AgentError { error, .. } = &event.data {
                    let agent = event.agent_id.as_ref().map(ToString::to_string).unwrap_or_default();
                    failed.push(FailedAgent { agent, error: error.clone() });
                }
                view.show(&event)?;
                if let (ClientData::InputRequested { question }, Some(step)) = (&event.data, &event.agent_id)
                    && asked.insert(step.clone())
                {
                    let line = format!("{}  answer with: mcp-orchestrator answer {id} {step} TEXT", brief(question));
                    view.urge(Line::new().styled(Style::Yellow, line));
                }
            }
            row = &mut settled, if !is_settled => {
                row?;
                is_settled = true;
            }
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
        let handle = session.reader().await?;
        let mut view = View::new(terminal);
        let failed = to_the_end(&handle, &id, &mut view, None).await?;
        drop(view);
        let row = handle.status(&id).await?;
        terminal.note(
            Line::new().plain("workflow ").plain(&id).plain(" ").styled(style(row.summary.status), row.summary.status),
        );
        match row.summary.status {
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
        let handle = session.reader().await?;
        if args.follow {
            let mut events = handle.events(&id, cursor).await?;
            while let Some(event) = events.next().await.transpose()? {
                print(session.terminal, &event)?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let mut after = cursor.seq();
        loop {
            let records = handle.records(&id, after, RECORDS_MAX).await?;
            let Some(last) = records.last() else { return Ok(ExitCode::SUCCESS) };
            after = last.seq;
            for event in records.iter().flat_map(|recorded| translate(&id, recorded)).filter(|e| e.id > cursor) {
                print(session.terminal, &event)?;
            }
        }
    })
}

/// One event: as JSON, or as a line with its id for `--after`, its moment, its type and what it says.
fn print(terminal: Terminal, event: &ClientEvent) -> Result<(), Closed> {
    if terminal.json {
        return terminal.out_json(event);
    }
    let kind = event.event_type().as_str();
    let id = format!("{:<8}  {}", event.id.to_string(), moment(event.timestamp));
    let line = Line::new().styled(Style::Dim, id).plain(format!("  {kind:<28}"));
    terminal.out(match of_event(event) {
        Some(words) => line.and(words),
        None => line.plain(event.agent_id.as_ref().map(ToString::to_string).unwrap_or_default()),
    })
}

pub(crate) fn cancel(session: &Session, args: &CancelArgs) -> Result<ExitCode, CliError> {
    let terminal = session.terminal;
    let id: WorkflowId = args.id.parse()?;
    session.block_on(async {
        let handle = session.reader().await?;
        handle.cancel(&id, &args.reason).await?;
        let row = handle.status(&id).await?;
        if terminal.json {
            terminal.out_json(&Row::new(&row))?;
        } else {
            terminal.note(Line::new().plain(&id).plain(" ").styled(style(row.summary.status), row.summary.status));
        }
        Ok(ExitCode::SUCCESS)
    })
}
