//! Logs that this version's strategies wrote, one of each story: whatever comes later reads them, and goes on from any place of
//! them to the same end. A file is written once and never changed; a strategy that plans otherwise has a new version, and then
//! a further file.
//!
//! `ORCHESTRATOR_GOLDEN=write cargo test -p mcp-orchestrator-tests golden` writes the files that are not there.

use std::{fs, path::PathBuf, sync::Arc};

use mcp_orchestrator::domain::{Record, Recorded, Seq};
use mcp_orchestrator_domain::{Workflow, WorkflowId};
use mcp_orchestrator_store::{MemoryStore, Needs, NewWorkflow, Store, Summary};

use super::{
    killer::Killer,
    life::{Client, live},
    place::{Memory, Place},
    point::{runtime, whole_log},
    story::{self, Story},
};

/// Set to `write`, it writes the files that are not there.
const WRITE: &str = "ORCHESTRATOR_GOLDEN";

#[test]
fn logs_of_this_version_are_read_and_continued_from_every_place() {
    let stories = [
        story::beltalowda(),
        story::swarm(),
        story::sequential(),
        story::conditional(),
        story::iterative(),
        story::custom_with_a_question(),
        story::hedged(),
        story::cancelled_meanwhile(),
    ];
    for story in stories {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("it/crash/golden/{}-v1.jsonl", story.name));
        if std::env::var(WRITE).is_ok_and(|mode| mode == "write") && !path.exists() {
            fs::write(&path, written(&story)).unwrap();
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut appends = text.trim_end().split("\n\n");
        let id: WorkflowId = appends.next().unwrap().parse().unwrap();
        let mut records: Vec<Arc<Record>> = Vec::new();
        let mut places = Vec::new();
        for append in appends {
            records.extend(append.lines().map(|line| Arc::new(serde_json::from_str::<Record>(line).unwrap())));
            places.push(records.len());
        }
        places.pop();
        let ended = folded(&id, &records);
        assert!(ended.status().is_terminal(), "{}", story.name);
        for place in places {
            let status = continued(&story, &id, &records[..place]);
            assert_eq!(status, ended.status(), "{} continued after record {place}", story.name);
        }
    }
}

/// A story's log, as this version writes it: the workflow, then its records, with an empty line after each append. What was
/// appended at once is there whole or not at all.
fn written(story: &Story) -> String {
    let client = Client::default();
    runtime().block_on(async {
        let store = Memory::fresh().open().await;
        let life = live(story, store.clone(), &client, Killer::new(None)).await;
        let row = life.row.unwrap();
        let mut text = row.id.to_string();
        for recorded in whole_log(&*store, &row.id).await {
            let is_first = recorded.seq.value() == 1 || life.ends.contains(&(recorded.seq.value() - 1));
            text.push_str(if is_first { "\n\n" } else { "\n" });
            text.push_str(&serde_json::to_string(recorded.record.as_ref()).unwrap());
        }
        text.push('\n');
        text
    })
}

/// How a workflow ends that a worker takes over after these records, held against everything promised.
fn continued(story: &Story, id: &WorkflowId, records: &[Arc<Record>]) -> mcp_orchestrator::Status {
    let workflow = folded(id, records);
    let new = NewWorkflow {
        id: id.clone(),
        principal: workflow.principal().clone(),
        pattern: workflow.request().pattern.clone(),
        needs: Needs::default(),
        priority: workflow.request().priority,
        idempotency: None,
        records: records.to_vec(),
        summary: Summary {
            status: workflow.status(),
            title: workflow.request().title.as_str().into(),
            task: "A task".into(),
            progress: *workflow.progress(),
            started: workflow.started(),
            finished: None,
            failure: None,
            forked_from: None,
            poisoned: workflow.poisoned(),
        },
        reserved_for: None,
        queue_max: None,
    };
    let client = Client::of(id.clone());
    runtime().block_on(async {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        store.create(new).await.unwrap();
        let row = live(story, store.clone(), &client, Killer::new(None)).await.row.unwrap();
        let log = whole_log(&*store, id).await;
        let kept = log.iter().zip(records).filter(|(now, then)| now.record == **then).count();
        assert_eq!(kept, records.len(), "{}: what was written stays", story.name);
        row.summary.status
    })
}

fn folded(id: &WorkflowId, records: &[Arc<Record>]) -> Workflow {
    let recorded = |(seq, record): (u64, &Arc<Record>)| Recorded { seq: Seq::new(seq), record: Arc::clone(record) };
    let log: Vec<Recorded> = (1..).zip(records).map(recorded).collect();
    Workflow::fold(id.clone(), &log).unwrap().unwrap()
}
