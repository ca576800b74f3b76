//! How long an event is on its way from one replica to the clients of another: this process appends through a store of its
//! own and reads the streams of a server that is another process on the same Redis, so that one clock serves.

use std::{sync::Arc, time::Duration};

use mcp_orchestrator::{Orchestrator, WorkerMode, WorkflowId};
use mcp_orchestrator_store::{Claim, Lease, RedisStore, Store, Which, WorkerId};
use mcp_orchestrator_testkit::RedisServer;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    child::Child,
    client::Reader,
    events::{Ways, read, write},
    instant::{Instant as Answers, draft},
    quantile,
    replicas::{AGENTS, cpu_us},
    role::Role,
};

/// Workflows that are written to at once, each at the same share of the pace.
const WORKFLOWS: u32 = 16;
/// How long events are written, and the first of them whose times do not count.
const TIME: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(1));
/// The same for a run that only has to work.
const QUICK: (Duration, Duration) = (Duration::from_millis(100), Duration::ZERO);
/// Leases last longer than a case: what is measured is not how they are renewed.
const LEASE: Duration = Duration::from_secs(300);

/// When Redis syncs, appends a second in all, and clients of each workflow.
const CASES: [(&str, u32, usize); 4] =
    [("everysec", 200, 1), ("everysec", 2_000, 1), ("everysec", 2_000, 4), ("always", 2_000, 1)];

/// Prints the table.
pub(crate) fn print(quick: bool) -> anyhow::Result<()> {
    let (time, uncounted) = if quick { QUICK } else { TIME };
    println!("an append of one process on its way to the SSE clients of another, {WORKFLOWS} workflows, ms");
    println!(
        "| appendfsync | appends/s | clients of each | events read | gaps | from sending p50 | p99 | max | from acknowledgement p50 | p99 | max | CPU us/event, server | CPU us/append, Redis |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (fsync, pace, clients) in CASES {
        let Seen { rate, mut ways, read, server_us, redis_us } = seen(fsync, pace, clients, time, uncounted)?;
        ways.from_sent.sort_by(f64::total_cmp);
        ways.from_acknowledged.sort_by(f64::total_cmp);
        let three =
            |sorted: &[f64]| [0.5, 0.99, 1.0].map(|share| format!("{:.2}", quantile(sorted, share))).join(" | ");
        println!(
            "| {fsync} | {rate:.0} | {clients} | {read} | {} | {} | {} | {server_us:.0} | {redis_us:.0} |",
            ways.gaps,
            three(&ways.from_sent),
            three(&ways.from_acknowledged),
        );
    }
    println!(
        "\nto the client's reading of the event's last byte; appends are paced, those that are late are made up for."
    );
    Ok(())
}

struct Seen {
    /// Appends a second, as it was.
    rate: f64,
    ways: Ways,
    /// Events that clients were given.
    read: usize,
    server_us: f64,
    redis_us: f64,
}

fn seen(fsync: &str, pace: u32, clients: usize, time: Duration, uncounted: Duration) -> anyhow::Result<Seen> {
    let redis = RedisServer::with(&["--appendfsync", fsync]);
    let mut server = Child::start(&Role::Server { url: redis.url() })?;
    let address = server.address()?;
    let every = Duration::from_secs(1) * WORKFLOWS / pace;
    let count = |time: Duration| usize::try_from(time.as_nanos() / every.as_nanos());
    let (events, uncounted) = (count(time)?, count(uncounted)?);
    let runtime = crate::runtime()?;
    let store: Arc<dyn Store> = Arc::new(runtime.block_on(RedisStore::open(&redis.url()))?);
    let leases = runtime.block_on(leases(&store))?;
    let mut open = Vec::new();
    for lease in &leases {
        for _ in 0..clients {
            let mut reader = runtime.block_on(Reader::open(address, &lease.lease.id))?;
            // It has caught up with what was there, and is told what is new from here on.
            runtime.block_on(reader.next())?;
            open.push((lease.lease.id.clone(), lease.head, reader));
        }
    }
    let (server_before, redis_before) = (server.cost()?, cpu_us(&redis)?);
    let (written, readings, took) = runtime.block_on(async {
        let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
        for (id, head, reader) in open {
            readers.spawn(async move { anyhow::Ok((id, head, read(reader, head, events).await?)) });
        }
        let began = Instant::now();
        for (number, lease) in (0..).zip(leases) {
            let mut pace = interval_at(began + every * number / WORKFLOWS, every);
            pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let store = Arc::clone(&store);
            writers
                .spawn(async move { anyhow::Ok((lease.lease.id.clone(), write(store, lease, pace, events).await?)) });
        }
        let mut written = std::collections::HashMap::new();
        while let Some(wrote) = writers.join_next().await {
            let (id, wrote): (WorkflowId, _) = wrote??;
            written.insert(id, wrote);
        }
        let took = began.elapsed().as_secs_f64();
        let mut readings = Vec::new();
        while let Some(read) = readers.join_next().await {
            readings.push(read??);
        }
        anyhow::Ok((written, readings, took))
    })?;
    let (server_after, redis_after) = (server.cost()?, cpu_us(&redis)?);
    let mut ways = Ways::default();
    for (id, head, read) in &readings {
        ways.add(&written[id], read, *head, uncounted);
    }
    server.end()?;
    let read: usize = readings.iter().map(|(_, _, read)| read.len()).sum();
    let appends = events * written.len();
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let (read_f, appends) = (read as f64, appends as f64);
    Ok(Seen {
        rate: appends / took,
        ways,
        read,
        server_us: (server_after.cpu_us - server_before.cpu_us) / read_f,
        redis_us: (redis_after - redis_before) / appends,
    })
}

/// Workflows as they are submitted, in the hands of this process. The server has no provider for them and leaves them alone.
async fn leases(store: &Arc<dyn Store>) -> anyhow::Result<Vec<Lease>> {
    let orchestrator = Orchestrator::builder_shared(Arc::clone(store)).with_provider(Answers::new(AGENTS)?);
    let handle = orchestrator.with_worker_mode(WorkerMode::None).build()?.start();
    let mut ids = Vec::new();
    for _ in 0..WORKFLOWS {
        ids.push(handle.submit(draft(AGENTS)).await?);
    }
    handle.shutdown(Duration::ZERO).await?;
    let worker = WorkerId("writer".into());
    let claim = Claim { worker: &worker, which: Which::Only(&ids), max: ids.len(), ttl: LEASE, cluster_max: None };
    let leases = store.claim(claim).await?;
    anyhow::ensure!(leases.len() == ids.len(), "{} of {} workflows were claimed", leases.len(), ids.len());
    Ok(leases)
}
