//! What the Redis store costs: appends beside the least script that keeps a log in order, claims, memory; how long an event
//! is on its way from one process to the clients of another; what two replicas do beside one. Prints tables; asserts no time.
//! Redis servers and replicas are started by it, on free ports of loopback, and share the machine with it.
#![expect(clippy::print_stdout, reason = "a benchmark prints its tables")]

#[path = "server/answer.rs"]
mod answer;
#[path = "redis/appends.rs"]
mod appends;
#[path = "server/child.rs"]
#[expect(dead_code, reason = "another benchmark asks more of it")]
mod child;
#[path = "server/client.rs"]
#[expect(dead_code, reason = "another benchmark asks more of it")]
mod client;
#[path = "redis/events.rs"]
mod events;
#[path = "engine/instant.rs"]
mod instant;
#[path = "redis/latency.rs"]
mod latency;
#[path = "engine/measure.rs"]
mod measure;
#[path = "server/provider.rs"]
mod provider;
#[path = "server/quantile.rs"]
mod quantile;
#[path = "store/record.rs"]
mod record;
#[path = "redis/replicas.rs"]
mod replicas;
#[path = "redis/role.rs"]
mod role;
#[path = "server/site.rs"]
mod site;
#[path = "redis/slow.rs"]
mod slow;

use quantile::{median, quantile};

/// The allocator of the binaries that use the store.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Prints a table; quickly, when it only has to work.
type Print = fn(bool) -> anyhow::Result<()>;

/// The tables by the names they are chosen by on the command line.
const TABLES: [(&str, Print); 4] = [
    ("appends", appends::print),
    ("memory", appends::print_memory),
    ("latency", latency::print),
    ("replicas", replicas::print),
];

fn main() -> anyhow::Result<()> {
    if let Some(role) = role::Role::of_this_process()? {
        return role.play();
    }
    let quick = std::env::args().any(|argument| argument == "--quick" || argument == "--test");
    // `cargo bench --bench redis -- latency` prints that table alone.
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
