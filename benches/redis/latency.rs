//! How long an event is on its way from one replica to the clients of another: this process appends through a store of its
//! own and reads the streams of a server that is another process on the same Redis, so that one clock serves.

use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};

use mcp_orchestrator::{Orchestrator, WorkerMode, WorkflowId};
use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_store::{Claim, Lease, RedisStore, Store, Which, WorkerId};
use mcp_orchestrator_testkit::RedisServer;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at},
};

use crate::{
    child::Child,
    client::Reader,
    events::{Read, Ways, Written, read, write},
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
struct Case {
    fsync: &'static str,
    pace: u32,
    clients: usize,
}

const CASES: [Case; 4] = [
    Case { fsync: "everysec", pace: 200, clients: 1 },
    Case { fsync: "everysec", pace: 2_000, clients: 1 },
    Case { fsync: "everysec", pace: 2_000, clients: 4 },
    Case { fsync: "always", pace: 2_000, clients: 1 },
];

/// Prints the table.
pub(crate) fn print(quick: bool) -> anyhow::Result<()> {
    let (time, uncounted) = if quick { QUICK } else { TIME };
    println!(
        "an append of one process on its way to SSE clients of another on the same Redis, {WORKFLOWS} workflows; times in ms"
    );
    println!(
        "{:<12} {:>9} {:>8} {:>8} {:>5} {:>23} {:>23} {:>13} {:>13}",
        "appendfsync",
        "appends/s",
        "clients",
        "events",
        "gaps",
        "from sending",
        "from acknowledgement",
        "server CPU us",
        "Redis CPU us"
    );
    println!(
        "{:<46} {1:>7} {2:>7} {3:>7} {1:>7} {2:>7} {3:>7} {4:>13} {5:>13}",
        "", "p50", "p99", "max", "per event", "per append"
    );
    for case in CASES {
        let Seen { rate, mut ways, read, server_us, redis_us } = seen(&case, time, uncounted)?;
        let mut three = |times: fn(&mut Ways) -> &mut Vec<f64>| {
            let sorted = times(&mut ways);
            sorted.sort_by(f64::total_cmp);
            [0.5, 0.99, 1.0].map(|share| format!("{:>7.2}", quantile(sorted, share))).join(" ")
        };
        let (sent, acknowledged) = (three(|ways| &mut ways.from_sent), three(|ways| &mut ways.from_acknowledged));
        println!(
            "{:<12} {rate:>9.0} {:>8} {read:>8} {:>5} {sent} {acknowledged} {server_us:>13.0} {redis_us:>13.0}",
            case.fsync,
            case.clients * WORKFLOWS as usize,
            ways.gaps,
        );
    }
    println!("Until a client has read an event's last byte. Appends keep a pace; those that are late are made up for.");
    println!("CPU: of the server's process for each event it gives a client, and of Redis for each append.");
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

fn seen(case: &Case, time: Duration, uncounted: Duration) -> anyhow::Result<Seen> {
    let redis = RedisServer::with(&["--appendfsync", case.fsync]);
    let mut server = Child::start(&Role::Server { url: redis.url() })?;
    let address = server.address()?;
    let every = Duration::from_secs(1) * WORKFLOWS / case.pace;
    let count = |time: Duration| usize::try_from(time.as_nanos() / every.as_nanos());
    let (events, uncounted) = (count(time)?, count(uncounted)?);
    let runtime = crate::runtime()?;
    let store: Arc<dyn Store> = Arc::new(runtime.block_on(RedisStore::open(&redis.url()))?);
    let leases = runtime.block_on(leases(&store))?;
    let readers = runtime.block_on(readers(address, &leases, case.clients))?;
    let (server_before, redis_before) = (server.cost()?, cpu_us(&redis)?);
    let followed = runtime.block_on(follow(&store, leases, readers, every, events))?;
    let (server_after, redis_after) = (server.cost()?, cpu_us(&redis)?);
    server.end()?;

    let (mut ways, mut read) = (Ways::default(), 0);
    for (id, head, events) in &followed.read {
        ways.add(&followed.written[id], events, *head, uncounted);
        read += events.len();
    }
    let appends = events * followed.written.len();
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let (appends, events) = (appends as f64, read as f64);
    Ok(Seen {
        rate: appends / followed.seconds,
        ways,
        read,
        server_us: (server_after.cpu_us - server_before.cpu_us) / events,
        redis_us: (redis_after - redis_before) / appends,
    })
}

/// A client of a workflow, and where the log ended that it has read.
type Open = (WorkflowId, Seq, Reader);

/// So many clients of each workflow.
async fn readers(address: SocketAddr, leases: &[Lease], clients: usize) -> anyhow::Result<Vec<Open>> {
    let mut open = Vec::with_capacity(leases.len() * clients);
    for lease in leases {
        for _ in 0..clients {
            let mut reader = Reader::open(address, &lease.lease.id).await?;
            // It has caught up with what was there, and is told what is new from here on.
            reader.next().await?;
            open.push((lease.lease.id.clone(), lease.head, reader));
        }
    }
    Ok(open)
}

/// What was written and what was read of it.
struct Followed {
    written: HashMap<WorkflowId, Written>,
    read: Vec<(WorkflowId, Seq, Read)>,
    /// How long writing took.
    seconds: f64,
}

/// Writes so many records to each log, the logs by turns, while all are read.
async fn follow(
    store: &Arc<dyn Store>,
    leases: Vec<Lease>,
    open: Vec<Open>,
    every: Duration,
    events: usize,
) -> anyhow::Result<Followed> {
    let (mut writers, mut readers) = (JoinSet::new(), JoinSet::new());
    for (id, head, reader) in open {
        readers.spawn(async move { anyhow::Ok((id, head, read(reader, head, events).await?)) });
    }
    let began = Instant::now();
    for (number, lease) in (0..).zip(leases) {
        let mut pace = interval_at(began + every * number / WORKFLOWS, every);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let store = Arc::clone(store);
        writers.spawn(async move { anyhow::Ok((lease.lease.id.clone(), write(store, lease, pace, events).await?)) });
    }
    let mut written = HashMap::new();
    while let Some(wrote) = writers.join_next().await {
        let (id, wrote) = wrote??;
        written.insert(id, wrote);
    }
    let seconds = began.elapsed().as_secs_f64();
    let mut read = Vec::new();
    while let Some(events) = readers.join_next().await {
        read.push(events??);
    }
    Ok(Followed { written, read, seconds })
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
