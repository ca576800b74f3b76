//! `research`, `search` and `run`: from flags and files to a request that holds every rule, with everything checked before
//! anything starts.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
};

use mcp_orchestrator_app::{Choice, CorpusFolders, Reason, Settings, Web, name_folders, read_definition, readable};
use mcp_orchestrator_domain::{CorpusName, FieldError, Image, InvalidRequest, RequestDraft};

use super::drive;
use crate::session::Session;
use crate::{
    args::{ResearchArgs, RunArgs, SearchArgs, SharedArgs, WorkArgs},
    error::CliError,
    remote::Server,
    reports, task,
    terminal::{Line, Style, Terminal},
};

/// Work that may start: nothing of it is known to be wrong.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) draft: RequestDraft,
    /// As the request will have it.
    pub(crate) title: String,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) images: Vec<Image>,
    pub(crate) corpora: CorpusFolders,
    pub(crate) choice: Choice,
    pub(crate) web: Web,
    pub(crate) out: PathBuf,
}

/// Work for a server, which judges it.
#[derive(Debug)]
pub(crate) struct Remote {
    pub(crate) draft: RequestDraft,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) images: Vec<Image>,
    pub(crate) is_detached: bool,
    pub(crate) out: PathBuf,
}

pub(crate) fn research(session: &Session, args: ResearchArgs) -> Result<ExitCode, CliError> {
    let draft = RequestDraft {
        pattern: Some("research".to_owned()),
        synthesis_group_size: args.group_size,
        enable_drummer: args.no_drummer.then_some(false),
        enable_camina: args.no_camina.then_some(false),
        ..asked(&args.work)?
    };
    start(session, draft, args.work.shared)
}

pub(crate) fn search(session: &Session, args: SearchArgs) -> Result<ExitCode, CliError> {
    let draft = RequestDraft {
        pattern: Some("search".to_owned()),
        allowed_agent_types: args.types,
        search_depth: args.depth,
        ..asked(&args.work)?
    };
    start(session, draft, args.work.shared)
}

/// The request of a task that was typed.
fn asked(args: &WorkArgs) -> Result<RequestDraft, CliError> {
    Ok(RequestDraft { task: Some(task::read(&args.task)?), num_agents: args.agents, ..flags(&args.shared) })
}

/// Runs what is written down in a file. Flags win over the file, the file over settings.
pub(crate) fn run(session: &Session, args: RunArgs) -> Result<ExitCode, CliError> {
    let file = read_definition(&args.file)?;
    let ran = written(session, file, args.shared);
    ran.map_err(|error| error.of_file(&args.file))
}

fn written(session: &Session, file: RequestDraft, args: SharedArgs) -> Result<ExitCode, CliError> {
    let flags = flags(&args);
    let mut context = file.context;
    context.extend(flags.context);
    let draft = RequestDraft {
        title: flags.title.or(file.title),
        provider_name: flags.provider_name.or(file.provider_name),
        model: flags.model.or(file.model),
        agent_model: flags.agent_model.or(file.agent_model),
        synthesis_model: flags.synthesis_model.or(file.synthesis_model),
        context,
        document_formats: flags.document_formats.or(file.document_formats),
        priority: flags.priority.or(file.priority),
        budget_usd: flags.budget_usd.or(file.budget_usd),
        budget_tokens: flags.budget_tokens.or(file.budget_tokens),
        max_calls: flags.max_calls.or(file.max_calls),
        timeout_seconds: flags.timeout_seconds.or(file.timeout_seconds),
        workflow_timeout_seconds: flags.workflow_timeout_seconds.or(file.workflow_timeout_seconds),
        ..file
    };
    start(session, draft, args)
}

/// The request as flags make it.
fn flags(args: &SharedArgs) -> RequestDraft {
    let seconds = |flag: Option<std::time::Duration>| flag.map(|duration| duration.as_secs_f64());
    RequestDraft {
        title: args.title.clone(),
        provider_name: args.provider.clone(),
        model: args.model.clone(),
        agent_model: args.worker_model.clone(),
        synthesis_model: args.synthesis_model.clone(),
        context: args.context.iter().cloned().collect::<BTreeMap<_, _>>(),
        document_formats: args.format.clone(),
        priority: args.priority,
        budget_usd: args.budget_usd,
        budget_tokens: args.budget_tokens,
        max_calls: args.max_calls,
        timeout_seconds: seconds(args.agent_timeout),
        workflow_timeout_seconds: seconds(args.timeout),
        ..RequestDraft::default()
    }
}

/// The request with settings where it says nothing.
fn completed(settings: &Settings, draft: RequestDraft) -> RequestDraft {
    let seconds = |setting: Option<std::time::Duration>| setting.map(|duration| duration.as_secs_f64());
    RequestDraft {
        document_formats: draft.document_formats.or_else(|| Some(settings.report_formats.clone())),
        timeout_seconds: draft.timeout_seconds.or_else(|| seconds(settings.agent_timeout)),
        workflow_timeout_seconds: draft.workflow_timeout_seconds.or_else(|| seconds(settings.workflow_timeout)),
        citation_gate: draft.citation_gate.or_else(|| settings.gate_mode.clone()),
        ..draft
    }
}

