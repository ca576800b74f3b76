//! What the SQLite store costs: durable appends of many writers beside a bare log on the same disk, one thread that writes
//! what waits, syncs it and acknowledges it. Prints a table; asserts no time.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "store/record.rs"]
mod record;

use std::{
    fs::File,
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use mcp_orchestrator_domain::{Seq, Status};
use mcp_orchestrator_store::{After, Append, Claim, Lineage, SqliteStore, Store, Which, WorkerId, Writer};
use mcp_orchestrator_testkit::store_suite::{created, summary, workflow};
use tokio::{sync::oneshot, task::JoinSet};

use record::{RECORD, record};

/// Writers at once, each of a log of its own.
const WRITERS: u64 = 64;
/// Records after which a writer begins another log.
const LOG: u64 = 200;
/// Measurements of each kind, one of ours after one of theirs.
const ROUNDS: usize = 5;
/// Appends of the bare log in one commit, and waiting for the next.
const COMMIT_MAX: usize = 256;

/// What the bare log is handed: an append, and whom to tell.
type Written = (Vec<u8>, oneshot::Sender<()>);

fn main() -> anyhow::Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick" || argument == "--test");
    let (time, rounds) = if quick { (Duration::from_millis(50), 1) } else { (Duration::from_secs(2), ROUNDS) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut measured = Vec::new();
    for _ in 0..rounds {
        let folder = tempfile::tempdir()?;
        let bare = runtime.block_on(bare_appends(folder.path(), time))?;
        let ours = runtime.block_on(appends(folder.path(), time))?;
        measured.push((ours / bare, bare, ours));
    }
    measured.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (lowest, highest) = (measured[0].0, measured[measured.len() - 1].0);
    let (ratio, bare, ours) = measured[measured.len() / 2];
    println!(
        "{WRITERS} writers, records of {RECORD} bytes, each synced before it is acknowledged; median of {rounds}\n"
    );
    println!("| bare log, appends/s | the store, appends/s | ratio | lowest and highest |");
    println!("|---|---|---|---|");
    println!("| {bare:.0} | {ours:.0} | {ratio:.2} | {lowest:.2}, {highest:.2} |");
    Ok(())
}

/// How many a second all writers make.
async fn rate<F>(time: Duration, work: impl Fn(u64, Instant, Arc<AtomicU64>) -> F) -> anyhow::Result<f64>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        writers.spawn(work(number, began + time, Arc::clone(&done)));
    }
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    Ok(done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

async fn bare_appends(folder: &Path, time: Duration) -> anyhow::Result<f64> {
    let file = File::create(folder.join("bare.log"))?;
    let (to_writer, inbox) = mpsc::sync_channel::<Written>(COMMIT_MAX);
    let writer = thread::spawn(move || write(file, &inbox));
    let text = serde_json::to_vec(&*record())?;
    let rate = rate(time, |_, until, done| {
        let (to_writer, text) = (to_writer.clone(), text.clone());
        async move {
            while Instant::now() < until {
                let (tell, written) = oneshot::channel();
                to_writer.send((text.clone(), tell))?;
                written.await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    })
    .await?;
    drop(to_writer);
    writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    Ok(rate)
}

fn write(mut file: File, inbox: &mpsc::Receiver<Written>) -> std::io::Result<()> {
    let (mut buffer, mut waiting) = (Vec::new(), Vec::new());
    while let Ok(first) = inbox.recv() {
        buffer.clear();
        for (text, tell) in std::iter::once(first).chain(inbox.try_iter()).take(COMMIT_MAX) {
            buffer.extend_from_slice(&text);
            waiting.push(tell);
        }
        file.write_all(&buffer)?;
        file.sync_data()?;
        for tell in waiting.drain(..) {
            // Whoever is gone needs no answer.
            let _ = tell.send(());
        }
    }
    Ok(())
}

async fn appends(folder: &Path, time: Duration) -> anyhow::Result<f64> {
    let store = Arc::new(SqliteStore::open(folder.join("store.db")).await?);
    let rate = rate(time, |number, until, done| {
        let store = Arc::clone(&store);
        async move {
            let worker = WorkerId(format!("worker-{number}").into());
            let ttl = Duration::from_secs(15);
            while Instant::now() < until {
                let id = created(&*store, workflow()).await;
                let which = Which::Only(std::slice::from_ref(&id));
                let claim = Claim { worker: &worker, which, max: 1, ttl, cluster_max: None };
                let lease = store.claim(claim).await?.pop().ok_or_else(|| anyhow::anyhow!("it was not given"))?;
                for head in 1..=LOG {
                    let append = Append {
                        id: id.clone(),
                        expected: Seq::new(head),
                        lineage: Lineage::UNKNOWN,
                        writer: Writer::Owner(lease.lease.epoch),
                        append_id: u128::from(head) << 64 | u128::from(lease.lease.epoch.0),
                        records: vec![record()],
                        summary: summary(Status::Running),
                        after: After::Keep,
                    };
                    store.append(append).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                    if Instant::now() >= until {
                        break;
                    }
                }
            }
            Ok(())
        }
    })
    .await?;
    store.close().await;
    Ok(rate)
}
