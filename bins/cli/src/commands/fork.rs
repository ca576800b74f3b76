//! `fork`: goes on from a position of a workflow's log as a new workflow, in this process or at a server. Owns how a setting
//! is read that a person typed; which may change is the engine's to judge.

use std::{path::Path, process::ExitCode, sync::Arc};

use mcp_orchestrator::{Error as EngineError, ForkOptions, WorkerMode};
use mcp_orchestrator_api::ForkCall;
use mcp_orchestrator_app::{Reason, Web};
use mcp_orchestrator_domain::{Budget, CorpusName, Principal, RequestDraft, Seq, WorkflowId};
use mcp_orchestrator_store::{Store, WorkflowRow};
use serde_json::{Map, Value, json};

use super::{
    drive::{detached, put_away, to_the_end},
    resume,
};
use crate::{
    args::ForkArgs, error::CliError, remote::Server, reports, row::Row, session::Session, sources, workflows::Workflows,
};

/// A fork as it was asked for.
struct Asked {
    id: WorkflowId,
    at: Option<Seq>,
    set: RequestDraft,
    idempotency_key: Option<String>,
}

pub(crate) fn fork(session: &Session, args: ForkArgs) -> Result<ExitCode, CliError> {
    let out = args.out.unwrap_or_else(|| session.settings.report_out.clone());
    let asked =
        Asked { id: args.id.parse()?, at: args.at, set: changes(&args.set)?, idempotency_key: args.idempotency_key };
    let server = session.server()?;
    if server.is_none() && args.detach {
        return Err(CliError::DetachHere);
    }
    if !args.detach {
        reports::prepare(&out)?;
    }
    let forked = session.block_on(async {
        match server {
            Some(server) => there(session, &server, asked, args.detach, &out).await,
            None => here(session, asked, &out).await,
        }
    });
    forked.map_err(CliError::of_changes)
}

async fn there(
    session: &Session,
    server: &Server,
    asked: Asked,
    is_detached: bool,
    out: &Path,
) -> Result<ExitCode, CliError> {
    let started = server.fork(&asked.id, asked.at, &asked.set, asked.idempotency_key.as_deref()).await?;
    let row = Row::there(started.workflow)?;
    say_where_from(session, &asked, started.created);
    for warning in started.warnings {
        session.terminal.note(warning);
    }
    if is_detached {
        return detached(session.terminal, &row);
    }
    to_the_end(session, &Workflows::There(server.clone()), &row.id, out).await
}

async fn here(session: &Session, asked: Asked, out: &Path) -> Result<ExitCode, CliError> {
    let store = session.store().await?;
    let row = store.get(&asked.id).await?.filter(|row| row.principal == Principal::local());
    let row = row.ok_or_else(|| EngineError::NotFound(asked.id.clone()))?;
    let names: Vec<CorpusName> = match asked.set.corpus.as_slice() {
        [] => row.needs.corpora.clone(),
        named => named.iter().map(|name| CorpusName::new(name)).collect::<Result<_, _>>()?,
    };
    let configured = &session.settings.corpora;
    let folders = sources::recall(store.as_ref(), &row.id, &row.summary.title, &names, configured).await?;
    if let Some(missing) = names.iter().find(|name| !folders.contains_key(*name)) {
        return Err(CliError::UnknownCorpus { id: row.id.clone(), corpus: missing.clone() });
    }
    let provider = asked.set.provider_name.as_deref();
    let provider = provider.or_else(|| row.needs.provider.as_ref().map(|name| name.as_str()));
    let choice = match provider {
        Some(name) => session.providers().named(name, Reason::Named)?,
        None => session.providers().choose(None, !folders.is_empty() || !row.needs.tools.is_empty()).await?,
    };
    let corpora = session.open(&folders).await?;
    let web = Web::of(&session.settings, false)?.and_those_of(&session.settings, &row.needs.tools);
    let handle = session.worker(&store, &choice, &corpora, &web, WorkerMode::Own)?;
    let ended = async {
        let options = ForkOptions {
            at: asked.at,
            set: asked.set.clone(),
            idempotency_key: asked.idempotency_key.clone(),
            reserved: true,
            ..ForkOptions::default()
        };
        let forked = handle.fork(&asked.id, options).await?;
        say_where_from(session, &asked, forked.made.is_some());
        if forked.made.is_none()
            && let Some(left) = left_behind(&store, &forked.id).await?
        {
            return Ok(Err(left));
        }
        sources::remember(store.as_ref(), &forked.id, &folders).await?;
        to_the_end(session, &Workflows::Here(handle.clone()), &forked.id, out).await.map(Ok)
    };
    let ended = ended.await;
    put_away(&handle).await;
    match ended? {
        Ok(code) => Ok(code),
        Err(left) => resume::one(session, &store, &left, out, Budget::default()).await,
    }
}

