//! `doctor`: is everything there that a workflow needs? Owns the checks; changes nothing but to try whether it could.

use std::{
    io::{IsTerminal as _, stderr, stdout},
    path::{Path, PathBuf},
    process::ExitCode,
};

use mcp_orchestrator::layers::{HEALTH_LIMIT, Health, health_of};
use mcp_orchestrator_app::{Choice, EXTRACTIVE, KeyState, OpenStoreError, Reason, StoreUrl};
use mcp_orchestrator_store::StoreError;
use serde::Serialize;
use tokio::task::JoinSet;

use super::work;
use crate::{
    args::Common,
    error::CliError,
    reports,
    session::Session,
    terminal::{Line, Style, Terminal},
};

/// What was found about one thing.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Failed,
}

pub(crate) fn doctor(common: &Common, corpora: &[PathBuf], terminal: Terminal) -> Result<ExitCode, CliError> {
    let findings = match Session::new(common, terminal) {
        Ok(session) => examine(&session, corpora)?,
        // Nothing else can be judged without settings.
        Err(error) => vec![failed("settings", error)],
    };
    for finding in &findings {
        show(terminal, finding)?;
    }
    match findings.iter().filter(|finding| finding.verdict == Verdict::Failed).count() {
        0 => Ok(ExitCode::SUCCESS),
        count => Err(CliError::Unwell(count)),
    }
}

fn examine(session: &Session, corpora: &[PathBuf]) -> Result<Vec<Finding>, CliError> {
    let file = session.file.display();
    let settings = if session.file.exists() { format!("{file}") } else { format!("defaults; {file} is not there") };
    let mut findings = vec![ok("settings", settings)];
    let out = &session.settings.report_out;
    for (check, folder) in [("data folder", &session.folders.data), ("cache folder", &session.folders.cache)] {
        findings.push(writable(check, folder));
    }
    findings.push(writable("report folder", out));
    findings.push(session.block_on(async { Ok(store(session).await) })?);
    findings.push(provider_keys(session));
    findings.extend(session.block_on(async { Ok(documents_and_choice(session, corpora).await) })?);
    findings.push(terminal_finding(session.terminal));
    Ok(findings)
}

/// Whether a folder can be written to. One that is not there is judged by the nearest one above it that is.
fn writable(check: &'static str, folder: &Path) -> Finding {
    let full = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let Some(there) = full.ancestors().find(|path| path.exists()) else {
        return failed(check, format!("{} cannot be made", full.display()));
    };
    match reports::prepare(there) {
        Ok(()) if there == full => ok(check, full.display()),
        Ok(()) => ok(check, format!("{} will be made", full.display())),
        Err(error) => failed(check, error),
    }
}

async fn store(session: &Session) -> Finding {
    let url = &session.settings.store_url;
    match StoreUrl::parse(url) {
        // A store that was never used is not made just to be looked at.
        Ok(StoreUrl::Sqlite(path)) if !path.exists() => ok("store", format!("sqlite, {} will be made", path.display())),
        Ok(there) => match look_into(&there).await {
            Ok(finding) => finding,
            Err(CliError::OpenStore(OpenStoreError::Open { source: StoreError::Outdated { found, .. }, .. })) => {
                let detail = format!("it has schema version {found}, which the next command that uses it brings up");
                Finding { check: "store", verdict: Verdict::Warning, detail }
            }
            Err(error) => failed("store", error),
        },
        Err(error) => failed("store", error),
    }
}

/// An older one stays as it is: looking is no reason to bring it up.
async fn look_into(there: &StoreUrl) -> Result<Finding, CliError> {
    let info = there.open_as_is().await?.info().await?;
    let detail = format!(
        "{} {} at {}, {}, {} workflows, {} bytes",
        info.kind, info.version, info.location, info.durability, info.workflows, info.bytes
    );
    Ok(match info.warnings.as_slice() {
        [] => ok("store", detail),
        warnings => {
            Finding { check: "store", verdict: Verdict::Warning, detail: format!("{detail}; {}", warnings.join("; ")) }
        }
    })
}

fn provider_keys(session: &Session) -> Finding {
    match session.providers().known() {
        Ok(known) => {
            let with_key = known.iter().filter(|provider| matches!(provider.key, KeyState::Set(_)));
            let names: Vec<&str> = with_key.map(|provider| provider.name.as_str()).collect();
            ok("keys", if names.is_empty() { "none set".to_owned() } else { format!("set for {}", names.join(", ")) })
        }
        Err(error) => failed("keys", error),
    }
}

