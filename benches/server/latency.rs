//! How long an event is on its way: from the moment its append is acknowledged until a client has read its last byte.
//! Server and measured clients are one process, so that one clock serves; clients that only wait are another.

use std::{sync::Arc, time::Instant};

use mcp_orchestrator::{Cursor, WorkflowId};
use tokio::{sync::watch, task::JoinSet};

use crate::{
    child::Child,
    client::Reader,
    idle,
    measure::Watch,
    provider::Paced,
    quantile,
    role::{Kind, Role, raise_open_files},
    site::Site,
    submit::draft,
    timed_store::{Moments, Timed},
};

/// Events of a case, at least.
const EVENTS_MIN: usize = 1_000;
/// The same for a run that only has to work.
const QUICK_EVENTS_MIN: usize = 10;
/// Open files beside the readers' connections.
const FILES_BESIDE: u64 = 500;

/// Readers of the workflow that is looked at, and readers that wait for other workflows.
struct Case {
    readers: usize,
    idle: usize,
}

/// Prints the table.
pub(crate) fn print(quick: bool) -> anyhow::Result<()> {
    let files = raise_open_files()?;
    let (events, idle): (_, &[usize]) =
        if quick { (QUICK_EVENTS_MIN, &[0, 20]) } else { (EVENTS_MIN, &[0, 100, 10_000]) };
    println!("an event over SSE, SQLite, from the acknowledged append to the client; at least {events} events a case");
    println!(
        "{:>8} {:>12} {:>9} {:>9} {:>8} {:>8} {:>8} {:>14}",
        "readers", "idle beside", "events", "received", "p50 us", "p99 us", "x first", "CPU us/event"
    );
    let mut first = None;
    for case in idle.iter().map(|idle| Case { readers: 1, idle: *idle }).chain([Case { readers: 100, idle: 0 }]) {
        if u64::try_from(case.idle)? + FILES_BESIDE > files {
            println!("{:>8} {:>12}  left out: this process may have {files} open files", case.readers, case.idle);
            continue;
        }
        let Seen { events, mut waits, cpu_us } = crate::runtime()?.block_on(seen(&case, events))?;
        waits.sort_by(f64::total_cmp);
        let p50 = quantile(&waits, 0.5);
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let each = cpu_us / events as f64;
        println!(
            "{:>8} {:>12} {:>9} {:>9} {:>8.0} {:>8.0} {:>8.2} {:>14.0}",
            case.readers,
            case.idle,
            events,
            waits.len(),
            p50,
            quantile(&waits, 0.99),
            p50 / *first.get_or_insert(p50),
            each,
        );
    }
    println!("CPU: of the process with engine, store, server and the readers of the row.");
    Ok(())
}

struct Seen {
    events: usize,
    waits: Vec<f64>,
    cpu_us: f64,
}

async fn seen(case: &Case, events_min: usize) -> anyhow::Result<Seen> {
    let (folder, moments) = (tempfile::tempdir()?, Arc::new(Moments::default()));
    let store: Arc<Timed> = Arc::new(Timed::new(Kind::Sqlite.open(folder.path()).await?, Arc::clone(&moments)));
    let gate = watch::Sender::new(false);
    let site = Site::start(store.clone(), Paced::new(gate.subscribe())?).await?;
    idle::create(&site, store.as_ref(), case.idle).await?;
    let waiting = Role::Readers { address: site.address, count: case.idle };
    let waiting = tokio::task::spawn_blocking(move || Child::start(&waiting)).await??;

    let mut seen = Seen { events: 0, waits: Vec::new(), cpu_us: 0.0 };
    while seen.events < events_min {
        gate.send_replace(false);
        let id = site.handle.submit(draft()).await?;
        let mut readers = JoinSet::new();
        let mut open = Vec::new();
        for _ in 0..case.readers {
            let mut reader = Reader::open(site.address, &id).await?;
            // It has caught up with what was there, and is told what is new from here on.
            reader.next().await?;
            open.push(reader);
        }
        let watch = Watch::start();
        let from = Instant::now();
        gate.send_replace(true);
        open.into_iter().for_each(|reader| drop(readers.spawn(read_to_end(reader))));
        let mut received = Vec::new();
        while let Some(read) = readers.join_next().await {
            received.push(read??);
        }
        seen.cpu_us += watch.stop().cpu_us;
        for (at, read) in received.into_iter().enumerate() {
            let waits = waits(&moments, &id, from, &read)?;
            if at == 0 {
                seen.events += waits.len();
            }
            seen.waits.extend(waits);
        }
    }
    tokio::task::spawn_blocking(move || waiting.end()).await??;
    site.stop().await?;
    Ok(seen)
}

/// Ids of events and when they were there, until the stream ends.
async fn read_to_end(mut reader: Reader) -> anyhow::Result<Vec<(Cursor, Instant)>> {
    let mut read = Vec::new();
    loop {
        let event = reader.next().await?;
        read.push((event.id.parse()?, Instant::now()));
        if event.name == "stream_closed" {
            return Ok(read);
        }
    }
}

/// Microseconds of each event that was appended after a moment. A reader can have it before the append's caller is told,
/// which counts as nothing.
fn waits(moments: &Moments, id: &WorkflowId, from: Instant, read: &[(Cursor, Instant)]) -> anyhow::Result<Vec<f64>> {
    let mut waits = Vec::with_capacity(read.len());
    for (cursor, at) in read {
        // An event in the middle of a record carries the position before it.
        let seq = cursor.seq().value() + u64::from(cursor.seen_of_next() > 0);
        // The records a workflow is made with are no append.
        let Some(appended) = moments.of(id, seq) else { continue };
        if appended >= from {
            waits.push(at.saturating_duration_since(appended).as_secs_f64() * 1e6);
        }
    }
    anyhow::ensure!(!waits.is_empty(), "{id} had no event");
    Ok(waits)
}
