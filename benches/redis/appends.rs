//! Appends to the store beside the least script that keeps a log in order, claims, and what a log takes in the server's
//! memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use mcp_orchestrator_domain::{Seq, Status};
use mcp_orchestrator_store::{
    Abilities, After, Append, Claim, Lease, Lineage, RedisStore, Store, Which, WorkerId, Writer,
};
use mcp_orchestrator_testkit::{
    RedisServer,
    store_suite::{created, summary, workflow},
};
use redis::{Script, aio::MultiplexedConnection};

use crate::{
    median,
    record::{RECORD, record},
};

/// Writers at once, each of a log of its own.
const WRITERS: u64 = 64;
/// Records after which a writer begins another log.
const LOG: u64 = 200;
/// Workers that claim at once.
const WORKERS: u64 = 16;
/// Measurements of each kind, one of ours after one of theirs.
const ROUNDS: usize = 3;

/// The least that keeps a log in order: who writes, where, and the entry.
const PLAIN: &str = "
local m = redis.call('HMGET', KEYS[2], 'head', 'epoch')
local head, epoch = tonumber(m[1] or 0), tonumber(m[2] or 0)
if tonumber(ARGV[2]) ~= epoch then return { -2, epoch } end
if tonumber(ARGV[1]) ~= head then return { -1, head } end
redis.call('XADD', KEYS[1], (head + 1) .. '-0', 'd', ARGV[3])
redis.call('HSET', KEYS[2], 'head', head + 1)
return { head + 1, epoch }";

/// Prints the table of appends and claims.
pub(crate) fn print(quick: bool) -> anyhow::Result<()> {
    let time = if quick { Duration::from_millis(50) } else { Duration::from_secs(3) };
    let runtime = crate::runtime()?;
    println!("| appendfsync | plain script, appends/s | the store, appends/s | ratio | claims, cycles/s |");
    println!("|---|---|---|---|---|");
    for fsync in ["always", "everysec"] {
        runtime.block_on(row(fsync, time))?;
    }
    Ok(())
}

/// Prints what a log takes of the server's memory.
pub(crate) fn print_memory(quick: bool) -> anyhow::Result<()> {
    crate::runtime()?.block_on(memory(if quick { 100 } else { 20_000 }))
}

async fn row(fsync: &str, time: Duration) -> anyhow::Result<()> {
    let (mut plain, mut ours, mut claims) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let server = RedisServer::with(&["--appendfsync", fsync]);
        plain.push(plain_appends(&server, time).await?);
        let server = RedisServer::with(&["--appendfsync", fsync]);
        ours.push(appends(&server, time).await?);
        let server = RedisServer::with(&["--appendfsync", fsync]);
        claims.push(cycles(&server, time).await?);
    }
    let (plain, ours, claims) = (median(plain), median(ours), median(claims));
    println!("| {fsync} | {plain:.0} | {ours:.0} | {:.2} | {claims:.0} |", ours / plain);
    Ok(())
}

