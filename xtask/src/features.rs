//! The feature matrix: every published crate that has features, with none, with each alone, and with all.

use std::{
    io::{self, Write as _},
    process::ExitCode,
    time::Instant,
};

use serde::Deserialize;

use crate::cargo::{answer, run as run_cargo};

pub(crate) const ABOUT: &str = "every library with no feature, each alone, and all; --short: the library to embed only";

/// The package embedders depend on.
const FACADE: &str = "mcp-orchestrator";

/// Checks the whole matrix; with `--short`, the facade's row alone.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    matrix(arguments.iter().any(|argument| argument == "--short"))?;
    Ok(ExitCode::SUCCESS)
}

/// The row of the facade.
pub(crate) fn check() -> anyhow::Result<()> {
    matrix(true)
}

fn matrix(short: bool) -> anyhow::Result<()> {
    let metadata = answer(&["metadata", "--no-deps", "--locked", "--format-version", "1"])?;
    let metadata: Metadata = serde_json::from_str(&metadata)?;
    let has_row = |package: &&Package| {
        let is_library = package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "lib"));
        let is_published = package.publish.as_ref().is_none_or(|registries| !registries.is_empty());
        is_library && is_published && package.features().next().is_some()
    };
    let mut out = io::stdout().lock();
    for package in metadata.packages.iter().filter(has_row).filter(|package| !short || package.name == FACADE) {
        for features in sets(package) {
            let began = Instant::now();
            let mut arguments =
                vec!["check", "--quiet", "--locked", "--package", &package.name, "--lib", "--no-default-features"];
            if !features.is_empty() {
                arguments.extend(["--features", &features]);
            }
            run_cargo(&arguments)?;
            let named = if features.is_empty() { "none" } else { &features };
            writeln!(out, "{:<28} {named}: {:.1} s", package.name, began.elapsed().as_secs_f64())?;
            out.flush()?;
        }
    }
    Ok(())
}

/// None, each alone, all.
fn sets(package: &Package) -> Vec<String> {
    let each: Vec<&str> = package.features().collect();
    let mut sets = vec![String::new()];
    sets.extend(each.iter().map(|feature| (*feature).to_owned()));
    if each.len() > 1 {
        sets.push(each.join(","));
    }
    sets
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    publish: Option<Vec<String>>,
    targets: Vec<Target>,
    features: std::collections::BTreeMap<String, Vec<String>>,
}

impl Package {
    fn features(&self) -> impl Iterator<Item = &str> {
        self.features.keys().map(String::as_str).filter(|name| *name != "default")
    }
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}
