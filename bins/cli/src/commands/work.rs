//! `research` and `search`: from flags to a request that holds every rule, with everything checked before anything starts.

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use mcp_orchestrator_app::{Choice, CorpusFolders, Reason, name_folders, readable};
use mcp_orchestrator_domain::{CorpusName, RequestDraft};

use super::drive;
use crate::session::Session;
use crate::{
    args::{ResearchArgs, SearchArgs, WorkArgs},
    error::CliError,
    reports, task,
    terminal::{Line, Style},
};

/// Work that may start: nothing of it is known to be wrong.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) draft: RequestDraft,
    /// As the request will have it.
    pub(crate) title: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) corpora: CorpusFolders,
    pub(crate) choice: Choice,
    pub(crate) out: PathBuf,
}

pub(crate) fn research(session: &Session, args: ResearchArgs) -> Result<ExitCode, CliError> {
    let draft = RequestDraft {
        pattern: Some("research".to_owned()),
        synthesis_group_size: args.group_size,
        enable_drummer: args.no_drummer.then_some(false),
        enable_camina: args.no_camina.then_some(false),
        ..draft(session, &args.work)?
    };
    start(session, draft, args.work)
}

pub(crate) fn search(session: &Session, args: SearchArgs) -> Result<ExitCode, CliError> {
    let draft = RequestDraft {
        pattern: Some("search".to_owned()),
        allowed_agent_types: args.types,
        search_depth: args.depth,
        ..draft(session, &args.work)?
    };
    start(session, draft, args.work)
}

/// The request as flags and settings make it; a flag wins over a setting.
fn draft(session: &Session, args: &WorkArgs) -> Result<RequestDraft, CliError> {
    let settings = &session.settings;
    let seconds = |flag: Option<std::time::Duration>, setting: Option<std::time::Duration>| {
        flag.or(setting).map(|duration| duration.as_secs_f64())
    };
    Ok(RequestDraft {
        task: Some(task::read(&args.task)?),
        title: args.title.clone(),
        num_agents: args.agents,
        provider_name: args.provider.clone(),
        model: args.model.clone(),
        agent_model: args.worker_model.clone(),
        synthesis_model: args.synthesis_model.clone(),
        context: args.context.iter().cloned().collect::<BTreeMap<_, _>>(),
        document_formats: Some(args.format.clone().unwrap_or_else(|| settings.report_formats.clone())),
        priority: args.priority,
        budget_usd: args.budget_usd,
        budget_tokens: args.budget_tokens,
        max_calls: args.max_calls,
        timeout_seconds: seconds(args.agent_timeout, settings.agent_timeout),
        workflow_timeout_seconds: seconds(args.timeout, settings.workflow_timeout),
        citation_gate: settings.gate_mode.clone(),
        ..RequestDraft::default()
    })
}

/// Checks what costs nothing first: the request, the out folder, the documents, then who answers.
fn start(session: &Session, draft: RequestDraft, args: WorkArgs) -> Result<ExitCode, CliError> {
    let title = draft.clone().parse(&session.settings.limits)?.title;
    let out = args.out.unwrap_or_else(|| session.settings.report_out.clone());
    reports::prepare(&out)?;
    let corpora = corpora(session, &args.corpus)?;
    session.block_on(async {
        let choice = session.providers().choose(args.provider.as_deref(), !corpora.is_empty()).await?;
        if corpora.is_empty() && choice.name.as_str() == mcp_orchestrator_app::EXTRACTIVE {
            return Err(CliError::NoDocuments);
        }
        let draft = RequestDraft {
            provider_name: Some(choice.name.to_string()),
            corpus: corpora.keys().map(|name| name.as_str().to_owned()).collect(),
            ..draft
        };
        let work = Work { draft, title, idempotency_key: args.idempotency_key, corpora, choice, out };
        say_who(session, &work);
        drive::new_work(session, work).await
    })
}

/// The corpora asked for: folders by path, configured ones by name; all configured ones when none is asked for.
pub(crate) fn corpora(session: &Session, asked: &[PathBuf]) -> Result<CorpusFolders, CliError> {
    let configured = &session.settings.corpora;
    let mut folders = Vec::new();
    let mut chosen = CorpusFolders::new();
    for path in asked {
        let name = path.to_str().and_then(|text| CorpusName::new(text).ok());
        match name.filter(|_| !path.exists()).and_then(|name| configured.get_key_value(&name)) {
            Some((name, folders)) => drop(chosen.insert(name.clone(), folders.clone())),
            None => folders.push(path.clone()),
        }
    }
    if asked.is_empty() {
        chosen.clone_from(configured);
    }
    for path in chosen.values().flatten() {
        readable(path)?;
    }
    chosen.extend(name_folders(&folders)?);
    Ok(chosen)
}

/// Says who answers and from what, where a person could expect something else.
fn say_who(session: &Session, work: &Work) {
    let terminal = session.terminal;
    if !matches!(work.choice.reason, Reason::Named) {
        let line = Line::new().styled(Style::Dim, format!("provider: {} ({})", work.choice.name, work.choice.reason));
        terminal.note(line);
    }
    if work.corpora.is_empty() {
        let line = "no corpus: agents have nothing to cite, so every sentence will be marked as unverified";
        terminal.note(Line::new().styled(Style::Yellow, line));
    } else if work.draft.pattern.as_deref() == Some("search") {
        let line = "no search service is connected: agents of every type search the corpora";
        terminal.note(Line::new().styled(Style::Dim, line));
    }
}
