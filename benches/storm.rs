//! Fifty workflows of eight agents against a service over HTTP that takes so many requests a second and refuses the rest: how
//! long they take beside the shortest time the limit allows, what is refused, what is lost. In real time, a minute for each row.
//! Prints a table; asserts no time, but that nothing is lost.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "engine/measure.rs"]
#[expect(dead_code, reason = "another benchmark asks more of it")]
mod measure;
#[path = "storm/service.rs"]
mod service;
#[path = "storm/weather.rs"]
mod weather;

use anyhow::Context as _;
use service::Asks;
use weather::Case;

/// The allocator of the binaries that run workflows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Requests a second the service takes, unless `--rate` says otherwise: six hundred then take a minute.
const RATE: u32 = 10;
/// The same for a run that only has to work.
const QUICK_RATE: u32 = 50;
/// Workflows, and the same for a run that only has to work.
const WORKFLOWS: [usize; 2] = [50, 5];

/// The rows by the names they are chosen by on the command line.
const CASES: [Case; 3] = [
    Case { name: "known", what: "the limit is set", is_known: true, asks: Asks::RetryAfter },
    Case { name: "asked", what: "nothing known, Retry-After", is_known: false, asks: Asks::RetryAfter },
    Case { name: "mute", what: "nothing known, no word of it", is_known: false, asks: Asks::Nothing },
];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo test --benches` runs this too; there it only has to work.
    let quick = arguments.iter().any(|argument| argument == "--quick" || argument == "--test");
    // `cargo bench --bench storm -- mute --rate 5` prints that row alone, for a service that takes five a second.
    let rate = arguments.iter().position(|argument| argument == "--rate").map(|at| arguments.get(at + 1));
    let rate = match rate {
        Some(given) => given.context("--rate needs a number")?.parse()?,
        None if quick => QUICK_RATE,
        None => RATE,
    };
    let only = arguments.iter().find(|argument| CASES.iter().any(|case| case.name == *argument));
    let workflows = WORKFLOWS[usize::from(quick)];
    println!("{workflows} workflows of {} agents; a service that takes {rate} requests a second", weather::AGENTS);
    println!(
        "{:<30} {:>9} {:>7} {:>5} {:>8} {:>7} {:>7} {:>9} {:>7}",
        "", "completed", "answers", "lost", "refused", "pauses", "s", "x ideal", "CPU s"
    );
    for case in CASES.iter().filter(|case| only.is_none_or(|only| case.name == only)) {
        case.print(rate, workflows)?;
    }
    println!(
        "lost: answers the service gave that are in no log. pauses: what it refused within a second is one of them."
    );
    println!("x ideal: beside the time that many answers take at that rate.");
    Ok(())
}
