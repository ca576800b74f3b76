//! `mcp-orchestrator`: arguments, logging, settings, the command, the exit code.

mod args;
mod commands;
mod error;
mod found;
mod install;
mod progress;
mod remote;
mod reports;
mod row;
mod session;
mod sources;
mod table;
mod task;
mod terminal;
mod told;
mod workflows;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{args::Cli, terminal::Terminal};

/// Workflows are many short-lived texts: with the system's allocator they take nearly twice the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return error::usage(&error, std::env::args_os()),
    };
    let terminal = Terminal::of_this_process(&cli.common);
    log_to_stderr();
    match commands::run(cli, terminal) {
        Ok(code) => code,
        Err(error) => error.tell(terminal),
    }
}

/// Errors of libraries, or what `RUST_LOG` asks for. Stdout is the report's.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing_subscriber::filter::LevelFilter::OFF.into())
        .from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
