//! The command line. Owns flags and their help; what they mean is elsewhere.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use mcp_orchestrator_app::CorpusFolders;

/// Runs multi-agent LLM workflows for MCP clients, REST and server-sent events.
///
/// Without --stdio it serves HTTP: MCP at /mcp, REST at /v1, the description of both at /docs. With --stdio it speaks MCP
/// over stdin and stdout, for an editor or an agent that starts it.
#[derive(Debug, Parser)]
#[command(name = "mcp-orchestrator-server", version, max_term_width = 100, after_help = AFTER)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Address to serve HTTP on [default: 127.0.0.1:5060; PORT in the environment changes its port]
    #[arg(long, value_name = "ADDRESS", global = true)]
    pub(crate) listen: Option<String>,
    /// Speak MCP over stdin and stdout; HTTP only if --listen is given too
    #[arg(long)]
    pub(crate) stdio: bool,
    /// Where workflows are kept: memory:, sqlite:PATH or redis://HOST
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Settings file read instead of your own
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Documents agents may search, under a name requests choose them by; may be repeated
    #[arg(long, value_name = "NAME=DIR", value_parser = corpus)]
    pub(crate) corpus: Vec<(String, PathBuf)>,
    /// Workflows that run at once in this process [default: 5]
    #[arg(long, value_name = "N")]
    pub(crate) max_running: Option<u16>,
    /// Workflows that run at once over all servers that share the store [default: what each of them runs]
    #[arg(long, value_name = "N")]
    pub(crate) cluster_max_running: Option<u32>,
    /// Workflows that may wait in the queue until further ones are refused; 0 is no limit [default: 10000]
    #[arg(long, value_name = "N")]
    pub(crate) max_queued: Option<u32>,
    /// Allow an address that others can reach, although nobody is asked who they are
    #[arg(long)]
    pub(crate) insecure_listen: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask the server at --listen whether it is ready; exit 0 if it is, 1 if not
    Healthcheck,
}

const AFTER: &str = "\
Exit codes: 0 stopped as asked, 1 not ready (healthcheck) or failed, 2 cannot be parsed, 69 address or store not available, \
78 a setting is missing or broken.
Settings: mcp-orchestrator config show lists them all. Every setting is also an environment variable: \
ORCHESTRATOR_SERVER__LISTEN. Log lines go to stderr; RUST_LOG chooses them.";

/// `NAME=DIR`.
fn corpus(text: &str) -> Result<(String, PathBuf), String> {
    let (name, folder) = text.split_once('=').ok_or("expected NAME=DIR")?;
    mcp_orchestrator_domain::CorpusName::new(name).map_err(|error| error.to_string())?;
    if folder.is_empty() {
        return Err("the folder is missing, expected NAME=DIR".to_owned());
    }
    Ok((name.to_owned(), PathBuf::from(folder)))
}

/// Flags of one name are one corpus of several folders.
pub(crate) fn folders(corpus: &[(String, PathBuf)]) -> CorpusFolders {
    let mut folders = CorpusFolders::new();
    for (name, folder) in corpus {
        // The name was parsed with the flag.
        if let Ok(name) = mcp_orchestrator_domain::CorpusName::new(name) {
            folders.entry(name).or_default().push(folder.clone());
        }
    }
    folders
}
