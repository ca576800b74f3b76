//! `db`: looks after a store where it is. Owns which store that is; what each command does is beside it.

mod purge;
mod stuck;

use std::{path::Path, process::ExitCode, sync::Arc};

use mcp_orchestrator_app::StoreUrl;
use mcp_orchestrator_store::Store;

use crate::{
    args::DbCommand,
    error::CliError,
    session::Session,
    terminal::{Line, Style},
};

pub(crate) fn db(session: &Session, command: DbCommand) -> Result<ExitCode, CliError> {
    if session.server()?.is_some() {
        return Err(CliError::DbAtServer);
    }
    session.block_on(async {
        match command {
            DbCommand::Info => info(session).await,
            DbCommand::Check => check(session).await,
            DbCommand::Backup(args) => backup(session, &args.file).await,
            DbCommand::Purge(args) => purge::purge(session, &args).await,
            DbCommand::Stuck => stuck::stuck(session).await,
        }
    })
}

/// The address of the store. A file that is not there is not made, not even one's own: there is nothing to look after.
fn address(session: &Session) -> Result<StoreUrl, CliError> {
    match StoreUrl::parse(&session.settings.store_url)? {
        StoreUrl::Sqlite(path) if !path.exists() => Err(CliError::NoStore(path)),
        there => Ok(there),
    }
}

async fn open(session: &Session) -> Result<Arc<dyn Store>, CliError> {
    Ok(address(session)?.open().await?)
}

/// The store for who only looks: of an older version it is not brought up.
async fn open_as_is(session: &Session) -> Result<Arc<dyn Store>, CliError> {
    Ok(address(session)?.open_as_is().await?)
}

async fn info(session: &Session) -> Result<ExitCode, CliError> {
    let info = open_as_is(session).await?.info().await?;
    let terminal = session.terminal;
    if terminal.json {
        terminal.out_json(&serde_json::json!({
            "kind": info.kind,
            "version": info.version,
            "schema": info.schema,
            "location": info.location,
            "durability": info.durability,
            "workflows": info.workflows,
            "queued": info.queued,
            "ended": info.finished,
            "ended_bytes": info.finished_bytes,
            "bytes": info.bytes,
            "warnings": info.warnings,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let schema = info.schema.map(|schema| format!(", schema {schema}")).unwrap_or_default();
    let fields = [
        ("store", format!("{} {}{schema}", info.kind, info.version)),
        ("location", info.location),
        ("durability", info.durability.to_owned()),
        ("workflows", format!("{}, {} in the queue, {} ended", info.workflows, info.queued, info.finished)),
        ("bytes", format!("{}, logs of those that have ended {}", info.bytes, info.finished_bytes)),
    ];
    for (name, value) in fields {
        terminal.out(Line::new().styled(Style::Dim, format!("{name:<11}")).plain(value))?;
    }
    for warning in info.warnings {
        terminal.out(Line::new().styled(Style::Yellow, format!("{:<11}", "warning")).plain(warning))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(session: &Session) -> Result<ExitCode, CliError> {
    let checked = open_as_is(session).await?.check().await?;
    let terminal = session.terminal;
    if terminal.json {
        terminal.out_json(&serde_json::json!({
            "workflows": checked.workflows,
            "records": checked.records,
            "blobs": checked.blobs,
            "findings": checked.findings,
        }))?;
    } else {
        for finding in &checked.findings {
            terminal.out(Line::new().styled(Style::Red, "wrong").plain("  ").plain(finding))?;
        }
        let seen = format!("{} workflows, {} records, {} blobs", checked.workflows, checked.records, checked.blobs);
        terminal.note(format!("looked at {seen}"));
    }
    match checked.findings.len() {
        0 => Ok(ExitCode::SUCCESS),
        findings => Err(CliError::Unsound(findings)),
    }
}

async fn backup(session: &Session, file: &Path) -> Result<ExitCode, CliError> {
    let bytes = address(session)?.backup(file).await?;
    let terminal = session.terminal;
    if terminal.json {
        terminal.out_json(&serde_json::json!({ "file": file.display().to_string(), "bytes": bytes }))?;
    } else {
        terminal.note(format!("{bytes} bytes in {}", file.display()));
    }
    Ok(ExitCode::SUCCESS)
}
