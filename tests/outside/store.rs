//! A store that fails: whoever waits is told, that workflow does not go on here, and a sibling completes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::TryStreamExt;
use mcp_orchestrator::{Cursor, Error, Handle, MemoryStore, Orchestrator, Status, WorkflowId, store::StoreError};

use crate::parts::{Does, FlakyStore, Harbour, Solo, Teller, ask, soon};

/// An engine on a store that fails as told.
fn engine_on(fault: impl Fn(Does, Option<&WorkflowId>, usize) -> Option<StoreError> + Send + Sync + 'static) -> Handle {
    Orchestrator::builder(FlakyStore::new(Arc::new(MemoryStore::new()), fault))
        .with_provider(Teller::new("teller"))
        .with_strategy(Solo::new("solo"))
        .with_strategy(Solo::new("doomed"))
        .with_tool(Harbour::new("tides"))
        .build()
        .unwrap()
        .start()
}

fn is_doomed(id: Option<&WorkflowId>) -> bool {
    id.is_some_and(|id| id.as_str().starts_with("doomed"))
}

fn lost() -> StoreError {
    StoreError::Full("as the test says".to_owned())
}

#[tokio::test]
async fn a_submission_the_store_refuses_starts_nothing() {
    let handle = engine_on(|does, id, _| (does == Does::Create && is_doomed(id)).then(lost));
    assert!(matches!(handle.submit(ask("doomed")).await, Err(Error::Store(StoreError::Full(_)))));
    let id = handle.submit(ask("solo")).await.unwrap();
    assert_eq!(soon(handle.settled(&id)).await.unwrap().summary.status, Status::Completed);
    assert_eq!(handle.list(Default::default()).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn whichever_append_fails_who_waits_is_told_and_a_sibling_completes() {
    for nth in 0..4 {
        let appended = std::sync::atomic::AtomicUsize::new(0);
        let handle = engine_on(move |does, id, _| {
            let fails = does == Does::Append && is_doomed(id) && appended.fetch_add(1, Ordering::Relaxed) >= nth;
            fails.then(lost)
        });
        let doomed = handle.submit(ask("doomed")).await.unwrap();
        let sibling = handle.submit(ask("solo")).await.unwrap();
        let told = soon(handle.settled(&doomed)).await;
        assert!(matches!(told, Err(Error::Store(StoreError::Full(_)))), "append {nth}: {told:?}");
        assert!(!handle.status(&doomed).await.unwrap().summary.status.is_terminal());
        assert_eq!(soon(handle.settled(&sibling)).await.unwrap().summary.status, Status::Completed);
        soon(handle.shutdown(Duration::from_secs(5))).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_that_is_away_for_a_moment_harms_nobody() {
    let handle = engine_on(|does, _, before| {
        let away = (does == Does::Append && before % 3 == 1) || (does == Does::PutBlob && before % 2 == 0);
        away.then(|| StoreError::Unavailable("for a moment".to_owned()))
    });
    let id = handle.submit(ask("solo")).await.unwrap();
    assert_eq!(soon(handle.settled(&id)).await.unwrap().summary.status, Status::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_that_takes_no_blob_is_an_answer_the_workflow_lives_with() {
    let handle = engine_on(|does, _, _| (does == Does::PutBlob).then(lost));
    let id = handle.submit(ask("solo")).await.unwrap();
    let row = soon(handle.settled(&id)).await;
    let told = match row {
        Ok(row) => row.summary.failure.map(|failure| failure.message).unwrap_or_default(),
        Err(error) => error.to_string(),
    };
    assert!(told.contains("as the test says"), "{told:?}");
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_an_error_for_its_reader_only() {
    let broken = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&broken);
    let handle = engine_on(move |does, _, _| (does == Does::Read && seen.load(Ordering::Relaxed)).then(lost));
    let id = handle.submit(ask("solo")).await.unwrap();
    soon(handle.settled(&id)).await.unwrap();
    broken.store(true, Ordering::Relaxed);
    let events: Result<Vec<_>, _> = handle.events(&id, Cursor::START).await.unwrap().try_collect().await;
    assert!(events.unwrap_err().to_string().contains("as the test says"));
    assert!(matches!(handle.results(&id).await, Err(Error::Store(StoreError::Full(_)))));
    assert!(handle.status(&id).await.is_ok());
    broken.store(false, Ordering::Relaxed);
    assert!(handle.results(&id).await.unwrap().report().is_ok());
}

#[tokio::test]
async fn a_store_that_panics_ends_the_run_that_asked_it() {
    let handle = engine_on(|does, id, _| {
        assert!(!(does == Does::Append && is_doomed(id)), "as the test says");
        None
    });
    let doomed = handle.submit(ask("doomed")).await.unwrap();
    let told = soon(handle.settled(&doomed)).await.unwrap_err();
    assert!(told.to_string().contains("panicked: as the test says"), "{told}");
    let sibling = handle.submit(ask("solo")).await.unwrap();
    assert_eq!(soon(handle.settled(&sibling)).await.unwrap().summary.status, Status::Completed);
}

#[tokio::test]
async fn a_store_that_panics_or_fails_under_the_worker_is_asked_again() {
    let handle = engine_on(|does, _, before| match does {
        Does::Show => panic!("as the test says"),
        Does::Claim | Does::WaitWork if before == 0 => panic!("as the test says"),
        Does::Claim if before == 1 => Some(StoreError::Unavailable("as the test says".to_owned())),
        _ => None,
    });
    for _ in 0..2 {
        let id = handle.submit(ask("solo")).await.unwrap();
        assert_eq!(soon(handle.settled(&id)).await.unwrap().summary.status, Status::Completed);
    }
}
