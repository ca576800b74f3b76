//! What the server costs: CPU time of an MCP call beside a bare rmcp server, of a submission and of a status; how long an
//! event is on its way; memory of what is open and idle. Prints tables; asserts no time. Servers are this program started
//! again, on free ports of loopback.
#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

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
#[path = "server/role.rs"]
mod role;
#[path = "server/site.rs"]
mod site;
#[path = "server/submit.rs"]
mod submit;
#[path = "server/timed_store.rs"]
mod timed_store;

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

/// A share of numbers that are in order: 0.5 is the median.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position in a list"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

/// The median of some numbers.
fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}
