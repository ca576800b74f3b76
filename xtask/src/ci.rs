//! The gate: every check a change must pass, in the order of what is cheapest to learn. Owns the list of checks.

use std::{
    io::{self, Write as _},
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::bail;

use crate::{cost, features, licences, packages};

pub(crate) const ABOUT: &str = "every check a change must pass; with names, only those";

enum Check {
    /// `cargo` with these arguments and these variables.
    Cargo(&'static [&'static str], &'static [(&'static str, &'static str)]),
    /// Something of our own.
    Own(fn() -> anyhow::Result<()>),
}

const CHECKS: &[(&str, Check)] = &[
    ("format", Check::Cargo(&["fmt", "--all", "--", "--check"], &[])),
    ("licences", Check::Own(licences::check)),
    ("cost", Check::Own(cost::check)),
    ("lint", Check::Cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])),
    // The workspace switches every feature on; an embedder may have them off.
    (
        "lint-bare",
        Check::Cargo(
            &["clippy", "--locked", "--package", "mcp-orchestrator", "--no-default-features", "--", "-D", "warnings"],
            &[],
        ),
    ),
    ("features", Check::Own(features::check)),
    ("redis-server", Check::Own(packages::redis_server)),
    // A test runs every example. Asked for its tests by name, cargo builds examples as tests only, not as programs.
    ("examples", Check::Cargo(&["build", "--locked", "--workspace", "--examples"], &[])),
    // The gate tries the same random cases every time, so that it fails for a change and not for luck. A plain
    // `cargo test` tries others each time: that is where new cases are found.
    (
        "test",
        Check::Cargo(
            &["test", "--locked", "--workspace", "--lib", "--bins", "--tests"],
            &[("PROPTEST_RNG_SEED", "20261123")],
        ),
    ),
    ("test-docs", Check::Cargo(&["test", "--locked", "--workspace", "--doc"], &[])),
    ("docs", Check::Cargo(&["doc", "--locked", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")])),
];

/// Runs the checks in order and stops at the first that fails.
pub(crate) fn run(names: &[String]) -> anyhow::Result<ExitCode> {
    let known: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("no check is named {unknown:?}; there are {}", known.join(", "));
    }
    let mut out = io::stdout().lock();
    let began = Instant::now();
    for (name, check) in CHECKS.iter().filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| wanted == name))
    {
        writeln!(out, "== {name}")?;
        out.flush()?;
        let began = Instant::now();
        let outcome = perform(check);
        let seconds = began.elapsed().as_secs_f64();
        if let Err(error) = outcome {
            writeln!(out, "== {name}: failed after {seconds:.1} s: {error:#}")?;
            return Ok(ExitCode::FAILURE);
        }
        writeln!(out, "== {name}: passed in {seconds:.1} s")?;
    }
    writeln!(out, "== all passed in {:.1} s", began.elapsed().as_secs_f64())?;
    Ok(ExitCode::SUCCESS)
}

fn perform(check: &Check) -> anyhow::Result<()> {
    match check {
        Check::Own(check) => check(),
        Check::Cargo(arguments, variables) => {
            let mut command = Command::new(env!("CARGO"));
            command.args(*arguments).envs(variables.iter().copied());
            let status = command.status()?;
            if !status.success() {
                bail!("cargo {}: {status}", arguments.join(" "));
            }
            Ok(())
        }
    }
}
