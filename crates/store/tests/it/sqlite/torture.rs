//! Processes that write and are killed at any moment: what was acknowledged is there, once, in order, and the file is
//! sound. The process is this very test binary, asked to run the one ignored test below.

use std::{
    collections::HashMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use mcp_orchestrator_domain::Seq;
use mcp_orchestrator_store::{SqliteStore, Store};
use mcp_orchestrator_testkit::store_suite::{append, created, records, workflow};
use tokio::task::JoinSet;

/// Names the file to the process that writes.
const FILE: &str = "STORE_TO_WRITE";
const KILLS: u64 = 20;
const WRITERS: u64 = 8;

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut acknowledged: HashMap<String, u64> = HashMap::new();
    for kill in 0..KILLS {
        // From before the first commit to well into the work, a different moment each time.
        for (id, head) in write_until_killed(&path, kill * kill * 3) {
            let known = acknowledged.entry(id).or_default();
            *known = head.max(*known);
        }
        let store = SqliteStore::open(&path).await.unwrap();
        let checked = store.check().await.unwrap();
        assert_eq!(checked.findings, Vec::<String>::new(), "after kill {kill}");
    }
    assert!(acknowledged.len() as u64 > WRITERS && acknowledged.values().sum::<u64>() > 1_000, "little was tried");

    let store = SqliteStore::open(&path).await.unwrap();
    for (id, head) in &acknowledged {
        let id = id.parse().unwrap();
        let mut numbers = Vec::new();
        while let page = store.read(&id, Seq::new(numbers.len() as u64), 1_000).await.unwrap()
            && !page.records.is_empty()
        {
            numbers.extend(page.records.iter().map(|recorded| recorded.record.at.as_millis()));
        }
        assert!(numbers.len() as u64 >= *head, "{id} was acknowledged up to {head}, it has {}", numbers.len());
        assert!(numbers.iter().copied().eq(1..=numbers.len() as u64), "{id} has every record once: {numbers:?}");
    }
}

/// Lets a process write until it has acknowledged so many appends, and kills it. What it has said by then.
fn write_until_killed(path: &Path, appends: u64) -> Vec<(String, u64)> {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sqlite::torture::a_process_that_writes", "--ignored", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut killed = false;
    loop {
        if !killed && said.len() as u64 >= appends {
            writer.kill().unwrap();
            killed = true;
        }
        // After the kill, what was still on its way: it was acknowledged too.
        let Some(line) = lines.next() else { break };
        let Some(("acknowledged", rest)) = line.split_once(' ') else { continue };
        if let Some((id, head)) = rest.split_once(' ')
            && let Ok(head) = head.parse()
        {
            said.push((id.to_owned(), head));
        }
    }
    writer.wait().unwrap();
    assert!(killed, "the writer ended by itself");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the other half of the test above, which starts it in a process of its own"]
async fn a_process_that_writes() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let store = Arc::new(SqliteStore::open(path).await.unwrap());
    let mut writers = JoinSet::<()>::new();
    for number in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let name = format!("test_{:08x}{number:04x}", std::process::id());
            let mut id = created(&*store, named(&name, 0)).await;
            let (mut head, mut made) = (1, 1);
            loop {
                let count = 1 + head % 3;
                head = store.append(append(&id, head, records(head + 1..=head + count))).await.unwrap().seq.value();
                writeln!(std::io::stdout(), "acknowledged {id} {head}").unwrap();
                if head > 200 {
                    id = created(&*store, named(&name, made)).await;
                    (head, made) = (1, made + 1);
                }
            }
        });
    }
    // None of them ends but by a failure, which then ends the process.
    if let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
}

fn named(name: &str, made: u64) -> mcp_orchestrator_store::NewWorkflow {
    mcp_orchestrator_store::NewWorkflow { id: format!("{name}{made:04x}").parse().unwrap(), ..workflow() }
}
