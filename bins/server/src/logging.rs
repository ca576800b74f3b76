//! Log lines: to stderr always, because stdout belongs to MCP.

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use crate::setup::Setup;

/// Starts logging. An editor that starts the server is told of warnings, an operator of what happens.
pub(crate) fn start(setup: &Setup) {
    let level = if setup.stdio { LevelFilter::WARN } else { LevelFilter::INFO };
    let filter = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if setup.settings.server.log_json {
        lines.json().flatten_event(true).with_current_span(true).init();
    } else {
        lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    }
}
