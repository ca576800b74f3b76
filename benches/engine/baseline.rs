//! What the same work costs without the engine: the calls alone, and the appends alone.

use std::{
    fs::File,
    io::Write as _,
    sync::{Arc, mpsc},
    thread,
};

use tokio::{sync::oneshot, task::JoinSet};

use crate::{
    instant::answer,
    measure::{Cost, Watch},
    workload::{Load, runtime},
};

/// Appends written by one commit at most, as in the SQLite store.
const COMMIT_MAX: usize = 512;

/// One task per workflow that spawns as many tasks as the workflow makes calls and gathers what they say.
pub(crate) fn fan_out(load: &Load) -> anyhow::Result<Cost> {
    let calls = usize::from(load.agents) + usize::from(load.agents) / 5 + 2;
    runtime()?.block_on(async {
        let watch = Watch::start();
        let mut running = JoinSet::new();
        for _ in 0..load.workflows {
            while running.len() >= load.in_flight {
                running.join_next().await.transpose()?;
            }
            running.spawn(async move {
                let mut agents: JoinSet<String> = (0..calls).map(|_| async { answer() }).collect();
                let mut said = 0;
                while let Some(Ok(text)) = agents.join_next().await {
                    said += text.len();
                }
                said
            });
        }
        while let Some(done) = running.join_next().await {
            anyhow::ensure!(done? > 0, "nothing was said");
        }
        Ok(watch.stop())
    })
}

/// Writes the same appends to a file: one writer thread, as many appends in a commit as wait, each acknowledged after
/// `fdatasync`.
pub(crate) fn bare_log(load: &Load, appends: &[usize]) -> anyhow::Result<Cost> {
    let folder = tempfile::tempdir()?;
    let file = File::create(folder.path().join("log"))?;
    let (to_writer, inbox) = mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>();
    let writer = thread::spawn(move || write(file, &inbox));
    let appends: Arc<[usize]> = appends.into();
    let cost = runtime()?.block_on(async {
        let watch = Watch::start();
        let mut running = JoinSet::new();
        for _ in 0..load.workflows {
            while running.len() >= load.in_flight {
                running.join_next().await.transpose()?.transpose()?;
            }
            let (to_writer, appends) = (to_writer.clone(), Arc::clone(&appends));
            running.spawn(async move {
                for bytes in appends.iter() {
                    let (done, written) = oneshot::channel();
                    to_writer.send((vec![b'x'; *bytes], done))?;
                    written.await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        anyhow::Ok(watch.stop())
    })?;
    drop(to_writer);
    writer.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    Ok(cost)
}

fn write(mut file: File, inbox: &mpsc::Receiver<(Vec<u8>, oneshot::Sender<()>)>) -> anyhow::Result<()> {
    let mut buffer = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(first) = inbox.recv() {
        buffer.clear();
        for (bytes, done) in std::iter::once(first).chain(inbox.try_iter()).take(COMMIT_MAX) {
            buffer.extend_from_slice(&bytes);
            waiting.push(done);
        }
        file.write_all(&buffer)?;
        file.sync_data()?;
        waiting.drain(..).for_each(|done| {
            let _ = done.send(());
        });
    }
    Ok(())
}
