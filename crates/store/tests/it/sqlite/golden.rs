//! What was once written can always be read. `golden/records-v1.jsonl` is what releases of version 1 wrote: lines are
//! added to it, never changed. What is written now is a snapshot: a change of it is looked at, and is additive.

use std::collections::BTreeSet;

use mcp_orchestrator_domain::{Event, Record, Seq};
use mcp_orchestrator_store::{NewWorkflow, Store};
use mcp_orchestrator_testkit::store_suite::{Dial, created, record, workflow};

use super::open;

const WRITTEN_BY_VERSION_1: &str = include_str!("../golden/records-v1.jsonl");

#[tokio::test]
async fn what_version_1_wrote_is_read_and_can_be_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path, &Dial::new()).await;
    let lines: Vec<&str> = WRITTEN_BY_VERSION_1.lines().collect();
    let placeholders = lines.iter().map(|_| record(1)).collect();
    let old = created(&store, NewWorkflow { records: placeholders, ..workflow() }).await;
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute("UPDATE entry SET data = ?1", [WRITTEN_BY_VERSION_1.trim_end()]).unwrap();

    let page = store.read(&old, Seq::ZERO, 1000).await.unwrap();
    assert_eq!(page.records.len(), lines.len());
    let records = page.records.iter().map(|recorded| recorded.record.clone()).collect();
    let new = created(&store, NewWorkflow { records, ..workflow() }).await;
    assert_eq!(store.read(&new, Seq::ZERO, 1000).await.unwrap(), page);

    let select = "SELECT data FROM entry JOIN workflow USING (wid) WHERE id = ?1";
    let written: String = file.query_row(select, [new.as_str()], |row| row.get(0)).unwrap();
    insta::assert_snapshot!("records", written);

    let seen: BTreeSet<u8> = page.records.iter().map(|recorded| number(&recorded.record)).collect();
    assert_eq!(seen, (0..21).collect(), "every event has a line");
}

/// Numbers the events so that a new one does not compile until it is here, and has a line there.
fn number(record: &Record) -> u8 {
    match &record.event {
        Event::Submitted(_) => 0,
        Event::Forked(_) => 1,
        Event::Started(_) => 2,
        Event::StepPlanned(_) => 3,
        Event::CallStarted(_) => 4,
        Event::CallCompleted(_) => 5,
        Event::CallFailed(_) => 6,
        Event::CallAbandoned(_) => 7,
        Event::StepCompleted(_) => 8,
        Event::StepFailed(_) => 9,
        Event::InputRequested(_) => 10,
        Event::InputGiven(_) => 11,
        Event::TimerFired(_) => 12,
        Event::CancelRequested(_) => 13,
        Event::ReportChecked(_) => 14,
        Event::DocumentsWritten(_) => 15,
        Event::Completed(_) => 16,
        Event::Failed(_) => 17,
        Event::Cancelled(_) => 18,
        Event::Poisoned(_) => 19,
        Event::Revived(_) => 20,
    }
}

#[tokio::test]
async fn rows_are_written_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path, &Dial::new()).await;
    let mut new = workflow();
    new.needs.provider = Some("extractive".parse().unwrap());
    new.needs.tools = vec!["corpus_search".parse().unwrap()];
    new.summary.failure = Some(mcp_orchestrator_domain::Failure::new(
        mcp_orchestrator_domain::FailureClass::NoResult,
        "every agent failed",
    ));
    created(&store, new).await;
    let file = rusqlite::Connection::open(&path).unwrap();
    let row: (String, String) = file
        .query_row("SELECT needs, summary FROM workflow JOIN state USING (wid)", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    insta::assert_snapshot!("workflow_row", format!("{}\n{}", row.0, row.1));
    let schema: Vec<String> = file
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let page_bytes: i64 = file.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    insta::assert_snapshot!("schema", format!("{}\npages of {page_bytes} bytes", schema.join("\n")));
}