/// The fork, if it was there before, is unfinished, and nobody runs it.
async fn left_behind(store: &Arc<dyn Store>, id: &WorkflowId) -> Result<Option<WorkflowRow>, CliError> {
    store.repair().await?;
    let row = store.get(id).await?;
    Ok(row.filter(|row| !row.summary.status.is_terminal() && row.owner.is_none()))
}

fn say_where_from(session: &Session, asked: &Asked, is_new: bool) {
    let id = &asked.id;
    session.terminal.note(match (asked.at, is_new) {
        (Some(at), true) => format!("{id} is forked at position {at}"),
        (Some(at), false) => format!("{id} was forked at position {at} under this key before"),
        (None, true) => format!("{id} goes on as a new workflow"),
        (None, false) => format!("{id} was continued before"),
    });
}

/// What changes, from what a person typed: text, a number, true or false, or a list with commas, as the setting takes it.
fn changes(typed: &[(String, String)]) -> Result<RequestDraft, CliError> {
    let mut set = Map::new();
    for (name, value) in typed {
        if let Some(key) = name.strip_prefix("context.") {
            let context = set.entry("context").or_insert_with(|| json!({}));
            context[key] = Value::from(value.as_str());
            continue;
        }
        let list: Vec<&str> = value.split(',').map(str::trim).collect();
        let readings = [Some(json!(value)), serde_json::from_str(value).ok(), Some(json!(list))];
        let mut refused = None;
        let fits = readings.into_iter().flatten().find(|reading| match read(name, reading) {
            Ok(_) => true,
            Err(detail) => {
                refused.get_or_insert(detail);
                false
            }
        });
        match (fits, refused) {
            (Some(value), _) => drop(set.insert(name.clone(), value)),
            (None, detail) => {
                let detail = detail.unwrap_or_default();
                return Err(CliError::Set { name: name.clone(), detail });
            }
        }
    }
    let arguments = Map::from_iter([("set".to_owned(), Value::Object(set))]);
    ForkCall::parse(arguments)
        .map(|call| call.set)
        .map_err(|error| CliError::Set { name: String::new(), detail: error.to_string() })
}

/// Reads one setting alone; what does not fit is said.
fn read(name: &str, value: &Value) -> Result<(), String> {
    let set = Map::from_iter([(name.to_owned(), value.clone())]);
    match ForkCall::parse(Map::from_iter([("set".to_owned(), Value::Object(set))])) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.errors.first().map_or_else(|| error.to_string(), |wrong| wrong.detail.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::changes;

    fn pairs(typed: &[(&str, &str)]) -> Vec<(String, String)> {
        typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_setting_is_read_as_what_it_takes() {
        let typed = [
            ("model", "4"),
            ("budget_usd", "0.5"),
            ("max_calls", "7"),
            ("enable_camina", "false"),
            ("document_formats", "md, json"),
            ("context.year", "2024"),
            ("context.place", "the harbour"),
        ];
        let set = changes(&pairs(&typed)).unwrap();
        assert_eq!((set.model.as_deref(), set.budget_usd, set.max_calls), (Some("4"), Some(0.5), Some(7)));
        assert_eq!(set.enable_camina, Some(false));
        assert_eq!(set.document_formats.unwrap(), ["md", "json"]);
        assert_eq!((set.context["year"].as_str(), set.context["place"].as_str()), ("2024", "the harbour"));
    }

    #[test]
    fn what_is_no_setting_or_does_not_fit_is_named() {
        let refused = |name: &str, value: &str| changes(&pairs(&[(name, value)])).unwrap_err().to_string();
        assert!(refused("modle", "x").contains("--set modle: there is no such field; did you mean model?"));
        assert!(refused("max_calls", "many").starts_with("--set max_calls is "), "{}", refused("max_calls", "many"));
    }
}
