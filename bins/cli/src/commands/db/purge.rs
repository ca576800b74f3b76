//! `db purge`: deletes workflows that have ended, in bounded parts, or lists which would go.

use std::{
    process::ExitCode,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use mcp_orchestrator_domain::{Status, Timestamp, WorkflowId, millis};
use mcp_orchestrator_store::{ListFilter, Purged, Retention, Store, WorkflowRow};

use super::{open, open_as_is};
use crate::{
    args::PurgeArgs,
    error::CliError,
    progress::brief,
    row::{Row, ago},
    session::Session,
    table::Table,
};

/// Workflows deleted at once, so that nobody waits long for the store.
const AT_ONCE: usize = 100;

/// Workflows looked at to say which would go: all that have ended must be, since those that ended first go first.
const LOOKED_AT_MAX: usize = 100_000;

pub(super) async fn purge(session: &Session, args: &PurgeArgs) -> Result<ExitCode, CliError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let retention = Retention {
        finished_before: args.finished_before.map(|ago| Timestamp::from_millis(millis(now.saturating_sub(ago)))),
        finished_max: args.keep,
        bytes_max: args.max_bytes,
    };
    if args.dry_run {
        return list(session, &open_as_is(session).await?, &retention).await;
    }
    let store = open(session).await?;
    let mut sum = Purged::default();
    loop {
        let purged = store.purge(&retention, AT_ONCE).await?;
        sum.workflows += purged.workflows;
        sum.blobs += purged.blobs;
        sum.records += purged.records;
        if purged.workflows == 0 {
            break;
        }
    }
    if session.terminal.json {
        let gone =
            serde_json::json!({ "workflows": sum.workflows, "blobs": sum.blobs, "expired_records": sum.records });
        session.terminal.out_json(&gone)?;
    } else {
        session.terminal.note(format!("{} workflows and {} blobs are gone", sum.workflows, sum.blobs));
    }
    Ok(ExitCode::SUCCESS)
}

/// Says which would go, those that ended first first.
async fn list(session: &Session, store: &Arc<dyn Store>, retention: &Retention) -> Result<ExitCode, CliError> {
    let mut ended = ended(store, LOOKED_AT_MAX).await?;
    ended.sort_by_key(|row| (row.summary.finished, row.created));
    let total = ended.len();
    let goes = |(before, row): &(usize, WorkflowRow)| {
        retention.lets_go(row.summary.finished.unwrap_or_default(), (total - before) as u64, 0)
    };
    let going = ended.into_iter().enumerate().take_while(goes).map(|(_, row)| Row::here(&row));
    let terminal = session.terminal;
    if terminal.json {
        for row in going {
            terminal.out_json(&row.json())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(["ID", "STATUS", "ENDED", "TITLE"]);
    let mut count = 0_usize;
    for row in going {
        let when = row.view.completed_at.as_deref().map(ago).unwrap_or_default();
        table.row([row.id.to_string(), row.status.to_string(), when, brief(&row.view.title)]);
        count += 1;
    }
    if count > 0 {
        table.print(terminal)?;
    }
    terminal.note(format!("{count} of {total} that have ended would go"));
    Ok(ExitCode::SUCCESS)
}

/// All that have ended, if they are no more than so many.
async fn ended(store: &Arc<dyn Store>, most: usize) -> Result<Vec<WorkflowRow>, CliError> {
    let mut rows: Vec<WorkflowRow> = Vec::new();
    let mut before: Option<WorkflowId> = None;
    loop {
        let statuses = vec![Status::Completed, Status::Failed, Status::Cancelled];
        let page = store.list(&ListFilter { statuses, before, max: 500, ..ListFilter::default() }).await?;
        let Some(last) = page.last() else { return Ok(rows) };
        before = Some(last.id.clone());
        rows.extend(page);
        if rows.len() > most {
            return Err(CliError::TooManyEnded(most));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use mcp_orchestrator_domain::Timestamp;
    use mcp_orchestrator_store::{MemoryStore, Store};
    use mcp_orchestrator_testkit::store_suite::{created, finish, workflow};

    use super::ended;
    use crate::error::CliError;

    #[tokio::test]
    async fn more_than_can_be_looked_at_is_an_error_and_no_part_of_the_truth() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        for _ in 0..3 {
            let id = created(&*store, workflow()).await;
            finish(&*store, &id, 1, Timestamp::from_millis(1)).await.unwrap();
        }
        assert_eq!(ended(&store, 3).await.unwrap().len(), 3);
        let refused = ended(&store, 2).await.unwrap_err();
        assert!(matches!(refused, CliError::TooManyEnded(2)), "{refused}");
        assert!(refused.to_string().contains("more than 2 workflows have ended"), "{refused}");
    }
}
