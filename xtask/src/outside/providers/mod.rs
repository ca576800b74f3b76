//! `cargo xtask providers`: every wire, and every service of the catalogue, against whatever of others can judge them without a key:
//! the suite of the wires, mock servers, a translating proxy, the types services publish. Owns the order and what is left out;
//! prints one table, and nothing that was not seen in this run.

mod aimock;
mod engine;
mod faults;
mod grid;
mod litellm;
mod llmock;
mod places;
mod questions;
mod suite;
mod types;

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Instant,
};

use anyhow::bail;

use grid::Grid;
use llmock::Llmock;

pub(crate) const ABOUT: &str =
    "wires and services against mocks, a proxy and types of others; [--without PART]; needs npm, python3";

/// What there is, in its order; all of it can be left out.
const PARTS: [&str; 5] = ["suite", "llmock", "aimock", "litellm", "types"];

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let without = without(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut grid = Grid::default();
    let mut llmock = None;
    let mut is_well = true;
    for part in PARTS {
        if without.contains(&part) {
            grid.leave_out(part);
            continue;
        }
        let began = Instant::now();
        match part {
            "suite" => is_well &= suite::run()?,
            "types" => is_well &= runtime.block_on(types::judge(&mut grid))?,
            "aimock" => runtime.block_on(aimock::ask(&mut grid))?,
            "litellm" => runtime.block_on(litellm::ask(&mut grid, started(&mut llmock)?))?,
            _ => is_well &= runtime.block_on(started(&mut llmock)?.grade(&mut grid))?,
        }
        say(&format!("{part}: {:.0} s", began.elapsed().as_secs_f64()))?;
    }
    let mut out = io::stdout().lock();
    writeln!(out)?;
    grid.print(&mut out)?;
    Ok(if is_well && grid.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// llmock, which two parts need.
fn started(llmock: &mut Option<Llmock>) -> anyhow::Result<&Llmock> {
    let running = match llmock.take() {
        Some(running) => running,
        None => Llmock::start()?,
    };
    Ok(llmock.insert(running))
}

/// Prints a line at once.
fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// The parts after each `--without`.
fn without(arguments: &[String]) -> anyhow::Result<Vec<&str>> {
    let mut parts = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.next()) {
            ("--without", Some(part)) if PARTS.contains(&part.as_str()) => parts.push(part.as_str()),
            ("--without", Some(part)) => bail!("no part is named {part:?}; there are {}", PARTS.join(", ")),
            ("--without", None) => bail!("--without needs a part: {}", PARTS.join(", ")),
            (other, _) => bail!("{other:?} is no flag of this task; there is --without"),
        }
    }
    Ok(parts)
}
