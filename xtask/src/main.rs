//! Every task that is neither a test nor a benchmark: `cargo xtask <task>`. Owns the list of tasks only.

mod answers;
mod cargo;
mod chaos;
mod ci;
mod cost;
mod evidence;
mod features;
mod flags;
mod licences;
mod outside;
mod packages;
mod schema;
mod surface;
mod torture;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use outside::{conformance, inspector, providers, python_sdk, replicas, schemathesis};

/// A task by its name.
struct Task {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> anyhow::Result<ExitCode>,
}

const TASKS: &[Task] = &[
    Task { name: "ci", about: ci::ABOUT, run: ci::run },
    Task { name: "schema", about: schema::ABOUT, run: schema::run },
    Task { name: "features", about: features::ABOUT, run: features::run },
    Task { name: "cost", about: cost::ABOUT, run: cost::run },
    Task { name: "surface", about: surface::ABOUT, run: surface::run },
    Task { name: "answers", about: answers::ABOUT, run: answers::run },
    Task { name: "evidence", about: evidence::ABOUT, run: evidence::run },
    Task { name: "torture", about: torture::ABOUT, run: torture::run },
    Task { name: "chaos", about: chaos::ABOUT, run: chaos::run },
    Task { name: "providers", about: providers::ABOUT, run: providers::run },
    Task { name: "replicas", about: replicas::ABOUT, run: replicas::run },
    Task { name: "conformance", about: conformance::ABOUT, run: conformance::run },
    Task { name: "inspector", about: inspector::ABOUT, run: inspector::run },
    Task { name: "python-sdk", about: python_sdk::ABOUT, run: python_sdk::run },
    Task { name: "schemathesis", about: schemathesis::ABOUT, run: schemathesis::run },
];

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let task = arguments.first().and_then(|name| TASKS.iter().find(|task| task.name == *name));
    if let Some(task) = task {
        return (task.run)(&arguments[1..]);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "cargo xtask <task>\n")?;
    for task in TASKS {
        writeln!(out, "  {:<13} {}", task.name, task.about)?;
    }
    Ok(if arguments.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}
