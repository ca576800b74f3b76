//! The public surface: how many items each crate shows, read from the pages rustdoc writes.
//!
//! An item is whatever has a page of its own: a struct, enum, trait, function, constant, macro or type. An item that is shown
//! under a second path, as what the library re-exports is, is counted there too. Methods, fields and variants are not.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use serde::Deserialize;

use crate::cargo::{answer, run as run_cargo};

pub(crate) const ABOUT: &str = "a table of the public items of each crate, from its documentation with all features";

/// The kinds in the order of the table, as rustdoc's page of all items heads their lists.
const KINDS: [&str; 8] = ["structs", "enums", "traits", "functions", "constants", "types", "macros", "attributes"];

/// Documents every published library and prints the table.
pub(crate) fn run(_arguments: &[String]) -> anyhow::Result<ExitCode> {
    let metadata: Metadata =
        serde_json::from_str(&answer(&["metadata", "--no-deps", "--locked", "--format-version", "1"])?)?;
    let libraries: Vec<&Target> =
        metadata.packages.iter().filter(|package| package.publish.is_none()).flat_map(libs).collect();
    run_cargo(&["doc", "--quiet", "--locked", "--workspace", "--no-deps", "--all-features", "--lib"])?;

    let mut out = io::stdout().lock();
    write!(out, "{:<30}", "crate")?;
    for title in KINDS {
        write!(out, "{title:>11}")?;
    }
    writeln!(out, "{:>8}", "all")?;
    for library in libraries {
        let counts = count(&metadata.target_directory.join("doc").join(library.name.replace('-', "_")))?;
        write!(out, "{:<30}", library.name)?;
        for count in counts {
            write!(out, "{count:>11}")?;
        }
        writeln!(out, "{:>8}", counts.iter().sum::<usize>())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn libs(package: &Package) -> impl Iterator<Item = &Target> {
    package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "lib"))
}

/// How many items of each kind a crate's documentation lists.
fn count(folder: &Path) -> anyhow::Result<[usize; KINDS.len()]> {
    let page = folder.join("all.html");
    let page = fs::read_to_string(&page).with_context(|| page.display().to_string())?;
    Ok(KINDS.map(|list| {
        let list = page.split_once(&format!("<h3 id=\"{list}\">")).map(|(_, after)| after).unwrap_or_default();
        list.split_once("</ul>").map_or(0, |(items, _)| items.matches("<li>").count())
    }))
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    publish: Option<Vec<String>>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}
