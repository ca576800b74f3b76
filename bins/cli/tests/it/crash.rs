//! `kill -9` at every event of a workflow: what was answered is never asked again.

use std::{collections::HashSet, path::Path, time::Duration};

use mcp_orchestrator_domain::{Event, Payload, Recorded, Reply, Seq, Status, WorkflowId};
use mcp_orchestrator_store::{ListFilter, SqliteStore, Store as _};

use mcp_orchestrator_testkit::ModelServer;

use crate::setup::Home;

const DATABASE: &str = ".local/share/mcp-orchestrator/orchestrator.db";
const RESEARCH: [&str; 11] = [
    "research",
    "How does a workflow survive a crash?",
    "--corpus",
    "docs",
    "--provider",
    "vllm",
    "--agents",
    "3",
    "--group-size",
    "2",
    "--quiet",
];

/// What one kill showed.
struct Killed {
    records: usize,
    /// Answered before the kill and asked again after it.
    repeated_finished: usize,
    /// On its way at the kill and asked again after it: paid for twice at most.
    repeated_open: usize,
}

#[test]
fn after_a_kill_at_any_event_no_finished_call_is_made_again() {
    let server = ModelServer::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let whole = runtime.block_on(async {
        let home = Home::with_docs();
        home.command(&RESEARCH).env("VLLM_BASE_URL", server.base_url()).status().unwrap();
        log(&home.path(DATABASE)).await.1.len()
    });
    assert!(whole > 30, "a workflow with tools has more than {whole} records");
    let killed: Vec<Killed> = (1..=whole as u64).map(|at| runtime.block_on(kill_at(&server, at))).collect();
    let finished: usize = killed.iter().map(|killed| killed.repeated_finished).sum();
    let open: usize = killed.iter().map(|killed| killed.repeated_open).sum();
    let places: HashSet<usize> = killed.iter().map(|killed| killed.records).collect();
    println!(
        "{whole} kills at {} places: {finished} finished calls repeated, {open} calls in flight repeated",
        places.len()
    );
    assert_eq!(finished, 0);
    // The same test would see a repetition: calls in flight are repeated, and word for word.
    assert!(open > 0);
}

/// Kills a run once its log has so many records, lets another process finish it, and compares what the server was asked.
async fn kill_at(server: &ModelServer, at: u64) -> Killed {
    let home = Home::with_docs();
    let before = server.requests().len();
    let mut child = home.start(home.command(&RESEARCH).env("VLLM_BASE_URL", server.base_url()));
    wait_for(&home.path(DATABASE), at).await;
    child.kill().unwrap();
    child.wait().unwrap();

    let (id, killed) = log(&home.path(DATABASE)).await;
    let asked_before = server.requests();
    let ended = killed.last().is_some_and(|last| last.record.event.is_terminal());
    if !ended {
        home.command(&["resume", "--quiet"]).env("VLLM_BASE_URL", server.base_url()).status().unwrap();
    }
    let store = SqliteStore::open(home.path(DATABASE)).await.unwrap();
    let row = store.get(&id).await.unwrap().unwrap();
    assert_eq!(row.summary.status, Status::Completed, "killed at {at}: {:?}", row.summary.failure);
    store.close().await;

    let answered: HashSet<&String> = killed.iter().filter_map(answer).map(|request| &asked_before[request]).collect();
    let asked_again = server.requests().split_off(asked_before.len());
    let asked_once: HashSet<&String> = asked_before[before..].iter().collect();
    Killed {
        records: killed.len(),
        repeated_finished: asked_again.iter().filter(|body| answered.contains(body)).count(),
        repeated_open: asked_again.iter().filter(|body| !answered.contains(body) && asked_once.contains(body)).count(),
    }
}

/// The request a stored answer answers.
fn answer(recorded: &Recorded) -> Option<usize> {
    let Event::CallCompleted(completed) = &recorded.record.event else { return None };
    let Payload::Inline(json) = &completed.output else { return None };
    serde_json::from_str::<Reply>(json).ok()?.request_id?.parse().ok()
}

async fn wait_for(database: &Path, records: u64) {
    let seen = async {
        while !database.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The file exists before its tables do.
        let store = loop {
            match SqliteStore::open(database).await {
                Ok(store) => break store,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        loop {
            let rows = store.list(&ListFilter::default()).await.unwrap();
            // A run may take a record less than the first one did; its end is then the place.
            if rows.first().is_some_and(|row| row.head >= Seq::new(records) || row.summary.status.is_terminal()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        store.close().await;
    };
    if tokio::time::timeout(Duration::from_secs(60), seen).await.is_err() {
        let store = SqliteStore::open(database).await;
        let rows = match &store {
            Ok(store) => format!("{:?}", store.list(&ListFilter::default()).await),
            Err(error) => error.to_string(),
        };
        panic!("no {records} records within a minute: {rows}");
    }
}

async fn log(database: &Path) -> (WorkflowId, Vec<Recorded>) {
    let store = SqliteStore::open(database).await.unwrap();
    let rows = store.list(&ListFilter::default()).await.unwrap();
    let id = rows[0].id.clone();
    let page = store.read(&id, Seq::ZERO, 1000).await.unwrap();
    store.close().await;
    (id, page.records)
}

#[test]
fn a_workflow_that_every_process_dies_of_is_held_back_until_somebody_resumes_it() {
    let deadly = ModelServer::thinking(Duration::from_secs(3600));
    let home = Home::with_docs();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut id: Option<WorkflowId> = None;
    // The first one plans a step, which the others need not do again: it is not counted.
    for death in 1..=6 {
        let resume = id.as_ref().map(|id| ["resume", id.as_str(), "--quiet"]);
        // A named model is not looked for first.
        let research = [&RESEARCH[..], &["--model", "tiny"]].concat();
        let mut command = home.command(resume.as_ref().map_or(&research[..], |resume| &resume[..]));
        let mut child = home.start(command.env("VLLM_BASE_URL", deadly.base_url()));
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while deadly.requests().len() < death {
            assert!(std::time::Instant::now() < until, "process {death} does not ask");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        id = Some(runtime.block_on(log(&home.path(DATABASE))).0);
    }
    let id = id.unwrap().to_string();
    let deadly_url = deadly.base_url();
    let held = home.run_with(&[("VLLM_BASE_URL", &deadly_url)], &["resume", &id, "--quiet"]).ended(75);
    assert!(held.err.contains("is held back") && held.err.contains("5 workers in a row"), "{}", held.err);
    assert_eq!(deadly.requests().len(), 6, "nobody is asked for it");
    assert!(home.run(&["list"]).ended(0).out.contains("waiting (poison)"));
    let status = home.run(&["status", &id]).ended(0).out;
    assert!(status.contains("held back") && status.contains(&format!("mcp-orchestrator resume {id}")), "{status}");
    assert_eq!(home.run(&["status", &id, "--json"]).ended(0).json_lines()[0]["waiting"]["reason"], "poison");
    assert!(home.run(&["events", &id]).ended(0).out.contains("workflow_poisoned"));
    // Without an id only what goes on by itself is resumed.
    assert!(home.run(&["resume"]).ended(0).err.contains("nothing is unfinished"));

    let healthy = ModelServer::start();
    let healthy_url = healthy.base_url();
    home.run_with(&[("VLLM_BASE_URL", &healthy_url)], &["resume", &id, "--quiet"]).ended(0);
    assert!(home.run(&["status", &id]).ended(0).out.contains("completed"));
}
