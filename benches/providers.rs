//! What a provider behind HTTP adds to a request: CPU time of a call beside raw reqwest with typed, borrowed structures, over
//! all four wires. Prints tables; asserts no time. The service is this program started again, on a free port of loopback; its
//! CPU time is not counted.
#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

#[path = "server/answer.rs"]
mod answer;
#[path = "providers/calls.rs"]
mod calls;
#[path = "server/child.rs"]
#[expect(dead_code, reason = "another benchmark asks more of it")]
mod child;
#[path = "engine/measure.rs"]
mod measure;
#[path = "providers/ours.rs"]
mod ours;
#[path = "server/quantile.rs"]
mod quantile;
#[path = "providers/raw.rs"]
mod raw;
#[path = "providers/raw_wires.rs"]
mod raw_wires;
#[path = "providers/role.rs"]
mod role;
#[path = "providers/service.rs"]
mod service;
#[path = "providers/talk.rs"]
mod talk;

use quantile::{median, quantile};

/// The allocator of the binaries that use providers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    if let Some(role) = role::Role::of_this_process()? {
        return role.play();
    }
    // `cargo test --benches` runs this too; there it only has to work.
    let quick = std::env::args().any(|argument| argument == "--quick" || argument == "--test");
    // `cargo bench --bench providers -- chat/60` prints those rows alone.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    // With `--ours` ours stands in the place of both, so that a profiler sees nothing else.
    let ours_alone = std::env::args().any(|argument| argument == "--ours");
    calls::print(quick, only.as_deref(), ours_alone)
}

/// As many worker threads as the machine of the published figures has cores.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
