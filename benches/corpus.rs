//! How long it takes to index and to reopen 10,000 small files, and to search them. Prints a table; asserts nothing.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "engine/measure.rs"]
mod measure;

use std::{fmt::Write as _, fs};

use mcp_orchestrator_domain::CorpusName;
use mcp_orchestrator_tools::{Corpus, CorpusOptions};
use measure::Watch;

/// Searches of the last row.
const SEARCHES: usize = 200;

fn main() -> anyhow::Result<()> {
    let quick = std::env::args().any(|argument| argument == "--test");
    let files = if quick { 100 } else { 10_000 };
    let (folder, cache) = (tempfile::tempdir()?, tempfile::tempdir()?);
    for number in 0..files {
        let part = folder.path().join(format!("part{:02}", number % 50));
        fs::create_dir_all(&part)?;
        fs::write(part.join(format!("note{number}.md")), note(number))?;
    }
    let open = || {
        let options = CorpusOptions::new(CorpusName::new("bench")?, vec![folder.path().to_path_buf()]);
        anyhow::Ok(Corpus::open(options.with_cache(cache.path()))?)
    };
    println!("{:<34} {:>10} {:>10}", format!("{files} files"), "CPU ms", "wall ms");
    let watch = Watch::start();
    let corpus = open()?;
    print("index", &watch);
    anyhow::ensure!(corpus.summary().documents == files, "files are missing");
    drop(corpus);
    let watch = Watch::start();
    let corpus = open()?;
    print("open again, nothing changed", &watch);
    let watch = Watch::start();
    for number in 0..SEARCHES {
        anyhow::ensure!(!corpus.search(&format!("beacon {number} of the harbour"), 10)?.is_empty(), "nothing found");
    }
    print(&format!("{SEARCHES} searches"), &watch);
    Ok(())
}

fn print(what: &str, watch: &Watch) {
    let cost = watch.stop();
    println!("{what:<34} {:>10.0} {:>10.0}", cost.cpu_us / 1e3, cost.wall_us / 1e3);
}

/// About a kilobyte about one beacon.
fn note(number: usize) -> String {
    let mut text = format!("# Beacon {number}\n\n");
    for part in 0..8 {
        let height = (number * 7 + part * 13) % 40 + 5;
        let _ = write!(
            text,
            "Beacon {number} of the harbour stands {height} metres above the mark of section {part}, \
             and its keeper writes down every ship that passes it at night.\n\n"
        );
    }
    text
}
