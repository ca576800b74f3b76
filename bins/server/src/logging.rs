//! Log lines: to stderr always, because stdout belongs to MCP.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::setup::Setup;

/// For rmcp every request of protocol version 2026-07-28 is a service that begins and ends, in three lines. Ours says it
/// in one.
const QUIET: &str = "rmcp=warn";

/// Starts logging. An editor that starts the server is told of warnings, an operator of what happens.
pub(crate) fn start(setup: &Setup) {
    let level = if setup.stdio { LevelFilter::WARN } else { LevelFilter::INFO };
    let chosen = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|chosen| !chosen.is_empty());
    let filter = EnvFilter::builder().parse_lossy(chosen.unwrap_or_else(|| format!("{level},{QUIET}")));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if setup.settings.server.log_json {
        lines.json().flatten_event(true).with_current_span(true).init();
    } else {
        lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    }
}