async fn documents_and_choice(session: &Session, asked: &[PathBuf]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let folders = match work::corpora(session, asked) {
        Ok(folders) if folders.is_empty() => {
            findings.push(Finding {
                check: "corpora",
                verdict: Verdict::Warning,
                detail: "none; name folders with --corpus or under `corpora`".to_owned(),
            });
            folders
        }
        Ok(folders) => {
            match session.search_in(&folders).await {
                Ok(corpora) => findings.extend(corpora.iter().map(|corpus| {
                    let summary = corpus.summary();
                    let skipped = summary.skipped;
                    let detail = format!("{}: {} documents, {skipped} passed over", corpus.name(), summary.documents);
                    ok("corpus", detail)
                })),
                Err(error) => findings.push(failed("corpora", error)),
            }
            folders
        }
        Err(error) => {
            findings.push(failed("corpora", error));
            return findings;
        }
    };
    let chosen = match session.providers().choose(None, !folders.is_empty()).await {
        Ok(choice) => {
            findings.push(ok("provider", format!("{} ({})", choice.name, choice.reason)));
            Some(choice)
        }
        Err(error) => {
            findings.push(Finding { check: "provider", verdict: Verdict::Warning, detail: error.to_string() });
            None
        }
    };
    findings.extend(health(session, chosen).await);
    findings
}

/// Whether those who may be asked are there: the chosen one, those after it, and everybody with a key or an address of their own.
async fn health(session: &Session, chosen: Option<Choice>) -> Vec<Finding> {
    let providers = session.providers();
    let mut asked: Vec<Choice> = chosen.into_iter().collect();
    let with_key = providers.known().unwrap_or_default().into_iter().filter(|known| {
        let is_set_up = session.settings.providers.get(&known.name).is_some_and(|own| own.base_url.is_some());
        is_set_up || matches!(known.key, KeyState::Set(_))
    });
    let fallbacks = session.settings.provider_fallback.iter().map(ToString::to_string);
    for name in with_key.map(|known| known.name).chain(fallbacks) {
        match providers.named(&name, Reason::Named) {
            Ok(choice) if asked.iter().all(|known| known.name != choice.name) => asked.push(choice),
            // What is missing of it is said where keys are.
            _ => {}
        }
    }
    let mut tasks = JoinSet::new();
    for choice in asked.into_iter().filter(|choice| choice.name.as_str() != EXTRACTIVE) {
        tasks.spawn(async move { (health_of(choice.provider.as_ref(), HEALTH_LIMIT).await, choice.name) });
    }
    let mut findings: Vec<Finding> = Vec::new();
    while let Some(answer) = tasks.join_next().await {
        let Ok((health, name)) = answer else { continue };
        findings.push(match health {
            Health::Up(latency) => {
                let own = session.settings.providers.get(name.as_str()).and_then(|own| own.context_tokens);
                let cuts = name.as_str() == "ollama" && own.is_none();
                let note =
                    if cuts { "; it cuts long prompts silently: see `provider.ollama.context_tokens`" } else { "" };
                ok("health", format!("{name} answers, after {} ms{note}", latency.as_millis()))
            }
            Health::Down(failure) => {
                let detail = format!("{name} ({}): {}", failure.class, failure.message);
                Finding { check: "health", verdict: Verdict::Warning, detail }
            }
        });
    }
    findings.sort_by(|one, other| one.detail.cmp(&other.detail));
    findings
}

fn terminal_finding(terminal: Terminal) -> Finding {
    let yes = |yes: bool| if yes { "a terminal" } else { "no terminal" };
    let bars = if terminal.bars { "bars" } else { "lines" };
    let detail = format!(
        "stdout is {}, stderr is {}; progress as {bars}",
        yes(stdout().is_terminal()),
        yes(stderr().is_terminal())
    );
    ok("terminal", detail)
}

fn show(terminal: Terminal, finding: &Finding) -> Result<(), CliError> {
    if terminal.json {
        return Ok(terminal.out_json(finding)?);
    }
    let (style, word) = match finding.verdict {
        Verdict::Ok => (Style::Green, "ok     "),
        Verdict::Warning => (Style::Yellow, "warning"),
        Verdict::Failed => (Style::Red, "failed "),
    };
    let detail = finding.detail.replace('\n', " ");
    terminal.out(Line::new().styled(style, word).plain(format!("  {:<14}{detail}", finding.check)))?;
    Ok(())
}

fn ok(check: &'static str, detail: impl std::fmt::Display) -> Finding {
    Finding { check, verdict: Verdict::Ok, detail: detail.to_string() }
}

fn failed(check: &'static str, detail: impl std::fmt::Display) -> Finding {
    Finding { check, verdict: Verdict::Failed, detail: detail.to_string() }
}