/// Starts the work where it is to run.
fn start(session: &Session, draft: RequestDraft, args: SharedArgs) -> Result<ExitCode, CliError> {
    let draft = completed(&session.settings, draft);
    match session.server()? {
        Some(_) if args.web => Err(CliError::WebThere),
        Some(server) => start_there(session, &server, draft, args),
        None if args.detach => Err(CliError::DetachHere),
        None => start_here(session, draft, args),
    }
}

/// Checks only what is this machine's: the out folder and the names of corpora. All else is the server's to judge.
fn start_there(
    session: &Session,
    server: &Server,
    draft: RequestDraft,
    args: SharedArgs,
) -> Result<ExitCode, CliError> {
    let out = args.out.unwrap_or_else(|| session.settings.report_out.clone());
    if !args.detach {
        reports::prepare(&out)?;
    }
    let images = args.image.iter().map(|path| image(path)).collect::<Result<_, _>>()?;
    let mut corpus = draft.corpus.clone();
    if !args.corpus.is_empty() {
        corpus = args.corpus.iter().map(|path| corpus_there(path)).collect::<Result<_, _>>()?;
    }
    let draft = RequestDraft { corpus, ..draft };
    let work = Remote { draft, idempotency_key: args.idempotency_key, images, is_detached: args.detach, out };
    session.block_on(drive::at_server(session, server, work))
}

/// A corpus as a server's operator named it. A folder of this machine is none.
fn corpus_there(path: &Path) -> Result<String, CliError> {
    let name = path.to_str().filter(|name| CorpusName::new(name).is_ok());
    name.map(str::to_owned).ok_or_else(|| CliError::CorpusThere(path.to_owned()))
}

/// Checks what costs nothing first: the request, the out folder, the documents, then who answers.
fn start_here(session: &Session, draft: RequestDraft, args: SharedArgs) -> Result<ExitCode, CliError> {
    let title = draft.clone().parse(&session.settings.limits)?.title;
    let out = args.out.unwrap_or_else(|| session.settings.report_out.clone());
    reports::prepare(&out)?;
    let images = args.image.iter().map(|path| image(path)).collect::<Result<_, _>>()?;
    let is_named = args.corpus.is_empty() && !draft.corpus.is_empty();
    let corpora = if is_named { named(&session.settings, &draft.corpus)? } else { corpora(session, &args.corpus)? };
    let web = Web::of(&session.settings, args.web)?;
    let has_sources = web.is_on() || !corpora.is_empty();
    session.block_on(async {
        let choice = session.providers().choose(draft.provider_name.as_deref(), has_sources).await?;
        if !has_sources && choice.name.as_str() == mcp_orchestrator_app::EXTRACTIVE {
            return Err(CliError::NoDocuments);
        }
        let draft = RequestDraft {
            provider_name: Some(choice.name.to_string()),
            corpus: corpora.keys().map(|name| name.as_str().to_owned()).collect(),
            ..draft
        };
        let work = Work { draft, title, idempotency_key: args.idempotency_key, images, corpora, choice, web, out };
        say_who(session, &work);
        drive::new_work(session, work).await
    })
}

/// The image in a file, by its bytes.
fn image(path: &Path) -> Result<Image, CliError> {
    let refused = |detail: String| InvalidRequest::from(FieldError::new("images", detail));
    let size = std::fs::metadata(path).map(|file| file.len()).unwrap_or_default();
    if size > Image::BYTES_MAX as u64 {
        let detail = format!("{} has {size} bytes, more than {}", path.display(), Image::BYTES_MAX);
        return Err(refused(detail).into());
    }
    let bytes = std::fs::read(path).map_err(|error| refused(format!("{} cannot be read: {error}", path.display())))?;
    Ok(Image::parse(bytes).map_err(|error| refused(format!("{} {error}", path.display())))?)
}

/// The configured corpora a file names. A file names no folders: it may come from anywhere.
fn named(settings: &Settings, names: &[String]) -> Result<CorpusFolders, CliError> {
    let mut chosen = CorpusFolders::new();
    for name in names {
        let Some((name, folders)) = settings.corpora.iter().find(|(known, _)| known.as_str() == name) else {
            let detail = format!("{name:?} is no configured corpus: set `corpora.{name}`, or use --corpus DIR");
            return Err(InvalidRequest::from(FieldError::new("corpus", detail)).into());
        };
        chosen.insert(name.clone(), folders.clone());
    }
    for path in chosen.values().flatten() {
        readable(path)?;
    }
    Ok(chosen)
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
    if work.web.is_on() {
        let asked = work.web.titles().collect::<Vec<_>>().join(", ");
        let line = format!("network: agents ask {asked}; their search words and your contact leave this machine");
        terminal.note(Line::new().styled(Style::Dim, line));
        return;
    }
    say_what_from(terminal, work.corpora.is_empty(), work.draft.pattern.as_deref().unwrap_or_default());
}

/// Says from what is answered, where a person could expect something else.
fn say_what_from(terminal: Terminal, without_corpora: bool, pattern: &str) {
    if without_corpora {
        let line = "no corpus: agents have nothing to cite, so every sentence will be marked as unverified";
        terminal.note(Line::new().styled(Style::Yellow, line));
    } else if matches!(pattern, "search" | "swarm") {
        let line = "no search service is on (--web): agents of every type search the corpora";
        terminal.note(Line::new().styled(Style::Dim, line));
    }
}
