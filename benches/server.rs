//! What the server costs: CPU time of an MCP call beside a bare rmcp server, of a submission and of a status; how long an
//! event is on its way; memory of what is open and idle. Prints tables; asserts no time. Servers are this program started
//! again, on free ports of loopback.
#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

#[path = "server/answer.rs"]
mod answer;
#[path = "server/bare.rs"]
mod bare;
#[path = "server/calls.rs"]
mod calls;
#[path = "server/child.rs"]
mod child;
#[path = "server/client.rs"]
mod client;
#[path = "server/idle.rs"]
mod idle;
#[path = "server/latency.rs"]
mod latency;
#[path = "engine/measure.rs"]
mod measure;
#[path = "server/memory.rs"]
mod memory;
#[path = "server/provider.rs"]
mod provider;
#[path = "server/quantile.rs"]
mod quantile;
#[path = "server/role.rs"]
mod role;
#[path = "server/site.rs"]
mod site;
#[path = "server/submit.rs"]
mod submit;
#[path = "server/timed_store.rs"]
mod timed_store;

use quantile::{median, quantile};

/// The allocator of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Prints a table; quickly, when it only has to work.
type Print = fn(bool) -> anyhow::Result<()>;

/// The tables by the names they are chosen by on the command line.
const TABLES: [(&str, Print); 4] =
    [("calls", calls::print), ("submit", submit::print), ("latency", latency::print), ("memory", memory::print)];

fn main() -> anyhow::Result<()> {
    if let Some(role) = role::Role::of_this_process()? {
        return role.play();
    }
    // `cargo test --benches` runs this too; there it only has to work.
    let quick = std::env::args().any(|argument| argument == "--quick" || argument == "--test");
    // `cargo bench --bench server -- calls` prints that table alone.
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    for (name, print) in TABLES {
        if only.as_ref().is_none_or(|only| only == name) {
            print(quick)?;
            println!();
        }
    }
    Ok(())
}

/// As many worker threads as the machine of the published figures has cores.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}