/// How many of something a second, done by `writers` at once.
async fn rate<F>(count: u64, time: Duration, work: impl Fn(u64, Instant, Arc<AtomicU64>) -> F) -> anyhow::Result<f64>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let tasks: Vec<_> = (0..count).map(|number| tokio::spawn(work(number, began + time, Arc::clone(&done)))).collect();
    for task in tasks {
        task.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    Ok(done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

async fn plain_appends(server: &RedisServer, time: Duration) -> anyhow::Result<f64> {
    let client = redis::Client::open(server.url())?;
    let mut connections: Vec<MultiplexedConnection> = Vec::new();
    for _ in 0..4 {
        connections.push(client.get_multiplexed_async_connection().await?);
    }
    let text = serde_json::to_string(&*record())?;
    rate(WRITERS, time, |writer, until, done| {
        let mut connection = connections[usize::try_from(writer).unwrap_or(0) % connections.len()].clone();
        let text = text.clone();
        async move {
            let script = Script::new(PLAIN);
            let mut log = 0;
            while Instant::now() < until {
                log += 1;
                let (stream, meta) = (format!("{{p}}:{writer}:{log}:e"), format!("{{p}}:{writer}:{log}:m"));
                redis::cmd("HSET").arg(&meta).arg("epoch").arg(1).exec_async(&mut connection).await?;
                for head in 0..LOG {
                    let call = &mut script.key(&stream);
                    let call = call.key(&meta).arg(head).arg(1).arg(&text);
                    let (now, _): (u64, u64) = call.invoke_async(&mut connection).await?;
                    anyhow::ensure!(now == head + 1, "it is at {now}");
                    done.fetch_add(1, Ordering::Relaxed);
                    if Instant::now() >= until {
                        break;
                    }
                }
            }
            Ok(())
        }
    })
    .await
}

async fn appends(server: &RedisServer, time: Duration) -> anyhow::Result<f64> {
    let store = Arc::new(RedisStore::open(&server.url()).await?);
    rate(WRITERS, time, |writer, until, done| {
        let store = Arc::clone(&store);
        async move {
            while Instant::now() < until {
                let id = created(&*store, workflow()).await;
                let lease = claim(&*store, writer, Which::Only(std::slice::from_ref(&id))).await?.remove(0);
                for head in 1..=LOG {
                    store.append(append(&lease, head, After::Keep, Status::Running)).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                    if Instant::now() >= until {
                        break;
                    }
                }
            }
            Ok(())
        }
    })
    .await
}

/// Claim, renew, end.
async fn cycles(server: &RedisServer, time: Duration) -> anyhow::Result<f64> {
    let store = Arc::new(RedisStore::open(&server.url()).await?);
    let queued = usize::try_from(time.as_millis()).unwrap_or(0) * 12;
    let tasks: Vec<_> = (0..WRITERS)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                for _ in 0..queued / 64 {
                    created(&*store, workflow()).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    rate(WORKERS, time, |worker, until, done| {
        let store = Arc::clone(&store);
        async move {
            while Instant::now() < until {
                let Some(lease) = claim(&*store, worker, Which::Able(&Abilities::default())).await?.pop() else {
                    return Ok(());
                };
                store.renew(std::slice::from_ref(&lease.lease), Duration::from_secs(15)).await?;
                store.append(append(&lease, 1, After::Finish, Status::Completed)).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    })
    .await
}

async fn memory(count: u64) -> anyhow::Result<()> {
    let server = RedisServer::start();
    let store = RedisStore::open(&server.url()).await?;
    let used = || -> anyhow::Result<u64> {
        let info = server.command(&["INFO", "memory"]);
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        Ok(line.unwrap_or_default().trim().parse()?)
    };
    let before = used()?;
    for _ in 0..count / LOG + 1 {
        let id = created(&store, workflow()).await;
        let lease = claim(&store, 0, Which::Only(std::slice::from_ref(&id))).await?.remove(0);
        for head in 1..=LOG {
            store.append(append(&lease, head, After::Keep, Status::Running)).await?;
        }
    }
    let (bytes, text) = (used()? - before, store.info().await?.bytes);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let ratio = bytes as f64 / text as f64;
    println!(
        "A byte of text in logs of {LOG} records of {RECORD} bytes takes {ratio:.2} bytes of the server's memory."
    );
    Ok(())
}

async fn claim(store: &dyn Store, number: u64, which: Which<'_>) -> anyhow::Result<Vec<Lease>> {
    let worker = WorkerId(format!("worker-{number}").into());
    let ttl = Duration::from_secs(15);
    Ok(store.claim(Claim { worker: &worker, which, max: 1, ttl, cluster_max: None }).await?)
}

/// The next record of a leased log.
pub(crate) fn append(lease: &Lease, head: u64, after: After, status: Status) -> Append {
    Append {
        id: lease.lease.id.clone(),
        expected: Seq::new(head),
        lineage: Lineage::UNKNOWN,
        writer: Writer::Owner(lease.lease.epoch),
        append_id: u128::from(head) << 64 | u128::from(lease.lease.epoch.0),
        records: vec![record()],
        summary: summary(status),
        after,
    }
}
