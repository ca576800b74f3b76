//! `mcp-orchestrator-server`: arguments, settings, logging, the parts, serving, draining.

mod args;
mod healthcheck;
mod logging;
mod parts;
mod serve;

mod setup;
mod signals;
mod stop;
mod tidy;

use std::process::ExitCode;

use clap::Parser as _;

use crate::{
    args::{Args, Command},
    setup::Setup,
    stop::Stop,
};

/// Workflows are many short-lived texts: with the system's allocator they take nearly twice the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(code) => code,
        Err(stop) => stop.tell(),
    }
}

fn run(args: &Args) -> Result<ExitCode, Stop> {
    let setup = Setup::read(args)?;
    logging::start(&setup);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Stop::failed)?;
    let done = match args.command {
        Some(Command::Healthcheck) => runtime.block_on(healthcheck::ask(&setup)),
        None => runtime.block_on(serve::serve(&setup)),
    };
    // A thread that still reads a folder must not hold up the end of the process.
    runtime.shutdown_background();
    done
}
