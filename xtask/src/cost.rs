//! What it costs to depend on the library: crates that are compiled, and the time the first build takes.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write as _},
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{bail, ensure};

use crate::cargo::{answer, root};

pub(crate) const ABOUT: &str = "crates and build time of the library; with --count, without the build";

/// Crates of others an embedder may be made to compile when every feature is off.
const EXTERNAL_MAX: usize = 39;
/// What an embedder with every feature off never compiles: C code, the search engine, an HTTP client.
const NEVER_BARE: &[&str] = &["cc", "hyper", "jsonschema", "reqwest", "rusqlite", "tantivy"];
/// A name for the crates of this workspace.
const OWN: &str = "mcp-orchestrator";

/// Prints the table and, unless told otherwise, builds the first example in an empty target folder.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    writeln!(out, "{:<34} {:>8} {:>5}", "crates compiled for the library", "external", "own")?;
    for (name, flags) in SETS {
        let Crates { external, own } = crates(flags)?;
        writeln!(out, "{name:<34} {:>8} {:>5}", external.len(), own.len())?;
    }
    check()?;
    if arguments.iter().any(|argument| argument == "--count") {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "\n{:<34} {:>8} {:>8}", "first build, debug", "wall", "CPU")?;
    for (name, bare) in [("library, no features", true), ("examples/embed.rs, default features", false)] {
        out.flush()?;
        let (wall, cpu) = first_build(bare)?;
        let cpu = cpu.map_or_else(|| "unknown".to_owned(), seconds);
        writeln!(out, "{name:<34} {:>8} {cpu:>8}", seconds(wall))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails when the library without features has become dearer than promised.
pub(crate) fn check() -> anyhow::Result<()> {
    let bare = crates(SETS[0].1)?;
    let count = bare.external.len();
    ensure!(count <= EXTERNAL_MAX, "without features {count} crates are compiled, at most {EXTERNAL_MAX} may be");
    if let Some(heavy) = NEVER_BARE.iter().find(|heavy| bare.external.iter().any(|(name, _)| name == **heavy)) {
        bail!("without features {heavy} is compiled");
    }
    Ok(())
}

const SETS: &[(&str, &[&str])] =
    &[("no features", &["--no-default-features"]), ("default features", &[]), ("all features", &["--all-features"])];

struct Crates {
    external: BTreeSet<(String, String)>,
    own: BTreeSet<String>,
}

/// What is compiled for the library alone, build scripts and what they need included.
fn crates(flags: &[&str]) -> anyhow::Result<Crates> {
    let mut arguments =
        vec!["tree", "--locked", "--package", OWN, "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    arguments.extend(flags);
    let (mut external, mut own) = (BTreeSet::new(), BTreeSet::new());
    // A line is `name v1.2.3` and perhaps remarks; two versions of a crate are two crates.
    for line in answer(&arguments)?.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        if name.starts_with(OWN) {
            own.insert(name.to_owned());
        } else {
            external.insert((name.to_owned(), version.to_owned()));
        }
    }
    Ok(Crates { external, own })
}

/// Builds a package that has nothing but the library, as somebody who adds it to a new program does.
fn first_build(bare: bool) -> anyhow::Result<(Duration, Option<Duration>)> {
    let folder = std::env::temp_dir().join(format!("mcp-orchestrator-cost-{}", std::process::id()));
    let built = build_in(&folder, bare);
    let _ = fs::remove_dir_all(&folder);
    built
}

fn build_in(folder: &Path, bare: bool) -> anyhow::Result<(Duration, Option<Duration>)> {
    let root = root().canonicalize()?;
    fs::create_dir_all(folder.join("src"))?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let library = root.join("crates/orchestrator");
    fs::write(folder.join("Cargo.toml"), manifest(&library, bare))?;
    if bare {
        fs::write(folder.join("src/main.rs"), "fn main() {}\n")?;
    } else {
        fs::copy(root.join("examples/embed.rs"), folder.join("src/main.rs"))?;
    }
    let (began, cpu_before) = (Instant::now(), children_cpu());
    // Outside the workspace nobody says which compiler is meant: the one beside this cargo.
    let rustc = Path::new(env!("CARGO")).with_file_name("rustc");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline"])
        .current_dir(folder)
        .env("RUSTC", rustc)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "cargo build: {status}");
    let cpu = children_cpu().zip(cpu_before).map(|(after, before)| after.saturating_sub(before));
    Ok((began.elapsed(), cpu))
}

fn manifest(library: &Path, bare: bool) -> String {
    let rest = if bare {
        ", default-features = false }\n"
    } else {
        " }\nanyhow = \"1\"\nfutures = { version = \"0.3\", default-features = false }\n\
         tokio = { version = \"1\", features = [\"macros\", \"rt-multi-thread\"] }\n"
    };
    format!(
        "[package]\nname = \"cost\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         {OWN} = {{ path = {library:?}{rest}"
    )
}

/// CPU time of the processes this one has waited for, where the system tells (Linux).
fn children_cpu() -> Option<Duration> {
    // Ticks since Linux 2.6 are hundredths of a second for whoever reads this file.
    const TICK_MS: u64 = 10;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // After the name, which may hold anything: the state is field 3, cutime and cstime are 16 and 17.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(13)?.parse::<u64>().ok()? + fields.get(14)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * TICK_MS))
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
