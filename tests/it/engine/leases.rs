//! Leases: who lost one stops at once, and what several engines run together has a bound.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mcp_orchestrator::WorkerMode;
use mcp_orchestrator_domain::{CallNo, Event, Role, Seq, Status, WorkflowId};
use mcp_orchestrator_store::{MemoryStore, SqliteStore, Store, StoreError};
use mcp_orchestrator_testkit::{Act, ScriptedProvider, StoreCall, Tap, TappedStore, obliging, store_suite::Dial};

use super::harness::{Engine, research};

const LEASE: Duration = Duration::from_secs(15);

fn holding_agents() -> ScriptedProvider {
    ScriptedProvider::new(|asked| match asked.input.role {
        Role::Researcher => Act::Hold("found".to_owned()),
        _ => Act::Say(obliging(asked, 3)),
    })
}

/// The calls that were answered, as the log has them.
async fn answered(engine: &Engine, id: &WorkflowId) -> Vec<CallNo> {
    let log = engine.handle.records(id, Seq::ZERO, 1000).await.unwrap();
    let calls = log.iter().filter_map(|recorded| match &recorded.record.event {
        Event::CallCompleted(completed) => Some(completed.call),
        _ => None,
    });
    calls.collect()
}

/// A store that renews nothing, as for an engine that stands still: its lease runs out whatever the real time is, and it
/// learns from the log alone that it was taken.
struct NoRenewal;

#[async_trait]
impl Tap for NoRenewal {
    async fn before(&self, call: StoreCall<'_>) -> Result<(), StoreError> {
        match call {
            StoreCall::Renew => Err(StoreError::Unavailable("not now".to_owned())),
            _ => Ok(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_whose_lease_was_taken_stops_and_what_it_brings_late_counts_for_nothing() {
    let dial = Dial::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_now(dial.clock()));
    // With no room for a second one it does not claim its own again.
    let tapped = TappedStore::new(Arc::clone(&store), NoRenewal);
    let late = Engine::start_on(tapped, holding_agents(), |builder| builder.with_running_max(1));
    let id = late.submit(research(3)).await;
    late.until("three agents run", |provider| provider.running() == 3).await;
    late.until_recorded(&id, "call_started", 4).await;
    let asked = late.provider.asked().len();

    // As if it had stood still: its lease has run out, and another engine takes over.
    dial.turn(LEASE + Duration::from_secs(1));
    let next = Engine::start_on(store, holding_agents(), |builder| builder);
    next.until("the agents run there", |provider| provider.running() == 3).await;
    late.provider.release();
    late.until("its calls have ended", |provider| provider.running() == 0).await;
    next.provider.release();
    let row = next.handle.settled(&id).await.unwrap();
    assert_eq!(row.summary.status, Status::Completed);

    assert_eq!(late.provider.asked().len(), asked, "it asked nobody any more");
    let calls = answered(&next, &id).await;
    // The planner's by the first; three agents, and what follows from them, by the second.
    assert_eq!(calls.len(), 1 + next.provider.asked().len(), "{calls:?}");
    let log = next.handle.records(&id, Seq::ZERO, 1000).await.unwrap();
    let abandoned = log.iter().filter(|recorded| matches!(recorded.record.event, Event::CallAbandoned(_))).count();
    assert_eq!(abandoned, 3, "what the first was about to bring is not in the log");
    assert_eq!(late.handle.running(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_stops_its_calls_as_soon_as_the_log_says_that_another_has_the_workflow() {
    let dial = Dial::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::with_now(dial.clock()));
    let tapped = TappedStore::new(Arc::clone(&store), NoRenewal);
    let late = Engine::start_on(tapped, holding_agents(), |builder| builder.with_running_max(1));
    let id = late.submit(research(3)).await;
    late.until("three agents run", |provider| provider.running() == 3).await;
    late.until_recorded(&id, "call_started", 4).await;
    dial.turn(LEASE + Duration::from_secs(1));
    let next = Engine::start_on(store, holding_agents(), |builder| builder);
    // Its calls would never end by themselves.
    late.until("its calls are aborted", |provider| provider.running() == 0).await;
    next.until("the agents run there", |provider| provider.running() == 3).await;
    next.provider.release();
    assert_eq!(next.handle.settled(&id).await.unwrap().summary.status, Status::Completed);
    assert_eq!(late.provider.asked().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_reaches_an_engine_of_another_process_on_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let open = || async { Arc::new(SqliteStore::open(&path).await.unwrap()) };
    let runs = Engine::start_on(open().await, holding_agents(), |builder| builder);
    let other = Engine::start_on(open().await, ScriptedProvider::obliging(1), |builder| {
        builder.with_worker_mode(WorkerMode::None)
    });
    for _ in 0..5 {
        let id = runs.submit(research(3)).await;
        runs.until("the agents run", |provider| provider.running() == 3).await;
        other.handle.cancel(&id, "from afar").await.unwrap();
        let stored = Instant::now();
        runs.until("the calls are aborted", |provider| provider.running() == 0).await;
        println!("aborted {} ms after the cancellation was stored", stored.elapsed().as_millis());
        assert_eq!(runs.handle.settled(&id).await.unwrap().summary.status, Status::Cancelled);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_run_no_more_together_than_each_of_them_allows() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = |cap| Engine::start_on(Arc::clone(&store), holding_agents(), |builder| builder.with_cluster_max(cap));
    let engines = [engine(3), engine(3)];
    let running = || engines.iter().map(|engine| engine.provider.running()).sum::<usize>();
    let mut ids = Vec::new();
    for _ in 0..9 {
        ids.push(engines[0].submit(research(1)).await);
    }
    for round in 0..3 {
        engines[0].until("as many run as may", |_| running() == 3).await;
        let leased = async {
            let rows = store.list(&mcp_orchestrator_store::ListFilter::default()).await.unwrap();
            rows.iter().filter(|row| row.owner.is_some()).count()
        };
        assert_eq!(leased.await, 3, "in round {round}");
        for engine in &engines {
            engine.provider.release();
        }
        let ended = async {
            loop {
                let filter = mcp_orchestrator_store::ListFilter {
                    statuses: vec![Status::Completed],
                    ..mcp_orchestrator_store::ListFilter::default()
                };
                if store.list(&filter).await.unwrap().len() >= (round + 1) * 3 {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("three more have ended");
    }
    for id in &ids {
        assert_eq!(engines[1].handle.settled(id).await.unwrap().summary.status, Status::Completed);
    }
}

#[tokio::test]
async fn a_higher_number_holds_for_the_engine_that_was_given_it() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let engine = |cap| Engine::start_on(Arc::clone(&store), holding_agents(), |builder| builder.with_cluster_max(cap));
    let narrow = engine(1);
    let ids = [narrow.submit(research(1)).await, narrow.submit(research(1)).await];
    narrow.until("one runs", |provider| provider.running() == 1).await;
    let wide = engine(2);
    wide.until("the second runs at the new one", |provider| provider.running() == 1).await;
    assert_eq!(narrow.provider.running(), 1);
    narrow.provider.release();
    wide.provider.release();
    for id in &ids {
        assert_eq!(wide.handle.settled(id).await.unwrap().summary.status, Status::Completed);
    }
}
