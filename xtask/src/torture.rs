//! The proofs of "any crash, one truth" at full length: every moment of every write of every pattern on every store, and as
//! many simulations as are asked for. The tests are those of the gate; this lets them run on.

use std::process::ExitCode;

use anyhow::bail;

use crate::{cargo::cargo, flags::Flags};

pub(crate) const ABOUT: &str = "crash at every write and simulate seeds: [--seeds 500] [--seed ONE]";

/// Simulations when nobody says.
const SEEDS: u64 = 500;
/// What tells one seed from none.
const NO_SEED: u64 = u64::MAX;

/// Runs them; fails with the seed of the first that fails.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let flags = Flags::read(arguments, &["seeds", "seed"])?;
    let (seeds, seed) = (flags.value("seeds", SEEDS)?, flags.value("seed", NO_SEED)?);
    let mut command = cargo(&["test", "--locked", "--package", "mcp-orchestrator-tests", "--test", "it", "--"]);
    command.env("ORCHESTRATOR_TORTURE", "1").env("ORCHESTRATOR_SEEDS", seeds.to_string());
    if seed == NO_SEED {
        command.arg("crash::");
    } else {
        command.env("ORCHESTRATOR_SEED", seed.to_string());
    }
    let status = command.arg("simulation::").status()?;
    if !status.success() {
        bail!("a promise was broken: {status}");
    }
    Ok(ExitCode::SUCCESS)
}
