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
};

use anyhow::bail;

use grid::Grid;
use llmock::Llmock;

pub(crate) const ABOUT: &str =
    "wires and services against mocks, a proxy and types of others; [--without PART]; needs npm, python3";

/// What can be left out.
const PARTS: [&str; 5] = ["suite", "types", "llmock", "aimock", "litellm"];

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let without = without(arguments)?;
    let runs = |part: &str| !without.contains(&part);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut grid = Grid::default();
    let mut out = io::stdout().lock();
    let mut is_well = true;
    for part in &without {
        grid.leave_out(part);
    }
    if runs("suite") {
        for (wire, (passed, all)) in suite::run()? {
            writeln!(out, "suite over {wire}: {passed} of {all}")?;
            is_well &= passed == all;
        }
    }
    let llmock = (runs("llmock") || runs("litellm")).then(Llmock::start).transpose()?;
    if let Some(llmock) = llmock.as_ref().filter(|_| runs("llmock")) {
        let faults = runtime.block_on(async {
            let met = llmock.ask(&mut grid).await?;
            Ok::<_, anyhow::Error>(met + llmock.research(&mut grid, &mut out).await?)
        })?;
        let (is_clean, told) = llmock.verdict(faults)?;
        writeln!(out, "llmock's verdict: {told}")?;
        is_well &= is_clean;
    }
    if let Some(llmock) = llmock.as_ref().filter(|_| runs("litellm")) {
        runtime.block_on(litellm::ask(&mut grid, llmock))?;
    }
    if runs("aimock") {
        runtime.block_on(aimock::ask(&mut grid))?;
    }
    if runs("types") {
        runtime.block_on(types::judge(&mut grid))?;
    }
    writeln!(out)?;
    grid.print(&mut out)?;
    is_well &= grid.is_well();
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
